package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/channels/email"
	"guichet/config"
	"guichet/ticketing/store"
)

type archiveFlags struct {
	Mbox      string `help:"File the mails of an mbox file." placeholder:"FILE"`
	Maildir   string `help:"File the mails of a Maildir." placeholder:"DIR"`
	Recursive bool   `help:"Also those in the folders of the Maildir."`
	Mailbox   string `help:"Name of the mailbox the mails belong to; the first one of the configuration without it." placeholder:"NAME"`
	Open      bool   `help:"File them as new requests for the queues. Without it they are filed as answered, for the citizens' records."`
}

// How much of an archive is filed in one transaction: as much as of a mailbox.
const (
	archiveGroup      = 50
	archiveGroupBytes = 4 << 20
)

// importArchive files an archive through the door every mail comes in by. How far it has come is saved after each group, so that the
// same command goes on where one before was cut; what was filed already is recognised in any case.
func (i importCommand) importArchive(w world) (err error) {
	if given := len(slices.DeleteFunc([]string{i.File, i.Mbox, i.Maildir}, func(s string) bool { return s == "" })); given != 1 {
		return fmt.Errorf("name one thing to import: a file that describes the town, --mbox FILE or --maildir DIR (%w)", errUsage)
	}
	if i.Recursive && i.Maildir == "" {
		return fmt.Errorf("--recursive belongs to --maildir (%w)", errUsage)
	}
	c, err := w.loadConfig()
	if err != nil {
		return err
	}
	box, err := mailboxNamed(c.Mailboxes, i.Mailbox)
	if err != nil {
		return err
	}
	a, err := openArchive(i.archiveFlags, box)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if i.DryRun {
		return a.describe(w)
	}
	h, err := openHub(w.ctx, c, newLog(w.stderr, config.Log{Level: "error"}), hubOptions{})
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; stop `guichet serve` while the archive is imported, or keep the data in PostgreSQL", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	f := archiveFiling{archive: a, keeper: h.db, to: h.desk, open: i.Open, out: progressOf(w.stderr)}
	err = f.run(w.ctx)
	return errors.Join(err, f.summary(w.stdout))
}

func mailboxNamed(all []email.Mailbox, name string) (email.Mailbox, error) {
	if len(all) == 0 {
		return email.Mailbox{}, errors.New("the configuration has no mailbox the mails could belong to; add it under `mailboxes`")
	}
	var names []string
	for _, m := range all {
		if m.Name == name || name == "" {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return email.Mailbox{}, fmt.Errorf("there is no mailbox %q; there are %s (%w)", name, strings.Join(names, ", "), errUsage)
}

// archive is an mbox file or a Maildir, open.
type archive struct {
	path  string
	name  string // of this archive in this state, for the cursor: a changed one is read from its beginning
	box   email.Mailbox
	total int64 // in the unit of email.Archived.End
	mails iter.Seq2[email.Archived, error]
	close func() error
}

func openArchive(flags archiveFlags, box email.Mailbox) (archive, error) {
	path := flags.Mbox + flags.Maildir
	whole, err := filepath.Abs(path)
	if err != nil {
		return archive{}, err
	}
	a := archive{path: path, box: box}
	if flags.Mbox != "" {
		err = a.openMbox(whole)
	} else {
		err = a.openMaildir(whole, flags.Recursive)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, fmt.Errorf("there is no %s; name the archive to import", path)
	case errors.Is(err, email.ErrNotMaildir):
		return a, fmt.Errorf("%s is %w; name the folder that holds them", path, err)
	case err != nil:
		return a, fmt.Errorf("open the archive %s: %w; name one that may be read", path, err)
	}
	return a, nil
}

func (a *archive) openMbox(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	a.total, a.close = info.Size(), f.Close
	a.name = nameOf(a.box.Name, path, fmt.Sprint(info.Size()), info.ModTime().UTC().Format(time.RFC3339Nano))
	a.mails = email.ReadMbox(f, a.box.IMAP.MaxSize)
	return nil
}

func (a *archive) openMaildir(path string, recursive bool) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	names, err := email.ListMaildir(root, recursive)
	if err != nil {
		return errors.Join(err, root.Close())
	}
	a.total, a.close = int64(len(names)), root.Close
	a.name = nameOf(append([]string{a.box.Name, path}, names...)...)
	a.mails = email.ReadMaildir(root, names, a.box.IMAP.MaxSize)
	return nil
}

// nameOf is the name of a cursor.
func nameOf(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(sum, p+"\x00") // a hash takes everything
	}
	return "import:" + hex.EncodeToString(sum.Sum(nil))
}

// describe reads an archive and files nothing.
func (a archive) describe(w world) error {
	var mails, held int
	for m, err := range a.mails {
		if err != nil {
			return a.unreadable(mails, err)
		}
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		mails++
		if m.Inbound(a.box, now()).Quarantine != "" {
			held++
		}
	}
	_, err := fmt.Fprintf(w.stdout, "%d mails in %s; %d of them would wait in quarantine; those filed before would be recognised\n", mails, a.path, held)
	return err
}

func (a archive) unreadable(read int, err error) error {
	return fmt.Errorf("%s, after %d mails: %w; what was filed stays, and the same command goes on from there", a.path, read, err)
}

