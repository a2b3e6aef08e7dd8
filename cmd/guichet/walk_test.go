package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/mail"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels/email/mailtest"
	"guichet/config"
	"guichet/ticketing/demo"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// patience is how long a test waits for something that takes milliseconds on a quiet machine.
const patience = 60 * time.Second

// post is a post office: an IMAP server the town's mail arrives at, and an SMTP server its answers leave by.
type post struct {
	server  *mailtest.Server
	dovecot *mailtest.Dovecot // nil: server is the IMAP server too
	sent    chan []byte
}

func openPost(t *testing.T, dovecot bool) *post {
	t.Helper()
	p := &post{sent: make(chan []byte, 100)}
	server, err := mailtest.Start(mailtest.Options{
		Users:  map[string]string{demoAddress: demoMailPass},
		OnMail: func(_ string, _ []string, raw []byte) { p.sent <- raw },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeIt(t, server) })
	p.server = server
	if dovecot {
		need(t, "dovecot", func() bool { _, err := exec.LookPath("dovecot"); return err == nil })
		if p.dovecot, err = mailtest.StartDovecot(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeIt(t, p.dovecot) })
	}
	return p
}

// need skips a test whose part is missing, unless the environment says that it must be there.
func need(t *testing.T, part string, there func() bool) {
	t.Helper()
	if there() {
		return
	}
	if slices.Contains(strings.Split(os.Getenv("GUICHET_TEST_REQUIRE"), ","), part) {
		t.Fatalf("GUICHET_TEST_REQUIRE asks for %s, and it is not here", part)
	}
	t.Skipf("no %s here", part)
}

func closeIt(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func (p *post) deliver(t *testing.T, l demo.Letter, e demo.Envelope) {
	t.Helper()
	e.At = time.Now()
	if e.To == "" {
		e.To = demoAddress
	}
	raw, err := l.Mail(e)
	if err != nil {
		t.Fatal(err)
	}
	if p.dovecot != nil {
		err = p.dovecot.Deliver(raw, e.At)
	} else {
		err = p.server.Deliver(demoAddress, raw, e.At)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// next waits for a mail that Guichet sent and that is automatic or not.
func (p *post) next(t *testing.T, automatic bool) *mail.Message {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case raw := <-p.sent:
			m, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				t.Fatalf("Guichet sent what is no mail: %v\n%s", err, raw)
			}
			if (m.Header.Get("Auto-Submitted") != "") == automatic {
				return m
			}
		case <-deadline:
			t.Fatalf("no mail (automatic: %v) was sent", automatic)
		}
	}
}

func (p *post) config(t *testing.T, database, redis string) config.Config {
	c := demoConfig("127.0.0.1:0", t.TempDir(), p.server)
	c.Database, c.Redis = database, redis
	c.HTTP.PublicURL = "http://127.0.0.1"
	if p.dovecot != nil {
		i := &c.Mailboxes[0].IMAP
		i.Host, i.Port, i.Username, i.Password = p.dovecot.Host, p.dovecot.Port, p.dovecot.User, p.dovecot.Password
	}
	return c
}

// running is a hub that runs, and a client signed in to it.
type running struct {
	*testing.T
	base   string
	client *http.Client
	hub    *hub
	stop   func()
}

func startHub(t *testing.T, c config.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := migrateFor(ctx, c); err != nil {
		t.Fatal(err)
	}
	h, err := openHub(ctx, c, log, hubOptions{metricsForAgents: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := furnish(ctx, h); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	var runs sync.WaitGroup
	runs.Go(func() {
		if err := h.run(ctx, func(addr string) { ready <- addr }); err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{T: t, client: &http.Client{Jar: jar}, hub: h, stop: sync.OnceFunc(func() { cancel(); runs.Wait() })}
	t.Cleanup(r.stop)
	select {
	case addr := <-ready:
		r.base = "http://" + addr
	case <-time.After(patience):
		t.Fatal("the hub is not ready")
	}
	return r
}

// call speaks the API and gives the status and the decoded answer.
func (r *running) call(method, path string, body any) (int, map[string]any) {
	r.Helper()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			r.Fatal(err)
		}
		content = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(r.Context(), method, r.base+path, content)
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		r.Fatal(err)
	}
	raw, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		r.Fatal(err)
	}
	var decoded map[string]any
	if len(raw) > 0 && strings.Contains(answer.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &decoded); err != nil {
			r.Fatalf("%s %s: %v\n%s", method, path, err, raw)
		}
	}
	return answer.StatusCode, decoded
}

