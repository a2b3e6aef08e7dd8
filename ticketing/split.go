package ticketing

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Splitting is what becomes a ticket of its own.
type Splitting struct {
	Messages   []string // ids
	Department string
	Subject    string // empty: that of the first message that goes
	Key        string // Idempotency-Key
	IfMatch    int
}

// maxSplit is how many messages leave a ticket at once.
const maxSplit = 200

// Split moves messages into a new ticket of the same citizen, with its own reference, in a department's queue. Files go with their messages, and
// so does what is still to be sent. It gives both tickets as they are then. The old one keeps at least one message that came in.
func (d *Desk) Split(ctx context.Context, a Actor, reference string, w Splitting) (from, made Ticket, err error) {
	switch {
	case len(w.Messages) == 0:
		return from, made, invalid("message_ids", "empty")
	case len(w.Messages) > maxSplit:
		return from, made, invalid("message_ids", "too_many")
	}
	if w.Subject = strings.TrimSpace(w.Subject); len(w.Subject) > 998 {
		return from, made, invalid("subject", "too_long")
	}
	if _, ok := d.town.Now().Department(w.Department); !ok {
		return from, made, invalid("department", "unknown")
	}
	var eff effects
	err = d.store.InTx(ctx, func(tx Nouns) error {
		eff = effects{}
		ids := slices.Sorted(slices.Values(w.Messages))
		kept, fresh, err := remember(ctx, tx, a, w.Key, d.now(), append([]string{"split", reference, w.Department, w.Subject}, ids...)...)
		if err != nil {
			return err
		}
		if !fresh {
			from, made, err = d.splitBefore(ctx, tx, a, reference, kept.TicketID)
			return err
		}
		if from, err = d.find(ctx, tx, a, ActTransfer, reference, w.IfMatch); err != nil {
			return err
		}
		if from.MergedInto != nil {
			return conflict("merged")
		}
		if made, err = d.split(ctx, tx, a, &from, w, &eff); err != nil {
			return err
		}
		return complete(ctx, tx, kept, made.ID, "")
	})
	if err != nil {
		return Ticket{}, Ticket{}, err
	}
	d.after(ctx, eff)
	return from, made, nil
}

// splitBefore answers for a key that was used before.
func (d *Desk) splitBefore(ctx context.Context, tx Nouns, a Actor, reference, id string) (from, made Ticket, err error) {
	if from, err = findTicket(ctx, tx, d.town.Now(), a, reference); err != nil {
		return from, made, err
	}
	rows, err := tx.TicketsByIDs(ctx, []string{id})
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return from, made, err
	}
	return from, rows[0], nil
}

func (d *Desk) split(ctx context.Context, tx Nouns, a Actor, from *Ticket, w Splitting, eff *effects) (Ticket, error) {
	leaving, staying, err := d.parted(ctx, tx, a, *from, w.Messages)
	if err != nil {
		return Ticket{}, err
	}
	now := d.now()
	year := now.In(d.town.Profile.Zone).Year()
	number, err := tx.TakeNumbers(ctx, year, 1)
	if err != nil {
		return Ticket{}, err
	}
	first := leaving[slices.IndexFunc(leaving, Message.CameIn)]
	made := Ticket{
		ID: NewID(), Year: year, Number: number, Version: 1, Subject: w.Subject, Status: StatusNew, Channel: first.Channel, Line: from.Line,
		Department: w.Department, Priority: from.Priority, Weight: 1, CitizenID: from.CitizenID, Language: from.Language,
		ReceivedAt: first.At, RegisteredAt: now, UpdatedAt: now, QueuedAt: &now, FirstReplyAt: firstReply(leaving), Preview: lastWords(leaving),
	}
	if made.Subject == "" {
		made.Subject = first.Subject
	}
	if made.Subject == "" {
		made.Subject = from.Subject
	}
	from.UpdatedAt, from.Preview = now, lastWords(staying)
	if made.FirstReplyAt != nil {
		from.FirstReplyAt = firstReply(staying)
	}
	if err := tx.AddTickets(ctx, []Ticket{made}); err != nil {
		return made, err
	}
	var ids []string
	for _, m := range leaving {
		ids = append(ids, m.ID)
	}
	if err := tx.MoveMessages(ctx, ids, made.ID); err != nil {
		return made, err
	}
	if err := tx.AddParticipants(ctx, d.town.Now().wroteOn(made.ID, leaving)); err != nil {
		return made, err
	}
	if err := tx.AddLinks(ctx, []Link{{TicketID: made.ID, OtherID: from.ID, Kind: LinkSplit, CreatedAt: now}}); err != nil {
		return made, err
	}
	if err := tx.SaveTicket(ctx, from); err != nil {
		return made, err
	}
	eff.settle(*from, d.now)
	eff.settle(made, d.now)
	data := Data{"from": from.Department, "to": made.Department}
	return made, tx.AddEvents(ctx, []Event{
		event(EventTicketSplit, *from, d.now, &a.ID, with(data, "other", made.ID)),
		event(EventTicketCreated, made, d.now, &a.ID, with(data, "split", from.ID)),
	})
}

// parted tells which messages of a ticket go and which stay. Those the actor may not see are not there.
func (d *Desk) parted(ctx context.Context, tx Nouns, a Actor, t Ticket, ids []string) (leaving, staying []Message, err error) {
	all, err := tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return nil, nil, err
	}
	events, err := tx.EventsOfTicket(ctx, t.ID)
	if err != nil {
		return nil, nil, err
	}
	seen := Dossier{Ticket: t, Messages: slices.Clone(all), Events: events}
	d.town.Now().reserve(a, &seen)
	wanted := map[string]bool{}
	for _, id := range ids {
		if !slices.ContainsFunc(seen.Messages, func(m Message) bool { return m.ID == id }) {
			return nil, nil, invalid("message_ids", "unknown")
		}
		wanted[id] = true
	}
	for _, m := range all {
		if wanted[m.ID] {
			leaving = append(leaving, m)
		} else {
			staying = append(staying, m)
		}
	}
	if !slices.ContainsFunc(leaving, Message.CameIn) || !slices.ContainsFunc(staying, Message.CameIn) {
		return nil, nil, invalid("message_ids", "one_must_come_in")
	}
	return leaving, staying, nil
}

// firstReply is when a person of the town hall first wrote, among these messages.
func firstReply(messages []Message) *time.Time {
	for _, m := range messages {
		if m.Direction == Out && m.Automatic == "" {
			at := m.At
			return &at
		}
	}
	return nil
}

// lastWords is the preview of these messages.
func lastWords(messages []Message) string {
	for _, m := range slices.Backward(messages) {
		if m.CameIn() {
			return preview(withoutQuote(m))
		}
	}
	return ""
}

// wroteOn makes whoever wrote these messages, or was written to, participants of the ticket they are in now.
func (s *Snapshot) wroteOn(ticketID string, messages []Message) []Participant {
	var people []Participant
	for _, m := range messages {
		m.TicketID = ticketID
		switch {
		case m.Direction == Out && m.Automatic == "":
			people = append(people, writtenTo(m)...)
		case m.CameIn() && !m.Stranger && m.FromValue != "":
			people = append(people, Participant{TicketID: ticketID, Type: contactType(m.FromValue), Value: strings.ToLower(m.FromValue), Name: m.FromName, Role: "sender"})
			for _, c := range m.Cc {
				if value := strings.ToLower(c.Value); value != "" && !s.ours(value) {
					people = append(people, Participant{TicketID: ticketID, Type: "email", Value: clip(value, 320), Name: clip(c.Name, 300), Role: "copied"})
				}
			}
		}
	}
	return people
}
