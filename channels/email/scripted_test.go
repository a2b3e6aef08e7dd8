package email

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// scriptedServer speaks as much IMAP as a puller needs, over a box of mails numbered from 1, and lets a test answer any command
// otherwise. It counts what it is asked.
type scriptedServer struct {
	greeting string
	// script answers a command in the server's place: with a status line without tag ("" closes the connection), or false.
	script func(c *scriptedConn, verb, rest string) (status string, handled bool)

	listener net.Listener
	serving  sync.WaitGroup

	mu          sync.Mutex
	uids        []uint32
	asked       []string // verbs with their arguments
	connections int
	open        map[*scriptedConn]bool // in IDLE: true
}

// scriptedConn is one of its connections.
type scriptedConn struct {
	net.Conn
	gone chan struct{} // closed when the client has closed it
}

// mute says nothing any more, for as long as the client holds out.
func (c *scriptedConn) mute() { <-c.gone }

func startScripted(t *testing.T, mails int, script func(c *scriptedConn, verb, rest string) (string, bool)) (*scriptedServer, Mailbox) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scriptedServer{greeting: "* OK [CAPABILITY IMAP4rev1 IDLE] ready", script: script, listener: l, open: map[*scriptedConn]bool{}}
	for uid := range uint32(mails) {
		s.uids = append(s.uids, uid+1)
	}
	s.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.serve(&scriptedConn{c, make(chan struct{})}) })
		}
	})
	t.Cleanup(s.close)
	box := mairie
	box.IMAP = IMAP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: NoTLS, Username: "u", Password: "p", Poll: time.Hour}
	return s, box
}

func (s *scriptedServer) close() {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// deliver adds a mail and tells who idles.
func (s *scriptedServer) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uids = append(s.uids, s.uids[len(s.uids)-1]+1)
	for c, idles := range s.open {
		if idles {
			fmt.Fprintf(c, "* %d EXISTS\r\n", len(s.uids))
		}
	}
}

// remove takes a mail away, as another client does.
func (s *scriptedServer) remove(uid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uids = slices.DeleteFunc(s.uids, func(u uint32) bool { return u == uid })
}

// count is how often a command that begins so was heard, and since returns the commands after the first n.
func (s *scriptedServer) count(beginning string) int {
	n := 0
	for _, a := range s.since(0) {
		if strings.HasPrefix(a, beginning) {
			n++
		}
	}
	return n
}

func (s *scriptedServer) since(n int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked[n:])
}

// serve reads lines in a goroutine of its own, so that it notices a client that goes while the server is mute.
func (s *scriptedServer) serve(c *scriptedConn) {
	lines := make(chan string, 64) // a client may say more while the server is mute
	s.mu.Lock()
	s.open[c] = false
	s.connections++
	s.mu.Unlock()
	stop := make(chan struct{})
	defer func() {
		close(stop)
		c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	s.serving.Go(func() {
		defer close(c.gone)
		for in := bufio.NewScanner(c); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-stop:
				return
			}
		}
	})
	if status, handled := s.ask(c, "GREETING", ""); handled && status == "" {
		return
	}
	fmt.Fprintf(c, "%s\r\n", s.greeting)
	for {
		select {
		case line := <-lines:
			if !s.answer(c, line, lines) {
				return
			}
		case <-c.gone:
			return
		}
	}
}

func (s *scriptedServer) ask(c *scriptedConn, verb, rest string) (string, bool) {
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(verb+" "+rest))
	s.mu.Unlock()
	if s.script == nil {
		return "", false
	}
	return s.script(c, verb, rest)
}

// answer answers one command and tells whether to go on.
func (s *scriptedServer) answer(c *scriptedConn, line string, lines <-chan string) bool {
	m := oddCommand.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	tag, verb, rest := m[1], strings.ToUpper(m[2]), m[3]
	status, handled := s.ask(c, verb, rest)
	if handled && status == "" {
		return false
	}
	if !handled {
		status = "OK done"
		switch verb {
		case "CAPABILITY":
			fmt.Fprint(c, "* CAPABILITY IMAP4rev1 IDLE\r\n")
		case "SELECT", "EXAMINE":
			s.mu.Lock()
			fmt.Fprintf(c, "* %d EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* FLAGS ()\r\n", len(s.uids))
			s.mu.Unlock()
		case "UID SEARCH", "SEARCH":
			fmt.Fprintf(c, "* SEARCH%s\r\n", s.search(strings.TrimPrefix(rest, "UID "), verb == "UID SEARCH"))
		case "UID FETCH", "FETCH":
			s.fetch(c, rest, verb == "UID FETCH")
		case "IDLE":
			if !s.idle(c, lines) {
				return false
			}
		}
	}
	fmt.Fprintf(c, "%s %s\r\n", tag, status)
	return true
}

func (s *scriptedServer) idle(c *scriptedConn, lines <-chan string) bool {
	s.mu.Lock()
	s.open[c] = true
	fmt.Fprint(c, "+ idling\r\n")
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open[c] = false
		s.mu.Unlock()
	}()
	select {
	case <-lines: // DONE
		status, handled := s.ask(c, "DONE", "")
		return !handled || status != ""
	case <-c.gone:
		return false
	}
}

// within tells whether a set of UIDs names one of them; last is what "*" is.
func withinSet(set string, uid, last uint32) bool {
	for item := range strings.SplitSeq(set, ",") {
		from, to, ranged := strings.Cut(item, ":")
		number := func(text string) uint32 {
			if text == "*" {
				return last
			}
			n, _ := strconv.ParseUint(text, 10, 32)
			return uint32(n)
		}
		low := number(from)
		high := low
		if ranged {
			high = number(to)
		}
		if uid >= min(low, high) && uid <= max(low, high) {
			return true
		}
	}
	return false
}

func (s *scriptedServer) search(set string, byUID bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found strings.Builder
	for i, uid := range s.uids {
		if !withinSet(set, uid, s.uids[len(s.uids)-1]) {
			continue
		}
		if !byUID {
			uid = uint32(i + 1)
		}
		fmt.Fprintf(&found, " %d", uid)
	}
	return found.String()
}

func (s *scriptedServer) fetch(c *scriptedConn, rest string, byUID bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set, _, _ := strings.Cut(rest, " ")
	for i, uid := range s.uids {
		named := uid
		if !byUID {
			named = uint32(i + 1)
		}
		if !withinSet(set, named, s.uids[len(s.uids)-1]) {
			continue
		}
		raw := letterNo(int(uid))
		fmt.Fprintf(c, `* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "20-Nov-2026 09:30:00 +0000"`, i+1, uid, len(raw))
		if strings.Contains(rest, "BODY") {
			fmt.Fprintf(c, " BODY[] {%d}\r\n%s", len(raw), raw)
		}
		fmt.Fprint(c, ")\r\n")
	}
}