func (r *running) want(status int, method, path string, body any) map[string]any {
	r.Helper()
	got, answer := r.call(method, path, body)
	if got != status {
		r.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, answer)
	}
	return answer
}

func (r *running) signIn(account string) {
	r.Helper()
	status, answer := r.call("POST", "/api/v1/session", map[string]string{"email": account, "password": demoPassword})
	if status != http.StatusOK {
		r.Fatalf("sign in as %s: %d %v", account, status, answer)
	}
}

// eventually waits for a condition, asking again as often as something may have changed.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func items(answer map[string]any) []map[string]any {
	var list []map[string]any
	raw, _ := answer["items"].([]any)
	for _, i := range raw {
		item, _ := i.(map[string]any)
		list = append(list, item)
	}
	return list
}

// The walk in and the walk out, on everything Guichet can stand on.
func TestWalk(t *testing.T) {
	for name, on := range map[string]struct {
		engine  string
		redis   bool
		dovecot bool
	}{
		"SQLite and embedded Redis":        {engine: store.SQLite},
		"SQLite, embedded Redis, Dovecot":  {engine: store.SQLite, dovecot: true},
		"PostgreSQL and Redis":             {engine: store.PostgreSQL, redis: true},
		"PostgreSQL and Redis and Dovecot": {engine: store.PostgreSQL, redis: true, dovecot: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := "embedded"
			if on.redis {
				redis = startRedis(t)
			}
			p := openPost(t, on.dovecot)
			r := startHub(t, p.config(t, storetest.URL(t, on.engine), redis))
			walk(t, r, p)
		})
	}
}

