package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
	"guichet/ticketing/store"
)

// bareInserts is the smallest program that could be called an intake: it keeps the mails it is given in a few tables, one transaction
// a group, by statements without any layer above the driver. It decides nothing and tells nobody. It stands beside our figure as the
// limit of this machine, with the same engine, durability, groups and files.
type bareInserts struct {
	db       *sql.DB
	postgres bool
	files    ticketing.Files
}

// bareSchema has the seven indexes no intake can do without: four primary keys, the key of an original, whom an address belongs to, and
// what an answer refers to.
const bareSchema = `
CREATE TABLE %[1]soriginals (id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, raw %[2]s, size BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE %[1]scitizens (id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE %[1]stickets (id TEXT PRIMARY KEY, citizen TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE %[1]smessages (id TEXT PRIMARY KEY, ticket TEXT NOT NULL, original TEXT NOT NULL, external TEXT NOT NULL, subject TEXT NOT NULL,
	text TEXT NOT NULL, html TEXT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX %[1]smessages_external ON %[1]smessages (external);
`

// openBare opens an empty database beside ours: a file of its own with our pragmas, or tables of its own in the same PostgreSQL.
func openBare(ctx context.Context, url, folder string, files ticketing.Files) (_ *bareInserts, err error) {
	b := &bareInserts{files: files, postgres: !strings.HasPrefix(url, "sqlite")}
	prefix, blob := "", "BLOB"
	if b.postgres {
		prefix, blob = "bare_", "BYTEA"
		b.db, err = sql.Open("pgx", url)
	} else {
		b.db, err = sql.Open("sqlite", folder+"/bare.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-8000)&_txlock=immediate")
	}
	if err != nil {
		return nil, err
	}
	b.db.SetMaxOpenConns(1)
	for statement := range strings.SplitSeq(fmt.Sprintf(bareSchema, prefix, blob), ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, b.db.Close())
		}
	}
	return b, nil
}

// close drops what is beside the tables of a database that stays.
func (b *bareInserts) close(ctx context.Context) error {
	var errs []error
	if b.postgres {
		_, err := b.db.ExecContext(ctx, "DROP TABLE bare_originals, bare_citizens, bare_tickets, bare_messages")
		errs = append(errs, err)
	}
	return errors.Join(append(errs, b.db.Close())...)
}

// Receive implements channels.Receiver.
func (b *bareInserts) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	for _, in := range group {
		for _, a := range in.Attachments {
			if _, err := b.files.Put(ctx, a.Data); err != nil {
				return nil, err
			}
		}
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // it is committed, or the error is the one that counts
	if b.postgres {
		err = b.columns(ctx, tx, group)
	} else {
		err = b.rows(ctx, tx, group)
	}
	if err != nil {
		return nil, err
	}
	return make([]channels.Filed, len(group)), tx.Commit()
}

