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
	card := CallerCard{Call: c, Likelihood: CallerUnknown}
	if c.Number == "" {
		return card, nil
	}
	owners, err := b.desk.store.PhoneOwners(ctx, []string{c.Number})
	if err != nil {
		return card, err
	}
	list := owners[c.Number]
	if _, ok := Decides(list); ok {
		card.Likelihood = CallerKnown
	} else if len(list) > 0 {
		card.Likelihood = CallerPerhaps
	}
	for _, owner := range list {
		citizen, err := b.desk.store.Citizen(ctx, owner.ID)
		if err != nil {
			return card, err
		}
		if err := look(ctx, b.desk.store, b.desk.now(), a, owner.ID, "", ""); err != nil {
			return card, err
		}
		open, err := b.desk.store.ListTickets(ctx, TicketQuery{
			Scope: a.Scope(), Citizen: owner.ID, Statuses: []Status{StatusNew, StatusOpen, StatusWaiting}, Sort: SortUpdated, Limit: 10,
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return card, err
		}
		card.Candidates = append(card.Candidates, Candidate{Citizen: citizen, Open: open})
	}
	return card, nil
}
