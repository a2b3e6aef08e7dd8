package ticketing_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // to change rows behind Guichet's back
	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// archive is a hall with its ledger, and somebody who gets at its database.
type archive struct {
	*hall
	ledger *ticketing.Ledger
	raw    *sql.DB
}

func eachArchive(t *testing.T, do func(a *archive)) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			url := storetest.URL(t, engine)
			db := storetest.OpenEmpty(t, url, store.Options{})
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			driver, dsn := "pgx", url
			if engine == store.SQLite {
				driver, dsn = "sqlite", strings.TrimPrefix(url, "sqlite://")
			}
			raw, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := raw.Close(); err != nil {
					t.Error(err)
				}
			})
			h := openHall(t, db)
			do(&archive{hall: h, raw: raw, ledger: ticketing.NewLedger(db, h.town, 0, h.clock.now, slog.New(slog.DiscardHandler))})
		})
	}
}

// look lets an agent look at n citizens who are each looked at for the first time.
func (a *archive) look(n int) {
	a.Helper()
	for range n {
		a.must(ticketing.NoteLook(ticketing.OnPage(a.Context(), ticketing.Visit{Route: "GET /x"}), a.db, a.clock.now(), a.actor("agent"), ticketing.NewID(), "", ""))
	}
}

func (a *archive) seal() ticketing.Seal {
	a.Helper()
	s, err := a.ledger.Seal(a.Context(), 1)
	a.must(err)
	return s
}

func (a *archive) breaks() []ticketing.Break {
	a.Helper()
	c, err := a.ledger.CheckSeals(a.Context())
	a.must(err)
	if c.Holds != (len(c.Breaks) == 0) {
		a.Errorf("holds %t with breaks %v", c.Holds, c.Breaks)
	}
	return c.Breaks
}

func (a *archive) tamper(statement string) {
	a.Helper()
	done, err := a.raw.ExecContext(a.Context(), statement)
	a.must(err)
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		a.Fatalf("%s changed nothing (%v)", statement, err)
	}
}

func TestTheChainHolds(t *testing.T) {
	eachArchive(t, func(a *archive) {
		if s := a.seal(); s.Size != 0 {
			a.Fatalf("sealed %d rows of none", s.Size)
		}
		for range 3 {
			a.look(2)
			a.clock.advance(5 * time.Second)
			a.seal()
		}
		a.look(1)
		c, err := a.ledger.CheckSeals(a.Context())
		a.must(err)
		if !c.Holds || c.Seals != 3 || c.Rows != 6 || c.Unsealed != 1 || c.First.Number != 1 || c.Last.Number != 3 {
			a.Errorf("the chain is %+v", c)
		}
	})
}

func TestTamperingIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		want      ticketing.Break
	}{
		"a row changed":         {"UPDATE consultations SET agent_id = 'x' WHERE id = 3", ticketing.Break{Seal: 2, Consultation: 3, What: "row_changed"}},
		"its digest with it":    {"UPDATE consultations SET digest = 'x' WHERE id = 3", ticketing.Break{Seal: 2, Consultation: 3, What: "row_changed"}},
		"a row deleted":         {"DELETE FROM consultations WHERE id = 3", ticketing.Break{Seal: 2, What: "rows_missing"}},
		"a row out of its seal": {"UPDATE consultations SET seal = 0 WHERE id = 3", ticketing.Break{Seal: 2, What: "rows_missing"}},
		"a seal changed":        {"UPDATE seals SET hash = 'x' WHERE number = 2", ticketing.Break{Seal: 2, What: "seal_changed"}},
		"a seal deleted":        {"DELETE FROM seals WHERE number = 2", ticketing.Break{Seal: 2, What: "seal_missing"}},
		"the first deleted":     {"DELETE FROM seals WHERE number = 1", ticketing.Break{Seal: 2, What: "seal_missing"}},
		"a row beyond the last": {"UPDATE consultations SET seal = 9 WHERE id = 7", ticketing.Break{Seal: 4, What: "stray_rows"}},
		"rows said to be pruned": {
			"UPDATE seals SET pruned_at = at WHERE number = 1", ticketing.Break{Seal: 1, What: "rows_added"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachArchive(t, func(a *archive) {
				for range 3 {
					a.look(2)
					a.seal()
				}
				a.look(1)
				if broken := a.breaks(); len(broken) != 0 {
					a.Fatalf("broken before: %v", broken)
				}
				a.tamper(c.statement)
				broken := a.breaks()
				if len(broken) == 0 || broken[0] != c.want {
					a.Errorf("found %v, want %v first", broken, c.want)
				}
			})
		})
	}
}

