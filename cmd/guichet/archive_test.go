package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guichet/channels"
	"guichet/config"
	"guichet/ticketing"
)

// fileArchive files an mbox file as the command does.
func fileArchive(ctx context.Context, h *hub, path string) (map[channels.Result]int, error) {
	a, err := openArchive(archiveFlags{Mbox: path}, h.config.Mailboxes[0])
	if err != nil {
		return nil, err
	}
	f := archiveFiling{archive: a, keeper: h.db, to: h.desk}
	err = f.run(ctx)
	return f.results, errors.Join(err, a.close())
}

// mboxOf writes an archive of many writers, in which every fifth mail answers the one before.
func mboxOf(t *testing.T, mails int) string {
	t.Helper()
	var b strings.Builder
	for i := range mails {
		fmt.Fprintf(&b, "From a@b Tue Mar  3 10:05:00 2020\nMessage-ID: <%d@example.org>\nFrom: Anne <w%d@example.org>\nSubject: Trou %d\n", i, i/5, i)
		if i%5 == 4 {
			fmt.Fprintf(&b, "In-Reply-To: <%d@example.org>\n", i-1)
		}
		fmt.Fprintf(&b, "Date: Tue, 3 Mar 2020 10:05:00 +0000\n\nUn trou devant le %d.\n\n", i)
	}
	path := filepath.Join(t.TempDir(), "old.mbox")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const archiveMailbox = `
mailboxes:
  - {name: mairie, address: mairie@valmont.example, department: accueil, imap: {host: 127.0.0.1, port: 1, username: a, password: b, max_size: 50000}, smtp: {host: 127.0.0.1, port: 1}}
`

func newArchiveCommand(t *testing.T) *command {
	t.Helper()
	c := newCommand(t)
	given, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	c.write(string(given) + archiveMailbox)
	return c
}

func TestImportArchive(t *testing.T) {
	c := newArchiveCommand(t)
	path := mboxOf(t, 120)
	if said := c.does("", "import", "--mbox", path, "--dry-run"); !strings.HasPrefix(said, "120 mails in "+path) {
		t.Error(said)
	}
	if said := c.does("", "import", "--mbox", path); said != "filed 120 (created 96, joined 24), duplicates 0, quarantined 0\n" {
		t.Error(said)
	}
	if said := c.does("", "import", "--mbox", path); !strings.HasPrefix(said, "filed 0 ") || !strings.Contains(said, "120 more were filed by a run before") {
		t.Error(said)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	more := string(raw) + "From a@b Tue Mar  3 10:05:00 2020\nMessage-ID: <new@example.org>\nFrom: w1@example.org\nSubject: Neuf\n\nEncore.\n\n" +
		"From a@b Tue Mar  3 10:05:00 2020\nMessage-ID: <large@example.org>\nFrom: w1@example.org\n\n" + strings.Repeat("too much\n", 9000)
	if err := os.WriteFile(path, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := c.does("", "import", "--mbox", path, "--open"); said != "filed 1 (created 1, joined 0), duplicates 120, quarantined 1\n" {
		t.Error(said)
	}
	for args, says := range map[string]string{
		"--mbox gone.mbox":                     "there is no gone.mbox",
		"--mbox " + c.config:                   "no mbox file",
		"--maildir " + t.TempDir():             "no Maildir",
		"--mbox x --maildir y":                 "name one thing",
		"":                                     "name one thing",
		"--mbox " + path + " --mailbox police": `no mailbox "police"; there are mairie`,
	} {
		if code, _, stderr := c.run("", append([]string{"import"}, strings.Fields(args)...)...); code == exitDone || !strings.Contains(stderr, says) {
			t.Errorf("%s: %s", args, stderr)
		}
	}
}

// A serve that has the SQLite file keeps it.
func TestImportArchiveBesideServe(t *testing.T) {
	c := newArchiveCommand(t)
	loaded, err := config.Load(c.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHub(t.Context(), loaded, slog.New(slog.DiscardHandler), hubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := c.run("", "import", "--mbox", mboxOf(t, 1))
	if code != exitFailed || !strings.Contains(stderr, "stop `guichet serve`") {
		t.Errorf("%d: %s", code, stderr)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

// An import is killed at step after step and started again: every mail is filed, once, in nobody's queue and closed since it came.
func TestImportKilledAndResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	const mails = 170 // four groups
	template := furnished(t)
	path := mboxOf(t, mails)
	t.Setenv(killMbox, path)
	c := demoConfig("127.0.0.1:0", template, openPost(t, false).server)
	kills := 0
	for step := 4; !child(t, c, step); step += 9 {
		kills++
	}
	if kills < 3 {
		t.Errorf("killed %d times only: the test tests nothing", kills)
	}
	h, err := openHub(t.Context(), c, slog.New(slog.DiscardHandler), hubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closeErr(t, h.close()) }()
	scope := everyDepartment(t.Context(), h.db)
	rows, err := h.db.ListTickets(t.Context(), ticketing.TicketQuery{Scope: scope, Sort: ticketing.SortReceived, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range rows {
		messages, err := h.db.MessagesOf(t.Context(), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		found += len(messages)
		if row.Status != ticketing.StatusClosed || row.QueuedAt != nil || row.ClosedAt == nil || row.ClosedAt.Year() != 2020 || row.ReceivedAt.Year() != 2020 {
			t.Errorf("%s is %s since %v", row.Reference(), row.Status, row.ClosedAt)
		}
	}
	if found != mails || len(rows) != mails-mails/5 {
		t.Errorf("%d mails in %d tickets", found, len(rows))
	}
	waiting, err := h.db.Waiting(t.Context())
	figures, ferr := h.db.OutboxFigures(t.Context())
	if err != nil || ferr != nil || len(waiting) != 0 || len(figures.ByState) != 0 {
		t.Errorf("%v %v: %d wait, to send: %v", err, ferr, len(waiting), figures.ByState)
	}
}

func closeErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
