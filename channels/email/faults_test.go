package email

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

// TestWakingUpCostsTheSame counts the commands of a wake-up without new mail, and of one with a new mail, in a small box and a large one.
func TestWakingUpCostsTheSame(t *testing.T) {
	for _, mails := range []int{50, 50_000} {
		t.Run(fmt.Sprint(mails), func(t *testing.T) {
			s, box := startScripted(t, mails, nil)
			w := newTown()
			w.cursors[box.Name] = channels.Cursor{UIDValidity: 9, Done: uint32(mails)}
			for uid := range uint32(mails) {
				w.places[channels.Place{Mailbox: box.Name, UIDValidity: 9, UID: uid + 1}] = true
			}
			w.pull(t, box, "one", func(p *Puller) { p.pace.idle = 20 * time.Millisecond })
			w.await(t, "the first look", func() bool { return last(w.health).CountedAt != nil })
			await(t, func() bool { return s.count("DONE") >= 1 })
			before := len(s.since(0))
			await(t, func() bool { return s.count("DONE") >= 4 })
			asked := s.since(before)
			asked = asked[slices.Index(asked, "DONE")+1:]
			asked = asked[:slices.Index(asked, "DONE")+1] // from one wake-up to the next
			if want := []string{fmt.Sprintf("UID SEARCH UID %d:*", mails+1), "IDLE", "DONE"}; !slices.Equal(asked, want) {
				t.Errorf("waking up with nothing new asks %q", asked)
			}

			s.deliver()
			w.await(t, "the new mail", func() bool { return int(w.cursor.Done) == mails+1 })
			if fetched := s.count("UID FETCH"); fetched != 2 || len(w.filed) != 1 || w.offered != 1 {
				t.Errorf("%d fetches, %d filed, %d offered", fetched, len(w.filed), w.offered)
			}
			if n := s.count("LOGIN"); n != 1 {
				t.Errorf("signed in %d times", n)
			}
		})
	}
}

// await waits for what a server has seen. It asks again and again, because servers tell nobody.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never came")
		}
	}
}

// TestAMuteServerHoldsNobody lets the server fall silent at each step of the dialogue in turn, for ever; the next connection works.
func TestAMuteServerHoldsNobody(t *testing.T) {
	for _, step := range []string{"GREETING", "LOGIN", "EXAMINE", "UID SEARCH UID 1:*", "UID FETCH 1:3", "UID FETCH 1 ", "UID FETCH 3 ", "UID SEARCH UID 1:3", "IDLE", "DONE"} {
		t.Run(step, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			var muted atomic.Bool
			s, box := startScripted(t, 3, func(c *scriptedConn, verb, rest string) (string, bool) {
				if !strings.HasPrefix(verb+" "+rest+" ", step) || muted.Swap(true) {
					return "", false
				}
				c.mute()
				return "", true
			})
			defer s.close()
			w := newTown()
			stop := w.pull(t, box, "one", func(p *Puller) { p.pace.step, p.pace.idle = 100*time.Millisecond, 50*time.Millisecond })
			defer stop()
			w.await(t, "the mails", func() bool { return w.cursor.Done == 3 })
			await(t, func() bool { return muted.Load() && s.count("IDLE") > 0 })
			w.await(t, "a working mailbox", func() bool { return last(w.health).State == channels.Working })
			if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n3"}) {
				t.Errorf("filed %q", got)
			}
			stop()
		})
	}
}

