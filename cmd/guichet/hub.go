package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"guichet/agentapi"
	"guichet/agentapi/auth"
	"guichet/agentapi/console"
	"guichet/channels"
	"guichet/channels/email"
	"guichet/channels/twilio"
	"guichet/config"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/outbox"
	"guichet/ticketing/store"
)

// hub is one process of Guichet, wired and not yet running.
type hub struct {
	config     config.Config
	log        *slog.Logger
	db         *store.DB
	files      *store.Folder
	router     *routing.Router
	town       *ticketing.Town
	desk       *ticketing.Desk
	ledger     *ticketing.Ledger
	owner      string // of leases
	journal    *ticketing.Journal
	indexer    *ticketing.Indexer
	dispatcher *outbox.Dispatcher
	fetching   *ticketing.Fetching // nil: no provider keeps files
	sender     *email.Sender
	pullers    []*email.Puller
	server     *agentapi.Server
	closers    []func() error
}

// hubOptions is what differs between serve, demo and the tests.
type hubOptions struct {
	metricsForAgents bool              // the demo has no Prometheus with a token
	step             func(name string) // see store.Options.Step
	senders          map[channels.Name]channels.Sender
	lease            time.Duration // of deliveries
}

// openHub opens the database, Redis and the files, reads the town, and wires the rooms in reading order. Nothing runs yet; on an
// error nothing stays open.
func openHub(ctx context.Context, c config.Config, log *slog.Logger, o hubOptions) (_ *hub, err error) {
	h := &hub{config: c, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if h.router, err = routing.Open(ctx, c.Redis, routing.Options{Log: log, Now: time.Now}); err != nil {
		return nil, err // before the database is migrated: what can't start leaves nothing behind
	}
	h.closers = append(h.closers, h.router.Close)
	if err := h.openData(ctx, o); err != nil {
		return nil, err
	}
	files, err := store.OpenFolder(c.Files)
	if err != nil {
		return nil, fmt.Errorf("files %s: %w; make the folder writable for the user Guichet runs as", c.Files, err)
	}
	h.files = files
	h.closers = append(h.closers, files.Close)
	if h.town, err = openTown(ctx, h.db, c, log); err != nil {
		return nil, err
	}
	if err := h.town.KeepLines(ctx, linesOf(c)); err != nil {
		return nil, err
	}
	keys, err := h.town.SigningKeys(ctx, c.Key(), c.OldKeys(), freshKey)
	if err != nil {
		return nil, err
	}
	metrics := agentapi.NewMetrics()
	h.desk = ticketing.NewDesk(ticketing.DeskParts{
		Store: h.db, Files: files, Town: h.town, Router: h.router, Keys: keys, Now: now, Log: log, Stats: metrics,
		Render: email.Document, Sniff: email.SniffType,
	})
	quarantine := ticketing.NewQuarantine(h.desk, map[channels.Name]channels.Rereader{channels.Email: email.NewReader(c.Mailboxes)})
	reader := ticketing.NewReader(h.db, files, h.town, h.router, now)
	h.journal = ticketing.NewJournal(h.db, h.router, log)
	h.ledger = ticketing.NewLedger(h.db, h.town, c.Consultations.Keep, now, log)
	h.indexer = ticketing.NewIndexer(h.db, h.router, log)
	owner := ticketing.NewID()
	h.owner = owner
	if h.db.Engine() == store.SQLite { // nobody else has the file, so the leases of others are those of the dead
		if err := h.db.DropLeases(ctx, owner); err != nil {
			return nil, err
		}
	}
	if err := h.wireMail(ctx, owner); err != nil {
		return nil, err
	}
	switchboard := ticketing.NewSwitchboard(h.desk)
	senders := o.senders
	if senders == nil {
		senders = h.senders()
	}
	h.dispatcher = outbox.New(outbox.Parts{
		Store: h.db, Files: files, Router: h.router, Senders: senders, Owner: owner, Lease: o.lease,
		Now: now, Log: log, Stats: metrics,
	})
	if c.Twilio.Enabled() {
		h.fetching = ticketing.NewFetching(h.desk, twilio.NewMedia(c.Twilio), log)
	}
	guard := auth.New(auth.Parts{
		Store: h.db, Town: h.town, Router: h.router, Now: now, Log: log, Secure: strings.HasPrefix(c.HTTP.PublicURL, "https:"),
		PublicURL: c.HTTP.PublicURL,
	})
	registry := ticketing.NewRegistry(h.db, h.town, h.router, now, log)
	pages, err := console.New(console.Parts{
		Desk: h.desk, Registry: registry, Reader: reader, Quarantine: quarantine, Ledger: h.ledger, Switchboard: switchboard, Town: h.town, Guard: guard, Now: now, Log: log,
		SafeHTML: email.SafeHTML, FoldHTML: email.FoldHTML, RemotePictures: email.RemotePictures,
	})
	if err != nil {
		return nil, err
	}
	h.server, err = agentapi.New(agentapi.Parts{
		Desk: h.desk, Registry: registry, Reader: reader, Quarantine: quarantine, Ledger: h.ledger, Switchboard: switchboard, Mounts: h.webhooks(switchboard, metrics), Town: h.town, Journal: h.journal, Router: h.router, Store: h.db, Guard: guard, Console: pages,
		Metrics: metrics, PublicURL: c.HTTP.PublicURL, Version: version, MetricsForAgents: o.metricsForAgents, TrustedProxies: c.HTTP.TrustedProxies, Log: log, Now: now,
		Ready: h.ready,
	})
	return h, err
}

// openData opens the database. A SQLite file is this process's alone and is migrated here; PostgreSQL is migrated by
// `guichet migrate`, and an old schema is refused.
func (h *hub) openData(ctx context.Context, o hubOptions) error {
	db, err := store.Open(ctx, h.config.Database, store.Options{Log: h.log, Now: now, Step: o.step})
	if err != nil {
		return err
	}
	h.db = db
	h.closers = append(h.closers, db.Close)
	release, err := db.Exclusive()
	if err != nil {
		return err
	}
	h.closers = append(h.closers, func() error { release(); return nil })
	if err := upToDate(ctx, db, h.log); err != nil {
		return err
	}
	return db.Restored(ctx)
}

// upToDate migrates a SQLite file and refuses an old PostgreSQL schema.
func upToDate(ctx context.Context, db *store.DB, log *slog.Logger) error {
	if db.Engine() == store.SQLite {
		applied, err := db.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
		if applied > 0 {
			log.Info("database migrated", "migrations", applied)
		}
		return nil
	}
	have, want, err := db.Current(ctx)
	if err != nil {
		return err
	}
	if have < want {
		return fmt.Errorf("the database's schema is at %d and this version needs %d; run `guichet migrate` first", have, want)
	}
	return nil
}

func (h *hub) wireMail(ctx context.Context, owner string) error {
	h.sender = email.NewSender(h.config.Mailboxes, h.log)
	h.closers = append(h.closers, h.sender.Close)
	var places []string
	for _, m := range h.config.Mailboxes {
		for _, f := range m.EachFolder() {
			places = append(places, f.Place)
		}
		h.pullers = append(h.pullers, email.NewPullers(m, email.PullerDeps{
			Receiver: h.desk, Positions: h.db, Leases: h.db, Monitor: h.desk, Owner: owner, Log: h.log, Now: now,
		})...)
	}
	return h.db.KeepHealths(ctx, places) // nobody watches a folder that is no longer read
}

// ready tells whether the hub can work: database, its schema, Redis.
func (h *hub) ready(ctx context.Context) error {
	if err := h.db.Ping(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return h.router.Ping(ctx)
}

// close undoes openHub, last first.
func (h *hub) close() error {
	var errs []error
	for _, c := range slices.Backward(h.closers) {
		errs = append(errs, c())
	}
	h.closers = nil
	return errors.Join(errs...)
}

// openTown reads the town, and gives a new one its first department.
func openTown(ctx context.Context, db *store.DB, c config.Config, log *slog.Logger) (*ticketing.Town, error) {
	profile := ticketing.Profile{
		Name: c.Town.Name, Zone: c.Town.Location(), Region: c.Town.Region, Languages: c.Town.Languages, Address: strings.TrimSpace(c.Town.Address),
	}
	if from, to, ok := c.Town.Quiet(); ok {
		profile.Quiet = ticketing.Quiet{From: from, To: to}
	}
	town, err := ticketing.OpenTown(ctx, db, profile, now, log)
	if err != nil {
		return nil, err
	}
	return town, town.Begin(ctx)
}

func linesOf(c config.Config) []ticketing.Line {
	var lines []ticketing.Line
	for i, m := range c.Mailboxes {
		lines = append(lines, ticketing.Line{
			Name: m.Name, Channel: string(channels.Email), Address: strings.ToLower(m.Address), Department: m.Department,
			PlusAddresses: m.PlusAddresses, Position: i + 1,
		})
	}
	for _, l := range c.Twilio.Lines {
		channel := channels.SMS
		if len(l.Uses) > 0 && !slices.Contains(l.Uses, "sms") {
			channel = channels.Phone
		}
		lines = append(lines, ticketing.Line{
			Name: l.Name, Channel: string(channel), Address: l.Number, Department: l.Department, Position: len(lines) + 1,
		})
	}
	return lines
}

// now is the clock of everything that is stored: UTC, in the microseconds both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// freshKey makes a signing key.
func freshKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(key)
}

// newLog makes the log: text for a person, JSON for a machine.
func newLog(w io.Writer, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.SlogLevel()}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// oneLine keeps an error on one line; several in one are told apart.
func oneLine(s string) string {
	var parts []string
	for line := range strings.Lines(s) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " | ")
}

