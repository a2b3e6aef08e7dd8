package ticketing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// maxMerges is how many records may stand merged into one. A record that attracts more is no person.
const maxMerges = 100

// living holds records and tells, by the ids asked for, the record each lives on in: itself, or the end of its merges. Inside a
// transaction none of them is merged until its end, so that nothing is filed under a record that has just become part of another.
func living(ctx context.Context, tx Nouns, ids []string) (map[string]Citizen, error) {
	known := map[string]Citizen{}
	for wanted := ids; len(wanted) > 0; {
		rows, err := tx.HoldCitizens(ctx, wanted)
		if err != nil {
			return nil, wrap("citizens", err)
		}
		wanted = nil
		for _, c := range rows {
			known[c.ID] = c
			if into := c.MergedInto; into != nil && known[*into].ID == "" {
				wanted = append(wanted, *into)
			}
		}
	}
	lives := make(map[string]Citizen, len(ids))
	for _, id := range ids {
		c, ok := known[id]
		for ok && c.MergedInto != nil {
			c, ok = known[*c.MergedInto]
		}
		if ok {
			lives[id] = c
		}
	}
	return lives, nil
}

// livesIn is living for one record.
func livesIn(ctx context.Context, tx Nouns, id string) (Citizen, error) {
	lives, err := living(ctx, tx, []string{id})
	if err != nil {
		return Citizen{}, err
	}
	c, ok := lives[id]
	if !ok {
		return Citizen{}, ErrNotFound
	}
	return c, nil
}

// Merge makes a record part of another: what belongs to it belongs to the other from now on, and it points there. chosen tells, per
// field, whose value survives (FieldInto, FieldFrom); a field not named keeps into's unless it has none. Undo takes it all back.
func (g *Registry) Merge(ctx context.Context, a Actor, into, from, reason string, chosen map[string]string) (Merge, error) {
	if err := g.mayWrite(a); err != nil {
		return Merge{}, err
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return Merge{}, err
	}
	if err := checkChoices(chosen); err != nil {
		return Merge{}, err
	}
	var m Merge
	err = g.store.InTx(ctx, func(tx Nouns) error {
		survivor, merged, err := mergeable(ctx, tx.LockCitizens, into, from)
		if err != nil {
			return err
		}
		standing, err := tx.MergesInto(ctx, []string{into})
		if err != nil {
			return err
		}
		if len(standing) >= maxMerges {
			return conflict("too_many_merges")
		}
		now := g.now()
		m = Merge{ID: NewID(), IntoID: into, FromID: from, Reason: reason, AgentID: a.ID, At: now}
		m.Changes = MergeChanges{Seq: survivor.Version, Fields: join(&survivor, merged, chosen)}
		survivor.UpdatedAt, merged.UpdatedAt, merged.MergedInto = now, now, &survivor.ID
		// The records first, their rows after: saving a record writes the addresses it was read with.
		for _, c := range []*Citizen{&survivor, &merged} {
			if err := tx.SaveCitizen(ctx, c); err != nil {
				return err
			}
		}
		if err := tx.AddMerge(ctx, m); err != nil {
			return err
		}
		moved, err := tx.MoveRows(ctx, m)
		if err != nil {
			return err
		}
		return tx.AddEvents(ctx, mergeEvents(EventCitizenMerged, m, into, a.ID, now, moved))
	})
	if err == nil {
		g.told(ctx)
	}
	return m, err
}

// reasonOf is why somebody does what others will ask about.
func reasonOf(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "":
		return "", invalid("reason", "empty")
	case len(typed) > 1000:
		return "", invalid("reason", "too_long")
	}
	return typed, nil
}

// mergeable reads two records that may be merged, or says why they may not.
func mergeable(ctx context.Context, read func(context.Context, []string) ([]Citizen, error), into, from string) (survivor, merged Citizen, err error) {
	switch {
	case !IsID(into):
		return survivor, merged, ErrNotFound
	case !IsID(from):
		return survivor, merged, invalid("from", "unknown")
	case into == from:
		return survivor, merged, invalid("from", "the_same")
	}
	records, err := read(ctx, []string{into, from}) // both at once, in the one order
	if err != nil {
		return survivor, merged, err
	}
	for _, c := range records {
		if c.ID == into {
			survivor = c
		} else {
			merged = c
		}
	}
	switch {
	case survivor.ID == "":
		return survivor, merged, ErrNotFound
	case merged.ID == "":
		return survivor, merged, invalid("from", "unknown")
	}
	for _, c := range records {
		switch {
		case c.MergedInto != nil:
			return survivor, merged, recordMerged(c)
		case c.AnonymisedAt != nil:
			return survivor, merged, conflict("erased")
		case c.RestrictedAt != nil:
			return survivor, merged, conflict("restricted")
		}
	}
	return survivor, merged, nil
}

func recordMerged(c Citizen) error {
	return &Error{Code: CodeConflict, Reason: "record_merged", Args: map[string]any{"into": *c.MergedInto}}
}

// mergeEvents tells both records, and every ticket that moved, of a merge or its end.
func mergeEvents(kind EventType, m Merge, owner, by string, now time.Time, moved []MovedTicket) []Event {
	about := Event{At: now, Type: kind, AgentID: &by, Data: Data{"merge": m.ID, "into": m.IntoID, "from": m.FromID}}
	var events []Event
	for _, id := range []string{m.IntoID, m.FromID} {
		e := about
		e.CitizenID = &id
		events = append(events, e)
	}
	for _, t := range moved {
		e := about
		e.TicketID, e.Department, e.CitizenID = &t.ID, t.Department, &owner
		events = append(events, e)
	}
	return events
}

// Distinguish remembers that two records are not the same person: neither is proposed for the other any more.
func (g *Registry) Distinguish(ctx context.Context, a Actor, id, other string) error {
	if err := g.mayWrite(a); err != nil {
		return err
	}
	err := g.store.InTx(ctx, func(tx Nouns) error {
		one, second, err := mergeable(ctx, tx.HoldCitizens, id, other)
		if err != nil && !errors.Is(err, ErrConflict) { // one that lives on elsewhere may be told apart too
			return err
		}
		known, err := tx.DistinctFrom(ctx, []string{one.ID})
		if err != nil || slices.Contains(known, second.ID) {
			return err
		}
		now := g.now()
		if err := tx.AddDistinct(ctx, Distinct{OneID: one.ID, OtherID: second.ID, AgentID: &a.ID, At: now}); err != nil {
			return err
		}
		var events []Event
		for _, pair := range [][2]string{{one.ID, second.ID}, {second.ID, one.ID}} {
			events = append(events, Event{At: now, Type: EventCitizenDistinct, CitizenID: &pair[0], AgentID: &a.ID, Data: Data{"from": pair[1]}})
		}
		return tx.AddEvents(ctx, events)
	})
	if err == nil {
		g.told(ctx)
	}
	return err
}
