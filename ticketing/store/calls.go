package store

import (
	"context"
	"strings"
	"time"

	"guichet/ticketing"
)

// LockCall implements ticketing.Calls.
func (n nouns) LockCall(ctx context.Context, c ticketing.Call, since time.Time) (ticketing.Call, error) {
	const known = "SELECT * FROM calls WHERE exchange = ? AND key = ? AND created_at >= ? ORDER BY created_at DESC, id LIMIT 1"
	for range 2 {
		var rows []ticketing.Call
		if err := n.read(ctx, &rows, known+n.forUpdate(" FOR UPDATE"), c.Exchange, c.Key, since); err != nil || len(rows) > 0 {
			return first(rows), err
		}
		if err := insert(ctx, n, []ticketing.Call{c}, insertion{conflict: "(exchange, key, day) DO NOTHING"}); err != nil {
			return c, err
		}
	}
	return one[ticketing.Call](ctx, n, "exchange = ? AND key = ? AND day = ?", c.Exchange, c.Key, c.Day) // of the same day, and long over
}

func first[T any](rows []T) (row T) {
	if len(rows) > 0 {
		row = rows[0]
	}
	return row
}

// SaveCall implements ticketing.Calls.
func (n nouns) SaveCall(ctx context.Context, c ticketing.Call) error {
	return put(ctx, n, []ticketing.Call{c})
}

// Call implements ticketing.Calls.
func (n nouns) Call(ctx context.Context, id string) (ticketing.Call, error) {
	return one[ticketing.Call](ctx, n, "id = ?", id)
}

// HoldCall implements ticketing.Calls.
func (n nouns) HoldCall(ctx context.Context, id string) (c ticketing.Call, err error) {
	err = failed(n.locks("UPDATE").WithContext(ctx).Where("id = ?", id).Take(&c).Error)
	return c, err
}

// CallsOf implements ticketing.Calls.
func (n nouns) CallsOf(ctx context.Context, ticketID string) (calls []ticketing.Call, err error) {
	err = n.read(ctx, &calls, "SELECT * FROM calls WHERE ticket_id = ? ORDER BY created_at, id", ticketID)
	return calls, err
}

// LiveCalls implements ticketing.Calls.
func (n nouns) LiveCalls(ctx context.Context, since time.Time) (calls []ticketing.Call, err error) {
	err = n.read(ctx, &calls, "SELECT * FROM calls WHERE ended_at IS NULL AND ending = '' AND created_at >= ? ORDER BY created_at, id LIMIT 200", since)
	return calls, err
}

// callRow is a row of the list of calls as the database gives it.
type callRow struct {
	ticketing.Call
	TicketYear   int
	TicketNumber int
	TicketStatus ticketing.Status
	DueAt        *time.Time
	CitizenKind  ticketing.Kind
	FamilyName   string
	UsageName    string
	GivenName    string
	Organisation string
	AssigneeName string
}

const callsFrom = `SELECT c.*, COALESCE(t.year, 0) AS ticket_year, COALESCE(t.number, 0) AS ticket_number, COALESCE(t.status, '') AS ticket_status,
	t.due_at, COALESCE(p.kind, '') AS citizen_kind, COALESCE(p.family_name, '') AS family_name, COALESCE(p.usage_name, '') AS usage_name,
	COALESCE(p.given_name, '') AS given_name, COALESCE(p.organisation, '') AS organisation, COALESCE(a.name, '') AS assignee_name
	FROM calls c LEFT JOIN tickets t ON t.id = c.ticket_id LEFT JOIN citizens p ON p.id = COALESCE(t.citizen_id, c.citizen_id)
	LEFT JOIN agents a ON a.id = t.assignee_id WHERE `

// ofCallsLive is met by a call that is not over; ofCallsToCallBack by one that was missed, on a ticket that waits for us, with no
// later call of the citizen and no word from us since.
const (
	ofCallsLive       = "c.ended_at IS NULL AND c.ending = '' AND c.created_at >= ?"
	ofCallsToCallBack = `c.direction = 'in' AND c.answered_at IS NULL AND (c.ending IN ('missed', 'busy', 'failed', 'voicemail') OR c.call_back AND c.ending = '')
		AND c.created_at >= ? AND t.status IN ('new', 'open')
		AND NOT EXISTS (SELECT 1 FROM calls later WHERE later.ticket_id = c.ticket_id AND (later.created_at, later.id) > (c.created_at, c.id)
			AND (later.direction = 'in' OR later.answered_at IS NOT NULL OR later.ending = 'answered'))
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.ticket_id = c.ticket_id AND m.direction = 'out' AND m.automatic = '' AND m.channel <> 'phone'
			AND m.at > c.created_at)`
)

// ListCalls implements ticketing.Calls. It walks the calls from the newest, or those of a department.
func (n nouns) ListCalls(ctx context.Context, q ticketing.CallQuery) ([]ticketing.CallRow, error) {
	where := &conditions{}
	where.add("(? AND (t.id IS NULL OR ?) OR c.agent_id = ?)", n.among("c.department", q.Scope), n.among("t.department", q.Scope), clean(q.Own))
	if q.Department != "" {
		where.add("c.department = ?", clean(q.Department))
	}
	switch q.Part {
	case ticketing.CallsLive:
		where.add(ofCallsLive, q.Since)
	case ticketing.CallsCallBack:
		where.add(ofCallsToCallBack, q.Since)
	}
	if q.After != nil {
		where.add("(c.created_at, c.id) < (?, ?)", q.After.At, clean(q.After.ID))
	}
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	var rows []callRow
	err := n.read(ctx, &rows, callsFrom+strings.Join(where.terms, " AND ")+" ORDER BY c.created_at DESC, c.id DESC LIMIT ?", append(where.args, q.Limit)...)
	page := make([]ticketing.CallRow, len(rows))
	for i, r := range rows {
		citizen := ticketing.Citizen{
			Kind: r.CitizenKind, FamilyName: r.FamilyName, UsageName: r.UsageName, GivenName: r.GivenName, Organisation: r.Organisation,
		}
		page[i] = ticketing.CallRow{
			Call: r.Call, TicketStatus: r.TicketStatus, DueAt: r.DueAt, CitizenName: citizen.Name(), AssigneeName: r.AssigneeName,
		}
		if r.TicketID != nil {
			page[i].Reference = ticketing.Ticket{Year: r.TicketYear, Number: r.TicketNumber}.Reference()
		}
	}
	return page, err
}

// LastHeard implements ticketing.Calls.
func (n nouns) LastHeard(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	var rows []struct {
		Line string
		At   time.Time
	}
	heard := map[string]time.Time{}
	for _, query := range []string{
		"SELECT * FROM (SELECT line, at, ROW_NUMBER() OVER (PARTITION BY line ORDER BY at DESC) AS place FROM conversations WHERE channel = 'sms' AND at >= ?) AS ranked WHERE place = 1",
		"SELECT * FROM (SELECT line, created_at AS at, ROW_NUMBER() OVER (PARTITION BY line ORDER BY created_at DESC) AS place FROM calls WHERE created_at >= ?) AS ranked WHERE place = 1",
	} {
		rows = nil
		if err := n.read(ctx, &rows, query, since); err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.At.After(heard[r.Line]) {
				heard[r.Line] = r.At
			}
		}
	}
	return heard, nil
}
