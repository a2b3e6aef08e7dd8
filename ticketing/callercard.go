package ticketing

import (
	"context"
	"errors"
	"time"
)

// Likelihood says how sure it is who calls.
type Likelihood string

// The likelihoods.
const (
	CallerKnown   Likelihood = "known"   // one record has the number
	CallerPerhaps Likelihood = "perhaps" // several have it, or a household
	CallerUnknown Likelihood = "unknown"
)

// Candidate is somebody who may be calling, and what she has under way that the actor may see.
type Candidate struct {
	Citizen Citizen
	Open    []TicketRow
}

// CallerCard is a call as the agent it rings at needs it: who it may be, the likeliest first.
type CallerCard struct {
	Call       Call
	Likelihood Likelihood
	Candidates []Candidate
}

// liveFor is how long a call that was never said to end counts as going on.
const liveFor = 4 * time.Hour

// Live lists the calls under way that the actor may know of, each with who may be calling.
func (b *Switchboard) Live(ctx context.Context, a Actor) ([]CallerCard, error) {
	calls, err := b.desk.store.LiveCalls(ctx, b.desk.now().Add(-liveFor))
	if err != nil {
		return nil, err
	}
	var cards []CallerCard
	for _, c := range calls {
		if !b.knows(a, c) {
			continue
		}
		card, err := b.card(ctx, a, c)
		if err != nil {
			return nil, err
		}
		cards = append(cards, card)
	}
	return cards, nil
}

// Call gives one call with who it may be.
func (b *Switchboard) Call(ctx context.Context, a Actor, id string) (CallerCard, error) {
	if !IsID(id) {
		return CallerCard{}, ErrNotFound
	}
	c, err := b.desk.store.Call(ctx, id)
	if err != nil {
		return CallerCard{}, err
	}
	if !b.knows(a, c) {
		return CallerCard{}, ErrNotFound
	}
	return b.card(ctx, a, c)
}

// knows tells whether the actor may know of a call: it is her own, or of a department she sees.
func (b *Switchboard) knows(a Actor, c Call) bool {
	d, _ := b.desk.town.Now().Department(c.Department)
	return a.Sees(d) || c.AgentID != nil && *c.AgentID == a.ID
}

func (b *Switchboard) card(ctx context.Context, a Actor, c Call) (CallerCard, error) {
	card := CallerCard{Call: c}
	var err error
	card.Likelihood, card.Candidates, err = candidates(ctx, b.desk.store, a, c.Number)
	return card, err
}

// Candidates says to an agent who may be reached under a number in E.164, the likeliest first; nobody under an empty one.
func (r *Reader) Candidates(ctx context.Context, a Actor, number string) (Likelihood, []Candidate, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return CallerUnknown, nil, nil
	}
	return candidates(ctx, r.store, a, number)
}

func candidates(ctx context.Context, store Store, a Actor, number string) (Likelihood, []Candidate, error) {
	if number == "" {
		return CallerUnknown, nil, nil
	}
	owners, err := store.PhoneOwners(ctx, []string{number})
	if err != nil {
		return CallerUnknown, nil, err
	}
	list, likelihood := owners[number], CallerUnknown
	if _, ok := Decides(list); ok {
		likelihood = CallerKnown
	} else if len(list) > 0 {
		likelihood = CallerPerhaps
	}
	var found []Candidate
	for _, owner := range list {
		citizen, err := store.Citizen(ctx, owner.ID)
		if err != nil {
			return likelihood, nil, err
		}
		open, err := store.ListTickets(ctx, TicketQuery{
			Scope: a.Scope(), Citizen: owner.ID, Statuses: []Status{StatusNew, StatusOpen, StatusWaiting}, Sort: SortUpdated, Limit: 10,
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return likelihood, nil, err
		}
		found = append(found, Candidate{Citizen: citizen, Open: open})
	}
	return likelihood, found, nil
}
