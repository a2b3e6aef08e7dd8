package ticketing

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// ExchangeKind is what stands on a citizen's timeline.
type ExchangeKind string

// The kinds.
const (
	ExchangeMessage  ExchangeKind = "message"
	ExchangeCall     ExchangeKind = "call"
	ExchangeClosed   ExchangeKind = "closed"   // a ticket of hers came to its end
	ExchangeReserved ExchangeKind = "reserved" // she spoke with a sealed department: that it was, on which day, and nothing more
)

// Exchange is one item of a citizen's timeline.
type Exchange struct {
	Kind      ExchangeKind
	ID        string // of the message; of what was closed, the ticket's
	At        time.Time
	Ticket    Ticket // zero when it is reserved, as all that follows
	About     int    // see Dossier.ContactsAbout
	Channel   string
	Direction Direction
	Preview   string  // the beginning of what was written, without what it quotes
	AgentID   *string // who wrote it or wrote it down, or took or made the call
	Call      *Call
	Reserved  *Reserved // of a reserved one alone: how it can be opened
}

// ExchangeQuery asks for a page of what a citizen and the town hall said to each other. Zero fields do not filter.
type ExchangeQuery struct {
	Scope      TicketScope
	Citizen    string
	Besides    string // a ticket that is left out
	Channel    string
	Direction  Direction // In or Out
	Department string
	Motive     string
	After      *time.Time // this moment or later
	Before     *time.Time // earlier than this moment
	Mark       *TicketMark
	Limit      int
}

// narrow tells whether the query asks for more than a stretch of time.
func (q ExchangeQuery) narrow() bool {
	return q.Channel != "" || q.Direction != "" || q.Department != "" || q.Motive != "" || q.Besides != ""
}

// ExchangeMark is where an exchange is kept.
type ExchangeMark struct {
	Kind     ExchangeKind // ExchangeMessage or ExchangeClosed
	ID       string
	At       time.Time
	TicketID string
}

// Timeline is a page of a citizen's timeline, newest first. Next is the cursor of older ones; empty: there are none.
type Timeline struct {
	Items []Exchange
	Next  string
}

// sortExchanges marks the cursors of timelines, so that one of another list is refused.
const sortExchanges TicketSort = "exchanges"

// Timeline lists what a citizen and the town hall said to each other, by whatever channel, as far as the actor may see it. What a
// machine of ours sent by itself and what agents noted for each other is not on it. Of each ticket with a sealed department she does
// not see there is one line with its day, beside those that Limit counts; a hidden one's is not there at all. A query for a channel, a
// direction, a department or a motive has none of these lines: they would tell what they must not.
func (r *Reader) Timeline(ctx context.Context, a Actor, q ExchangeQuery, cursor string) (Timeline, error) {
	if err := r.knowsRecord(ctx, a, q.Citizen); err != nil {
		return Timeline{}, err
	}
	if err := look(ctx, r.store, r.now(), a, q.Citizen, "", ""); err != nil {
		return Timeline{}, err
	}
	if err := checkExchanges(&q); err != nil {
		return Timeline{}, err
	}
	if err := look(ctx, r.store, r.now(), a, q.Citizen, "", ""); err != nil {
		return Timeline{}, err
	}
	if cursor != "" {
		mark, err := readCursor(cursor, sortExchanges)
		if err != nil || mark.At == nil {
			return Timeline{}, invalid("cursor", "unknown")
		}
		q.Mark = &mark
	}
	q.Scope = a.Scope()
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	marks, err := r.store.ListExchanges(ctx, q)
	if err != nil {
		return Timeline{}, wrap("exchanges", err)
	}
	var page Timeline
	if len(marks) > limit {
		marks = marks[:limit]
		last := marks[limit-1]
		page.Next = cursorText{Sort: sortExchanges, At: &last.At, ID: last.ID}.write()
	}
	if page.Items, err = r.exchanges(ctx, a, q.Citizen, marks); err != nil || q.narrow() {
		return page, err
	}
	reserved, err := r.ReservedOf(ctx, a, q.Citizen)
	page.addReserved(reserved, q)
	return page, wrap("reserved exchanges", err)
}