// TestServerManners is what servers do within the rules, or nearly.
func TestServerManners(t *testing.T) {
	once := func(step, status string) func(*scriptedConn, string, string) (string, bool) {
		var done atomic.Bool
		return func(_ *scriptedConn, verb, rest string) (string, bool) {
			return status, strings.HasPrefix(verb+" "+rest, step) && !done.Swap(true)
		}
	}
	for name, script := range map[string]func(*scriptedConn, string, string) (string, bool){
		"an error in the OK of the sign-in": once("LOGIN", `OK [Error="AuthResultFromPopImapEnd=0"] LOGIN completed.`),
		"a NO to the sizes":                 once("UID FETCH", "NO [UNAVAILABLE] some of the messages could not be fetched"),
		"a NO to a mail":                    once("UID FETCH 2 ", "NO [LIMIT] try later"),
		"a BAD to a mail":                   once("UID FETCH 2 ", "BAD internal error"),
		"a NO to the search":                once("UID SEARCH", "NO busy"),
		"a NO to IDLE":                      once("IDLE", "NO not now"),
		"no ESEARCH": func(_ *scriptedConn, _, rest string) (string, bool) {
			return "BAD expected search-key instead of RETURN", strings.Contains(rest, "RETURN")
		},
		"a size that is a lie": func(c *scriptedConn, verb, rest string) (string, bool) {
			if verb != "UID FETCH" && verb != "FETCH" {
				return "", false
			}
			var uid int
			if n, _ := fmt.Sscanf(rest, "%d (", &uid); n == 0 || !strings.Contains(rest, "BODY") {
				return "", false
			}
			raw := letterNo(uid)
			fmt.Fprintf(c, "* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", uid, uid, len(raw)+uid-2, len(raw), raw)
			return "OK done", true
		},
		"sizes of some only": func(c *scriptedConn, verb, rest string) (string, bool) {
			if verb != "UID FETCH" || strings.Contains(rest, "BODY") {
				return "", false
			}
			fmt.Fprint(c, "* 1 FETCH (UID 1 RFC822.SIZE 10)\r\n* 7 FETCH (FLAGS (\\Seen))\r\n")
			return "NO some of the messages no longer exist", true
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, box := startScripted(t, 3, script)
			box.IMAP.Poll = 10 * time.Millisecond
			w := newTown()
			w.pull(t, box, "one")
			w.await(t, "the mails", func() bool { return w.cursor.Done == 3 && len(w.cursor.Gaps) == 0 && len(w.filed) == 3 })
			got := w.subjects()
			if slices.Sort(got); !slices.Equal(got, []string{"n1", "n2", "n3"}) || w.filed[0].Subject != "n1" {
				t.Errorf("filed %q", got)
			}
		})
	}
}

// TestAVanishedMailIsNoGap has another client delete a mail between the search and its fetching.
func TestAVanishedMailIsNoGap(t *testing.T) {
	var s *scriptedServer
	s, box := startScripted(t, 3, func(_ *scriptedConn, verb, rest string) (string, bool) {
		if verb == "UID FETCH" && !strings.Contains(rest, "BODY") {
			s.remove(2)
		}
		return "", false
	})
	w := newTown()
	w.pull(t, box, "one")
	w.await(t, "the two others", func() bool { return w.cursor.Done == 3 })
	if got := w.subjects(); !slices.Equal(got, []string{"n1", "n3"}) || len(w.cursor.Gaps) != 0 {
		t.Errorf("filed %q, gaps %v", got, w.cursor.Gaps)
	}
	w.await(t, "the count", func() bool { h := last(w.health); return h.CountedAt != nil && h.MissingCount == 0 && h.Alarm == "" })
}

// TestIdleIsRenewedBeforeTheServerCuts keeps one connection with a server that cuts every IDLE that lasts too long, as some do at ten
// minutes, and comes back to one that cuts sooner than we renew.
func TestIdleIsRenewedBeforeTheServerCuts(t *testing.T) {
	if idleCycle >= 10*time.Minute {
		t.Errorf("an IDLE lasts %s", idleCycle)
	}
	cutting := func(after time.Duration) func(*scriptedConn, string, string) (string, bool) {
		var timer atomic.Pointer[time.Timer]
		return func(c *scriptedConn, verb, _ string) (string, bool) {
			switch verb {
			case "IDLE":
				timer.Store(time.AfterFunc(after, func() { c.Close() }))
			case "DONE":
				timer.Load().Stop()
			}
			return "", false
		}
	}
	for name, c := range map[string]struct {
		server, ours time.Duration
		stays        bool
	}{
		"in time":  {10 * time.Second, 10 * time.Millisecond, true}, // ten minutes and nine, nearly
		"too late": {10 * time.Millisecond, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, box := startScripted(t, 1, cutting(c.server))
			w := newTown()
			w.pull(t, box, "one", func(p *Puller) { p.pace.idle = c.ours })
			await(t, func() bool { return s.count("IDLE") >= 5 })
			s.deliver()
			w.await(t, "both mails", func() bool { return w.cursor.Done == 2 && len(w.filed) == 2 })
			if n := s.count("LOGIN"); (n == 1) != c.stays {
				t.Errorf("signed in %d times", n)
			}
		})
	}
}

