package email

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

// town is what a Puller needs, in memory: it files by key, as the real one does, and can be told to fail.
type town struct {
	mu           sync.Mutex
	filed        []channels.Inbound
	seen         map[string]bool
	offered      int
	failures     int // so many times Receive still fails
	failsWith    error
	saveFailures int // so many times SaveCursor still fails
	places       map[channels.Place]bool
	cursors      map[string]channels.Cursor
	cursor       channels.Cursor // as last saved
	saved        int
	times        []time.Time // when its mails were kept, as CopyTimes tells
	epoch        int64
	holder       string
	health       []channels.Health
	something    chan struct{} // closed and replaced at each change
}

func newTown() *town {
	return &town{
		seen: map[string]bool{}, places: map[channels.Place]bool{}, cursors: map[string]channels.Cursor{}, something: make(chan struct{}),
	}
}

func (w *town) changed() {
	close(w.something)
	w.something = make(chan struct{})
}

func (w *town) Receive(_ context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	w.offered += len(group)
	if w.failures > 0 {
		w.failures--
		return nil, cmp.Or(w.failsWith, errors.New("the database is away"))
	}
	var out []channels.Filed
	for _, in := range group {
		w.places[*in.Place] = true
		if w.seen[in.Key] {
			out = append(out, channels.Filed{Result: channels.Duplicate})
			continue
		}
		w.seen[in.Key] = true
		w.filed = append(w.filed, in)
		out = append(out, channels.Filed{Result: channels.Created})
	}
	return out, nil
}

func (w *town) Cursor(_ context.Context, mailbox string) (channels.Cursor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursors[mailbox], nil
}

func (w *town) CopiesOf(_ context.Context, mailbox string, uidValidity uint32) ([]uint32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var uids []uint32
	for p := range w.places {
		if p.Mailbox == mailbox && p.UIDValidity == uidValidity {
			uids = append(uids, p.UID)
		}
	}
	slices.Sort(uids)
	return uids, nil
}

func (w *town) CopyTimes(context.Context, string, int) ([]time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times, nil
}

func (w *town) SaveCursor(_ context.Context, mailbox string, epoch int64, c channels.Cursor) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	if epoch != w.epoch {
		return errors.New("fenced")
	}
	if w.saveFailures > 0 {
		w.saveFailures--
		return errors.New("the database is away")
	}
	w.cursor, w.cursors[mailbox] = c, c
	w.saved++
	return nil
}

func (w *town) Hold(_ context.Context, _, owner string, _ time.Duration) (int64, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	if w.holder == "" {
		w.holder = owner
		w.epoch++
	}
	return w.epoch, w.holder == owner, nil
}

func (w *town) Drop(_ context.Context, _, owner string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder == owner {
		w.holder = ""
	}
	return nil
}

func (w *town) NoteHealth(_ context.Context, h channels.Health) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	w.health = append(w.health, h)
	return nil
}

// await waits until the condition holds; it is asked with the lock held.
func (w *town) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		ok, change := holds(), w.something
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-change:
		case <-deadline:
			w.mu.Lock()
			defer w.mu.Unlock()
			t.Fatalf("never came: %s (filed %d, offered %d, cursor %+v, health %+v)", what, len(w.filed), w.offered, w.cursor, last(w.health))
		}
	}
}

func last(h []channels.Health) channels.Health {
	if len(h) == 0 {
		return channels.Health{}
	}
	return h[len(h)-1]
}

func (w *town) subjects() []string {
	var s []string
	for _, in := range w.filed {
		s = append(s, in.Subject)
	}
	return s
}

