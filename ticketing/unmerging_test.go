package ticketing_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/channels"
	"guichet/ticketing"
)

// person makes a record.
func (h *hall) person(change func(w *ticketing.CitizenDraft)) ticketing.Citizen {
	h.Helper()
	w := ticketing.CitizenDraft{Family: "Perrin", Given: "Anne", Language: "fr"}
	if change != nil {
		change(&w)
	}
	c, err := h.registry().Record(h.Context(), h.actor("agent"), w, "")
	h.must(err)
	return c
}

func (h *hall) merge(into, from string) ticketing.Merge {
	h.Helper()
	m, err := h.registry().Merge(h.Context(), h.actor("agent"), into, from, "même personne", nil)
	h.must(err)
	return m
}

func (h *hall) undo(m ticketing.Merge) {
	h.Helper()
	_, err := h.registry().Undo(h.Context(), h.actor("agent"), m.ID, "erreur")
	h.must(err)
}

func (h *hall) citizen(id string) ticketing.Citizen {
	h.Helper()
	c, err := h.db.Citizen(h.Context(), id)
	h.must(err)
	return c
}

func (h *hall) mustRefuse(what string, err error, code ticketing.Code, reason string) {
	h.Helper()
	var e *ticketing.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		h.Errorf("%s: %v, want %s %s", what, err, code, reason)
	}
}

func TestAMessageOfAMergedRecordGoesToTheSurvivor(t *testing.T) {
	eachHall(t, func(h *hall) {
		old := h.receive(h.letter("1", "anne@example.org", "Cantine", "Bonjour"))[0]
		b := *h.dossier(old.Reference).Ticket.CitizenID
		a, c := h.person(nil), h.person(nil)
		before := h.dossier(old.Reference).Ticket
		inner := h.merge(a.ID, b)
		outer := h.merge(c.ID, a.ID)
		moved := h.dossier(old.Reference).Ticket
		if *moved.CitizenID != c.ID || moved.Status != before.Status || moved.Version <= before.Version {
			t.Errorf("the ticket: %+v", moved)
		}
		events, err := h.db.EventsOfTicket(t.Context(), moved.ID)
		h.must(err)
		last := events[len(events)-1]
		if last.Type != ticketing.EventCitizenMerged || last.Data["merge"] != outer.ID || last.AgentID == nil || last.Department != moved.Department {
			t.Errorf("its journal ends with %+v", last)
		}
		file, err := h.reader.Citizen(t.Context(), h.actor("agent"), b)
		h.must(err)
		if file.MergedInto == nil || *file.MergedInto != c.ID {
			t.Errorf("an old link leads to %v", file.MergedInto)
		}
		next := h.receive(h.letter("2", "anne@example.org", "École", "Bonjour"))[0]
		if got := *h.dossier(next.Reference).Ticket.CitizenID; got != c.ID {
			t.Errorf("the new message went to %s", got)
		}
		h.undo(inner) // while the outer one stands
		for ref, want := range map[string]string{old.Reference: b, next.Reference: c.ID} {
			if got := *h.dossier(ref).Ticket.CitizenID; got != want {
				t.Errorf("%s is of %s, want %s", ref, got, want)
			}
		}
		third := h.receive(h.letter("3", "anne@example.org", "Piscine", "Bonjour"))[0]
		if got := *h.dossier(third.Reference).Ticket.CitizenID; got != b {
			t.Errorf("her address leads to %s", got)
		}
		h.undo(outer)
	})
}

