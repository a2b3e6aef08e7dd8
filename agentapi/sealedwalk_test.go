package agentapi_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// hamlet adds to the town one person for each way to stand outside a closed department, and one inside each.
const hamlet = `
motives:
  - { code: ZMOTIFSCELLE, department: police, name: { fr: Tapage, en: Noise } }
  - { code: ZMOTIFCACHE, department: ccas, name: { fr: Secours, en: Relief } }
agents:
  - { email: paula@valmont.example, name: Paula Police, departments: [police] }
  - { email: celine@valmont.example, name: Celine Secours, departments: [ccas] }
  - { email: adam@valmont.example, name: Adam Machine, roles: [admin] }
  - { email: odile@valmont.example, name: Odile Petit, roles: [dpo] }
`

// closed is what there is in one closed department: things to ask for, and words that only its members may read.
type closed struct {
	ticket, message, note, file, call, held string
	words                                   []string // of subject, text, file, motive, note
	names                                   []string // identifiers and the reference: that they exist is told too
}

// walked is a world with an open, a sealed and a hidden department full of words.
type walked struct {
	*world
	citizen        string
	open           closed
	sealed, hidden closed
	left           string // a word of a ticket that left an open department for the hidden one
	last           string // the ticket of the last event
}

func newWalked(t *testing.T, w *world) *walked {
	x := &walked{world: w}
	ctx := t.Context()
	file, err := ticketing.ReadTownFile([]byte(hamlet))
	w.must(err)
	_, err = w.town.Import(ctx, file, false)
	w.must(err)
	w.must(w.town.KeepLines(ctx, []ticketing.Line{
		{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil"},
		{Name: "police", Channel: "email", Address: "police@valmont.example", Department: "police"},
		{Name: "ccas", Channel: "email", Address: "ccas@valmont.example", Department: "ccas"},
	}))
	hash, err := passwordHash()
	w.must(err)
	for _, name := range []string{"paula", "celine", "adam", "odile"} {
		w.must(w.town.SetPassword(ctx, name+"@valmont.example", hash))
	}
	x.open = x.fill("mairie", "voirie", "ouvert", "VOI-NID", "nadia")
	x.sealed = x.fill("police", "police", "scelle", "ZMOTIFSCELLE", "paula")
	x.hidden = x.fill("ccas", "ccas", "cache", "ZMOTIFCACHE", "celine")
	x.left = "zsujetparti"
	moved := x.write("mairie", x.left, "zparti")
	_, err = w.desk.Transfer(ctx, w.actor("nadia"), moved, "ccas", "elle a besoin de zmotifparti", 0)
	w.must(err)
	x.last = w.mail("accueil", "La suite")
	return x
}

// write files a mail of always the same citizen.
func (x *walked) write(line, subject, kind string) string {
	x.tb.Helper()
	key := ticketing.NewID()
	filed, err := x.desk.Receive(x.tb.Context(), []channels.Inbound{{
		Channel: channels.Email, Line: line, Key: key, ID: key + "@example.org", Raw: []byte("Subject: " + subject + "\r\n\r\nztexte" + kind),
		From: channels.Address{Name: "Anne Perrin", Value: "anne@example.org"}, Subject: subject, Text: "ztexte" + kind, HTML: "<p>ztexte" + kind + "</p>", At: x.now(),
		Attachments: []channels.Attachment{{Name: "zfichier" + kind + ".txt", Type: "text/plain", Data: []byte("zcontenu" + kind)}},
	}})
	x.must(err)
	return filed[0].Reference
}

func (x *walked) fill(line, department, kind, motive, member string) closed {
	x.tb.Helper()
	ctx := x.tb.Context()
	c := closed{ticket: x.write(line, "zsujet"+kind, kind)}
	if line == "mairie" {
		_, err := x.desk.Transfer(ctx, x.actor("admin"), c.ticket, department, "test", 0)
		x.must(err)
	}
	api := x.signedIn(member)
	api.patch("/tickets/"+c.ticket, body{"motive": motive}).is(http.StatusOK)
	c.note = api.post("/tickets/"+c.ticket+"/messages", body{"kind": "note", "text": "znote" + kind}).is(http.StatusAccepted).text("id")
	dossier := api.get("/tickets/" + c.ticket).is(http.StatusOK).object()
	message := dossier["messages"].([]any)[0].(body)
	c.message = message["id"].(string)
	c.file = message["attachments"].([]any)[0].(body)["id"].(string)
	x.citizen = dossier["citizen"].(body)["id"].(string)
	api.post("/citizens/"+x.citizen+"/notes", body{"text": "zfiche" + kind, "department": department}).is(http.StatusCreated)
	c.held = x.hold(line, channels.TooComplex, "From: zcorrespondant"+kind+"@example.org\r\nSubject: zretenu"+kind+"\r\n\r\nx\r\n")
	number := map[string]string{"ouvert": "+33639980011", "scelle": "+33639980012", "cache": "+33639980013"}[kind]
	x.ring(channels.CallNews{ID: "appel " + kind, Step: channels.CallRang, Caller: channels.Address{Value: number}, Department: department})
	calls, err := x.db.LiveCalls(ctx, x.now().Add(-time.Hour))
	x.must(err)
	for _, call := range calls {
		if call.Number == number {
			c.call = call.ID
		}
	}
	for _, word := range []string{"zsujet", "ztexte", "zfichier", "zcontenu", "znote", "zfiche", "zretenu", "zcorrespondant"} {
		c.words = append(c.words, word+kind)
	}
	c.words = append(c.words, motive)
	c.names = []string{dossier["id"].(string), c.ticket, c.message, c.note, c.file, c.call, c.held}
	return c
}

// visit is one request of the walk; in its path and body, names in braces stand for what there is in each department.
type visit struct {
	path string
	body any    // sent as JSON
	form string // sent as a form
}

func (x *walked) fillIn(text string, c closed) string {
	return strings.NewReplacer("{ticket}", c.ticket, "{message}", c.message, "{note}", c.note, "{file}", c.file, "{call}", c.call, "{held}", c.held,
		"{citizen}", x.citizen, "{sujet}", c.words[0][:len(c.words[0])-1], "{texte}", c.words[1][:len(c.words[1])-1], "{motif}", c.words[len(c.words)-1],
		"{tiquet}", c.ticket[:len(c.ticket)-1]).Replace(text)
}

// theWalk is what is asked of every route. Reading is done by everybody, the rest by those who stand outside, who change nothing of
// what is closed. A route without visits shows nothing of tickets.
func theWalk() map[string][]visit {
	get := func(paths ...string) []visit {
		var list []visit
		for _, p := range paths {
			list = append(list, visit{path: p})
		}
		return list
	}
	why := body{"reason": "pour voir"}
	return map[string][]visit{
		"GET /healthz": nil, "HEAD /healthz": nil, "GET /readyz": get("/readyz"), "HEAD /readyz": nil, "GET /metrics": get("/metrics"),
		"GET /api/openapi.yaml": nil, "GET /api/docs": nil, "GET /api/docs.css": nil, "GET /assets/*name": nil, "HEAD /assets/*name": nil,
		"POST /api/v1/session": nil, "DELETE /api/v1/session": nil, "POST /login": nil, "POST /logout": nil, "GET /login": nil,
		"PUT /api/v1/me/presence": nil, "POST /api/v1/text-segments": nil, "POST /api/v1/attachments": nil,

		"GET /api/v1/me": get("/api/v1/me"),
		"GET /api/v1/tickets": get("/api/v1/tickets?limit=200", "/api/v1/tickets?q={sujet}", "/api/v1/tickets?q={texte}", "/api/v1/tickets?q={tiquet}",
			"/api/v1/tickets?motive={motif}", "/api/v1/tickets?department=police,ccas", "/api/v1/tickets?citizen={citizen}&sort=updated", "/api/v1/tickets?sort=due"),
		"POST /api/v1/tickets":                   {{path: "/api/v1/tickets", body: body{"channel": "counter", "citizen_id": "{citizen}", "subject": "Bonjour"}}},
		"GET /api/v1/tickets/:ref":               get("/api/v1/tickets/{ticket}"),
		"PATCH /api/v1/tickets/:ref":             {{path: "/api/v1/tickets/{ticket}", body: body{"subject": "x"}}},
		"POST /api/v1/tickets/:ref/claim":        {{path: "/api/v1/tickets/{ticket}/claim", body: body{}}},
		"POST /api/v1/tickets/:ref/release":      {{path: "/api/v1/tickets/{ticket}/release", body: body{}}},
		"POST /api/v1/tickets/:ref/assign":       {{path: "/api/v1/tickets/{ticket}/assign", body: body{"agent": "nadia@valmont.example"}}},
		"POST /api/v1/tickets/:ref/transfer":     {{path: "/api/v1/tickets/{ticket}/transfer", body: body{"department": "voirie", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/close":        {{path: "/api/v1/tickets/{ticket}/close", body: body{"outcome": "answered"}}},
		"POST /api/v1/tickets/:ref/reopen":       {{path: "/api/v1/tickets/{ticket}/reopen", body: why}},
		"POST /api/v1/tickets/:ref/merge":        {{path: "/api/v1/tickets/{open}/merge", body: body{"into": "{ticket}", "reason": "x"}}, {path: "/api/v1/tickets/{ticket}/merge", body: body{"into": "2026-00001", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/split":        {{path: "/api/v1/tickets/{ticket}/split", body: body{"message_ids": []string{"{message}"}, "department": "voirie"}}},
		"POST /api/v1/tickets/:ref/forward":      {{path: "/api/v1/tickets/{ticket}/forward", body: body{"to": "a@example.org", "reason": "x"}}},
		"POST /api/v1/tickets/:ref/messages":     {{path: "/api/v1/tickets/{ticket}/messages", body: body{"kind": "note", "text": "x"}}, {path: "/api/v1/tickets/{ticket}/messages", body: body{"kind": "reply", "text": "x"}}},
		"POST /api/v1/tickets/:ref/break-glass":  {{path: "/api/v1/tickets/{ticket}/break-glass", body: why}, {path: "/api/v1/tickets/{citizen}.0/break-glass", body: why}},
		"POST /api/v1/messages/:id/resend":       {{path: "/api/v1/messages/{message}/resend", body: body{}}},
		"GET /api/v1/messages/:id/raw":           get("/api/v1/messages/{message}/raw"),
		"GET /api/v1/attachments/:id":            get("/api/v1/attachments/{file}"),
		"POST /api/v1/citizens":                  {{path: "/api/v1/citizens", body: body{"name": body{"family": "Perrin"}}}},
		"GET /api/v1/citizens/:id":               get("/api/v1/citizens/{citizen}"),
		"PATCH /api/v1/citizens/:id":             {{path: "/api/v1/citizens/{citizen}", body: body{"birth_date": "1961-03-04"}}},
		"POST /api/v1/citizens/:id/relations":    {{path: "/api/v1/citizens/{citizen}/relations", body: body{"to": "{citizen}", "kind": "member"}}},
		"POST /api/v1/relations/:id/end":         {{path: "/api/v1/relations/{citizen}/end", body: body{}}},
		"POST /api/v1/citizens/:id/notes":        {{path: "/api/v1/citizens/{citizen}/notes", body: body{"text": "x"}}},
		"GET /api/v1/citizens/:id/consultations": get("/api/v1/citizens/{citizen}/consultations"),
		"GET /api/v1/consultations":              get("/api/v1/consultations?limit=200", "/api/v1/consultations?ticket={ticket}"),
		"GET /api/v1/consultations/seals":        get("/api/v1/consultations/seals"),
		"GET /api/v1/consultations/export":       get("/api/v1/consultations/export"),
		"GET /api/v1/queues":                     get("/api/v1/queues"),
		"POST /api/v1/queues/:department/next":   {{path: "/api/v1/queues/police/next", body: body{}}, {path: "/api/v1/queues/ccas/next", body: body{}}},
		"GET /api/v1/quarantine":                 get("/api/v1/quarantine?limit=200"),
		"GET /api/v1/quarantine/:id":             get("/api/v1/quarantine/{held}"),
		"GET /api/v1/quarantine/:id/raw":         get("/api/v1/quarantine/{held}/raw"),
		"POST /api/v1/quarantine/:id/retry":      {{path: "/api/v1/quarantine/{held}/retry", body: body{}}},
		"POST /api/v1/quarantine/:id/file":       {{path: "/api/v1/quarantine/{held}/file", body: body{}}},
		"GET /api/v1/calls":                      get("/api/v1/calls"),
		"GET /api/v1/calls/:id":                  get("/api/v1/calls/{call}"),
		"GET /api/v1/channels":                   get("/api/v1/channels"),
		"GET /api/v1/events":                     get("/api/v1/events"),
		"GET /live":                              get("/live"),

		"GET /":                            get("/"),
		"GET /tickets":                     get("/tickets?view=all", "/tickets?view=queue", "/tickets?q={sujet}", "/tickets?q={texte}", "/tickets?view=all&department=police", "/tickets?view=all&department=ccas"),
		"GET /tickets/:ref":                get("/tickets/{ticket}", "/tickets/{ticket}?all=1"),
		"GET /tickets/:ref/split":          get("/tickets/{ticket}/split"),
		"GET /messages/:id/view":           get("/messages/{message}/view"),
		"GET /contacts/new":                get("/contacts/new", "/contacts/new?citizen={citizen}"),
		"GET /admin/quarantine":            get("/admin/quarantine"),
		"GET /admin/quarantine/:id":        get("/admin/quarantine/{held}"),
		"GET /admin/channels":              get("/admin/channels"),
		"GET /consultations":               get("/consultations", "/consultations?check=1", "/consultations?name=perrin"),
		"GET /reserved/:token":             get("/reserved/{citizen}.0", "/reserved/{ticket}"),
		"POST /reserved/:token":            {{path: "/reserved/{citizen}.0", form: "reason=x"}},
		"POST /queue/next":                 {{path: "/queue/next", form: "department=police"}, {path: "/queue/next", form: "department=ccas"}},
		"POST /tickets/:ref/claim":         {{path: "/tickets/{ticket}/claim", form: "x=1"}},
		"POST /tickets/:ref/release":       {{path: "/tickets/{ticket}/release", form: "x=1"}},
		"POST /tickets/:ref/reply":         {{path: "/tickets/{ticket}/reply", form: "text=x"}},
		"POST /tickets/:ref/note":          {{path: "/tickets/{ticket}/note", form: "text=x"}},
		"POST /tickets/:ref/transfer":      {{path: "/tickets/{ticket}/transfer", form: "department=voirie&reason=x"}},
		"POST /tickets/:ref/assign":        {{path: "/tickets/{ticket}/assign", form: "agent=nadia@valmont.example"}},
		"POST /tickets/:ref/close":         {{path: "/tickets/{ticket}/close", form: "outcome=answered"}},
		"POST /tickets/:ref/reopen":        {{path: "/tickets/{ticket}/reopen", form: "reason=x"}},
		"POST /tickets/:ref/merge":         {{path: "/tickets/{open}/merge", form: "into={ticket}&reason=x"}, {path: "/tickets/{ticket}/merge", form: "into=2026-00001&reason=x"}},
		"POST /tickets/:ref/tags":          {{path: "/tickets/{ticket}/tags", form: "tags=x"}},
		"POST /tickets/:ref/snooze":        {{path: "/tickets/{ticket}/snooze", form: "until=2099-01-01"}},
		"POST /tickets/:ref/split":         {{path: "/tickets/{ticket}/split", form: "message={message}&department=voirie"}},
		"POST /admin/quarantine/:id/retry": {{path: "/admin/quarantine/{held}/retry", form: "x=1"}},
		"POST /admin/quarantine/:id/file":  {{path: "/admin/quarantine/{held}/file", form: "x=1"}},
		"POST /messages/:id/resend":        {{path: "/messages/{message}/resend", form: "x=1"}},
		"POST /contacts/new":               {{path: "/contacts/new", form: "channel=counter&text=x&citizen={citizen}"}},
	}
}

// walker is somebody who walks, and what she may read.
type walker struct {
	name           string
	client         *client
	sealed, hidden bool // is of the department
	sees           bool // events of open departments
	existence      bool // may learn of identifiers: the ledger names what was looked at, the quarantine what waits
}

func TestNoRouteTellsWhatIsClosed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := newWalked(t, w)
		walk := theWalk()
		paths := w.server.Paths()
		for _, p := range paths {
			if _, ok := walk[p]; !ok {
				t.Errorf("%s is not in the walk: say what it must not tell", p)
			}
		}
		for route := range walk {
			if !slices.Contains(paths, route) {
				t.Errorf("%s is in the walk and there is no such route", route)
			}
		}
		walkers := []walker{
			{name: "nobody", client: w.nobody()},
			{name: "an agent", client: w.signedIn("nadia"), sees: true},
			{name: "a supervisor", client: w.signedIn("karim"), sees: true},
			{name: "an administrator", client: w.signedIn("adam"), existence: true},
			{name: "the officer", client: w.signedIn("odile"), existence: true},
			{name: "a token that reads", client: w.program("nadia", "read"), sees: true},
			{name: "a member of the sealed one", client: w.signedIn("paula"), sealed: true, sees: true},
			{name: "a member of the hidden one", client: w.signedIn("celine"), hidden: true, sees: true},
		}
		for _, who := range walkers {
			t.Run(who.name, func(t *testing.T) {
				for route, visits := range walk {
					method, _, _ := strings.Cut(route, " ")
					if method != http.MethodGet && (who.sealed || who.hidden) {
						continue // she may change what is hers
					}
					for _, v := range visits {
						for _, of := range []closed{x.open, x.sealed, x.hidden} {
							x.check(t, who, method, route, v, of)
						}
					}
				}
			})
		}
		x.wasNoted(t, walk)
	})
}

// check makes one visit and looks for what it may not tell.
func (x *walked) check(t *testing.T, who walker, method, route string, v visit, of closed) {
	t.Helper()
	path := strings.ReplaceAll(x.fillIn(v.path, of), "{open}", x.open.ticket)
	var told string
	switch {
	case strings.HasSuffix(route, "/events"), strings.HasSuffix(route, "/live"):
		if of.ticket != x.open.ticket {
			return // one stream tells of all
		}
		told = x.listen(t, who, path)
	default:
		told = x.ask(t, who.client, method, path, v, of)
	}
	forbidden := []string{x.left, "zmotifparti"}
	if who.hidden {
		forbidden = nil
	}
	add := func(c closed) {
		forbidden = append(forbidden, c.words...)
		if !who.existence {
			forbidden = append(forbidden, c.names...)
		}
	}
	if !who.sealed {
		add(x.sealed)
	}
	if !who.hidden {
		add(x.hidden)
	}
	for _, word := range forbidden {
		// The page repeats what was asked of it: an address asks for an identifier, and that tells nothing.
		if strings.Contains(path, word) || strings.Contains(v.form, "{ticket}") && word == of.ticket {
			continue
		}
		// The town's catalogue of motives is no secret; the motive of a ticket is.
		if strings.HasPrefix(word, "ZMOTIF") && strings.Contains(route, "/contacts/new") {
			continue
		}
		if strings.Contains(told, word) {
			t.Errorf("%s %s tells %s", method, path, word)
		}
	}
}

func (x *walked) ask(t *testing.T, c *client, method, path string, v visit, of closed) string {
	t.Helper()
	var sent any
	switch {
	case v.form != "":
		c = c.with("Content-Type", "application/x-www-form-urlencoded").with("Sec-Fetch-Site", "same-origin")
		sent = x.fillIn(v.form, of)
	case v.body != nil:
		filled := body{}
		for k, value := range v.body.(body) {
			switch text := value.(type) {
			case string:
				value = x.fillIn(text, of)
			case []string:
				value = []string{x.fillIn(text[0], of)}
			}
			filled[k] = value
		}
		sent = filled
	}
	a := c.do(method, path, sent)
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%s %s: status %d: %s", method, path, a.status, a.raw)
	}
	told := string(a.raw)
	if a.header.Get("Content-Encoding") == "gzip" {
		r, err := gzip.NewReader(strings.NewReader(told))
		x.must(err)
		plain, err := io.ReadAll(r)
		x.must(err)
		told = string(plain)
	}
	for _, values := range a.header {
		told += "\n" + strings.Join(values, "\n")
	}
	return told
}

// listen reads a stream from the beginning of the journal to its last event.
func (x *walked) listen(t *testing.T, who walker, path string) string {
	t.Helper()
	within := 20 * time.Second
	if !who.sees {
		within = 300 * time.Millisecond // nothing will come
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	r := who.client.with("Last-Event-ID", "0-0").request(http.MethodGet, path, nil).WithContext(ctx)
	res, err := who.client.http.Do(r)
	x.must(err)
	defer func() { _ = res.Body.Close() }()
	var told strings.Builder
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		told.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), `"`+x.last+`"`) {
			return told.String()
		}
	}
	if who.sees && res.StatusCode == http.StatusOK {
		t.Errorf("%s ended before the last event", path)
	}
	return told.String()
}

// wasNoted finds in the ledger every page that showed the citizen's file or something of a closed department.
func (x *walked) wasNoted(t *testing.T, walk map[string][]visit) {
	t.Helper()
	noted := map[string]bool{}
	for below := int64(0); ; {
		rows, err := x.db.ListConsultations(t.Context(), ticketing.ConsultationQuery{Below: below, Limit: 200})
		x.must(err)
		for _, c := range rows {
			noted[c.AgentID+" "+c.Page] = true
			below = c.ID
		}
		if len(rows) == 0 {
			break
		}
	}
	want := func(name, route string) {
		if !noted[x.actor(name).ID+" "+route] {
			t.Errorf("nobody noted that %s looked at %s", name, route)
		}
	}
	for route := range walk {
		officer := strings.Contains(route, "/consultations") && !strings.HasSuffix(route, "/seals")
		switch {
		case officer:
			want("odile", route)
		case strings.HasPrefix(route, "GET ") && strings.Contains(route, "/citizens/:id"):
			want("nadia", route)
		}
	}
	for _, route := range []string{
		"GET /api/v1/tickets/:ref", "GET /api/v1/messages/:id/raw", "GET /api/v1/attachments/:id", "GET /tickets/:ref", "GET /tickets/:ref/split",
		"GET /messages/:id/view",
	} {
		want("paula", route)
		want("celine", route)
	}
}
