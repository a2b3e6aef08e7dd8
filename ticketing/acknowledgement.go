package ticketing

import (
	"errors"
	"strings"
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
	code := "acknowledgement"
	department, _ := s.Department(t.Department)
	if department.Visibility != Open {
		code = "acknowledgement_reserved"
	}
	subject, body, err := s.Texts.Fill(code, t.Language, TextData{
		Reference: t.Reference(), Subject: t.Subject, Town: d.town.Profile.Name, Department: department.Name(t.Language),
		ReceivedOn: d.town.Profile.Day(t.ReceivedAt, t.Language),
	})
	if err != nil {
		return err
	}
	m.Subject, m.Text = subject, body
	d.address(m, t, line)
	return nil
}
