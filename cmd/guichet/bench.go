package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"guichet/channels"
	"guichet/channels/email"
	"guichet/config"
	"guichet/ticketing/demo"
	"guichet/ticketing/store"
)

type benchCommand struct {
	Intake     benchIntake     `cmd:"" help:"Mails from an IMAP server to routed tickets."`
	Webhooks   benchWebhooks   `cmd:"" help:"Signed text messages of a provider to routed tickets."`
	Search     benchSearch     `cmd:"" help:"People and texts found among many."`
	Mailserver benchMailserver `cmd:"" hidden:""`
}

type benchIntake struct {
	Mails    int    `help:"Mails in the backlog." default:"2000"`
	Paced    int    `help:"Mails that then arrive one by one, 20 a second, to measure how long each takes." default:"200"`
	Scale    int    `help:"Multiplies both." default:"1"`
	Soak     int    `help:"Only a backlog of this many mails, with the memory at ten moments." placeholder:"MAILS"`
	Database string `help:"sqlite, or postgres://… of an empty database." default:"sqlite"`
	Postgres string `help:"The same as --database with a PostgreSQL." placeholder:"URL"`
	Redis    string `help:"embedded, or redis://…" default:"embedded"`
	Dovecot  bool   `help:"Let the mails lie on a Dovecot of its own instead of a server in memory."`
	Boxes    []int  `help:"Sizes of the boxes in which waking up with nothing new is measured; none with 0." default:"50,50000"`
	JSON     bool   `help:"One JSON object instead of lines."`
	Profile  string `help:"Write a CPU profile of the backlog there." placeholder:"FILE"`
}

// intakeFigures is what the benchmark found. A limit is measured in the same run, before ours.
type intakeFigures struct {
	Database      string    `json:"database"` // sqlite or postgres
	Dovecot       bool      `json:"dovecot"`
	Mails         int       `json:"mails"`
	PerSecond     float64   `json:"mails_per_second"`
	LimitPer      float64   `json:"limit_per_second"` // fetching and parsing the same mails, filing nothing
	Ratio         float64   `json:"ratio"`            // PerSecond / LimitPer
	BarePer       float64   `json:"bare_per_second"`  // fetching, parsing and bare inserts
	BareRatio     float64   `json:"bare_ratio"`       // PerSecond / BarePer
	CPUMillis     float64   `json:"cpu_ms_per_mail"`  // this process; the mail server is another, and so is PostgreSQL
	BareCPUMillis float64   `json:"bare_cpu_ms_per_mail"`
	Told          waits     `json:"idle_client_told_ms"` // from the delivery to the server's word to a client that does nothing but idle
	Arrived       waits     `json:"arrival_to_visible_ms"`
	Visible       waits     `json:"word_to_visible_ms"` // from that word to the event by which the API's followers and browsers learn of it
	PeakMegabytes float64   `json:"peak_memory_mb"`
	Memory        []float64 `json:"memory_mb"` // at ten moments of the backlog
	WakeUps       []wakeUp  `json:"wake_ups"`
}

// waits are percentiles, in milliseconds.
type waits struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

func percentiles(took []time.Duration) waits {
	if len(took) == 0 {
		return waits{}
	}
	slices.Sort(took)
	at := func(p int) float64 {
		return float64(took[min(len(took)*p/100, len(took)-1)]) / float64(time.Millisecond)
	}
	return waits{at(50), at(95), at(99)}
}

// wakeUp is what looking for new mail costs when there is none.
type wakeUp struct {
	Box       int     `json:"box"`
	CPUMillis float64 `json:"cpu_ms"`
}

// Run measures the way in. The mail server is a process of its own, so that its work and memory do not count.
func (b benchIntake) Run(w world) (err error) {
	b.Mails, b.Paced = b.Mails*b.Scale, b.Paced*b.Scale
	if b.Soak > 0 {
		b.Mails, b.Paced, b.Boxes = b.Soak, 0, nil
	}
	if b.Postgres != "" {
		b.Database = b.Postgres
	}
	if b.Mails < 1 || b.Paced < 0 {
		return fmt.Errorf("--mails must be above zero (%w)", errUsage)
	}
	folder, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Minute)
	defer cancel()
	engine, _, _ := strings.Cut(b.Database, ":")
	figures := intakeFigures{Database: engine, Dovecot: b.Dovecot, Mails: b.Mails}
	if err := b.measure(ctx, folder, w, &figures); err != nil {
		return err
	}
	for _, mails := range b.Boxes {
		if mails < 1 {
			continue
		}
		cost, err := wakeUps(ctx, w, mails)
		if err != nil {
			return err
		}
		figures.WakeUps = append(figures.WakeUps, wakeUp{Box: mails, CPUMillis: cost})
	}
	return b.print(w.stdout, figures)
}

