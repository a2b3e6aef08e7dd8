package ticketing

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guichet/channels"
	"guichet/routing"
)

// MaxText is the longest text an agent may write, in bytes.
const MaxText = 200 << 10

// replyTemplate is the text around what an agent writes; with a point and a department's code, that department's own.
const replyTemplate = "reply"

// maxCc is how many may be in copy of an answer.
const maxCc = 20

// Answer is what an agent writes to a citizen.
type Answer struct {
	Channel channels.Name // Email when left out, or SMS
	Text    string        // Markdown, or plain text; a text message is sent as it is written
	To      string        // empty: where the citizen wants answers
	Cc      []string
	Files   []string // ids of what Attach was given
	Then    Status   // waiting (when left out), open or closed
	Key     string   // Idempotency-Key; empty: none
	IfMatch int      // version of the ticket the agent has seen; 0: any
}

// Reply sends an answer by e-mail or as a text message. A ticket that nobody has becomes hers; one that is closed must be reopened first.
func (d *Desk) Reply(ctx context.Context, a Actor, reference string, w Answer) (Message, error) {
	if err := checkText(w.Text); err != nil {
		return Message{}, err
	}
	if w.Channel == "" {
		w.Channel = channels.Email
	}
	if err := checkChannel(w); err != nil {
		return Message{}, err
	}
	if w.Then == "" {
		w.Then = StatusWaiting
	}
	if w.Then != StatusWaiting && w.Then != StatusOpen && w.Then != StatusClosed {
		return Message{}, invalid("then", "waiting_open_or_closed")
	}
	if len(w.Cc) > maxCc {
		return Message{}, invalid("cc", "too_many")
	}
	for i, cc := range w.Cc {
		var err error
		if w.Cc[i], err = cleanEmail(cc); err != nil {
			return Message{}, invalid("cc", "not_an_e_mail_address")
		}
	}
	s := d.town.Now()
	var m Message
	var eff effects
	err := d.store.InTx(ctx, func(tx Nouns) error {
		eff = effects{}
		kept, fresh, err := remember(ctx, tx, a, w.Key, d.now(), "reply", reference, w.Text, w.To, strings.Join(w.Cc, ","), string(w.Then), strings.Join(w.Files, ","), string(w.Channel))
		if err != nil {
			return err
		}
		if !fresh { // she wrote it, wherever the ticket has gone since
			m, err = tx.Message(ctx, kept.MessageID)
			return err
		}
		t, err := d.find(ctx, tx, a, ActReply, reference, 0)
		if err != nil {
			return err
		}
		if w.IfMatch > 0 && w.IfMatch != t.Version {
			return d.stale(ctx, tx, a, t, w.IfMatch)
		}
		if t.Status == StatusClosed {
			return conflict("closed")
		}
		compose := d.compose
		if w.Channel == channels.SMS {
			compose = d.composeText
		}
		if m, err = compose(ctx, tx, s, a, t, w); err != nil {
			return err
		}
		if m.Attachments, err = attach(ctx, tx, a, m.ID, w.Files); err != nil {
			return err
		}
		now := d.now()
		if t.FirstReplyAt == nil {
			t.FirstReplyAt = &now
		}
		events := d.answered(&t, a, w.Then, now, &eff)
		sent := event(EventMessageQueued, t, d.now, &a.ID, Data{"channel": m.Channel})
		sent.MessageID = &m.ID
		if err := tx.SaveTicket(ctx, &t); err != nil {
			return err
		}
		delivery := newDelivery(m, now)
		if delivery.NextAt, err = d.sendAt(ctx, tx, t, m); err != nil {
			return err
		}
		m.Delivery = &delivery
		if err := tx.AddMessages(ctx, []Message{m}); err != nil {
			return err
		}
		if err := tx.AddAttachments(ctx, m.Attachments); err != nil {
			return err
		}
		if err := tx.AddDeliveries(ctx, []Delivery{delivery}); err != nil {
			return err
		}
		if err := tx.AddParticipants(ctx, writtenTo(m)); err != nil {
			return err
		}
		if err := complete(ctx, tx, kept, t.ID, m.ID); err != nil {
			return err
		}
		eff.settle(t, d.now)
		eff.outbox = true
		return tx.AddEvents(ctx, append(events, sent))
	})
	if err != nil {
		return Message{}, err
	}
	d.after(ctx, eff)
	return m, nil
}

// checkChannel refuses what a text message can't carry.
func checkChannel(w Answer) error {
	switch {
	case w.Channel == channels.Email:
	case w.Channel != channels.SMS:
		return invalid("channel", "email_or_sms")
	case len(w.Cc) > 0:
		return invalid("cc", "not_by_text")
	case len(w.Files) > 0:
		return invalid("attachments", "not_by_text")
	case channels.CountSegments(w.Text).Count > MaxSegments:
		return invalid("text", "too_long")
	}
	return nil
}

