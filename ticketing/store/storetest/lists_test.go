package storetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func numbers(rows []ticketing.TicketRow) string {
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprint(r.Number))
	}
	return strings.Join(all, " ")
}

func sortedAt(sort ticketing.TicketSort, r ticketing.TicketRow) *time.Time {
	switch sort {
	case ticketing.SortUpdated:
		return &r.UpdatedAt
	case ticketing.SortDue:
		return r.DueAt
	case ticketing.SortWaiting:
		return r.QueuedAt
	}
	return &r.ReceivedAt
}

// TestPaging walks lists full of ties page by page, with and without due dates.
func TestPaging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var tickets []ticketing.Ticket
		for i := range 60 {
			tickets = append(tickets, w.ticket("roads", noon().Add(time.Duration(i/7)*time.Microsecond), func(t *ticketing.Ticket) {
				if i%3 > 0 {
					t.DueAt = ptr(noon().Add(time.Duration(i%4) * time.Hour))
				}
				if i%10 == 0 {
					t.QueuedAt = nil
				}
			}))
		}
		w.add(t, tickets...)
		for _, sort := range []ticketing.TicketSort{"", ticketing.SortReceived, ticketing.SortUpdated, ticketing.SortDue, ticketing.SortWaiting} {
			whole, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll(), Sort: sort, Limit: 100})
			must(t, err)
			equal(t, "all "+string(sort), len(whole), 60)
			for _, size := range []int{1, 7, 20, 60} {
				var paged []ticketing.TicketRow
				q := ticketing.TicketQuery{Scope: scopeOfAll(), Sort: sort, Limit: size}
				for {
					page, err := db.ListTickets(w.ctx, q)
					must(t, err)
					if len(page) == 0 {
						break
					}
					paged = append(paged, page...)
					last := page[len(page)-1]
					q.After = &ticketing.TicketMark{At: sortedAt(sort, last), ID: last.ID}
				}
				equal(t, fmt.Sprintf("%s by %d", sort, size), numbers(paged), numbers(whole))
			}
		}
		due, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll(), Sort: ticketing.SortDue, Limit: 100})
		must(t, err)
		if !slices.IsSortedFunc(due, func(a, b ticketing.TicketRow) int {
			if a.DueAt == nil || b.DueAt == nil {
				return map[bool]int{true: 1}[a.DueAt == nil] - map[bool]int{true: 1}[b.DueAt == nil]
			}
			return a.DueAt.Compare(*b.DueAt)
		}) {
			t.Error("due dates are not in order, those without last")
		}
	})
}

