package ticketing

import (
	"context"
	"errors"
)

// Who it was: an agent says whose a ticket is, when a number that several people share, or a mistake, left it without its citizen.

// said holds the record an agent chose; none when she chose nobody. One that was merged is chosen where it lives on.
func said(ctx context.Context, tx Nouns, id *string) (Citizen, error) {
	if id == nil {
		return Citizen{}, nil
	}
	if !IsID(*id) {
		return Citizen{}, invalid("citizen_id", "unknown")
	}
	c, err := livesIn(ctx, tx, *id)
	switch {
	case errors.Is(err, ErrNotFound):
		return c, invalid("citizen_id", "unknown")
	case err == nil && c.AnonymisedAt != nil:
		return c, conflict("erased")
	}
	return c, err
}

// rehome lets the calls of a ticket follow it to another citizen, and forgets that a merge brought it.
func rehome(ctx context.Context, tx Nouns, before, t Ticket) error {
	if t.CitizenID == nil || before.CitizenID != nil && *before.CitizenID == *t.CitizenID {
		return nil
	}
	calls, err := tx.CallsOf(ctx, t.ID)
	if err != nil {
		return err
	}
	for _, c := range calls {
		c.CitizenID = t.CitizenID
		if err := tx.SaveCall(ctx, c); err != nil {
			return err
		}
	}
	return tx.Settle(ctx, t.ID)
}

// TicketCandidates tells who may have written a ticket: the records that have an address or number of its senders, the likeliest first.
func (r *Reader) TicketCandidates(ctx context.Context, a Actor, reference string) ([]Likeness, error) {
	t, err := findTicket(ctx, r.store, r.town.Now(), a, reference)
	if err != nil {
		return nil, err
	}
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return nil, ErrForbidden
	}
	if err := r.looked(ctx, a, t); err != nil {
		return nil, err
	}
	people, err := r.store.Participants(ctx, []string{t.ID})
	if err != nil {
		return nil, err
	}
	var sender Citizen
	for _, p := range people {
		if p.Role != "sender" {
			continue
		}
		sender.Contacts = append(sender.Contacts, Contact{Type: p.Type, Value: p.Value})
		if sender.FamilyName == "" {
			sender.GivenName, sender.FamilyName = SplitName(p.Name)
		}
	}
	found, err := r.store.Alike(ctx, Traits{Contacts: traitsOf(sender).Contacts}, maxAlike)
	if err != nil {
		return nil, err
	}
	return propose(sender, found, nil), nil
}
