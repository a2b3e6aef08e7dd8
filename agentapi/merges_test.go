package agentapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestMergeAndUndo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, sonia := w.signedIn("nadia"), w.signedIn("sonia")
		person := func(family, given string, more body) string {
			more["kind"], more["name"] = "person", body{"family": family, "given": given}
			return nadia.post("/citizens", more).is(http.StatusCreated).text("id")
		}
		a := person("Lefèvre", "Zoé", body{"contacts": []body{{"type": "email", "value": "zoe@example.org"}}, "birth_date": "1980-01-02"})
		b := person("LEFEVRE", "Zoe", body{"contacts": []body{{"type": "phone", "value": "06 39 98 12 34"}}, "refusals": []string{"sms"}})
		ticket := func(by *client, citizen, subject, department string) string {
			return by.post("/tickets", body{"channel": "phone", "citizen_id": citizen, "subject": subject, "text": subject, "department": department}).is(http.StatusCreated).text("reference")
		}
		owner := func(by *client, ref string) any {
			return by.get("/tickets/" + ref).is(http.StatusOK).object()["citizen"].(body)["id"]
		}
		t1, t2, sealed := ticket(nadia, a, "Cantine", "accueil"), ticket(nadia, b, "Crèche", "accueil"), ticket(sonia, b, "Aide", "ccas")
		nadia.post("/citizens/"+b+"/notes", body{"text": "Préfère le matin."}).is(http.StatusCreated)

		proposed := nadia.get("/citizens/" + a + "/duplicates").is(http.StatusOK).items()
		if len(proposed) != 1 || proposed[0]["citizen"].(body)["id"] != b || proposed[0]["score"].(float64) != 40 || proposed[0]["reasons"].([]any)[0] != "same_name" {
			t.Errorf("duplicates %v", proposed)
		}
		preview := nadia.get("/citizens/" + a + "/merge?from=" + b).is(http.StatusOK).object()
		moves := preview["moves"].(body)
		if moves["tickets"] != 1.0 || moves["contacts"] != 1.0 || moves["notes"] != 1.0 || moves["refusals"] != 1.0 {
			t.Errorf("nadia is told %v", moves)
		}
		if moves := sonia.get("/citizens/" + a + "/merge?from=" + b).object()["moves"].(body); moves["tickets"] != 2.0 {
			t.Errorf("sonia is told %v", moves)
		}
		for _, f := range preview["fields"].([]any) {
			if f := f.(body); f["field"] == "birth_date" && (f["into"] != "1980-01-02" || f["survives"] != "into") || f["field"] == "family" && f["from"] != "LEFEVRE" {
				t.Errorf("%v", f)
			}
		}
		nadia.get("/citizens/"+a+"/merge?from="+a).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.get("/citizens/" + a).is(http.StatusOK)

		w.program("nadia", "read").post("/citizens/"+a+"/merge", body{"from": b, "reason": "x"}).refused(http.StatusForbidden, "forbidden")
		m := nadia.post("/citizens/"+a+"/merge", body{"from": b, "reason": "même personne", "fields": body{"given": "from"}}).is(http.StatusCreated).object()
		if m["into"] != a || m["from"] != b || m["reason"] != "même personne" || m["by_name"] != "Nadia Benali" {
			t.Errorf("%v", m)
		}
		nadia.post("/citizens/"+b+"/merge", body{"from": a, "reason": "x"}).refused(http.StatusConflict, "conflict")
		if owner(nadia, t2) != a || owner(sonia, sealed) != a {
			t.Error("a ticket did not follow")
		}
		merged := nadia.get("/citizens/" + a).object()
		if merged["name"].(body)["given"] != "Zoe" || len(merged["contacts"].([]any)) != 2 || len(merged["notes"].([]any)) != 1 || len(merged["refusals"].([]any)) != 1 {
			t.Errorf("the survivor %v", merged)
		}
		if old := nadia.get("/citizens/" + b).is(http.StatusOK).object(); old["merged_into"] != a {
			t.Errorf("an old link leads to %v", old["merged_into"])
		}
		if again := nadia.get("/citizens/" + b + "/duplicates").is(http.StatusOK).items(); len(again) != 0 {
			t.Errorf("%v", again)
		}
		t3, t4 := ticket(nadia, a, "Après fusion", "accueil"), ticket(nadia, b, "Par un ancien lien", "accueil")
		if log := nadia.get("/citizens/" + b + "/merges").is(http.StatusOK).items(); len(log) != 1 || log[0]["id"] != m["id"] {
			t.Errorf("%v", log)
		}

		undo := "/merges/" + m["id"].(string) + "/undo"
		nadia.post(undo, body{"reason": ""}).refused(http.StatusUnprocessableEntity, "invalid")
		undone := nadia.post(undo, body{"reason": "erreur"}).is(http.StatusOK).object()
		if undone["undo_reason"] != "erreur" || undone["undone_at"] == nil {
			t.Errorf("%v", undone)
		}
		for ref, want := range map[string]string{t1: a, t2: b, t3: a, t4: a} {
			if got := owner(nadia, ref); got != want {
				t.Errorf("%s is of %v, want %s", ref, got, want)
			}
		}
		if owner(sonia, sealed) != b {
			t.Error("a sealed ticket did not go back")
		}
		if c := nadia.get("/citizens/" + a).object(); c["name"].(body)["given"] != "Zoé" || len(c["refusals"].([]any)) != 0 {
			t.Errorf("%v", c)
		}
		nadia.post(undo, body{"reason": "erreur"}).refused(http.StatusConflict, "conflict")

		nadia.post("/citizens/"+a+"/distinct", body{"from": b}).is(http.StatusOK)
		for _, id := range []string{a, b} {
			if left := nadia.get("/citizens/" + id + "/duplicates").items(); len(left) != 0 {
				t.Errorf("still proposed: %v", left)
			}
		}
	})
}

