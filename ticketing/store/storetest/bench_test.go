package storetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// many fills a town with n tickets of many departments, nearly all of them closed.
func (w *world) many(tb testing.TB, n int) ticketing.TicketScope {
	tb.Helper()
	var scope ticketing.TicketScope
	var departments []ticketing.Department
	for i := range 15 {
		code := fmt.Sprintf("d%02d", i)
		scope.Departments = append(scope.Departments, code)
		departments = append(departments, ticketing.Department{Code: code, Visibility: ticketing.Open})
	}
	must(tb, w.db.SaveDepartments(w.ctx, departments))
	var colleagues []ticketing.Agent
	for i := range 50 {
		colleagues = append(colleagues, agent(fmt.Sprintf("agent%d@valmont.fr", i), fmt.Sprintf("Agent %d", i)))
		must(tb, w.db.SaveAgent(w.ctx, colleagues[i]))
	}
	w.Bruno = colleagues[7]
	var citizens []ticketing.Citizen
	for i := range 1000 {
		citizens = append(citizens, ticketing.Citizen{
			ID: ticketing.NewID(), Kind: ticketing.Person, GivenName: "Jean", FamilyName: fmt.Sprintf("Dupont %d", i), CreatedAt: noon(), UpdatedAt: noon(),
		})
	}
	must(tb, w.db.AddCitizens(w.ctx, citizens))
	channels := []string{"email", "email", "email", "email", "email", "sms", "phone", "counter", "web", "email"}
	for done := 0; done < n; {
		var group []ticketing.Ticket
		for range min(1000, n-done) {
			i := done + len(group)
			group = append(group, w.ticket(scope.Departments[(i+i/100)%15], noon().Add(time.Duration(i)*time.Minute), func(t *ticketing.Ticket) {
				t.CitizenID, t.Channel, t.Motive = &citizens[i%1000].ID, channels[i%10], fmt.Sprintf("m%d", i%40)
				t.Preview = strings.Repeat("Bonjour, ", 15)
				t.UpdatedAt = t.ReceivedAt.Add(time.Duration(i*7919%100000) * time.Minute)
				switch {
				case i%100 < 97:
					t.Status, t.QueuedAt, t.AssigneeID, t.ClosedAt = ticketing.StatusClosed, nil, &colleagues[i%49].ID, &t.UpdatedAt
				case i%100 == 97:
					t.Status, t.QueuedAt, t.AssigneeID = ticketing.StatusOpen, nil, &colleagues[i%49].ID
				}
			}))
		}
		must(tb, w.db.InTx(w.ctx, func(tx ticketing.Nouns) error { return tx.AddTickets(w.ctx, group) }))
		done += len(group)
	}
	return scope
}

// lists are those the console shows.
func (w *world) lists(scope ticketing.TicketScope) map[string]ticketing.TicketQuery {
	active := []ticketing.Status{ticketing.StatusNew, ticketing.StatusOpen, ticketing.StatusWaiting}
	scope.LoggedBy = w.Alice.ID
	return map[string]ticketing.TicketQuery{
		"received":   {Scope: scope},
		"updated":    {Scope: scope, Sort: ticketing.SortUpdated},
		"active":     {Scope: scope, Sort: ticketing.SortUpdated, Statuses: active},
		"due":        {Scope: scope, Sort: ticketing.SortDue, Statuses: active},
		"department": {Scope: scope, Sort: ticketing.SortUpdated, Departments: scope.Departments[:1]},
		"queue":      {Scope: scope, Sort: ticketing.SortWaiting, Departments: scope.Departments[:1]},
		"queues":     {Scope: scope, Sort: ticketing.SortWaiting},
		"mine":       {Scope: scope, Sort: ticketing.SortUpdated, Assignee: w.Bruno.ID},
		"channel":    {Scope: scope, Sort: ticketing.SortUpdated, Channel: "counter"},
		"motive":     {Scope: scope, Motive: "m7"},
	}
}

func BenchmarkListTickets(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			url := storetest.URL(b, engine)
			db := storetest.OpenEmpty(b, url, store.Options{})
			_, err := db.Migrate(b.Context())
			must(b, err)
			w := newWorld(b, db)
			scope := w.many(b, 100_000)
			storetest.Analyze(b, engine, url)
			for name, q := range w.lists(scope) {
				first, err := db.ListTickets(w.ctx, q)
				must(b, err)
				last := first[len(first)-1]
				q.After = &ticketing.TicketMark{At: sortedAt(q.Sort, last), ID: last.ID}
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						page, err := db.ListTickets(w.ctx, q)
						must(b, err)
						if len(page) != 50 {
							b.Fatalf("a page of %d", len(page))
						}
					}
				})
			}
		})
	}
}