// rows inserts row by row, which is the fastest on SQLite.
func (b *bareInserts) rows(ctx context.Context, tx *sql.Tx, group []channels.Inbound) error {
	for _, in := range group {
		original, at := ticketing.NewID(), in.At.UnixMicro()
		var citizen, ticket string
		err := tx.QueryRowContext(ctx, "INSERT INTO citizens VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET name = name RETURNING id",
			ticketing.NewID(), in.From.Value, in.From.Name).Scan(&citizen)
		if err != nil {
			return err
		}
		if len(in.InReplyTo) > 0 {
			err := tx.QueryRowContext(ctx, "SELECT ticket FROM messages WHERE external = ?", in.InReplyTo[0]).Scan(&ticket)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if ticket == "" {
			ticket = ticketing.NewID()
			if _, err := tx.ExecContext(ctx, "INSERT INTO tickets VALUES (?, ?, ?, ?, ?)", ticket, citizen, in.Subject, "new", at); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO originals VALUES (?, ?, ?, ?, ?)", original, in.Key, in.Raw, len(in.Raw), at); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			ticketing.NewID(), ticket, original, in.ID, in.Subject, in.Text, in.HTML, at)
		if err != nil {
			return err
		}
	}
	return nil
}

// columns inserts a group by five statements, one array per column, which is the fastest on PostgreSQL: it is bound by round trips.
func (b *bareInserts) columns(ctx context.Context, tx *sql.Tx, group []channels.Inbound) error {
	var ids, keys, people, addresses, names, tickets, subjects, messages, externals, texts, htmls, parents []string
	var raws [][]byte
	var sizes, ats []int64
	for _, in := range group {
		ids, people, messages = append(ids, ticketing.NewID()), append(people, ticketing.NewID()), append(messages, ticketing.NewID())
		keys, addresses, names = append(keys, in.Key), append(addresses, in.From.Value), append(names, in.From.Name)
		subjects, externals = append(subjects, in.Subject), append(externals, in.ID)
		texts, htmls, raws = append(texts, in.Text), append(htmls, in.HTML), append(raws, in.Raw)
		sizes, ats = append(sizes, int64(len(in.Raw))), append(ats, in.At.UnixMicro())
		if len(in.InReplyTo) > 0 {
			parents = append(parents, in.InReplyTo[0])
		}
	}
	known := map[string]string{}
	found, err := tx.QueryContext(ctx, "SELECT external, ticket FROM bare_messages WHERE external = ANY($1)", parents)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }() // its error is Err's
	for found.Next() {
		var external, ticket string
		if err := found.Scan(&external, &ticket); err != nil {
			return err
		}
		known[external] = ticket
	}
	if err := found.Err(); err != nil {
		return err
	}
	var fresh, citizens, freshSubjects []string
	var freshAts []int64
	for i, in := range group {
		ticket := ""
		if len(in.InReplyTo) > 0 {
			ticket = known[in.InReplyTo[0]]
		}
		if ticket == "" {
			ticket = ticketing.NewID()
			fresh, citizens = append(fresh, ticket), append(citizens, people[i])
			freshSubjects, freshAts = append(freshSubjects, in.Subject), append(freshAts, ats[i])
		}
		known[in.ID] = ticket
		tickets = append(tickets, ticket)
	}
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO bare_citizens SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (address) DO NOTHING", []any{people, addresses, names}},
		{"INSERT INTO bare_originals SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])", []any{ids, keys, raws, sizes, ats}},
		{"INSERT INTO bare_tickets SELECT id, citizen, subject, 'new', at FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS t (id, citizen, subject, at)", []any{fresh, citizens, freshSubjects, freshAts}},
		{"INSERT INTO bare_messages SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])",
			[]any{messages, tickets, ids, externals, subjects, texts, htmls, ats}},
	} {
		if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// bareLimit is how many mails a second are fetched, parsed and kept by the bare program.
func (b benchIntake) bareLimit(ctx context.Context, folder string, server *benchServer, url string) (_ float64, err error) {
	files, err := store.OpenFolder(folder + "/bare")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	bare, err := openBare(ctx, url, folder, files)
	if err != nil {
		return 0, fmt.Errorf("the limit, bare inserts: %w", err)
	}
	defer func() { err = errors.Join(err, bare.close(context.WithoutCancel(ctx))) }()
	return pullInto(ctx, server.mailbox, b.Mails, bare)
}

// wakeUps is how long one wake-up with nothing new keeps this process busy, in milliseconds of CPU, in a box of that many mails.
func wakeUps(ctx context.Context, w world, mails int) (_ float64, err error) {
	server, err := startBenchServer(ctx, w.stderr, benchMailserver{Mails: mails, Small: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	const pause, wakes = 20 * time.Millisecond, 100
	server.mailbox.IMAP.Poll = pause
	read := &watch{next: nobody{}, wanted: mails, done: make(chan struct{})}
	stop := pull(ctx, server.mailbox, read, forgetful{})
	defer stop()
	if err := read.wait(ctx); err != nil {
		return 0, err
	}
	ticks := time.NewTicker(pause * wakes)
	defer ticks.Stop()
	var before time.Duration
	for range 2 { // the first stretch lets the last mails be forgotten
		before = cpuTime()
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return float64(cpuTime()-before) / float64(time.Millisecond) / wakes, nil
}
