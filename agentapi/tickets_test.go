package agentapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"

	"guichet/ticketing"
)

func TestListIsPagedByKeyset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := map[string]bool{}
		for i := range 7 {
			want[w.mail("voirie", fmt.Sprintf("Trou %d", i))] = true
		}
		w.mail("ccas", "Aide")
		c := w.signedIn("nadia")
		for _, sort := range []string{"received", "updated", "due"} {
			seen, next, pages := map[string]bool{}, "", 0
			for pages == 0 || next != "" {
				a := c.get("/tickets?limit=3&sort=" + sort + "&cursor=" + url.QueryEscape(next)).is(http.StatusOK)
				for _, row := range a.items() {
					seen[row["reference"].(string)] = true
					if row["messages"] != nil {
						t.Error("a row carries its conversation")
					}
				}
				if next, pages = a.text("next_cursor"), pages+1; pages == 1 {
					w.mail("accueil", "Pendant la lecture") // must not move what comes after
				}
			}
			for ref := range want {
				if !seen[ref] {
					t.Errorf("sorted by %s, %s is missing", sort, ref)
				}
			}
			if _, has := c.get("/tickets?limit=200&sort=" + sort).object()["next_cursor"]; has {
				t.Error("the last page names a next one")
			}
		}
		c.get("/tickets?limit=3&sort=due&cursor="+url.QueryEscape(c.get("/tickets?limit=3").text("next_cursor"))).
			refused(http.StatusUnprocessableEntity, "invalid")
	})
}

func TestListFilters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		first, second := w.mail("voirie", "Nid-de-poule rue Foch"), w.mail("accueil", "Horaires")
		c.post("/tickets/"+first+"/claim", body{}).is(http.StatusOK)
		citizen := c.get("/tickets/" + second).object()["citizen"].(body)
		if citizen["name"] != "Anne Perrin" || citizen["kind"] != "person" {
			t.Errorf("the citizen is %v", citizen)
		}
		w.index()
		hour := url.QueryEscape(w.now().Add(time.Hour).Format(time.RFC3339))
		for query, want := range map[string][]string{
			"department=voirie":                        {first},
			"department=voirie,accueil":                {first, second},
			"department=voirie&department=accueil":     {first, second},
			"status=open":                              {first},
			"status=new,open":                          {first, second},
			"assignee=me":                              {first},
			"assignee=nadia@valmont.example":           {first},
			"channel=phone":                            {},
			"citizen=" + citizen["id"].(string):        {second},
			"q=nid-de-poule":                           {first},
			"q=" + second:                              {second},
			"received_after=" + hour:                   {},
			"received_before=" + hour:                  {first, second},
			"department=voirie&status=new&channel=sms": {},
		} {
			var got []string
			for _, row := range c.get("/tickets?" + query).is(http.StatusOK).items() {
				got = append(got, row["reference"].(string))
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		for _, query := range []string{"status=asleep", "limit=201", "limit=0", "sort=name", "channel=fax", "received_after=yesterday", "assignee=x@y.example"} {
			c.get("/tickets?"+query).refused(http.StatusUnprocessableEntity, "invalid")
		}
	})
}

func TestATicketFromEndToEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, karim := w.signedIn("nadia"), w.signedIn("karim")
		ref := w.mail("voirie", "Trou")
		got := nadia.post("/queues/voirie/next", body{}).is(http.StatusOK)
		if got.text("reference") != ref || got.text("status") != "open" || got.text("assignee_name") != "Nadia Benali" ||
			len(got.object()["messages"].([]any)) == 0 {
			t.Fatalf("next gives %s", got.raw)
		}
		nadia.post("/queues/voirie/next", body{}).is(http.StatusNoContent)
		karim.post("/tickets/"+ref+"/claim", body{}).refused(http.StatusConflict, "conflict")
		path := "/tickets/" + ref + "/messages"
		nadia.post(path, body{"kind": "note", "text": "x", "attachments": []string{ticketing.NewID()}}).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.with("If-Match", `"999"`).post(path, body{"kind": "note", "text": "x"}).is(http.StatusPreconditionFailed)
		note := nadia.post(path, body{"kind": "note", "text": "Voir avec les élus."}).is(http.StatusAccepted)
		if note.text("direction") != "note" || note.object()["delivery"] != nil {
			t.Errorf("the note is %s", note.raw)
		}
		reply := nadia.post("/tickets/"+ref+"/messages", body{"kind": "reply", "text": "Où est-ce ?"}).is(http.StatusAccepted)
		if d := reply.object()["delivery"].(body); d["state"] != "queued" || d["attempts"] != float64(0) || reply.text("by_name") != "Nadia Benali" {
			t.Errorf("the reply is %s", reply.raw)
		}
		ticket := nadia.get("/tickets/" + ref).object()
		if ticket["status"] != "waiting" || ticket["first_reply_at"] == nil || len(ticket["events"].([]any)) < 3 {
			t.Errorf("after the reply: %v", ticket)
		}
		handed := karim.post("/tickets/"+ref+"/assign", body{"agent": "karim@valmont.example"}).is(http.StatusOK)
		if handed.text("assignee_name") != "Karim Petit" || handed.text("status") != "waiting" {
			t.Errorf("handed to a colleague while it waits: %s", handed.raw)
		}
		closed := nadia.post("/tickets/"+ref+"/close", body{"outcome": "answered", "reason": "réglé"}).is(http.StatusOK)
		if closed.text("status") != "closed" || closed.text("outcome") != "answered" {
			t.Errorf("closed is %s", closed.raw)
		}
		p := nadia.post("/tickets/"+ref+"/messages", body{"kind": "reply", "text": "Encore"}).refused(http.StatusConflict, "conflict")
		if p.text("reason") != "closed" || p.text("detail") != "La demande est close. Rouvrez-la d’abord." {
			t.Errorf("the refusal is %s", p.raw)
		}
		nadia.post("/tickets/"+ref+"/reopen", body{"reason": "il rappelle"}).is(http.StatusOK)
		assigned := karim.post("/tickets/"+ref+"/assign", body{"agent": "nadia@valmont.example", "reason": "elle connaît"}).is(http.StatusOK)
		if assigned.text("assignee_name") != "Nadia Benali" {
			t.Errorf("assigned to %s", assigned.raw)
		}
		nadia.post("/tickets/"+ref+"/assign", body{"agent": "karim@valmont.example"}).refused(http.StatusForbidden, "forbidden")
		nadia.post("/tickets/"+ref+"/release", nil).is(http.StatusOK)
	})
}

func TestNextIsGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const tickets, callers = 12, 8
		for i := range tickets {
			w.mail("voirie", fmt.Sprint("Trou ", i))
		}
		var mu sync.Mutex
		given := map[string]int{}
		var all sync.WaitGroup
		for i := range callers {
			c := w.signedIn([]string{"karim", "admin"}[i%2])
			all.Go(func() {
				for {
					a := c.post("/queues/voirie/next", body{})
					if a.status != http.StatusOK {
						a.is(http.StatusNoContent)
						return
					}
					mu.Lock()
					given[a.text("reference")]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(given) != tickets {
			t.Errorf("%d of %d given", len(given), tickets)
		}
		for ref, n := range given {
			if n != 1 {
				t.Errorf("%s was given %d times", ref, n)
			}
		}
	})
}

func TestCapacity(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		for range 3 {
			w.mail("voirie", "Trou")
			nadia.post("/queues/voirie/next", body{}).is(http.StatusOK)
		}
		ref := w.mail("voirie", "Trou")
		nadia.post("/queues/voirie/next", body{}).is(http.StatusNoContent)
		nadia.post("/tickets/"+ref+"/claim", body{}).refused(http.StatusConflict, "at_capacity")
		if load := nadia.get("/me").object()["load"]; load != float64(3) {
			t.Errorf("load is %v", load)
		}
		var voirie body
		for _, q := range nadia.get("/queues").items() {
			if q["department"] == "voirie" {
				voirie = q
			}
		}
		if voirie["waiting"] != float64(1) || voirie["claimed"] != float64(3) || voirie["agents"].(body)["available"] != float64(1) {
			t.Errorf("the queue is %v", voirie)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia").with("Idempotency-Key", "k-1")
		contact := body{
			"channel": "phone", "subject": "Trou", "text": "rue Foch", "motive": "VOI-NID",
			"citizen": body{"kind": "person", "name": body{"family": "Diallo"}, "contacts": []body{{"type": "phone", "value": "06 39 98 12 34"}}},
		}
		first := c.post("/tickets", contact).is(http.StatusCreated)
		if first.text("department") != "voirie" || first.text("motive") != "VOI-NID" || first.text("status") != "new" {
			t.Errorf("logged as %s", first.raw)
		}
		if again := c.post("/tickets", contact).is(http.StatusCreated); again.text("reference") != first.text("reference") {
			t.Error("the same key made another ticket")
		}
		contact["text"] = "avenue Foch"
		c.post("/tickets", contact).refused(http.StatusUnprocessableEntity, "key_reused")
		w.signedIn("karim").with("Idempotency-Key", "k-1").post("/tickets", contact).is(http.StatusCreated)

		note := c.with("Idempotency-Key", "k-2")
		path := "/tickets/" + first.text("reference") + "/messages"
		one, two := note.post(path, body{"kind": "note", "text": "x"}).is(http.StatusAccepted), note.post(path, body{"kind": "note", "text": "x"}).is(http.StatusAccepted)
		if one.text("id") != two.text("id") {
			t.Error("the same key made another note")
		}
	})
}

func TestIfMatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		ref := w.mail("voirie", "Trou")
		seen := c.get("/tickets/" + ref)
		etag := seen.header.Get("ETag")
		if etag != fmt.Sprintf("%q", fmt.Sprint(seen.object()["version"])) {
			t.Fatalf("ETag %s for version %v", etag, seen.object()["version"])
		}
		edited := c.with("If-Match", etag).patch("/tickets/"+ref, body{"subject": "Gros trou", "priority": "high"}).is(http.StatusOK)
		if edited.text("subject") != "Gros trou" || edited.text("priority") != "high" {
			t.Errorf("edited is %s", edited.raw)
		}
		stale := c.with("If-Match", etag).post("/tickets/"+ref+"/close", body{"outcome": "answered"}).refused(http.StatusPreconditionFailed, "stale")
		if now := stale.object()["current"].(body); now["version"] != edited.object()["version"] || now["status"] != "new" {
			t.Errorf("stale says %s", stale.raw)
		}
		c.post("/tickets/"+ref+"/messages", body{"kind": "note", "text": "vu"}).is(http.StatusAccepted)
		noted := c.with("If-Match", etag).post("/tickets/"+ref+"/close", body{"outcome": "answered"}).refused(http.StatusPreconditionFailed, "stale")
		for p, want := range map[*answer]string{stale: "ticket.changed", noted: "ticket.changed note.added"} {
			var named []string
			for _, change := range p.object()["changes"].([]any) {
				named = append(named, change.(body)["type"].(string))
			}
			if strings.Join(named, " ") != want {
				t.Errorf("changed since: %v, want %s: %s", named, want, p.raw)
			}
		}
		edited = c.get("/tickets/" + ref)
		bare := fmt.Sprint(edited.object()["version"])
		c.with("If-Match", bare).post("/tickets/"+ref+"/claim", nil).is(http.StatusOK)
		c.with("If-Match", "soon").post("/tickets/"+ref+"/claim", nil).refused(http.StatusUnprocessableEntity, "invalid")
	})
}

func TestProblemsAreInTheCallersLanguage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for header, title := range map[string]string{"fr-CA,fr;q=0.9": "Connexion requise", "en-GB": "Please sign in", "de": "Connexion requise"} {
			if p := w.nobody().with("Accept-Language", header).get("/me"); p.text("title") != title {
				t.Errorf("%s: %s", header, p.raw)
			}
		}
		karim := w.signedIn("karim").with("Accept-Language", "fr") // her profile says English
		p := karim.post("/tickets", body{"channel": "fax", "surprise": 1}).refused(http.StatusUnprocessableEntity, "invalid")
		fields := map[string]bool{}
		for _, e := range p.object()["errors"].([]any) {
			fields[e.(body)["field"].(string)] = true
		}
		if !fields["channel"] || !fields["surprise"] || p.text("title") != "Please correct" {
			t.Errorf("the problem is %s", p.raw)
		}
		future := body{"channel": "letter", "subject": "x", "received_at": "2100-01-01T00:00:00Z", "citizen": body{"name": body{"family": "X"}}}
		if p := karim.post("/tickets", future).refused(http.StatusUnprocessableEntity, "invalid"); p.text("detail") != "received_at: can't be in the future" {
			t.Errorf("the problem is %s", p.raw)
		}
		karim.post("/tickets", "{").refused(http.StatusBadRequest, "malformed")
		karim.post("/tickets", `{"text":"`+strings.Repeat("x", 1<<20)+`"}`).refused(http.StatusRequestEntityTooLarge, "too_large")
		karim.with("Content-Type", "text/plain").post("/tickets", "x").refused(http.StatusUnsupportedMediaType, "unsupported_media_type")
		karim.get("/nothing").refused(http.StatusNotFound, "not_found")
		karim.remove("/tickets").refused(http.StatusMethodNotAllowed, "method_not_allowed")
		if page := karim.do(http.MethodGet, "/nothing", nil).is(http.StatusNotFound); !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			t.Error("a page that is missing is not a page")
		}
	})
}

