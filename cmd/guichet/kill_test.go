package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"guichet/config"
	"guichet/ticketing"
	"guichet/ticketing/demo"
	"guichet/ticketing/store"
)

// The environment of a hub that this test binary runs as, to be killed.
const (
	killConfig = "GUICHET_TEST_KILL_CONFIG" // its configuration, as JSON
	killAt     = "GUICHET_TEST_KILL_AT"     // the step it dies at; 0: none
	killMbox   = "GUICHET_TEST_KILL_MBOX"   // an archive it files instead of running
	killWork   = "GUICHET_TEST_KILL_WORK"   // tickets and sent messages after which it stops by itself
)

func TestMain(m *testing.M) {
	if os.Getenv(killConfig) != "" {
		if err := liveUntilKilled(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3) //nolint:forbidigo // it is the whole of a process
		}
		return
	}
	m.Run()
}

// liveUntilKilled runs a hub that kills itself, as kill -9 does, before the n-th statement or on either side of a commit.
func liveUntilKilled() error {
	var c config.Config
	if err := json.Unmarshal([]byte(os.Getenv(killConfig)), &c); err != nil {
		return err
	}
	at, err := strconv.ParseInt(os.Getenv(killAt), 10, 64)
	if err != nil {
		return err
	}
	wanted, err := strconv.Atoi(os.Getenv(killWork))
	if err != nil {
		return err
	}
	var armed atomic.Bool
	var steps atomic.Int64
	step := func(name string) {
		if armed.Load() && steps.Add(1) == at {
			fmt.Fprintln(os.Stderr, "killed at", name)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	h, err := openHub(ctx, c, log, hubOptions{step: step})
	if err != nil {
		return err
	}
	if path := os.Getenv(killMbox); path != "" {
		armed.Store(true)
		_, err := fileArchive(ctx, h, path)
		return errors.Join(err, h.close())
	}
	beside, err := store.Open(ctx, c.Database, store.Options{Log: log, Now: now}) // its statements are no steps of the hub's
	if err != nil {
		return err
	}
	armed.Store(true)
	err = h.run(ctx, func(string) {
		go func() {
			defer stop()
			look := time.NewTicker(20 * time.Millisecond)
			defer look.Stop()
			for range look.C {
				if done, err := worked(ctx, beside, wanted); done || err != nil {
					return
				}
			}
		}()
	})
	return errors.Join(err, beside.Close())
}

// worked tells whether the wanted number of tickets is filed and as many messages are sent.
func worked(ctx context.Context, db *store.DB, wanted int) (bool, error) {
	rows, err := db.ListTickets(ctx, ticketing.TicketQuery{Scope: everyDepartment(ctx, db), Sort: ticketing.SortReceived, Limit: 100})
	if err != nil || len(rows) < wanted {
		return false, err
	}
	figures, err := db.OutboxFigures(ctx)
	return err == nil && figures.ByState[ticketing.DeliveryQueued]+figures.ByState[ticketing.DeliverySending] == 0, err
}

func everyDepartment(ctx context.Context, db *store.DB) ticketing.TicketScope {
	data, err := db.TownData(ctx)
	if err != nil {
		return ticketing.TicketScope{}
	}
	var s ticketing.TicketScope
	for _, d := range data.Departments {
		s.Departments = append(s.Departments, d.Code)
	}
	return s
}

// A hub is killed at each step between the arrival of two mails and the last word of its acknowledgements, and started again: both
// are tickets, once, and each is acknowledged, once; a mail the server had accepted while the hub died may repeat once, under the
// same Message-ID (both may have been on their way).
func TestKillAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	template := furnished(t)
	stride := 1
	if raceEnabled {
		stride = 12 // the loop runs whole without the race detector, see .ci/run
	}
	killed, repeated := 0, 0
	for n := 1; ; n += stride {
		finished, twice := killOnce(t, template, n)
		if t.Failed() {
			t.Fatalf("at step %d", n)
		}
		if twice {
			repeated++
		}
		if finished {
			break
		}
		killed++
	}
	t.Logf("killed at %d steps; a mail repeated %d times", killed, repeated)
	if killed < 3 {
		t.Errorf("the hub was killed at %d steps only: the test tests nothing", killed)
	}
}

// furnished makes the data of a town that has received nothing yet.
func furnished(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	p := openPost(t, false)
	c := demoConfig("127.0.0.1:0", folder, p.server)
	h, err := openHub(t.Context(), c, slog.New(slog.DiscardHandler), hubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(furnish(t.Context(), h), h.close()); err != nil {
		t.Fatal(err)
	}
	return folder
}

// killOnce kills a hub at its n-th step, starts it again, and looks at what there is.
func killOnce(t *testing.T, template string, n int) (finished, twice bool) {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	p := openPost(t, false)
	letters, err := demo.Letters()
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range letters[:2] {
		p.deliver(t, l, demo.Envelope{ID: fmt.Sprintf("%d@example.org", i)})
	}
	c := demoConfig("127.0.0.1:0", folder, p.server)
	finished = child(t, c, n)
	if !finished && !child(t, c, 0) {
		t.Fatal("after the restart the work was not done")
	}
	db, err := store.Open(t.Context(), c.Database, store.Options{Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, db)
	rows, err := db.ListTickets(t.Context(), ticketing.TicketQuery{Scope: everyDepartment(t.Context(), db), Sort: ticketing.SortReceived, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 {
		t.Errorf("%d tickets", len(rows))
	}
	for _, r := range rows {
		messages, err := db.MessagesOf(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) != 2 || messages[1].Delivery == nil || messages[1].Delivery.State != ticketing.DeliverySent {
			t.Errorf("ticket %s has %d messages: %+v", r.Reference(), len(messages), messages)
		}
		original, err := db.Original(t.Context(), *messages[0].OriginalID)
		if err != nil || len(original.Raw) == 0 {
			t.Errorf("ticket %s lost its original: %v", r.Reference(), err)
		}
	}
	times := map[string]int{}
	for _, sent := range p.server.Sent() {
		m, err := mail.ReadMessage(bytes.NewReader(sent.Raw))
		if err != nil {
			t.Fatal(err)
		}
		times[m.Header.Get("Message-Id")]++
	}
	total := 0
	for id, n := range times {
		total += n
		if n > 2 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
	if len(times) != 2 {
		t.Errorf("sent: %v", times)
	}
	return finished, total > 2
}

// child runs this binary as a hub and tells whether it did its work and stopped, or was killed.
func child(t *testing.T, c config.Config, killAtStep int) (finished bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), killConfig+"="+string(said), killAt+"="+strconv.Itoa(killAtStep), killWork+"=2")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, log)
	cmd.Stderr = log
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true
	case ctx.Err() == nil && errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		return false
	}
	text, rerr := os.ReadFile(log.Name())
	t.Fatalf("the hub ended with %v (%v):\n%s", err, errors.Join(ctx.Err(), rerr), text)
	return false
}
