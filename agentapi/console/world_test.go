package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/channels"
	"guichet/channels/email"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// password is every agent's of the tests' town.
const password = "un long mot de passe"

// world is a small town with its console, on a real database and a real router.
type world struct {
	*testing.T
	db     *store.DB
	town   *ticketing.Town
	desk   *ticketing.Desk
	pages  *Console
	server *httptest.Server
	clock  atomic.Int64
	mails  int
}

func (w *world) now() time.Time { return time.Unix(0, w.clock.Load()).UTC() }

func each(t *testing.T, run func(w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(newWorld(t, db)) })
}

func newWorld(t *testing.T, db *store.DB) *world {
	w := &world{T: t, db: db}
	w.clock.Store(time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC).UnixNano())
	log := slog.New(slog.DiscardHandler)
	files, err := store.OpenFolder(t.TempDir())
	w.must(err)
	t.Cleanup(func() { w.must(files.Close()) })
	router, err := routing.Open(t.Context(), "embedded", routing.Options{Now: w.now})
	w.must(err)
	t.Cleanup(func() { w.must(router.Close()) })
	zone, err := time.LoadLocation("Europe/Paris")
	w.must(err)
	w.town, err = ticketing.OpenTown(t.Context(), db, ticketing.Profile{
		Name: "Ville de Valmont", Zone: zone, Region: "FR", Languages: []string{"fr", "en"},
	}, w.now, log)
	w.must(err)
	w.furnish()
	w.desk = ticketing.NewDesk(ticketing.DeskParts{
		Store: db, Files: files, Town: w.town, Router: router, Keys: ticketing.NewKeys([]byte("a key of thirty-two bytes, no less")),
		Now: w.now, Log: log, Stats: noStats{},
	})
	guard := auth.New(auth.Parts{Store: db, Town: w.town, Router: router, Now: w.now, Log: log})
	w.pages, err = New(Parts{
		Desk: w.desk, Registry: ticketing.NewRegistry(db, w.town, router, w.now, log), Reader: ticketing.NewReader(db, files, w.town, router, w.now), Ledger: ticketing.NewLedger(db, w.town, 0, w.now, log),
		Quarantine: ticketing.NewQuarantine(w.desk, map[channels.Name]channels.Rereader{channels.Email: email.NewReader(nil)}), Switchboard: ticketing.NewSwitchboard(w.desk), Town: w.town, Guard: guard, Now: w.now, Log: log,
		SafeHTML: email.SafeHTML, FoldHTML: email.FoldHTML, RemotePictures: email.RemotePictures,
	})
	w.must(err)
	w.server = httptest.NewServer(guard.Wrap(w.engine()))
	t.Cleanup(w.server.Close)
	return w
}

type noStats struct{}

func (noStats) Received(string, string, int) {}

// engine mounts the pages as agentapi does, with the least that shows an error.
func (w *world) engine() http.Handler {
	gin.SetMode(gin.TestMode)
	e := gin.New()
	for _, route := range w.pages.Routes() {
		e.Handle(route.Method, route.Path, func(c *gin.Context) {
			err := route.Handle(c)
			switch {
			case errors.Is(err, ticketing.ErrNotFound):
				w.pages.ErrorPage(c, http.StatusNotFound, "not_found", "Introuvable", "Rien ici.")
			case ticketing.CodeOf(err) == auth.CodeCrossSite:
				w.pages.ErrorPage(c, http.StatusForbidden, "cross_site", "Refusé", "D’un autre site.")
			case err != nil:
				w.Error(err)
				c.Status(http.StatusInternalServerError)
			}
		})
	}
	e.GET(AssetsPath+"*name", gin.WrapH(w.pages.Assets()))
	return e
}

func (w *world) furnish() {
	ctx := w.Context()
	_, err := w.town.Import(ctx, ticketing.TownFile{
		Departments: []ticketing.DepartmentEntry{
			{Code: "voirie", Name: ticketing.Names{FR: "Voirie", EN: "Roads"}},
			{Code: "civil", Name: ticketing.Names{FR: "État civil", EN: "Civil registry"}},
			{Code: "police", Name: ticketing.Names{FR: "Police", EN: "Police"}, Visibility: ticketing.Sealed},
		},
		Motives: []ticketing.MotiveEntry{{Code: "NID", Department: "voirie", Name: ticketing.Names{FR: "Nid-de-poule", EN: "Pothole"}}},
		Rules:   []ticketing.RuleEntry{{Code: "bruit", Any: []string{"tapage"}, Department: "police"}},
		Agents: []ticketing.AgentEntry{
			{Email: "alice@valmont.example", Name: "Alice Martin", Departments: []string{"voirie"}, Language: "fr", Extension: "11"},
			{Email: "claire@valmont.example", Name: "Claire Morel", Roles: []string{"agent", "supervisor"}, Departments: []string{"civil"},
				Supervises: []string{"voirie"}, Language: "fr"},
			{Email: "bruno@valmont.example", Name: "Bruno Petit", Departments: []string{"civil"}, Language: "en"},
		},
	}, false)
	w.must(err)
	w.furnishLine()
	hash, err := auth.HashPassword(password)
	w.must(err)
	for _, agent := range []string{"alice@valmont.example", "bruno@valmont.example", "claire@valmont.example"} {
		w.must(w.town.SetPassword(ctx, agent, hash))
	}
}

