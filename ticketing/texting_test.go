package ticketing_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

const (
	anne = "+33639980001"
	paul = "+33639980002"
)

// text is a text message as the adapter would give it.
func (h *hall) text(id, from, words string) channels.Inbound {
	return channels.Inbound{
		Channel: channels.SMS, Line: "sms", Key: id, ID: id, Raw: []byte(words), From: channels.Address{Value: from},
		To: []channels.Address{{Value: "+33939000000"}}, Text: words, At: h.clock.now(),
	}
}

func (h *hall) word(id, from string, word channels.Word) channels.Inbound {
	m := h.text(id, from, string(word))
	m.Word = word
	return m
}

// sent lists what the town hall texted on a ticket.
func (h *hall) sent(reference string) []ticketing.Message {
	h.Helper()
	var out []ticketing.Message
	for _, m := range h.dossier(reference).Messages {
		if m.Direction == ticketing.Out {
			out = append(out, m)
		}
	}
	return out
}

func TestATextBecomesATicketAndIsAcknowledged(t *testing.T) {
	eachHall(t, func(h *hall) {
		filed := h.receive(h.text("SM1", anne, "gros trou av Foch n18 danger velo"))
		again := h.receive(h.text("SM1", anne, "gros trou av Foch n18 danger velo"))
		if filed[0].Result != channels.Created || again[0].Result != channels.Duplicate || again[0].Reference != filed[0].Reference {
			h.Fatalf("%+v, then %+v", filed, again)
		}
		d := h.dossier(filed[0].Reference)
		if d.Ticket.Channel != "sms" || d.Ticket.Subject == "" || d.Citizen == nil || len(d.Citizen.Contacts) != 1 || d.Citizen.Contacts[0].Value != anne {
			h.Errorf("ticket %+v of %+v", d.Ticket, d.Citizen)
		}
		acks := h.sent(filed[0].Reference)
		if len(acks) != 1 || acks[0].Channel != "sms" || acks[0].To[0].Value != anne || !strings.Contains(acks[0].Text, filed[0].Reference) || acks[0].Delivery == nil {
			h.Errorf("acknowledgements %+v", acks)
		}
	})
}

func TestTextsOfANumberAreOneConversation(t *testing.T) {
	eachHall(t, func(h *hall) {
		first := h.receive(h.text("SM1", anne, "lampadaire en panne"))[0].Reference
		if second := h.receive(h.text("SM2", anne, "rue Pasteur")); second[0].Result != channels.Joined || second[0].Reference != first {
			h.Fatalf("%+v", second)
		}
		if other := h.receive(h.text("SM3", paul, "bonjour")); other[0].Result != channels.Created {
			h.Fatalf("another number joined: %+v", other)
		}
		agent := h.actor("admin")
		_, err := h.desk.Reply(h.Context(), agent, first, ticketing.Answer{Channel: channels.SMS, Text: "C'est réparé.", Then: ticketing.StatusClosed})
		h.must(err)
		if back := h.receive(h.text("SM4", anne, "merci mais non")); back[0].Reference != first || h.dossier(first).Ticket.Status != ticketing.StatusOpen {
			h.Errorf("within the window it must reopen: %+v", back)
		}
		_, err = h.desk.Close(h.Context(), agent, first, ticketing.Answered, "", 0)
		h.must(err)
		h.clock.advance(31 * 24 * time.Hour)
		late := h.receive(h.text("SM5", anne, "autre chose"))
		if late[0].Result != channels.Created || len(h.dossier(late[0].Reference).Links) != 1 {
			h.Errorf("after the window it must be a linked ticket: %+v", late)
		}
	})
}

func TestTwoTextsOfOneMomentOpenOneTicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		var wait sync.WaitGroup
		references := make([]string, 8)
		for i := range references {
			wait.Go(func() {
				filed, err := h.desk.Receive(h.Context(), []channels.Inbound{h.text(fmt.Sprintf("SM%d", i), anne, "fuite")})
				if err != nil {
					h.Error(err)
					return
				}
				references[i] = filed[0].Reference
			})
		}
		wait.Wait()
		for _, r := range references {
			if r != references[0] {
				h.Fatalf("several tickets: %v", references)
			}
		}
	})
}

