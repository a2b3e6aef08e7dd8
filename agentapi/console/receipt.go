package console

import (
	"bytes"
	"html/template"
	"net/http"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// receiptBody is the page a receipt is printed from.
type receiptBody struct {
	Ref      string
	Language string        // of the paper: the citizen's
	Paper    template.HTML // what is printed
}

// paper is what a citizen takes home as the proof that she came: when it was received and by whom, and who is in charge (CRPA
// L111-2, L112-3, R112-5). As in a receipt that is sent, a department that not everybody may know of is not named, nor is what was
// asked of it.
type paper struct {
	ticketing.Ticket
	Town       string
	Address    string
	Ref        string
	Citizen    string
	Desk       string
	Documents  []string
	Department string
	Email      string
	Agent      string     // who received it; empty: nobody, it came in by itself
	Function   string     // of hers
	Registered *time.Time // when that was not the day it was received
}

// receiptPage shows the receipt of a ticket to whoever may read it.
func (c *Console) receiptPage(r *request) error {
	d, err := c.reader.Ticket(r.Request.Context(), r.actor, r.Param("ref"))
	if err != nil {
		return err
	}
	language := chooseLanguage(d.Ticket.Language, "")
	var printed bytes.Buffer
	if err := c.voices[language].pages["receipt"].ExecuteTemplate(&printed, "paper", c.paper(d, language)); err != nil {
		return err
	}
	return c.show(r, http.StatusOK, "receipt", frame{
		Title: r.voice.say("receipt.title", "Reference", d.Ticket.Reference()), Class: "contact-page",
		Body: receiptBody{Ref: d.Ticket.Reference(), Language: language, Paper: template.HTML(printed.String())}, // a template escaped it
	})
}

func (c *Console) paper(d ticketing.Dossier, language string) paper {
	t, s := d.Ticket, c.town.Now()
	p := paper{Ticket: t, Town: c.town.Profile.Name, Address: c.town.Profile.Address, Ref: t.Reference()}
	if d.Citizen != nil {
		p.Citizen = d.Citizen.Name()
	}
	if line, ok := s.MailLine(t); ok {
		p.Email = line.Address
	}
	department, _ := s.Department(t.Department)
	if department.Visibility == ticketing.Open {
		p.Department = department.Name(language)
		if department.Address != "" {
			p.Address = department.Address
		}
	} else {
		p.Subject = ""
	}
	if t.LoggedBy != nil {
		if agent, ok := s.Agent(*t.LoggedBy); ok {
			p.Agent, p.Function = agent.Name, agent.Signature
		}
	}
	if !sameDay(c.local(t.ReceivedAt), c.local(t.RegisteredAt)) {
		p.Registered = &t.RegisteredAt
	}
	for _, m := range d.Messages {
		if m.Direction != ticketing.In {
			continue
		}
		if m.Channel == string(channels.Counter) && p.Desk == "" {
			p.Desk = m.Desk
		}
		p.Documents = append(p.Documents, m.Documents...)
	}
	return p
}
