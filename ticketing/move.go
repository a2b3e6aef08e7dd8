package ticketing

import (
	"context"
	"slices"
	"strings"
	"time"

	"guichet/routing"
)

// step is one change of a ticket: it edits the row and says what to write in the journal.
type step func(t *Ticket, now time.Time) ([]Event, error)

// move changes a ticket in one transaction and settles the queues.
func (d *Desk) move(ctx context.Context, a Actor, do Action, reference string, ifMatch int, change step) (Ticket, error) {
	return d.moveKnowing(ctx, a, do, reference, ifMatch, nil, change)
}

// moveKnowing is move, after reading in the same transaction what the change must know. Records of citizens are read before the ticket,
// as everywhere.
func (d *Desk) moveKnowing(
	ctx context.Context, a Actor, do Action, reference string, ifMatch int, know func(context.Context, Nouns) error, change step,
) (Ticket, error) {
	var t Ticket
	var eff effects
	err := d.store.InTx(ctx, func(tx Nouns) error {
		eff = effects{}
		if know != nil {
			if err := know(ctx, tx); err != nil {
				return err
			}
		}
		var err error
		if t, err = d.find(ctx, tx, a, do, reference, ifMatch); err != nil {
			return err
		}
		before := t
		events, err := change(&t, d.now())
		if err != nil || len(events) == 0 {
			return err
		}
		t.UpdatedAt = d.now()
		if err := tx.SaveTicket(ctx, &t); err != nil {
			return err
		}
		if err := rehome(ctx, tx, before, t); err != nil {
			return err
		}
		if before.AssigneeID != nil && (!t.UsesCapacity() || *t.AssigneeID != *before.AssigneeID) {
			eff.released = append(eff.released, routing.Held{ID: t.ID, Agent: *before.AssigneeID, Weight: t.Weight})
		}
		eff.settle(t, d.now)
		return tx.AddEvents(ctx, events)
	})
	if err != nil {
		return Ticket{}, err
	}
	d.after(ctx, eff)
	return t, nil
}

// Transfer gives a ticket to another department, where it waits in the queue for somebody there.
func (d *Desk) Transfer(ctx context.Context, a Actor, reference, department, reason string, ifMatch int) (Ticket, error) {
	if strings.TrimSpace(reason) == "" {
		return Ticket{}, invalid("reason", "empty")
	}
	s := d.town.Now()
	if _, ok := s.Department(department); !ok { // a hidden one may be given work: its name is known, its tickets are not
		return Ticket{}, invalid("department", "unknown")
	}
	return d.move(ctx, a, ActTransfer, reference, ifMatch, func(t *Ticket, now time.Time) ([]Event, error) {
		if t.Status == StatusClosed {
			return nil, conflict("closed")
		}
		if t.Department == department {
			return nil, nil
		}
		left := event(EventTicketLeft, *t, d.now, &a.ID, nil)
		from := t.Department
		t.Department, t.AssigneeID, t.QueuedAt, t.Rule, t.SnoozedUntil = department, nil, &now, "", nil
		if m, ok := s.Motive(t.Motive); ok && m.Department != department {
			t.Motive = ""
		}
		if t.Status == StatusWaiting {
			t.QueuedAt = nil
		}
		came := event(EventTicketTransferred, *t, d.now, &a.ID, Data{"from": from, "to": department, "reason": clip(reason, 500)})
		return []Event{left, came}, nil
	})
}

// Close ends a ticket with an outcome.
func (d *Desk) Close(ctx context.Context, a Actor, reference string, outcome CloseOutcome, reason string, ifMatch int) (Ticket, error) {
	if outcome == "" {
		outcome = Answered
	}
	if !slices.Contains(Outcomes(), outcome) {
		return Ticket{}, invalid("outcome", "unknown")
	}
	return d.move(ctx, a, ActClose, reference, ifMatch, func(t *Ticket, now time.Time) ([]Event, error) {
		if t.Status == StatusClosed {
			return nil, conflict("closed")
		}
		t.Status, t.Outcome, t.ClosedAt, t.QueuedAt, t.SnoozedUntil = StatusClosed, outcome, &now, nil, nil
		if t.TakenAt == nil {
			t.TakenAt = &now
		}
		return []Event{event(EventTicketClosed, *t, d.now, &a.ID, Data{"outcome": string(outcome), "reason": clip(reason, 500)})}, nil
	})
}

