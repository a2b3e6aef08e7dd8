package console

import (
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// compose is the forms to answer and to note with. What was typed and refused is in them.
type compose struct {
	Key       string // Idempotency-Key of the answer: sending the same form twice sends one
	NoteKey   string // and of the note
	Version   int    // of the ticket the agent has seen
	Kind      string // reply | note: the form in front
	Channel   string // email | sms
	Text      string
	Note      string
	To        string             // of a mail
	Cc        string             // with commas between
	Kept      []ticketing.Upload // files that were handed in and wait to be sent
	Then      string
	Known     []recipient
	Thens     []ticketing.Status
	Ask       bool // no address is known: the form asks for one
	ToText    string
	OtherText string // a number that is none of the ticket's, as it was typed
	Texting   *texting
}

// recipient is an address an answer may go to. An empty Value is the one Guichet chooses by itself.
type recipient struct{ Value, Label string }

// texting is what the form says of text messages; there is none where nothing can be texted.
type texting struct {
	Mail       bool // a mail may be sent instead
	Numbers    []string
	Refused    []string // those that said STOP
	WaitsUntil time.Time
	Length     channels.Segments // of what was typed and refused
	Max        int               // segments
}

// otherNumber stands in the form for a number that is none of the ticket's.
const otherNumber = "other"

// thens lists what a ticket may be after an answer, the usual first.
func thens() []ticketing.Status {
	return []ticketing.Status{ticketing.StatusWaiting, ticketing.StatusOpen, ticketing.StatusClosed}
}

// composeFor prepares the forms: whom an answer would go to, by which channel, and what was typed before.
func (c *Console) composeFor(d ticketing.Dossier, offer ticketing.TextOffer, typed compose) compose {
	typed.Version, typed.Thens = d.Ticket.Version, thens()
	if typed.Key == "" {
		typed.Key = ticketing.NewID()
	}
	if typed.NoteKey == "" {
		typed.NoteKey = ticketing.NewID()
	}
	if typed.Kind == "" {
		typed.Kind = "reply"
	}
	if typed.Then == "" {
		typed.Then = string(ticketing.StatusWaiting)
	}
	typed.Known = mailRecipients(d)
	typed.Ask = len(typed.Known) == 0
	if offer.Line.Name != "" {
		_, mail := c.town.Now().MailLine(d.Ticket)
		typed.offerTexts(offer, mail)
		if typed.Channel == "" || !mail {
			typed.Channel = usualChannel(d, mail, !typed.Ask, len(offer.Numbers) > 0)
		}
	}
	return typed
}

// offerTexts lets the answer be a text message.
func (f *compose) offerTexts(offer ticketing.TextOffer, mail bool) {
	f.Texting = &texting{
		Mail: mail, Numbers: offer.Numbers, Refused: offer.Refused, WaitsUntil: offer.WaitsUntil, Max: ticketing.MaxSegments,
	}
	if f.Channel == string(channels.SMS) {
		f.Texting.Length = channels.CountSegments(f.Text)
	}
	if f.ToText != "" && f.ToText != otherNumber && !slices.Contains(offer.Numbers, f.ToText) {
		f.ToText, f.OtherText = otherNumber, f.ToText
	}
}

// usualChannel is how the citizen wrote last; of one who never did, how she can be reached.
func usualChannel(d ticketing.Dossier, mail, address, number bool) string {
	if !mail {
		return string(channels.SMS)
	}
	for _, m := range slices.Backward(d.Messages) {
		wrote := m.Channel == string(channels.Email) || m.Channel == string(channels.SMS)
		if m.Direction == ticketing.In && wrote && m.Automatic == "" && !m.Stranger {
			return m.Channel
		}
	}
	if number && !address {
		return string(channels.SMS)
	}
	return string(channels.Email)
}

// mailRecipients lists where a mail may go, first where it goes by itself.
func mailRecipients(d ticketing.Dossier) []recipient {
	var list []recipient
	seen := map[string]bool{}
	add := func(value, label string) {
		if folded := strings.ToLower(label); !seen[folded] {
			seen[folded] = true
			list = append(list, recipient{value, label})
		}
	}
	if usual := ticketing.Recipient(d.Citizen, d.Messages).Value; usual != "" {
		add("", usual)
	}
	if d.Citizen != nil {
		for _, contact := range d.Citizen.Contacts {
			if contact.Type == "email" {
				add(contact.Value, contact.Value)
			}
		}
	}
	for _, p := range d.Participants {
		if p.Type == "email" && p.Role == "sender" {
			add(p.Value, p.Value)
		}
	}
	return list
}
