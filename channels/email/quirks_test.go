package email

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
)

// oddServer speaks just enough IMAP, and speaks it as badly as real servers do. Its box holds UIDs 1 to 6:
// 2 comes with the body before the UID, 3 breaks the connection, 4 comes in two answers, 5 is refused.
type oddServer struct {
	listener net.Listener
	mended   atomic.Bool // 3 and 5 can be had
	fetched  atomic.Int32
}

func startOddServer(t *testing.T) (*oddServer, Mailbox) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &oddServer{listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	t.Cleanup(func() { l.Close() })
	box := mairie
	box.IMAP = IMAP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: NoTLS, Username: "u", Password: "p", Poll: 20 * time.Millisecond}
	return s, box
}

var oddCommand = regexp.MustCompile(`^(\S+) (UID FETCH|UID SEARCH|\S+) ?(.*)$`)

func (s *oddServer) serve(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1] odd\r\n")
	for in := bufio.NewScanner(c); in.Scan(); {
		m := oddCommand.FindStringSubmatch(in.Text())
		if m == nil {
			return
		}
		tag, verb, rest := m[1], m[2], m[3]
		status := "OK done"
		switch verb {
		case "CAPABILITY":
			fmt.Fprint(c, "* CAPABILITY IMAP4rev1\r\n")
		case "SELECT", "EXAMINE":
			fmt.Fprint(c, "* 6 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* FLAGS ()\r\n")
		case "UID SEARCH", "SEARCH":
			fmt.Fprintf(c, "* SEARCH%s\r\n", s.search(rest))
		case "UID FETCH", "FETCH":
			if status = s.fetch(c, rest); status == "" {
				return
			}
		}
		fmt.Fprintf(c, "%s %s\r\n", tag, status)
	}
}

// search knows "UID n", "UID n:*" and lists of them; the sequence numbers are the UIDs.
func (s *oddServer) search(rest string) string {
	found := ""
	set := strings.TrimPrefix(rest, "UID ")
	for uid := 1; uid <= 6; uid++ {
		for item := range strings.SplitSeq(set, ",") {
			from, to, ranged := strings.Cut(item, ":")
			first, _ := strconv.Atoi(from)
			end := first
			if ranged {
				if end, _ = strconv.Atoi(to); to == "*" {
					end = max(first, 6)
					first = min(first, 6) // "n:*" always names the last
				}
			}
			if uid >= first && uid <= end {
				found += fmt.Sprintf(" %d", uid)
				break
			}
		}
	}
	return found
}

func (s *oddServer) fetch(c net.Conn, rest string) string {
	s.fetched.Add(1)
	set, _, _ := strings.Cut(rest, " ")
	if !strings.Contains(rest, "BODY") {
		return "NO [UNAVAILABLE] no sizes today"
	}
	uid, err := strconv.Atoi(set)
	if err != nil {
		return "BAD one at a time"
	}
	raw := letterNo(uid)
	rest = strings.ToUpper(rest)
	asked := strings.Contains(rest, "UID")
	switch {
	case uid == 2 && asked:
		fmt.Fprintf(c, "* 2 FETCH (BODY[] {%d}\r\n%s UID 2)\r\n", len(raw), raw)
	case uid == 3 && !s.mended.Load():
		return ""
	case uid == 4 && asked:
		fmt.Fprintf(c, "* 4 FETCH (UID 4)\r\n* 4 FETCH (BODY[] {%d}\r\n%s)\r\n", len(raw), raw)
	case uid == 5 && !s.mended.Load():
		return "NO try later"
	case asked:
		fmt.Fprintf(c, "* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", uid, uid, len(raw), len(raw), raw)
	default:
		fmt.Fprintf(c, "* %d FETCH (BODY[] {%d}\r\n%s)\r\n", uid, len(raw), raw)
	}
	return "OK done"
}

func TestOneBadMailStopsNoMailbox(t *testing.T) {
	s, box := startOddServer(t)
	w := newTown()
	w.pull(t, box, "one")
	w.await(t, "all but two", func() bool {
		return w.cursor.Done == 6 && slices.Equal(w.cursor.Gaps, []uint32{3, 5}) && len(w.filed) == 4
	})
	if got := w.subjects(); !slices.Equal(got, []string{"n1", "n2", "n4", "n6"}) {
		t.Errorf("filed %q", got)
	}
	w.await(t, "word of what is missing", func() bool { return last(w.health).Pending == 2 })
	for _, in := range w.filed {
		if in.Quarantine != "" {
			t.Errorf("given up already: %s", in.Quarantine)
		}
	}
	s.mended.Store(true)
	w.await(t, "the two", func() bool { return len(w.filed) == 6 && len(w.cursor.Gaps) == 0 })
}

// TestWhatIsNeverGivenIsGivenUpVisibly tries a refused mail and one that breaks the connection over some time, and then lets a person
// know where they are.
func TestWhatIsNeverGivenIsGivenUpVisibly(t *testing.T) {
	s, box := startOddServer(t)
	box.IMAP.Poll = 2 * time.Millisecond
	w := newTown()
	stop := w.pull(t, box, "one")
	w.await(t, "both given up", func() bool { return len(w.filed) == 6 && len(w.cursor.Gaps) == 0 && w.cursor.Done == 6 })
	w.await(t, "a box with nothing pending", func() bool { return last(w.health).Pending == 0 && last(w.health).State == channels.Working })
	stop()
	keys := map[string]bool{}
	for _, in := range w.filed[4:] {
		if in.Quarantine != channels.NotGiven || len(in.Raw) != 0 || in.Line != "mairie" || in.Place == nil || len(in.Warnings) != 1 || in.At.IsZero() {
			t.Errorf("given up as %+v", in)
		}
		keys[in.Key] = true
	}
	if uids := []uint32{w.filed[4].Place.UID, w.filed[5].Place.UID}; !slices.Contains(uids, 3) || !slices.Contains(uids, 5) || len(keys) != 2 {
		t.Errorf("given up: %v, keys %v", uids, keys)
	}
	if n := s.fetched.Load(); n < 2*maxTries {
		t.Errorf("given up after %d fetches", n)
	}

	// Somebody who starts from nothing finds them again under the same keys.
	again := newTown()
	again.pull(t, box, "two")
	again.await(t, "both again", func() bool { return len(again.filed) == 6 && len(again.cursor.Gaps) == 0 })
	for _, in := range again.filed[4:] {
		if !keys[in.Key] {
			t.Errorf("another key for UID %d", in.Place.UID)
		}
	}
}

// TestGapsWaitLongerEachTime counts in minutes from the moment a gap was made.
func TestGapsWaitLongerEachTime(t *testing.T) {
	now := time.Unix(0, 0)
	p := NewPuller(Mailbox{IMAP: IMAP{Poll: time.Minute}}, PullerDeps{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	var tried []time.Duration
	for range 3 * 60 {
		for _, uid := range p.dueGaps([]uint32{7}) {
			if !p.tryGap(uid) {
				tried = append(tried, -1)
				break
			}
			tried = append(tried, now.Sub(time.Unix(0, 0)))
		}
		if slices.Contains(tried, -1) {
			break
		}
		now = now.Add(time.Minute)
	}
	want := []time.Duration{0, time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, -1}
	if !slices.Equal(tried, want) {
		t.Errorf("tried at %v", tried)
	}
}