func TestAnAgentSaysWhoItWas(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		ref := w.mail("accueil", "Cantine")
		candidates := nadia.get("/tickets/" + ref + "/candidates").is(http.StatusOK).items()
		if len(candidates) != 1 || !slices.Contains(candidates[0]["reasons"].([]any), any("same_email")) {
			t.Fatalf("%v", candidates)
		}
		anne := nadia.post("/citizens", body{"name": body{"family": "Roux"}}).is(http.StatusCreated).text("id")
		said := nadia.patch("/tickets/"+ref, body{"citizen_id": anne}).is(http.StatusOK).object()
		if said["citizen"].(body)["id"] != anne {
			t.Errorf("%v", said["citizen"])
		}
		nadia.patch("/tickets/"+ref, body{"citizen_id": "nobody"}).refused(http.StatusUnprocessableEntity, "invalid")
		hidden := w.mail("ccas", "Aide")
		nadia.get("/tickets/"+hidden+"/candidates").refused(http.StatusNotFound, "not_found")
	})
}

func TestAnAddressOfTwoPeopleDoesNotSayWhichCame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		comes := func(given, family string) string {
			return nadia.post("/tickets", body{
				"channel": "counter", "subject": "Passeport", "department": "accueil",
				"citizen": body{"name": body{"given": given, "family": family}, "contacts": []body{{"type": "email", "value": "les.perrin@example.org"}}},
			}).is(http.StatusCreated).object()["citizen"].(body)["id"].(string)
		}
		anne := comes("Anne", "Perrin")
		if paul := comes("Paul", "Perrin"); paul == anne {
			t.Error("Paul was taken for Anne")
		}
		for _, same := range [][2]string{{"Anne", "PERRIN"}, {"", ""}, {"Anne", "Perrni"}} {
			if got := comes(same[0], same[1]); got != anne {
				t.Errorf("%s is somebody else", strings.Join(same[:], " "))
			}
		}
	})
}
