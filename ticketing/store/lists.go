package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"guichet/ticketing"
)

// pageSize is the length of a page nobody said the length of.
const pageSize = 50

// order is how a list is sorted: by a column, then by the id.
type order struct {
	column   string
	backward bool
	nullable bool // rows where it is empty come last
}

func orderOf(s ticketing.TicketSort) order {
	switch s {
	case ticketing.SortUpdated:
		return order{column: "updated_at", backward: true}
	case ticketing.SortDue:
		return order{column: "due_at", nullable: true}
	case ticketing.SortWaiting:
		return order{column: "queue_order", nullable: true}
	}
	return order{column: "received_at", backward: true}
}

// ListTickets implements ticketing.Tickets. A page starts where the one before ended and walks an index from there, so its cost
// does not grow with the number of tickets or pages. SortWaiting lists queued tickets only. The ends of times: ReceivedAfter is
// in, ReceivedBefore and DueBefore are out, UpdatedAfter is out, so that who asks again with the last time sees nothing twice.
func (n nouns) ListTickets(ctx context.Context, q ticketing.TicketQuery) ([]ticketing.TicketRow, error) {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	if q.Sort == ticketing.SortWaiting {
		q.Queued = true
	}
	by := orderOf(q.Sort)
	if !by.nullable {
		return n.listPart(ctx, q, by, "")
	}
	// First those that have a time, then, if the page has room, those that have none.
	var page []ticketing.TicketRow
	if q.After == nil || q.After.At != nil {
		var err error
		further := "t." + by.column + " IS NOT NULL"
		if q.After != nil { // it is beyond the mark's time, so it has one
			further = ""
		}
		if page, err = n.listPart(ctx, q, by, further); err != nil || len(page) == q.Limit {
			return page, err
		}
		q.After, q.Limit = nil, q.Limit-len(page)
	}
	rest, err := n.listPart(ctx, q, by, "t."+by.column+" IS NULL")
	return append(page, rest...), err
}

// conditions are the terms of a WHERE, joined by AND.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

// ticketRow is a row of a list as the database gives it.
type ticketRow struct {
	ticketing.Ticket
	CitizenKind  ticketing.Kind
	FamilyName   string
	UsageName    string
	GivenName    string
	Organisation string
	Reached      string // a way to reach a citizen who left no name
	AssigneeName string
	Undelivered  bool
}

const listFrom = ` FROM tickets t LEFT JOIN citizens c ON c.id = t.citizen_id LEFT JOIN agents a ON a.id = t.assignee_id`

const listNames = `, COALESCE(c.kind, '') AS citizen_kind, COALESCE(c.family_name, '') AS family_name, COALESCE(c.usage_name, '') AS usage_name,
	COALESCE(c.given_name, '') AS given_name, COALESCE(c.organisation, '') AS organisation, COALESCE(a.name, '') AS assignee_name,
	CASE WHEN c.family_name = '' AND c.given_name = '' AND c.usage_name = '' AND c.organisation = ''
	THEN COALESCE((SELECT MIN(k.value) FROM contacts k WHERE k.citizen_id = c.id), '') ELSE '' END AS reached,
	t.status <> 'closed' AND EXISTS (SELECT 1 FROM deliveries d JOIN messages m ON m.id = d.message_id
		WHERE d.ticket_id = t.id AND d.state IN ('failed', 'parked', 'bounced') AND NOT EXISTS (
			SELECT 1 FROM messages later WHERE later.ticket_id = t.id AND later.direction = 'out' AND later.at > m.at)) AS undelivered`