// measure files the backlog and the paced mails. The limits come after, so that their memory does not count; the mails are the same.
func (b benchIntake) measure(ctx context.Context, folder string, w world, figures *intakeFigures) (err error) {
	server, err := startBenchServer(ctx, w.stderr, benchMailserver{Mails: b.Mails, Paced: b.Paced, Dovecot: b.Dovecot})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := b.intake(ctx, folder, server, figures); err != nil {
		return err
	}
	if b.Soak > 0 {
		return nil
	}
	if figures.LimitPer, err = pullInto(ctx, server.mailbox, b.Mails, nobody{}); err != nil {
		return err
	}
	before := cpuTime()
	if figures.BarePer, err = b.bareLimit(ctx, folder, server, b.Database); err != nil {
		return err
	}
	figures.BareCPUMillis = perMail(cpuTime()-before, b.Mails)
	figures.Ratio, figures.BareRatio = figures.PerSecond/figures.LimitPer, figures.PerSecond/figures.BarePer
	return nil
}

func perMail(spent time.Duration, mails int) float64 {
	return float64(spent) / float64(time.Millisecond) / float64(mails)
}

func (b benchIntake) print(out io.Writer, f intakeFigures) error {
	if b.JSON {
		return json.NewEncoder(out).Encode(f)
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "intake, %d mails, %s\n  %8.0f mails/s\n", f.Mails, f.Database, f.PerSecond)
	if f.LimitPer > 0 {
		fmt.Fprintf(&lines, "  %8.0f mails/s fetched and parsed only: ratio %.2f\n", f.LimitPer, f.Ratio)
		fmt.Fprintf(&lines, "  %8.0f mails/s fetched, parsed and inserted barely: ratio %.2f\n", f.BarePer, f.BareRatio)
	}
	fmt.Fprintf(&lines, "  %8.2f ms CPU per mail in this process; barely %.2f\n", f.CPUMillis, f.BareCPUMillis)
	fmt.Fprintf(&lines, "  %8.0f MB peak memory; on the way %.0f\n", f.PeakMegabytes, f.Memory)
	if b.Paced > 0 {
		fmt.Fprintf(&lines, "  %8.1f ms from the server's word to visible, p50; p95 %.1f, p99 %.1f\n", f.Visible.P50, f.Visible.P95, f.Visible.P99)
		fmt.Fprintf(&lines, "  %8.1f ms from the delivery to visible, p50; p95 %.1f, p99 %.1f\n", f.Arrived.P50, f.Arrived.P95, f.Arrived.P99)
		fmt.Fprintf(&lines, "  %8.1f ms until the server told an idle client, p50; p95 %.1f\n", f.Told.P50, f.Told.P95)
	}
	for _, wake := range f.WakeUps {
		fmt.Fprintf(&lines, "  %8.2f ms CPU to wake up with nothing new in a box of %d\n", wake.CPUMillis, wake.Box)
	}
	_, err := io.WriteString(out, lines.String())
	return err
}