// pull runs the puller of a mailbox's first folder until stop is called; stop fails the test when that takes more than a second.
func (w *town) pull(t *testing.T, box Mailbox, owner string, change ...func(*Puller)) (stop func()) {
	t.Helper()
	p := NewPuller(box, PullerDeps{
		Receiver: w, Positions: w, Leases: w, Monitor: w, Owner: owner, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	p.pace.firstRetry, p.pace.leaseRenew = 5*time.Millisecond, 20*time.Millisecond
	for _, c := range change {
		c(p)
	}
	return run(t, p)
}

// run runs a puller until stop is called.
func run(t *testing.T, p *Puller) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("Run: %v", err)
				}
			case <-time.After(time.Second):
				t.Error("the puller did not stop within a second")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func letterNo(n int) []byte {
	return crlf(fmt.Sprintf("Message-ID: <%d@example.org>\nFrom: a@b.fr\nSubject: n%d\n\nbonjour %d\n", n, n, n))
}

// postOffice is an IMAP server a test can deliver to.
type postOffice struct {
	box     Mailbox
	deliver func(raw []byte) error
}

// postOffices are the servers the same tests run on: ours, and Dovecot where there is one.
func postOffices(t *testing.T, run func(t *testing.T, o postOffice)) {
	t.Run("mailtest", func(t *testing.T) {
		s, box := servers(t, mailtest.Options{})
		run(t, postOffice{box, func(raw []byte) error { return s.Deliver(testUser, raw, arrived) }})
	})
	t.Run("dovecot", func(t *testing.T) {
		d, box := dovecot(t)
		run(t, postOffice{box, func(raw []byte) error { return d.Deliver(raw, arrived) }})
	})
}

// dovecot starts one that ends with the test, and describes it as a mailbox.
func dovecot(t *testing.T) (*mailtest.Dovecot, Mailbox) {
	t.Helper()
	d, err := mailtest.StartDovecot(t.TempDir())
	if errors.Is(err, mailtest.ErrNoDovecot) && !slices.Contains(strings.Split(os.Getenv("GUICHET_TEST_REQUIRE"), ","), "dovecot") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	box := mairie
	box.IMAP = IMAP{Host: d.Host, Port: d.Port, TLS: NoTLS, Username: d.User, Password: d.Password, Poll: time.Hour}
	return d, box
}

func TestPullerFilesInOrderOnceAndIsWoken(t *testing.T) {
	postOffices(t, func(t *testing.T, o postOffice) {
		deliver := func(n int) {
			t.Helper()
			if err := o.deliver(letterNo(n)); err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; n <= 3; n++ {
			deliver(n)
		}
		w := newTown()
		stop := w.pull(t, o.box, "first")
		w.await(t, "three mails", func() bool { return w.cursor.Done == 3 })
		if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n3"}) {
			t.Errorf("filed %q", got)
		}
		in := w.filed[0]
		if !in.At.Equal(arrived) || in.Place == nil || in.Place.UID != 1 || in.Place.UIDValidity == 0 || string(in.Raw) != string(letterNo(1)) {
			t.Errorf("got at %v place %+v", in.At, in.Place)
		}

		w.await(t, "a sign of health", func() bool { return last(w.health).State == channels.Working })
		deliver(4) // the poll is an hour away: only IDLE can tell of this one
		w.await(t, "the fourth", func() bool { return w.cursor.Done == 4 })
		stop()

		deliver(5)
		w.mu.Lock()
		offered := w.offered
		w.mu.Unlock()
		w.pull(t, o.box, "second")
		w.await(t, "the fifth", func() bool { return w.cursor.Done == 5 })
		if w.offered != offered+1 || len(w.filed) != 5 {
			t.Errorf("offered %d after a restart, filed %d", w.offered-offered, len(w.filed))
		}
	})
}

func TestPullerFilesManyInGroups(t *testing.T) {
	postOffices(t, func(t *testing.T, o postOffice) {
		const many = 230
		want := make([]string, 0, many)
		for n := range many {
			if err := o.deliver(letterNo(n)); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("n%d", n))
		}
		w := newTown()
		w.failures = 1
		w.pull(t, o.box, "one")
		w.await(t, "all", func() bool { return w.cursor.Done == many })
		if got := w.subjects(); !slices.Equal(got, want) {
			t.Errorf("filed %q", got)
		}
	})
}

func TestPullerOffersAgainWhatWasNotFiled(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	w := newTown()
	w.failures = 3
	if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
		t.Fatal(err)
	}
	w.pull(t, box, "one")
	w.await(t, "word of the failure", func() bool {
		return slices.ContainsFunc(w.health, func(h channels.Health) bool {
			return h.State == channels.Failing && strings.Contains(h.LastError, "database is away")
		})
	})
	w.await(t, "the mail", func() bool { return w.cursor.Done == 1 && last(w.health).State == channels.Working })
	if w.offered != 4 || len(w.filed) != 1 {
		t.Errorf("offered %d, filed %d", w.offered, len(w.filed))
	}
}

func TestPullerStartsAnewWhenRenumbered(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	w := newTown()
	for n := 1; n <= 3; n++ {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	w.pull(t, box, "one")
	w.await(t, "three mails", func() bool { return w.cursor.Done == 3 })
	before := w.cursor.UIDValidity
	if err := s.Renumber(testUser); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 4} {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	w.await(t, "the new mail", func() bool { return w.cursor.UIDValidity != before && w.cursor.Done == 2 })
	if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n3", "n4"}) {
		t.Errorf("filed %q", got)
	}
}

func TestPullerFilesTheHeaderOfWhatIsTooLarge(t *testing.T) {
	postOffices(t, func(t *testing.T, o postOffice) {
		o.box.IMAP.MaxSize, o.box.IMAP.After = 1000, "seen"
		huge := append(letterNo(1), []byte(strings.Repeat("x\r\n", 1000))...)
		for _, raw := range [][]byte{huge, letterNo(2)} {
			if err := o.deliver(raw); err != nil {
				t.Fatal(err)
			}
		}
		w := newTown()
		w.pull(t, o.box, "one")
		w.await(t, "both", func() bool { return w.cursor.Done == 2 })
		in := w.filed[0]
		if in.Quarantine != channels.TooLarge || w.filed[1].Quarantine != "" || len(in.Raw) >= 1000 || !strings.HasPrefix(string(in.Raw), "Message-ID: <1@") {
			t.Errorf("quarantine %q and %q, raw %q", in.Quarantine, w.filed[1].Quarantine, in.Raw)
		}
		if in.Subject != "n1" || in.Text != "" || len(in.Warnings) != 1 || !strings.HasPrefix(in.Warnings[0], "larger than 1000 bytes") {
			t.Errorf("got subject %q, text %q, warnings %q", in.Subject, in.Text, in.Warnings)
		}
	})
}

