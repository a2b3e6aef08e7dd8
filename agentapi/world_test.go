package agentapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guichet/agentapi"
	"guichet/agentapi/auth"
	"guichet/agentapi/console"
	"guichet/channels"
	"guichet/channels/email"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

const password = "un mot de passe"

// passwordHash is made once: argon2id is slow on purpose.
var passwordHash = sync.OnceValues(func() (string, error) { return auth.HashPassword(password) })

// town has two open departments, a sealed and a hidden one. Nadia works at the front desk and in roads, Karim supervises roads, Sonia
// alone works in social services (hidden) and police (sealed).
const town = `
departments:
  - { code: accueil, name: { fr: Accueil, en: Front desk } }
  - { code: voirie, name: { fr: Voirie, en: Roads } }
  - { code: ccas, name: { fr: CCAS, en: Social services }, visibility: hidden }
  - { code: police, name: { fr: Police, en: Police }, visibility: sealed }
motives:
  - { code: VOI-NID, department: voirie, name: { fr: Nid-de-poule, en: Pothole } }
agents:
  - { email: nadia@valmont.example, name: Nadia Benali, departments: [accueil, voirie], capacity: 3 }
  - { email: karim@valmont.example, name: Karim Petit, language: en, roles: [agent, supervisor], departments: [voirie], supervises: [voirie] }
  - { email: sonia@valmont.example, name: Sonia Roux, departments: [ccas, police] }
  - { email: admin@valmont.example, name: Thomas Garnier, roles: [agent, supervisor, admin], all_departments: true }
`

// world is a whole Guichet behind a server of the test's own.
type world struct {
	tb         testing.TB
	db         *store.DB
	town       *ticketing.Town
	desk       *ticketing.Desk
	quarantine *ticketing.Quarantine
	board      *ticketing.Switchboard
	router     *routing.Router
	guard      *auth.Guard
	server     *agentapi.Server
	url        string
	log        *lockedBuffer
	shift      atomic.Int64 // how far the clock was moved, in nanoseconds
	mails      int

	redisGone bool // the test has closed it
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())).UTC() }

// each runs a test on a world of each database.
func each(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newWorld(t, db)) })
}

func newWorld(tb testing.TB, db *store.DB, change ...func(*agentapi.Parts)) *world {
	tb.Helper()
	ctx := tb.Context()
	w := &world{tb: tb, db: db, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	files, err := store.OpenFolder(tb.TempDir())
	w.must(err)
	w.router, err = routing.Open(ctx, "embedded", routing.Options{Log: log, Now: w.now})
	w.must(err)
	w.town, err = ticketing.OpenTown(ctx, db, ticketing.Profile{
		Name: "Ville de Valmont", Zone: time.UTC, Region: "FR", Languages: []string{"fr", "en"},
	}, w.now, log)
	w.must(err)
	file, err := ticketing.ReadTownFile([]byte(town))
	w.must(err)
	_, err = w.town.Import(ctx, file, false)
	w.must(err)
	w.must(w.town.KeepLines(ctx, []ticketing.Line{
		{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil"},
	}))
	hash, err := passwordHash()
	w.must(err)
	for _, name := range []string{"nadia", "karim", "sonia", "admin"} {
		w.must(w.town.SetPassword(ctx, name+"@valmont.example", hash))
	}
	metrics := agentapi.NewMetrics()
	w.desk = ticketing.NewDesk(ticketing.DeskParts{
		Store: db, Files: files, Town: w.town, Router: w.router, Keys: ticketing.NewKeys([]byte("0123456789abcdef0123456789abcdef")),
		Now: w.now, Log: log, Stats: metrics,
	})
	reader := ticketing.NewReader(db, files, w.town, w.router, w.now)
	journal := ticketing.NewJournal(db, w.router, log)
	w.guard = auth.New(auth.Parts{Store: db, Town: w.town, Router: w.router, Now: w.now, Log: log})
	w.quarantine = ticketing.NewQuarantine(w.desk, map[channels.Name]channels.Rereader{channels.Email: email.NewReader(nil)})
	w.board = ticketing.NewSwitchboard(w.desk)
	ledger := ticketing.NewLedger(db, w.town, 0, w.now, log)
	registry := ticketing.NewRegistry(db, w.town, w.router, w.now, log)
	pages, err := console.New(console.Parts{
		Desk: w.desk, Registry: registry, Reader: reader, Quarantine: w.quarantine, Ledger: ledger, Switchboard: w.board, Town: w.town, Guard: w.guard, Now: w.now, Log: log,
		SafeHTML: email.SafeHTML, FoldHTML: email.FoldHTML, RemotePictures: email.RemotePictures,
	})
	w.must(err)
	parts := agentapi.Parts{
		Desk: w.desk, Registry: registry, Reader: reader, Quarantine: w.quarantine, Ledger: ledger, Switchboard: w.board, Town: w.town, Journal: journal, Router: w.router, Store: db, Guard: w.guard, Console: pages,
		Metrics: metrics, PublicURL: "http://guichet.example", Version: "test", Log: log, Now: w.now,
	}
	for _, c := range change {
		c(&parts)
	}
	w.server, err = agentapi.New(parts)
	w.must(err)

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- journal.Run(running) }()
	server := httptest.NewServer(w.server.Handler())
	w.url = server.URL
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		server.Close()
		if !w.redisGone {
			w.must(w.router.Close())
		}
		w.must(files.Close())
	})
	return w
}