func TestListFilters(t *testing.T) {
	storetest.EachWith(t, store.Options{Now: noon}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		jean := w.citizen(t, "Jean", "Dupont")
		at := func(h int) time.Time { return noon().Add(time.Duration(h) * time.Hour) }
		w.add(t,
			w.ticket("roads", at(1), func(t *ticketing.Ticket) { t.Subject, t.CitizenID = "Nid-de-poule 100%", &jean.ID }),
			w.ticket("civil", at(2), func(t *ticketing.Ticket) { t.Channel, t.Motive, t.Preview = "sms", "birth", "Mon ACTE_de naissance" }),
			w.ticket("social", at(3), func(t *ticketing.Ticket) { t.LoggedBy = &w.Bruno.ID }),
			w.ticket("social", at(4), func(t *ticketing.Ticket) { t.LoggedBy, t.TakenAt = &w.Bruno.ID, ptr(noon()) }),
			w.ticket("roads", at(5), func(t *ticketing.Ticket) {
				t.Status, t.AssigneeID, t.QueuedAt, t.DueAt, t.UpdatedAt = ticketing.StatusOpen, &w.Alice.ID, nil, ptr(at(9)), at(20)
			}),
			w.ticket("roads", at(6), func(t *ticketing.Ticket) { t.Status, t.QueuedAt = ticketing.StatusClosed, nil }),
			w.ticket("roads", at(7), func(t *ticketing.Ticket) { t.SnoozedUntil = ptr(at(8)) }),
		)
		open := ticketing.TicketScope{Departments: []string{"roads", "civil"}}
		bruno := ticketing.TicketScope{Departments: []string{"roads", "civil"}, LoggedBy: w.Bruno.ID}
		every, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll()})
		must(t, err)
		some := []string{every[6].ID, every[5].ID, every[3].ID}
		for _, c := range []struct {
			name string
			q    ticketing.TicketQuery
			want string
		}{
			{"all", ticketing.TicketQuery{Scope: scopeOfAll()}, "7 6 5 4 3 2 1"},
			{"no scope", ticketing.TicketQuery{}, ""},
			{"scope", ticketing.TicketQuery{Scope: open}, "7 6 5 2 1"},
			{"logged and not taken", ticketing.TicketQuery{Scope: bruno}, "7 6 5 3 2 1"},
			{"only logged", ticketing.TicketQuery{Scope: ticketing.TicketScope{LoggedBy: w.Bruno.ID}}, "3"},
			{"sealed department", ticketing.TicketQuery{Scope: open, Departments: []string{"social"}}, ""},
			{"sealed, logged", ticketing.TicketQuery{Scope: bruno, Departments: []string{"social"}}, "3"},
			{"sealed, logged, and another", ticketing.TicketQuery{Scope: bruno, Departments: []string{"social", "civil"}}, "3 2"},
			{"one department", ticketing.TicketQuery{Scope: bruno, Departments: []string{"civil"}}, "2"},
			{"statuses", ticketing.TicketQuery{Scope: scopeOfAll(), Statuses: []ticketing.Status{"open", "closed"}}, "6 5"},
			{"not closed", ticketing.TicketQuery{Scope: open, Statuses: []ticketing.Status{"open", "new", "waiting"}}, "7 5 2 1"},
			{"no such status", ticketing.TicketQuery{Scope: open, Statuses: []ticketing.Status{"'"}}, ""},
			{"channel", ticketing.TicketQuery{Scope: scopeOfAll(), Channel: "sms"}, "2"},
			{"motive", ticketing.TicketQuery{Scope: scopeOfAll(), Motive: "birth"}, "2"},
			{"assignee", ticketing.TicketQuery{Scope: scopeOfAll(), Assignee: w.Alice.ID}, "5"},
			{"citizen", ticketing.TicketQuery{Scope: scopeOfAll(), Citizen: jean.ID}, "1"},
			{"queued", ticketing.TicketQuery{Scope: open, Queued: true}, "2 1"},
			{"longest waiting", ticketing.TicketQuery{Scope: open, Sort: ticketing.SortWaiting}, "1 2"},
			{"updated", ticketing.TicketQuery{Scope: open, Sort: ticketing.SortUpdated}, "5 7 6 2 1"},
			{"due", ticketing.TicketQuery{Scope: scopeOfAll(), DueBefore: ptr(at(10))}, "5"},
			{"not due", ticketing.TicketQuery{Scope: scopeOfAll(), DueBefore: ptr(at(9))}, ""},
			{"received", ticketing.TicketQuery{Scope: scopeOfAll(), ReceivedAfter: ptr(at(2)), ReceivedBefore: ptr(at(4))}, "3 2"},
			{"updated after", ticketing.TicketQuery{Scope: scopeOfAll(), UpdatedAfter: ptr(at(6))}, "7 5"},
			{"found", ticketing.TicketQuery{Scope: scopeOfAll(), Found: &ticketing.Found{Tickets: some}}, "4 2 1"},
			{"found, in sight", ticketing.TicketQuery{Scope: open, Found: &ticketing.Found{Tickets: some}}, "2 1"},
			{"found, and more asked", ticketing.TicketQuery{Scope: open, Channel: "sms", Found: &ticketing.Found{Tickets: some}}, "2"},
			{"nothing found", ticketing.TicketQuery{Scope: scopeOfAll(), Found: &ticketing.Found{}}, ""},
			{"reference", ticketing.TicketQuery{Scope: open, Text: "2026-00005", Year: 2026, Number: 5}, "5"},
			{"reference of a sealed one", ticketing.TicketQuery{Scope: open, Text: "2026-00004", Year: 2026, Number: 4}, ""},
		} {
			rows, err := db.ListTickets(w.ctx, c.q)
			must(t, err)
			equal(t, c.name, numbers(rows), c.want)
		}
		rows, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll(), Limit: 7})
		must(t, err)
		equal(t, "citizen", rows[6].CitizenName, "Jean Dupont")
		equal(t, "kind", rows[6].CitizenKind, ticketing.Person)
		equal(t, "assignee", rows[2].AssigneeName, "Alice Martin")
		equal(t, "nobody", rows[0].CitizenName+rows[0].AssigneeName, "")
	})
}