func TestStopAndStart(t *testing.T) {
	eachHall(t, func(h *hall) {
		first := h.receive(h.text("SM1", anne, "bonjour"))[0].Reference
		stop := h.receive(h.word("SM2", anne, channels.WordStop))
		if stop[0].Reference != first || len(h.sent(first)) != 1 {
			h.Errorf("STOP: %+v, sent %d", stop, len(h.sent(first)))
		}
		refusals, err := h.db.Refusals(h.Context(), []string{anne})
		h.must(err)
		if len(refusals) != 1 || refusals[0].Line != "sms" {
			h.Errorf("refusals %+v", refusals)
		}
		if alone := h.receive(h.word("SM3", paul, channels.WordStop)); h.dossier(alone[0].Reference).Ticket.Status != ticketing.StatusClosed {
			h.Error("a STOP out of the blue is nobody's work")
		}
		if more := h.receive(h.text("SM4", paul, "trou rue Pasteur")); more[0].Result != channels.Created || len(h.sent(more[0].Reference)) != 0 {
			h.Errorf("whoever said STOP is heard and not acknowledged: %+v", more)
		}
		h.receive(h.word("SM5", anne, channels.WordStart))
		refusals, err = h.db.Refusals(h.Context(), []string{anne})
		h.must(err)
		if len(refusals) != 0 {
			h.Errorf("START lifts it: %+v", refusals)
		}
		help := h.receive(h.word("SM6", anne, channels.WordHelp))[0].Reference
		if sent := h.sent(help); len(sent) != 2 || sent[1].Automatic == "" || sent[1].Text == "" {
			h.Errorf("AIDE: %+v", sent)
		}
	})
}

func TestAWithheldNumberIsNobody(t *testing.T) {
	eachHall(t, func(h *hall) {
		a := h.receive(h.text("SM1", "", "appel masqué"))[0].Reference
		b := h.receive(h.text("SM2", "", "appel masqué"))[0].Reference
		if a == b || h.dossier(a).Citizen != nil || h.dossier(b).Citizen != nil || len(h.sent(a)) != 0 {
			h.Errorf("%s and %s", a, b)
		}
	})
}

func TestASharedNumberDecidesNothing(t *testing.T) {
	eachHall(t, func(h *hall) {
		for _, given := range []string{"Anne", "Paul"} {
			_, err := h.desk.Log(h.Context(), h.actor("admin"), ticketing.NewContact{
				Channel: channels.Counter, Subject: "Passeport", Answered: true,
				Citizen: &ticketing.CitizenDraft{Family: "Perrin", Given: given, Contacts: []ticketing.Contact{{Type: "phone", Value: "06 39 98 00 01"}}},
			})
			h.must(err)
		}
		first := h.receive(h.text("SM1", anne, "bonjour"))[0].Reference
		if d := h.dossier(first); d.Citizen != nil {
			h.Errorf("a household's number was given to %+v", d.Citizen)
		}
		if again := h.receive(h.text("SM2", anne, "toujours moi")); again[0].Reference != first {
			h.Errorf("the conversation was lost: %+v", again)
		}
	})
}

func TestATextThatIsNoAnswerWaitsForMorning(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.town.Profile.Quiet = ticketing.Quiet{From: 20 * time.Hour, To: 8 * time.Hour}
		h.clock.at.Store(time.Date(2026, 11, 20, 21, 30, 0, 0, time.UTC).UnixMicro()) // 22:30 in Valmont
		mail := h.receive(h.letter("1@example.org", "anne@example.org", "Rappel", "Rappelez-moi"))[0].Reference
		h.clock.advance(25 * time.Hour)
		m, err := h.desk.Reply(h.Context(), h.actor("admin"), mail, ticketing.Answer{Channel: channels.SMS, To: "06 39 98 00 01", Text: "Votre passeport est prêt."})
		h.must(err)
		if want := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC); !m.Delivery.NextAt.Equal(want) {
			h.Errorf("leaves %v, want %v", m.Delivery.NextAt, want)
		}
		h.receive(h.text("SM1", anne, "oui ?"))
		m, err = h.desk.Reply(h.Context(), h.actor("admin"), mail, ticketing.Answer{Channel: channels.SMS, Text: "Demain."})
		h.must(err)
		if !m.Delivery.NextAt.Equal(h.clock.now()) {
			h.Errorf("an answer leaves at once, not %v", m.Delivery.NextAt)
		}
	})
}

