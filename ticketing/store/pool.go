package store

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"
)

// slow is how long a statement may take before the log mentions it.
const slow = 200 * time.Millisecond

// watch sees every statement go by, GORM's and ours, as text with placeholders: a value can't get into the log.
type watch struct {
	step func(name string)
	log  *slog.Logger
}

func (w watch) at(name string) {
	if w.step != nil {
		w.step(name)
	}
}

// statement announces a statement; the function it returns is called when it is done.
func (w watch) statement(ctx context.Context, query string) func() {
	if w.step != nil {
		w.step(short(query))
	}
	began := time.Now()
	return func() {
		if took := time.Since(began); took > slow {
			w.log.WarnContext(ctx, "slow statement", "statement", short(query), "took_ms", took.Milliseconds(), "sql", clip(query, 400))
		}
	}
}

// pool is the connections as GORM wants them.
type pool struct {
	db      *sql.DB
	writing chan struct{} // of DB: nil on PostgreSQL
	watch
}

// BeginTx implements gorm.ConnPoolBeginner.
func (p *pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	defer p.statement(ctx, "BEGIN")()
	tx, err := p.db.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &poolTx{tx: tx, watch: p.watch}, nil
}

// GetDBConn implements gorm.GetDBConnector.
func (p *pool) GetDBConn() (*sql.DB, error) { return p.db, nil }

// PrepareContext implements gorm.ConnPool.
func (p *pool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.db.PrepareContext(ctx, query)
}

// ExecContext implements gorm.ConnPool. On SQLite a statement that changes something waits its turn as a transaction does: left to
// SQLite's own waiting, which looks again after ever longer pauses, it would hardly get between two groups of mails.
func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	defer p.statement(ctx, query)()
	if p.writing != nil {
		select {
		case p.writing <- struct{}{}:
			defer func() { <-p.writing }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return p.db.ExecContext(ctx, query, args...)
}

// QueryContext implements gorm.ConnPool.
func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	defer p.statement(ctx, query)()
	return p.db.QueryContext(ctx, query, args...)
}

// QueryRowContext implements gorm.ConnPool.
func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	defer p.statement(ctx, query)()
	return p.db.QueryRowContext(ctx, query, args...)
}

// poolTx is a transaction as GORM wants it.
type poolTx struct {
	tx *sql.Tx
	watch
}

// Commit implements gorm.TxCommitter.
func (p *poolTx) Commit() error {
	p.at("commit")
	err := p.tx.Commit()
	p.at("committed")
	return err
}

// Rollback implements gorm.TxCommitter.
func (p *poolTx) Rollback() error { return p.tx.Rollback() }

// PrepareContext implements gorm.ConnPool.
func (p *poolTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.tx.PrepareContext(ctx, query)
}

// ExecContext implements gorm.ConnPool.
func (p *poolTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	defer p.statement(ctx, query)()
	return p.tx.ExecContext(ctx, query, args...)
}

// QueryContext implements gorm.ConnPool.
func (p *poolTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	defer p.statement(ctx, query)()
	return p.tx.QueryContext(ctx, query, args...)
}

// QueryRowContext implements gorm.ConnPool.
func (p *poolTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	defer p.statement(ctx, query)()
	return p.tx.QueryRowContext(ctx, query, args...)
}

// short names a statement by its verb and its table: "insert tickets".
func short(query string) string {
	words := strings.Fields(clip(query, 2000))
	if len(words) == 0 {
		return ""
	}
	name := strings.ToLower(words[0])
	for i, w := range words[:len(words)-1] {
		switch strings.ToUpper(w) {
		case "INTO", "UPDATE", "FROM":
			return name + " " + strings.Trim(words[i+1], "`\"(),;")
		}
	}
	return name
}

func clip(s string, n int) string { return s[:min(n, len(s))] }
