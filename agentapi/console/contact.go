package console

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// contactBody is the form a contact is written down with, as it was typed.
type contactBody struct {
	Key         string
	Channel     string
	Given       string
	Family      string
	Email       string
	Phone       string
	Where       string // a motive's code, or "@" and a department's
	Subject     string
	Text        string
	ReceivedOn  string // the day of the call or visit; of a letter, the date of its stamp
	Today       string
	Answered    bool
	Channels    []string
	Departments []contactDepartment
	Refused     string // the name of the field that was refused
	Why         string
}

// Mark goes into a field: the one that was refused says so and gets the focus, else the first.
func (b contactBody) Mark(field string) template.HTMLAttr {
	switch {
	case b.Refused == field:
		return `aria-invalid="true" aria-describedby="refused" autofocus`
	case b.Refused == "" && field == "phone":
		return "autofocus"
	}
	return ""
}

// Wrong says, beside a field, why it was refused.
func (b contactBody) Wrong(field string) string {
	if b.Refused == field {
		return b.Why
	}
	return ""
}

// refusedField gives the field of the form that a refusal is about.
func refusedField(key string) string {
	return map[string]string{
		"refuse.phone": "phone", "refuse.email": "email", "refuse.citizen": "phone", "refuse.subject_empty": "subject",
		"refuse.text_too_long": "text", "refuse.text_empty": "text", "refuse.received_at": "received", "refuse.department": "where",
	}[key]
}

// contactDepartment is a department and what one comes to it for.
type contactDepartment struct {
	ticketing.Department
	Motives []ticketing.Motive
}

// writtenDown lists the channels an agent writes a contact of down.
func writtenDown() []string {
	return texts([]channels.Name{channels.Phone, channels.Counter, channels.Letter})
}

// contactPage is the form for a call, a visit or a letter.
func (c *Console) contactPage(r *request) error {
	return c.showContact(r, http.StatusOK, nil, contactBody{Channel: string(channels.Phone), Phone: clean(r.Query("phone"), 40)})
}

// logContact files what was written down.
func (c *Console) logContact(r *request) error {
	b := contactBody{
		Key: r.PostForm("key"), Channel: r.PostForm("channel"), Given: r.PostForm("given"), Family: r.PostForm("family"),
		Email: r.PostForm("email"), Phone: r.PostForm("phone"), Where: r.PostForm("where"), Subject: r.PostForm("subject"),
		Text: unixLines(r.PostForm("text")), ReceivedOn: r.PostForm("received_on"), Answered: r.PostForm("answered") != "",
	}
	contact, err := c.newContact(r, b)
	if err == nil {
		var t ticketing.Ticket
		if t, err = c.desk.Log(r.Request.Context(), r.actor, contact); err == nil {
			return r.logged(c, t)
		}
	}
	var refused *ticketing.Error
	if !errors.As(err, &refused) {
		return err
	}
	status, key := refusal(err)
	a := r.voice.alert(key)
	b.Refused, b.Why = refusedField(key), a.Title+" "+a.Detail
	a.Detail += " " + r.voice.say("refuse.kept")
	return c.showContact(r, status, a, b)
}

// logged shows the new ticket, or, when it went where the agent does not look, its reference to tell the citizen.
func (r *request) logged(c *Console, t ticketing.Ticket) error {
	done := "logged"
	if t.Status == ticketing.StatusClosed {
		done = "logged_answered"
	}
	if r.actor.Can(ticketing.ActSee, c.town.Now().Subject(t)) {
		return r.see("/tickets/" + t.Reference() + "?done=" + done)
	}
	return r.see("/?done=" + done + "&ref=" + t.Reference())
}

func (c *Console) newContact(r *request, b contactBody) (ticketing.NewContact, error) {
	if !slices.Contains(writtenDown(), b.Channel) {
		return ticketing.NewContact{}, &ticketing.Error{Code: ticketing.CodeInvalid, Field: "channel", Reason: "unknown"}
	}
	draft := ticketing.CitizenDraft{Kind: ticketing.Person, Family: b.Family, Given: b.Given}
	if b.Email != "" {
		draft.Contacts = append(draft.Contacts, ticketing.Contact{Type: "email", Value: b.Email})
	}
	if b.Phone != "" {
		draft.Contacts = append(draft.Contacts, ticketing.Contact{Type: "phone", Value: b.Phone})
	}
	contact := ticketing.NewContact{
		Channel: channels.Name(b.Channel), Citizen: &draft, Subject: b.Subject, Text: b.Text, Answered: b.Answered, Key: b.Key,
	}
	if code, ok := cutDepartment(b.Where); ok {
		contact.Department = code
	} else {
		contact.Motive = b.Where
	}
	if b.ReceivedOn != "" && b.ReceivedOn != c.today() {
		day, err := time.ParseInLocation(time.DateOnly, b.ReceivedOn, c.town.Profile.Zone)
		if err != nil {
			return contact, &ticketing.Error{Code: ticketing.CodeInvalid, Field: "received_at", Reason: "unknown"}
		}
		noon := day.Add(12 * time.Hour)
		contact.ReceivedAt = &noon
	}
	return contact, nil
}

func cutDepartment(where string) (code string, ok bool) {
	if len(where) > 1 && where[0] == '@' {
		return where[1:], true
	}
	return "", false
}

func (c *Console) today() string { return c.local(c.now()).Format(time.DateOnly) }

func (c *Console) showContact(r *request, status int, a *alert, b contactBody) error {
	if b.Key == "" {
		b.Key = ticketing.NewID()
	}
	b.Channels, b.Today = writtenDown(), c.today()
	s := c.town.Now()
	for _, d := range s.Departments {
		row := contactDepartment{Department: d}
		for _, m := range s.Motives {
			if m.Department == d.Code {
				row.Motives = append(row.Motives, m)
			}
		}
		b.Departments = append(b.Departments, row)
	}
	return c.show(r, status, "contact", frame{Title: r.voice.say("contact.title"), Class: "contact-page", Alert: a, Body: b})
}