func TestMergesThatAreRefused(t *testing.T) {
	eachHall(t, func(h *hall) {
		a, b, c := h.person(nil), h.person(nil), h.person(nil)
		try := func(into, from, reason string, fields map[string]string) error {
			_, err := h.registry().Merge(t.Context(), h.actor("agent"), into, from, reason, fields)
			return err
		}
		h.mustRefuse("with itself", try(a.ID, a.ID, "x", nil), ticketing.CodeInvalid, "the_same")
		h.mustRefuse("with nobody", try(a.ID, ticketing.NewID(), "x", nil), ticketing.CodeInvalid, "unknown")
		h.mustRefuse("into nobody", try(ticketing.NewID(), a.ID, "x", nil), ticketing.CodeNotFound, "")
		h.mustRefuse("without a reason", try(a.ID, b.ID, " ", nil), ticketing.CodeInvalid, "empty")
		h.mustRefuse("an unknown field", try(a.ID, b.ID, "x", map[string]string{"checked": "from"}), ticketing.CodeInvalid, "unknown")
		h.mustRefuse("an unknown side", try(a.ID, b.ID, "x", map[string]string{"family": "both"}), ticketing.CodeInvalid, "unknown")
		m := h.merge(a.ID, b.ID)
		h.mustRefuse("twice", try(a.ID, b.ID, "x", nil), ticketing.CodeConflict, "record_merged")
		h.mustRefuse("the other way round", try(b.ID, a.ID, "x", nil), ticketing.CodeConflict, "record_merged")
		h.mustRefuse("into a merged one", try(b.ID, c.ID, "x", nil), ticketing.CodeConflict, "record_merged")
		_, err := h.registry().Edit(t.Context(), h.actor("agent"), b.ID, 0, func(w *ticketing.CitizenDraft) { w.Family = "X" })
		h.mustRefuse("a correction of a merged one", err, ticketing.CodeConflict, "record_merged")
		_, err = h.registry().Undo(t.Context(), h.actor("agent"), m.ID, "")
		h.mustRefuse("an undo without a reason", err, ticketing.CodeInvalid, "empty")
		h.undo(m)
		_, err = h.registry().Undo(t.Context(), h.actor("agent"), m.ID, "x")
		h.mustRefuse("an undo twice", err, ticketing.CodeConflict, "already_undone")
		if undone, err := h.db.Merge(t.Context(), m.ID); err != nil || undone.UndoReason != "erreur" || undone.UndoneBy == nil || undone.Reason != "même personne" {
			t.Errorf("who and why: %+v %v", undone, err)
		}
	})
}

func TestFieldsGoBackUnlessTheyWereCorrected(t *testing.T) {
	eachHall(t, func(h *hall) {
		born := func(day string) func(*ticketing.CitizenDraft) {
			return func(w *ticketing.CitizenDraft) { w.BirthDate, w.Refusals = day, []string{"sms"} }
		}
		a := h.person(func(w *ticketing.CitizenDraft) { w.Usage = "Roux" })
		b, c, d := h.person(born("1961-03-04")), h.person(nil), h.person(born("1970-01-01"))
		inner := h.merge(a.ID, b.ID)
		heir := h.merge(a.ID, d.ID) // has a birth date too, and was not asked
		outer := h.merge(c.ID, a.ID)
		if got := h.citizen(c.ID); got.BirthDate != "1961-03-04" || got.UsageName != "Roux" || len(got.Refusals) != 1 {
			t.Errorf("the survivor says %+v", got)
		}
		h.undo(inner)
		if got := h.citizen(c.ID); got.BirthDate != "1970-01-01" || len(got.Refusals) != 1 {
			t.Errorf("what came from who is no longer part of it stayed: %q %v", got.BirthDate, got.Refusals)
		}
		h.undo(heir)
		if got := h.citizen(c.ID); got.BirthDate != "" || len(got.Refusals) != 0 {
			t.Errorf("the same of the next: %q %v", got.BirthDate, got.Refusals)
		}
		_, err := h.registry().Edit(t.Context(), h.actor("agent"), c.ID, 0, func(w *ticketing.CitizenDraft) { w.Usage = "Leroux" })
		h.must(err)
		h.undo(outer)
		if got := h.citizen(c.ID); got.UsageName != "Leroux" {
			t.Errorf("a correction was undone: %q", got.UsageName)
		}
		if got := h.citizen(a.ID); got.UsageName != "Roux" || got.BirthDate != "" {
			t.Errorf("the other record says %+v", got)
		}
	})
}

