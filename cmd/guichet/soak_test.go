package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email"
	"guichet/channels/email/mailtest"
)

// soakMails is how many mails the soak pulls: few with every `go test`, as many as GUICHET_TEST_SOAK says otherwise.
const soakMails = 500

// TestSoak pulls many mails over lines that are cut at random, with two pullers that take the mailbox from each other and a disk that is
// full now and then. In the end every mail is an original and a message, once, and the tickets are those of the conversations.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	mails := soakMails
	if text := os.Getenv("GUICHET_TEST_SOAK"); text != "" {
		var err error
		if mails, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(20261124, 3)) // the same cuts each time
	p := openPost(t, false)
	conversations := 0
	for i := range mails {
		raw, begins := soakLetter(i)
		if begins {
			conversations++
		}
		if err := p.server.Deliver(demoAddress, raw, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	c := demoConfig("127.0.0.1:0", folder, p.server)
	box := c.Mailboxes[0]
	proxy, err := mailtest.StartProxy(fmt.Sprintf("%s:%d", box.IMAP.Host, box.IMAP.Port), func(int) int {
		return 10_000 + random.IntN(min(mails*200, 300_000)) // a mail is about a kilobyte on the wire
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, proxy)
	box.IMAP.Host, box.IMAP.Port = proxy.Addr()
	h, err := openHub(t.Context(), c, slog.New(slog.DiscardHandler), hubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := furnish(t.Context(), h); err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	s := &soak{T: t, h: h, box: box, receiver: &fullDisk{Receiver: h.desk}}
	restarts := s.pull(mails)
	took := time.Since(began)

	n, err := email.CountMails(t.Context(), c.Mailboxes[0].EachFolder()[0], h.db)
	if err != nil || n.OnServer != mails || n.Stored != mails || n.Waiting != 0 || len(n.Missing) != 0 {
		t.Errorf("counted %+v, %v", n, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, "guichet.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, db)
	for _, q := range []struct {
		what  string
		query string
		want  int
	}{
		{"originals", "SELECT count(*) FROM originals WHERE state = 'filed'", mails},
		{"quarantined", "SELECT count(*) FROM originals WHERE state <> 'filed'", 0},
		{"copies", "SELECT count(*) FROM copies", mails},
		{"messages", "SELECT count(*) FROM messages WHERE direction = 'in'", mails},
		{"messages without an original of their own", "SELECT count(*) - count(DISTINCT original_id) FROM messages WHERE direction = 'in'", 0},
	} {
		var got int
		if err := db.QueryRowContext(t.Context(), q.query).Scan(&got); err != nil || got != q.want {
			t.Errorf("%d %s, want %d (%v)", got, q.what, q.want, err)
		}
	}
	// A mail over which the line fell twice is passed over and filed after those behind it: an answer to it may come first, and is then
	// a ticket of its own. Nothing else may add one.
	var tickets int
	passed := strings.Count(s.log.String(), "mail passed over")
	err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM tickets").Scan(&tickets)
	if err != nil || tickets < conversations || tickets > conversations+passed {
		t.Errorf("%d tickets, want %d, and at most one more for each of %d mails passed over (%v)", tickets, conversations, passed, err)
	}
	t.Logf("%d mails in %s over %d connections, %d changes of the puller, %d full disks: originals = messages = %d, tickets = %d for %d conversations, %d mails passed over",
		mails, took.Round(100*time.Millisecond), proxy.Connections(), restarts, s.receiver.refused(), mails, tickets, conversations, passed)
	if proxy.Connections() < 3 {
		t.Errorf("%d connections only: the test tests nothing", proxy.Connections())
	}
}

// soakLetter makes the i-th mail: every third answers the one before it, of the same person.
func soakLetter(i int) (raw []byte, begins bool) {
	writer, answers := i, ""
	if begins = i%3 != 2; !begins {
		writer = i - 1
		answers = fmt.Sprintf("In-Reply-To: <soak-%d@example.org>\r\n", i-1)
	}
	return fmt.Appendf(nil, "Message-ID: <soak-%d@example.org>\r\n%sDate: Fri, 20 Nov 2026 09:30:00 +0100\r\nFrom: Habitant %d <h%d@example.org>\r\n"+
		"To: %s\r\nSubject: Demande %d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBonjour, ceci est la demande %d.\r\n%s",
		i, answers, writer, writer, demoAddress, writer, i, strings.Repeat("Il y a un trou dans la chaussée.\r\n", 10)), begins
}

// soak is two pullers at work on one mailbox.
type soak struct {
	*testing.T
	h        *hub
	box      email.Mailbox
	receiver *fullDisk
	log      strings.Builder // of the pullers; to be read once they have stopped
}

// pull runs them until all mails are stored; one of them is stopped and replaced after each sixth of it.
func (s *soak) pull(mails int) (restarts int) {
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Minute)
	defer cancel()
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	var running sync.WaitGroup
	defer running.Wait()
	start := func(owner string) (stop func()) {
		ctx, cancel := context.WithCancel(ctx)
		p := email.NewPuller(s.box, email.PullerDeps{
			Receiver: s.receiver, Positions: s.h.db, Leases: s.h.db, Monitor: s.h.desk, Owner: owner, Lease: 3 * time.Second,
			Log: log, Now: now,
		})
		running.Go(func() { _ = p.Run(ctx) }) // it ends with ctx
		return cancel
	}
	stops := []func(){start("puller 0"), start("puller 1")}
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		cursor, err := s.h.db.Cursor(ctx, s.box.Name)
		if err != nil {
			s.Fatal(err)
		}
		if int(cursor.Done) == mails && len(cursor.Gaps) == 0 {
			return restarts
		}
		if int(cursor.Done) > (restarts+1)*mails/6 {
			stops[restarts%2]()
			stops[restarts%2] = start(fmt.Sprintf("puller %d", restarts+2))
			restarts++
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			s.Fatalf("after half an hour: %+v", cursor)
		}
	}
}

// fullDisk is a receiver whose disk is full each 20th time, before or after it has filed.
type fullDisk struct {
	channels.Receiver

	mu    sync.Mutex
	calls int
	full  int
}

func (f *fullDisk) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	f.mu.Lock()
	f.calls++
	full := f.calls%20 == 7
	late := f.calls%40 == 7
	if full {
		f.full++
	}
	f.mu.Unlock()
	if full && !late {
		return nil, syscall.ENOSPC
	}
	filed, err := f.Receiver.Receive(ctx, group)
	if late {
		return nil, errors.Join(err, syscall.ENOSPC)
	}
	return filed, err
}

func (f *fullDisk) refused() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.full
}

// TestCheckMail compares a mailbox with what is stored of it: equal, then with a mail nobody has, then with one that was lost.
func TestCheckMail(t *testing.T) {
	p := openPost(t, false)
	for i := range 3 {
		raw, _ := soakLetter(i)
		if err := p.server.Deliver(demoAddress, raw, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	c := newCommand(t)
	folder := t.TempDir()
	host, port := p.server.IMAPAddr()
	c.write(fmt.Sprintf("database: sqlite://%s/guichet.db\nfiles: %s/files\nmailboxes:\n  - name: %s\n    address: %s\n    department: accueil\n"+
		"    imap: {host: %s, port: %d, tls: none, username: %s, password: %s}\n    smtp: {host: 127.0.0.1, port: 1, tls: none}\n",
		folder, folder, demoMailbox, demoAddress, host, port, demoAddress, demoMailPass))
	if code, _, stderr := c.run("", "check", "--mail"); code != exitFailed || !strings.Contains(stderr, "guichet serve") {
		t.Errorf("without a database: exit %d, %s", code, stderr)
	}
	h, err := openHub(t.Context(), demoConfig("127.0.0.1:0", folder, p.server), slog.New(slog.DiscardHandler), hubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	s := &soak{T: t, h: h, box: h.config.Mailboxes[0], receiver: &fullDisk{Receiver: h.desk}}
	s.pull(3)
	const line = "mailbox " + demoMailbox + ", folder INBOX: "
	if out := c.does("", "check", "--mail"); out != "ok   "+line+"server 3 = stored 3\n" {
		t.Errorf("says %q", out)
	}
	raw, _ := soakLetter(3)
	if err := p.server.Deliver(demoAddress, raw, time.Now()); err != nil {
		t.Fatal(err)
	}
	if out := c.does("", "check", "--mail"); out != "ok   "+line+"server 3 = stored 3, 1 more not read yet\n" {
		t.Errorf("says %q", out)
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, "guichet.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, db)
	if _, err := db.ExecContext(t.Context(), "DELETE FROM copies WHERE uid = 2"); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := c.run("", "check", "--mail")
	if code != exitFailed || !strings.HasPrefix(out, "FAIL "+line+"server 3, stored 2; missing UIDs 2; ") || !strings.Contains(stderr, "1 of 1 checks failed") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
}