func (w *world) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// mail lets a citizen write to the town hall and gives the reference of her ticket.
func (w *world) mail(department, subject string) string {
	w.tb.Helper()
	w.mails++
	key := ticketing.NewID()
	filed, err := w.desk.Receive(w.tb.Context(), []channels.Inbound{{
		Channel: channels.Email, Line: "mairie", Key: key, Raw: []byte("Subject: " + subject + "\r\n\r\nBonjour"), ID: key + "@example.org",
		From: channels.Address{Name: "Anne Perrin", Value: key + "@example.org"}, Subject: subject, Text: "Bonjour", At: w.now(),
		Attachments: []channels.Attachment{{Name: "plan é.html", Type: "text/html", Data: []byte("<script>alert(1)</script>")}},
	}})
	w.must(err)
	if filed[0].Result != channels.Created {
		w.tb.Fatalf("the mail was %s", filed[0].Result)
	}
	ref := filed[0].Reference
	if department != "accueil" {
		_, err := w.desk.Transfer(w.tb.Context(), w.actor("admin"), ref, department, "test", 0)
		w.must(err)
	}
	return ref
}

func (w *world) actor(name string) ticketing.Actor {
	w.tb.Helper()
	agent, ok := w.town.Now().AgentByEmail(name + "@valmont.example")
	actor, works := w.town.Now().Actor(agent.ID, false)
	if !ok || !works {
		w.tb.Fatalf("nobody is called %s", name)
	}
	return actor
}

// client speaks to the server as one browser or program.
type client struct {
	w      *world
	http   *http.Client
	header http.Header
}

func (w *world) nobody() *client {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &client{w: w, header: http.Header{}, http: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a browser of an agent.
func (w *world) signedIn(name string) *client {
	w.tb.Helper()
	c := w.nobody()
	c.post("/session", body{"email": name + "@valmont.example", "password": password}).is(http.StatusOK)
	return c
}

// program is a program with a token of an agent.
func (w *world) program(name, scope string) *client {
	w.tb.Helper()
	token, err := w.town.CreateToken(w.tb.Context(), name+"@valmont.example", "test", scope, nil)
	w.must(err)
	c := w.nobody()
	c.header.Set("Authorization", "Bearer "+token)
	return c
}

// with is the same client with a header more.
func (c *client) with(name, value string) *client {
	header := c.header.Clone()
	header.Set(name, value)
	return &client{w: c.w, http: c.http, header: header}
}

type body = map[string]any

// answer is what came back.
type answer struct {
	w      *world
	what   string
	status int
	header http.Header
	raw    []byte
}

func (c *client) get(path string) *answer           { return c.do(http.MethodGet, "/api/v1"+path, nil) }
func (c *client) post(path string, b any) *answer   { return c.do(http.MethodPost, "/api/v1"+path, b) }
func (c *client) patch(path string, b any) *answer  { return c.do(http.MethodPatch, "/api/v1"+path, b) }
func (c *client) put(path string, b any) *answer    { return c.do(http.MethodPut, "/api/v1"+path, b) }
func (c *client) remove(path string) *answer        { return c.do(http.MethodDelete, "/api/v1"+path, nil) }
func (c *client) address(path string) *http.Request { return c.request(http.MethodGet, path, nil) }

func (c *client) request(method, path string, b any) *http.Request {
	c.w.tb.Helper()
	var sent io.Reader
	if b != nil {
		text, ok := b.(string)
		if !ok {
			encoded, err := json.Marshal(b)
			c.w.must(err)
			text = string(encoded)
		}
		sent = strings.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.w.tb.Context(), method, c.w.url+path, sent)
	c.w.must(err)
	r.Header = c.header.Clone()
	if b != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (c *client) do(method, path string, b any) *answer {
	c.w.tb.Helper()
	res, err := c.http.Do(c.request(method, path, b))
	c.w.must(err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	c.w.must(err)
	return &answer{w: c.w, what: method + " " + path, status: res.StatusCode, header: res.Header, raw: raw}
}

func (a *answer) is(status int) *answer {
	a.w.tb.Helper()
	if a.status != status {
		a.w.tb.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.raw)
	}
	return a
}

// refused checks a problem's status and code.
func (a *answer) refused(status int, code string) *answer {
	a.w.tb.Helper()
	a.is(status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.w.tb.Errorf("%s: content type %q", a.what, got)
	}
	p := a.object()
	if p["code"] != code || p["status"] != float64(status) || p["title"] == "" || p["type"] != "about:blank" {
		a.w.tb.Errorf("%s: problem %s, want code %s", a.what, a.raw, code)
	}
	return a
}

func (a *answer) object() body {
	a.w.tb.Helper()
	var o body
	if err := json.Unmarshal(a.raw, &o); err != nil {
		a.w.tb.Fatalf("%s: %v in %s", a.what, err, a.raw)
	}
	return o
}

func (a *answer) text(field string) string { s, _ := a.object()[field].(string); return s }

func (a *answer) items() []body {
	a.w.tb.Helper()
	var list struct{ Items []body }
	if err := json.Unmarshal(a.raw, &list); err != nil || list.Items == nil {
		a.w.tb.Fatalf("%s: no items in %s", a.what, a.raw)
	}
	return list.Items
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
