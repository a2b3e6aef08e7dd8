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

// talk gives a citizen tickets with messages: every fifth ticket is a sealed department's, every third is closed. Each message comes an
// hour after the one before; on each ticket there is an acknowledgement and a note beside them.
func (w *world) talk(tb testing.TB, citizen ticketing.Citizen, tickets, messages int) {
	tb.Helper()
	channels := []string{"email", "sms", "phone", "counter"}
	at := noon()
	for done := 0; done < tickets; {
		var group []ticketing.Ticket
		var said []ticketing.Message
		for range min(200, tickets-done) {
			i := done + len(group)
			began := at
			t := w.ticket([]string{"roads", "civil", "roads", "civil", "social"}[i%5], began, func(t *ticketing.Ticket) {
				t.CitizenID, t.Motive = &citizen.ID, fmt.Sprintf("m%d", i%7)
			})
			for k := range messages {
				at = at.Add(time.Hour)
				said = append(said, w.message(t.ID, at, func(m *ticketing.Message) {
					m.Channel, m.Text, m.HTML = channels[k%4], strings.Repeat("Bonjour, voici ma demande. ", 40), strings.Repeat("<p>Bonjour</p>", 500)
					if k%2 == 1 {
						m.Direction, m.AgentID = ticketing.Out, &w.Alice.ID
					}
				}))
			}
			for _, aside := range []func(*ticketing.Message){
				func(m *ticketing.Message) { m.Direction, m.Automatic = ticketing.Out, "acknowledgement" },
				func(m *ticketing.Message) { m.Direction, m.AgentID = ticketing.Note, &w.Alice.ID },
			} {
				said = append(said, w.message(t.ID, at, aside))
			}
			if i%3 == 0 {
				t.Status, t.QueuedAt, t.ClosedAt, t.Outcome = ticketing.StatusClosed, nil, ptr(at.Add(time.Minute)), ticketing.Answered
			}
			group = append(group, t)
		}
		must(tb, w.db.InTx(w.ctx, func(tx ticketing.Nouns) error {
			if err := tx.AddTickets(w.ctx, group); err != nil {
				return err
			}
			return tx.AddMessages(w.ctx, said)
		}))
		done += len(group)
	}
}

func openScope() ticketing.TicketScope {
	return ticketing.TicketScope{Departments: []string{"roads", "civil"}}
}

// TestExchanges reads a citizen's timeline page by page, as a whole and through each filter.
func TestExchanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		anne, other := w.citizen(t, "Anne", "Perrin"), w.citizen(t, "Paul", "Perrin")
		w.talk(t, anne, 10, 4)
		w.talk(t, other, 2, 2)
		list := func(change func(*ticketing.ExchangeQuery)) []ticketing.ExchangeMark {
			q := ticketing.ExchangeQuery{Scope: openScope(), Citizen: anne.ID, Limit: 200}
			if change != nil {
				change(&q)
			}
			marks, err := db.ListExchanges(w.ctx, q)
			must(t, err)
			return marks
		}
		whole := list(nil)
		equal(t, "what the scope lets see", len(whole), 8*4+3) // tickets 0, 3, 6 are closed; 9 is sealed, as 4
		for i, m := range whole {
			if i > 0 && (m.At.After(whole[i-1].At) || m.At.Equal(whole[i-1].At) && m.ID > whole[i-1].ID) {
				t.Fatalf("%v comes after %v", m, whole[i-1])
			}
		}
		var paged []ticketing.ExchangeMark
		for q := (ticketing.ExchangeQuery{Limit: 7}); ; {
			page := list(func(all *ticketing.ExchangeQuery) { all.Limit, all.Mark = q.Limit, q.Mark })
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			q.Mark = &ticketing.TicketMark{At: &page[len(page)-1].At, ID: page[len(page)-1].ID}
		}
		equal(t, "page by page", fmt.Sprint(paged), fmt.Sprint(whole))
		half := whole[len(whole)/2].At
		for name, c := range map[string]struct {
			change func(*ticketing.ExchangeQuery)
			want   int
		}{
			"everything there is": {func(q *ticketing.ExchangeQuery) { q.Scope = scopeOfAll() }, 10*4 + 4},
			"no department":       {func(q *ticketing.ExchangeQuery) { q.Scope = ticketing.TicketScope{} }, 0},
			"text messages":       {func(q *ticketing.ExchangeQuery) { q.Channel = "sms" }, 8},
			"from us":             {func(q *ticketing.ExchangeQuery) { q.Direction = ticketing.Out }, 16},
			"a department":        {func(q *ticketing.ExchangeQuery) { q.Department = "civil" }, 4*4 + 2},
			"a sealed department": {func(q *ticketing.ExchangeQuery) { q.Department = "social" }, 0},
			"a motive":            {func(q *ticketing.ExchangeQuery) { q.Motive = "m1" }, 2 * 4},
			"not on one ticket":   {func(q *ticketing.ExchangeQuery) { q.Besides = whole[0].TicketID }, len(whole) - 4},
			"from a time":         {func(q *ticketing.ExchangeQuery) { q.After = &half }, len(whole)/2 + 1},
			"until a time":        {func(q *ticketing.ExchangeQuery) { q.Before = &half }, len(whole) - len(whole)/2 - 1},
		} {
			equal(t, name, len(list(c.change)), c.want)
		}
		heads, err := db.MessageHeads(w.ctx, []string{list(func(q *ticketing.ExchangeQuery) { q.Direction = ticketing.Out })[0].ID})
		must(t, err)
		equal(t, "the head", fmt.Sprint(len(heads[0].Text), *heads[0].AgentID == w.Alice.ID, heads[0].HTML == ""), "600 true true")

		matters, err := db.TicketMatters(w.ctx, openScope(), anne.ID, noon(), noon().Add(9*time.Hour))
		must(t, err)
		equal(t, "tickets of the first hours", len(matters), 3)
		equal(t, "the newest first", matters[0].Motive+matters[2].Motive, "m2m0")
	})
}

// TestAPageOfFiveThousandExchanges holds that the timeline of somebody who wrote a great deal comes at once: the fastest of some reads,
// because the machine may have other things to do, within what the whole page may take.
func TestAPageOfFiveThousandExchanges(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 5,000 messages")
	}
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			url := storetest.URL(t, engine)
			db := storetest.OpenEmpty(t, url, store.Options{})
			_, err := db.Migrate(t.Context())
			must(t, err)
			w := newWorld(t, db)
			anne := w.citizen(t, "Anne", "Perrin")
			w.talk(t, anne, 1000, 5)
			storetest.Analyze(t, engine, url)
			best := time.Hour
			q := ticketing.ExchangeQuery{Scope: openScope(), Citizen: anne.ID, Limit: 51}
			for range 9 {
				began := time.Now()
				marks, err := db.ListExchanges(w.ctx, q)
				best = min(best, time.Since(began))
				must(t, err)
				equal(t, "a page", len(marks), 51)
				q.Mark = &ticketing.TicketMark{At: &marks[50].At, ID: marks[50].ID}
			}
			t.Logf("%v", best)
			if best > 50*time.Millisecond {
				t.Errorf("a page of 5,000 exchanges takes %v", best)
			}
		})
	}
}