func TestWhatWasErasedStaysErasedAndTwinsComeBack(t *testing.T) {
	eachHall(t, func(h *hall) {
		reach := func(w *ticketing.CitizenDraft) {
			w.Contacts = []ticketing.Contact{{Type: "phone", Value: "06 39 98 00 01"}, {Type: "phone", Value: "06 39 98 00 02"}}
			w.Addresses = []ticketing.PostalAddress{{Street: "18 avenue Foch", City: "Valmont"}}
		}
		a, b := h.person(reach), h.person(reach)
		m := h.merge(a.ID, b.ID)
		if got := h.citizen(a.ID); len(got.Contacts) != 2 || len(got.Addresses) != 1 {
			t.Errorf("shown twice: %+v", got)
		}
		owners, err := h.db.PhoneOwners(t.Context(), []string{"+33639980001"})
		h.must(err)
		if len(owners["+33639980001"]) != 1 {
			t.Errorf("one person has the number: %v", owners)
		}
		_, err = h.registry().Edit(t.Context(), h.actor("agent"), a.ID, 0, func(w *ticketing.CitizenDraft) { w.Civility = "Mme" })
		h.must(err)
		_, err = h.registry().Edit(t.Context(), h.actor("agent"), a.ID, 0, func(w *ticketing.CitizenDraft) { w.Contacts = w.Contacts[:1] })
		h.must(err)
		if got := h.citizen(a.ID); len(got.Contacts) != 1 {
			t.Errorf("the twin of what was erased is there: %+v", got.Contacts)
		}
		h.undo(m)
		for _, id := range []string{a.ID, b.ID} {
			if got := h.citizen(id); len(got.Contacts) != 1 || got.Contacts[0].Value != "+33639980001" || len(got.Addresses) != 1 {
				t.Errorf("%v %v", got.Contacts, got.Addresses)
			}
		}
	})
}

func TestAgentsWhoMergeTheSamePair(t *testing.T) {
	eachHall(t, func(h *hall) {
		for range 10 {
			a, b := h.person(nil), h.person(nil)
			var group sync.WaitGroup
			errs := make(chan error, 8)
			for i := range 8 {
				into, from := a.ID, b.ID
				if i%2 == 0 {
					into, from = from, into
				}
				group.Go(func() {
					_, err := h.registry().Merge(t.Context(), h.actor("agent"), into, from, "même personne", nil)
					errs <- err
				})
			}
			group.Wait()
			close(errs)
			done := 0
			for err := range errs {
				if err == nil {
					done++
				} else {
					h.mustRefuse("the slower", err, ticketing.CodeConflict, "record_merged")
				}
			}
			if done != 1 {
				t.Errorf("%d agents merged one pair", done)
			}
		}
	})
}

// TestMergesWhileMailComesIn merges and undoes while the person writes: every mail is filed, and under a record that lives.
func TestMergesWhileMailComesIn(t *testing.T) {
	eachHall(t, func(h *hall) {
		const mails = 40
		first := h.receive(h.letter("first", "anne@example.org", "Cantine", "Bonjour"))[0]
		b := *h.dossier(first.Reference).Ticket.CitizenID
		a := h.person(nil)
		var group sync.WaitGroup
		filed := make(chan string, mails)
		for w := range 4 {
			group.Go(func() {
				for i := range mails / 4 {
					result, err := h.desk.Receive(t.Context(), []channels.Inbound{h.letter(fmt.Sprint("m", w, "-", i), "anne@example.org", "École", "Bonjour")})
					if err != nil || result[0].Reference == "" {
						t.Errorf("a mail was lost: %v %v", result, err)
						return
					}
					filed <- result[0].Reference
				}
			})
		}
		var last ticketing.Merge
		for i := range 7 {
			m, err := h.registry().Merge(t.Context(), h.actor("agent"), a.ID, b, "même personne", nil)
			h.must(err)
			if last = m; i < 6 {
				h.undo(m)
			}
		}
		group.Wait()
		close(filed)
		refs := []string{first.Reference}
		for ref := range filed {
			refs = append(refs, ref)
		}
		if len(refs) != mails+1 {
			t.Fatalf("%d of %d mails", len(refs), mails+1)
		}
		for _, ref := range refs {
			if got := *h.dossier(ref).Ticket.CitizenID; got != a.ID {
				t.Errorf("%s is under %s, which is merged", ref, got)
			}
		}
		h.undo(last)
	})
}

