package ticketing_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/demo"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// hall is a town hall with its desk, on a real database and a Redis in the process.
type hall struct {
	*testing.T
	db     *store.DB
	files  *store.Folder
	town   *ticketing.Town
	desk   *ticketing.Desk
	reader *ticketing.Reader
	router *routing.Router
	keys   ticketing.Keys
	clock  *clock
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

type noStats struct{}

func (noStats) Received(string, string, int) {}

func eachHall(t *testing.T, do func(h *hall)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { do(openHall(t, db)) })
}

func openHall(t *testing.T, db *store.DB) *hall {
	t.Helper()
	ctx := t.Context()
	h := &hall{T: t, db: db, clock: &clock{}}
	h.clock.at.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMicro())
	files, err := store.OpenFolder(t.TempDir())
	h.must(err)
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	h.router, err = routing.Open(ctx, "embedded", routing.Options{Now: h.clock.now})
	h.must(err)
	t.Cleanup(func() {
		if err := h.router.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	zone, err := time.LoadLocation("Europe/Paris")
	h.must(err)
	profile := ticketing.Profile{Name: "Ville de Valmont", Zone: zone, Region: "FR", Languages: []string{"fr", "en"}, Address: "1 place de la Mairie, Valmont"}
	h.town, err = ticketing.OpenTown(ctx, db, profile, h.clock.now, log)
	h.must(err)
	valmont, err := demo.Town()
	h.must(err)
	_, err = h.town.Import(ctx, valmont, false)
	h.must(err)
	h.must(h.town.KeepLines(ctx, []ticketing.Line{
		{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil", PlusAddresses: true, Position: 1},
		{Name: "police", Channel: "email", Address: "police@valmont.example", Department: "police", Position: 2},
		{Name: "sms", Channel: "sms", Address: "+33939000000", Department: "accueil", Position: 3},
	}))
	h.keys = ticketing.NewKeys([]byte("a key for tests"))
	h.files = files
	h.desk = h.newDesk(db)
	h.reader = ticketing.NewReader(db, files, h.town, h.router, h.clock.now)
	return h
}

func (h *hall) newDesk(s ticketing.Store) *ticketing.Desk {
	return ticketing.NewDesk(ticketing.DeskParts{
		Store: s, Files: h.files, Town: h.town, Router: h.router, Keys: h.keys, Now: h.clock.now, Log: slog.New(slog.DiscardHandler),
		Stats: noStats{}, Render: email.Document, Sniff: email.SniffType,
	})
}

func (h *hall) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hall) actor(name string) ticketing.Actor {
	h.Helper()
	agent, ok := h.town.Now().AgentByEmail(name + "@valmont.example")
	actor, active := h.town.Now().Actor(agent.ID, false)
	if !ok || !active {
		h.Fatalf("there is no agent %s", name)
	}
	return actor
}

// letter is an e-mail as the adapter would give it.
func (h *hall) letter(id, from, subject, text string) channels.Inbound {
	return channels.Inbound{
		Channel: channels.Email, Line: "mairie", Key: "key of " + id, Raw: []byte(text), ID: id, From: channels.Address{Name: "Anne Perrin", Value: from},
		To: []channels.Address{{Value: "contact@valmont.example"}}, Subject: subject, Text: text, At: h.clock.now(),
	}
}

func (h *hall) receive(group ...channels.Inbound) []channels.Filed {
	h.Helper()
	filed, err := h.desk.Receive(h.Context(), group)
	h.must(err)
	return filed
}

func (h *hall) dossier(reference string) ticketing.Dossier {
	h.Helper()
	d, err := h.reader.Ticket(h.Context(), h.actor("admin"), reference)
	h.must(err)
	return d
}

func TestAMailBecomesATicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		filed := h.receive(h.letter("1@example.org", "Anne@Example.org", "Nid-de-poule", "Un trou profond s'est ouvert avenue Foch."))
		if filed[0].Result != channels.Created || filed[0].Reference != "2026-00001" {
			h.Fatalf("%+v", filed)
		}
		d := h.dossier(filed[0].Reference)
		if d.Ticket.Department != "voirie" || d.Ticket.Motive != "VOI-NID" || d.Ticket.Status != ticketing.StatusNew || d.Ticket.Language != "fr" {
			h.Errorf("ticket %+v", d.Ticket)
		}
		if d.Citizen == nil || d.Citizen.GivenName != "Anne" || d.Citizen.Contacts[0].Value != "anne@example.org" {
			h.Errorf("citizen %+v", d.Citizen)
		}
		if len(d.Messages) != 2 || d.Messages[1].Automatic != "acknowledgement" || d.Messages[1].Delivery.State != ticketing.DeliveryQueued {
			h.Fatalf("messages %+v", d.Messages)
		}
		ack := d.Messages[1]
		if !strings.Contains(ack.Subject, "[Réf. 2026-00001]") || !strings.Contains(ack.Text, "20/11/2026") || !strings.Contains(ack.Text, "Voirie") {
			h.Errorf("acknowledgement %q\n%s", ack.Subject, ack.Text)
		}
		if id, ok := h.keys.ReadMessageID(ack.ExternalID); !ok || id != d.Ticket.ID {
			h.Errorf("its Message-ID %q is not ours", ack.ExternalID)
		}
		depths, err := h.router.Depths(h.Context())
		h.must(err)
		if depths["voirie"].Waiting != 1 {
			h.Errorf("queues %v", depths)
		}
	})
}

func TestTheSameMailTwiceIsOneTicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		mail := h.letter("1@example.org", "anne@example.org", "Bonjour", "texte")
		first := h.receive(mail, mail)
		again := h.receive(mail)
		if first[0].Result != channels.Created || first[1].Result != channels.Duplicate || again[0].Result != channels.Duplicate {
			h.Errorf("%v %v", first, again)
		}
		if first[1].Reference != first[0].Reference || again[0].Reference != first[0].Reference {
			h.Errorf("a duplicate is not told its ticket: %v %v", first, again)
		}
		elsewhere := mail
		elsewhere.Line = "police"
		h.receive(elsewhere)
		people := h.dossier(first[0].Reference).Participants
		if len(people) != 2 || people[0].Value+people[1].Value != "anne@example.orgpolice" && people[0].Value+people[1].Value != "policeanne@example.org" {
			h.Errorf("participants %+v", people)
		}
	})
}

// Two processes that pull one mailbox, or a citizen who writes to two: everything is filed once, under one record.
func TestManyPullersFileEachMailOnce(t *testing.T) {
	eachHall(t, func(h *hall) {
		var group []channels.Inbound
		for i := range 20 {
			id := string(rune('a' + i))
			group = append(group, h.letter(id+"@example.org", "citizen"+string(rune('a'+i%5))+"@example.org", "Sujet "+id, "texte "+id))
		}
		var created atomic.Int64
		var pullers sync.WaitGroup
		for range 4 {
			pullers.Go(func() {
				filed, err := h.desk.Receive(h.Context(), group)
				if err != nil {
					h.Error(err)
				}
				for _, f := range filed {
					if f.Result == channels.Created {
						created.Add(1)
					}
				}
			})
		}
		pullers.Wait()
		page, err := h.reader.Tickets(h.Context(), h.actor("admin"), ticketing.TicketQuery{Limit: 100}, "")
		h.must(err)
		people := map[string]bool{}
		for _, r := range page.Rows {
			people[*r.CitizenID] = true
		}
		if created.Load() != 20 || len(page.Rows) != 20 || len(people) != 5 {
			h.Errorf("%d created, %d tickets, %d citizens", created.Load(), len(page.Rows), len(people))
		}
	})
}

