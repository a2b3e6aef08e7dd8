// Package store keeps the domain in SQLite or PostgreSQL. It is the only package that knows a database library: DB implements
// ticketing.Store, Folder implements ticketing.Files. Reading is GORM where a statement is plain; what is written many times a
// second is written by few statements of many rows.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"guichet/ticketing"
)

// Options are what a DB needs beside its URL. All of them may be left out.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Step is called before every statement with a short name, and before ("commit") and after ("committed") each commit. It is
	// for a test that kills the process at the n-th call.
	Step func(name string)
}

// Engine names.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
)

// ErrURL says that a database URL can't be one.
var ErrURL = errors.New("the database URL must be sqlite://file, sqlite:///absolute/file or postgres://…")

// DB is an open database.
type DB struct {
	nouns
	engine  string
	path    string // of the SQLite file
	url     string
	now     func() time.Time
	log     *slog.Logger
	sql     *sql.DB
	stems   stems
	writing chan struct{} // SQLite has one writer; waiting for it here is fair and holds no connection. nil on PostgreSQL
}

var _ ticketing.Store = (*DB)(nil)

// Open opens the database a URL names: sqlite://var/x.db (relative), sqlite:///abs/x.db, postgres://… or postgresql://…. It makes
// the folder of an SQLite file, and changes no schema.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	d := &DB{url: url, now: opts.Now, log: opts.Log}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}

	var err error
	switch scheme, rest, _ := strings.Cut(url, "://"); scheme {
	case "sqlite":
		err = d.openSQLite(rest)
	case "postgres", "postgresql":
		err = d.openPostgreSQL()
	default:
		err = ErrURL
	}
	if err != nil {
		return nil, d.notOpened(err)
	}

	watched := &pool{db: d.sql, writing: d.writing, watch: watch{step: opts.Step, log: d.log}}
	orm, err := gorm.Open(d.dialect(watched), &gorm.Config{
		// The drivers do better by themselves than PrepareStmt: pgx caches the statements of each connection and drops them when
		// the schema changes, and go-sqlite prepares at every execution, whatever database/sql was asked to prepare.
		PrepareStmt:            false,
		SkipDefaultTransaction: true,
		NowFunc:                func() time.Time { return d.now().UTC() },
		Logger:                 logger.Discard, // the pool logs, and never sees a value
	})
	if err == nil {
		d.nouns = nouns{db: d, conn: watched, orm: orm}
		if err = d.sql.PingContext(ctx); err == nil {
			err = d.learn()
		}
	}
	if err != nil {
		return nil, errors.Join(d.notOpened(err), d.sql.Close())
	}
	return d, nil
}

// notOpened says in one sentence, without a password, why a database could not be opened and what to do.
func (d *DB) notOpened(err error) error {
	if errors.Is(err, ErrURL) {
		return fmt.Errorf("open the database: %w", err)
	}
	if d.engine != PostgreSQL {
		return fmt.Errorf("open the database: %w; check that `database` names Guichet's file, and that its user may write it and its folder", err)
	}
	cause, what, todo := err, "open the database", "check that the server runs and that `database` names it"
	if c := (*pgconn.ConnectError)(nil); errors.As(err, &c) {
		servers := []string{net.JoinHostPort(c.Config.Host, strconv.Itoa(int(c.Config.Port)))}
		for _, f := range c.Config.Fallbacks {
			servers = append(servers, net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))))
		}
		what = fmt.Sprintf("open the database %s at %s as %s", c.Config.Database, strings.Join(slices.Compact(servers), ", "), c.Config.User)
		cause = c.Unwrap()
	}
	if several, ok := cause.(interface{ Unwrap() []error }); ok { // one for each address, with TLS and without
		cause = several.Unwrap()[0]
	}
	if dial, name := (*net.OpError)(nil), (*net.DNSError)(nil); errors.As(err, &dial) {
		cause = dial.Err
	} else if errors.As(err, &name) {
		cause = name
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		cause = errors.New(pg.Message)
		switch {
		case strings.HasPrefix(pg.Code, "28"): // invalid authorization
			todo = "check the user and the password in `database`"
		case pg.Code == "3D000": // no such database
			todo = "make it on the server, or check the name in `database`"
		}
	}
	return &openError{text: fmt.Sprintf("%s: %s; %s", what, strings.Join(strings.Fields(cause.Error()), " "), todo), cause: err}
}

// openError has words of its own for a cause that would repeat itself.
type openError struct {
	text  string
	cause error
}

// Error implements error.
func (e *openError) Error() string { return e.text }

// Unwrap gives the cause.
func (e *openError) Unwrap() error { return e.cause }

// Close closes all connections.
func (d *DB) Close() error { return d.sql.Close() }

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.sql.PingContext(ctx) }

// Engine is SQLite or PostgreSQL.
func (d *DB) Engine() string { return d.engine }

// nouns does everything of ticketing.Nouns: over the pool, each statement for itself, or over one transaction.
type nouns struct {
	db   *DB
	conn gorm.ConnPool
	orm  *gorm.DB // over conn
	tx   bool
}

// retries is how often a transaction is run again that the database gave up because of another one.
const retries = 3

// InTx implements ticketing.Store.
func (d *DB) InTx(ctx context.Context, do func(tx ticketing.Nouns) error) error {
	return d.inTx(ctx, func(tx nouns) error { return do(tx) })
}

// together runs do in the transaction that n is, or in one of its own.
func (n nouns) together(ctx context.Context, do func(nouns) error) error {
	if n.tx {
		return do(n)
	}
	return n.db.inTx(ctx, do)
}

func (d *DB) inTx(ctx context.Context, do func(nouns) error) error {
	for again := 0; ; again++ {
		err := d.oneTx(ctx, do)
		if err == nil || again == retries || !givenUp(err) {
			return err
		}
		pause := time.NewTimer(time.Duration(1+rand.IntN(10<<again)) * time.Millisecond)
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

func (d *DB) oneTx(ctx context.Context, do func(nouns) error) error {
	if d.writing != nil {
		select {
		case d.writing <- struct{}{}:
			defer func() { <-d.writing }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	tx := d.orm.WithContext(ctx).Begin()
	if tx.Error != nil {
		return failed(tx.Error)
	}
	done := false
	defer func() {
		if !done { // do returned an error or panicked
			tx.Rollback()
		}
	}()
	if err := do(nouns{db: d, conn: tx.Statement.ConnPool, orm: tx, tx: true}); err != nil {
		return err
	}
	done = true
	return failed(tx.Commit().Error)
}