// TestCutAtAnyByte cuts the first connection after each number of bytes: whatever was on its way is filed, once and in order.
func TestCutAtAnyByte(t *testing.T) {
	stride := 17
	if os.Getenv("GUICHET_TEST_SOAK") != "" {
		stride = 1
	}
	s, box := servers(t, mailtest.Options{})
	for n := 1; n <= 3; n++ {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	target := fmt.Sprintf("%s:%d", box.IMAP.Host, box.IMAP.Port)
	cut := func(after int) (whole int) {
		p, err := mailtest.StartProxy(target, func(connection int) int {
			if connection == 1 {
				return after
			}
			return -1
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}()
		through := box
		through.IMAP.Host, through.IMAP.Port = p.Addr()
		w := newTown()
		stop := w.pull(t, through, "one")
		defer stop()
		w.await(t, "the mails", func() bool { return w.cursor.Done == 3 && last(w.health).State == channels.Working })
		if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n3"}) || len(w.cursor.Gaps) > 0 {
			t.Fatalf("cut after %d bytes: filed %q, cursor %+v", after, got, w.cursor)
		}
		w.await(t, "a count without a difference", func() bool { h := last(w.health); return h.CountedAt != nil && h.MissingCount == 0 })
		return p.Most()
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	whole := cut(-1)
	cuts := 0
	for after := 0; after < whole; after += stride {
		cut(after)
		cuts++
	}
	t.Logf("%d cuts within %d bytes", cuts, whole)
	if cuts < 30 {
		t.Errorf("%d cuts only: the test tests nothing", cuts)
	}
}

// TestTheReceiverIsAwayForAWhile keeps the order of what waits, and raises an alarm that ends.
func TestTheReceiverIsAwayForAWhile(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	const many = 120
	for n := range many {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	w := newTown()
	w.failures, w.failsWith = 5, fmt.Errorf("write files/ab: %w", errDiskFull)
	w.pull(t, box, "one", func(p *Puller) { p.pace.alarmAfter = time.Millisecond })
	w.await(t, "the alarm", func() bool {
		return slices.ContainsFunc(w.health, func(h channels.Health) bool {
			return h.Alarm == channels.AlarmNotFiling && strings.Contains(h.LastError, "no space left")
		})
	})
	w.await(t, "all", func() bool {
		return w.cursor.Done == many && last(w.health).State == channels.Working && last(w.health).Alarm == ""
	})
	for i, subject := range w.subjects() {
		if subject != fmt.Sprintf("n%d", i) {
			t.Fatalf("the %dth is %s", i, subject)
		}
	}
}

// errDiskFull is what a full disk says.
var errDiskFull = errors.New("no space left on device")

// TestTheCursorCannotBeSaved reads again what was filed: it is known already.
func TestTheCursorCannotBeSaved(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	for n := 1; n <= 3; n++ {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	w := newTown()
	w.saveFailures = 3
	w.pull(t, box, "one")
	w.await(t, "the mails", func() bool { return w.cursor.Done == 3 })
	if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n3"}) || w.offered <= 3 {
		t.Errorf("filed %q, offered %d", got, w.offered)
	}
}

// TestDovecotIsKilled kills the server in the middle of a mailbox and starts it again.
func TestDovecotIsKilled(t *testing.T) {
	d, box := dovecot(t)
	deliver := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			if err := d.Deliver(letterNo(n), arrived); err != nil {
				t.Fatal(err)
			}
		}
	}
	deliver(0, 400)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"))
	w := newTown()
	stop := w.pull(t, box, "one")
	for _, filed := range []int{1, 150, 300} {
		w.await(t, "some", func() bool { return len(w.filed) >= filed })
		if err := errors.Join(d.Kill(), d.Restart()); err != nil {
			t.Fatal(err)
		}
	}
	deliver(400, 420)
	w.await(t, "all", func() bool {
		return w.cursor.Done == 420 && last(w.health).State == channels.Working && last(w.health).MissingCount == 0
	})
	stop()
	for i, subject := range w.subjects() {
		if subject != fmt.Sprintf("n%d", i) {
			t.Fatalf("the %dth is %s", i, subject)
		}
	}
	if len(w.filed) != 420 {
		t.Errorf("%d filed", len(w.filed))
	}
}

// TestProgressResetsTheBackOff files a mailbox over lines that each last for a few mails only: the waits must not grow while mail is filed.
func TestProgressResetsTheBackOff(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	const many = 100
	for n := range many {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	p, err := mailtest.StartProxy(fmt.Sprintf("%s:%d", box.IMAP.Host, box.IMAP.Port), func(int) int { return 9_500 })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	box.IMAP.Host, box.IMAP.Port = p.Addr()
	w := newTown()
	stop := w.pull(t, box, "one", func(p *Puller) { p.pace.firstRetry, p.pace.maxRetry = 50*time.Millisecond, time.Hour })
	defer stop()
	w.await(t, "all", func() bool { return w.cursor.Done == many }) // within seconds, where the waits would double to minutes
	if n := p.Connections(); n < 4 {
		t.Errorf("%d connections only: the test tests nothing", n)
	}
}
