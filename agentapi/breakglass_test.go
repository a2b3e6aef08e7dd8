package agentapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
)

// reserved gives what an agent learns of the citizen's exchanges with sealed departments.
func (x *walked) reserved(name string) []ticketing.Reserved {
	x.tb.Helper()
	actor := x.actor(name)
	reader := ticketing.NewReader(x.db, nil, x.town, x.router, x.now)
	list, err := reader.ReservedOf(x.tb.Context(), actor, x.citizen)
	x.must(err)
	return list
}

func TestASealedExchangeIsALineAndAHiddenOneNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := newWalked(t, w)
		lines := x.reserved("nadia")
		if len(lines) != 1 || lines[0].Reference != "" || strings.Contains(lines[0].Token, x.sealed.names[0]) {
			t.Fatalf("an agent learns %+v", lines)
		}
		y, m, d := w.now().Date()
		if !lines[0].Day.Equal(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("the day is %s", lines[0].Day)
		}
		if lines := x.reserved("paula"); len(lines) != 0 {
			t.Errorf("its members see the ticket itself, and %+v", lines)
		}
		if lines[0].Token == x.reserved("karim")[0].Token {
			t.Error("two agents have the same token")
		}
	})
}

func TestBreakGlass(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := newWalked(t, w)
		_, err := w.town.AddAgent(t.Context(), ticketing.NewAgent{Email: "chef@valmont.example", Name: "Chef Police", Roles: []string{"agent", "supervisor"}, Departments: []string{"police"}})
		w.must(err)
		hash, err := passwordHash()
		w.must(err)
		w.must(w.town.SetPassword(t.Context(), "chef@valmont.example", hash))
		nadia, odile, paula := w.signedIn("nadia"), w.signedIn("odile"), w.signedIn("paula")
		chef := w.signedIn("chef")
		token := x.reserved("nadia")[0].Token
		path := "/tickets/" + token + "/break-glass"

		// Not without a reason, not by a token that reads, not with somebody else's token, not with a reference.
		nadia.post(path, body{"reason": " "}).refused(http.StatusUnprocessableEntity, "invalid")
		w.program("nadia", "read").post(path, body{"reason": "urgence"}).refused(http.StatusForbidden, "forbidden")
		w.signedIn("karim").post(path, body{"reason": "urgence"}).refused(http.StatusNotFound, "not_found")
		nadia.post("/tickets/"+x.sealed.ticket+"/break-glass", body{"reason": "urgence"}).refused(http.StatusNotFound, "not_found")
		nadia.get("/tickets/"+x.sealed.ticket).refused(http.StatusNotFound, "not_found")

		form := nadia.do(http.MethodGet, "/reserved/"+token, nil).is(http.StatusOK)
		if page := string(form.raw); !strings.Contains(page, "Cette lecture est exceptionnelle") || strings.Contains(page, "Police") {
			t.Errorf("the form says %s", page)
		}
		opened := nadia.post(path, body{"reason": "Un enfant est en danger"}).is(http.StatusOK)
		if opened.text("reference") != x.sealed.ticket || !strings.Contains(string(opened.raw), "ztextescelle") {
			t.Fatalf("opened: %s", opened.raw)
		}

		// She reads, and nothing else.
		for _, p := range []string{"/tickets/" + x.sealed.ticket, "/messages/" + x.sealed.message + "/raw", "/attachments/" + x.sealed.file} {
			nadia.get(p).is(http.StatusOK)
		}
		nadia.do(http.MethodGet, "/tickets/"+x.sealed.ticket, nil).is(http.StatusOK)
		nadia.post("/tickets/"+x.sealed.ticket+"/messages", body{"kind": "note", "text": "x"}).refused(http.StatusNotFound, "not_found")
		nadia.post("/tickets/"+x.sealed.ticket+"/claim", body{}).refused(http.StatusNotFound, "not_found")
		for _, item := range nadia.get("/tickets?limit=200").items() {
			if item["reference"] == x.sealed.ticket {
				t.Error("a ticket that was opened is in her lists")
			}
		}
		if lines := x.reserved("nadia"); len(lines) != 1 || lines[0].Reference != x.sealed.ticket {
			t.Errorf("the line leads to %+v", lines)
		}

		// The department and the officer are told.
		if text := string(paula.get("/tickets/" + x.sealed.ticket).is(http.StatusOK).raw); !strings.Contains(text, "ticket.opened") || !strings.Contains(text, "Un enfant est en danger") {
			t.Error("its members are not told")
		}
		if page := string(paula.do(http.MethodGet, "/tickets/"+x.sealed.ticket, nil).raw); !strings.Contains(page, "Ouverte par Nadia Benali") {
			t.Error("the ticket's page does not tell")
		}
		if page := string(chef.do(http.MethodGet, "/", nil).is(http.StatusOK).raw); !strings.Contains(page, "Un enfant est en danger") || !strings.Contains(page, x.sealed.ticket) {
			t.Error("its supervisor sees no alarm")
		}
		if page := string(paula.do(http.MethodGet, "/", nil).is(http.StatusOK).raw); strings.Contains(page, "Un enfant est en danger") {
			t.Error("who does not supervise it sees the alarm")
		}
		looks := odile.get("/consultations?ticket=" + x.sealed.ticket + "&agent=nadia@valmont.example").items()
		if first := looks[len(looks)-1]; first["purpose"] != "Un enfant est en danger" || first["citizen"].(body)["name"] != "Anne Perrin" {
			t.Errorf("the officer reads %v", looks)
		}
		if file := odile.get("/citizens/" + x.citizen + "/consultations").items(); len(file) < len(looks) {
			t.Errorf("who saw her file: %v", file)
		}

		w.shift.Store(int64(61 * time.Minute))
		nadia.get("/tickets/"+x.sealed.ticket).refused(http.StatusNotFound, "not_found")
		nadia.get("/attachments/"+x.sealed.file).refused(http.StatusNotFound, "not_found")

		// It has become hidden meanwhile: the token of the line opens nothing any more.
		file, err := ticketing.ReadTownFile([]byte("departments:\n  - { code: police, name: { fr: Police, en: Police }, visibility: hidden }\n"))
		w.must(err)
		_, err = w.town.Import(t.Context(), file, false)
		w.must(err)
		nadia.post(path, body{"reason": "encore"}).refused(http.StatusNotFound, "not_found")
	})
}

