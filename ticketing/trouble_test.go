package ticketing_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// poisoned is a database that fails on one message.
type poisoned struct {
	ticketing.Store
	with error
}

func (p poisoned) InTx(ctx context.Context, do func(ticketing.Nouns) error) error {
	return p.Store.InTx(ctx, func(tx ticketing.Nouns) error { return do(poisonedTx{tx, p.with}) })
}

type poisonedTx struct {
	ticketing.Nouns
	with error
}

func (p poisonedTx) AddMessages(ctx context.Context, messages []ticketing.Message) error {
	for _, m := range messages {
		if m.Text == "poison" {
			if p.with == nil {
				panic("a bug that this message meets")
			}
			return p.with
		}
	}
	return p.Nouns.AddMessages(ctx, messages)
}

// What the database can't keep, or what meets a bug of ours, is put aside whole; the mails around it are filed.
func TestAPoisonousMessageIsQuarantinedAndTheOthersAreFiled(t *testing.T) {
	for name, with := range map[string]error{"rejected": &ticketing.Error{Code: ticketing.CodeRejected}, "panic": nil} {
		t.Run(name, func(t *testing.T) {
			eachHall(t, func(h *hall) {
				h.desk = h.newDesk(poisoned{h.db, with})
				bad := h.letter("bad@example.org", "bad@example.org", "Mauvais", "poison")
				filed := h.receive(h.letter("a@example.org", "a@example.org", "Un", "texte"), bad, h.letter("c@example.org", "c@example.org", "Trois", "texte"))
				if filed[0].Result != channels.Created || filed[1].Result != channels.Quarantined || filed[2].Result != channels.Created {
					h.Errorf("%+v", filed)
				}
				if again := h.receive(bad); again[0].Result != channels.Duplicate {
					h.Errorf("again: %+v", again)
				}
			})
		})
	}
}

// A database in trouble is no message's fault: the message is asked for again, and only one that fails for minutes is put aside.
func TestTroubleIsNotTheMessagesFault(t *testing.T) {
	eachHall(t, func(h *hall) {
		sound := h.desk
		h.desk = h.newDesk(poisoned{h.db, errors.New("the connection was cut")})
		bad := h.letter("bad@example.org", "bad@example.org", "Mauvais", "poison")
		if filed, err := h.desk.Receive(h.Context(), []channels.Inbound{bad}); err == nil {
			h.Fatalf("a cut connection was answered with %+v", filed)
		}
		if filed, err := sound.Receive(h.Context(), []channels.Inbound{bad}); err != nil || filed[0].Result != channels.Created {
			h.Errorf("once the connection is back: %+v, %v", filed, err)
		}
		other := h.letter("other@example.org", "other@example.org", "Autre", "poison")
		if _, err := h.desk.Receive(h.Context(), []channels.Inbound{other}); err == nil {
			h.Error("it failed and nobody was told")
		}
		h.clock.advance(6 * time.Minute)
		if filed, err := h.desk.Receive(h.Context(), []channels.Inbound{other}); err == nil {
			h.Errorf("nothing was filed in these six minutes, and yet: %+v", filed)
		}
		h.receive(h.letter("fine@example.org", "fine@example.org", "Bonjour", "texte"))
		if filed := h.receive(other); filed[0].Result != channels.Quarantined {
			h.Errorf("after six minutes in which others were filed: %+v", filed)
		}
	})
}

// A citizen answers while agents write notes on her ticket: nobody is refused, nothing is put aside.
func TestMailAndNotesMeetOnOneTicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		reference := h.receive(h.letter("0@example.org", "anne@example.org", "Lampadaire", "Le lampadaire est en panne."))[0].Reference
		const each = 15
		var busy sync.WaitGroup
		busy.Go(func() {
			for i := range each {
				in := h.letter(strconv.Itoa(i+1)+"@example.org", "anne@example.org", "Re", "encore "+strconv.Itoa(i))
				in.References = []string{"0@example.org"}
				filed, err := h.desk.Receive(h.Context(), []channels.Inbound{in})
				if err != nil || filed[0].Result != channels.Joined {
					h.Errorf("mail %d: %+v, %v", i, filed, err)
				}
			}
		})
		for range 2 {
			busy.Go(func() {
				for i := range each {
					if _, err := h.desk.Note(h.Context(), agent, reference, "note "+strconv.Itoa(i), "", 0); err != nil {
						h.Errorf("note %d: %v", i, err)
					}
				}
			})
		}
		busy.Wait()
		if n := len(h.dossier(reference).Messages); n != 2+3*each {
			h.Errorf("%d messages", n)
		}
	})
}