// loadConfig reads the configuration; what is wrong with it is wrong usage.
func (w world) loadConfig() (config.Config, error) {
	c, err := config.Load(w.config, w.env)
	if err != nil {
		return c, fmt.Errorf("%w (%w)", err, errUsage)
	}
	return c, nil
}

// openForCommand opens the database and the town beside a serve that may be running.
func (w world) openForCommand() (*store.DB, *ticketing.Town, error) {
	c, err := w.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	log := newLog(w.stderr, config.Log{Level: "warn"})
	db, err := store.Open(w.ctx, c.Database, store.Options{Log: log, Now: now})
	if err != nil {
		return nil, nil, err
	}
	if err := upToDateBeside(w.ctx, db, log); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	town, err := openTown(w.ctx, db, c, log)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, town, nil
}

// upToDateBeside is upToDate for a command: it migrates a SQLite file only if no serve has it.
func upToDateBeside(ctx context.Context, db *store.DB, log *slog.Logger) error {
	have, want, err := db.Current(ctx)
	if err != nil || have == want {
		return err
	}
	release, err := db.Exclusive()
	if err != nil {
		return fmt.Errorf("the database's schema is at %d and this version needs %d: %w; restart `guichet serve` with this version first", have, want, err)
	}
	defer release()
	return upToDate(ctx, db, log)
}

// terminal tells whether a reader or writer is one, so that only a person is asked and shown progress.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