// archiveKeeper remembers how far an archive was filed.
type archiveKeeper interface {
	Cursor(ctx context.Context, name string) (channels.Cursor, error)
	SaveCursor(ctx context.Context, name string, epoch int64, c channels.Cursor) error
}

// archiveFiling files one archive.
type archiveFiling struct {
	archive archive
	keeper  archiveKeeper
	to      channels.Receiver
	open    bool
	out     progress

	before  uint32 // filed by a run before this one
	done    uint32 // mails of the archive that are filed
	results map[channels.Result]int
}

// errCut says that the import was stopped by whoever started it.
var errCut = errors.New("stopped; the same command goes on from here")

// archivePart is a group of mails, ready to be filed.
type archivePart struct {
	mails []channels.Inbound
	end   int64
	err   error // the archive can't be read any further
}

// run files what is not filed yet. Once ctx has ended, the group in hand is still filed.
func (f *archiveFiling) run(ctx context.Context) error {
	f.results = map[channels.Result]int{}
	cursor, err := f.keeper.Cursor(ctx, f.archive.name)
	if err != nil {
		return fmt.Errorf("read how far the archive was filed: %w", err)
	}
	f.before, f.done = cursor.Done, cursor.Done
	parts := make(chan archivePart, 1) // the next group is read and parsed beside the one that is filed
	reading, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() { stop(); <-ended }()
	go func() {
		defer close(ended)
		defer close(parts)
		f.read(reading, parts)
	}()
	began := time.Now()
	defer f.out.end()
	for part := range parts {
		if part.err != nil {
			return f.archive.unreadable(int(f.done), part.err)
		}
		if ctx.Err() != nil {
			break
		}
		if err := f.file(context.WithoutCancel(ctx), part.mails); err != nil {
			return fmt.Errorf("%d mails are filed, the next are not: %w; the same command goes on from there", f.done, err)
		}
		f.out.show(int(f.done-f.before), time.Since(began), part.end, f.archive.total)
	}
	if ctx.Err() != nil {
		return errCut
	}
	return nil
}

// read makes groups of what is not filed yet.
func (f *archiveFiling) read(ctx context.Context, parts chan<- archivePart) {
	var part archivePart
	size, read := 0, uint32(0)
	give := func() bool {
		select {
		case parts <- part:
			part, size = archivePart{}, 0
			return true
		case <-ctx.Done():
			return false
		}
	}
	for mail, err := range f.archive.mails {
		if err != nil {
			if len(part.mails) > 0 && !give() {
				return
			}
			part.err = err
			break
		}
		if read++; read <= f.before {
			continue
		}
		if len(part.mails) == archiveGroup || len(part.mails) > 0 && size+len(mail.Raw) > archiveGroupBytes {
			if !give() {
				return
			}
		}
		in := mail.Inbound(f.archive.box, now())
		in.Archived = !f.open
		part.mails, part.end = append(part.mails, in), mail.End
		size += len(mail.Raw)
		if ctx.Err() != nil {
			return
		}
	}
	if len(part.mails) > 0 || part.err != nil {
		give()
	}
}

// file files a group, then saves how far that is.
func (f *archiveFiling) file(ctx context.Context, group []channels.Inbound) error {
	filed, err := f.to.Receive(ctx, group)
	if err != nil {
		return err
	}
	for _, one := range filed {
		f.results[one.Result]++
	}
	f.done += uint32(len(group)) //nolint:gosec // a group has fifty at most
	return f.keeper.SaveCursor(ctx, f.archive.name, 0, channels.Cursor{Done: f.done})
}

func (f *archiveFiling) summary(out io.Writer) error {
	r := f.results
	_, err := fmt.Fprintf(out, "filed %d (created %d, joined %d), duplicates %d, quarantined %d\n",
		r[channels.Created]+r[channels.Joined], r[channels.Created], r[channels.Joined], r[channels.Duplicate], r[channels.Quarantined])
	if err == nil && f.before > 0 {
		_, err = fmt.Fprintf(out, "%d more were filed by a run before\n", f.before)
	}
	return err
}

// progress is shown to a person and to nobody else.
type progress struct {
	out   io.Writer // nil: nobody is looking
	shown *time.Time
}

func progressOf(stream io.Writer) progress {
	if !terminal(stream) {
		return progress{}
	}
	return progress{out: stream, shown: new(time.Time)}
}

// show says how many are filed, how fast, and how long the rest will take.
func (p progress) show(filed int, took time.Duration, end, total int64) {
	if p.out == nil || time.Since(*p.shown) < time.Second/2 {
		return
	}
	*p.shown = time.Now()
	left := time.Duration(0)
	if end > 0 {
		left = time.Duration(float64(took) * float64(total-end) / float64(end)).Round(time.Second)
	}
	_, _ = fmt.Fprintf(p.out, "\r%d filed, %.0f a second, %s left \x1b[K", filed, float64(filed)/took.Seconds(), left) // a terminal that is gone shows nothing
}

// end leaves the line.
func (p progress) end() {
	if p.out != nil && !p.shown.IsZero() {
		_, _ = fmt.Fprintln(p.out) // as above
	}
}