func TestDownloadsAreFiles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		ref := w.mail("accueil", "Plan")
		message := c.get("/tickets/" + ref).object()["messages"].([]any)[0].(body)
		raw := c.get("/messages/" + message["id"].(string) + "/raw").is(http.StatusOK)
		if string(raw.raw) != "Subject: Plan\r\n\r\nBonjour" || !strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("raw is %q, %v", raw.raw, raw.header)
		}
		file := message["attachments"].([]any)[0].(body)
		got := c.get("/attachments/" + file["id"].(string)).is(http.StatusOK)
		for name, want := range map[string]string{
			"Content-Disposition": "attachment; filename*=utf-8''plan%20%C3%A9.html", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s is %q", name, got.header.Get(name))
			}
		}
		if string(got.raw) != "<script>alert(1)</script>" {
			t.Errorf("the file is %q", got.raw)
		}
	})
}

func TestChannelsAndHealth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		if lines := c.get("/channels").items(); len(lines) != 1 || lines[0]["name"] != "mairie" || lines[0]["state"] != "starting" {
			t.Errorf("the lines are %v", lines)
		}
		at := w.now()
		w.must(w.desk.NoteHealth(t.Context(), channels.Health{
			Line: "mairie", Mailbox: "mairie", Folder: "INBOX", Channel: channels.Email, State: channels.Working, ServerCount: 7, StoredCount: 5,
			LastContact: &at, CountedAt: &at, MissingCount: 2, Missing: []uint32{3, 5}, Alarm: channels.AlarmCount, At: at,
		}))
		w.must(w.desk.NoteHealth(t.Context(), channels.Health{
			Line: "mairie", Mailbox: "mairie/Spam", Folder: "Spam", Channel: channels.Email, State: channels.Failing, LastError: "no such folder", At: at,
		}))
		line := c.get("/channels").items()[0]
		folders := line["folders"].([]any)
		if line["state"] != "failing" || line["alarm"] != "count" || line["server_count"] != 7.0 || line["stored_count"] != 5.0 || len(folders) != 2 ||
			fmt.Sprint(folders[0].(map[string]any)["missing"]) != "[3 5]" || folders[1].(map[string]any)["last_error"] != "no such folder" {
			t.Errorf("the line is %v", line)
		}
		metrics := string(w.signedIn("admin").do(http.MethodGet, "/metrics", nil).is(http.StatusOK).raw)
		for _, want := range []string{
			`guichet_mailbox_alarm{folder="INBOX",kind="count",mailbox="mairie"} 1`, `guichet_mailbox_alarm{folder="Spam",kind="count",mailbox="mairie"} 0`,
			`guichet_mailbox_server_count{folder="INBOX",mailbox="mairie"} 7`, `guichet_mailbox_missing_count{folder="INBOX",mailbox="mairie"} 2`,
			`guichet_mailbox_lag_seconds{folder="INBOX",mailbox="mairie"} 0`, `guichet_line_up{line="mairie"} 0`,
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("the metrics lack %s", want)
			}
		}
		w.nobody().do(http.MethodGet, "/healthz", nil).is(http.StatusOK)
		w.nobody().do(http.MethodGet, "/readyz", nil).is(http.StatusOK)
		w.must(w.router.Close())
		w.redisGone = true
		down := w.nobody().do(http.MethodGet, "/readyz", nil).refused(http.StatusServiceUnavailable, "not_ready")
		if down.text("reason") != "redis" {
			t.Errorf("not ready because of %s", down.raw)
		}
		c.get("/queues").refused(http.StatusServiceUnavailable, "unavailable")
		c.get("/tickets").is(http.StatusOK) // what needs no Redis goes on
		if me := c.get("/me").is(http.StatusOK).object(); me["presence"] != nil {
			t.Errorf("me without Redis is %v", me)
		}
	})
}

func TestALogOfPatternsOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ref := w.mail("voirie", "Trou")
		w.signedIn("nadia").get("/tickets/" + ref + "?q=Perrin").is(http.StatusOK)
		log := w.log.String()
		if !strings.Contains(log, "route=/api/v1/tickets/:ref") || strings.Contains(log, "Perrin") || strings.Contains(log, ref) {
			t.Error("the log lacks the pattern or holds the address")
		}
	})
}
