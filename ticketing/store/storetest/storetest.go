// Package storetest gives tests fresh databases, and holds the suite that store passes on both engines.
package storetest

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes and drops databases

	"guichet/ticketing"
	"guichet/ticketing/store"
)

// postgresURL names the server to make databases on; without it, tests run on SQLite only, unless require lists "postgres".
const (
	postgresURL = "GUICHET_TEST_POSTGRES_URL"
	require     = "GUICHET_TEST_REQUIRE"
)

// Each runs a test on a fresh, migrated database of each engine.
func Each(t *testing.T, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachWith(t, store.Options{}, run)
}

// EachWith is Each with options.
func EachWith(t *testing.T, opts store.Options, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) { run(t, Open(t, engine, opts)) })
	}
}

// Engines lists the engines.
func Engines() []string { return []string{store.SQLite, store.PostgreSQL} }

// Open opens and migrates a fresh database, which goes when the test ends. It skips the test when there is no server for it.
func Open(tb testing.TB, engine string, opts store.Options) *store.DB {
	tb.Helper()
	db := OpenEmpty(tb, URL(tb, engine), opts)
	if _, err := db.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return db
}

// OpenEmpty opens a database and closes it when the test ends.
func OpenEmpty(tb testing.TB, url string, opts store.Options) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), url, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// URL names a fresh, empty database, which goes when the test ends.
func URL(tb testing.TB, engine string) string {
	tb.Helper()
	if engine == store.SQLite {
		return "sqlite://" + filepath.Join(tb.TempDir(), "guichet.db")
	}
	server := os.Getenv(postgresURL)
	if server == "" {
		if slices.Contains(strings.Split(os.Getenv(require), ","), "postgres") {
			tb.Fatalf("%s asks for PostgreSQL and %s is not set", require, postgresURL)
		}
		tb.Skipf("%s is not set", postgresURL)
	}
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("%s is no URL", postgresURL)
	}
	name := "guichet_test_" + strings.ReplaceAll(ticketing.NewID(), "-", "")
	administer(tb, server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	tb.Cleanup(func() { administer(tb, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// Analyze does at once what a PostgreSQL server does by itself some minutes after much was written: it counts what is in the tables.
func Analyze(tb testing.TB, engine, url string) {
	tb.Helper()
	if engine == store.PostgreSQL {
		administer(tb, url, "VACUUM ANALYZE")
	}
}

func administer(tb testing.TB, server, statement string) {
	tb.Helper()
	db, err := sql.Open("pgx", server)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err != nil {
		tb.Error(err)
	}
	if err := db.Close(); err != nil {
		tb.Error(err)
	}
}
