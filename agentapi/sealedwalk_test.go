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
	citizen, other string
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
	x.other = w.signedIn("nadia").post("/citizens", body{"name": body{"family": "Perrin", "given": "Anna"}}).is(http.StatusCreated).text("id")
	x.last = w.mail("accueil", "La suite")
	for done := 1; done > 0; { // what is said is found a moment later
		done, err = w.db.IndexQueued(ctx, 100)
		w.must(err)
	}
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
		"{citizen}", x.citizen, "{other}", x.other, "{sujet}", c.words[0][:len(c.words[0])-1], "{texte}", c.words[1][:len(c.words[1])-1], "{motif}", c.words[len(c.words)-1],
		"{SUJET}", c.words[0], "{TEXTE}", c.words[1], "{FICHIER}", c.words[2], "{NOTE}", c.words[4], "{tiquet}", c.ticket[:len(c.ticket)-1]).Replace(text)
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
		for member, of := range map[string]closed{"paula": x.sealed, "celine": x.hidden} { // what the walk searches for can be found
			if found := w.signedIn(member).get("/tickets?q=" + of.words[0]).is(http.StatusOK).items(); len(found) != 1 || found[0]["reference"] != of.ticket {
				t.Errorf("%s looks for %s and finds %v", member, of.words[0], found)
			}
		}
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
	program := strings.Contains(route, " /api/") || strings.Contains(route, " /live") || strings.Contains(route, " /metrics")
	closedTo := func(c closed, department string) {
		add(c)
		if program && !who.existence { // the forms of the console offer every department to be written to
			forbidden = append(forbidden, `"`+department+`"`)
		}
	}
	if !who.sealed {
		closedTo(x.sealed, "police")
	}
	if !who.hidden {
		closedTo(x.hidden, "ccas")
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
		// Who somebody is may be known by all who work here, once what she wrote has left quarantine; what she wrote may not.
		if strings.HasPrefix(word, "zcorrespondant") && strings.Contains(route, "/citizens") && who.sees {
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
