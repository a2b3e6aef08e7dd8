package ticketing

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"guichet/channels"
	"guichet/routing"
)

// A contact of a call that the exchange told of: both are on one ticket, whichever came first.

// findCall holds the call that the contact was.
func (n *noting) findCall(ctx context.Context) error {
	id := n.contact.CallID
	if id == "" {
		return nil
	}
	if !IsID(id) {
		return invalid("call", "unknown")
	}
	call, err := n.tx.HoldCall(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return invalid("call", "unknown")
	case err != nil:
		return err
	case !n.town.knows(n.actor, call):
		return invalid("call", "unknown")
	}
	n.call = &call
	return nil
}

// ticketOfCall gives the id of the ticket the call is on, or of the one that became part of; empty: it is on none the actor may see.
func (n *noting) ticketOfCall(ctx context.Context) (string, error) {
	if n.call == nil {
		return "", nil
	}
	for id := n.call.TicketID; id != nil; {
		rows, err := n.tx.TicketsByIDs(ctx, []string{*id})
		if err != nil || len(rows) == 0 || !n.actor.Can(ActSee, n.town.Subject(rows[0])) {
			return "", err
		}
		if rows[0].MergedInto == nil {
			return rows[0].ID, nil
		}
		id = rows[0].MergedInto
	}
	return "", nil
}

// caller takes the citizen whose number called, if what the agent wrote of her does not speak of somebody else. A record that had no
// name gets it.
func (n *noting) caller(ctx context.Context, w *CitizenDraft) (known bool, err error) {
	typed := Citizen{Kind: w.Kind}
	if !w.nobody() {
		if typed, err = newRecord(n.desk.town.Profile, *w, n.now); err != nil {
			return false, err
		}
	}
	lives, err := livesIn(ctx, n.tx, *n.call.CitizenID)
	if err != nil {
		return false, err
	}
	c, err := n.tx.Citizen(ctx, lives.ID)
	if err != nil {
		return false, err
	}
	same := []string{WhySameName, WhyCloseName, WhySameFamilyName}
	if c.Name() != "" && typed.Name() != "" && !slices.Contains(same, likeName(c, typed)) {
		return false, nil
	}
	if c.Name() == "" && typed.Name() != "" && c.AnonymisedAt == nil {
		before, names := c, *w
		names.Kind = cmp.Or(names.Kind, Person)
		if err := c.describeNames(names); err != nil {
			return false, err
		}
		c.Provisional, c.UpdatedAt = false, n.now
		if err := n.tx.SaveCitizen(ctx, &c); err != nil {
			return false, err
		}
		n.events = append(n.events, Event{At: n.now, Type: EventCitizenChanged, CitizenID: &c.ID, AgentID: &n.actor.ID, Data: changes(before, c)})
	}
	if n.citizen, err = n.desk.reach(ctx, n.tx, c.ID, typed.Contacts); err != nil {
		return false, err
	}
	return true, n.tx.TouchCitizens(ctx, []string{c.ID}, n.now)
}

// keepCall puts a call that is on no ticket yet onto the new one: what its exchange tells next goes there.
func (n *noting) keepCall(ctx context.Context) error {
	call, t := n.call, n.ticket
	if t.CitizenID != nil {
		call.CitizenID = t.CitizenID
	}
	m := callMessage(*call, t.ID, n.desk.town.Profile, call.CreatedAt, n.now)
	call.TicketID, call.MessageID = &t.ID, &m.ID
	if err := n.tx.AddMessages(ctx, []Message{m}); err != nil {
		return err
	}
	if err := n.tx.SaveCall(ctx, *call); err != nil || call.Number == "" {
		return err
	}
	key := ConversationKey{Channel: string(channels.Phone), Number: call.Number}
	if _, err := n.tx.LockConversations(ctx, []ConversationKey{key}, n.now); err != nil {
		return err
	}
	person := Participant{TicketID: t.ID, Type: "phone", Value: call.Number, Role: "sender"}
	if err := n.tx.AddParticipants(ctx, []Participant{person}); err != nil {
		return err
	}
	return n.tx.SaveConversations(ctx, []Conversation{{Channel: key.Channel, Number: key.Number, TicketID: &t.ID, At: n.now}})
}

