package ticketing

import (
	"context"
	"strings"
	"unicode/utf8"

	"guichet/channels"
)

// Forwarding is what another administration is sent.
type Forwarding struct {
	To      string
	Reason  string // for the ticket's history
	Text    string // what the agent adds
	Key     string // Idempotency-Key
	IfMatch int
}

// The most that is quoted of a conversation, in bytes, and of its files: what mail servers take without complaint.
const (
	maxQuoted         = 256 << 10
	maxForwardedFiles = 15 << 20
)

// Forward sends the citizen's conversation, with her files, to the administration that is in charge (CRPA, art. L114-2). It closes nothing and
// tells the citizen nothing: that is the agent's to do. What the other administration answers joins the ticket.
func (d *Desk) Forward(ctx context.Context, a Actor, reference string, w Forwarding) (Ticket, error) {
	if strings.TrimSpace(w.Reason) == "" {
		return Ticket{}, invalid("reason", "empty")
	}
	if len(w.Text) > MaxText || !utf8.ValidString(w.Text) || strings.ContainsRune(w.Text, 0) {
		return Ticket{}, invalid("text", "too_long")
	}
	s := d.town.Now()
	to, err := cleanEmail(w.To)
	if err != nil {
		return Ticket{}, invalid("to", "not_an_e_mail_address")
	}
	if s.ours(to) {
		return Ticket{}, invalid("to", "own_address")
	}
	var t Ticket
	var eff effects
	err = d.store.InTx(ctx, func(tx Nouns) error {
		eff = effects{}
		kept, fresh, err := remember(ctx, tx, a, w.Key, d.now(), "forward", reference, to, w.Reason, w.Text)
		if err != nil {
			return err
		}
		if !fresh {
			t, err = findTicket(ctx, tx, s, a, reference)
			return err
		}
		if t, err = d.find(ctx, tx, a, ActReply, reference, w.IfMatch); err != nil {
			return err
		}
		if t.Status == StatusClosed {
			return conflict("closed")
		}
		m, err := d.forward(ctx, tx, s, a, t, to, w)
		if err != nil {
			return err
		}
		t.UpdatedAt = d.now()
		if err := tx.SaveTicket(ctx, &t); err != nil {
			return err
		}
		eff.settle(t, d.now)
		eff.outbox = true
		sent := event(EventTicketForwarded, t, d.now, &a.ID, Data{"reason": clip(w.Reason, 500)})
		sent.MessageID = &m.ID
		if err := complete(ctx, tx, kept, t.ID, m.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, []Event{sent})
	})
	if err != nil {
		return Ticket{}, err
	}
	d.after(ctx, eff)
	return t, nil
}

// forward writes the mail to the other administration, and everything it needs to leave.
func (d *Desk) forward(ctx context.Context, tx Nouns, s *Snapshot, a Actor, t Ticket, to string, w Forwarding) (Message, error) {
	line, ok := s.MailLine(t)
	if !ok {
		return Message{}, conflict("no_mailbox")
	}
	messages, err := tx.MessagesOf(ctx, t.ID)
	if err != nil {
		return Message{}, err
	}
	agent, _ := s.Agent(a.ID)
	department, _ := s.Department(t.Department)
	language := d.town.Profile.Choose() // of the town, whatever the citizen's
	text := strings.TrimSpace(strings.TrimSpace(w.Text) + "\n\n" + d.quoted(messages))
	data := d.senderData(department, language, line)
	data.Reference, data.Subject, data.ReceivedOn = t.Reference(), t.Subject, d.town.Profile.Day(t.ReceivedAt, language)
	data.Agent, data.Signature, data.Text = a.Name, agent.Signature, text
	_, body, err := s.Texts.Fill(language, data, "forward")
	if err != nil {
		return Message{}, err
	}
	now := d.now()
	m := Message{
		ID: NewID(), TicketID: t.ID, Direction: Out, Channel: string(channels.Email), Line: line.Name, FromName: d.town.Profile.Name,
		FromValue: line.Address, To: Addresses{{Value: to}}, Subject: "Fwd: " + strings.TrimPrefix(answerSubject(t), "Re: "), Text: body,
		AgentID: &a.ID, References: references(t, nil, "", line), At: now, CreatedAt: now,
	}
	d.address(&m, t, line)
	files, whole := forwardedFiles(messages, m.ID)
	if !whole {
		m.Warnings = Strings{"some of the citizen's files were left out: together they are larger than mail servers take"}
	}
	delivery := newDelivery(m, now)
	if err := tx.AddMessages(ctx, []Message{m}); err != nil {
		return m, err
	}
	if err := tx.AddAttachments(ctx, files); err != nil {
		return m, err
	}
	if err := tx.AddDeliveries(ctx, []Delivery{delivery}); err != nil {
		return m, err
	}
	return m, tx.AddParticipants(ctx, writtenTo(m))
}

// quoted writes down what the citizen and the town hall have said to each other; never a note, nor what a machine wrote.
func (d *Desk) quoted(messages []Message) string {
	var b strings.Builder
	for _, m := range messages {
		if m.Direction == Note || m.Automatic != "" || m.Stranger {
			continue
		}
		who := strings.TrimSpace(m.FromName + " <" + m.FromValue + ">")
		if m.FromValue == "" {
			who = m.FromName
		}
		b.WriteString(m.At.In(d.town.Profile.Zone).Format("02/01/2006 15:04") + " · " + who + "\n")
		for line := range strings.Lines(strings.TrimSpace(withoutQuote(m))) {
			b.WriteString("> " + strings.TrimRight(line, "\r\n") + "\n")
		}
		b.WriteString("\n")
		if b.Len() > maxQuoted {
			return clip(b.String(), maxQuoted) + "\n[…]\n"
		}
	}
	return strings.TrimSpace(b.String())
}

// withoutQuote is a message's text without the history it quotes.
func withoutQuote(m Message) string {
	if m.Folded > 0 && m.Folded <= len(m.Text) {
		return m.Text[:m.Folded]
	}
	return m.Text
}

// forwardedFiles are the citizen's files, for a message of ours: the same content under new rows. whole: all of them, as far as
// they are here and mail servers take so much.
func forwardedFiles(messages []Message, messageID string) (files []Attachment, whole bool) {
	whole = true
	size := 0
	for _, m := range messages {
		if !m.CameIn() || m.Stranger {
			continue
		}
		for _, f := range m.Attachments {
			if !f.Here() || size+f.Size > maxForwardedFiles {
				whole = false
				continue
			}
			size += f.Size
			f.ID, f.MessageID, f.Position, f.Inline, f.ContentID = NewID(), messageID, len(files), false, ""
			files = append(files, f)
		}
	}
	return files, whole
}
