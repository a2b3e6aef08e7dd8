package store

import (
	"context"
	"strings"
	"time"

	"guichet/ticketing"
)

// ListExchanges implements ticketing.Exchanges. It reads no more than indexes of what a citizen said in all her tickets, and sorts that.
func (n nouns) ListExchanges(ctx context.Context, q ticketing.ExchangeQuery) ([]ticketing.ExchangeMark, error) {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	said := n.hers(q)
	said.add(exchanged)
	for _, f := range []struct{ column, value string }{{"m.channel", clean(q.Channel)}, {"m.direction", clean(string(q.Direction))}} {
		if f.value != "" {
			said.add(f.column+" = ?", f.value)
		}
	}
	said.within("m.at", "m.id", q)
	query := "SELECT 'message' AS kind, m.id AS id, m.at AS at, m.ticket_id AS ticket_id FROM tickets t JOIN messages m ON m.ticket_id = t.id WHERE " +
		strings.Join(said.terms, " AND ")
	args := said.args
	if q.Channel == "" && q.Direction == "" {
		ended := n.hers(q)
		ended.add("t.closed_at IS NOT NULL")
		ended.within("t.closed_at", "t.id", q)
		query += " UNION ALL SELECT 'closed', t.id, t.closed_at, t.id FROM tickets t WHERE " + strings.Join(ended.terms, " AND ")
		args = append(args, ended.args...)
	}
	var rows []struct {
		Kind     ticketing.ExchangeKind
		ID       string
		At       moment `gorm:"type:time"`
		TicketID string
	}
	err := n.read(ctx, &rows, "SELECT kind, id, at, ticket_id FROM ("+query+") AS both_kinds ORDER BY at DESC, id DESC LIMIT ?", append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	marks := make([]ticketing.ExchangeMark, len(rows))
	for i, r := range rows {
		marks[i] = ticketing.ExchangeMark{Kind: r.Kind, ID: r.ID, TicketID: r.TicketID}
		if r.At.at != nil {
			marks[i].At = *r.At.at
		}
	}
	return marks, nil
}

// exchanged is the condition that a message is between the citizen and people of the town hall.
const exchanged = "m.direction <> 'note' AND (m.direction = 'in' OR m.automatic = '')"

// hers is the condition that a ticket is the citizen's and may be seen.
func (n nouns) hers(q ticketing.ExchangeQuery) *conditions {
	tickets := ticketing.TicketQuery{Scope: q.Scope, Citizen: q.Citizen}
	if q.Department != "" {
		tickets.Departments = []string{q.Department}
	}
	column := n.columns(tickets, orderOf(ticketing.SortReceived))
	where := &conditions{}
	where.add(column("citizen_id")+" = ?", clean(q.Citizen))
	n.visible(where, tickets, column)
	if q.Motive != "" {
		where.add(column("motive")+" = ?", clean(q.Motive))
	}
	if q.Besides != "" {
		where.add("t.id <> ?", clean(q.Besides))
	}
	return where
}

// within adds the ends of time, and where the page before ended.
func (c *conditions) within(at, id string, q ticketing.ExchangeQuery) {
	if q.After != nil {
		c.add(at+" >= ?", *q.After)
	}
	if q.Before != nil {
		c.add(at+" < ?", *q.Before)
	}
	if q.Mark != nil && q.Mark.At != nil {
		c.add("("+at+", "+id+") < (?, ?)", *q.Mark.At, q.Mark.ID)
	}
}

// headSize is how much of a text is read for a line, in characters.
const headSize = 600

// MessageHeads implements ticketing.Exchanges.
func (n nouns) MessageHeads(ctx context.Context, ids []string) (heads []ticketing.Message, err error) {
	err = n.read(ctx, &heads, `SELECT id, ticket_id, direction, channel, from_name, from_value, agent_id, automatic, folded, at, SUBSTR(text, 1, ?) AS text
		FROM messages WHERE ?`, headSize, n.among("id", ids))
	return heads, err
}

// CallsOfMessages implements ticketing.Exchanges. Calls are found by their tickets, which have an index.
func (n nouns) CallsOfMessages(ctx context.Context, ticketIDs, messageIDs []string) (map[string]ticketing.Call, error) {
	var rows []ticketing.Call
	err := n.read(ctx, &rows, "SELECT * FROM calls WHERE ? AND ?", n.among("ticket_id", ticketIDs), n.among("message_id", messageIDs))
	calls := make(map[string]ticketing.Call, len(rows))
	for _, c := range rows {
		calls[*c.MessageID] = c
	}
	return calls, err
}

// mostMatters is how many tickets of a citizen are compared with one another.
const mostMatters = 2000

// TicketMatters implements ticketing.Exchanges.
func (n nouns) TicketMatters(ctx context.Context, scope ticketing.TicketScope, citizenID string, since, until time.Time) (tickets []ticketing.Ticket, err error) {
	where := n.hers(ticketing.ExchangeQuery{Scope: scope, Citizen: citizenID})
	where.add("t.received_at >= ? AND t.received_at <= ?", since, until)
	err = n.read(ctx, &tickets, "SELECT t.id, t.subject, t.motive, t.received_at FROM tickets t WHERE "+strings.Join(where.terms, " AND ")+
		" ORDER BY t.received_at DESC, t.id DESC LIMIT ?", append(where.args, mostMatters)...)
	return tickets, err
}
