package storetest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func original(key string) ticketing.Original {
	return ticketing.Original{
		ID: ticketing.NewID(), Channel: "email", Key: key, Line: "mairie", Raw: []byte("From: x\r\n\r\n\xff\x00"), Size: 13, State: "filed",
		ReceivedAt: noon(), CreatedAt: noon(),
	}
}

func TestOriginals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a, b := original("a"), original("b")
		b.Raw, b.SHA256 = nil, "abcd"
		added, err := db.AddOriginals(w.ctx, []ticketing.Original{b, a})
		must(t, err)
		equal(t, "added", len(added), 2)
		added, err = db.AddOriginals(w.ctx, []ticketing.Original{original("c"), original("a")})
		must(t, err)
		if diff := cmp.Diff(map[ticketing.OriginalKey]bool{{Channel: "email", Key: "c"}: true}, added); diff != "" {
			t.Error(diff)
		}
		got, err := db.Original(w.ctx, a.ID)
		must(t, err)
		equal(t, "raw", string(got.Raw), string(a.Raw))
		got, err = db.Original(w.ctx, b.ID)
		must(t, err)
		equal(t, "raw of a file", got.Raw == nil, true)
		_, err = db.Original(w.ctx, ticketing.NewID())
		is(t, err, ticketing.ErrNotFound)

		seen := ticketing.Copy{Mailbox: "mairie", UIDValidity: 4294967295, UID: 7, Channel: "email", Key: "a", At: noon()}
		must(t, db.AddCopies(w.ctx, []ticketing.Copy{seen}))
		must(t, db.AddCopies(w.ctx, []ticketing.Copy{seen, {Mailbox: "voirie", UIDValidity: 1, UID: 1, Channel: "email", Key: "a", At: noon()}}))

		must(t, db.AddCopies(w.ctx, []ticketing.Copy{
			{Mailbox: "mairie", UIDValidity: 4294967295, UID: 4294967295, Channel: "email", Key: "b", At: noon().Add(time.Hour)},
			{Mailbox: "mairie", UIDValidity: 4294967295, UID: 3, Channel: "email", Key: "b", At: noon().Add(-time.Hour)},
			{Mailbox: "mairie", UIDValidity: 1, UID: 4, Channel: "email", Key: "b", At: noon().Add(-2 * time.Hour)},
		}))
		uids, err := db.CopiesOf(w.ctx, "mairie", 4294967295)
		must(t, err)
		if diff := cmp.Diff([]uint32{3, 7, 4294967295}, uids); diff != "" {
			t.Error(diff)
		}
		times, err := db.CopyTimes(w.ctx, "mairie", 3)
		must(t, err)
		at := noon().Truncate(time.Microsecond)
		if diff := cmp.Diff([]time.Time{at.Add(time.Hour), at, at.Add(-time.Hour)}, times); diff != "" {
			t.Error(diff)
		}
		waiting, err := db.QuarantinedCopies(w.ctx, "mairie", 4294967295)
		must(t, err)
		equal(t, "in quarantine", len(waiting), 0)

		ticket := w.ticket("roads", noon())
		w.add(t, ticket)
		must(t, db.AddMessages(w.ctx, []ticketing.Message{w.message(ticket.ID, noon(), func(m *ticketing.Message) { m.OriginalID = &a.ID })}))
		filed, err := db.TicketsOfOriginals(w.ctx, []ticketing.OriginalKey{{Channel: "email", Key: "a"}, {Channel: "sms", Key: "a"}})
		must(t, err)
		if diff := cmp.Diff(map[ticketing.OriginalKey]string{{Channel: "email", Key: "a"}: ticket.ID}, filed); diff != "" {
			t.Error(diff)
		}
	})
}

// race runs do in n transactions that all begin before any of them ends.
func race(t *testing.T, db *store.DB, n int, do func(ctx context.Context, tx ticketing.Nouns) error) {
	t.Helper()
	var all sync.WaitGroup
	start := make(chan struct{})
	for range n {
		all.Go(func() {
			<-start
			if err := db.InTx(t.Context(), func(tx ticketing.Nouns) error { return do(t.Context(), tx) }); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
}

func TestOriginalsRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		won := map[ticketing.OriginalKey]int{}
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			var group []ticketing.Original
			for i := range 20 {
				group = append(group, original(fmt.Sprint(i)))
			}
			added, err := tx.AddOriginals(ctx, group)
			mu.Lock()
			defer mu.Unlock()
			for k := range added {
				won[k]++
			}
			return err
		})
		equal(t, "keys", len(won), 20)
		for k, n := range won {
			if n != 1 {
				t.Errorf("%v was added %d times", k, n)
			}
		}
	})
}

func TestOriginalIsWaitedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inserted, goOn := make(chan struct{}), make(chan struct{})
		first := make(chan error, 1)
		go func() {
			first <- db.InTx(t.Context(), func(tx ticketing.Nouns) error {
				_, err := tx.AddOriginals(t.Context(), []ticketing.Original{original("a")})
				close(inserted)
				<-goOn
				return err
			})
		}()
		<-inserted
		second := make(chan int, 1)
		go func() {
			added, err := db.AddOriginals(t.Context(), []ticketing.Original{original("a")})
			if err != nil {
				t.Error(err)
			}
			second <- len(added)
		}()
		close(goOn)
		must(t, <-first)
		equal(t, "added by the second", <-second, 0)
	})
}

func TestCitizens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		jean := ticketing.Citizen{
			ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, GivenName: "Jean", FamilyName: "Dupont\x00\xff", CreatedAt: noon(), UpdatedAt: noon(),
		}
		email := ticketing.Contact{ID: ticketing.NewID(), CitizenID: jean.ID, Type: "email", Value: `j"ea\n@example.org`, Claims: true, CreatedAt: noon()}
		must(t, db.InTx(w.ctx, func(tx ticketing.Nouns) error {
			won, err := tx.ClaimContacts(w.ctx, []ticketing.Contact{email})
			must(t, err)
			equal(t, "won", won[email.ID], true)
			return tx.AddCitizens(w.ctx, []ticketing.Citizen{jean})
		}))
		lost := email
		lost.ID = ticketing.NewID()
		won, err := db.ClaimContacts(w.ctx, []ticketing.Contact{lost})
		must(t, err)
		equal(t, "won again", len(won), 0)
		lost.Claims = false // several may have it
		must(t, db.AddContacts(w.ctx, []ticketing.Contact{lost}))

		claimed, err := db.CitizensByContacts(w.ctx, "email", []string{"nobody@example.org", email.Value})
		must(t, err)
		equal(t, "claimed", len(claimed), 1)
		equal(t, "name", claimed[email.Value].Name(), "Jean Dupont??")
		claimed, err = db.CitizensByContacts(w.ctx, "phone", []string{email.Value})
		must(t, err)
		equal(t, "claimed as a phone", len(claimed), 0)

		for _, at := range []time.Time{noon(), noon().Add(-time.Hour)} {
			must(t, db.TouchCitizens(w.ctx, []string{jean.ID}, at))
		}
		got, err := db.Citizen(w.ctx, jean.ID)
		must(t, err)
		equal(t, "last contact", *got.LastContactAt, noon().Truncate(time.Microsecond))
		equal(t, "contacts", len(got.Contacts), 1) // a twin is shown once, and kept
		all, err := db.LockCitizens(w.ctx, []string{jean.ID})
		must(t, err)
		equal(t, "contacts kept", len(all[0].Contacts), 2)
		_, err = db.Citizen(w.ctx, ticketing.NewID())
		is(t, err, ticketing.ErrNotFound)
	})
}

func TestClaimRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		claims := 0
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			c := ticketing.Citizen{ID: ticketing.NewID(), Kind: ticketing.Person}
			contact := ticketing.Contact{ID: ticketing.NewID(), CitizenID: c.ID, Type: "email", Value: "a@example.org", Claims: true}
			won, err := tx.ClaimContacts(ctx, []ticketing.Contact{contact})
			if err != nil {
				return err
			}
			if won[contact.ID] {
				mu.Lock()
				claims++
				mu.Unlock()
				return tx.AddCitizens(ctx, []ticketing.Citizen{c})
			}
			found, err := tx.CitizensByContacts(ctx, "email", []string{"a@example.org"})
			if len(found) != 1 {
				t.Error("who lost does not find who won")
			}
			return err
		})
		equal(t, "claims", claims, 1)
	})
}

func TestNumbersRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		taken := map[int]bool{}
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			first, err := tx.TakeNumbers(ctx, 2026, 3)
			mu.Lock()
			defer mu.Unlock()
			for i := range 3 {
				taken[first+i] = true
			}
			return err
		})
		equal(t, "numbers", len(taken), 24)
		equal(t, "from 1", taken[1] && taken[24], true)
		first, err := db.TakeNumbers(t.Context(), 2027, 1)
		must(t, err)
		equal(t, "next year", first, 1)
	})
}

func TestMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.ticket("roads", noon())
		w.add(t, ticket)
		first := w.message(ticket.ID, noon(), func(m *ticketing.Message) {
			m.ExternalID, m.References, m.Warnings = "a@x", ticketing.Strings{"é", `"`}, ticketing.Strings{"date"}
		})
		answer := w.message(ticket.ID, noon().Add(time.Hour), func(m *ticketing.Message) {
			m.Direction, m.ExternalID, m.AgentID = ticketing.Out, "b@x", &w.Alice.ID
		})
		must(t, db.AddMessages(w.ctx, []ticketing.Message{answer, first}))
		file := ticketing.Attachment{ID: ticketing.NewID(), MessageID: first.ID, Position: 2, Name: "photo.jpg", Type: "image/jpeg", Size: 3, SHA256: "ab"}
		other := ticketing.Attachment{ID: ticketing.NewID(), MessageID: first.ID, Position: 1, Inline: true}
		must(t, db.AddAttachments(w.ctx, []ticketing.Attachment{file, other}))
		must(t, db.AddDeliveries(w.ctx, []ticketing.Delivery{delivery(answer, noon())}))

		messages, err := db.MessagesOf(w.ctx, ticket.ID)
		must(t, err)
		equal(t, "messages", len(messages), 2)
		want := first
		want.At, want.CreatedAt = first.At.Truncate(time.Microsecond), first.CreatedAt.Truncate(time.Microsecond)
		want.Attachments = []ticketing.Attachment{other, file}
		if diff := cmp.Diff(want, messages[0]); diff != "" {
			t.Error(diff)
		}
		equal(t, "delivery", messages[1].Delivery != nil && messages[1].Delivery.State == ticketing.DeliveryQueued, true)
		one, err := db.Message(w.ctx, first.ID)
		must(t, err)
		equal(t, "attachments", len(one.Attachments), 2)
		got, err := db.Attachment(w.ctx, file.ID)
		must(t, err)
		equal(t, "attachment", got, file)
		_, err = db.Message(w.ctx, ticketing.NewID())
		is(t, err, ticketing.ErrNotFound)
		_, err = db.Attachment(w.ctx, ticketing.NewID())
		is(t, err, ticketing.ErrNotFound)

		filed, err := db.TicketsOfMessages(w.ctx, "email", []string{"a@x", "b@x", "c@x", ""})
		must(t, err)
		if diff := cmp.Diff([]ticketing.FiledUnder{
			{ExternalID: "a@x", TicketID: ticket.ID, MessageID: first.ID, Direction: ticketing.In},
			{ExternalID: "b@x", TicketID: ticket.ID, MessageID: answer.ID, Direction: ticketing.Out},
		}, filed); diff != "" {
			t.Error(diff)
		}
		filed, err = db.TicketsOfMessages(w.ctx, "sms", []string{"a@x"})
		must(t, err)
		equal(t, "by another channel", len(filed), 0)
	})
}

func TestLongGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var tickets []ticketing.Ticket
		var ids []string
		for range 2500 {
			tickets = append(tickets, w.ticket("roads", noon()))
			ids = append(ids, tickets[len(tickets)-1].ID)
		}
		w.add(t, tickets...)
		found, err := db.TicketsByIDs(w.ctx, ids)
		must(t, err)
		equal(t, "found", len(found), len(tickets))
		for _, none := range []func() error{
			func() error { return db.AddTickets(w.ctx, nil) },
			func() error { return db.TouchCitizens(w.ctx, nil, noon()) },
			func() error { _, err := db.AddOriginals(w.ctx, nil); return err },
			func() error { _, err := db.TicketsByIDs(w.ctx, nil); return err },
			func() error { _, err := db.CitizensByContacts(w.ctx, "email", nil); return err },
			func() error { _, err := db.Acknowledgements(w.ctx, nil, noon()); return err },
		} {
			must(t, none())
		}
	})
}
