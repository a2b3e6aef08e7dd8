package ticketing

import (
	"context"

	"guichet/channels"
)

// Resend sends again, under the same Message-ID, a mail that was refused, that came back, or whose sending waits for a person. One
// that is on its way or has left stays as it is, so that asking twice sends once.
func (d *Desk) Resend(ctx context.Context, a Actor, messageID, key string) (Message, error) {
	if !IsID(messageID) {
		return Message{}, ErrNotFound
	}
	var m Message
	queued := false
	err := d.store.InTx(ctx, func(tx Nouns) error {
		queued = false
		kept, fresh, err := remember(ctx, tx, a, key, d.now(), "resend", messageID)
		if err != nil {
			return err
		}
		t, err := d.ticketOf(ctx, tx, a, messageID)
		if err != nil {
			return err
		}
		if !fresh {
			m, err = tx.Message(ctx, messageID)
			return err
		}
		if queued, err = d.requeue(ctx, tx, a, t, messageID); err != nil {
			return err
		}
		if err := complete(ctx, tx, kept, t.ID, messageID); err != nil {
			return err
		}
		m, err = tx.Message(ctx, messageID)
		return err
	})
	if err == nil && queued {
		d.after(ctx, effects{outbox: true})
	}
	return m, err
}

// ticketOf reads the ticket of a message the actor may answer, and holds it until the end of the transaction.
func (d *Desk) ticketOf(ctx context.Context, tx Nouns, a Actor, messageID string) (Ticket, error) {
	m, err := tx.Message(ctx, messageID)
	if err != nil {
		return Ticket{}, err
	}
	tickets, err := tx.LockTickets(ctx, []string{m.TicketID})
	if err != nil {
		return Ticket{}, err
	}
	if len(tickets) == 0 || !a.Can(ActSee, d.town.Now().Subject(tickets[0])) {
		return Ticket{}, ErrNotFound
	}
	if !a.Can(ActReply, d.town.Now().Subject(tickets[0])) {
		return Ticket{}, ErrForbidden
	}
	return tickets[0], nil
}

func (d *Desk) requeue(ctx context.Context, tx Nouns, a Actor, t Ticket, messageID string) (queued bool, err error) {
	m, err := tx.Message(ctx, messageID)
	if err != nil {
		return false, err
	}
	if m.Delivery == nil || m.Channel != string(channels.Email) && m.Channel != string(channels.SMS) {
		return false, conflict("not_resendable")
	}
	now := d.now()
	if queued, err = tx.RequeueDelivery(ctx, m.Delivery.ID, now); err != nil || !queued {
		return false, err
	}
	e := event(EventMessageResent, t, d.now, &a.ID, Data{"before": string(m.Delivery.State)})
	e.MessageID = &m.ID
	return true, tx.AddEvents(ctx, []Event{e})
}