// Mails of a citizen come in while agents log her calls: they take the year's counter and her record in one order.
func TestMailAndCallsOfOneCitizenDoNotBlockEachOther(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		h.receive(h.letter("0@example.org", "anne@example.org", "Bonjour", "texte"))
		var busy sync.WaitGroup
		for worker := range 2 {
			busy.Go(func() {
				for i := range 15 {
					id := strconv.Itoa(worker*100+i+1) + "@example.org"
					filed, err := h.desk.Receive(h.Context(), []channels.Inbound{h.letter(id, "anne@example.org", "Sujet "+id, "texte")})
					if err != nil || filed[0].Result != channels.Created {
						h.Errorf("mail: %+v, %v", filed, err)
					}
				}
			})
			busy.Go(func() {
				for range 15 {
					_, err := h.desk.Log(h.Context(), agent, ticketing.NewContact{
						Channel: channels.Phone, Subject: "Appel",
						Citizen: &ticketing.CitizenDraft{Family: "Perrin", Contacts: []ticketing.Contact{{Type: "email", Value: "anne@example.org"}}},
					})
					if err != nil {
						h.Errorf("call: %v", err)
					}
				}
			})
		}
		busy.Wait()
	})
}

// The default answer is the citizen's, whoever in copy wrote last; who was written to is no stranger.
func TestWhoIsAnswered(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		agent := h.actor("agent")
		first := h.letter("1@example.org", "anne@example.org", "Lampadaire", "Le lampadaire est en panne.")
		first.Cc = []channels.Address{{Value: "voisin@example.org"}}
		reference := h.receive(first)[0].Reference
		neighbour := h.letter("2@example.org", "voisin@example.org", "Re: Lampadaire", "Chez moi aussi.")
		neighbour.References = []string{"1@example.org"}
		if filed := h.receive(neighbour); filed[0].Reference != reference {
			h.Fatalf("the neighbour in copy: %+v", filed)
		}
		sent, err := h.desk.Reply(ctx, agent, reference, ticketing.Answer{Text: "Merci."})
		h.must(err)
		if sent.To[0].Value != "anne@example.org" {
			h.Errorf("answered %v", sent.To)
		}
		forged := h.letter("3@example.org", "anne@example.org", "Re: Lampadaire [Réf. "+reference+"]", "Écrivez-moi ailleurs.")
		forged.ReplyTo = []channels.Address{{Value: "thief@example.net"}}
		h.receive(forged)
		sent, err = h.desk.Reply(ctx, agent, reference, ticketing.Answer{Text: "Merci."})
		h.must(err)
		if sent.To[0].Value != "anne@example.org" {
			h.Errorf("a forged Reply-To moved the answer to %v", sent.To)
		}
		sent, err = h.desk.Reply(ctx, agent, reference, ticketing.Answer{Text: "À votre autre adresse.", To: "anne@work.example"})
		h.must(err)
		other := h.letter("4@work.example", "anne@work.example", "Re", "Oui.")
		other.References = []string{sent.ExternalID}
		h.receive(other)
		messages := h.dossier(reference).Messages
		if last := messages[len(messages)-1]; last.Stranger {
			h.Error("who was written to is a stranger when she answers")
		}
	})
}

// What was noted in a reserved department stays there when the ticket leaves it.
func TestAReservedDepartmentKeepsItsNotes(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		inside, outside := h.actor("admin"), h.actor("agent")
		logged, err := h.desk.Log(ctx, inside, ticketing.NewContact{
			Channel: channels.Phone, Department: "ccas", Subject: "Aide", Text: "Demande d'aide", Citizen: &ticketing.CitizenDraft{Family: "Diallo"},
		})
		h.must(err)
		reference := logged.Reference()
		note, err := h.desk.Note(ctx, inside, reference, "Suivie par l'assistante sociale.", "", 0)
		h.must(err)
		_, err = h.desk.Transfer(ctx, inside, reference, "voirie", "relève de la voirie, pas du CCAS", 0)
		h.must(err)
		d, err := h.reader.Ticket(ctx, outside, reference)
		h.must(err)
		if len(d.Messages) != 1 || d.Messages[0].Direction != ticketing.In {
			h.Errorf("outside reads %+v", d.Messages)
		}
		for _, e := range d.Events {
			if e.Department == "ccas" || e.Data["from"] != "" || e.Data["reason"] != "" {
				h.Errorf("outside learns %+v", e)
			}
		}
		if all := h.dossier(reference); len(all.Messages) != 2 {
			h.Errorf("a member reads %d messages", len(all.Messages))
		}
		if _, err := h.reader.Message(ctx, outside, note.ID); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("outside, the note by its id gives %v", err)
		}
		if _, err := h.reader.Message(ctx, inside, note.ID); err != nil {
			h.Errorf("a member, the note by its id: %v", err)
		}
	})
}