// MaxSegments is how long a text message may be, in segments: carriers join no more, and nobody reads more on a telephone.
const MaxSegments = 8

// writtenTo makes those an answer goes to participants: when they answer, they are no strangers.
func writtenTo(m Message) []Participant {
	var people []Participant
	for _, a := range m.To {
		people = append(people, Participant{TicketID: m.TicketID, Type: contactType(a.Value), Value: strings.ToLower(a.Value), Name: a.Name, Role: "recipient"})
	}
	for _, a := range m.Cc {
		people = append(people, Participant{TicketID: m.TicketID, Type: "email", Value: strings.ToLower(a.Value), Name: a.Name, Role: "copied"})
	}
	return people
}

// answered moves a ticket on after an answer.
func (d *Desk) answered(t *Ticket, a Actor, then Status, now time.Time, eff *effects) []Event {
	var events []Event
	before := *t
	if t.AssigneeID == nil {
		t.AssigneeID, t.QueuedAt = &a.ID, nil
		events = append(events, event(EventTicketTaken, *t, d.now, &a.ID, nil))
	}
	if t.TakenAt == nil {
		t.TakenAt = &now
	}
	t.Status, t.UpdatedAt = then, now
	if then == StatusClosed {
		t.Outcome, t.ClosedAt = Answered, &now
		events = append(events, event(EventTicketClosed, *t, d.now, &a.ID, Data{"outcome": string(Answered)}))
	}
	if before.UsesCapacity() && !t.UsesCapacity() {
		eff.released = append(eff.released, routing.Held{ID: t.ID, Agent: *before.AssigneeID, Weight: t.Weight})
	}
	return events
}

// compose writes the answer as the citizen will read it.
func (d *Desk) compose(ctx context.Context, tx Nouns, s *Snapshot, a Actor, t Ticket, w Answer) (Message, error) {
	line, ok := s.MailLine(t)
	if !ok {
		return Message{}, conflict("no_mailbox")
	}
	messages, err := tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return Message{}, err
	}
	var citizen *Citizen
	if t.CitizenID != nil {
		c, err := tx.Citizen(ctx, *t.CitizenID)
		if err != nil {
			return Message{}, err
		}
		citizen = &c
	}
	to := Recipient(citizen, messages)
	if w.To != "" {
		email, err := cleanEmail(w.To)
		if err != nil {
			return Message{}, invalid("to", "not_an_e_mail_address")
		}
		to = channels.Address{Value: email}
	}
	if to.Value == "" {
		return Message{}, conflict("no_address")
	}
	last := lastMail(messages)
	agent, _ := s.Agent(a.ID)
	department, _ := s.Department(t.Department)
	data := d.senderData(department, t.Language, line)
	data.Reference, data.Subject, data.ReceivedOn = t.Reference(), t.Subject, d.town.Profile.Day(t.ReceivedAt, t.Language)
	data.Agent, data.Signature, data.Text = a.Name, agent.Signature, strings.TrimSpace(w.Text)
	form, err := s.Texts.Form(d.render, t.Language, data, replyTemplate+"."+department.Code, replyTemplate)
	if err != nil {
		return Message{}, err
	}
	_, text, html := form.Write(data)
	now := d.now()
	m := Message{
		ID: NewID(), TicketID: t.ID, Direction: Out, Channel: string(channels.Email), Line: line.Name,
		FromName: d.town.Profile.Name, FromValue: line.Address, To: Addresses{to}, Subject: answerSubject(t), Text: text, HTML: html,
		AgentID: &a.ID, References: references(t, last.References, last.ExternalID, line), At: now, CreatedAt: now,
	}
	for _, cc := range w.Cc {
		m.Cc = append(m.Cc, channels.Address{Value: cc})
	}
	d.address(&m, t, line)
	return m, nil
}

// Recipient is whom an answer goes to when the agent names nobody: where the last mail of the citizen wants it, else her e-mail
// address, else, of an unknown citizen, whoever wrote last. Somebody in copy who wrote meanwhile is not answered in her place.
func Recipient(c *Citizen, messages []Message) channels.Address {
	hers := func(address string) bool {
		return c != nil && slices.ContainsFunc(c.Contacts, func(k Contact) bool { return k.Type == "email" && strings.EqualFold(k.Value, address) })
	}
	var other channels.Address
	opened := slices.IndexFunc(messages, func(m Message) bool { return m.Direction == In })
	for i, m := range slices.Backward(messages) {
		if !isMail(m) {
			continue
		}
		back := channels.Address{Name: m.FromName, Value: m.FromValue}
		if m.ReplyTo != "" && (i == opened || hers(m.ReplyTo)) { // a From can be forged: only her first mail moves answers elsewhere
			back = channels.Address{Value: m.ReplyTo}
		}
		if hers(m.FromValue) || hers(m.ReplyTo) {
			return back
		}
		if other.Value == "" {
			other = back
		}
	}
	if c != nil {
		for _, contact := range c.Contacts {
			if contact.Type == "email" {
				return channels.Address{Name: c.Name(), Value: contact.Value}
			}
		}
	}
	return other
}