// BenchmarkIntake files groups of 50 mails of as many new senders, each with all that one mail makes.
func BenchmarkIntake(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			db := storetest.Open(b, engine, store.Options{})
			w := newWorld(b, db)
			mails, began := 0, time.Now()
			for b.Loop() {
				w.file(b, 50, mails)
				mails += 50
			}
			b.ReportMetric(float64(mails)/time.Since(began).Seconds(), "mails/s")
		})
	}
}

// file does what Receive does with n mails.
func (w *world) file(tb testing.TB, n, from int) {
	tb.Helper()
	ctx, at := w.ctx, noon().Add(time.Duration(from)*time.Second)
	must(tb, w.db.InTx(ctx, func(tx ticketing.Nouns) error {
		originals := make([]ticketing.Original, n)
		copies := make([]ticketing.Copy, n)
		contacts := make([]ticketing.Contact, n)
		citizens := make([]ticketing.Citizen, n)
		tickets := make([]ticketing.Ticket, n)
		participants := make([]ticketing.Participant, n)
		messages := make([]ticketing.Message, 0, 2*n)
		deliveries := make([]ticketing.Delivery, n)
		events := make([]ticketing.Event, 0, 4*n)
		var values, replies, ids []string
		raw := []byte(strings.Repeat("Received: from somewhere\r\n", 230))
		for i := range n {
			address := fmt.Sprintf("jean%d@example.org", from+i)
			originals[i] = original(fmt.Sprintf("%x", address))
			originals[i].Raw = raw
			copies[i] = ticketing.Copy{Mailbox: "mairie", UIDValidity: 1, UID: int64(from + i), Channel: "email", Key: originals[i].Key, At: at}
			citizens[i] = ticketing.Citizen{ID: ticketing.NewID(), Kind: ticketing.Person, FamilyName: "Jean Dupont", CreatedAt: at, UpdatedAt: at}
			contacts[i] = ticketing.Contact{ID: ticketing.NewID(), CitizenID: citizens[i].ID, Type: "email", Value: address, Claims: true, CreatedAt: at}
			values, replies = append(values, address), append(replies, fmt.Sprintf("parent%d@example.org", from+i))
			ids = append(ids, citizens[i].ID)
		}
		_, err := tx.AddOriginals(ctx, originals)
		must(tb, err)
		must(tb, tx.AddCopies(ctx, copies))
		_, err = tx.TicketsOfMessages(ctx, "email", replies)
		must(tb, err)
		_, err = tx.CitizensByContacts(ctx, "email", values)
		must(tb, err)
		_, err = tx.Acknowledgements(ctx, values, at.Add(-time.Hour))
		must(tb, err)
		_, err = tx.ClaimContacts(ctx, contacts)
		must(tb, err)
		must(tb, tx.AddCitizens(ctx, citizens))
		first, err := tx.TakeNumbers(ctx, 2026, n)
		must(tb, err)
		for i := range n {
			tickets[i] = w.ticket("roads", at, func(t *ticketing.Ticket) {
				t.Number, t.CitizenID, t.Preview = first+i, &citizens[i].ID, "Bonjour, il y a un nid-de-poule devant l’école."
			})
			participants[i] = ticketing.Participant{TicketID: tickets[i].ID, Type: "email", Value: values[i], Role: "sender"}
			in := w.message(tickets[i].ID, at, func(m *ticketing.Message) {
				m.Text, m.OriginalID, m.ExternalID = string(raw[:1500]), &originals[i].ID, "a"+values[i]
			})
			ack := w.message(tickets[i].ID, at, func(m *ticketing.Message) {
				m.Direction, m.Automatic, m.ExternalID, m.To = ticketing.Out, "acknowledgement", "b"+values[i], ticketing.Addresses{{Value: values[i]}}
			})
			messages = append(messages, in, ack)
			deliveries[i] = delivery(ack, at)
			for _, kind := range []ticketing.EventType{"citizen.created", "ticket.created", "message.received", "ack.queued"} {
				e := event(kind)
				e.TicketID, e.CitizenID, e.MessageID = &tickets[i].ID, &citizens[i].ID, &in.ID
				events = append(events, e)
			}
		}
		must(tb, tx.AddTickets(ctx, tickets))
		must(tb, tx.AddParticipants(ctx, participants))
		must(tb, tx.AddMessages(ctx, messages))
		must(tb, tx.AddDeliveries(ctx, deliveries))
		must(tb, tx.AddEvents(ctx, events))
		return tx.TouchCitizens(ctx, ids, at)
	}))
}
