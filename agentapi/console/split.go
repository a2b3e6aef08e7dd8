package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"guichet/ticketing"
)

// splitBody is the page on which some messages of a ticket become another one, as it was filled in.
type splitBody struct {
	Ref         string
	Version     int
	Key         string
	Subject     string
	Department  string
	Messages    []splitMessage
	Departments []ticketing.Department
}

// splitMessage is a message that may go.
type splitMessage struct {
	*messageEntry
	Goes bool
}

// beginning is how much of a message the page shows, in bytes.
const beginning = 400

// splitPage asks what goes, and where.
func (c *Console) splitPage(r *request) error {
	return c.showSplit(r, http.StatusOK, nil, splitBody{}, nil)
}

func (c *Console) showSplit(r *request, status int, a *alert, b splitBody, goes []string) error {
	d, err := c.reader.Ticket(r.Request.Context(), r.actor, r.Param("ref"))
	if err != nil {
		return err
	}
	if !c.abilities(r.actor, d.Ticket).Split {
		return ticketing.ErrForbidden
	}
	b.Ref, b.Version, b.Departments = d.Ticket.Reference(), d.Ticket.Version, c.town.Now().Departments
	if b.Key == "" {
		b.Key = ticketing.NewID()
	}
	if b.Department == "" {
		b.Department = d.Ticket.Department
	}
	for _, m := range d.Messages {
		e := c.messageEntry(r.voice, d, m)
		if len(e.Shown) > beginning {
			e.Shown = strings.ToValidUTF8(e.Shown[:beginning], "") + "…"
		}
		b.Messages = append(b.Messages, splitMessage{e, slices.Contains(goes, m.ID)})
	}
	return c.show(r, status, "split", frame{Title: r.voice.say("split.title", "Reference", b.Ref), Class: "contact-page", Alert: a, Body: b})
}

// splitTicket makes a ticket of the chosen messages and shows it, or, when it went where the agent does not look, the one they were in.
func (c *Console) splitTicket(r *request) error {
	b := splitBody{Key: r.PostForm("key"), Subject: r.PostForm("subject"), Department: r.PostForm("department")}
	goes := r.PostFormArray("message")
	_, made, err := c.desk.Split(r.Request.Context(), r.actor, r.Param("ref"), ticketing.Splitting{
		Messages: goes, Department: b.Department, Subject: b.Subject, Key: b.Key, IfMatch: r.seen(),
	})
	if err == nil {
		if r.actor.Can(ticketing.ActSee, c.town.Now().Subject(made)) {
			return r.see("/tickets/" + made.Reference() + "?done=split")
		}
		return r.see("/tickets/" + url.PathEscape(r.Param("ref")) + "?done=split&ref=" + made.Reference())
	}
	var refused *ticketing.Error
	if !errors.As(err, &refused) || errors.Is(err, ticketing.ErrNotFound) {
		return err
	}
	status, key := refusal(err)
	if key == "refuse.key_reused" {
		b.Key = ""
	}
	return c.showSplit(r, status, r.voice.alert(key), b, goes)
}
