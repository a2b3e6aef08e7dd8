package agentapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// BenchmarkTicketList asks the whole handler, token and all, for a page of 50 among 100,000 tickets.
func BenchmarkTicketList(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			url := storetest.URL(b, engine)
			db := storetest.OpenEmpty(b, url, store.Options{})
			if _, err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			w := newWorld(b, db)
			w.fill(100_000)
			storetest.Analyze(b, engine, url)
			token, err := w.town.CreateToken(b.Context(), "nadia@valmont.example", "bench", "read", nil)
			w.must(err)
			h := w.server.Handler()
			for name, query := range map[string]string{
				"all": "", "department": "?department=voirie", "active": "?status=new,open&sort=due", "mine": "?assignee=me&status=open",
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/tickets"+query, nil)
						r.Header.Set("Authorization", "Bearer "+token)
						out := httptest.NewRecorder()
						h.ServeHTTP(out, r)
						if out.Code != http.StatusOK {
							b.Fatal(out.Code, out.Body)
						}
					}
				})
			}
		})
	}
}

// fill writes n tickets of a year: most closed, some in each department, each with a citizen among a thousand.
func (w *world) fill(n int) {
	w.tb.Helper()
	ctx, now := w.tb.Context(), w.now()
	citizens := make([]ticketing.Citizen, 1000)
	for i := range citizens {
		citizens[i] = ticketing.Citizen{
			ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, GivenName: "Anne", FamilyName: fmt.Sprint("Perrin ", i), Language: "fr",
			CreatedAt: now, UpdatedAt: now,
		}
	}
	w.must(w.db.AddCitizens(ctx, citizens))
	nadia, departments := w.actor("nadia").ID, []string{"accueil", "voirie", "ccas", "police"}
	tickets := make([]ticketing.Ticket, 0, 1000)
	for i := range n {
		at := now.Add(-time.Duration(n-i) * 5 * time.Minute)
		t := ticketing.Ticket{
			ID: ticketing.NewID(), Year: at.Year(), Number: 100_000 + i, Version: 1, Subject: fmt.Sprint("Demande ", i), Status: ticketing.StatusClosed,
			Channel: "email", Line: "mairie", Department: departments[i%4], Priority: ticketing.Normal, Language: "fr", Weight: 1,
			CitizenID: &citizens[i%len(citizens)].ID, ReceivedAt: at, RegisteredAt: at, UpdatedAt: at,
			Preview: "Bonjour, je vous écris au sujet d’un lampadaire en panne devant chez moi depuis deux semaines.",
		}
		switch {
		case i%50 == 0:
			t.Status, t.QueuedAt = ticketing.StatusNew, &at
		case i%500 == 1:
			t.Status, t.AssigneeID, t.TakenAt = ticketing.StatusOpen, &nadia, &at
		default:
			t.Outcome, t.ClosedAt = ticketing.Answered, &at
		}
		if tickets = append(tickets, t); len(tickets) == cap(tickets) {
			w.must(w.db.AddTickets(ctx, tickets))
			tickets = tickets[:0]
		}
	}
	if len(tickets) > 0 {
		w.must(w.db.AddTickets(ctx, tickets))
	}
}

// BenchmarkCitizen asks for the record and the timeline of somebody with 5,000 exchanges on 1,000 tickets: her page and its parts.
func BenchmarkCitizen(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			url := storetest.URL(b, engine)
			db := storetest.OpenEmpty(b, url, store.Options{})
			if _, err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			w := newWorld(b, db)
			id := w.talker(1000, 5)
			storetest.Analyze(b, engine, url)
			nadia := w.signedIn("nadia")
			for name, path := range map[string]string{
				"page": "/citizens/" + id, "timeline": "/api/v1/citizens/" + id + "/timeline", "calls": "/api/v1/citizens/" + id + "/timeline?channel=phone",
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						nadia.do(http.MethodGet, path, nil).is(http.StatusOK)
					}
				})
			}
		})
	}
}

// talker writes a citizen with so many tickets of so many messages each, spread over three years, and gives her id.
func (w *world) talker(tickets, messages int) string {
	w.tb.Helper()
	ctx, now := w.tb.Context(), w.now()
	anne := ticketing.Citizen{
		ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, GivenName: "Anne", FamilyName: "Perrin", Language: "fr", CreatedAt: now, UpdatedAt: now,
	}
	w.must(w.db.AddCitizens(ctx, []ticketing.Citizen{anne}))
	channels, departments := []string{"email", "sms", "phone", "counter"}, []string{"accueil", "voirie", "accueil", "voirie", "police"}
	var rows []ticketing.Ticket
	var said []ticketing.Message
	for i := range tickets {
		at := now.Add(-time.Duration(tickets-i) * 26 * time.Hour)
		t := ticketing.Ticket{
			ID: ticketing.NewID(), Year: at.Year(), Number: 100_000 + i, Version: 1, Subject: fmt.Sprint("Demande ", i%20), Status: ticketing.StatusClosed,
			Outcome: ticketing.Answered, Channel: channels[i%4], Line: "mairie", Department: departments[i%5], Priority: ticketing.Normal, Language: "fr", Weight: 1,
			CitizenID: &anne.ID, ReceivedAt: at, RegisteredAt: at, UpdatedAt: at, ClosedAt: &at,
		}
		if i%20 == 0 {
			t.Status, t.Outcome, t.ClosedAt, t.QueuedAt = ticketing.StatusNew, "", nil, &at
		}
		for k := range messages {
			m := ticketing.Message{
				ID: ticketing.NewID(), TicketID: t.ID, Direction: ticketing.In, Channel: channels[k%4], FromValue: "anne@example.org", At: at.Add(time.Duration(k) * time.Hour),
				CreatedAt: at, Text: strings.Repeat("Bonjour, je vous écris au sujet d’un lampadaire. ", 30), HTML: strings.Repeat("<p>Bonjour</p>", 700),
			}
			if k%2 == 1 {
				m.Direction = ticketing.Out
			}
			said = append(said, m)
		}
		rows = append(rows, t)
	}
	w.must(w.db.AddTickets(ctx, rows))
	w.must(w.db.AddMessages(ctx, said))
	return anne.ID
}
