package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema up to what this binary wants and tells how many migrations that took. An SQLite file that holds
// something is copied beside itself first, as x.db.before-0005 when migration 5 is the first to be applied. Processes that migrate
// one PostgreSQL database at the same time wait for each other.
func (d *DB) Migrate(ctx context.Context) (applied int, err error) {
	have, want, err := d.Current(ctx)
	if err != nil || have > want {
		return 0, err
	}
	if have == want {
		return 0, d.listenOnce(ctx)
	}
	if d.engine == SQLite && have > 0 {
		if err := d.copyFile(ctx, fmt.Sprintf("%s.before-%04d", d.path, have+1)); err != nil {
			return 0, fmt.Errorf("copy the database before migrating it: %w", err)
		}
	}

	db := d.sql
	if d.engine == PostgreSQL {
		if db, err = d.patient(); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	provider, err := d.provider(db)
	if err != nil {
		return 0, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return len(results), fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		d.log.InfoContext(ctx, "migrated", "version", r.Source.Version, "took_ms", r.Duration.Milliseconds())
	}
	return len(results), d.listenOnce(ctx)
}

// Current gives the version of the schema that is there, 0 for an empty database, and the one this binary wants. It only reads.
func (d *DB) Current(ctx context.Context) (have, want int64, err error) {
	provider, err := d.provider(d.sql)
	if err != nil {
		return 0, 0, err
	}
	sources := provider.ListSources()
	want = sources[len(sources)-1].Version

	exists := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'"
	if d.engine == PostgreSQL {
		exists = "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('goose_db_version')"
	}
	var tables int
	if err := d.sql.QueryRowContext(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return 0, want, err
	}
	const latest = "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied"
	err = d.sql.QueryRowContext(ctx, latest).Scan(&have)
	return have, want, err
}

func (d *DB) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+d.engine)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if d.engine == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, db, files, options...)
}

// patient opens connections whose statements may take as long as a migration takes.
func (d *DB) patient() (*sql.DB, error) {
	config, err := postgresConfig(d.url)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	return openPGX(config), nil
}

// copyFile writes a copy of the database, unless it is there from a migration that did not succeed: then that one is what was
// before.
func (d *DB) copyFile(ctx context.Context, name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	unfinished := name + ".tmp"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if _, err := d.sql.ExecContext(ctx, "VACUUM INTO ?", unfinished); err != nil {
		return err
	}
	f, err := os.OpenFile(unfinished, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(unfinished, name)
}
