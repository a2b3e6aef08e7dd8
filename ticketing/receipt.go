package ticketing

import (
	"context"
	"strings"

	"guichet/channels"
)

// Receipt confirms to a citizen that what she said was written down. The page an agent prints needs none of it.
type Receipt struct {
	By channels.Name // SMS or Email; empty: none is sent
	To string        // empty: what the citizen's record has
}

// The most an agent writes of a visit's paper.
const (
	maxDesk      = 100
	maxDocuments = 30
	maxDocument  = 200
)

// checkPaper checks what was written down of a visit's paper, and how it is to be confirmed.
func checkPaper(c NewContact) error {
	if len(c.Desk) > maxDesk {
		return invalid("desk", "too_long")
	}
	if len(c.Documents) > maxDocuments {
		return invalid("documents", "too_many")
	}
	for _, document := range c.Documents {
		if strings.TrimSpace(document) == "" || len(document) > maxDocument {
			return invalid("documents", "empty_or_too_long")
		}
	}
	switch c.Receipt.By {
	case "", channels.SMS, channels.Email:
		return nil
	}
	return invalid("receipt", "email_or_sms")
}

// giveReceipt writes the receipt of a contact and the duty to send it. It names no department that not everybody may know of.
func (d *Desk) giveReceipt(ctx context.Context, tx Nouns, s *Snapshot, t Ticket, c Citizen, r Receipt) (Event, error) {
	m, err := d.receipt(ctx, tx, s, t, c, r)
	if err != nil {
		return Event{}, err
	}
	if err := tx.AddMessages(ctx, []Message{m}); err != nil {
		return Event{}, err
	}
	if err := tx.AddDeliveries(ctx, []Delivery{newDelivery(m, d.now())}); err != nil {
		return Event{}, err
	}
	e := event(EventReceiptQueued, t, d.now, nil, Data{"channel": m.Channel})
	e.MessageID = &m.ID
	return e, nil
}

func (d *Desk) receipt(ctx context.Context, tx Nouns, s *Snapshot, t Ticket, c Citizen, r Receipt) (Message, error) {
	now := d.now()
	m := Message{
		ID: NewID(), TicketID: t.ID, Direction: Out, Channel: string(r.By), FromName: d.town.Profile.Name, Automatic: "receipt", At: now, CreatedAt: now,
	}
	to, err := d.receiptTo(c, r)
	if err != nil {
		return m, err
	}
	m.To = Addresses{{Name: c.Name(), Value: to}}
	if r.By == channels.SMS {
		line, ok := s.TextLine(t)
		if !ok {
			return m, conflict("no_line")
		}
		stop, err := saidStop(ctx, tx, line, to)
		if err != nil {
			return m, err
		}
		if stop { // a receipt answers nothing she texted: paper and mail are left
			return m, conflict("said_stop")
		}
		m.Line, m.FromValue, m.ExternalID = line.Name, line.Address, m.ID
		m.Text, err = d.textOf(s, t, line, "receipt_text")
		return m, err
	}
	line, ok := s.MailLine(t)
	if !ok {
		return m, conflict("no_mailbox")
	}
	m.Line, m.FromValue, m.References = line.Name, line.Address, references(t, nil, "", line)
	department, _ := s.Department(t.Department)
	data := d.senderData(department, t.Language, line)
	data.Subject = t.Subject
	if department.Visibility != Open { // somebody else may read this mailbox
		data.Department, data.Subject, data.Address = "", "", d.town.Profile.Address
	}
	form, err := s.Texts.Form(d.render, t.Language, data, "receipt")
	if err != nil {
		return m, err
	}
	m.Subject, m.Text, m.HTML = form.Write(TextData{Reference: t.Reference(), Subject: data.Subject, ReceivedOn: d.town.Profile.Day(t.ReceivedAt, t.Language)})
	d.address(&m, t, line)
	return m, nil
}

// receiptTo is where a receipt goes.
func (d *Desk) receiptTo(c Citizen, r Receipt) (string, error) {
	if r.By == channels.SMS {
		if r.To == "" {
			if number := TextRecipient(&c, nil); number != "" {
				return number, nil
			}
			return "", invalid("receipt.to", "empty")
		}
		number, ok := channels.ParsePhone(r.To, d.town.Profile.Region)
		if !ok || !channels.CanText(number) {
			return "", invalid("receipt.to", "not_a_mobile_number")
		}
		return number, nil
	}
	if r.To == "" {
		if to := Recipient(&c, nil).Value; to != "" {
			return to, nil
		}
		return "", invalid("receipt.to", "empty")
	}
	to, err := cleanEmail(r.To)
	if err != nil {
		return "", invalid("receipt.to", "not_an_e_mail_address")
	}
	return to, nil
}
