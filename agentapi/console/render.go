package console

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/channels"
	"guichet/ticketing"
)

//go:embed templates
var templateFiles embed.FS

// pageNames lists the templates that are whole pages; layout.html and parts.html hold what they share, story.html is the ticket's
// alone: what is parsed stays in memory once for each page and language.
func pageNames() []string {
	return []string{"login", "work", "tickets", "ticket", "contact", "receipt", "split", "quarantine", "held", "calls", "channels", "error", "message", "citizen", "citizens", "record", "ledger", "reserved", "join", "merges"}
}

func parsePages(functions template.FuncMap) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range pageNames() {
		files := []string{"templates/layout.html", "templates/parts.html", "templates/" + name + ".html"}
		if name == "ticket" {
			files = append(files, "templates/story.html")
		}
		t, err := template.New(name).Funcs(functions).ParseFS(templateFiles, files...)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// functions is what templates may call.
func (c *Console) functions(v *voice) template.FuncMap {
	return template.FuncMap{
		"t":     v.say,
		"n":     v.count,
		"word":  v.word,
		"asset": c.assets.address,
		"lang":  func() string { return v.language },
		"town":  func() string { return c.town.Profile.Name },
		"ago":   func(at time.Time) string { return v.ago(c.local(at), c.local(c.now())) },
		"exact": func(at time.Time) string { return v.exact(c.local(at)) },
		"clock": func(at time.Time) string { return v.clock(c.local(at), c.local(c.now())) },
		"day":   func(at time.Time) string { return c.local(at).Format(v.say("format.day")) },
		"iso":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"past":  func(at time.Time) bool { return at.Before(c.now()) },
		"size":  v.size,
		"department": func(code string) string {
			d, _ := c.town.Now().Department(code)
			return d.Name(v.language)
		},
		"motive": func(code string) string {
			m, _ := c.town.Now().Motive(code)
			return m.Name(v.language)
		},
		"agent":  func(id *string) string { return c.agentName(v, id) },
		"name":   ticketing.DisplayName,
		"phone":  readablePhone,
		"mobile": channels.CanText,
		"email":  breakable,
		"audio":  func(kind string) bool { return strings.HasPrefix(kind, "audio/") },
		"about":  v.about,
		"by":     func(id string) string { return c.agentName(v, &id) },
		"row":    func(i int) int { return i + 1 },
		"value":  v.factValue,
		"date":   v.date,
	}
}

// agentName gives the name of who did something; nobody is Guichet itself.
func (c *Console) agentName(v *voice, id *string) string {
	if id == nil {
		return v.say("app.name")
	}
	if agent, ok := c.town.Now().Agent(*id); ok {
		return agent.Name
	}
	return v.say("app.former_agent")
}

func (c *Console) local(at time.Time) time.Time { return at.In(c.town.Profile.Zone) }

// request is a page or an action of an agent who is signed in.
type request struct {
	*gin.Context
	actor ticketing.Actor
	voice *voice
}

// signedIn gives a handler its agent. Whoever is not signed in goes to do so, and comes back to the page she asked for.
func (c *Console) signedIn(handle func(*request) error) func(*gin.Context) error {
	return func(g *gin.Context) error {
		if err := auth.Refused(g.Request.Context()); err != nil {
			return err
		}
		actor, ok := auth.ActorOf(g.Request.Context())
		if !ok {
			target := "/login"
			if g.Request.Method == http.MethodGet {
				target += "?next=" + url.QueryEscape(g.Request.URL.RequestURI())
			}
			g.Redirect(http.StatusSeeOther, target)
			return nil
		}
		return handle(&request{Context: g, actor: actor, voice: c.voiceFor(g, actor.Language)})
	}
}

func (c *Console) voiceFor(g *gin.Context, profile string) *voice {
	return c.voices[chooseLanguage(profile, g.GetHeader("Accept-Language"))]
}

// frame is what every page is given.
type frame struct {
	Title  string
	Class  string // of the body: which panes a narrow screen shows
	Actor  *ticketing.Actor
	Nav    nav
	Alarms []channelRow             // what whoever looks after the lines must see to
	Opened []ticketing.OpenedTicket // what others opened of the departments she supervises
	Calls  callStrip                // what rings for the agent
	Here   string                   // the page beside the lists that is open: "calls", "channels"
	Query  listQuery                // the list the page hangs in
	List   []listGroup
	Pager  pager
	Notice string // what was just done
	Done   string // the same as one of dones, for the modules
	Next   bool   // the notice offers to take the next ticket
	Alert  *alert // what was refused
	Body   any
}

// alert says what was refused, what was kept and what to do.
type alert struct{ Title, Detail string }

// show renders a page for an agent: the frame's navigation is filled in here.
func (c *Console) show(r *request, status int, page string, f frame) error {
	var err error
	if f.Nav, err = c.navigation(r, f.Query); err != nil {
		return err
	}
	if f.Alarms, err = c.alarmed(r); err != nil {
		return err
	}
	if f.Calls, err = c.callStrip(r); err != nil {
		return err
	}
	if f.Opened, err = c.reader.Openings(r.Request.Context(), r.actor); err != nil {
		return err
	}
	f.Actor = &r.actor
	if done := r.Query("done"); f.Notice == "" && f.Alert == nil && done != "" {
		f.Notice, f.Done = doneNotice(r.voice, done, r.Query("ref")), done
		f.Next = page == "ticket" && finished(done) && f.Nav.Waiting() > 0
	}
	return r.voice.write(r.Context, status, page, f)
}

// write renders a page. Pages hold what citizens wrote: no browser may keep them.
func (v *voice) write(g *gin.Context, status int, page string, f frame) error {
	var body bytes.Buffer
	if err := v.pages[page].ExecuteTemplate(&body, "page", f); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	h := g.Writer.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.language)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	out := body.Bytes()
	if len(out) > 1400 && acceptsGzip(g.Request) { // below one packet there is nothing to win
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(out); err != nil {
			return fmt.Errorf("page %s: %w", page, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("page %s: %w", page, err)
		}
		h.Set("Content-Encoding", "gzip")
		out = packed.Bytes()
	}
	g.Status(status)
	_, _ = g.Writer.Write(out) // the browser has gone: nobody is left to tell
	return nil
}

// errorBody is what the error page shows.
type errorBody struct {
	Status   int
	Code     string
	Detail   string
	SignedIn bool
}

// ErrorPage shows an error, in words agentapi chose.
func (c *Console) ErrorPage(g *gin.Context, status int, code, title, detail string) {
	actor, signedIn := auth.ActorOf(g.Request.Context())
	v := c.voiceFor(g, actor.Language)
	f := frame{Title: title, Class: "plain", Body: errorBody{Status: status, Code: code, Detail: detail, SignedIn: signedIn}}
	if signedIn { // within the frame, unless that is what can't be had
		r := &request{Context: g, actor: actor, voice: v}
		if nav, err := c.navigation(r, f.Query); err == nil {
			f.Alarms, _ = c.alarmed(r) // without them rather than without the page
			f.Calls, _ = c.callStrip(r)
			f.Actor, f.Nav, f.Class = &actor, nav, "error-page"
		}
	}
	if err := v.write(g, status, "error", f); err != nil {
		c.log.Error("the error page can't be shown", "error", err)
		g.String(status, "%s\n\n%s\n", title, detail)
	}
}

// see sends the browser to a page after an action (RFC 9110 section 15.4.4).
func (r *request) see(target string) error {
	r.Redirect(http.StatusSeeOther, target)
	return nil
}

// breakable lets a long e-mail address go on in the next line after its @, rather than anywhere.
func breakable(address string) template.HTML {
	before, after, ok := strings.Cut(address, "@")
	if !ok {
		return template.HTML(template.HTMLEscapeString(address))
	}
	return template.HTML(template.HTMLEscapeString(before) + "@<wbr>" + template.HTMLEscapeString(after))
}

// readablePhone writes a French number in pairs, as it is read aloud; any other stays as it is.
func readablePhone(e164 string) string {
	rest, ok := strings.CutPrefix(e164, "+33")
	if !ok || len(rest) != 9 {
		return e164
	}
	return fmt.Sprintf("0%s %s %s %s %s", rest[:1], rest[1:3], rest[3:5], rest[5:7], rest[7:9])
}
