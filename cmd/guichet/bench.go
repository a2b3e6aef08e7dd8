package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
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
	Mailserver benchMailserver `cmd:"" hidden:""`
}

type benchIntake struct {
	Mails    int    `help:"Mails in the backlog." default:"2000"`
	Paced    int    `help:"Mails that then arrive one by one, 20 a second, to measure how long each takes." default:"200"`
	Scale    int    `help:"Multiplies both." default:"1"`
	Database string `help:"sqlite, or postgres://… of an empty database." default:"sqlite"`
	Redis    string `help:"embedded, or redis://…" default:"embedded"`
	JSON     bool   `help:"One JSON object instead of lines."`
	Profile  string `help:"Write a CPU profile of the backlog there." placeholder:"FILE"`
}

// intakeFigures is what the benchmark found.
type intakeFigures struct {
	Database      string  `json:"database"`
	Mails         int     `json:"mails"`
	PerSecond     float64 `json:"mails_per_second"`
	LimitPer      float64 `json:"limit_per_second"` // fetching and parsing the same mails, filing nothing
	Ratio         float64 `json:"ratio"`            // PerSecond / LimitPer
	CPUMillis     float64 `json:"cpu_ms_per_mail"`  // this process; the mail server is another, and so is PostgreSQL
	QueuedP50     float64 `json:"arrival_to_queued_p50_ms"`
	QueuedP99     float64 `json:"arrival_to_queued_p99_ms"`
	PeakMegabytes float64 `json:"peak_memory_mb"`
}

// Run measures the way in. The mail server is a process of its own, so that its work and memory do not count.
func (b benchIntake) Run(w world) (err error) {
	b.Mails, b.Paced = b.Mails*b.Scale, b.Paced*b.Scale
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
	server, err := startBenchServer(ctx, b.Mails, b.Paced, w.stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	figures := intakeFigures{Database: b.Database, Mails: b.Mails}
	limit, err := pullOnly(ctx, server.mailbox, b.Mails)
	if err != nil {
		return err
	}
	figures.LimitPer = limit
	if err := b.intake(ctx, folder, server, &figures); err != nil {
		return err
	}
	figures.Ratio = figures.PerSecond / figures.LimitPer
	return b.print(w.stdout, figures)
}

func (b benchIntake) print(out io.Writer, f intakeFigures) error {
	if b.JSON {
		return json.NewEncoder(out).Encode(f)
	}
	_, err := fmt.Fprintf(out, `intake, %d mails, %s
  %8.0f mails/s
  %8.0f mails/s fetched and parsed only, in the same run: ratio %.2f
  %8.2f ms CPU per mail (this process)
  %8.0f MB peak memory
`, f.Mails, f.Database, f.PerSecond, f.LimitPer, f.Ratio, f.CPUMillis, f.PeakMegabytes)
	if err != nil || b.Paced == 0 {
		return err
	}
	_, err = fmt.Fprintf(out, "  %8.1f ms from arrival to queued, p50\n  %8.1f ms from arrival to queued, p99\n", f.QueuedP50, f.QueuedP99)
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
	watch := &watch{next: h.desk, wanted: b.Mails, done: make(chan struct{})}
	endProfile, err := profile(b.Profile)
	if err != nil {
		return err
	}
	before, begin := cpuTime(), time.Now()
	stop := pull(ctx, server.mailbox, watch, h.db)
	defer stop()
	if err := errors.Join(wait(ctx, watch.done), endProfile()); err != nil {
		return err
	}
	took := time.Since(begin)
	figures.PerSecond = float64(b.Mails) / took.Seconds()
	figures.CPUMillis = float64(cpuTime()-before) / float64(time.Millisecond) / float64(b.Mails)
	figures.PeakMegabytes = peakMemory()
	if b.Paced == 0 {
		return nil
	}
	watch.restart(b.Paced)
	if err := server.pace(); err != nil {
		return err
	}
	if err := wait(ctx, watch.done); err != nil {
		return err
	}
	figures.QueuedP50, figures.QueuedP99 = watch.percentile(50), watch.percentile(99)
	return nil
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

// pullOnly fetches and parses the backlog and files nothing: what no intake can be faster than.
func pullOnly(ctx context.Context, m email.Mailbox, mails int) (float64, error) {
	counter := &watch{next: nobody{}, wanted: mails, done: make(chan struct{})}
	begin := time.Now()
	stop := pull(ctx, m, counter, forgetful{})
	defer stop()
	if err := wait(ctx, counter.done); err != nil {
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

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("the mails did not all come: %w", ctx.Err())
	case <-done:
		return nil
	}
}

// watch counts what passes to the next receiver and how long it took since it was delivered.
type watch struct {
	next   channels.Receiver
	mu     sync.Mutex
	wanted int
	done   chan struct{}
	took   []time.Duration
}

// Receive implements channels.Receiver.
func (w *watch) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	filed, err := w.next.Receive(ctx, group)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range group {
		if sent, ok := sentAt(in.ID); ok {
			w.took = append(w.took, at.Sub(sent))
		}
	}
	w.wanted -= len(group)
	if w.wanted == 0 {
		close(w.done)
	}
	return filed, nil
}

func (w *watch) restart(wanted int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted, w.done, w.took = wanted, make(chan struct{}), nil
}

// percentile of the waits, in milliseconds.
func (w *watch) percentile(p int) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.took) == 0 {
		return 0
	}
	slices.Sort(w.took)
	return float64(w.took[min(len(w.took)*p/100, len(w.took)-1)]) / float64(time.Millisecond)
}

// sentAt reads the moment of delivery that the bench's mail server writes into a Message-ID.
func sentAt(id string) (time.Time, bool) {
	text, ok := strings.CutPrefix(id, "at.")
	text, _, _ = strings.Cut(text, "@")
	nanos, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(0, nanos), ok && err == nil
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

// benchServer is the mail server's process.
type benchServer struct {
	mailbox email.Mailbox
	command *exec.Cmd
	orders  io.WriteCloser
}

func startBenchServer(ctx context.Context, mails, paced int, stderr io.Writer) (*benchServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "mailserver", "--mails", strconv.Itoa(mails), "--paced", strconv.Itoa(paced))
	cmd.Stderr = stderr
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &benchServer{command: cmd, orders: orders}
	var port int
	if _, err := fmt.Fscanf(answers, "%d\n", &port); err != nil {
		return nil, errors.Join(fmt.Errorf("the mail server did not start: %w", err), s.stop())
	}
	s.mailbox = email.Mailbox{
		Name: "bench", Address: demoAddress, Department: "accueil", PlusAddresses: true,
		IMAP: email.IMAP{
			Host: "127.0.0.1", Port: port, TLS: email.NoTLS, Username: demoAddress, Password: demoMailPass, Folder: "INBOX",
			After: "leave", Poll: time.Minute, MaxSize: 40 << 20,
		},
		SMTP: email.SMTP{Host: "127.0.0.1", Port: 1, TLS: email.NoTLS},
	}
	return s, nil
}

// pace tells the server to deliver the paced mails.
func (s *benchServer) pace() error {
	_, err := io.WriteString(s.orders, "pace\n")
	return err
}

// stop ends the server: it goes when its standard input closes.
func (s *benchServer) stop() error { return errors.Join(s.orders.Close(), s.command.Wait()) }
