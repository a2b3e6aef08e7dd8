package ticketing_test

import (
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// The sentences of protocols.md, section 3, that need a conversation; those about one message alone are in thread_test.go.
func TestThreading(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		n := 0
		write := func(from string, change func(*channels.Inbound)) channels.Filed {
			h.Helper()
			n++
			in := h.letter(string(rune('a'+n))+"@example.org", from, "Autre sujet", "texte")
			if change != nil {
				change(&in)
			}
			return h.receive(in)[0]
		}
		first := h.letter("first@example.org", "anne@example.org", "Lampadaire", "Le lampadaire est en panne.")
		first.Cc = []channels.Address{{Value: "Voisin@example.org"}}
		reference := h.receive(first)[0].Reference
		ticket := h.dossier(reference).Ticket
		other := h.receive(h.letter("other@example.org", "paul@example.net", "Bruit", "Un lampadaire bruyant."))[0].Reference
		sent, err := h.desk.Reply(h.Context(), agent, reference, ticketing.Answer{Text: "Lequel ?"})
		h.must(err)
		token := h.keys.ReplyAddress(ticket.ID, "contact@valmont.example")
		tag := "Re: autre [Réf. " + reference + "]"
		joins := func(f channels.Filed) bool { return f.Result == channels.Joined && f.Reference == reference }
		linked := func(f channels.Filed) bool {
			d := h.dossier(f.Reference)
			return f.Result == channels.Created && len(d.Links) == 1 && d.Links[0].Reference == reference && d.Links[0].Kind == ticketing.LinkQuoted
		}
		alone := func(f channels.Filed) bool {
			return f.Result == channels.Created && len(h.dossier(f.Reference).Links) == 0
		}
		for _, c := range []struct {
			name   string
			from   string
			change func(*channels.Inbound)
			holds  func(channels.Filed) bool
		}{
			{"token in Delivered-To", "anne@example.org", func(in *channels.Inbound) { in.DeliveredTo = []string{token} }, joins},
			{"token in To", "anne@example.org", func(in *channels.Inbound) { in.To = []channels.Address{{Value: token}} }, joins},
			{"token in Cc", "anne@example.org", func(in *channels.Inbound) { in.Cc = []channels.Address{{Value: token}} }, joins},
			{"signed Message-ID in In-Reply-To", "anne@example.org", func(in *channels.Inbound) { in.InReplyTo = []string{sent.ExternalID} }, joins},
			{"signed Message-ID in References", "anne@example.org", func(in *channels.Inbound) { in.References = []string{sent.ExternalID, "x@y"} }, joins},
			{"the token before another's Message-ID", "anne@example.org", func(in *channels.Inbound) {
				in.DeliveredTo, in.References = []string{token}, []string{"other@example.org"}
			}, joins},
			{"known Message-ID of her own", "anne@example.org", func(in *channels.Inbound) { in.References = []string{"first@example.org"} }, joins},
			{"known Message-ID, from somebody in copy", "voisin@example.org", func(in *channels.Inbound) { in.References = []string{"first@example.org"} }, joins},
			{"a client that rewrites References, tag in the subject", "anne@example.org", func(in *channels.Inbound) { in.Subject, in.References = tag, []string{"new@client"} }, joins},
			{"a client without References, tag in the subject", "anne@example.org", func(in *channels.Inbound) { in.Subject = tag }, joins},
			{"a new address, by token", "anne@new.example", func(in *channels.Inbound) { in.DeliveredTo = []string{token} }, joins},
			{"a stranger who guesses the tag", "eve@example.net", func(in *channels.Inbound) { in.Subject = tag }, linked},
			{"a stranger with a Message-ID that was passed on", "eve@example.net", func(in *channels.Inbound) { in.References = []string{"first@example.org"} }, linked},
			{"the pseudo-reference alone", "anne@example.org", func(in *channels.Inbound) {
				in.References = []string{ticketing.PseudoReference(ticket.ID, "valmont.example")}
			}, alone},
			{"a subject alone", "anne@example.org", func(in *channels.Inbound) { in.Subject = "Re: Lampadaire" }, alone},
			{"a forged token", "eve@example.net", func(in *channels.Inbound) {
				i := len(token) - 20
				other := map[bool]string{true: "1", false: "0"}[token[i] == '0']
				in.DeliveredTo = []string{token[:i] + other + token[i+1:]}
			}, alone},
			{"no Message-ID", "anne@example.org", func(in *channels.Inbound) { in.ID, in.InReplyTo, in.References = "", []string{""}, []string{""} }, alone},
			{"no Message-ID again", "anne@example.org", func(in *channels.Inbound) { in.ID, in.InReplyTo, in.References = "", []string{""}, []string{""} }, alone},
		} {
			if filed := write(c.from, c.change); !c.holds(filed) {
				h.Errorf("%s: %+v, links %+v", c.name, filed, h.dossier(filed.Reference).Links)
			}
		}
		d := h.dossier(reference)
		for _, p := range d.Participants {
			if p.Value == "anne@new.example" || p.Value == "eve@example.net" {
				h.Errorf("a stranger belongs to the ticket: %+v", p)
			}
		}
		if got := ticketing.Recipient(d.Citizen, d.Messages).Value; got != "anne@example.org" || len(d.Citizen.Contacts) != 1 {
			h.Errorf("answers go to %s, contacts %+v", got, d.Citizen.Contacts)
		}
		strangers := 0
		for _, m := range d.Messages {
			if m.Stranger {
				strangers++
			}
		}
		if strangers != 1 {
			h.Errorf("%d messages are a stranger's", strangers)
		}
		// Somebody takes a pseudo-reference for a Message-ID of his own: no answer of others goes there.
		write("eve@example.net", func(in *channels.Inbound) { in.ID = ticketing.PseudoReference(ticket.ID, "valmont.example") })
		if filed := write("eve@example.net", func(in *channels.Inbound) {
			in.References = []string{ticketing.PseudoReference(ticket.ID, "valmont.example")}
		}); !alone(filed) {
			h.Errorf("it draws: %+v", filed)
		}
		if len(h.dossier(other).Messages) != 2 {
			h.Error("somebody's mail is in another's ticket")
		}
	})
}

// She has a second address on her record: the tag joins from there too.
func TestTheTagOfHerOtherAddress(t *testing.T) {
	eachHall(t, func(h *hall) {
		logged, err := h.desk.Log(h.Context(), h.actor("agent"), ticketing.NewContact{
			Channel: channels.Phone, Subject: "Lampadaire", Text: "En panne", Citizen: &ticketing.CitizenDraft{
				Family: "Perrin", Contacts: []ticketing.Contact{{Type: "email", Value: "anne@example.org"}, {Type: "email", Value: "anne@work.example"}},
			},
		})
		h.must(err)
		mail := h.receive(h.letter("1@example.org", "anne@example.org", "Trottoir", "Un trottoir cassé."))[0].Reference
		in := h.letter("2@example.org", "anne@work.example", "Re [Réf. "+mail+"]", "texte")
		if filed := h.receive(in); filed[0].Reference != mail || logged.Reference() == mail {
			h.Errorf("%+v", filed)
		}
	})
}
