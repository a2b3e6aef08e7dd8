package agentapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// hold lets a mail wait in quarantine and gives its id.
func (w *world) hold(line string, reason channels.Hold, raw string) string {
	w.tb.Helper()
	key := ticketing.NewID()
	_, err := w.desk.Receive(w.tb.Context(), []channels.Inbound{{
		Channel: channels.Email, Line: line, Key: key, Raw: []byte(raw), At: w.now(), Quarantine: reason, Warnings: []string{"too deep"},
	}})
	w.must(err)
	list, err := w.db.Quarantined(w.tb.Context(), ticketing.HeldQuery{Limit: 200})
	w.must(err)
	for _, o := range list {
		if o.Key == key {
			return o.ID
		}
	}
	w.tb.Fatal("it is not there")
	return ""
}

const heldMail = "From: Anne Perrin <anne@example.org>\r\nSubject: Lampadaire\r\n\r\nEn panne.\r\n"

func TestQuarantineInTheAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.town.KeepLines(t.Context(), []ticketing.Line{
			{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil"},
			{Name: "police", Channel: "email", Address: "police@valmont.example", Department: "police"},
		}))
		id, sealed := w.hold("mairie", channels.TooComplex, heldMail), w.hold("police", channels.TooComplex, heldMail)
		nadia := w.signedIn("nadia")
		list := nadia.get("/quarantine").is(http.StatusOK).items()
		if len(list) != 1 || list[0]["id"] != id || list[0]["subject"] != "Lampadaire" || list[0]["from"] != "anne@example.org" ||
			list[0]["reason"] != "too_complex" || list[0]["state"] != "quarantined" || list[0]["error"] != "too deep" {
			t.Errorf("the list is %v", list)
		}
		raw := nadia.get("/quarantine/" + id + "/raw").is(http.StatusOK)
		if string(raw.raw) != heldMail || !strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment") || raw.header.Get("Content-Type") != "message/rfc822" {
			t.Errorf("the original is %q, %v", raw.raw, raw.header)
		}
		w.program("nadia", "read").get("/quarantine/" + id + "/raw").is(http.StatusOK)
		w.program("nadia", "read").post("/quarantine/"+id+"/retry", nil).refused(http.StatusForbidden, "forbidden")

		// What is another department's is not there, byte for byte.
		for _, call := range []struct{ method, path string }{
			{http.MethodGet, ""}, {http.MethodGet, "/raw"}, {http.MethodPost, "/retry"}, {http.MethodPost, "/file"},
		} {
			got := nadia.do(call.method, "/api/v1/quarantine/"+sealed+call.path, nil).refused(http.StatusNotFound, "not_found")
			want := nadia.do(call.method, "/api/v1/quarantine/00000000-0000-7000-8000-000000000000"+call.path, nil).refused(http.StatusNotFound, "not_found")
			if string(got.raw) != string(want.raw) {
				t.Errorf("%s %s: %s and %s", call.method, call.path, got.raw, want.raw)
			}
		}
		for _, path := range []string{"/admin/quarantine/" + sealed, "/admin/quarantine/nonsense"} {
			nadia.do(http.MethodGet, path, nil).is(http.StatusNotFound)
		}
		if n := len(w.signedIn("karim").get("/quarantine").is(http.StatusOK).items()); n != 0 {
			t.Errorf("who works elsewhere sees %d", n)
		}

		filed := nadia.post("/quarantine/"+id+"/retry", nil).is(http.StatusOK)
		if again := nadia.post("/quarantine/"+id+"/file", body{"department": "voirie"}).is(http.StatusOK); again.text("ticket") != filed.text("ticket") || filed.text("state") != "filed" {
			t.Errorf("twice: %s and %s", filed.raw, again.raw)
		}
		nadia.get("/tickets/" + filed.text("ticket")).is(http.StatusOK)
		second := w.hold("mairie", channels.TooLarge, "Subject: Plan\r\n\r\n")
		if kept := nadia.post("/quarantine/"+second+"/retry", nil).is(http.StatusOK); kept.text("state") != "quarantined" || kept.text("reason") != "too_large" {
			t.Errorf("a header alone: %s", kept.raw)
		}
		nadia.post("/quarantine/"+second+"/file", body{"department": "nowhere"}).refused(http.StatusUnprocessableEntity, "invalid")
		ref := nadia.post("/quarantine/"+second+"/file", body{"department": "voirie"}).is(http.StatusOK).text("ticket")
		if d := nadia.get("/tickets/" + ref).object(); d["department"] != "voirie" || d["subject"] != "Plan" {
			t.Errorf("filed by hand: %v", d)
		}
		if len(nadia.get("/quarantine").items()) != 0 {
			t.Error("it is still listed")
		}
	})
}

