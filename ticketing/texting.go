package ticketing

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// What is different about text messages: a number says who writes and where it belongs, because a text quotes nothing; one word may
// be meant for the line itself; an acknowledgement has 160 characters.

// The texts sent by themselves.
const (
	acknowledgementText = "acknowledgement_text"
	helpText            = "text_help"
	contactText         = "text_contact"
)

// conversationOf names the conversation a text message belongs to; no number belongs to none.
func conversationOf(in channels.Inbound) ConversationKey {
	return ConversationKey{Channel: string(in.Channel), Line: in.Line, Number: Writer(in).Value}
}

// readNumbers loads who writes from a number, which ticket each last spoke of, and what it refuses.
func (f *filing) readNumbers(ctx context.Context, group []channels.Inbound, news []int, ids map[string]bool) error {
	f.shared, f.refused = map[string]bool{}, map[ConversationKey]bool{}
	var keys []ConversationKey
	var numbers []string
	for _, i := range news {
		if key := conversationOf(group[i]); group[i].Channel == channels.SMS && key.Number != "" {
			keys, numbers = append(keys, key), append(numbers, key.Number)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	if f.talks, err = f.tx.LockConversations(ctx, keys, f.now); err != nil {
		return wrap("conversations", err)
	}
	for _, talk := range f.talks {
		if talk.TicketID != nil {
			ids[*talk.TicketID] = true
		}
	}
	owners, err := f.tx.PhoneOwners(ctx, numbers)
	if err != nil {
		return wrap("numbers", err)
	}
	for number, list := range owners {
		if c, ok := Decides(list); ok {
			f.citizens[number] = c
		} else {
			f.shared[number] = true
		}
	}
	refusals, err := f.tx.Refusals(ctx, numbers)
	for _, r := range refusals {
		f.refused[ConversationKey{r.Channel, r.Line, r.Number}] = true
	}
	return wrap("refusals", err)
}

// spoke notes that the conversation of a text message is about this ticket now. A word for the line is no conversation.
func (f *filing) spoke(in channels.Inbound, t *Ticket) {
	if talk, ok := f.talks[conversationOf(in)]; ok && in.Word == "" {
		talk.TicketID, talk.At = &t.ID, f.now
		f.talks[talk.Key()] = talk
	}
}

// obey does what a message of one word asks of the line.
func (f *filing) obey(ctx context.Context, t *Ticket, in channels.Inbound) error {
	key := conversationOf(in)
	if key.Number == "" {
		return nil
	}
	switch in.Word {
	case channels.WordStop:
		f.refused[key] = true
		f.refusals = append(f.refusals, Refusal{Channel: key.Channel, Line: key.Line, Number: key.Number, At: f.now})
		f.events = append(f.events, event(EventRefused, *t, f.desk.now, nil, Data{"channel": key.Channel}))
	case channels.WordStart:
		f.refused[key] = false
		f.refusals = slices.DeleteFunc(f.refusals, func(r Refusal) bool { return r.Number == key.Number && r.Line == key.Line })
		f.events = append(f.events, event(EventRefusalLifted, *t, f.desk.now, nil, Data{"channel": key.Channel}))
		return wrap("refusal", f.tx.DropRefusal(ctx, key.Channel, key.Line, key.Number))
	case channels.WordHelp:
		return f.explain(t, in, helpText)
	case channels.WordContact:
		return f.explain(t, in, contactText)
	}
	return nil
}

// explain answers a word with a text.
func (f *filing) explain(t *Ticket, in channels.Inbound, code string) error {
	m, ok := f.automaticText(t, in, code)
	if !ok {
		return nil
	}
	line, _ := f.town.Line(m.Line)
	var err error
	if m.Text, err = f.desk.textOf(f.town, *t, line, code); err != nil {
		return wrap("answer", err)
	}
	f.send(m)
	return nil
}

// acknowledgeText writes the acknowledgement of a text message; its words follow once the reference is known.
func (f *filing) acknowledgeText(t *Ticket, in channels.Inbound) {
	m, ok := f.automaticText(t, in, "acknowledgement")
	if !ok {
		return
	}
	f.send(m)
	e := event(EventAckQueued, *t, f.desk.now, nil, nil)
	e.MessageID = &m.ID
	f.events = append(f.events, e)
}

// automaticText begins a text message that goes out by itself, unless nothing may.
func (f *filing) automaticText(t *Ticket, in channels.Inbound, kind string) (Message, bool) {
	key := conversationOf(in)
	line, hasLine := f.town.TextLine(*t)
	reason := in.Silent
	switch {
	case key.Number == "":
		reason = "no_sender"
	case !hasLine:
		reason = "no_line"
	case f.refused[key]:
		reason = "refused"
	case f.ackedToday(key.Number) >= maxAcknowledgements:
		reason = "too_many"
	}
	if reason != "" {
		f.events = append(f.events, event(EventAckWithheld, *t, f.desk.now, nil, Data{"reason": reason}))
		f.withheld = append(f.withheld, reason)
		return Message{}, false
	}
	f.acks[key.Number] = append(f.acks[key.Number], Acknowledgement{At: f.now, State: DeliveryQueued})
	id := NewID()
	return Message{
		ID: id, TicketID: t.ID, Direction: Out, Channel: string(channels.SMS), Line: line.Name, FromName: f.desk.town.Profile.Name,
		FromValue: line.Address, To: Addresses{{Value: key.Number}}, Automatic: kind, ExternalID: id, At: f.now, CreatedAt: f.now,
	}, true
}

// send writes a message down together with the duty to send it.
func (f *filing) send(m Message) {
	f.messages = append(f.messages, m)
	f.deliveries = append(f.deliveries, newDelivery(m, f.now))
}

// textOf writes a text message of the town. It names no department that not everybody may know of.
func (d *Desk) textOf(s *Snapshot, t Ticket, line Line, code string) (string, error) {
	department, _ := s.Department(t.Department)
	data := d.senderData(department, t.Language, line)
	data.Reference, data.Subject, data.ReceivedOn = t.Reference(), t.Subject, d.town.Profile.Day(t.ReceivedAt, t.Language)
	codes := []string{code}
	if department.Visibility != Open {
		data.Department, data.Address = "", d.town.Profile.Address
		codes = []string{code + "_reserved", code}
	}
	_, text, err := s.Texts.Fill(t.Language, data, codes...)
	return strings.TrimSpace(text), err
}

func valuesOf[K comparable, V any](m map[K]V) []V { return slices.Collect(maps.Values(m)) }

// composeText writes an answer as a text message: the agent's words and nothing else, to the number she names, the one the citizen
// last texted from, or the only mobile on her record.
func (d *Desk) composeText(ctx context.Context, tx Nouns, s *Snapshot, a Actor, t Ticket, w Answer) (Message, error) {
	line, ok := s.TextLine(t)
	if !ok {
		return Message{}, conflict("no_line")
	}
	number, err := d.textTo(ctx, tx, t, w.To)
	if err != nil {
		return Message{}, err
	}
	key := ConversationKey{Channel: string(channels.SMS), Line: line.Name, Number: number}
	if _, err := tx.LockConversations(ctx, []ConversationKey{key}, d.now()); err != nil {
		return Message{}, err
	}
	now := d.now()
	talk := Conversation{Channel: key.Channel, Line: key.Line, Number: key.Number, TicketID: &t.ID, At: now} // her answer belongs here
	if err := tx.SaveConversations(ctx, []Conversation{talk}); err != nil {
		return Message{}, err
	}
	id := NewID()
	return Message{
		ID: id, TicketID: t.ID, Direction: Out, Channel: string(channels.SMS), Line: line.Name, FromName: d.town.Profile.Name, FromValue: line.Address,
		To: Addresses{{Value: number}}, Text: strings.TrimSpace(w.Text), AgentID: &a.ID, ExternalID: id, At: now, CreatedAt: now,
	}, nil
}

// textTo is the number a text message goes to.
func (d *Desk) textTo(ctx context.Context, tx Nouns, t Ticket, written string) (string, error) {
	if written != "" {
		number, ok := channels.ParsePhone(written, d.town.Profile.Region)
		if !ok || !channels.CanText(number) {
			return "", invalid("to", "not_a_mobile_number")
		}
		return number, nil
	}
	messages, err := tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return "", err
	}
	var citizen *Citizen
	if t.CitizenID != nil {
		c, err := tx.Citizen(ctx, *t.CitizenID)
		if err != nil {
			return "", err
		}
		citizen = &c
	}
	number := TextRecipient(citizen, messages)
	if number == "" {
		return "", conflict("no_mobile")
	}
	return number, nil
}

// TextRecipient is the number an answer goes to when the agent names none: the one that last texted or called, else a mobile of the
// citizen's record. Empty: there is none.
func TextRecipient(c *Citizen, messages []Message) string {
	for _, m := range slices.Backward(messages) {
		spoken := m.Channel == string(channels.SMS) || m.Channel == string(channels.Phone)
		if m.Direction == In && spoken && !m.Stranger && contactType(m.FromValue) == "phone" && channels.CanText(m.FromValue) {
			return m.FromValue
		}
	}
	if c == nil {
		return ""
	}
	for _, contact := range c.Contacts {
		if contact.Type == "phone" && channels.CanText(contact.Value) {
			return contact.Value
		}
	}
	return ""
}

// answerWithin is how long after a citizen's last message what she is texted still counts as an answer.
const answerWithin = 24 * time.Hour

// sendAt is when a message leaves: at once, but for a text that is no answer, which waits for the end of the quiet hours.
func (d *Desk) sendAt(ctx context.Context, tx Nouns, t Ticket, m Message) (time.Time, error) {
	now := d.now()
	if m.Channel != string(channels.SMS) || d.town.Profile.quietUntil(now).IsZero() {
		return now, nil
	}
	messages, err := tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return now, err
	}
	if until := d.town.Profile.textWaits(now, messages); !until.IsZero() {
		return until, nil
	}
	return now, nil
}

// textWaits is the end of the quiet hours that a text written now waits for; zero: it leaves at once, as an answer always does.
func (p Profile) textWaits(now time.Time, messages []Message) time.Time {
	for _, before := range messages {
		if before.CameIn() && before.At.After(now.Add(-answerWithin)) {
			return time.Time{}
		}
	}
	return p.quietUntil(now)
}

// quietUntil is the end of the quiet hours a moment lies in; zero: it lies in none.
func (p Profile) quietUntil(now time.Time) time.Time {
	until := p.Quiet.Until(now.In(p.Zone))
	if until.IsZero() {
		return until
	}
	return until.UTC()
}