func walk(t *testing.T, r *running, p *post) {
	letters, err := demo.Letters()
	if err != nil {
		t.Fatal(err)
	}
	r.signIn("agent@valmont.example")
	events := r.follow()

	// The walk in.
	anne := letters[0]
	p.deliver(t, anne, demo.Envelope{ID: "first@example.org"})
	var ticket map[string]any
	eventually(r.T, "a ticket", func() bool {
		list := items(r.want(200, "GET", "/api/v1/tickets?channel=email", nil))
		if len(list) == 1 {
			ticket = list[0]
		}
		return len(list) == 1
	})
	reference, _ := ticket["reference"].(string)
	if ticket["department"] != anne.Expect.Department || ticket["motive"] != anne.Expect.Motive || ticket["status"] != "new" {
		t.Errorf("ticket %v", ticket)
	}
	ack := p.next(t, true)
	if !strings.Contains(decoded(t, ack.Header.Get("Subject")), "[Réf. "+reference+"]") || ack.Header.Get("In-Reply-To") != "<first@example.org>" {
		t.Errorf("acknowledgement %v", ack.Header)
	}
	if got := <-events; got != "ticket.created" {
		t.Errorf("the first event is %s", got)
	}
	eventually(r.T, "the department's queue", func() bool {
		for _, q := range items(r.want(200, "GET", "/api/v1/queues", nil)) {
			if q["department"] == anne.Expect.Department && q["waiting"] == 1.0 {
				return true
			}
		}
		return false
	})

	// The walk out.
	taken := r.want(200, "POST", "/api/v1/queues/"+anne.Expect.Department+"/next", map[string]any{})
	if taken["reference"] != reference || taken["status"] != "open" {
		t.Errorf("taken %v", taken)
	}
	if status, _ := r.call("POST", "/api/v1/queues/"+anne.Expect.Department+"/next", map[string]any{}); status != http.StatusNoContent {
		t.Errorf("an empty queue gives %d", status)
	}
	r.want(202, "POST", "/api/v1/tickets/"+reference+"/messages", map[string]string{"kind": "note", "text": "Vu avec l’équipe."})
	r.want(202, "POST", "/api/v1/tickets/"+reference+"/messages", map[string]string{"kind": "reply", "text": "Où exactement ?"})
	reply := p.next(t, false)
	if reply.Header.Get("In-Reply-To") != "<first@example.org>" || !strings.Contains(reply.Header.Get("References"), "<first@example.org>") {
		t.Errorf("the reply does not thread: %v", reply.Header)
	}
	eventually(r.T, "sent", func() bool {
		return r.message(reference, "out", func(m map[string]any) bool { return m["automatic"] == false && state(m) == "sent" })
	})

	// The citizen answers.
	ours := strings.Trim(reply.Header.Get("Message-Id"), "<>")
	p.deliver(t, anne, demo.Envelope{
		To: reply.Header.Get("Reply-To"), ID: "second@example.org", InReplyTo: ours, References: []string{"first@example.org", ours},
		Subject: "Re: " + anne.Subject, Text: anne.Answers[0],
	})
	eventually(r.T, "her answer in the same ticket", func() bool {
		n := 0
		r.message(reference, "in", func(map[string]any) bool { n++; return false })
		return n == 2
	})
	after := r.want(200, "GET", "/api/v1/tickets/"+reference, nil)
	if after["status"] != "open" || after["assignee"] == nil || after["first_reply_at"] == nil {
		t.Errorf("after her answer %v", after)
	}
	if n := len(items(r.want(200, "GET", "/api/v1/tickets", nil))); n != 1 {
		t.Errorf("%d tickets", n)
	}
	r.want(200, "POST", "/api/v1/tickets/"+reference+"/close", map[string]string{"outcome": "answered"})
	health := items(r.want(200, "GET", "/api/v1/channels", nil))
	if len(health) != 1 || health[0]["state"] != "working" {
		t.Errorf("channels %v", health)
	}
	if status, _ := r.call("GET", "/metrics", nil); status != 200 {
		t.Errorf("metrics %d", status)
	}
	begin := time.Now()
	r.stop()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}

// message tells whether a ticket has a message of a direction that is so.
func (r *running) message(reference, direction string, so func(map[string]any) bool) bool {
	r.Helper()
	list, _ := r.want(200, "GET", "/api/v1/tickets/"+reference, nil)["messages"].([]any)
	for _, i := range list {
		m, _ := i.(map[string]any)
		if m["direction"] == direction && so(m) {
			return true
		}
	}
	return false
}

func state(m map[string]any) any {
	delivery, _ := m["delivery"].(map[string]any)
	return delivery["state"]
}

// follow reads the live stream and gives the types of its events.
func (r *running) follow() <-chan string {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.base+"/api/v1/events", nil)
	if err != nil {
		r.Fatal(err)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		r.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		r.Fatalf("events: %s", answer.Status)
	}
	r.Cleanup(func() { closeIt(r.T, answer.Body) })
	types := make(chan string, 100)
	go func() {
		defer close(types)
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			var e struct{ Type string }
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok && json.Unmarshal([]byte(data), &e) == nil {
				types <- e.Type
			}
		}
	}()
	return types
}

func decoded(t *testing.T, header string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startRedis starts a Redis of the test's own.
func startRedis(t *testing.T) string {
	t.Helper()
	need(t, "redis", func() bool { _, err := exec.LookPath("redis-server"); return err == nil })
	var free net.ListenConfig
	l, err := free.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	closeIt(t, l)
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Logf("redis-server: %v", err)
		}
	})
	eventually(t, "redis-server answers", func() bool {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", address)
		return err == nil && conn.Close() == nil
	})
	return "redis://" + address + "/0"
}
