package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"guichet/ticketing"
)

// thens lists what a ticket may be after an answer, the usual first.
func thens() []ticketing.Status {
	return []ticketing.Status{ticketing.StatusWaiting, ticketing.StatusOpen, ticketing.StatusClosed}
}

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

// compose is the forms to answer and to note with. What was typed and refused is in them.
type compose struct {
	Key     string // Idempotency-Key of the answer: sending the same form twice sends one
	NoteKey string // and of the note
	Version int    // of the ticket the agent has seen
	Kind    string // reply | note: the form in front
	Text    string
	Note    string
	To      string
	Cc      string             // with commas between
	Kept    []ticketing.Upload // files that were handed in and wait to be sent
	Then    string
	Known   []recipient
	Thens   []ticketing.Status
	Ask     bool // no address is known: the form asks for one
}

// recipient is an address an answer may go to. An empty Value is the one Guichet chooses by itself.
type recipient struct{ Value, Label string }

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
	return c.showTicket(r, http.StatusOK, nil, compose{}, moveForm{})
}

func (c *Console) showTicket(r *request, status int, a *alert, typed compose, move moveForm) error {
	dossier, err := c.reader.Ticket(r.Request.Context(), r.actor, r.Param("ref"))
	if err != nil {
		return err
	}
	b := c.ticketBody(r, dossier, typed, move)
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

func (c *Console) ticketBody(r *request, d ticketing.Dossier, typed compose, move moveForm) ticketBody {
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
	b.Compose = composeFor(d, typed)
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

// composeFor prepares the forms: whom an answer would go to, and what was typed before.
func composeFor(d ticketing.Dossier, typed compose) compose {
	typed.Version, typed.Thens = d.Ticket.Version, thens()
	if typed.Key == "" {
		typed.Key = ticketing.NewID()
	}
	if typed.NoteKey == "" {
		typed.NoteKey = ticketing.NewID()
	}
	if typed.Kind == "" {
		typed.Kind = "reply"
	}
	if typed.Then == "" {
		typed.Then = string(ticketing.StatusWaiting)
	}
	seen := map[string]bool{}
	add := func(value, label string) {
		if folded := strings.ToLower(label); !seen[folded] {
			seen[folded] = true
			typed.Known = append(typed.Known, recipient{value, label})
		}
	}
	if usual := ticketing.Recipient(d.Citizen, d.Messages).Value; usual != "" {
		add("", usual)
	}
	if d.Citizen != nil {
		for _, contact := range d.Citizen.Contacts {
			if contact.Type == "email" {
				add(contact.Value, contact.Value)
			}
		}
	}
	for _, p := range d.Participants {
		if p.Type == "email" && p.Role == "sender" {
			add(p.Value, p.Value)
		}
	}
	typed.Ask = len(typed.Known) == 0
	return typed
}