// What cannot be read is a ticket all the same.
func TestOddMailsAreTickets(t *testing.T) {
	eachHall(t, func(h *hall) {
		for name, in := range map[string]channels.Inbound{
			"nothing but bytes": {Channel: channels.Email, Line: "mairie", Key: "1", Raw: []byte("?"), At: h.clock.now()},
			"no sender":         {Channel: channels.Email, Line: "mairie", Key: "2", Text: "au secours", At: h.clock.now()},
			"an unknown line":   {Channel: channels.Email, Line: "gone", Key: "3", From: channels.Address{Value: "a@b.c"}, At: h.clock.now()},
			"a subject of 5000": {Channel: channels.Email, Line: "mairie", Key: "4", Subject: strings.Repeat("é", 2500), At: h.clock.now()},
			"a machine": {
				Channel: channels.Email, Line: "mairie", Key: "5", From: channels.Address{Value: "mailer-daemon@b.c"}, Automatic: "bounce", At: h.clock.now(),
			},
		} {
			filed := h.receive(in)
			if filed[0].Result != channels.Created || filed[0].Reference == "" {
				h.Errorf("%s: %+v", name, filed)
			}
			for _, m := range h.dossier(filed[0].Reference).Messages {
				if name == "a machine" && m.Direction == ticketing.Out {
					h.Errorf("a machine was answered")
				}
			}
		}
	})
}

func TestAConversationStaysInItsTicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		reference := h.receive(h.letter("1@example.org", "anne@example.org", "Lampadaire", "Le lampadaire est en panne."))[0].Reference
		taken, err := h.desk.Take(h.Context(), agent, "eclairage")
		h.must(err)
		if taken == nil || taken.Reference() != reference || taken.Status != ticketing.StatusOpen || *taken.AssigneeID != agent.ID {
			h.Fatalf("took %+v", taken)
		}
		h.clock.advance(time.Minute)
		sent, err := h.desk.Reply(h.Context(), agent, reference, ticketing.Answer{Text: "Quel numéro ?"})
		h.must(err)
		if len(sent.To) != 1 || sent.To[0].Value != "anne@example.org" || !strings.Contains(sent.Text, "Nadia Benali") {
			h.Errorf("sent %+v", sent)
		}
		d := h.dossier(reference)
		if d.Ticket.Status != ticketing.StatusWaiting || d.Ticket.FirstReplyAt == nil || !d.Ticket.FirstReplyAt.Equal(h.clock.now()) {
			h.Errorf("after the reply %+v", d.Ticket)
		}
		if load, err := h.router.Load(h.Context(), agent.ID); err != nil || load != 0 {
			h.Errorf("a waiting ticket uses capacity: %d, %v", load, err)
		}
		h.must(h.router.SetPresence(h.Context(), agent.ID, "available"))
		answer := h.letter("2@example.org", "anne@example.org", "Re: Lampadaire", "Au 5.")
		answer.InReplyTo = []string{sent.ExternalID}
		filed := h.receive(answer)
		d = h.dossier(reference)
		if filed[0].Result != channels.Joined || filed[0].Reference != reference {
			h.Fatalf("the answer was %+v", filed)
		}
		if d.Ticket.Status != ticketing.StatusOpen || d.Ticket.AssigneeID == nil || *d.Ticket.AssigneeID != agent.ID {
			h.Errorf("the agent on duty lost it: %+v", d.Ticket)
		}
		h.must(h.router.SetPresence(h.Context(), agent.ID, "offline"))
		_, err = h.desk.Reply(h.Context(), agent, reference, ticketing.Answer{Text: "Merci."})
		h.must(err)
		token := h.letter("3@example.org", "other@example.net", "Tr: Lampadaire", "Toujours en panne.")
		token.DeliveredTo = []string{h.keys.ReplyAddress(d.Ticket.ID, "contact@valmont.example")}
		h.receive(token)
		d = h.dossier(reference)
		if d.Ticket.AssigneeID != nil || d.Ticket.Status != ticketing.StatusOpen {
			h.Errorf("an agent who has gone home keeps it: %+v", d.Ticket)
		}
		last := d.Messages[len(d.Messages)-1]
		if !last.Stranger || len(d.Participants) != 1 {
			h.Errorf("a stranger by token: flagged %v, participants %+v", last.Stranger, d.Participants)
		}
	})
}