// isMail tells whether a message is a mail of somebody who belongs to the ticket.
func isMail(m Message) bool {
	return m.Direction == In && m.Channel == string(channels.Email) && m.Automatic == "" && !m.Stranger
}

// lastMail is the mail an answer threads to.
func lastMail(messages []Message) Message {
	for _, m := range slices.Backward(messages) {
		if isMail(m) {
			return m
		}
	}
	return Message{}
}

// Note writes an internal note: it never leaves the house and changes no state. ifMatch is the version of the ticket the agent has
// seen; 0: any.
func (d *Desk) Note(ctx context.Context, a Actor, reference, text, key string, ifMatch int) (Message, error) {
	if err := checkText(text); err != nil {
		return Message{}, err
	}
	var m Message
	err := d.store.InTx(ctx, func(tx Nouns) error {
		kept, fresh, err := remember(ctx, tx, a, key, d.now(), "note", reference, text)
		if err != nil {
			return err
		}
		if !fresh { // she wrote it, wherever the ticket has gone since
			m, err = tx.Message(ctx, kept.MessageID)
			return err
		}
		t, err := d.find(ctx, tx, a, ActNote, reference, ifMatch)
		if err != nil {
			return err
		}
		now := d.now()
		m = Message{
			ID: NewID(), TicketID: t.ID, Direction: Note, Channel: t.Channel, FromName: a.Name, Text: strings.TrimSpace(text),
			AgentID: &a.ID, At: now, CreatedAt: now,
		}
		t.UpdatedAt = now
		if err := tx.SaveTicket(ctx, &t); err != nil {
			return err
		}
		if err := tx.AddMessages(ctx, []Message{m}); err != nil {
			return err
		}
		if err := complete(ctx, tx, kept, t.ID, m.ID); err != nil {
			return err
		}
		e := event(EventNoteAdded, t, d.now, &a.ID, nil)
		e.MessageID = &m.ID
		return tx.AddEvents(ctx, []Event{e})
	})
	if err != nil {
		return Message{}, err
	}
	d.after(ctx, effects{})
	return m, nil
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return invalid("text", "empty")
	case len(text) > MaxText:
		return invalid("text", "too_long")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return invalid("text", "not_text")
	}
	return nil
}

// answerSubject is the subject of every mail of a ticket: the citizen's, with the reference once.
func answerSubject(t Ticket) string {
	subject := strings.TrimSpace(referenceTag.ReplaceAllString(t.Subject, ""))
	for {
		cut := strings.TrimSpace(subject)
		if len(cut) < 3 || !strings.EqualFold(cut[:3], "re:") {
			break
		}
		subject = strings.TrimSpace(cut[3:])
	}
	return strings.TrimSpace("Re: "+subject) + " [Réf. " + t.Reference() + "]"
}

// references lists the References of an answer, oldest first: the ticket's pseudo-reference, what the message refers to (given newest
// first), the message itself. The last one is what it answers.
func references(t Ticket, cited Strings, id string, line Line) Strings {
	_, host, _ := strings.Cut(line.Address, "@")
	refs := Strings{PseudoReference(t.ID, host)}
	for _, c := range slices.Backward(cited) {
		if c != refs[0] {
			refs = append(refs, c)
		}
	}
	if id != "" {
		refs = append(refs, id)
	}
	return refs
}

// address gives a mail of ours its Message-ID and, where the mailbox supports it, its reply token.
func (d *Desk) address(m *Message, t Ticket, line Line) {
	_, host, _ := strings.Cut(line.Address, "@")
	m.ExternalID = d.keys.MessageID(t.ID, m.ID, host)
	if line.PlusAddresses {
		m.ReplyTo = d.keys.ReplyAddress(t.ID, line.Address)
	}
}

func newDelivery(m Message, now time.Time) Delivery {
	return Delivery{
		ID: NewID(), MessageID: m.ID, TicketID: m.TicketID, Channel: m.Channel, State: DeliveryQueued, NextAt: now, CreatedAt: now,
	}
}

func stale(t Ticket) *Error {
	return &Error{Code: CodeStale, Args: map[string]any{"version": t.Version, "status": string(t.Status)}}
}