// Reopen takes a closed ticket up again. It goes back to its queue.
func (d *Desk) Reopen(ctx context.Context, a Actor, reference, reason string, ifMatch int) (Ticket, error) {
	if strings.TrimSpace(reason) == "" {
		return Ticket{}, invalid("reason", "empty")
	}
	return d.move(ctx, a, ActClose, reference, ifMatch, func(t *Ticket, now time.Time) ([]Event, error) {
		if t.Status != StatusClosed {
			return nil, conflict("not_closed")
		}
		if t.MergedInto != nil {
			return nil, conflict("merged")
		}
		t.Status, t.Outcome, t.ClosedAt, t.AssigneeID, t.QueuedAt = StatusOpen, "", nil, nil, &now
		return []Event{event(EventTicketReopened, *t, d.now, &a.ID, Data{"reason": clip(reason, 500)})}, nil
	})
}

// Edit is the fields of a ticket an agent may correct; nil leaves one as it is.
type Edit struct {
	Subject  *string
	Motive   *string
	Priority *Priority
	Language *string
	Tags     *[]string
	Snooze   *time.Time // zero: no longer
	Citizen  *string    // whose it is: an agent knows who that was
}

// maxSnooze is how long a ticket may be put aside.
const maxSnooze = 366 * 24 * time.Hour

// Edit corrects a ticket.
func (d *Desk) Edit(ctx context.Context, a Actor, reference string, e Edit, ifMatch int) (Ticket, error) {
	s := d.town.Now()
	var citizen Citizen
	know := func(ctx context.Context, tx Nouns) (err error) {
		citizen, err = said(ctx, tx, e.Citizen)
		return err
	}
	return d.moveKnowing(ctx, a, ActEdit, reference, ifMatch, know, func(t *Ticket, now time.Time) ([]Event, error) {
		changed := Data{}
		if citizen.ID != "" && (t.CitizenID == nil || *t.CitizenID != citizen.ID) {
			t.CitizenID, changed["citizen"] = &citizen.ID, citizen.ID
		}
		if e.Subject != nil {
			subject := strings.TrimSpace(*e.Subject)
			if subject == "" || len(subject) > 998 {
				return nil, invalid("subject", "empty_or_too_long")
			}
			t.Subject, changed["subject"] = subject, "changed"
		}
		if e.Motive != nil {
			if _, ok := s.Motive(*e.Motive); !ok && *e.Motive != "" {
				return nil, invalid("motive", "unknown")
			}
			t.Motive, changed["motive"] = *e.Motive, *e.Motive
		}
		if e.Priority != nil {
			if !slices.Contains(Priorities(), *e.Priority) {
				return nil, invalid("priority", "unknown")
			}
			t.Priority, changed["priority"] = *e.Priority, string(*e.Priority)
		}
		if e.Language != nil {
			if !d.town.Profile.Supports(*e.Language) {
				return nil, invalid("language", "unknown")
			}
			t.Language, changed["language"] = *e.Language, *e.Language
		}
		if e.Tags != nil {
			tags, err := cleanTags(*e.Tags)
			if err != nil {
				return nil, err
			}
			if !slices.Equal(tags, t.Tags) {
				t.Tags, changed["tags"] = tags, "changed"
			}
		}
		if e.Snooze != nil {
			until, err := snoozed(*e.Snooze, *t, now)
			if err != nil {
				return nil, err
			}
			t.SnoozedUntil, changed["snoozed_until"] = until, stamp(until)
		}
		if len(changed) == 0 {
			return nil, nil
		}
		return []Event{event(EventTicketChanged, *t, d.now, &a.ID, changed)}, nil
	})
}

// snoozed checks until when a ticket is to be put aside; nil: it is not. Reconcile brings it back into its queue then.
func snoozed(until time.Time, t Ticket, now time.Time) (*time.Time, error) {
	switch until = until.UTC().Truncate(time.Microsecond); {
	case until.IsZero():
		return nil, nil
	case t.Status == StatusClosed:
		return nil, conflict("closed")
	case !until.After(now):
		return nil, invalid("snoozed_until", "in_the_past")
	case until.After(now.Add(maxSnooze)):
		return nil, invalid("snoozed_until", "too_far")
	}
	return &until, nil
}