// join writes the contact onto the ticket its call is on. Whoever neither took the call nor works on the ticket adds her words to it
// and changes nothing else, once somebody has taken it.
func (n *noting) join(ctx context.Context, id string) error {
	tickets, err := n.tx.LockTickets(ctx, []string{id})
	if err != nil {
		return err
	}
	if len(tickets) == 0 {
		return ErrNotFound
	}
	n.joined, n.ticket = true, tickets[0]
	before, t := tickets[0], &n.ticket
	t.UpdatedAt = n.now
	if words := preview(n.contact.Text); words != "" {
		t.Preview = words
	}
	own := n.call.AgentID != nil && *n.call.AgentID == n.actor.ID
	if own || t.TakenAt == nil || n.actor.Can(ActEdit, n.town.Subject(*t)) {
		if err := n.correct(ctx); err != nil {
			return err
		}
		n.goOn()
	}
	if before.AssigneeID != nil && (!t.UsesCapacity() || *t.AssigneeID != *before.AssigneeID) {
		n.effects.released = append(n.effects.released, routing.Held{ID: t.ID, Agent: *before.AssigneeID, Weight: t.Weight})
	}
	if err := n.tx.SaveTicket(ctx, t); err != nil {
		return err
	}
	return rehome(ctx, n.tx, before, *t)
}

// correct makes the ticket say what the agent wrote of it: whose it is, what it is about, and that the caller has been talked to.
func (n *noting) correct(ctx context.Context) error {
	t, c, changed := &n.ticket, n.contact, Data{}
	if id := n.citizenID(); id != nil && (t.CitizenID == nil || *t.CitizenID != *id) {
		t.CitizenID, changed["citizen"] = id, *id
	}
	calls, err := n.tx.CallsOf(ctx, t.ID)
	if err != nil {
		return err
	}
	if n.town.namedByCall(*t, calls) {
		t.Subject, changed["subject"] = c.Subject, "changed"
	}
	if n.directed && c.Motive != t.Motive {
		t.Motive, changed["motive"] = c.Motive, c.Motive
	}
	if t.DueAt != nil {
		t.DueAt, changed["due_at"] = nil, ""
	}
	if t.FirstReplyAt == nil {
		t.FirstReplyAt = &n.now
	}
	if t.LoggedBy == nil {
		t.LoggedBy = &n.actor.ID
	}
	if len(changed) > 0 {
		n.events = append(n.events, event(EventTicketChanged, *t, n.desk.now, &n.actor.ID, changed))
	}
	return nil
}

// goOn moves the ticket on: to the department the agent named, and to its end if the caller had her answer. One that was closed by
// itself is open again when she had not.
func (n *noting) goOn() {
	t, a := &n.ticket, n.actor
	if n.directed && n.department != t.Department {
		n.events = append(n.events, event(EventTicketLeft, *t, n.desk.now, &a.ID, nil))
		from := t.Department
		t.Department, t.AssigneeID, t.QueuedAt, t.Rule, t.SnoozedUntil = n.department, nil, &n.now, "", nil
		n.events = append(n.events, event(EventTicketTransferred, *t, n.desk.now, &a.ID, Data{"from": from, "to": n.department}))
	}
	switch closed := t.Status == StatusClosed; {
	case n.contact.Answered && !closed:
		t.Status, t.Outcome, t.ClosedAt, t.QueuedAt, t.SnoozedUntil = StatusClosed, Answered, &n.now, nil, nil
		if t.TakenAt == nil {
			t.TakenAt = &n.now
		}
		n.events = append(n.events, event(EventTicketClosed, *t, n.desk.now, &a.ID, Data{"outcome": string(Answered)}))
	case !n.contact.Answered && closed:
		t.Status, t.Outcome, t.ClosedAt, t.AssigneeID, t.QueuedAt = StatusOpen, "", nil, nil, &n.now
		n.events = append(n.events, event(EventTicketReopened, *t, n.desk.now, &a.ID, nil))
	case closed:
		t.QueuedAt = nil
	}
}
