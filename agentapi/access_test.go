package agentapi_test

import (
	"net/http"
	"strings"
	"testing"

	"guichet/agentapi"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// Whoever may not know of a ticket gets, byte for byte, the answer for a reference nobody was ever given.
func TestSealedAndHiddenDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hidden, sealed := w.mail("ccas", "Aide"), w.mail("police", "Bruit")
		sonia, nadia := w.signedIn("sonia"), w.signedIn("nadia")
		for _, ref := range []string{hidden, sealed} {
			dossier := sonia.get("/tickets/" + ref).is(http.StatusOK).object()
			message := dossier["messages"].([]any)[0].(body)
			file := message["attachments"].([]any)[0].(body)
			sonia.get("/messages/" + message["id"].(string) + "/raw").is(http.StatusOK)
			sonia.get("/attachments/" + file["id"].(string)).is(http.StatusOK)

			const nothing = "00000000-0000-7000-8000-000000000000"
			same := func(method, format string, b any, real, unreal string) {
				t.Helper()
				got := nadia.do(method, "/api/v1"+strings.ReplaceAll(format, "X", real), b).refused(http.StatusNotFound, "not_found")
				want := nadia.do(method, "/api/v1"+strings.ReplaceAll(format, "X", unreal), b).refused(http.StatusNotFound, "not_found")
				if string(got.raw) != string(want.raw) {
					t.Errorf("%s %s: %s and %s", method, format, got.raw, want.raw)
				}
				for name := range want.header {
					if name != "Date" && got.header.Get(name) != want.header.Get(name) {
						t.Errorf("%s %s: header %s differs", method, format, name)
					}
				}
			}
			same(http.MethodGet, "/tickets/X", nil, ref, "2026-99999")
			same(http.MethodPatch, "/tickets/X", body{"subject": "x"}, ref, "2026-99999")
			for verb, b := range map[string]body{
				"claim": {}, "release": {}, "assign": {"agent": "nadia@valmont.example"}, "transfer": {"department": "voirie", "reason": "x"},
				"close": {"outcome": "answered"}, "reopen": {"reason": "x"}, "merge": {"into": "2026-00001", "reason": "x"}, "split": {"message_ids": []string{nothing}, "department": "voirie"},
				"forward": {"to": "a@example.org", "reason": "x"}, "messages": {"kind": "reply", "text": "x"},
			} {
				same(http.MethodPost, "/tickets/X/"+verb, b, ref, "2026-99999")
			}
			same(http.MethodPost, "/tickets/X/messages", body{"kind": "note", "text": "x"}, ref, "2026-99999")
			same(http.MethodGet, "/messages/X/raw", nil, message["id"].(string), nothing)
			same(http.MethodGet, "/attachments/X", nil, file["id"].(string), nothing)
		}
		if list := nadia.get("/tickets?limit=200").items(); len(list) != 0 {
			t.Errorf("the list shows %v", list)
		}
		for _, filter := range []string{"?department=ccas", "?q=Aide", "?q=" + hidden, "?department=nowhere"} {
			if list := nadia.get("/tickets" + filter).items(); len(list) != 0 {
				t.Errorf("%s shows %v", filter, list)
			}
		}
		for _, q := range nadia.get("/queues").items() {
			if q["department"] == "ccas" || q["department"] == "police" {
				t.Errorf("the queues show %v", q)
			}
		}
		got := nadia.post("/queues/ccas/next", body{}).refused(http.StatusNotFound, "not_found")
		want := nadia.post("/queues/nowhere/next", body{}).refused(http.StatusNotFound, "not_found")
		if string(got.raw) != string(want.raw) {
			t.Error("a hidden queue differs from none")
		}
		metrics := w.signedIn("admin").do(http.MethodGet, "/metrics", nil).is(http.StatusOK)
		if text := string(metrics.raw); strings.Contains(text, "ccas") || strings.Contains(text, "police") ||
			!strings.Contains(text, `guichet_queue_waiting{department="voirie"} 0`) {
			t.Error("the metrics show a closed department, or lack an open one")
		}
	})
}

// Whoever writes a contact down for a hidden department reads it until somebody takes it, and is told no more afterwards.
func TestLoggedForAHiddenDepartment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, sonia := w.signedIn("nadia").with("Idempotency-Key", "one"), w.signedIn("sonia")
		contact := body{
			"channel": "counter", "department": "ccas", "subject": "Aide", "text": "Elle attend.",
			"citizen": body{"kind": "person", "name": body{"family": "Diallo", "given": "Mariam"}},
		}
		ref := nadia.post("/tickets", contact).is(http.StatusCreated).text("reference")
		nadia.get("/tickets/" + ref).is(http.StatusOK)
		sonia.post("/queues/ccas/next", body{}).is(http.StatusOK)
		sonia.patch("/tickets/"+ref, body{"subject": "Un secret", "priority": "urgent"}).is(http.StatusOK)
		nadia.get("/tickets/"+ref).refused(http.StatusNotFound, "not_found")
		again := nadia.post("/tickets", contact).is(http.StatusCreated)
		if text := string(again.raw); again.text("reference") != ref || strings.Contains(text, "secret") || strings.Contains(text, "urgent") ||
			strings.Contains(text, "Sonia") || again.object()["assignee"] != nil || again.object()["version"] != float64(1) {
			t.Errorf("the second answer tells %s", text)
		}
		done := body{"answered": true}
		for k, v := range contact {
			done[k] = v
		}
		closed := nadia.with("Idempotency-Key", "two").post("/tickets", done).is(http.StatusCreated)
		if closed.text("status") != "closed" || closed.text("outcome") != "answered" {
			t.Errorf("answered at once is %s", closed.raw)
		}
	})
}

func TestTransferOutOfSight(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ref := w.mail("voirie", "Trou")
		nadia := w.signedIn("nadia")
		moved := nadia.post("/tickets/"+ref+"/transfer", body{"department": "ccas", "reason": "une famille"}).is(http.StatusOK).object()
		if moved["department"] != "ccas" || len(moved["messages"].([]any)) != 0 {
			t.Errorf("after the transfer: %v", moved)
		}
		nadia.get("/tickets/"+ref).refused(http.StatusNotFound, "not_found")
	})
}

func TestMetricsAreForAdministrators(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}))
	w.nobody().do(http.MethodGet, "/metrics", nil).refused(http.StatusUnauthorized, "unauthenticated")
	w.signedIn("nadia").do(http.MethodGet, "/metrics", nil).refused(http.StatusForbidden, "forbidden")
	w.mail("accueil", "Bonjour")
	text := string(w.program("admin", "read").do(http.MethodGet, "/metrics", nil).is(http.StatusOK).raw)
	for _, want := range []string{
		`guichet_received_total{channel="email",result="created"} 1`, `guichet_outbox{state="queued"}`,
		`guichet_http_request_seconds_count{method="GET",route="/metrics",status="4xx"} 2`, `guichet_build_info{version="test"} 1`, "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	demo := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}), func(p *agentapi.Parts) { p.MetricsForAgents = true })
	demo.signedIn("nadia").do(http.MethodGet, "/metrics", nil).is(http.StatusOK)
}
