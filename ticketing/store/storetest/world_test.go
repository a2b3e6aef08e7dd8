package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
)

// noon is when the tests' days begin; its nanoseconds are more than a database keeps.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC) }

func ptr[T any](v T) *T { return &v }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func is(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Fatalf("error %v, want %v", err, want)
	}
}

func equal[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// world is a small town: three departments, two agents.
type world struct {
	db           *store.DB
	ctx          context.Context
	Alice, Bruno ticketing.Agent
	number       int
}

func newWorld(tb testing.TB, db *store.DB) *world {
	tb.Helper()
	w := &world{db: db, ctx: tb.Context()}
	must(tb, db.SaveDepartments(w.ctx, []ticketing.Department{
		{Code: "roads", NameFR: "Voirie", Visibility: ticketing.Open, Position: 1, ReopenWithin: 30},
		{Code: "civil", NameFR: "État civil", Visibility: ticketing.Open, Position: 2, ReopenWithin: 30},
		{Code: "social", NameFR: "Action sociale", Visibility: ticketing.Sealed, Position: 3, ReopenWithin: 30},
	}))
	w.Alice = agent("alice@valmont.fr", "Alice Martin")
	w.Bruno = agent("bruno@valmont.fr", "Bruno Petit")
	must(tb, db.SaveAgent(w.ctx, w.Alice))
	must(tb, db.SaveAgent(w.ctx, w.Bruno))
	return w
}

func agent(email, name string) ticketing.Agent {
	return ticketing.Agent{
		ID: ticketing.NewID(), Email: email, Name: name, Language: "fr", Roles: ticketing.Strings{"agent"}, Capacity: 8, Active: true,
		CreatedAt: noon(), UpdatedAt: noon(),
	}
}

func (w *world) ticket(department string, received time.Time, change ...func(*ticketing.Ticket)) ticketing.Ticket {
	w.number++
	t := ticketing.Ticket{
		ID: ticketing.NewID(), Year: 2026, Number: w.number, Version: 1, Subject: fmt.Sprintf("Demande %d", w.number),
		Status: ticketing.StatusNew, Channel: "email", Line: "mairie", Department: department, Priority: ticketing.Normal, Language: "fr",
		Weight: 1, ReceivedAt: received, RegisteredAt: received, UpdatedAt: received, QueuedAt: &received,
	}
	for _, c := range change {
		c(&t)
	}
	return t
}

func (w *world) add(tb testing.TB, tickets ...ticketing.Ticket) {
	tb.Helper()
	must(tb, w.db.AddTickets(w.ctx, tickets))
}

func (w *world) citizen(tb testing.TB, given, family string) ticketing.Citizen {
	tb.Helper()
	c := ticketing.Citizen{
		ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, GivenName: given, FamilyName: family, Language: "fr",
		CreatedAt: noon(), UpdatedAt: noon(),
	}
	must(tb, w.db.AddCitizens(w.ctx, []ticketing.Citizen{c}))
	return c
}

func (w *world) message(ticketID string, at time.Time, change ...func(*ticketing.Message)) ticketing.Message {
	m := ticketing.Message{
		ID: ticketing.NewID(), TicketID: ticketID, Direction: ticketing.In, Channel: "email", Line: "mairie", FromValue: "jean@example.org",
		To: ticketing.Addresses{{Value: "mairie@valmont.fr"}}, Subject: "Nid-de-poule", Text: "Bonjour,\n…", At: at, CreatedAt: at,
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

func scopeOfAll() ticketing.TicketScope {
	return ticketing.TicketScope{Departments: []string{"roads", "civil", "social"}}
}