// A row whose transaction commits after later ones were sealed is neither skipped nor a break.
func TestALateRowIsSealedLater(t *testing.T) {
	eachArchive(t, func(a *archive) {
		if a.db.Engine() != store.PostgreSQL {
			a.Skip("SQLite has one writer: no transaction commits while another is open")
		}
		ctx, cancel := context.WithTimeout(a.Context(), 30*time.Second)
		defer cancel()
		written, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- a.db.InTx(ctx, func(tx ticketing.Nouns) error {
				err := ticketing.NoteLook(ctx, tx, a.clock.now(), a.actor("agent"), ticketing.NewID(), "", "")
				close(written)
				select {
				case <-goOn:
				case <-ctx.Done():
				}
				return err
			})
		}()
		<-written
		a.look(2)
		first := a.seal()
		close(goOn)
		a.must(<-done)
		second := a.seal()
		if first.Size != 2 || second.Size != 1 || len(a.breaks()) != 0 {
			a.Errorf("sealed %d and %d, breaks %v", first.Size, second.Size, a.breaks())
		}
	})
}

// Whoever has lost the lease seals no more.
func TestSealsAreFenced(t *testing.T) {
	eachArchive(t, func(a *archive) {
		a.look(1)
		_, err := a.ledger.Seal(a.Context(), 2)
		a.must(err)
		a.look(1)
		if _, err := a.ledger.Seal(a.Context(), 1); !errors.Is(err, ticketing.ErrConflict) {
			a.Errorf("an old leader got %v", err)
		}
		s, err := a.ledger.Seal(a.Context(), 2)
		a.must(err)
		if s.Number != 2 || s.Size != 1 || len(a.breaks()) != 0 {
			a.Errorf("seal %+v, breaks %v", s, a.breaks())
		}
	})
}

// One process seals at a time; another takes over when it lets go.
func TestOneSealsAtATime(t *testing.T) {
	eachArchive(t, func(a *archive) {
		turn := func(owner string, want int64) {
			a.Helper()
			a.look(1)
			a.must(ticketing.TakeTurn(a.Context(), a.ledger, owner))
			last, err := a.db.LastSeal(a.Context())
			a.must(err)
			if last.Number != want {
				a.Errorf("after %s's turn the last seal is %d, want %d", owner, last.Number, want)
			}
		}
		turn("one", 1)
		turn("two", 1)
		turn("one", 2)
		a.must(a.db.Drop(a.Context(), "consultations", "one"))
		turn("two", 3)
		turn("one", 3)
		if broken := a.breaks(); len(broken) != 0 {
			a.Errorf("breaks %v", broken)
		}
	})
}

