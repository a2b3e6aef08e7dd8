package ticketing

import (
	"context"

	"guichet/channels"
)

// Track implements channels.Tracker: what a provider says of a message it accepted. It may come before the sender's own answer, late,
// repeated or out of order; only what is higher than what is known changes anything.
func (d *Desk) Track(ctx context.Context, p channels.Progress) error {
	if p.MessageID != "" && !IsID(p.MessageID) {
		p.MessageID = ""
	}
	changed := false
	err := d.store.InTx(ctx, func(tx Nouns) error {
		var delivery Delivery
		var err error
		if delivery, changed, err = tx.Progress(ctx, p); err != nil || !changed {
			return err
		}
		tickets, err := tx.TicketsByIDs(ctx, []string{delivery.TicketID})
		if err != nil || len(tickets) == 0 {
			return err
		}
		e := event(EventDeliveryChanged, tickets[0], d.now, nil, Data{"state": string(delivery.State)})
		e.MessageID = &delivery.MessageID
		return tx.AddEvents(ctx, []Event{e})
	})
	if err == nil && changed {
		d.after(ctx, effects{})
	}
	return err
}
