package storetest_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/channels"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func delivery(m ticketing.Message, due time.Time) ticketing.Delivery {
	return ticketing.Delivery{
		ID: ticketing.NewID(), MessageID: m.ID, TicketID: m.TicketID, Channel: m.Channel, State: ticketing.DeliveryQueued, NextAt: due, CreatedAt: noon(),
	}
}

func (w *world) deliveries(tb testing.TB, n int, due time.Time) []ticketing.Delivery {
	tb.Helper()
	ticket := w.ticket("roads", noon())
	w.add(tb, ticket)
	var all []ticketing.Delivery
	for i := range n {
		m := w.message(ticket.ID, noon(), func(m *ticketing.Message) {
			m.Direction, m.Automatic = ticketing.Out, "acknowledgement"
			m.To = ticketing.Addresses{{Name: "É", Value: []string{"a@x", "b@x"}[i%2]}}
		})
		must(tb, w.db.AddMessages(w.ctx, []ticketing.Message{m}))
		all = append(all, delivery(m, due.Add(time.Duration(i)*time.Second)))
	}
	must(tb, w.db.AddDeliveries(w.ctx, all))
	return all
}

func TestDeliveries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		all := w.deliveries(t, 3, noon())
		lease := func(owner string, now time.Time, channels ...string) []ticketing.Delivery {
			leased, err := db.LeaseDeliveries(w.ctx, owner, channels, now, now.Add(time.Minute), 2)
			must(t, err)
			return leased
		}
		equal(t, "too early", len(lease("one", noon().Add(-time.Second), "email")), 0)
		equal(t, "another channel", len(lease("one", noon().Add(time.Hour), "sms")), 0)
		now := noon().Add(time.Hour)
		held := lease("one", now, "sms", "email")
		equal(t, "held", len(held), 2)
		equal(t, "oldest first", held[0].ID == all[0].ID && held[1].ID == all[1].ID, true)
		equal(t, "owner", held[0].LeaseOwner, "one")
		equal(t, "left for two", len(lease("two", now, "email")), 1)
		equal(t, "left for three", len(lease("three", now, "email")), 0)

		d := held[0]
		d.State, d.Attempts, d.LeaseOwner, d.LeasedUntil, d.DoneAt = ticketing.DeliverySent, 1, "", nil, &now
		attempt := &ticketing.Attempt{DeliveryID: d.ID, Number: 1, At: now, Outcome: channels.Accepted, Code: "250"}
		saved, err := db.SaveDelivery(w.ctx, "two", d, attempt)
		must(t, err)
		equal(t, "saved by who does not hold it", saved, false)
		saved, err = db.SaveDelivery(w.ctx, "one", d, attempt)
		must(t, err)
		equal(t, "saved", saved, true)
		attempts, err := db.Attempts(w.ctx, []string{d.ID, held[1].ID})
		must(t, err)
		equal(t, "attempts", len(attempts), 1)

		// The lease of the second runs out; then the third's is ended by force.
		again := lease("four", now.Add(2*time.Minute), "email")
		equal(t, "leases that ran out", len(again), 2)
		saved, err = db.SaveDelivery(w.ctx, "one", held[1], nil)
		must(t, err)
		equal(t, "saved after another took it", saved, false)
		must(t, db.DropLeases(w.ctx, "four"))
		equal(t, "own leases stay", len(lease("five", now.Add(2*time.Minute), "email")), 0)
		must(t, db.DropLeases(w.ctx, "five"))
		equal(t, "dropped leases", len(lease("five", now.Add(2*time.Minute), "email")), 2)

		figures, err := db.OutboxFigures(w.ctx)
		must(t, err)
		due := all[1].NextAt.Truncate(time.Microsecond)
		want := ticketing.OutboxFigures{ByState: map[ticketing.DeliveryState]int{ticketing.DeliveryQueued: 2}, OldestDue: &due}
		if diff := cmp.Diff(want, figures); diff != "" {
			t.Error(diff)
		}
		acks, err := db.Acknowledgements(w.ctx, []string{"a@x", "b@x", "c@x"}, noon())
		must(t, err)
		equal(t, "to a", len(acks["a@x"]), 2)
		equal(t, "to b", len(acks["b@x"]), 1)
		equal(t, "to all", len(acks), 2)
		acks, err = db.Acknowledgements(w.ctx, []string{"a@x"}, noon().Add(time.Second))
		must(t, err)
		equal(t, "since later", len(acks), 0)
	})
}

func TestLeaseRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.deliveries(t, 40, noon())
		var mu sync.Mutex
		holders := map[string]int{}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for {
					now := noon().Add(time.Hour)
					leased, err := db.LeaseDeliveries(t.Context(), string(rune('a'+i)), []string{"email"}, now, now.Add(time.Hour), 3)
					if err != nil {
						t.Error(err)
					}
					if len(leased) == 0 {
						return
					}
					mu.Lock()
					for _, d := range leased {
						holders[d.ID]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		equal(t, "leased", len(holders), 40)
		for id, n := range holders {
			if n > 1 {
				t.Errorf("%s was given to %d", id, n)
			}
		}
	})
}

func event(kind ticketing.EventType) ticketing.Event {
	return ticketing.Event{At: noon(), Type: kind, Department: "roads", Data: ticketing.Data{"from": "civil"}}
}

// follow reads on until it has seen n events. Another test's transaction on the same server may hold them back for a while.
func follow(t *testing.T, db *store.DB, after *ticketing.Position, n int) (seen []ticketing.EventType) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for len(seen) < n {
		events, err := db.EventsAfter(ctx, *after, 1)
		must(t, err)
		for _, e := range events {
			seen, *after = append(seen, e.Type), e.Position()
		}
	}
	return seen
}

// TestEventsAreNeverSkipped holds one transaction open while another, begun later, commits.
func TestEventsAreNeverSkipped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Engine() != store.PostgreSQL {
			t.Skip("SQLite has one writer: no transaction commits while another is open")
		}
		written, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- db.InTx(t.Context(), func(tx ticketing.Nouns) error {
				err := tx.AddEvents(t.Context(), []ticketing.Event{event("slow")})
				close(written)
				<-goOn
				return errors.Join(err, tx.AddEvents(t.Context(), []ticketing.Event{event("slower")}))
			})
		}()
		<-written
		must(t, db.AddEvents(t.Context(), []ticketing.Event{event("quick")}))

		var at ticketing.Position
		events, err := db.EventsAfter(t.Context(), at, 10)
		must(t, err)
		equal(t, "seen while one is open", len(events), 0)
		last, err := db.LastPosition(t.Context())
		must(t, err)
		equal(t, "position while one is open", last, ticketing.Position{})
		close(goOn)
		must(t, <-done)
		if diff := cmp.Diff([]ticketing.EventType{"slow", "slower", "quick"}, follow(t, db, &at, 3)); diff != "" {
			t.Error(diff)
		}
		events, err = db.EventsAfter(t.Context(), at, 10)
		must(t, err)
		equal(t, "seen twice", len(events), 0)
		last, err = db.LastPosition(t.Context())
		must(t, err)
		equal(t, "last position", last, at)
	})
}

func TestEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ticket := ticketing.NewID()
		one, two := event("one"), event("two")
		one.TicketID, two.At = &ticket, noon().Add(-time.Hour)
		two.TicketID = &ticket
		must(t, db.AddEvents(t.Context(), []ticketing.Event{one, two, event("three")}))
		var at ticketing.Position
		if diff := cmp.Diff([]ticketing.EventType{"one", "two", "three"}, follow(t, db, &at, 3)); diff != "" {
			t.Error(diff)
		}
		last, err := db.LastPosition(t.Context())
		must(t, err)
		equal(t, "last position", last, at)
		events, err := db.EventsOfTicket(t.Context(), ticket)
		must(t, err)
		equal(t, "events of the ticket", len(events) == 2 && events[0].Type == "two", true)
		equal(t, "data", events[0].Data["from"], "civil")
	})
}

func TestRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		fresh := 0
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			r := ticketing.Request{Actor: "a", Key: "k", Fingerprint: "f", CreatedAt: noon()}
			kept, isFresh, err := tx.AddRequest(ctx, r)
			if err != nil {
				return err
			}
			if !isFresh {
				equal(t, "ticket of the first", kept.TicketID, "t")
				return nil
			}
			mu.Lock()
			fresh++
			mu.Unlock()
			r.TicketID, r.MessageID = "t", "m"
			return tx.SaveRequest(ctx, r)
		})
		equal(t, "fresh", fresh, 1)
		is(t, db.SaveRequest(t.Context(), ticketing.Request{Actor: "b", Key: "k"}), ticketing.ErrNotFound)
		must(t, db.DeleteExpired(t.Context(), noon().Add(24*time.Hour)))
		_, again, err := db.AddRequest(t.Context(), ticketing.Request{Actor: "a", Key: "k", CreatedAt: noon()})
		must(t, err)
		equal(t, "fresh after a day", again, true)
	})
}