func TestAnAgentSaysWhoItWas(t *testing.T) {
	eachHall(t, func(h *hall) {
		phone := func(given string) func(*ticketing.CitizenDraft) {
			return func(w *ticketing.CitizenDraft) {
				w.Given, w.Contacts = given, []ticketing.Contact{{Type: "phone", Value: "06 39 98 00 01"}}
			}
		}
		anne, paul := h.person(phone("Anne")), h.person(phone("Paul"))
		ref := h.receive(h.text("1", "+33639980001", "Bonjour"))[0].Reference
		if h.dossier(ref).Ticket.CitizenID != nil {
			t.Fatal("a shared number decided")
		}
		list, err := h.reader.TicketCandidates(t.Context(), h.actor("agent"), ref)
		h.must(err)
		if len(list) != 2 || !slices.Contains(list[0].Reasons, ticketing.WhySamePhone) {
			t.Errorf("candidates %+v", list)
		}
		say := func(id string) error {
			_, err := h.desk.Edit(t.Context(), h.actor("admin"), ref, ticketing.Edit{Citizen: &id}, 0)
			return err
		}
		h.mustRefuse("nobody", say(ticketing.NewID()), ticketing.CodeInvalid, "unknown")
		h.must(say(paul.ID))
		d := h.dossier(ref)
		if *d.Ticket.CitizenID != paul.ID || d.Events[len(d.Events)-1].Data["citizen"] != paul.ID {
			t.Errorf("%+v", d.Ticket)
		}
		m := h.merge(anne.ID, paul.ID)
		h.must(say(paul.ID)) // she lives on as Anne, where the ticket is already
		h.undo(m)
		if got := *h.dossier(ref).Ticket.CitizenID; got != paul.ID {
			t.Errorf("it is of %s", got)
		}
		m = h.merge(anne.ID, paul.ID)
		other := h.person(nil)
		h.must(say(other.ID))
		h.must(say(anne.ID))
		h.undo(m)
		if got := *h.dossier(ref).Ticket.CitizenID; got != anne.ID {
			t.Errorf("an agent said it is Anne's, and it went to %s", got)
		}
	})
}

// TestManyAgentsMergeAndUndoAtOnce lets agents merge and undo within one family as fast as they can: what they are refused is a conflict,
// and when all is undone everything is as it was.
func TestManyAgentsMergeAndUndoAtOnce(t *testing.T) {
	eachHall(t, func(h *hall) {
		seed := uint64(time.Now().UnixNano())
		h.Logf("seed %d", seed)
		number := 0
		c := makeFamily(h, rand.New(rand.NewPCG(seed, 0)), &number)
		addFamilies(h, []*family{c})
		rows, records := c.owners(h)
		var ids []string
		for _, p := range c.people {
			ids = append(ids, p.ID)
		}
		var group sync.WaitGroup
		for agent := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, agent+1))
			group.Go(func() {
				for range 15 {
					var err error
					if standing, listed := h.db.MergesInto(t.Context(), ids); listed == nil && len(standing) > 0 && r.IntN(2) == 0 {
						_, err = h.registry().Undo(t.Context(), h.actor("agent"), pick(r, standing...).ID, "erreur")
					} else if into, from := pick(r, ids...), pick(r, ids...); into != from {
						_, err = h.registry().Merge(t.Context(), h.actor("agent"), into, from, "même personne", someChoices(r))
					}
					if err != nil && !errors.Is(err, ticketing.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		for {
			standing, err := h.db.MergesInto(t.Context(), ids)
			h.must(err)
			if len(standing) == 0 {
				break
			}
			h.undo(standing[0])
		}
		rowsNow, recordsNow := c.owners(h)
		if diff := cmp.Diff(rows, rowsNow); diff != "" {
			t.Errorf("rows, -start +end:\n%s", diff)
		}
		if diff := cmp.Diff(records, recordsNow); diff != "" {
			t.Errorf("records, -start +end:\n%s", diff)
		}
	})
}