// The date of the last contact does not tell of an exchange with a hidden department.
func TestTheLastContactIsOneSheMayKnowOf(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := newWalked(t, w)
		before := w.signedIn("nadia").get("/citizens/" + x.citizen).is(http.StatusOK).text("last_contact_at")
		w.shift.Store(int64(time.Hour))
		x.write("ccas", "Encore", "cache")
		if after := w.signedIn("nadia").get("/citizens/" + x.citizen).is(http.StatusOK).text("last_contact_at"); after != before || before == "" {
			t.Errorf("it was %s and is %s", before, after)
		}
		if after := w.signedIn("celine").get("/citizens/" + x.citizen).is(http.StatusOK).text("last_contact_at"); after <= before {
			t.Errorf("to a member it was %s and is %s", before, after)
		}
	})
}

func TestTheLedgerIsTheOfficersAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := newWalked(t, w)
		nadia, odile := w.signedIn("nadia"), w.signedIn("odile")
		nadia.post("/citizens", body{"name": body{"family": "=cmd()", "given": "Anne"}}).is(http.StatusCreated)
		nadia.get("/citizens/" + x.citizen).is(http.StatusOK)
		for _, name := range []string{"nadia", "karim", "admin", "adam", "paula"} {
			who := w.signedIn(name)
			for _, p := range []string{"/consultations", "/consultations/seals", "/consultations/export", "/citizens/" + x.citizen + "/consultations"} {
				who.get(p).refused(http.StatusForbidden, "forbidden")
			}
			who.do(http.MethodGet, "/consultations", nil).is(http.StatusNotFound)
		}
		w.program("odile", "read").get("/consultations").is(http.StatusOK)
		csv := odile.get("/consultations/export?name=perrin&agent=nadia@valmont.example").is(http.StatusOK)
		if text := string(csv.raw); !strings.Contains(text, "GET /api/v1/citizens/:id") || !strings.Contains(text, "Anne Perrin") || !strings.Contains(text, "nadia@valmont.example") {
			t.Errorf("the table is %s", text)
		}
		if text := string(odile.get("/consultations/export").is(http.StatusOK).raw); strings.Contains(text, ",=cmd") {
			t.Error("a name is a formula")
		}
		page := odile.do(http.MethodGet, "/consultations?name=Perrin&check=1", nil).is(http.StatusOK)
		if text := string(page.raw); !strings.Contains(text, "Anne Perrin") || !strings.Contains(text, "Nadia Benali") || !strings.Contains(text, "Rien n’a été modifié") {
			t.Errorf("the page is %s", text)
		}
		odile.do(http.MethodGet, "/consultations?after=hier", nil).is(http.StatusUnprocessableEntity)
		odile.get("/consultations?ticket=x").refused(http.StatusUnprocessableEntity, "invalid")
		if !odile.get("/consultations/seals").is(http.StatusOK).object()["holds"].(bool) {
			t.Error("the seals do not hold")
		}
	})
}
