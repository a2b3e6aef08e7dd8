package ticketing

import (
	"context"
	"strings"

	"guichet/routing"
)

// Merge closes a ticket as a duplicate of another, which lives on: what is written to the one goes into the other from now on. What was
// said on the one stays there, to be read. Merging again into the same ticket changes nothing.
func (d *Desk) Merge(ctx context.Context, a Actor, reference, into, reason string, ifMatch int) (Ticket, error) {
	if strings.TrimSpace(reason) == "" {
		return Ticket{}, invalid("reason", "empty")
	}
	t, err := d.find(ctx, d.store, a, ActClose, reference, 0)
	if err != nil {
		return Ticket{}, err
	}
	target, err := findTicket(ctx, d.store, d.town.Now(), a, into)
	if CodeOf(err) == CodeNotFound {
		return Ticket{}, invalid("into", "unknown")
	}
	if err != nil {
		return Ticket{}, err
	}
	if t.ID == target.ID {
		return Ticket{}, invalid("into", "itself")
	}
	var eff effects
	err = d.store.InTx(ctx, func(tx Nouns) error {
		eff = effects{}
		rows, err := tx.LockTickets(ctx, []string{t.ID, target.ID}) // both at once, in the one order
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.ID == t.ID {
				t = row
			} else {
				target = row
			}
		}
		merged, err := d.mergeable(a, t, target, ifMatch)
		if err != nil || merged {
			return err
		}
		return d.merge(ctx, tx, a, &t, target, reason, &eff)
	})
	if err != nil {
		return Ticket{}, err
	}
	d.after(ctx, eff)
	return t, nil
}

// mergeable tells whether a ticket may be merged into another; merged: it was already.
func (d *Desk) mergeable(a Actor, t, target Ticket, ifMatch int) (merged bool, err error) {
	s := d.town.Now()
	switch {
	case !a.Can(ActSee, s.Subject(t)): // it has moved meanwhile
		return false, ErrNotFound
	case !a.Can(ActSee, s.Subject(target)):
		return false, invalid("into", "unknown")
	case !a.Can(ActClose, s.Subject(t)), !a.Can(ActEdit, s.Subject(target)):
		return false, ErrForbidden
	case t.MergedInto != nil && *t.MergedInto == target.ID:
		return true, nil
	case ifMatch > 0 && ifMatch != t.Version:
		return false, stale(t)
	case t.MergedInto != nil:
		return false, conflict("merged")
	case t.Status == StatusClosed:
		return false, conflict("closed")
	case target.Status == StatusClosed: // a merged one is closed, so there is no chain and no circle
		return false, conflict("target_closed")
	}
	return false, nil
}

func (d *Desk) merge(ctx context.Context, tx Nouns, a Actor, t *Ticket, target Ticket, reason string, eff *effects) error {
	now := d.now()
	before := *t
	t.Status, t.Outcome, t.MergedInto, t.ClosedAt, t.QueuedAt, t.SnoozedUntil, t.UpdatedAt = StatusClosed, Duplicate, &target.ID, &now, nil, nil, now
	if t.TakenAt == nil {
		t.TakenAt = &now
	}
	target.UpdatedAt = now
	for _, row := range []*Ticket{t, &target} {
		if err := tx.SaveTicket(ctx, row); err != nil {
			return err
		}
	}
	if err := tx.AddLinks(ctx, []Link{{TicketID: t.ID, OtherID: target.ID, Kind: LinkMerged, CreatedAt: now}}); err != nil {
		return err
	}
	if before.UsesCapacity() {
		eff.released = append(eff.released, routing.Held{ID: t.ID, Agent: *before.AssigneeID, Weight: t.Weight})
	}
	eff.settle(*t, d.now)
	data := Data{"from": t.Department, "to": target.Department, "reason": clip(reason, 500)}
	return tx.AddEvents(ctx, []Event{
		event(EventTicketMerged, *t, d.now, &a.ID, with(data, "into", target.ID)),
		event(EventTicketMerged, target, d.now, &a.ID, with(data, "other", t.ID)),
	})
}

// with is data with a value more.
func with(data Data, key, value string) Data {
	more := Data{key: value}
	for k, v := range data {
		more[k] = v
	}
	return more
}
