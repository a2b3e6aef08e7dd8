package storetest_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func TestOpenRefusesOtherURLs(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite://", "sqlite:///tmp/x?cache=shared", "postgres://%zz"} {
		if _, err := store.Open(t.Context(), url, store.Options{}); !errors.Is(err, store.ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestOpenMakesItsFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	db := storetest.OpenEmpty(t, "sqlite://var/x.db", store.Options{})
	must(t, db.Ping(t.Context()))
	equal(t, "engine", db.Engine(), store.SQLite)
	for path, mode := range map[string]os.FileMode{"var": 0o700, "var/x.db": 0o600} {
		info, err := os.Stat(path)
		must(t, err)
		equal(t, path, info.Mode().Perm(), mode)
	}
}

func TestExclusive(t *testing.T) {
	url := storetest.URL(t, store.SQLite)
	first, second := storetest.OpenEmpty(t, url, store.Options{}), storetest.OpenEmpty(t, url, store.Options{})
	release, err := first.Exclusive()
	must(t, err)
	if _, err := second.Exclusive(); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("two processes serve: %v", err)
	}
	release()
	release, err = second.Exclusive()
	must(t, err)
	release()
}

func TestMigrate(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			db := storetest.OpenEmpty(t, storetest.URL(t, engine), store.Options{})
			have, want, err := db.Current(t.Context())
			must(t, err)
			equal(t, "empty", have, 0)
			applied, err := db.Migrate(t.Context())
			must(t, err)
			equal(t, "applied", int64(applied), want)
			have, _, err = db.Current(t.Context())
			must(t, err)
			equal(t, "migrated", have, want)
			applied, err = db.Migrate(t.Context())
			must(t, err)
			equal(t, "applied again", applied, 0)
		})
	}
}

func TestMigrateCopiesTheFile(t *testing.T) {
	url := storetest.URL(t, store.SQLite)
	db := storetest.OpenEmpty(t, url, store.Options{})
	_, err := db.Migrate(t.Context())
	must(t, err)
	raw := rawSQLite(t, url)
	for _, s := range []string{
		"DELETE FROM goose_db_version WHERE version_id = 9", "DROP INDEX calls_created", "DROP INDEX calls_department",
		"ALTER TABLE calls DROP COLUMN rings", "INSERT INTO settings VALUES ('town', 'Valmont')",
	} {
		_, err := raw.ExecContext(t.Context(), s)
		must(t, err)
	}
	applied, err := db.Migrate(t.Context())
	must(t, err)
	equal(t, "applied", applied, 1)

	file := strings.TrimPrefix(url, "sqlite://") + ".before-0009"
	before := storetest.OpenEmpty(t, "sqlite://"+file, store.Options{})
	town, err := before.Setting(t.Context(), "town")
	must(t, err)
	equal(t, "setting in the copy", town, "Valmont")
	have, _, err := before.Current(t.Context())
	must(t, err)
	equal(t, "version of the copy", have, 8)
	left, err := filepath.Glob(file + ".tmp*")
	must(t, err)
	equal(t, "files left", len(left), 0)
}

func TestInTxRunsAgainWhenBusy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newWorld(t, db)
		if db.Engine() != store.PostgreSQL {
			t.Skip("SQLite has one writer: nothing can lock it out")
		}
		// Two transactions lock two rows in opposite orders, and each waits for the other to have the first.
		locked := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
		errs := make(chan error, 2)
		runs := make(chan struct{}, 10)
		for i, names := range [][2]string{{"roads", "civil"}, {"civil", "roads"}} {
			go func() {
				first := true
				errs <- db.InTx(t.Context(), func(tx ticketing.Nouns) error {
					runs <- struct{}{}
					if err := tx.SaveDepartments(t.Context(), []ticketing.Department{{Code: names[0], Visibility: ticketing.Open}}); err != nil {
						return err
					}
					if first {
						first = false
						close(locked[i])
						<-locked[1-i]
					}
					return tx.SaveDepartments(t.Context(), []ticketing.Department{{Code: names[1], Visibility: ticketing.Open}})
				})
			}()
		}
		must(t, <-errs)
		must(t, <-errs)
		equal(t, "runs", len(runs), 3)
	})
}

func TestInTxGivesBackWhatWasReturned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		own := errors.New("own")
		err := db.InTx(t.Context(), func(tx ticketing.Nouns) error {
			_, err := tx.SetSetting(t.Context(), "a", "b")
			must(t, err)
			return own
		})
		if err != own { //nolint:errorlint // as it is
			t.Fatal(err)
		}
		_, err = db.Setting(t.Context(), "a")
		is(t, err, ticketing.ErrNotFound)

		// A contact without its citizen is only found at the commit; the connection must be usable after it.
		for range 8 {
			err = db.InTx(t.Context(), func(tx ticketing.Nouns) error {
				return tx.AddContacts(t.Context(), []ticketing.Contact{{ID: ticketing.NewID(), CitizenID: ticketing.NewID(), Type: "email", Value: "x"}})
			})
			if err == nil {
				t.Fatal("a contact of nobody was kept")
			}
		}
		must(t, db.InTx(t.Context(), func(tx ticketing.Nouns) error { return tx.BumpRevision(t.Context()) }))
	})
}

func TestStepSeesStatementsAndCommits(t *testing.T) {
	var steps []string
	storetest.EachWith(t, store.Options{Step: func(name string) { steps = append(steps, name) }}, func(t *testing.T, db *store.DB) {
		steps = nil
		must(t, db.InTx(t.Context(), func(tx ticketing.Nouns) error { return tx.BumpRevision(t.Context()) }))
		equal(t, "steps", strings.Join(steps, ", "), "begin, insert counters, commit, committed")
	})
}

func TestLogHoldsNoValues(t *testing.T) {
	var log bytes.Buffer
	opts := store.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	storetest.EachWith(t, opts, func(t *testing.T, db *store.DB) {
		_, err := db.AgentByEmail(t.Context(), "secret@valmont.fr")
		is(t, err, ticketing.ErrNotFound)
		err = db.AddToken(t.Context(), ticketing.Token{ID: "secret", Hash: "secret"})
		if err == nil {
			t.Fatal("a token of nobody was kept")
		}
		if strings.Contains(log.String(), "secret") {
			t.Error(log.String())
		}
	})
}

func TestTimesRoundTrip(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, at := range []time.Time{
			noon(), noon().In(paris), noon().Truncate(time.Second), time.Date(1969, 7, 20, 20, 17, 40, 1999, time.UTC),
			time.Date(2200, 1, 1, 0, 0, 0, 999999999, time.UTC),
		} {
			want := w.ticket("roads", at)
			w.add(t, want)
			got, err := db.Ticket(t.Context(), want.Year, want.Number)
			must(t, err)
			kept := time.UnixMicro(at.UnixMicro()).UTC()
			if got.ReceivedAt != kept || *got.QueuedAt != kept || got.ClosedAt != nil {
				t.Errorf("%v came back as %v and %v", at, got.ReceivedAt, got.QueuedAt)
			}
		}
	})
}