// furnishLine gives the town its mailbox, and no other line.
func (w *world) furnishLine() {
	w.Helper()
	w.must(w.town.KeepLines(w.Context(), []ticketing.Line{{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "voirie"}}))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// mail files a mail and gives the reference of its ticket.
func (w *world) mail(in channels.Inbound) string {
	w.Helper()
	w.mails++
	in.Channel, in.Line, in.Key, in.Raw, in.At = channels.Email, "mairie", fmt.Sprint("key ", w.mails), []byte("raw"), w.now()
	if in.From.Value == "" {
		in.From = channels.Address{Name: "Anne Perrin", Value: "a.perrin@example.org"}
	}
	if in.ID == "" {
		in.ID = fmt.Sprintf("%d@example.org", w.mails)
	}
	filed, err := w.desk.Receive(w.Context(), []channels.Inbound{in})
	w.must(err)
	return filed[0].Reference
}

// texts gives the town a line for text messages beside its mailbox.
func (w *world) texts() {
	w.Helper()
	w.must(w.town.KeepLines(w.Context(), []ticketing.Line{
		{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "voirie"},
		{Name: "sms", Channel: "sms", Address: "+33939000000", Department: "voirie"},
	}))
}

// text files a text message and gives the reference of its ticket.
func (w *world) text(from, words string, word channels.Word) string {
	w.Helper()
	w.mails++
	filed, err := w.desk.Receive(w.Context(), []channels.Inbound{{
		Channel: channels.SMS, Line: "sms", Key: fmt.Sprint("text ", w.mails), ID: fmt.Sprint("SM", w.mails), Raw: []byte(words),
		From: channels.Address{Value: from}, To: []channels.Address{{Value: "+33939000000"}}, Text: words, Word: word, At: w.now(),
	}})
	w.must(err)
	return filed[0].Reference
}

// ring tells of a call.
func (w *world) ring(n channels.CallNews) {
	w.Helper()
	n.Exchange, n.At = "standard", w.now()
	_, err := ticketing.NewSwitchboard(w.desk).Ring(w.Context(), n)
	w.must(err)
}

func (w *world) pass(d time.Duration) { w.clock.Add(int64(d)) }

// phoned gives the reference of the only ticket that came by telephone.
func (w *world) phoned() string {
	w.Helper()
	all := ticketing.TicketQuery{Channel: "phone", Sort: ticketing.SortReceived, Limit: 2}
	for _, d := range w.town.Now().Departments {
		all.Scope.Departments = append(all.Scope.Departments, d.Code)
	}
	rows, err := w.db.ListTickets(w.Context(), all)
	w.must(err)
	if len(rows) != 1 {
		w.Fatalf("%d tickets came by telephone", len(rows))
	}
	return rows[0].Reference()
}

func (w *world) ticket(reference string) ticketing.Ticket {
	w.Helper()
	year, number, _ := ticketing.ParseReference(reference)
	t, err := w.db.Ticket(context.WithoutCancel(w.Context()), year, number)
	w.must(err)
	return t
}

// browser is somebody's, without JavaScript: it keeps cookies and follows redirects.
type browser struct {
	*world
	client *http.Client
	accept string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{world: w, client: &http.Client{Jar: jar}}
}

func (w *world) signedIn(name string) *browser {
	w.Helper()
	b := w.browser()
	p := b.post("/login", url.Values{"email": {name + "@valmont.example"}, "password": {password}})
	if p.path != "/" || p.status != http.StatusOK {
		w.Fatalf("signing in led to %d %s", p.status, p.path)
	}
	return b
}

// page is what the browser came to.
type page struct {
	status int
	path   string
	header http.Header
	body   string
}

func (b *browser) get(path string) page { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, form url.Values) page { return b.do(http.MethodPost, path, form) }

func (b *browser) do(method, path string, form url.Values) page {
	b.Helper()
	return b.send(method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (b *browser) send(method, path, kind string, content io.Reader) page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, content)
	b.must(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.accept != "" {
		r.Header.Set("Accept-Language", b.accept)
	}
	answer, err := b.client.Do(r)
	b.must(err)
	defer answer.Body.Close()
	var body bytes.Buffer
	_, err = io.Copy(&body, answer.Body)
	b.must(err)
	return page{answer.StatusCode, answer.Request.URL.RequestURI(), answer.Header, body.String()}
}

// has fails unless the page says all of these.
func (w *world) has(p page, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(p.body, word) {
			w.Errorf("%s (%d) does not say %q", p.path, p.status, word)
		}
	}
}

func (w *world) hasNot(p page, words ...string) {
	w.Helper()
	for _, word := range words {
		if strings.Contains(p.body, word) {
			w.Errorf("%s (%d) says %q", p.path, p.status, word)
		}
	}
}

// field gives the value of a hidden field of the page's form to an action.
func (p page) field(t *testing.T, action, name string) string {
	t.Helper()
	_, form, ok := strings.Cut(p.body, `action="`+action)
	if !ok {
		t.Fatalf("%s has no form to %s", p.path, action)
	}
	form, _, _ = strings.Cut(form, "</form>")
	_, value, ok := strings.Cut(form, `name="`+name+`" value="`)
	if !ok {
		t.Fatalf("the form to %s has no field %s", action, name)
	}
	value, _, _ = strings.Cut(value, `"`)
	return value
}
