package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"guichet/routing"
	"guichet/routing/words"
	"guichet/ticketing"
)

// TakeNumbers implements ticketing.Tickets.
func (n nouns) TakeNumbers(ctx context.Context, year, count int) (first int, err error) {
	last, err := n.count(ctx, "tickets:"+strconv.Itoa(year), int64(count))
	return int(last) - count + 1, err
}

// count adds to a counter and gives what it is then.
func (n nouns) count(ctx context.Context, name string, more int64) (value int64, err error) {
	err = n.read(ctx, &value, `INSERT INTO counters (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value`, name, more)
	return value, err
}

// AddTickets implements ticketing.Tickets.
func (n nouns) AddTickets(ctx context.Context, tickets []ticketing.Ticket) error {
	tickets = slices.Clone(tickets)
	for i := range tickets {
		keep(&tickets[i])
	}
	return insert(ctx, n, tickets, insertion{})
}

// keep brings the store's own columns of a ticket up to date.
func keep(t *ticketing.Ticket) {
	t.Search = words.Fold(t.Subject + " " + t.Preview)
	t.QueueOrder = nil
	if t.QueuedAt != nil {
		order := t.QueuedAt.AddDate(-100*t.Priority.Rank(), 0, 0)
		t.QueueOrder = &order
	}
}