// A ticket is claimed while it is transferred to where the agent sees nothing: she does not get it.
func TestAClaimDoesNotFollowATransfer(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		agent, boss := h.actor("agent"), h.actor("admin")
		for i := range 12 {
			id := strconv.Itoa(i)
			reference := h.receive(h.letter(id+"@example.org", "c"+id+"@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
			var both sync.WaitGroup
			both.Go(func() { _, _ = h.desk.Transfer(ctx, boss, reference, "ccas", "x", 0) })
			both.Go(func() { _, _ = h.desk.Claim(ctx, agent, reference, 0) })
			both.Wait()
			if t := h.dossier(reference).Ticket; t.Department == "ccas" && t.AssigneeID != nil {
				h.Errorf("an outsider has a ticket of the CCAS: %+v", t)
			}
		}
	})
}

// The most urgent ticket of all her departments is the next one.
func TestUrgentComesFirst(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		boss := h.actor("admin")
		h.receive(h.letter("1@example.org", "a@example.org", "Lampadaire", "Le lampadaire est en panne."))
		h.clock.advance(time.Hour)
		urgent := h.receive(h.letter("2@example.org", "b@example.org", "Eau", "L'eau du robinet est marron depuis ce matin. Est-elle potable ?"))[0].Reference
		page, err := h.reader.Tickets(ctx, boss, ticketing.TicketQuery{Queued: true, Sort: ticketing.SortWaiting}, "")
		h.must(err)
		if page.Rows[0].Reference() != urgent {
			h.Errorf("the list begins with %s", page.Rows[0].Subject)
		}
		taken, err := h.desk.Take(ctx, boss, "")
		h.must(err)
		if taken.Reference() != urgent {
			h.Errorf("took %s first", taken.Subject)
		}
	})
}

func TestSearchFindsWhatPeopleType(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		in := h.letter("1@example.org", "lefevre@example.org", "Élagage du platane", "Les branches touchent mon toit.")
		in.From.Name = "Paul Lefèvre"
		reference := h.receive(in)[0].Reference
		_, err := h.desk.Log(ctx, h.actor("agent"), ticketing.NewContact{
			Channel: channels.Phone, Subject: "Carte", Citizen: &ticketing.CitizenDraft{
				Family: "Morel", Given: "Jeanne", Contacts: []ticketing.Contact{{Type: "phone", Value: "06 39 98 12 34"}},
			},
		})
		h.must(err)
		for done := 1; done > 0; {
			done, err = h.db.IndexQueued(ctx, 10)
			h.must(err)
		}
		for text, want := range map[string]int{
			"LEFÈVRE": 1, "lefevre": 1, "elagage": 1, "toit platane": 1, "lefevre@example.org": 1, "Morel Jeanne": 1, "0639981234": 1, "+33 6 39 98 12 34": 1,
			"00001": 1, reference: 1, "\u0301": 0, "06": 0, "100%": 0, "_": 0, "nobody": 0,
		} {
			page, err := h.reader.Tickets(ctx, h.actor("agent"), ticketing.TicketQuery{Text: text}, "")
			h.must(err)
			if len(page.Rows) != want {
				h.Errorf("%q finds %d, want %d", text, len(page.Rows), want)
			}
		}
	})
}

func TestALineThatIsGoneIsNotUsed(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		reference := h.receive(h.letter("1@example.org", "a@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
		h.must(h.town.KeepLines(ctx, []ticketing.Line{{Name: "contact", Channel: "email", Address: "contact@valmont.example", Department: "accueil", Position: 1}}))
		sent, err := h.desk.Reply(ctx, h.actor("agent"), reference, ticketing.Answer{Text: "Bonjour"})
		h.must(err)
		if sent.Line != "contact" || len(h.town.Now().Lines) != 1 {
			h.Errorf("the answer leaves by %q of %v", sent.Line, h.town.Now().Lines)
		}
	})
}

func TestAcknowledgementsAreCountedWhereTheyGo(t *testing.T) {
	eachHall(t, func(h *hall) {
		sent := 0
		for i := range 8 {
			id := strconv.Itoa(i)
			in := h.letter(id+"@example.org", "robot"+id+"@example.org", "Sujet "+id, "texte")
			in.ReplyTo = []channels.Address{{Value: "Victim@example.net"}}
			for _, m := range h.dossier(h.receive(in)[0].Reference).Messages {
				if m.Automatic == "acknowledgement" {
					sent++
				}
			}
		}
		if sent != 5 {
			h.Errorf("%d acknowledgements to one address in a day", sent)
		}
	})
}
