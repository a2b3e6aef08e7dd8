package ticketing

import (
	"errors"
	"strings"
	"sync"
	"time"

	"guichet/channels"
)

// maxAcknowledgements is how many automatic acknowledgements one address gets in 24 hours: two programs that answer each other
// stop there.
const maxAcknowledgements = 5

// bouncedFor is how long an address that does not exist is not acknowledged to again.
const bouncedFor = 7 * 24 * time.Hour

// acknowledge writes the acknowledgement of receipt (CRPA, art. L112-11 and R112-11-1), unless nothing may go out by itself.
func (f *filing) acknowledge(t *Ticket, in channels.Inbound, m Message, name string) error {
	if in.Automatic != "" || in.Archived {
		return nil // a machine is owed nothing, and who wrote years ago has stopped waiting
	}
	to := acknowledged(in)
	reason := in.Silent
	line, hasLine := f.town.MailLine(*t)
	switch {
	case to == "":
		reason = "no_sender"
	case !hasLine:
		reason = "no_mailbox"
	case f.ours(to):
		reason = "own_address"
	case f.ackedToday(to) >= maxAcknowledgements:
		reason = "too_many"
	case bouncedLast(f.acks[to]):
		reason = "bounced"
	}
	if reason != "" {
		f.events = append(f.events, event(EventAckWithheld, *t, f.desk.now, nil, Data{"reason": reason}))
		f.withheld = append(f.withheld, reason)
		return nil
	}
	f.acks[to] = append(f.acks[to], Acknowledgement{At: f.now, State: DeliveryQueued})
	ack := Message{ // its words follow once the reference is known
		ID: NewID(), TicketID: t.ID, Direction: Out, Channel: string(channels.Email), Line: line.Name,
		FromName: f.desk.town.Profile.Name, FromValue: line.Address, To: Addresses{{Name: name, Value: to}},
		Automatic: "acknowledgement", References: references(*t, m.References, m.ExternalID, line), At: f.now, CreatedAt: f.now,
	}
	f.messages = append(f.messages, ack)
	f.deliveries = append(f.deliveries, newDelivery(ack, f.now))
	e := event(EventAckQueued, *t, f.desk.now, nil, nil)
	e.MessageID = &ack.ID
	f.events = append(f.events, e)
	return nil
}

// ackedToday counts what machines have sent an address within 24 hours.
func (f *filing) ackedToday(address string) int {
	n := 0
	for _, a := range f.acks[address] {
		if a.At.After(f.now.Add(-24 * time.Hour)) {
			n++
		}
	}
	return n
}

// bouncedLast tells whether the last of these found no such address.
func bouncedLast(sent []Acknowledgement) bool {
	if len(sent) == 0 {
		return false
	}
	last := sent[len(sent)-1]
	return Delivery{State: last.State, Error: last.Error}.Reason() == NoSuchAddress
}

// acknowledged is the address an acknowledgement goes to, in lower case: where the writer wants answers. It is empty when there is
// none that a mail could reach.
func acknowledged(in channels.Inbound) string {
	to := Writer(in).Value
	if in.Channel == channels.SMS {
		return to
	}
	if other := replyTo(in, Writer(in)); other != "" {
		to = other
	}
	if !reachable(to) {
		return ""
	}
	return strings.ToLower(to)
}

// fillAcknowledgement writes the words of an acknowledgement. It names no department that not everybody may know of.
func (d *Desk) fillAcknowledgement(s *Snapshot, m *Message, t Ticket) error {
	line, ok := s.Line(m.Line)
	if !ok {
		return errors.New("its mailbox is gone")
	}
	data := TextData{Reference: t.Reference(), Subject: t.Subject, ReceivedOn: d.town.Profile.Day(t.ReceivedAt, t.Language)}
	if m.Channel == string(channels.SMS) {
		var err error
		m.Text, err = d.textOf(s, t, line, acknowledgementText)
		return err
	}
	form, err := d.acknowledgementForm(s, t, line)
	if err != nil {
		return err
	}
	m.Subject, m.Text, m.HTML = form.Write(data)
	d.address(m, t, line)
	return nil
}

// forms keeps the acknowledgements of one state of the town: there are a few for each department, and thousands are written of each.
type forms struct {
	mu   sync.Mutex
	town *Snapshot
	kept map[formKey]Form
}

type formKey struct {
	code, language, department, line string
	subject                          bool
}

func (d *Desk) acknowledgementForm(s *Snapshot, t Ticket, line Line) (Form, error) {
	department, _ := s.Department(t.Department)
	data := d.senderData(department, t.Language, line)
	data.Subject = t.Subject
	key := formKey{code: "acknowledgement", language: t.Language, department: department.Code, line: line.Name, subject: t.Subject != ""}
	if department.Visibility != Open {
		key.code = "acknowledgement_reserved"
		data.Department, data.Address = "", d.town.Profile.Address
	}
	d.forms.mu.Lock()
	defer d.forms.mu.Unlock()
	if d.forms.town != s {
		d.forms.town, d.forms.kept = s, map[formKey]Form{}
	}
	if form, ok := d.forms.kept[key]; ok {
		return form, nil
	}
	form, err := s.Texts.Form(d.render, t.Language, data, key.code)
	if err == nil {
		d.forms.kept[key] = form
	}
	return form, err
}

// senderData is what a message says of who sends it (CRPA, art. L111-2 and R112-11-1).
func (d *Desk) senderData(department Department, language string, line Line) TextData {
	address := department.Address
	if address == "" {
		address = d.town.Profile.Address
	}
	return TextData{Town: d.town.Profile.Name, Department: department.Name(language), Address: address, Email: line.Address}
}
