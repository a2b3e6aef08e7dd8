package ticketing

import (
	"context"
	"errors"
	"slices"
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
	Reference  string // of the ticket it is on, if the actor may see it
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
		if !b.desk.town.Now().knows(a, c) {
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

const (
	// ringsFor is how long a call counts as ringing: an exchange that restarts may never tell that it stopped.
	ringsFor = 30 * time.Minute
	// maxNear is how many calls are shown to an agent with who may be calling.
	maxNear = 4
)

// Near lists the calls that are the actor's own business at this moment, the nearest first: the one she talks on, those that ring at
// her telephone, then those that ring for a department of hers and at nobody's telephone in particular, the longest wait first. At
// most maxNear come with who may be calling; others is how many more there are. When nothing rings it costs one look at an index.
func (b *Switchboard) Near(ctx context.Context, a Actor) (cards []CallerCard, others int, err error) {
	now := b.desk.now()
	calls, err := b.desk.store.LiveCalls(ctx, now.Add(-liveFor))
	if err != nil {
		return nil, 0, err
	}
	var talks, own, shared []Call
	for _, c := range calls {
		switch {
		case !b.desk.town.Now().knows(a, c) || c.Missed():
		case c.Answered():
			if c.AgentID != nil && *c.AgentID == a.ID {
				talks = []Call{c} // the last one: nobody talks on two
			}
		case c.Direction == Out || c.CreatedAt.Before(now.Add(-ringsFor)):
		case c.Rings.Has(a.ID):
			own = append(own, c)
		case len(c.Rings) == 0 && a.Standing(c.Department).Member:
			shared = append(shared, c)
		}
	}
	near := slices.Concat(talks, own, shared)
	for _, c := range near[:min(len(near), maxNear)] {
		card, err := b.card(ctx, a, c)
		if err != nil {
			return nil, 0, err
		}
		cards = append(cards, card)
	}
	return cards, len(near) - len(cards), nil
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
	if !b.desk.town.Now().knows(a, c) {
		return CallerCard{}, ErrNotFound
	}
	return b.card(ctx, a, c)
}

// knows tells whether the actor may know of a call: it is her own, or of a department she sees.
func (s *Snapshot) knows(a Actor, c Call) bool {
	d, _ := s.Department(c.Department)
	return a.Sees(d) || c.AgentID != nil && *c.AgentID == a.ID
}

func (b *Switchboard) card(ctx context.Context, a Actor, c Call) (CallerCard, error) {
	card := CallerCard{Call: c}
	if c.TicketID != nil {
		tickets, err := b.desk.store.TicketsByIDs(ctx, []string{*c.TicketID})
		if err != nil {
			return card, err
		}
		if len(tickets) > 0 && a.Can(ActSee, b.desk.town.Now().Subject(tickets[0])) {
			card.Reference = tickets[0].Reference()
		}
	}
	var err error
	card.Likelihood, card.Candidates, err = candidates(ctx, b.desk.store, b.desk.now(), a, c.Number)
	return card, err
}

// Candidates says to an agent who may be reached under a number in E.164, the likeliest first; nobody under an empty one.
func (r *Reader) Candidates(ctx context.Context, a Actor, number string) (Likelihood, []Candidate, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return CallerUnknown, nil, nil
	}
	return candidates(ctx, r.store, r.now(), a, number)
}

func candidates(ctx context.Context, store Store, now time.Time, a Actor, number string) (Likelihood, []Candidate, error) {
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
		if err := look(ctx, store, now, a, owner.ID, "", ""); err != nil {
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