func TestOldSealsArePruned(t *testing.T) {
	eachArchive(t, func(a *archive) {
		for range 4 {
			a.look(2)
			a.seal()
			a.clock.advance(30 * 24 * time.Hour)
		}
		a.clock.advance(ticketing.KeepConsultations - 75*24*time.Hour) // the third is 15 days too young
		a.must(a.ledger.Prune(a.Context()))
		a.must(a.ledger.Prune(a.Context()))
		c, err := a.ledger.CheckSeals(a.Context())
		a.must(err)
		if !c.Holds || c.Seals != 3 || c.Rows != 4 || c.First.Number != 2 || c.First.PrunedAt == nil {
			a.Errorf("after pruning: %+v", c)
		}
		a.look(1)
		if s := a.seal(); s.Number != 5 {
			a.Errorf("the next seal is %d", s.Number)
		}
		a.clock.advance(2 * ticketing.KeepConsultations)
		a.must(a.ledger.Prune(a.Context()))
		a.look(1)
		if s := a.seal(); s.Number != 6 || len(a.breaks()) != 0 {
			a.Errorf("after everything was pruned: seal %d, breaks %v", s.Number, a.breaks())
		}
	})
}

func TestLooksAreFoundByTheOfficerAlone(t *testing.T) {
	eachArchive(t, func(a *archive) {
		ctx := ticketing.OnPage(a.Context(), ticketing.Visit{Route: "GET /citizens/{id}"})
		_, err := a.town.AddAgent(ctx, ticketing.NewAgent{Email: "dpo@valmont.example", Name: "Odile Petit", Roles: []string{"dpo"}})
		a.must(err)
		dpo, agent := a.actor("dpo"), a.actor("agent")
		registry := ticketing.NewRegistry(a.db, a.town, a.router, a.clock.now, slog.New(slog.DiscardHandler))
		c, err := registry.Record(ctx, agent, ticketing.CitizenDraft{Kind: ticketing.Person, Family: "Élodie-Marchand", Given: "Anne"}, "")
		a.must(err)
		for range 3 { // the same minute: one look
			_, err = a.reader.Citizen(ctx, agent, c.ID)
			a.must(err)
		}
		a.clock.advance(61 * time.Second)
		_, err = a.reader.Citizen(ctx, agent, c.ID)
		a.must(err)
		again := ticketing.OnPage(a.Context(), ticketing.Visit{Route: "GET /citizens/{id}", Again: true})
		for range 5 { // the page stays open: no other look
			a.clock.advance(10 * time.Minute)
			_, err = a.reader.Citizen(again, agent, c.ID)
			a.must(err)
		}
		_, err = a.reader.Citizen(ctx, dpo, c.ID)
		if !errors.Is(err, ticketing.ErrForbidden) {
			a.Errorf("the officer reads a record: %v", err)
		}

		list := ticketing.OnPage(a.Context(), ticketing.Visit{Route: "GET /consultations"})
		for _, name := range []string{"agent", "admin", "supervision"} {
			if _, err := a.ledger.Looks(list, a.actor(name), ticketing.ConsultationQuery{}, ""); !errors.Is(err, ticketing.ErrForbidden) {
				a.Errorf("%s reads the ledger: %v", name, err)
			}
		}
		pages := func(q ticketing.ConsultationQuery) (seen []string) {
			cursor := ""
			for {
				q.Limit = 1
				page, err := a.ledger.Looks(list, dpo, q, cursor)
				a.must(err)
				for _, l := range page.Rows {
					seen = append(seen, l.AgentName+" "+l.Page+" "+l.CitizenName)
				}
				if cursor = page.Next; cursor == "" {
					return seen
				}
			}
		}
		mine := agent.Name + " GET /citizens/{id} Anne Élodie-Marchand"
		for what, q := range map[string]ticketing.ConsultationQuery{
			"name": {Name: "elodie anne", Agent: agent.Email}, "citizen": {Citizen: c.ID, Agent: agent.ID},
		} {
			if diff := cmp.Diff([]string{mine, mine}, pages(q)); diff != "" {
				a.Errorf("by %s: %s", what, diff)
			}
		}
		if seen := pages(ticketing.ConsultationQuery{Agent: dpo.ID}); len(seen) == 0 || !strings.Contains(seen[len(seen)-1], "GET /consultations") {
			a.Errorf("of the officer's own looks: %v", seen)
		}
	})
}
