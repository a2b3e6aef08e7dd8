package routing

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// fixture is a Redis of the test's own.
type fixture struct {
	address string
	line    *line // what a server is reached through; nil when it is embedded
	clock   *clock
}

// onBoth runs a test on the embedded Redis and on a server.
func onBoth(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, &fixture{address: "embedded", clock: newClock()})
	})
	t.Run("server", func(t *testing.T) {
		server := serverURL(t)
		line := newLine(t, server.Host)
		server.Host = line.address()
		test(t, &fixture{address: server.String(), line: line, clock: newClock()})
	})
}

// open returns a router on a Redis that holds nothing.
func (f *fixture) open(t testing.TB) *Router {
	return f.openLogging(t, slog.DiscardHandler)
}

func (f *fixture) openLogging(t testing.TB, handler slog.Handler) *Router {
	t.Helper()
	r, err := Open(t.Context(), f.address, Options{Log: slog.New(handler), Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	flush(t, r)
	return r
}

// replica returns a second router on the Redis of the first.
func (f *fixture) replica(t testing.TB, first *Router) *Router {
	t.Helper()
	address := f.address
	if first.embedded != nil {
		password := first.client.(*redis.Client).Options().Password
		address = fmt.Sprintf("redis://:%s@%s", password, first.embedded.Addr())
	}
	r, err := Open(t.Context(), address, Options{Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if first.embedded != nil { // its TIME is the machine's, the test's clock is not
		r.offset.Store(first.offset.Load())
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// cut makes Redis unreachable, and heal reachable again.
func (f *fixture) cut(r *Router) {
	if f.line == nil {
		r.embedded.Close()
		return
	}
	f.line.cut()
}

func (f *fixture) heal(t testing.TB, r *Router) {
	t.Helper()
	if f.line == nil {
		if err := r.embedded.Restart(); err != nil {
			t.Fatal(err)
		}
		return
	}
	f.line.heal()
}

func flush(t testing.TB, r *Router) {
	t.Helper()
	if err := r.client.FlushDB(context.WithoutCancel(t.Context())).Err(); err != nil {
		t.Fatal(err)
	}
}

// serverURL returns the address of a Redis server: the one of GUICHET_TEST_REDIS_URL, or a private one that ends with the test.
func serverURL(t testing.TB) *url.URL {
	t.Helper()
	if given := os.Getenv("GUICHET_TEST_REDIS_URL"); given != "" {
		server, err := url.Parse(given)
		if err != nil {
			t.Fatal(err)
		}
		return server
	}
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("GUICHET_TEST_REQUIRE"), "redis") {
			t.Fatal("GUICHET_TEST_REQUIRE asks for redis: set GUICHET_TEST_REDIS_URL or install redis-server")
		}
		t.Skip("no redis-server, and GUICHET_TEST_REDIS_URL is not set")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close()
	server := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	eventually(t, "redis-server answers", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return &url.URL{Scheme: "redis", Host: address}
}

// eventually waits for something that happens beside the test.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(20 * time.Second)
	for !done() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("in vain waited until: %s", what)
		}
	}
}

// clock is a time that passes when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// line is a TCP proxy that can be cut.
type line struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	broken   bool
	conns    []net.Conn
	gate     sync.RWMutex // held for writing: nothing passes, and nothing breaks
}

func newLine(t testing.TB, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target}
	go l.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
	})
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil || !l.keep(near, far) {
			_ = near.Close()
			continue
		}
		go l.pipe(near, far)
		go l.pipe(far, near)
	}
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		for _, conn := range conns {
			_ = conn.Close()
		}
		return false
	}
	l.conns = append(l.conns, conns...)
	return true
}

func (l *line) pipe(to, from net.Conn) {
	_, _ = io.Copy(gated{to, &l.gate}, from)
	_ = to.Close()
}

// gated lets bytes pass while its gate is open.
type gated struct {
	io.Writer
	gate *sync.RWMutex
}

func (g gated) Write(p []byte) (int, error) {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return g.Writer.Write(p)
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

func (l *line) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = false
}

// town is a source: the database of these tests.
type town struct {
	mu      sync.Mutex
	items   map[string]Item
	holder  map[string]Held
	between func() // called once, after Waiting has been answered
	err     error
}

func newTown(items ...Item) *town {
	s := &town{items: make(map[string]Item), holder: make(map[string]Held)}
	for _, item := range items {
		s.items[item.ID] = item
	}
	return s
}

func (s *town) Waiting(context.Context) ([]Item, error) {
	s.mu.Lock()
	between := s.between
	s.between = nil
	var waiting []Item
	for id, item := range s.items {
		if _, taken := s.holder[id]; !taken {
			waiting = append(waiting, item)
		}
	}
	err := s.err
	s.mu.Unlock()
	if between != nil {
		between()
	}
	return waiting, err
}

func (s *town) Taken(context.Context) ([]Held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []Held
	for _, held := range s.holder {
		taken = append(taken, held)
	}
	return taken, nil
}

// take is UPDATE … SET assignee WHERE assignee IS NULL.
func (s *town) take(id, agent string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.holder[id]; taken {
		return false
	}
	s.holder[id] = Held{ID: id, Agent: agent, Weight: cmp.Or(s.items[id].Weight, 1)}
	return true
}

func (s *town) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}