// knowsRecord refuses whoever has no business with citizens, and what is no record.
func (r *Reader) knowsRecord(ctx context.Context, a Actor, id string) error {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return ErrForbidden
	}
	if !IsID(id) {
		return ErrNotFound
	}
	found, err := r.store.CitizensByIDs(ctx, []string{id})
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	return err
}

func checkExchanges(q *ExchangeQuery) error {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, MaxPage)
	if q.Channel != "" && !slices.Contains(channels.Names(), channels.Name(q.Channel)) {
		return invalid("channel", "unknown")
	}
	if q.Direction != "" && q.Direction != In && q.Direction != Out {
		return invalid("direction", "unknown")
	}
	return nil
}

// exchanges reads what marks stand for, in a fixed number of statements.
func (r *Reader) exchanges(ctx context.Context, a Actor, citizenID string, marks []ExchangeMark) ([]Exchange, error) {
	ids, ticketIDs := map[string]bool{}, map[string]bool{}
	for _, m := range marks {
		ticketIDs[m.TicketID] = true
		if m.Kind == ExchangeMessage {
			ids[m.ID] = true
		}
	}
	rows, err := r.store.TicketsByIDs(ctx, keysOf(ticketIDs))
	if err != nil {
		return nil, wrap("tickets", err)
	}
	about, err := r.about(ctx, a, citizenID, rows)
	if err != nil {
		return nil, err
	}
	tickets := map[string]Ticket{}
	for _, t := range rows {
		tickets[t.ID] = t
	}
	heads, err := r.store.MessageHeads(ctx, keysOf(ids))
	if err != nil {
		return nil, wrap("messages", err)
	}
	messages := map[string]Message{}
	for _, m := range heads {
		messages[m.ID] = m
	}
	calls, err := r.store.CallsOfMessages(ctx, keysOf(ticketIDs), keysOf(ids))
	if err != nil {
		return nil, wrap("calls", err)
	}
	list := make([]Exchange, 0, len(marks))
	for _, m := range marks {
		t, known := tickets[m.TicketID]
		if !known {
			continue // it was moved meanwhile
		}
		e := Exchange{Kind: m.Kind, ID: m.ID, At: m.At, Ticket: t, About: about[t.ID]}
		if said, ok := messages[m.ID]; ok && m.Kind == ExchangeMessage {
			e.say(said)
		}
		if call, ok := calls[m.ID]; ok {
			e.Kind, e.Call, e.AgentID = ExchangeCall, &call, cmp.Or(call.AgentID, e.AgentID)
		}
		list = append(list, e)
	}
	return list, nil
}

// say takes in what was written.
func (e *Exchange) say(m Message) {
	e.Channel, e.Direction, e.AgentID = m.Channel, m.Direction, m.AgentID
	text := m.Text
	if m.Folded > 0 && m.Folded < len(text) {
		text = text[:m.Folded]
	}
	e.Preview = beginning(text)
}

// beginning is the first words of a text, on one line; one that goes on ends in an ellipsis.
func beginning(text string) string {
	whole := strings.Join(strings.Fields(text), " ")
	short := preview(whole)
	if len(short) == len(whole) {
		return whole
	}
	if last := strings.LastIndexByte(short, ' '); last > len(short)/2 {
		short = short[:last]
	}
	return short + "…"
}

// addReserved puts the reserved exchanges whose days fall between the ends of the page among its items.
func (p *Timeline) addReserved(reserved []Reserved, q ExchangeQuery) {
	for _, r := range reserved {
		day := r.Day.UTC()
		newer := q.Mark != nil && !day.Before(*q.Mark.At)
		older := p.Next != "" && day.Before(p.Items[len(p.Items)-1].At)
		outside := q.After != nil && day.Before(*q.After) || q.Before != nil && !day.Before(*q.Before)
		if !newer && !older && !outside {
			p.Items = append(p.Items, Exchange{Kind: ExchangeReserved, At: day, Reserved: &r})
		}
	}
	slices.SortStableFunc(p.Items, func(x, y Exchange) int { return y.At.Compare(x.At) })
}
