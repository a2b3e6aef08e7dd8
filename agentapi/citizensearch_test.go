package agentapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// index writes the words of what was filed, as the running hub does.
func (w *world) index() {
	w.tb.Helper()
	for {
		done, err := w.db.IndexQueued(w.tb.Context(), 100)
		w.must(err)
		if done == 0 {
			return
		}
	}
}

func found(c *client, path, q, field string) []string {
	c.w.tb.Helper()
	got := []string{}
	for _, row := range c.get(path + "?q=" + url.QueryEscape(q)).is(http.StatusOK).items() {
		got = append(got, row[field].(string))
	}
	slices.Sort(got)
	return got
}

func TestPeopleAreFoundByWhatIsTyped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		nadia.post("/citizens", body{
			"name": body{"family": "Ô'Brien", "usage": "Lefèvre", "given": "Anne Marie"}, "addresses": []body{{"street": "18 avenue Foch", "postcode": "99000", "city": "Valmont"}},
			"contacts": []body{{"type": "email", "value": "anne@example.org"}, {"type": "phone", "value": "06 39 98 00 01"}},
		}).is(http.StatusCreated)
		nadia.post("/citizens", body{"kind": "company", "name": body{"organisation": "Boulangerie Martin"}, "siret": "73282932000074"}).is(http.StatusCreated)
		anne, bakery := []string{"Anne Marie Lefèvre"}, []string{"Boulangerie Martin"}
		for q, want := range map[string][]string{
			"":                     {anne[0], bakery[0]},
			"o'brien":              anne,
			"Ô’Brien":              anne,
			"marie lefev":          anne,
			"lefebre anne":         anne,
			"anne@example.org":     anne,
			"ANNE@":                anne,
			"anne@example.com":     {},
			"06.39.98.00.01":       anne,
			"+33 (0)6 39 98 00 01": anne,
			"0001":                 anne,
			"001":                  {},
			"18 avenue Foch":       anne,
			"732 829 320 00074":    bakery,
			"martin":               bakery,
			"…!?":                  {},
			"%":                    {},
			"_____":                {},
			"🌊":                    {},
			"مرحبا":                {},
			"2026-00001":           {},
			"anne\x00":             anne,
		} {
			if got := found(nadia, "/citizens", q, "display_name"); !slices.Equal(got, want) {
				t.Errorf("%q finds %q, want %q", q, got, want)
			}
		}
		nadia.get("/citizens?q="+strings.Repeat("a", 201)).refused(http.StatusUnprocessableEntity, "invalid")
		nadia.get("/citizens?cursor=x").refused(http.StatusUnprocessableEntity, "invalid")
		w.nobody().get("/citizens").refused(http.StatusUnauthorized, "unauthenticated")

		first := nadia.get("/citizens?limit=1").is(http.StatusOK)
		next := first.text("next_cursor")
		second := nadia.get("/citizens?limit=1&cursor=" + next).is(http.StatusOK)
		if next == "" || len(second.items()) != 1 || second.text("next_cursor") != "" || second.items()[0]["id"] == first.items()[0]["id"] {
			t.Errorf("pages: %s, then %s", first.raw, second.raw)
		}
	})
}

// TestSearchRespectsSeals lets everybody search for what was said to a hidden and a sealed department.
func TestSearchRespectsSeals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		said := map[string]string{}
		for _, department := range []string{"accueil", "ccas", "police"} {
			said[department] = w.mail(department, "Quelque chose d'indicible")
		}
		sonia, nadia := w.signedIn("sonia"), w.signedIn("nadia")
		sonia.post("/tickets/"+said["ccas"]+"/messages", body{"kind": "note", "text": "surendettement"}).is(http.StatusAccepted)
		w.index()
		if got := found(nadia, "/tickets", "indicibles", "reference"); !slices.Equal(got, []string{said["accueil"]}) {
			t.Errorf("Nadia finds %v", got)
		}
		for _, name := range []string{"sonia", "admin"} {
			if got := found(w.signedIn(name), "/tickets", "indicible", "reference"); len(got) != 3 {
				t.Errorf("%s finds %v", name, got)
			}
		}
		if got := found(nadia, "/citizens", said["ccas"], "id"); len(got) != 0 {
			t.Errorf("a reference nobody may know gives %v", got)
		}
		if got := found(nadia, "/citizens", said["accueil"], "id"); len(got) != 1 {
			t.Errorf("a reference gives %v", got)
		}
		for _, row := range nadia.get("/citizens?q=perrin").items() {
			if row["open_tickets"].(float64) > 1 {
				t.Errorf("Nadia counts %v", row["open_tickets"])
			}
		}

		_, err := w.desk.Transfer(t.Context(), w.actor("sonia"), said["ccas"], "voirie", "test", 0)
		w.must(err)
		if got := found(nadia, "/tickets", "surendettement", "reference"); len(got) != 0 {
			t.Errorf("a note of the hidden department finds %v", got)
		}
		if got := found(sonia, "/tickets", "surendettement", "reference"); len(got) != 1 {
			t.Errorf("to its own agent it finds %v", got)
		}
	})
}

// TestWhatStandsEverywhereSaysSo searches for a word that is in no index because every text has it.
func TestWhatStandsEverywhereSaysSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.mail("accueil", "Lampadaire")
		w.index()
		nadia := w.signedIn("nadia")
		if got := nadia.get("/tickets?q=bonjour").is(http.StatusOK); got.object()["too_many"] != true || len(got.items()) != 1 {
			t.Errorf("%s", got.raw)
		}
		if got := nadia.get("/tickets?q=lampadaires").is(http.StatusOK); got.object()["too_many"] != nil || len(got.items()) != 1 {
			t.Errorf("%s", got.raw)
		}
	})
}