// TestTextOffer says before an answer is written where it may go, who said STOP to the line it leaves by, and when it leaves.
func TestTextOffer(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.town.Profile.Quiet = ticketing.Quiet{From: 20 * time.Hour, To: 8 * time.Hour}
		h.clock.at.Store(time.Date(2026, 11, 20, 21, 30, 0, 0, time.UTC).UnixMicro()) // 22:30 in Valmont
		visit, err := h.desk.Log(h.Context(), h.actor("admin"), ticketing.NewContact{
			Channel: channels.Counter, Subject: "Passeport", Citizen: &ticketing.CitizenDraft{Family: "Perrin", Contacts: []ticketing.Contact{
				{Type: "phone", Value: "02 61 91 00 10"}, {Type: "phone", Value: "06 39 98 00 02"}, {Type: "phone", Value: "06 39 98 00 01"},
			}},
		})
		h.must(err)
		offer := func() ticketing.TextOffer {
			o, err := h.reader.TextOffer(h.Context(), h.dossier(visit.Reference()))
			h.must(err)
			return o
		}
		if o := offer(); !slices.Equal(o.Numbers, []string{paul, anne}) || len(o.Refused) != 0 || !o.WaitsUntil.IsZero() || o.Line.Channel != "sms" {
			h.Errorf("after the visit: %+v", o)
		}
		h.must(h.db.SaveRefusals(h.Context(), []ticketing.Refusal{
			{Channel: "sms", Line: offer().Line.Name, Number: anne, At: h.clock.now()}, {Channel: "sms", Line: "another", Number: paul, At: h.clock.now()},
		}))
		h.clock.advance(25 * time.Hour)
		o := offer()
		if !slices.Equal(o.Refused, []string{anne}) {
			h.Errorf("refused by %v", o.Refused)
		}
		m := h.reply(visit.Reference(), ticketing.Answer{Channel: channels.SMS, Text: "Votre passeport est prêt."})
		if o.WaitsUntil.IsZero() || !o.WaitsUntil.Equal(m.Delivery.NextAt) || m.To[0].Value != o.Numbers[0] {
			h.Errorf("it was to leave at %v for %s, and leaves at %v for %s", o.WaitsUntil, o.Numbers[0], m.Delivery.NextAt, m.To[0].Value)
		}
	})
}

func TestProgressNeverGoesBack(t *testing.T) {
	eachHall(t, func(h *hall) {
		reference := h.receive(h.text("SM1", anne, "bonjour"))[0].Reference
		id := h.sent(reference)[0].ID
		steps := []struct {
			state channels.ProgressState
			want  ticketing.DeliveryState
		}{
			{channels.ProgressSent, ticketing.DeliverySent}, {channels.ProgressDelivered, ticketing.DeliveryDelivered},
			{channels.ProgressSent, ticketing.DeliveryDelivered}, {channels.ProgressFailed, ticketing.DeliveryDelivered},
		}
		for _, s := range steps {
			h.must(h.desk.Track(h.Context(), channels.Progress{Channel: channels.SMS, MessageID: id, ExternalID: "SMout", State: s.state, At: h.clock.now()}))
			if got := h.sent(reference)[0].Delivery.State; got != s.want {
				h.Fatalf("after %s: %s, want %s", s.state, got, s.want)
			}
		}
		h.must(h.desk.Track(h.Context(), channels.Progress{Channel: channels.SMS, ExternalID: "unknown", State: channels.ProgressSent, At: h.clock.now()}))
	})
}