func TestClosedTicketsReopenOrAreFollowed(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		reference := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
		_, err := h.desk.Close(h.Context(), agent, reference, ticketing.Answered, "", 0)
		h.must(err)
		h.clock.advance(24 * time.Hour)
		second := h.letter("2@example.org", "anne@example.org", "Re", "encore")
		second.References = []string{"1@example.org"}
		if filed := h.receive(second); filed[0].Reference != reference || h.dossier(reference).Ticket.Status != ticketing.StatusOpen {
			h.Errorf("within the window: %+v", filed)
		}
		_, err = h.desk.Close(h.Context(), agent, reference, ticketing.Answered, "", 0)
		h.must(err)
		h.clock.advance(400 * 24 * time.Hour)
		third := h.letter("3@example.org", "anne@example.org", "Re", "et encore")
		third.References = []string{"1@example.org"}
		filed := h.receive(third)
		d := h.dossier(filed[0].Reference)
		if filed[0].Reference == reference || len(d.Links) != 1 || d.Links[0].Reference != reference || d.Links[0].Kind != "follows" {
			h.Errorf("a year later: %+v, links %+v", filed, d.Links)
		}
		if !strings.HasPrefix(filed[0].Reference, "2027-") && !strings.HasPrefix(filed[0].Reference, "2028-") {
			h.Errorf("filed %s as %s", h.clock.now(), filed[0].Reference)
		}
	})
}

func TestAcknowledgementsStopAtFiveADay(t *testing.T) {
	eachHall(t, func(h *hall) {
		var references []string
		for i := range 7 {
			id := string(rune('a' + i))
			references = append(references, h.receive(h.letter(id+"@example.org", "loop@example.org", "Sujet "+id, "texte"))[0].Reference)
		}
		sent := 0
		for _, r := range references {
			for _, m := range h.dossier(r).Messages {
				if m.Automatic == "acknowledgement" {
					sent++
				}
			}
		}
		if sent != 5 {
			h.Errorf("%d acknowledgements in a day", sent)
		}
		last := h.dossier(references[6])
		if e := last.Events[len(last.Events)-1]; e.Type != ticketing.EventAckWithheld || e.Data["reason"] != "too_many" {
			h.Errorf("the last event is %+v", e)
		}
	})
}

func TestCapacityHolds(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		for i := range agent.Capacity + 3 {
			id := string(rune('a' + i))
			h.receive(h.letter(id+"@example.org", "c"+id+"@example.org", "Lampadaire "+id, "Le lampadaire est en panne."))
		}
		var mine atomic.Int64
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for {
					taken, err := h.desk.Take(h.Context(), agent, "eclairage")
					if errors.Is(err, ticketing.ErrFull) {
						return
					}
					if err != nil || taken == nil {
						h.Errorf("took %v, %v", taken, err)
						return
					}
					mine.Add(1)
				}
			})
		}
		callers.Wait()
		if int(mine.Load()) != agent.Capacity {
			h.Errorf("an agent for %d tickets has %d", agent.Capacity, mine.Load())
		}
	})
}