func TestLines(t *testing.T) {
	now := noon()
	storetest.EachWith(t, store.Options{Now: func() time.Time { return now }}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		hold := func(owner string, wantEpoch int64) {
			t.Helper()
			epoch, held, err := db.Hold(ctx, "mailbox/mairie", owner, time.Minute)
			must(t, err)
			equal(t, owner+" holds", held, wantEpoch > 0)
			equal(t, owner+"'s epoch", epoch, wantEpoch)
		}
		hold("one", 1)
		hold("two", 0)
		hold("one", 1)
		now = now.Add(time.Minute)
		hold("two", 2)
		must(t, db.Drop(ctx, "mailbox/mairie", "one"))
		hold("one", 0)
		must(t, db.Drop(ctx, "mailbox/mairie", "two"))
		hold("two", 3)

		c, err := db.Cursor(ctx, "mairie")
		must(t, err)
		equal(t, "never read", c.Done, 0)
		kept := channels.Cursor{UIDValidity: 4294967295, Done: 4294967294, Gaps: []uint32{3, 9}}
		must(t, db.SaveCursor(ctx, "mairie", 2, channels.Cursor{Done: 1}))
		must(t, db.SaveCursor(ctx, "mairie", 3, kept))
		is(t, db.SaveCursor(ctx, "mairie", 2, channels.Cursor{Done: 2}), ticketing.ErrConflict)
		c, err = db.Cursor(ctx, "mairie")
		must(t, err)
		if diff := cmp.Diff(kept, c); diff != "" {
			t.Error(diff)
		}

		h := channels.Health{
			Line: "mairie", Mailbox: "mairie", Folder: "INBOX", Channel: channels.Email, State: channels.Starting, At: noon().Truncate(time.Microsecond),
		}
		must(t, db.NoteHealth(ctx, h))
		h.State, h.LastContact, h.Pending, h.ServerCount, h.StoredCount = channels.Working, ptr(h.At), 7, 9, 2
		h.Alarm, h.Missing, h.MissingCount, h.CountedAt = channels.AlarmCount, []uint32{3, 4294967295}, 700, ptr(h.At)
		must(t, db.NoteHealth(ctx, h))
		spam := channels.Health{Line: "mairie", Mailbox: "mairie/Courrier/Indésirable", Folder: "Courrier/Indésirable", Channel: channels.Email, State: channels.Failing, At: h.At}
		must(t, db.NoteHealth(ctx, spam))
		healths, err := db.Healths(ctx)
		must(t, err)
		if diff := cmp.Diff([]channels.Health{h, spam}, healths); diff != "" {
			t.Error(diff)
		}
		must(t, db.KeepHealths(ctx, []string{"mairie", "autre"}))
		healths, err = db.Healths(ctx)
		must(t, err)
		if diff := cmp.Diff([]channels.Health{h}, healths); diff != "" {
			t.Error(diff)
		}
	})
}

// After a restore into another server the events' transactions lie ahead of its own count; a hub that starts there must see them.
func TestEventsOfARestoredDatabaseAreSeen(t *testing.T) {
	url := storetest.URL(t, store.PostgreSQL)
	db := storetest.OpenEmpty(t, url, store.Options{})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, db.AddEvents(t.Context(), []ticketing.Event{event("before the restore")}))
	server, err := sql.Open("pgx", url)
	must(t, err)
	_, err = server.ExecContext(t.Context(), "UPDATE events SET tx = tx + 1000000000")
	must(t, errors.Join(err, server.Close()))
	must(t, db.Restored(t.Context()))
	must(t, db.AddEvents(t.Context(), []ticketing.Event{event("after it")}))
	var at ticketing.Position
	if diff := cmp.Diff([]ticketing.EventType{"before the restore", "after it"}, follow(t, db, &at, 2)); diff != "" {
		t.Error(diff)
	}
}
