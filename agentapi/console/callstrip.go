package console

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"guichet/ticketing"
)

const (
	shownCandidates = 3 // of one call
	shownTickets    = 3 // of one candidate
)

// callStrip is the strip above every page: the calls that are the agent's business at this moment, the nearest first.
type callStrip struct {
	Cards  []callCard
	Others int // calls beyond Cards
}

// Total is how many calls there are.
func (s callStrip) Total() int { return len(s.Cards) + s.Others }

// More is how many there are beside the nearest.
func (s callStrip) More() int { return s.Total() - 1 }

// callCard is a call with who it may be.
type callCard struct {
	ID         string
	Number     string // as it is read aloud
	State      string // "rings", "on the line", in words
	Talking    bool   // the agent is on the line
	Since      time.Time
	Likelihood ticketing.Likelihood
	People     []candidate
	MorePeople int
	Reference  string // of the ticket of a call that was taken
	Contact    string // address of the contact page, filled in
	Said       string // to a screen reader, when it begins to ring
}

// candidate is somebody who may be calling.
type candidate struct {
	Name        string // empty: her record has none yet
	LastContact *time.Time
	Open        []ticketing.TicketRow
	MoreOpen    int
}

// callStrip reads the strip. When nothing rings it costs one look at an index.
func (c *Console) callStrip(r *request) (callStrip, error) {
	cards, others, err := c.switchboard.Near(r.Request.Context(), r.actor)
	if err != nil {
		return callStrip{}, err
	}
	strip := callStrip{Others: others}
	for _, card := range cards {
		strip.Cards = append(strip.Cards, c.callCard(r, card))
	}
	return strip, nil
}

func (c *Console) callCard(r *request, card ticketing.CallerCard) callCard {
	call, v := card.Call, r.voice
	out := callCard{
		ID: call.ID, Number: callNumber(v, call), Likelihood: card.Likelihood, Talking: call.Answered(), Since: call.CreatedAt,
		Reference: card.Reference, Contact: contactAddress(call),
	}
	department, _ := c.town.Now().Department(call.Department)
	switch {
	case out.Talking:
		out.State, out.Since = v.say("calls.talking"), *cmp.Or(call.AnsweredAt, &call.CreatedAt)
	case call.Rings.Has(r.actor.ID):
		out.State = v.say("calls.rings_here")
	default:
		out.State = v.say("calls.rings_for", "Department", department.Name(v.language))
	}
	who := out.Number
	for _, person := range card.Candidates[:min(len(card.Candidates), shownCandidates)] {
		p := candidate{Name: person.Citizen.Name(), Open: person.Open[:min(len(person.Open), shownTickets)]}
		p.MoreOpen = len(person.Open) - len(p.Open)
		if out.Talking { // this call is the last contact, and its ticket has a place of its own
			p.Open = slices.DeleteFunc(slices.Clone(p.Open), func(t ticketing.TicketRow) bool { return t.Reference() == card.Reference })
		} else {
			p.LastContact = person.Citizen.LastContactAt
		}
		if p.Name != "" && card.Likelihood == ticketing.CallerKnown {
			who = p.Name + ", " + who
		}
		out.People = append(out.People, p)
	}
	out.MorePeople = len(card.Candidates) - len(out.People)
	out.Said = v.say("calls.said", "State", out.State, "Who", who)
	return out
}

// contactAddress is the contact page for a call.
func contactAddress(call ticketing.Call) string {
	q := url.Values{"call": {call.ID}}
	if call.Number != "" {
		q.Set("phone", call.Number)
	}
	return "/contacts/new?" + q.Encode()
}