// intake runs a hub without pages on the backlog, then on mails that arrive one by one.
func (b benchIntake) intake(ctx context.Context, folder string, server *benchServer, figures *intakeFigures) (err error) {
	c := config.Default()
	c.Database, c.Redis, c.Files = b.Database, b.Redis, filepath.Join(folder, "files")
	if b.Database == "sqlite" {
		c.Database = "sqlite://" + filepath.Join(folder, "guichet.db")
	}
	log := newLog(os.Stderr, config.Log{Level: "error"})
	if err := migrateFor(ctx, c); err != nil {
		return err
	}
	h, err := openHub(ctx, c, log, hubOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	town, err := demo.Town()
	if err != nil {
		return err
	}
	if _, err := h.town.Import(ctx, town, false); err != nil {
		return err
	}
	if err := h.town.KeepLines(ctx, linesOf(config.Config{Mailboxes: []email.Mailbox{server.mailbox}})); err != nil {
		return err
	}
	watch := &watch{next: h.desk, wanted: b.Mails, done: make(chan struct{}), every: max(1, b.Mails/10)}
	endProfile, err := profile(b.Profile)
	if err != nil {
		return err
	}
	before, begin := cpuTime(), time.Now()
	stop := pull(ctx, server.mailbox, watch, h.db)
	defer stop()
	if err := errors.Join(watch.wait(ctx), endProfile()); err != nil {
		return err
	}
	took := time.Since(begin)
	figures.PerSecond = float64(b.Mails) / took.Seconds()
	figures.CPUMillis = perMail(cpuTime()-before, b.Mails)
	figures.PeakMegabytes, figures.Memory = peakMemory(), watch.memory
	if b.Paced == 0 {
		return nil
	}
	return arrivals(ctx, h, server, b.Mails, b.Paced, figures)
}

// profile starts a CPU profile, if there is a file for it, and gives what ends it.
func profile(path string) (end func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

func migrateFor(ctx context.Context, c config.Config) error {
	db, err := store.Open(ctx, c.Database, store.Options{Log: newLog(io.Discard, c.Log), Now: now})
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx)
	return errors.Join(err, db.Close())
}

// pullInto fetches and parses the backlog for a receiver that files nothing of ours: what no intake can be faster than.
func pullInto(ctx context.Context, m email.Mailbox, mails int, to channels.Receiver) (float64, error) {
	counter := &watch{next: to, wanted: mails, done: make(chan struct{})}
	begin := time.Now()
	stop := pull(ctx, m, counter, forgetful{})
	defer stop()
	if err := counter.wait(ctx); err != nil {
		return 0, err
	}
	return float64(mails) / time.Since(begin).Seconds(), nil
}

// mailboxKeeper is what a puller keeps its place with.
type mailboxKeeper interface {
	email.Positions
	email.Leases
	email.Monitor
}

func pull(ctx context.Context, m email.Mailbox, to channels.Receiver, keeper mailboxKeeper) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	puller := email.NewPuller(m, email.PullerDeps{
		Receiver: to, Positions: keeper, Leases: keeper, Monitor: keeper, Owner: "bench", Log: newLog(io.Discard, config.Log{}), Now: time.Now,
	})
	var running sync.WaitGroup
	running.Go(func() { _ = puller.Run(ctx) }) // it ends with ctx
	return func() { cancel(); running.Wait() }
}

func (w *watch) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("the mails did not all come: %w", ctx.Err())
	case <-w.done:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.err
	}
}

// watch counts what passes to the next receiver, and looks at the memory of the process now and then.
type watch struct {
	next   channels.Receiver
	mu     sync.Mutex
	wanted int
	done   chan struct{}
	err    error     // that ended it
	every  int       // mails between two looks at the memory; 0: none
	memory []float64 // in megabytes
}

// Receive implements channels.Receiver.
func (w *watch) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	filed, err := w.next.Receive(ctx, group)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil { // a puller would offer them for ever
		if w.wanted > 0 && ctx.Err() == nil {
			w.err, w.wanted = err, 0
			close(w.done)
		}
		return nil, err
	}
	before := w.wanted
	w.wanted -= len(group)
	if w.every > 0 && before/w.every != w.wanted/w.every {
		w.memory = append(w.memory, residentMemory())
	}
	if before > 0 && w.wanted <= 0 { // the paced mails are in the box, too, when the limits are measured
		close(w.done)
	}
	return filed, nil
}

// nobody files nothing.
type nobody struct{}

// Receive implements channels.Receiver.
func (nobody) Receive(_ context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	return make([]channels.Filed, len(group)), nil
}

// forgetful keeps nothing.
type forgetful struct{}

// Cursor implements email.Positions.
func (forgetful) Cursor(context.Context, string) (channels.Cursor, error) {
	return channels.Cursor{}, nil
}

// SaveCursor implements email.Positions.
func (forgetful) SaveCursor(context.Context, string, int64, channels.Cursor) error { return nil }

// CopiesOf implements email.Positions: as if all were kept, so that nothing is fetched twice.
func (forgetful) CopiesOf(context.Context, string, uint32) ([]uint32, error) {
	all := make([]uint32, 1<<20)
	for i := range all {
		all[i] = uint32(i + 1)
	}
	return all, nil
}

// CopyTimes implements email.Positions.
func (forgetful) CopyTimes(context.Context, string, int) ([]time.Time, error) { return nil, nil }

// Hold implements email.Leases.
func (forgetful) Hold(context.Context, string, string, time.Duration) (int64, bool, error) {
	return 1, true, nil
}

// Drop implements email.Leases.
func (forgetful) Drop(context.Context, string, string) error { return nil }

// NoteHealth implements email.Monitor.
func (forgetful) NoteHealth(context.Context, channels.Health) error { return nil }