func TestWhatIsHiddenIsNotThere(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		ccas := h.receive(h.letter("1@example.org", "anne@example.org", "Aide", "Je n'arrive plus à payer l'électricité, on m'a dit de voir le CCAS."))[0].Reference
		if d := h.dossier(ccas); d.Ticket.Department != "ccas" || strings.Contains(d.Messages[1].Text, "CCAS") {
			h.Fatalf("%s: %s", d.Ticket.Department, d.Messages[1].Text)
		}
		outside := h.actor("agent")
		text := ticketing.Answer{Text: "x"}
		for name, do := range map[string]func(reference string) error{
			"ticket":   func(r string) error { _, err := h.reader.Ticket(ctx, outside, r); return err },
			"claim":    func(r string) error { _, err := h.desk.Claim(ctx, outside, r, 0); return err },
			"release":  func(r string) error { _, err := h.desk.Release(ctx, outside, r, "", 0); return err },
			"reply":    func(r string) error { _, err := h.desk.Reply(ctx, outside, r, text); return err },
			"note":     func(r string) error { _, err := h.desk.Note(ctx, outside, r, "x", "", 0); return err },
			"transfer": func(r string) error { _, err := h.desk.Transfer(ctx, outside, r, "voirie", "x", 0); return err },
			"close":    func(r string) error { _, err := h.desk.Close(ctx, outside, r, "", "", 0); return err },
			"reopen":   func(r string) error { _, err := h.desk.Reopen(ctx, outside, r, "x", 0); return err },
			"assign": func(r string) error {
				_, err := h.desk.Assign(ctx, outside, r, "agent@valmont.example", "", 0)
				return err
			},
			"merge": func(r string) error { _, err := h.desk.Merge(ctx, outside, r, "2026-00001", "x", 0); return err },
			"forward": func(r string) error {
				_, err := h.desk.Forward(ctx, outside, r, ticketing.Forwarding{To: "a@example.org", Reason: "x"})
				return err
			},
			"split": func(r string) error {
				_, _, err := h.desk.Split(ctx, outside, r, ticketing.Splitting{Messages: []string{"x"}, Department: "voirie"})
				return err
			},
			"edit": func(r string) error { _, err := h.desk.Edit(ctx, outside, r, ticketing.Edit{}, 0); return err },
		} {
			there, gone := do(ccas), do("2026-99999")
			if !errors.Is(there, ticketing.ErrNotFound) || there.Error() != gone.Error() {
				h.Errorf("%s: %v for what is hidden, %v for what is not there", name, there, gone)
			}
		}
		if _, err := h.desk.Take(ctx, outside, "ccas"); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("take: %v", err)
		}
		page, err := h.reader.Tickets(ctx, outside, ticketing.TicketQuery{}, "")
		h.must(err)
		queues, err := h.reader.Queues(ctx, outside)
		h.must(err)
		views, err := h.reader.Views(ctx, outside)
		h.must(err)
		if len(page.Rows) != 0 || views.Queued["ccas"] != 0 {
			h.Errorf("lists show %v, counts %v", page.Rows, views)
		}
		for _, q := range queues {
			if q.Department.Code == "ccas" || q.Department.Code == "police" {
				h.Errorf("queues show %s", q.Department.Code)
			}
		}
	})
}

// Who logs a contact for a reserved department reads it until somebody there takes it.
func TestALoggedContactIsReadUntilItIsTaken(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		agent := h.actor("agent")
		logged, err := h.desk.Log(ctx, agent, ticketing.NewContact{
			Channel: channels.Phone, Department: "ccas", Subject: "Repas", Text: "Portage de repas",
			Citizen: &ticketing.CitizenDraft{Family: "Diallo", Contacts: []ticketing.Contact{{Type: "phone", Value: "06 39 98 00 41"}}},
		})
		h.must(err)
		d, err := h.reader.Ticket(ctx, agent, logged.Reference())
		h.must(err)
		if d.Citizen.Contacts[0].Value != "+33639980041" {
			h.Errorf("citizen %+v", d.Citizen)
		}
		page, err := h.reader.Tickets(ctx, agent, ticketing.TicketQuery{}, "")
		h.must(err)
		if len(page.Rows) != 1 {
			h.Errorf("her list has %d", len(page.Rows))
		}
		if _, err := h.desk.Note(ctx, agent, logged.Reference(), "x", "", 0); !errors.Is(err, ticketing.ErrForbidden) {
			h.Errorf("a note on it: %v", err)
		}
		_, err = h.desk.Take(ctx, h.actor("admin"), "ccas")
		h.must(err)
		if _, err := h.reader.Ticket(ctx, agent, logged.Reference()); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("after it was taken: %v", err)
		}
	})
}

func TestAKeyMakesOneThing(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		agent := h.actor("agent")
		contact := ticketing.NewContact{Channel: channels.Counter, Subject: "Passeport", Citizen: &ticketing.CitizenDraft{Family: "Diallo"}, Key: "k1"}
		var made sync.Map
		var callers sync.WaitGroup
		for range 6 {
			callers.Go(func() {
				logged, err := h.desk.Log(ctx, agent, contact)
				if err != nil {
					h.Error(err)
				}
				made.Store(logged.Reference(), true)
			})
		}
		callers.Wait()
		n := 0
		made.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			h.Errorf("one key made %d tickets", n)
		}
		contact.Subject = "Autre chose"
		if _, err := h.desk.Log(ctx, agent, contact); ticketing.CodeOf(err) != ticketing.CodeReused {
			h.Errorf("the key for something else: %v", err)
		}
	})
}

