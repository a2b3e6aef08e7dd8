package ticketing

import (
	"context"
	"slices"
	"time"

	"guichet/channels"
)

// TextOffer is how a ticket can be answered by text message, as an agent has to know it before she writes.
type TextOffer struct {
	Line       Line      // the answer would leave by; without a name there is none, and nothing can be texted
	Numbers    []string  // mobiles it may go to, E.164; the first is where it goes when the agent names none
	Refused    []string  // those of them that said STOP to the line
	WaitsUntil time.Time // the end of the quiet hours an answer given now waits for; zero: it leaves at once
}

// TextOffer says how the ticket of a dossier can be answered by text message.
func (r *Reader) TextOffer(ctx context.Context, d Dossier) (TextOffer, error) {
	line, ok := r.town.Now().TextLine(d.Ticket)
	if !ok {
		return TextOffer{}, nil
	}
	o := TextOffer{Line: line, Numbers: textNumbers(d), WaitsUntil: r.town.Profile.textWaits(r.now(), d.Messages)}
	if len(o.Numbers) == 0 {
		return o, nil
	}
	refusals, err := r.store.Refusals(ctx, o.Numbers)
	for _, refusal := range refusals {
		if refusal.ofText(line) {
			o.Refused = append(o.Refused, refusal.Number)
		}
	}
	return o, wrap("refusals", err)
}

// textNumbers lists the mobiles of a ticket, each once: where answers go by themselves, the citizen's, and those of who takes part.
func textNumbers(d Dossier) []string {
	var numbers []string
	add := func(number string) {
		if channels.CanText(number) && !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	add(TextRecipient(d.Citizen, d.Messages))
	if d.Citizen != nil {
		for _, contact := range d.Citizen.Contacts {
			if contact.Type == "phone" {
				add(contact.Value)
			}
		}
	}
	for _, p := range d.Participants {
		if p.Type == "phone" {
			add(p.Value)
		}
	}
	return numbers
}
