package storetest_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func TestTickets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a, b := w.ticket("roads", noon()), w.ticket("civil", noon())
		w.add(t, a, b)
		got, err := db.Ticket(w.ctx, 2026, a.Number)
		must(t, err)
		equal(t, "ticket", got.ID, a.ID)
		_, err = db.Ticket(w.ctx, 2026, 4711)
		is(t, err, ticketing.ErrNotFound)
		is(t, db.AddTickets(w.ctx, []ticketing.Ticket{a}), ticketing.ErrConflict)
		found, err := db.TicketsByReferences(w.ctx, []string{b.Reference(), a.Reference(), "2026-99999", "nonsense"})
		must(t, err)
		equal(t, "by reference", len(found), 2)

		sender := ticketing.Participant{TicketID: a.ID, Type: "email", Value: "x@y", Role: "sender"}
		must(t, db.AddParticipants(w.ctx, []ticketing.Participant{sender}))
		again := sender
		again.Role = "copied"
		must(t, db.AddParticipants(w.ctx, []ticketing.Participant{again, {TicketID: b.ID, Type: "department", Value: "roads"}}))
		participants, err := db.Participants(w.ctx, []string{a.ID, b.ID})
		must(t, err)
		equal(t, "participants", len(participants), 2)
		participants, err = db.Participants(w.ctx, []string{a.ID})
		must(t, err)
		equal(t, "first participant", participants[0], sender)

		link := ticketing.Link{TicketID: a.ID, OtherID: b.ID, Kind: "follows", CreatedAt: noon()}
		must(t, db.AddLinks(w.ctx, []ticketing.Link{link}))
		must(t, db.AddLinks(w.ctx, []ticketing.Link{link}))
		for _, id := range []string{a.ID, b.ID} {
			links, err := db.Links(w.ctx, id)
			must(t, err)
			equal(t, "links", len(links), 1)
		}
	})
}

func TestSaveTicket(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		born := w.ticket("roads", noon())
		w.add(t, born)
		mine, err := db.Ticket(w.ctx, born.Year, born.Number)
		must(t, err)
		theirs := mine
		at := noon().Add(time.Hour).Truncate(time.Microsecond)
		mine.Subject, mine.Status, mine.Outcome, mine.Department, mine.Motive = "Trottoir", ticketing.StatusClosed, ticketing.Answered, "civil", "m"
		mine.Priority, mine.AssigneeID, mine.CitizenID, mine.Language = ticketing.Urgent, &w.Alice.ID, ptr(w.citizen(t, "Jean", "Dupont").ID), "en"
		mine.Weight, mine.Rule, mine.TakenAt, mine.UpdatedAt, mine.QueuedAt, mine.FirstReplyAt = 2, "r", &at, at, nil, &at
		mine.ClosedAt, mine.DueAt, mine.SnoozedUntil, mine.MergedInto, mine.Preview, mine.Line = &at, &at, &at, &mine.ID, "p", "voirie"
		mine.Tags = ticketing.Strings{"nid-de-poule", "été"}
		must(t, db.SaveTicket(w.ctx, &mine))
		equal(t, "version", mine.Version, 2)
		got, err := db.Ticket(w.ctx, born.Year, born.Number)
		must(t, err)
		if diff := cmp.Diff(mine, got); diff != "" {
			t.Error(diff)
		}
		is(t, db.SaveTicket(w.ctx, &theirs), ticketing.ErrStale)
		equal(t, "their version", theirs.Version, 1)
	})
}

func TestAssignRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.ticket("roads", noon())
		w.add(t, ticket)
		var winners atomic.Int32
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				who := []ticketing.Agent{w.Alice, w.Bruno}[i%2]
				won, err := db.Assign(t.Context(), ticket.ID, who.ID, noon())
				if err != nil {
					t.Error(err)
				}
				if won {
					winners.Add(1)
				}
			})
		}
		all.Wait()
		equal(t, "winners", winners.Load(), 1)
		got, err := db.Ticket(w.ctx, ticket.Year, ticket.Number)
		must(t, err)
		equal(t, "status", got.Status, ticketing.StatusOpen)
		equal(t, "waits", got.QueuedAt == nil, true)
		equal(t, "taken", *got.TakenAt, noon().Truncate(time.Microsecond))
		equal(t, "version", got.Version, 2)

		for _, status := range []ticketing.Status{ticketing.StatusWaiting, ticketing.StatusClosed} {
			other := w.ticket("roads", noon(), func(t *ticketing.Ticket) { t.Status = status })
			w.add(t, other)
			won, err := db.Assign(w.ctx, other.ID, w.Alice.ID, noon())
			must(t, err)
			equal(t, string(status), won, false)
		}
	})
}

