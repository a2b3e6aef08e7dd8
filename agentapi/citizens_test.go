package agentapi_test

import (
	"net/http"
	"testing"
)

// strs lists a field of the objects of a list.
func strs(list any, field string) (out []string) {
	for _, o := range list.([]any) {
		out = append(out, o.(body)[field].(string))
	}
	return out
}

func TestARecordIsMadeReadAndCorrected(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		draft := body{
			"kind": "person", "name": body{"family": "Perrin", "usage": "Lefèvre", "given": "Anne  Marie", "civility": "Mme"}, "birth_date": "1961-03-04",
			"contacts":  []body{{"type": "email", "value": "Anne@Example.org"}, {"type": "phone", "value": "06 39 98 00 01", "label": "portable"}, {"type": "phone", "value": "+33 6 39 98 00 01"}},
			"addresses": []body{{"street": "18 avenue  Foch", "postcode": "99000", "city": "Valmont"}, {"label": "vide"}},
			"refusals":  []string{"sms"}, "no_digital": true, "preferred_channel": "letter",
		}
		made := nadia.with("Idempotency-Key", "k1").post("/citizens", draft).is(http.StatusCreated)
		c := made.object()
		if c["display_name"] != "Anne Marie Lefèvre" || c["language"] != "fr" || c["no_digital"] != true || c["preferred_channel"] != "letter" {
			t.Errorf("%v", c)
		}
		if got := strs(c["contacts"], "value"); len(got) != 2 || got[0] != "anne@example.org" || got[1] != mariam {
			t.Errorf("contacts %v", got)
		}
		if got := strs(c["addresses"], "street"); len(got) != 1 || got[0] != "18 avenue Foch" {
			t.Errorf("addresses %v", got)
		}
		if got := strs(c["refusals"], "channel"); len(got) != 1 || got[0] != "sms" {
			t.Errorf("refusals %v", got)
		}
		id := c["id"].(string)
		if again := nadia.with("Idempotency-Key", "k1").post("/citizens", draft).is(http.StatusCreated); again.text("id") != id {
			t.Error("the same key made another record")
		}

		changed := nadia.with("If-Match", "1").patch("/citizens/"+id, body{
			"name": body{"family": "Perrin", "given": "Anne"}, "contacts": []body{{"type": "email", "value": "anne@example.org", "verified": true}},
		}).is(http.StatusOK).object()
		contacts := changed["contacts"].([]any)
		first := contacts[0].(body)
		if changed["version"] != float64(2) || changed["birth_date"] != "1961-03-04" || len(contacts) != 1 || first["verified_how"] != "agent" || first["id"] != c["contacts"].([]any)[0].(body)["id"] {
			t.Errorf("%v", changed)
		}
		nadia.with("If-Match", "1").patch("/citizens/"+id, body{"language": "en"}).refused(http.StatusPreconditionFailed, "stale")
		if same := nadia.patch("/citizens/"+id, body{"language": "fr"}).is(http.StatusOK).object(); same["version"] != float64(2) {
			t.Error("what changes nothing made a version")
		}
		if kept := nadia.patch("/citizens/"+id, body{"contacts": []body{{"type": "email", "value": "anne@example.org"}}}).object(); !kept["contacts"].([]any)[0].(body)["verified"].(bool) {
			t.Error("a contact typed again lost its proof")
		}

		for field, value := range map[string]any{
			"siren": "732829321", "siret": "73282932000075", "rna": "W12", "birth_date": "1961-02-30", "language": "zz", "preferred_channel": "pigeon",
			"refusals": []string{"pigeon"},
		} {
			t.Log(field)
			nadia.patch("/citizens/"+id, body{field: value}).refused(http.StatusUnprocessableEntity, "invalid")
		}
		nadia.get("/citizens/nobody").refused(http.StatusNotFound, "not_found")
		w.program("nadia", "read").patch("/citizens/"+id, body{"language": "en"}).refused(http.StatusForbidden, "forbidden")
	})
}

func TestTwoPeopleMayShareAnAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		couple := body{"type": "email", "value": "les.perrin@example.org"}
		anne := nadia.post("/citizens", body{"name": body{"family": "Perrin", "given": "Anne"}, "contacts": []body{couple}}).is(http.StatusCreated).text("id")
		paul := nadia.post("/citizens", body{"name": body{"family": "Perrin", "given": "Paul"}, "contacts": []body{couple}}).is(http.StatusCreated).text("id")
		if anne == paul {
			t.Error("the second became the first")
		}
	})
}

func TestRelationsAndNotes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, sonia := w.signedIn("nadia"), w.signedIn("sonia")
		person := func(family, kind string) string {
			name := body{"family": family}
			if kind != "person" {
				name = body{"organisation": family}
			}
			return nadia.post("/citizens", body{"kind": kind, "name": name}).is(http.StatusCreated).text("id")
		}
		anne, club := person("Perrin", "person"), person("Judo Club", "association")
		r := nadia.post("/citizens/"+anne+"/relations", body{"to": club, "kind": "represents", "since": "2024-09-01"}).is(http.StatusCreated).object()
		if r["from"].(body)["name"] != "Perrin" || r["to"].(body)["name"] != "Judo Club" {
			t.Errorf("%v", r)
		}
		nadia.post("/citizens/"+anne+"/relations", body{"to": club, "kind": "represents"}).refused(http.StatusConflict, "conflict")
		nadia.post("/citizens/"+anne+"/relations", body{"to": anne, "kind": "guardian"}).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.post("/citizens/"+anne+"/relations", body{"to": "nobody", "kind": "guardian"}).refused(http.StatusUnprocessableEntity, "invalid")
		seen := nadia.get("/citizens/" + club).object()["relations"].([]any)
		if len(seen) != 1 || seen[0].(body)["from"].(body)["id"] != anne {
			t.Errorf("from the other end: %v", seen)
		}
		nadia.post("/relations/"+r["id"].(string)+"/end", body{"until": "2020-01-01"}).refused(http.StatusUnprocessableEntity, "invalid")
		if ended := nadia.post("/relations/"+r["id"].(string)+"/end", body{"until": "2026-08-31"}).is(http.StatusOK).object(); ended["until"] != "2026-08-31" {
			t.Errorf("%v", ended)
		}

		nadia.post("/citizens/"+anne+"/notes", body{"text": "Malentendante, parler lentement."}).is(http.StatusCreated)
		sonia.post("/citizens/"+anne+"/notes", body{"text": "Dossier d'aide en cours.", "department": "ccas"}).is(http.StatusCreated)
		nadia.post("/citizens/"+anne+"/notes", body{"text": "x", "department": "ccas"}).refused(http.StatusUnprocessableEntity, "invalid")
		if got := strs(nadia.get("/citizens/" + anne).object()["notes"], "text"); len(got) != 1 {
			t.Errorf("nadia reads %q", got)
		}
		if got := strs(sonia.get("/citizens/" + anne).object()["notes"], "text"); len(got) != 2 || got[0] != "Dossier d'aide en cours." {
			t.Errorf("sonia reads %q", got)
		}
	})
}