func TestQuarantineIsPaged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := map[string]bool{}
		for i := range 5 {
			want[w.hold("mairie", channels.TooComplex, fmt.Sprint(i))] = true
		}
		c, next, pages := w.signedIn("nadia"), "", 0
		for pages == 0 || next != "" {
			a := c.get("/quarantine?limit=2&cursor=" + url.QueryEscape(next)).is(http.StatusOK)
			for _, held := range a.items() {
				delete(want, held["id"].(string))
			}
			next, pages = a.text("next_cursor"), pages+1
		}
		if len(want) != 0 || pages != 3 {
			t.Errorf("%d pages, %d missing", pages, len(want))
		}
		c.get("/quarantine?cursor=nonsense").refused(http.StatusUnprocessableEntity, "invalid")
	})
}

func TestMergeSplitForward(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		one, two := w.mail("voirie", "Trou"), w.mail("accueil", "Le même trou")
		nadia.post("/tickets/"+one+"/merge", body{"into": one, "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.post("/tickets/"+one+"/merge", body{"into": "2026-99999", "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.with("If-Match", "1").post("/tickets/"+one+"/merge", body{"into": two, "reason": "x"}).refused(http.StatusPreconditionFailed, "stale")
		merged := nadia.post("/tickets/"+one+"/merge", body{"into": two, "reason": "la même"}).is(http.StatusOK).object()
		target := nadia.get("/tickets/" + two).object()
		if merged["status"] != "closed" || merged["outcome"] != "duplicate" || merged["merged_into"] != target["id"] || len(merged["messages"].([]any)) == 0 {
			t.Errorf("merged: %v", merged)
		}
		if links := target["links"].([]any); len(links) != 1 || links[0].(body)["kind"] != "merged" || links[0].(body)["reference"] != one {
			t.Errorf("links %v", target["links"])
		}
		nadia.post("/tickets/"+two+"/merge", body{"into": one, "reason": "x"}).refused(http.StatusConflict, "conflict")

		// Karim works in roads only: he may close what is there, and not act on the front desk's.
		three := w.mail("voirie", "Encore")
		w.signedIn("karim").post("/tickets/"+three+"/merge", body{"into": two, "reason": "x"}).refused(http.StatusForbidden, "forbidden")

		_, err := w.desk.Receive(t.Context(), []channels.Inbound{{
			Channel: channels.Email, Line: "mairie", Key: "more", ID: "more@example.org", Raw: []byte("x"), Subject: "Et autre chose", Text: "texte", At: w.now(),
			From:       channels.Address{Value: nadia.get("/tickets/" + three).object()["messages"].([]any)[0].(body)["from"].(string)},
			References: []string{nadia.get("/tickets/" + three).object()["messages"].([]any)[0].(body)["external_id"].(string)},
		}})
		w.must(err)
		messages := nadia.get("/tickets/" + three).object()["messages"].([]any)
		last := messages[len(messages)-1].(body)["id"].(string)
		keyed := nadia.with("Idempotency-Key", "k")
		split := body{"message_ids": []string{last}, "department": "accueil"}
		nadia.post("/tickets/"+three+"/split", body{"message_ids": []string{ticketing.NewID()}, "department": "accueil"}).refused(http.StatusUnprocessableEntity, "invalid")
		done := keyed.post("/tickets/"+three+"/split", split).is(http.StatusOK)
		again := keyed.post("/tickets/"+three+"/split", split).is(http.StatusOK)
		made := done.header.Get("Location")
		if done.text("reference") != three || !strings.HasPrefix(made, "/api/v1/tickets/") || again.header.Get("Location") != made {
			t.Errorf("split: %s, %v, %v", done.raw, made, again.header.Get("Location"))
		}
		fresh := nadia.get(strings.TrimPrefix(made, "/api/v1")).is(http.StatusOK).object()
		if fresh["department"] != "accueil" || fresh["subject"] != "Et autre chose" || len(fresh["messages"].([]any)) != 1 {
			t.Errorf("the new ticket: %v", fresh)
		}

		nadia.post("/tickets/"+three+"/forward", body{"to": "nowhere", "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid")
		keyed = nadia.with("Idempotency-Key", "f")
		for range 2 {
			sent := keyed.post("/tickets/"+three+"/forward", body{"to": "prefecture@example.gouv", "reason": "Compétence de l’État"}).is(http.StatusOK).object()
			out := 0
			for _, m := range sent["messages"].([]any) {
				if m := m.(body); m["direction"] == "out" && m["automatic"] == false {
					out++
					if m["delivery"].(body)["state"] != "queued" || len(m["attachments"].([]any)) != 1 || m["to"].([]any)[0] != "prefecture@example.gouv" {
						t.Errorf("it leaves as %v", m)
					}
				}
			}
			if out != 1 || sent["status"] != "new" {
				t.Errorf("%d mails, %v", out, sent["status"])
			}
		}
	})
}

func TestTagsAndSnoozeInTheAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, ref := w.signedIn("nadia"), w.mail("voirie", "Trou")
		got := nadia.patch("/tickets/"+ref, body{"tags": []string{" Été ", "voirie", "ÉTÉ"}}).is(http.StatusOK).object()
		if fmt.Sprint(got["tags"]) != "[été voirie]" {
			t.Errorf("tags %v", got["tags"])
		}
		if row := nadia.get("/tickets").items()[0]; fmt.Sprint(row["tags"]) != "[été voirie]" || row["undelivered"] != false {
			t.Errorf("row %v", row)
		}
		until := w.now().Add(48 * time.Hour).Truncate(time.Second)
		if got := nadia.patch("/tickets/"+ref, body{"snoozed_until": until}).is(http.StatusOK).object(); got["snoozed_until"] != until.Format(time.RFC3339) {
			t.Errorf("snoozed until %v, want %v", got["snoozed_until"], until)
		}
		if next := nadia.post("/queues/voirie/next", body{}); next.status != http.StatusNoContent {
			t.Errorf("a ticket that was put aside is given out: %s", next.raw)
		}
		if got := nadia.patch("/tickets/"+ref, body{"subject": "Grand trou"}).is(http.StatusOK).object(); got["snoozed_until"] == nil || fmt.Sprint(got["tags"]) != "[été voirie]" {
			t.Errorf("what was left out changed: %v", got)
		}
		nadia.patch("/tickets/"+ref, body{"snoozed_until": w.now().Add(-time.Hour)}).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.patch("/tickets/"+ref, body{"snoozed_until": "demain"}).is(http.StatusUnprocessableEntity)
		if got := nadia.patch("/tickets/"+ref, body{"snoozed_until": nil, "tags": []string{}}).is(http.StatusOK).object(); got["snoozed_until"] != nil || len(got["tags"].([]any)) != 0 {
			t.Errorf("cleared: %v", got)
		}
		nadia.post("/queues/voirie/next", body{}).is(http.StatusOK)
		nadia.patch("/tickets/"+ref, body{"tags": []string{strings.Repeat("x", 51)}}).refused(http.StatusUnprocessableEntity, "invalid")
	})
}

// A reserved department's part in a merge or a split is told to its members only.
func TestMergedWithAReservedTicket(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		open, hidden := w.mail("voirie", "Trou"), w.mail("ccas", "Aide")
		w.signedIn("admin").post("/tickets/"+hidden+"/merge", body{"into": open, "reason": "un secret"}).is(http.StatusOK)
		got := string(w.signedIn("nadia").get("/tickets/" + open).is(http.StatusOK).raw)
		if strings.Contains(got, "ccas") || strings.Contains(got, "secret") || strings.Contains(got, hidden) {
			t.Errorf("it tells %s", got)
		}
		w.signedIn("nadia").do(http.MethodGet, "/tickets/"+w.mail("ccas", "x")+"/split", nil).is(http.StatusNotFound)
		w.signedIn("karim").do(http.MethodGet, "/tickets/"+w.mail("accueil", "x")+"/split", nil).is(http.StatusForbidden)
	})
}
