package console

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// contactBody is the form a contact is written down with, as it was typed.
type contactBody struct {
	Key         string
	Call        string // the id of the call it was; empty: none that we know
	Channel     string
	Citizen     string // the record of who it was, by id; empty: she is described
	Given       string
	Family      string
	Email       string
	Phone       string
	Where       string // a motive's code, or "@" and a department's
	Subject     string
	Text        string
	ReceivedOn  string // the day of the call or visit; of a letter, the date of its stamp
	Desk        string
	Documents   string // handed over on paper, one a line
	Answered    bool
	Receipt     string             // "", sms, email or print
	Kept        []ticketing.Upload // files that were handed in and wait to be kept
	Today       string
	Channels    []string
	Departments []contactDepartment
	Candidates  []ticketing.Candidate // who has the number that was typed
	Receipts    []string
	Refused     string // the name of the field that was refused
	Why         string
}

// printed is the receipt that is handed over on paper.
const printed = "print"

// Mark goes into a field: the one that was refused says so and gets the focus, else the first. hint is the id of what is said of it.
func (b contactBody) Mark(field string, hint ...string) template.HTMLAttr {
	switch described := strings.Join(hint, " "); {
	case b.Refused == field:
		return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + strings.TrimSpace("refused "+described) + `" autofocus`)
	case b.Refused == "" && field == "phone":
		return "autofocus"
	case described != "":
		return template.HTMLAttr(`aria-describedby="` + described + `"`)
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
func (b contactBody) refusedField(key string) string {
	if key == "refuse.receipt_to" {
		return map[string]string{string(channels.SMS): "phone", string(channels.Email): "email"}[b.Receipt]
	}
	return map[string]string{
		"refuse.phone": "phone", "refuse.mobile": "phone", "refuse.said_stop": "phone", "refuse.email": "email", "refuse.citizen": "phone", "refuse.subject_empty": "subject",
		"refuse.text_too_long": "text", "refuse.text_empty": "text", "refuse.not_text": "text", "refuse.received_at": "received",
		"refuse.department": "where", "refuse.desk": "desk", "refuse.documents": "documents", "refuse.file_empty": "files",
		"refuse.file_too_large": "files", "refuse.files_too_large": "files", "refuse.files_too_many": "files", "refuse.uploads_full": "files",
		"refuse.file_unknown": "files",
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

// receipts lists how a contact can be confirmed: on paper, or by what the town has a line for.
func (c *Console) receipts() []string {
	list := []string{printed}
	for _, by := range []channels.Name{channels.SMS, channels.Email} {
		if slices.ContainsFunc(c.town.Now().Lines, func(l ticketing.Line) bool { return l.Channel == string(by) }) {
			list = append(list, string(by))
		}
	}
	return list
}

// contactPage is the form for a call, a visit or a letter. The number of who calls may be in its address.
func (c *Console) contactPage(r *request) error {
	channel := string(channels.Phone)
	if asked := r.Query("channel"); slices.Contains(writtenDown(), asked) {
		channel = asked
	}
	return c.showContact(r, http.StatusOK, nil, contactBody{Channel: channel, Call: clean(r.Query("call"), 40), Phone: readablePhone(clean(r.Query("phone"), 40))})
}

// logContact files what was written down.
func (c *Console) logContact(r *request) error {
	form, err := c.readForm(r)
	b := typedContact(form)
	ids, attachErr := c.attach(r, b.Key, form)
	if err = errors.Join(err, attachErr); err == nil && form.values.Get("look") == "" {
		var contact ticketing.NewContact
		if contact, err = c.newContact(b, ids); err == nil {
			var t ticketing.Ticket
			if t, err = c.desk.Log(r.Request.Context(), r.actor, contact); err == nil {
				return r.logged(c, t, b.Receipt)
			}
		}
	}
	var listErr error
	if b.Kept, listErr = c.desk.Uploads(r.Request.Context(), r.actor, ids); listErr != nil {
		return errors.Join(err, listErr)
	}
	if err == nil {
		return c.showContact(r, http.StatusOK, nil, b)
	}
	var refused *ticketing.Error
	if !errors.As(err, &refused) {
		return err
	}
	status, key := refusal(err)
	a := r.voice.alert(key)
	b.Refused, b.Why = b.refusedField(key), a.Title+" "+a.Detail
	a.Detail += " " + r.voice.say("refuse.kept")
	return c.showContact(r, status, a, b)
}

func typedContact(form filledForm) contactBody {
	get := form.values.Get
	return contactBody{
		Key: get("key"), Call: get("call"), Channel: get("channel"), Citizen: get("citizen"), Given: get("given"), Family: get("family"), Email: get("email"),
		Phone: get("phone"), Where: get("where"), Subject: get("subject"), Text: unixLines(get("text")), ReceivedOn: get("received_on"),
		Desk: get("desk"), Documents: unixLines(get("documents")), Answered: get("answered") != "", Receipt: get("receipt"),
	}
}

// logged shows the new ticket, or its receipt to print; when it went where the agent does not look, its reference to tell the citizen.
func (r *request) logged(c *Console, t ticketing.Ticket, receipt string) error {
	done := "logged"
	if t.Status == ticketing.StatusClosed {
		done = "logged_answered"
	}
	if !r.actor.Can(ticketing.ActSee, c.town.Now().Subject(t)) {
		return r.see("/?done=" + done + "&ref=" + t.Reference())
	}
	if receipt == printed {
		return r.see("/tickets/" + t.Reference() + "/receipt?done=" + done)
	}
	return r.see("/tickets/" + t.Reference() + "?done=" + done)
}

func (c *Console) newContact(b contactBody, files []string) (ticketing.NewContact, error) {
	if !slices.Contains(writtenDown(), b.Channel) {
		return ticketing.NewContact{}, &ticketing.Error{Code: ticketing.CodeInvalid, Field: "channel", Reason: "unknown"}
	}
	contact := ticketing.NewContact{
		Channel: channels.Name(b.Channel), CitizenID: b.Citizen, Citizen: b.described(), Subject: b.Subject, Text: b.Text, Answered: b.Answered, Files: files, Key: b.Key,
	}
	switch channels.Name(b.Channel) { // what was typed for another channel before is not of this one
	case channels.Phone:
		contact.CallID = b.Call
	case channels.Counter:
		contact.Desk, contact.Documents = strings.TrimSpace(b.Desk), lines(b.Documents)
	case channels.Letter:
		contact.Documents = lines(b.Documents)
	}
	switch channels.Name(b.Receipt) {
	case channels.SMS:
		contact.Receipt = ticketing.Receipt{By: channels.SMS, To: b.Phone}
	case channels.Email:
		contact.Receipt = ticketing.Receipt{By: channels.Email, To: b.Email}
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

// described is who it was, in the words that were typed; nil: nothing was.
func (b contactBody) described() *ticketing.CitizenDraft {
	if b.Family+b.Given+b.Email+b.Phone == "" {
		return nil
	}
	draft := &ticketing.CitizenDraft{Kind: ticketing.Person, Family: b.Family, Given: b.Given}
	if b.Email != "" {
		draft.Contacts = append(draft.Contacts, ticketing.Contact{Type: "email", Value: b.Email})
	}
	if b.Phone != "" {
		draft.Contacts = append(draft.Contacts, ticketing.Contact{Type: "phone", Value: b.Phone})
	}
	return draft
}

// lines takes apart what was typed one a line.
func lines(typed string) []string {
	var list []string
	for line := range strings.Lines(typed) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
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
	b.Channels, b.Today, b.Receipts = writtenDown(), c.today(), c.receipts()
	if number, ok := channels.ParsePhone(b.Phone, c.town.Profile.Region); ok {
		var err error
		if _, b.Candidates, err = c.reader.Candidates(r.Request.Context(), r.actor, number); err != nil {
			return err
		}
	}
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