func TestStaleAndConflicts(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		agent, boss := h.actor("agent"), h.actor("supervision")
		reference := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
		taken, err := h.desk.Claim(ctx, agent, reference, 1)
		h.must(err)
		if _, err := h.desk.Close(ctx, agent, reference, "", "", 1); !errors.Is(err, ticketing.ErrStale) {
			h.Errorf("an old version: %v", err)
		}
		if _, err := h.desk.Claim(ctx, boss, reference, 0); !errors.Is(err, ticketing.ErrConflict) {
			h.Errorf("a ticket somebody has: %v", err)
		}
		if again, err := h.desk.Claim(ctx, agent, reference, taken.Version); err != nil || again.Version != taken.Version {
			h.Errorf("claiming twice: %v, %v", again, err)
		}
		if _, err := h.desk.Assign(ctx, agent, reference, "supervision@valmont.example", "", 0); !errors.Is(err, ticketing.ErrForbidden) {
			h.Errorf("an agent assigns: %v", err)
		}
		released, err := h.desk.Release(ctx, boss, reference, "absence", 0)
		h.must(err)
		if released.AssigneeID != nil || released.Status != ticketing.StatusOpen {
			h.Errorf("released %+v", released)
		}
		moved, err := h.desk.Transfer(ctx, agent, reference, "police", "pour la police", 0)
		h.must(err)
		if moved.Department != "police" || moved.AssigneeID != nil {
			h.Errorf("transferred %+v", moved)
		}
		if _, err := h.reader.Ticket(ctx, agent, reference); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("in a sealed department: %v", err)
		}
	})
}

// Redis is emptied: the queues are whole after one reconcile.
func TestQueuesComeBackFromTheDatabase(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx := h.Context()
		for _, id := range []string{"a", "b", "c"} {
			h.receive(h.letter(id+"@example.org", id+"@example.org", "Lampadaire", "Le lampadaire est en panne."))
		}
		_, err := h.desk.Take(ctx, h.actor("agent"), "eclairage")
		h.must(err)
		fresh, err := routing.Open(ctx, "embedded", routing.Options{Now: h.clock.now})
		h.must(err)
		defer func() { h.must(fresh.Close()) }()
		_, err = fresh.Reconcile(ctx, h.db)
		h.must(err)
		depths, err := fresh.Depths(ctx)
		h.must(err)
		load, err := fresh.Load(ctx, h.actor("agent").ID)
		h.must(err)
		if depths["eclairage"].Waiting != 2 || load != 1 {
			h.Errorf("depths %v, load %d", depths, load)
		}
	})
}

func TestImportTwiceChangesNothing(t *testing.T) {
	eachHall(t, func(h *hall) {
		valmont, err := demo.Town()
		h.must(err)
		h.must(h.town.SetPassword(h.Context(), "agent@valmont.example", "a hash"))
		changes, err := h.town.Import(h.Context(), valmont, false)
		h.must(err)
		if len(changes) != 0 {
			h.Errorf("a second import changes %v", changes)
		}
		agent, _ := h.town.Now().AgentByEmail("agent@valmont.example")
		if agent.PasswordHash != "a hash" {
			h.Error("an import took a password away")
		}
	})
}

func TestFollowersMissNothing(t *testing.T) {
	eachHall(t, func(h *hall) {
		journal := ticketing.NewJournal(h.db, h.router, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(h.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := journal.Run(ctx); err != nil {
				h.Error(err)
			}
		})
		defer running.Wait()
		defer stop()
		start, err := h.db.LastPosition(ctx)
		h.must(err)
		h.receive(h.letter("1@example.org", "a@example.org", "Un", "texte"))
		seen := make(chan ticketing.Event, 100)
		running.Go(func() {
			_ = journal.Follow(ctx, &start, func(e ticketing.Event) error { seen <- e; return nil })
		})
		h.receive(h.letter("2@example.org", "b@example.org", "Deux", "texte"))
		created := 0
		for created < 2 {
			select {
			case e := <-seen:
				if e.Type == ticketing.EventTicketCreated {
					created++
				}
			case <-time.After(2 * time.Minute): // a long transaction in any database of the server holds events back
				h.Fatalf("%d of 2 events came", created)
			}
		}
		select {
		case e := <-seen:
			if e.Type == ticketing.EventTicketCreated {
				h.Error("an event came twice")
			}
		default:
		}
	})
}
