package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// ticketBody is one ticket as its page shows it.
type ticketBody struct {
	ticketing.Ticket
	Ref         string
	Citizen     *ticketing.Citizen
	CitizenName string
	Mine        bool
	Can         abilities
	Story       []entry
	Earlier     int // exchanges left out, so that the page stays small
	Copied      []ticketing.Participant
	Elsewhere   []ticketing.Participant // departments that received it too
	Links       []ticketing.LinkedTicket
	Compose     compose
	Move        moveForm
	Departments []ticketing.Department // it can be transferred to
	Colleagues  []ticketing.Agent      // it can be given to
	Outcomes    []ticketing.CloseOutcome
	Undelivered bool
	Tomorrow    string                // the first day it can be put aside until
	About       int                   // see ticketing.Dossier.ContactsAbout
	Card        ticketing.CitizenCard // what else there is of its citizen
	Department  string                // its name for the words of a refusal; the ticket's own field holds the code
}

// abilities is which actions the page offers.
type abilities struct{ Take, Release, Reply, Note, Transfer, Assign, Close, Reopen, Edit, Merge, Split bool }

// moveForm is what was typed into a form that moves the ticket and was refused.
type moveForm struct {
	Kind       string // transfer | assign | close | reopen | merge | tags | snooze
	Department string
	Agent      string
	Outcome    string
	Reason     string
	Into       string
	Tags       string
	Until      string
}

// More tells whether the form is one of those behind "more".
func (m moveForm) More() bool { return m.Kind == "merge" || m.Kind == "tags" || m.Kind == "snooze" }

// ticketPage shows one ticket beside the list it was opened from.
func (c *Console) ticketPage(r *request) error {
	typed := compose{}
	if number := clean(r.Query("text"), 40); number != "" {
		typed = compose{Channel: string(channels.SMS), ToText: number}
	}
	return c.showTicket(r, http.StatusOK, nil, typed, moveForm{})
}

func (c *Console) showTicket(r *request, status int, a *alert, typed compose, move moveForm) error {
	dossier, err := c.reader.Ticket(r.Request.Context(), r.actor, r.Param("ref"))
	if err != nil {
		return err
	}
	offer, err := c.reader.TextOffer(r.Request.Context(), dossier)
	if err != nil {
		return err
	}
	b := c.ticketBody(r, dossier, move)
	b.Compose = c.composeFor(dossier, offer, typed)
	if b.Card, err = c.reader.CitizenCard(r.Request.Context(), r.actor, dossier.Ticket); err != nil {
		return err
	}
	q := readList(r.Request.URL.Query())
	if q.View == "" {
		q.View = viewOf(dossier.Ticket, b.Mine)
	}
	group, p, err := c.list(r, q, b.Ref)
	if err != nil {
		return err
	}
	return c.show(r, status, "ticket", frame{
		Title: b.Ref + " · " + b.Subject, Class: "ticket-page", Query: q, List: []listGroup{group}, Pager: p, Alert: a, Body: b,
	})
}

// viewOf is the list a ticket most likely was opened from, when its address does not say.
func viewOf(t ticketing.Ticket, mine bool) string {
	switch {
	case mine && t.Status == ticketing.StatusWaiting:
		return viewWaiting
	case mine && t.Status != ticketing.StatusClosed:
		return viewMine
	case t.AssigneeID == nil && (t.Status == ticketing.StatusNew || t.Status == ticketing.StatusOpen):
		return viewQueue
	}
	return viewAll
}

func (c *Console) ticketBody(r *request, d ticketing.Dossier, move moveForm) ticketBody {
	t := d.Ticket
	department, _ := c.town.Now().Department(t.Department)
	b := ticketBody{
		Ticket: t, Ref: t.Reference(), Citizen: d.Citizen, Links: d.Links, About: d.ContactsAbout,
		Mine: t.AssigneeID != nil && *t.AssigneeID == r.actor.ID && t.Status != ticketing.StatusClosed,
		Can:  c.abilities(r.actor, t), Move: move, Outcomes: ticketing.Outcomes(), Department: department.Name(r.voice.language),
	}
	if d.Citizen != nil {
		b.CitizenName = ticketing.DisplayName(*d.Citizen)
	}
	b.Undelivered, b.Tomorrow = d.Undelivered(), c.local(c.now()).AddDate(0, 0, 1).Format(time.DateOnly)
	b.Can.Split = b.Can.Split && len(d.Messages) > 1
	if move.Kind != "tags" {
		b.Move.Tags = strings.Join(t.Tags, ", ")
	}
	for _, p := range d.Participants {
		switch p.Role {
		case "copied":
			b.Copied = append(b.Copied, p)
		case "department":
			b.Elsewhere = append(b.Elsewhere, p)
		}
	}
	for _, other := range c.town.Now().Departments {
		if other.Code != t.Department {
			b.Departments = append(b.Departments, other)
		}
	}
	if b.Can.Assign {
		b.Colleagues = c.colleagues(t)
	}
	b.Story, b.Earlier = c.story(r, d, r.Query("all") != "")
	return b
}

// abilities asks the one table of who may do what, and the state of the ticket.
func (c *Console) abilities(a ticketing.Actor, t ticketing.Ticket) abilities {
	subject := c.town.Now().Subject(t)
	closed := t.Status == ticketing.StatusClosed
	can := func(do ticketing.Action) bool { return a.Can(do, subject) }
	held := t.AssigneeID != nil
	return abilities{
		Take:     can(ticketing.ActTake) && !held && (t.Status == ticketing.StatusNew || t.Status == ticketing.StatusOpen),
		Release:  held && !closed && (*t.AssigneeID == a.ID && can(ticketing.ActTake) || can(ticketing.ActAssign)),
		Reply:    can(ticketing.ActReply) && !closed,
		Note:     can(ticketing.ActNote),
		Transfer: can(ticketing.ActTransfer) && !closed,
		Assign:   can(ticketing.ActAssign) && !closed,
		Close:    can(ticketing.ActClose) && !closed,
		Reopen:   can(ticketing.ActClose) && closed && t.MergedInto == nil,
		Edit:     can(ticketing.ActEdit),
		Merge:    can(ticketing.ActClose) && !closed,
		Split:    can(ticketing.ActTransfer) && t.MergedInto == nil,
	}
}

// colleagues lists the agents who may take the ticket and do not have it, in the order of their names.
func (c *Console) colleagues(t ticketing.Ticket) []ticketing.Agent {
	s := c.town.Now()
	var list []ticketing.Agent
	for _, agent := range s.Agents {
		actor, active := s.Actor(agent.ID, false)
		has := t.AssigneeID != nil && *t.AssigneeID == agent.ID
		if active && !has && actor.Can(ticketing.ActTake, s.Subject(t)) {
			list = append(list, agent)
		}
	}
	slices.SortFunc(list, func(a, b ticketing.Agent) int { return strings.Compare(a.Name, b.Name) })
	return list
}
