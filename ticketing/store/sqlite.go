package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/glebarez/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// sqliteConns is how many connections a file gets. One writes at a time; with a single one, a reader would wait for it.
const sqliteConns = 4

// sqlitePragmas is what every connection starts with. A commit is on disk when it returns.
const sqlitePragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
	"&_pragma=cache_size(-8000)&_pragma=temp_store(2)&_pragma=journal_size_limit(67108864)&_txlock=immediate"

func (d *DB) openSQLite(path string) error {
	if path == "" || strings.ContainsAny(path, "?#") {
		return ErrURL
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // so that nobody else can read what SQLite would make readable
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	d.engine, d.path = SQLite, path
	d.sql = sql.OpenDB(connector{dsn: path + sqlitePragmas})
	d.sql.SetMaxOpenConns(sqliteConns)
	d.sql.SetMaxIdleConns(sqliteConns)
	d.writing = make(chan struct{}, 1)
	return nil
}

// dialect is what GORM needs to know of the engine.
func (d *DB) dialect(conn gorm.ConnPool) gorm.Dialector {
	if d.engine == SQLite {
		return &sqlite.Dialector{Conn: conn}
	}
	return postgres.New(postgres.Config{Conn: conn})
}

// connector opens connections that keep a time as the number of its microseconds since 1970: it sorts, compares and is indexed as
// what it is, in eight bytes. A column declared DATETIME is a time again when it is read.
type connector struct{ dsn string }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T can't do what it could", inner), inner.Close())
	}
	return conn{full}, nil
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &gosqlite.Driver{} }

type fullConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

type conn struct{ fullConn }

// CheckNamedValue implements driver.NamedValueChecker.
func (conn) CheckNamedValue(nv *driver.NamedValue) (err error) {
	nv.Value, err = driver.DefaultParameterConverter.ConvertValue(nv.Value)
	if t, ok := nv.Value.(time.Time); ok {
		nv.Value = t.UnixMicro()
	}
	return err
}

// QueryContext implements driver.QueryerContext.
func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return timed(c.fullConn.QueryContext(ctx, query, args))
}

// Prepare implements driver.Conn.
func (c conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt{s, c.fullConn, query}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.fullConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return connTx{tx}, nil
}

// connTx ends a transaction that could not be committed: SQLite leaves it open, and the connection would go back to the pool with it.
type connTx struct{ driver.Tx }

// Commit implements driver.Tx.
func (t connTx) Commit() error {
	err := t.Tx.Commit()
	if err != nil {
		_ = t.Tx.Rollback() // it fails when SQLite has rolled back by itself
	}
	return err
}

// stmt runs its text anew each time, which is all the driver's own statements do.
type stmt struct {
	driver.Stmt
	conn  fullConn
	query string
}

// ExecContext implements driver.StmtExecContext.
func (s stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return timed(s.conn.QueryContext(ctx, s.query, args))
}

// rows gives the times of its DATETIME columns as times.
type rows struct {
	driver.Rows
	times []int
}

func timed(inner driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	r := rows{Rows: inner}
	if typed, ok := inner.(driver.RowsColumnTypeDatabaseTypeName); ok {
		for i := range inner.Columns() {
			if typed.ColumnTypeDatabaseTypeName(i) == "DATETIME" {
				r.times = append(r.times, i)
			}
		}
	}
	return r, nil
}

// Next implements driver.Rows.
func (r rows) Next(dest []driver.Value) error {
	if err := r.Rows.Next(dest); err != nil {
		return err
	}
	for _, i := range r.times {
		if micros, ok := dest[i].(int64); ok {
			dest[i] = time.UnixMicro(micros).UTC()
		}
	}
	return nil
}