func TestPullerTidiesUp(t *testing.T) {
	for after, want := range map[string][2]int{"leave": {2, 0}, "seen": {2, 0}, "move:Filed": {0, 2}, "move:Nowhere": {2, 0}} {
		t.Run(after, func(t *testing.T) {
			s, box := servers(t, mailtest.Options{})
			box.IMAP.After = after
			for n := 1; n <= 2; n++ {
				if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
					t.Fatal(err)
				}
			}
			w := newTown()
			w.pull(t, box, "one")
			w.await(t, "both", func() bool { return w.cursor.Done == 2 })
			inbox, err := s.Count(testUser, "INBOX")
			filed, err2 := s.Count(testUser, "Filed")
			if got := [2]int{inbox, filed}; got != want || err != nil || err2 != nil {
				t.Errorf("INBOX and Filed hold %v, want %v", got, want)
			}
		})
	}
}

func TestPullerComesBack(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	w := newTown()
	w.pull(t, box, "one")
	for n := uint32(1); n <= 5; n++ {
		if err := s.Deliver(testUser, letterNo(int(n)), arrived); err != nil {
			t.Fatal(err)
		}
		s.CutIMAP()
		w.await(t, "the mail", func() bool { return w.cursor.Done == n })
	}
}

func TestOnePullerAtATime(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	w := newTown()
	stop := w.pull(t, box, "one")
	w.await(t, "the first to hold", func() bool { return w.holder == "one" && last(w.health).State == channels.Working })
	w.pull(t, box, "two")
	if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
		t.Fatal(err)
	}
	w.await(t, "the mail", func() bool { return w.cursor.Done == 1 })
	stop()
	w.await(t, "the second to take over", func() bool { return w.holder == "two" && w.epoch == 2 })
	if err := s.Deliver(testUser, letterNo(2), arrived); err != nil {
		t.Fatal(err)
	}
	w.await(t, "the next mail", func() bool { return w.cursor.Done == 2 })
	if w.offered != 2 {
		t.Errorf("%d offered", w.offered)
	}

	w.mu.Lock() // somebody takes the lease away from a puller that thinks it has it
	w.holder, w.epoch = "three", w.epoch+1
	w.mu.Unlock()
	w.await(t, "the second to notice", func() bool { return w.holder == "three" })
	if err := s.Deliver(testUser, letterNo(3), arrived); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.holder = ""
	w.mu.Unlock()
	w.await(t, "the second to lead again", func() bool { return w.holder == "two" && w.cursor.Done == 3 })
}

func TestPullerSaysWhyItFails(t *testing.T) {
	_, box := servers(t, mailtest.Options{})
	box.IMAP.Password = "faux"
	w := newTown()
	w.pull(t, box, "one")
	w.await(t, "the failure", func() bool {
		h := last(w.health)
		return h.State == channels.Failing && strings.Contains(h.LastError, "sign in") && !strings.Contains(h.LastError, "faux")
	})
}

func TestPullerLeaksNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, err := mailtest.Start(mailtest.Options{Users: map[string]string{testUser: testPassword}})
	if err != nil {
		t.Fatal(err)
	}
	box := Mailbox{Name: "mairie", IMAP: IMAP{TLS: NoTLS, Username: testUser, Password: testPassword, Poll: time.Hour}}
	box.IMAP.Host, box.IMAP.Port = s.IMAPAddr()
	if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
		t.Fatal(err)
	}
	w := newTown()
	stop := w.pull(t, box, "one")
	w.await(t, "the mail", func() bool { return w.cursor.Done == 1 })
	s.CutIMAP()
	w.await(t, "the way back", func() bool { return last(w.health).State == channels.Working && len(w.health) >= 3 })
	stop()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	_, box := servers(t, mailtest.Options{})
	if err := errors.Join(CheckReading(t.Context(), box), CheckSending(t.Context(), box)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Mailbox)
		says  string
	}{
		"password":      {func(m *Mailbox) { m.IMAP.Password = "x" }, "check imap.username and imap.password"},
		"folder":        {func(m *Mailbox) { m.IMAP.Folder = "Nowhere" }, "check imap.folder"},
		"filed folder":  {func(m *Mailbox) { m.IMAP.After = "move:Nowhere" }, "create it on the server"},
		"port":          {func(m *Mailbox) { m.IMAP.Port = 1 }, "check imap.host, imap.port"},
		"tls":           {func(m *Mailbox) { m.IMAP.TLS = Implicit }, "check imap.tls"},
		"smtp password": {func(m *Mailbox) { m.SMTP.Password = "x" }, "check smtp.username and smtp.password"},
		"smtp starttls": {func(m *Mailbox) { m.SMTP.TLS = StartTLS }, "check smtp.tls"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := box
			c.spoil(&bad)
			err := errors.Join(CheckReading(t.Context(), bad), CheckSending(t.Context(), bad))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
		})
	}
}
