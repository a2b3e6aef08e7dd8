package ticketing

import "context"

// CitizenCard is what else there is of a citizen beside one ticket of hers, as far as the actor may know of it.
type CitizenCard struct {
	Open      []TicketRow // other tickets that are not closed, the most urgent due date first; at most five
	OpenCount int         // of all that are not closed, this one included
	Recent    []Exchange  // the last ones on other tickets, newest first; at most three
	Reserved  int         // exchanges with sealed departments
}

// The size of a card.
const (
	cardTickets   = 5
	cardExchanges = 3
)

// CitizenCard reads the card of the citizen of a ticket.
func (r *Reader) CitizenCard(ctx context.Context, a Actor, t Ticket) (CitizenCard, error) {
	var card CitizenCard
	if t.CitizenID == nil {
		return card, nil
	}
	id := *t.CitizenID
	open, err := r.store.ListTickets(ctx, TicketQuery{
		Scope: a.Scope(), Citizen: id, Statuses: []Status{StatusNew, StatusOpen, StatusWaiting}, Sort: SortDue, Limit: cardTickets + 1,
	})
	if err != nil {
		return card, wrap("open tickets", err)
	}
	for _, row := range open {
		if row.ID != t.ID && len(card.Open) < cardTickets {
			card.Open = append(card.Open, row)
		}
	}
	if card.OpenCount, err = r.store.CountOpen(ctx, a.Scope(), id); err != nil {
		return card, wrap("open tickets", err)
	}
	recent, err := r.store.ListExchanges(ctx, ExchangeQuery{Scope: a.Scope(), Citizen: id, Besides: t.ID, Limit: cardExchanges})
	if err != nil {
		return card, wrap("exchanges", err)
	}
	if card.Recent, err = r.exchanges(ctx, a, id, recent); err != nil {
		return card, err
	}
	reserved, err := r.ReservedOf(ctx, a, id)
	card.Reserved = len(reserved)
	return card, wrap("reserved exchanges", err)
}

// OpenTicket is a ticket that is not closed, and how many contacts about the same matter it ends.
type OpenTicket struct {
	TicketRow
	About int
}

// OpenTickets lists the tickets of a citizen that are not closed and that the actor may see, the most urgent due date first; at most
// fifty.
func (r *Reader) OpenTickets(ctx context.Context, a Actor, citizenID string) ([]OpenTicket, error) {
	if err := r.knowsRecord(ctx, a, citizenID); err != nil {
		return nil, err
	}
	rows, err := r.store.ListTickets(ctx, TicketQuery{
		Scope: a.Scope(), Citizen: citizenID, Statuses: []Status{StatusNew, StatusOpen, StatusWaiting}, Sort: SortDue, Limit: 50,
	})
	if err != nil {
		return nil, wrap("open tickets", err)
	}
	tickets := make([]Ticket, len(rows))
	for i, row := range rows {
		tickets[i] = row.Ticket
	}
	about, err := r.about(ctx, a, citizenID, tickets)
	if err != nil {
		return nil, err
	}
	list := make([]OpenTicket, len(rows))
	for i, row := range rows {
		list[i] = OpenTicket{TicketRow: row, About: about[row.ID]}
	}
	return list, nil
}