// listPart lists those for which a further condition holds.
func (n nouns) listPart(ctx context.Context, q ticketing.TicketQuery, by order, further string) ([]ticketing.TicketRow, error) {
	where := n.listWhere(q, by)
	if further != "" {
		where.add(further)
	}
	direction, beyond := "", ">"
	if by.backward {
		direction, beyond = " DESC", "<"
	}
	switch {
	case q.After == nil:
	case q.After.At == nil:
		where.add("t.id "+beyond+" ?", q.After.ID)
	default:
		where.add("(t."+by.column+", t.id) "+beyond+" (?, ?)", *q.After.At, q.After.ID)
	}

	var rows []ticketRow
	err := n.read(ctx, &rows, "SELECT t.*"+listNames+listFrom+" WHERE "+strings.Join(where.terms, " AND ")+
		" ORDER BY t."+by.column+direction+", t.id"+direction+" LIMIT ?", append(where.args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	page := make([]ticketing.TicketRow, len(rows))
	for i, r := range rows {
		citizen := ticketing.Citizen{
			Kind: r.CitizenKind, FamilyName: r.FamilyName, UsageName: r.UsageName, GivenName: r.GivenName, Organisation: r.Organisation,
		}
		page[i] = ticketing.TicketRow{Ticket: r.Ticket, CitizenKind: r.CitizenKind, CitizenName: cmp.Or(citizen.Name(), r.Reached), AssigneeName: r.AssigneeName, Undelivered: r.Undelivered}
	}
	return page, nil
}

// listWhere is what a query filters by.
func (n nouns) listWhere(q ticketing.TicketQuery, by order) *conditions {
	column := n.columns(q, by)
	where := &conditions{}
	n.visible(where, q, column)

	if q.Queued {
		where.add("t.assignee_id IS NULL AND t.status IN ('new', 'open') AND (t.snoozed_until IS NULL OR t.snoozed_until <= ?)", n.db.now())
	}
	statusIn(where, q, by)
	if q.Motive != "" {
		where.add(column("motive")+" = ? AND t.motive <> ''", clean(q.Motive))
	}
	for _, f := range []struct{ column, value string }{
		{"channel", clean(q.Channel)}, {"assignee_id", clean(q.Assignee)}, {"citizen_id", clean(q.Citizen)},
	} {
		if f.value != "" {
			where.add(column(f.column)+" = ?", f.value)
		}
	}
	if q.DueBefore != nil {
		where.add(column("due_at")+" < ?", *q.DueBefore)
	}
	if q.ReceivedAfter != nil {
		where.add(column("received_at")+" >= ?", *q.ReceivedAfter)
	}
	if q.ReceivedBefore != nil {
		where.add(column("received_at")+" < ?", *q.ReceivedBefore)
	}
	if q.UpdatedAfter != nil {
		where.add(column("updated_at")+" > ?", *q.UpdatedAfter)
	}
	switch {
	case q.Year != 0:
		where.add("(t.year = ? AND t.number = ?)", q.Year, q.Number)
	case q.Found != nil:
		where.add("?", n.among("t.id", q.Found.Tickets))
	}
	return where
}

// visible adds the scope and the departments asked for.
func (n nouns) visible(where *conditions, q ticketing.TicketQuery, column func(string) string) {
	departments := q.Scope.Departments
	logged := q.Scope.LoggedBy != ""
	if len(q.Departments) > 0 {
		seen := func(d string) bool { return slices.Contains(q.Scope.Departments, d) }
		departments = slices.DeleteFunc(slices.Clone(q.Departments), func(d string) bool { return !seen(d) })
		logged = logged && len(departments) < len(q.Departments)
		if logged {
			where.add("?", n.among(column("department"), q.Departments))
		}
	}
	var within clause.Expression = n.among(column("department"), departments)
	if len(departments) == 1 && !logged {
		within = clause.Expr{SQL: column("department") + " = ?", Vars: []any{departments[0]}}
	}
	if logged {
		where.add("(? OR (t.logged_by = ? AND t.taken_at IS NULL))", within, q.Scope.LoggedBy)
		return
	}
	where.add("?", within)
}

// columns names the columns of a list's conditions. SQLite knows nothing of how its values are spread, and would rather collect and
// sort half a million rows of one channel than walk fifty in order; a + keeps it from looking for them by a column. Only the one
// that leads an index in the order of the list goes without.
func (n nouns) columns(q ticketing.TicketQuery, by order) func(string) string {
	if n.db.engine != SQLite {
		return func(name string) string { return "t." + name }
	}
	lead := ""
	switch {
	case q.Found != nil: // its ids lead
	case q.Citizen != "": // has so few that any order is quick
		lead = "citizen_id"
	case q.Assignee != "":
		lead = "assignee_id"
	case len(q.Departments) == 1 && slices.Contains(q.Scope.Departments, q.Departments[0]),
		len(q.Departments) == 0 && len(q.Scope.Departments) == 1 && q.Scope.LoggedBy == "":
		lead = "department"
	case by.column == "due_at" || by.column == "queue_order": // no index beyond the departments'
	case q.Motive != "":
		lead = "motive"
	case q.Channel != "":
		lead = "channel"
	}
	return func(name string) string {
		if name == lead || name == by.column && q.Found == nil {
			return "t." + name
		}
		return "+t." + name
	}
}

// maxWords of a search count; what comes after them is left out.
const maxWords = 6

// statusIn adds the statuses as they are, not as values, so that the planner sees which index they allow: the indexes of the tickets
// that are not closed say "<> 'closed'".
func statusIn(where *conditions, q ticketing.TicketQuery, by order) {
	var wanted []string
	closed := false
	for _, s := range ticketing.Statuses() {
		if slices.Contains(q.Statuses, s) {
			wanted = append(wanted, "'"+string(s)+"'")
			closed = closed || s == ticketing.StatusClosed
		}
	}
	switch {
	case len(q.Statuses) == 0 && (!q.Queued || by.column == "queue_order"):
		return
	case len(q.Statuses) > 0 && len(wanted) == 0:
		where.add("1 = 0")
		return
	}
	if !closed {
		where.add("t.status <> 'closed'")
	}
	if everyActive := !closed && len(wanted) == len(ticketing.Statuses())-1; len(wanted) > 0 && !everyActive {
		where.add("t.status IN (" + strings.Join(wanted, ", ") + ")")
	}
}