func TestFigures(t *testing.T) {
	opts := store.Options{Now: noon}
	storetest.EachWith(t, opts, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		now, early := noon(), noon().Add(-3*time.Hour)
		w.add(t,
			w.ticket("roads", now.Add(-time.Minute)),
			w.ticket("roads", early, func(t *ticketing.Ticket) {
				t.Priority, t.Weight, t.DueAt = ticketing.Urgent, 3, ptr(now.Add(-time.Second))
			}),
			w.ticket("roads", early, func(t *ticketing.Ticket) { t.SnoozedUntil = ptr(now.Add(time.Hour)) }),
			w.ticket("civil", early, func(t *ticketing.Ticket) { t.Status, t.AssigneeID, t.QueuedAt = ticketing.StatusOpen, &w.Alice.ID, nil }),
			w.ticket("civil", early, func(t *ticketing.Ticket) {
				t.Status, t.AssigneeID, t.QueuedAt = ticketing.StatusWaiting, &w.Alice.ID, nil
			}),
			w.ticket("civil", early, func(t *ticketing.Ticket) { t.Status, t.ClosedAt, t.QueuedAt = ticketing.StatusClosed, &now, nil }),
			w.ticket("social", early),
		)
		figures, err := db.QueueFigures(w.ctx, now)
		must(t, err)
		oldest := early.Truncate(time.Microsecond)
		want := map[string]ticketing.QueueFigures{
			"roads":  {Waiting: 2, OldestSince: &oldest, Overdue: 1, Arrivals1h: 1},
			"civil":  {Claimed: 1, Closed1h: 1},
			"social": {Waiting: 1, OldestSince: &oldest},
		}
		if diff := cmp.Diff(want, figures); diff != "" {
			t.Error(diff)
		}
		counts, err := db.CountViews(w.ctx, ticketing.TicketScope{Departments: []string{"roads", "civil"}}, w.Alice.ID, now)
		must(t, err)
		if diff := cmp.Diff(ticketing.ViewCounts{Queued: map[string]int{"roads": 2, "civil": 0}, Mine: 1, Waiting: 1}, counts); diff != "" {
			t.Error(diff)
		}
		waiting, err := db.Waiting(w.ctx)
		must(t, err)
		equal(t, "waiting", len(waiting), 3)
		equal(t, "the oldest", waiting[0].Queue == "roads" && waiting[0].Priority == routing.Urgent && waiting[0].Weight == 3, true)
		equal(t, "since", waiting[0].Since, oldest)
		taken, err := db.Taken(w.ctx)
		must(t, err)
		equal(t, "taken", len(taken), 1)
		equal(t, "by", taken[0].Agent, w.Alice.ID)
	})
}

// A snoozed ticket is in no queue until its time has come; then it is there again by itself.
func TestSnooze(t *testing.T) {
	var later atomic.Int64
	now := func() time.Time { return noon().Add(time.Duration(later.Load())) }
	storetest.EachWith(t, store.Options{Now: now}, func(t *testing.T, db *store.DB) {
		later.Store(0)
		w := newWorld(t, db)
		w.add(t, w.ticket("roads", noon(), func(t *ticketing.Ticket) { t.SnoozedUntil = ptr(noon().Add(time.Hour)) }))
		for _, want := range []int{0, 1} {
			items, err := db.Waiting(w.ctx)
			must(t, err)
			rows, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll(), Queued: true})
			must(t, err)
			counts, err := db.CountViews(w.ctx, scopeOfAll(), w.Alice.ID, now())
			must(t, err)
			equal(t, "for the router", len(items), want)
			equal(t, "listed", len(rows), want)
			equal(t, "counted", counts.Queued["roads"], want)
			later.Store(int64(time.Hour))
		}
	})
}