// AddParticipants implements ticketing.Tickets.
func (n nouns) AddParticipants(ctx context.Context, participants []ticketing.Participant) error {
	sorted := slices.SortedStableFunc(slices.Values(participants), func(a, b ticketing.Participant) int {
		return cmp.Or(cmp.Compare(a.TicketID, b.TicketID), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return insert(ctx, n, sorted, insertion{conflict: "DO NOTHING"})
}

// AddLinks implements ticketing.Tickets.
func (n nouns) AddLinks(ctx context.Context, links []ticketing.Link) error {
	return insert(ctx, n, links, insertion{conflict: "DO NOTHING"})
}

// Ticket implements ticketing.Tickets.
func (n nouns) Ticket(ctx context.Context, year, number int) (t ticketing.Ticket, err error) {
	err = failed(n.locking().WithContext(ctx).Where("year = ? AND number = ?", year, number).Take(&t).Error)
	return t, err
}

// LockTickets implements ticketing.Tickets.
func (n nouns) LockTickets(ctx context.Context, ids []string) (tickets []ticketing.Ticket, err error) {
	err = n.locking().WithContext(ctx).Where(n.among("id", ids)).Order("id").Find(&tickets).Error
	return tickets, failed(err)
}

// locking makes what is read in a transaction stay as it is. SQLite has one writer, which a transaction of ours always is.
func (n nouns) locking() *gorm.DB { return n.locks("NO KEY UPDATE") }

// locks is locking with another strength. UPDATE also makes rows wait that are inserted with a reference to a locked one.
func (n nouns) locks(strength string) *gorm.DB {
	if !n.tx || n.db.engine != PostgreSQL {
		return n.orm
	}
	return n.orm.Clauses(clause.Locking{Strength: strength})
}

// TicketsByIDs implements ticketing.Tickets.
func (n nouns) TicketsByIDs(ctx context.Context, ids []string) (tickets []ticketing.Ticket, err error) {
	err = n.orm.WithContext(ctx).Where(n.among("id", ids)).Order("id").Find(&tickets).Error
	return tickets, failed(err)
}

// TicketsByReferences implements ticketing.Tickets. What is no reference is not found.
func (n nouns) TicketsByReferences(ctx context.Context, references []string) ([]ticketing.Ticket, error) {
	byYear := map[int][]int{}
	for _, r := range references {
		if year, number, ok := ticketing.ParseReference(r); ok {
			byYear[year] = append(byYear[year], number)
		}
	}
	var tickets []ticketing.Ticket
	for _, year := range slices.Sorted(maps.Keys(byYear)) {
		var found []ticketing.Ticket
		err := n.orm.WithContext(ctx).Where("year = ? AND number IN ?", year, byYear[year]).Order("number").Find(&found).Error
		if err != nil {
			return nil, failed(err)
		}
		tickets = append(tickets, found...)
	}
	return tickets, nil
}

// Participants implements ticketing.Tickets.
func (n nouns) Participants(ctx context.Context, ticketIDs []string) (participants []ticketing.Participant, err error) {
	err = n.orm.WithContext(ctx).Where(n.among("ticket_id", ticketIDs)).Order("ticket_id, type, value").Find(&participants).Error
	return participants, failed(err)
}

// Links implements ticketing.Tickets.
func (n nouns) Links(ctx context.Context, ticketID string) (links []ticketing.Link, err error) {
	err = n.orm.WithContext(ctx).Where("ticket_id = ? OR other_id = ?", ticketID, ticketID).
		Order("created_at, ticket_id, other_id, kind").Find(&links).Error
	return links, failed(err)
}

// Assign implements ticketing.Tickets. TakenAt keeps the first time.
func (n nouns) Assign(ctx context.Context, id, agentID string, now time.Time) (bool, error) {
	assigned, err := n.exec(ctx, `UPDATE tickets SET assignee_id = ?, status = 'open', queued_at = NULL, queue_order = NULL,
		taken_at = COALESCE(taken_at, ?), updated_at = ?, version = version + 1
		WHERE id = ? AND assignee_id IS NULL AND status IN ('new', 'open')`, agentID, now, now, id)
	return assigned > 0, err
}

// changing are the columns SaveTicket writes: all but what a ticket is born with.
func changing() []string {
	return []string{
		"version", "subject", "status", "outcome", "line", "department", "motive", "priority", "assignee_id", "citizen_id", "language",
		"weight", "rule", "logged_by", "taken_at", "updated_at", "queued_at", "first_reply_at", "closed_at", "due_at", "snoozed_until", "merged_into", "tags", "preview", "queue_order", "search",
	}
}

// SaveTicket implements ticketing.Tickets.
func (n nouns) SaveTicket(ctx context.Context, t *ticketing.Ticket) error {
	next := *t
	next.Version++
	keep(&next)
	if err := n.requeueTicket(ctx, t); err != nil {
		return err
	}
	saved, err := update(ctx, n, &next, changing(), "id = ? AND version = ?", t.ID, t.Version)
	if err != nil {
		return err
	}
	if !saved {
		return &ticketing.Error{Code: ticketing.CodeStale}
	}
	*t = next
	return nil
}

// inQueue is ticketing.Ticket.Queued in SQL; its one value is now. The first two terms are those of the indexes.
const inQueue = "assignee_id IS NULL AND status IN ('new', 'open') AND (snoozed_until IS NULL OR snoozed_until <= ?)"

// Waiting implements routing.Source.
func (n nouns) Waiting(ctx context.Context) ([]routing.Item, error) {
	var rows []struct {
		ID         string
		Department string
		Priority   ticketing.Priority
		Weight     int
		QueuedAt   *time.Time
		ReceivedAt time.Time
	}
	err := n.read(ctx, &rows, "SELECT id, department, priority, weight, queued_at, received_at FROM tickets WHERE "+inQueue+
		" ORDER BY queued_at, id", n.db.now())
	items := make([]routing.Item, 0, len(rows))
	for _, r := range rows {
		since := r.ReceivedAt
		if r.QueuedAt != nil {
			since = *r.QueuedAt
		}
		items = append(items, routing.Item{ID: r.ID, Queue: r.Department, Priority: r.Priority.Rank(), Since: since, Weight: r.Weight})
	}
	return items, err
}

// Taken implements routing.Source.
func (n nouns) Taken(ctx context.Context) (held []routing.Held, err error) {
	err = n.read(ctx, &held, "SELECT id, assignee_id AS agent, weight FROM tickets WHERE "+open+" ORDER BY id")
	return held, err
}

// open is ticketing.Ticket.UsesCapacity in SQL.
const open = "assignee_id IS NOT NULL AND status <> 'closed' AND status = 'open'"

// moment reads a time that is no column and so has lost its type on the way: the earliest of a group.
type moment struct{ at *time.Time }

// Scan implements sql.Scanner.
func (m *moment) Scan(src any) error {
	var t sql.NullTime
	if micros, ok := src.(int64); ok {
		src = time.UnixMicro(micros).UTC()
	}
	if err := t.Scan(src); err != nil {
		return err
	}
	if t.Valid {
		at := t.Time.UTC()
		m.at = &at
	}
	return nil
}
