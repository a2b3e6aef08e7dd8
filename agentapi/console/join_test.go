package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// twoAnnes makes two records of somebody who wrote twice, once with another date of birth, and gives their ids.
func twoAnnes(w *world, b *browser) (first, second string) {
	first = b.made(url.Values{
		"family": {"Perrin"}, "given": {"Anne"}, "civility": {"Mme"}, "contact_type": {"phone"}, "contact_value": {"0639980001"}, "contact_label": {""},
	})
	ref := w.mail(channels.Inbound{Subject: "Lampadaire éteint", Text: "Il fait nuit noire."})
	second = w.writer(ref)
	_, err := w.pages.registry.Edit(w.Context(), w.actor("alice"), second, 0, func(d *ticketing.CitizenDraft) { d.Family, d.Given, d.BirthDate = "PERRIN", "Anne", "1961-03-04" })
	w.must(err)
	return first, second
}

func TestDuplicatesAreProposed(t *testing.T) {
	each(t, func(w *world) {
		alice := w.signedIn("alice")
		first, second := twoAnnes(w, alice)
		p := alice.get("/citizens/" + first)
		w.has(p, "Doublons possibles", `href="/citizens/`+second, ">possible</span>", "même nom", "04/03/1961", `/citizens/`+first+"/merge?from="+second, "Ce n’est pas la même personne que Anne PERRIN")
		w.hasNot(p, "très probable", "Fusions")
		w.has(w.signedIn("bruno").get("/citizens/"+second), "Possible duplicates", "same name", "Not the same person")

		apart := alice.post("/citizens/"+first+"/distinct", url.Values{"from": {second}})
		w.has(apart, "ne seront plus proposées", "Se raviser", "/citizens/"+first+"/merge?from="+second)
		w.hasNot(apart, "Doublons possibles")
		w.hasNot(alice.get("/citizens/"+second), "Doublons possibles")
		w.has(alice.get("/citizens/"+first+"/merge?from="+second), "Réunir deux fiches") // she may change her mind
		w.hasNot(alice.get("/citizens/"+first+"?done=records_apart&from=%22x"), "Se raviser")
		for from, words := range map[string]string{first: "C’est cette fiche elle-même", "nobody": "Cette fiche n’existe pas"} {
			p := alice.post("/citizens/"+first+"/distinct", url.Values{"from": {from}})
			if w.has(p, words); p.status != http.StatusUnprocessableEntity {
				t.Errorf("from %s: %d", from, p.status)
			}
		}
	})
}

func TestManyDuplicatesAreFolded(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		var id string
		for range 6 {
			id = b.made(url.Values{"family": {"Diallo"}, "given": {"Aminata"}, "birth_date": {"1990-01-02"}})
		}
		other := b.made(url.Values{"family": {"Diallo"}, "given": {"Aminata"}, "birth_date": {"1991-01-02"}})
		p := b.get("/citizens/" + id)
		w.has(p, "2 autres, moins probables", "très probable", "mêmes nom et date de naissance")
		w.hasNot(p, other) // its name speaks for it, its date against it
	})
}

func TestWhatSpeaksAgainstADuplicateIsSaid(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		var id string
		for _, born := range []string{"1990-01-02", "1991-01-02"} {
			id = b.made(url.Values{
				"family": {"Diallo"}, "given": {"Aminata"}, "birth_date": {born}, "contact_type": {"email"}, "contact_value": {"a.diallo@example.org"}, "contact_label": {""},
			})
		}
		w.has(b.get("/citizens/"+id), ">probable</span>", "même adresse e-mail", `class="against">mais dates de naissance différentes`)
	})
}

func TestTwoRecordsBecomeOneAndTwoAgain(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		first, second := twoAnnes(w, b)
		preview := "/citizens/" + first + "/merge?from=" + second
		p := b.get(preview)
		w.has(p, "Réunir deux fiches", "Fiche qui continue", "Fiche réunie", `name="keep[family]" value="into" checked`, `name="keep[birth_date]" value="from" checked`, "04/03/1961",
			"1 demande</span>", "1 coordonnée</span>", "06 39 98 00 01", "a.perrin@example.org", "même nom", "/citizens/"+second+"/merge?from="+first)
		w.hasNot(p, `name="keep[given]"`, "1 appel")
		w.has(w.signedIn("bruno").get(preview), "Merge two records", "1 ticket</span>")

		form := url.Values{"from": {second}, "keep[family]": {"from"}, "keep[birth_date]": {"from"}, "keep[civility]": {"into"}}
		refused := b.post("/citizens/"+first+"/merge", form)
		if refused.status != http.StatusUnprocessableEntity {
			t.Errorf("without a reason: %d", refused.status)
		}
		w.has(refused, "Il manque une raison", `aria-describedby="reason-hint reason-wrong" autofocus`, `name="keep[family]" value="from" checked`)
		form.Set("reason", strings.Repeat("x", 1001))
		w.has(b.post("/citizens/"+first+"/merge", form), "Le motif est trop long", "xxx</textarea>")
		form.Set("reason", "Elle l’a dit <b>au téléphone</b>.")
		done := b.post("/citizens/"+first+"/merge", form)
		if done.path != "/citizens/"+first+"?done=records_joined" {
			t.Fatalf("merging led to %d %s", done.status, done.path)
		}
		w.has(done, "n’en font plus qu’une", "Annuler la fusion…", "/citizens/"+first+"/merges", "Anne PERRIN", "04/03/1961", "06 39 98 00 01", "a.perrin@", "Lampadaire éteint",
			"1 fiche réunie à celle-ci")
		w.hasNot(done, "Doublons possibles")

		log := b.get("/citizens/" + first + "/merges")
		w.has(log, "Anne PERRIN", "a été réunie à cette fiche", "Elle l’a dit &lt;b&gt;au téléphone", "Alice Martin", "20/11/2026 à 10:30", "Pourquoi n’est-ce pas la même personne")
		w.has(b.get("/citizens/"+second+"/merges"), "Cette fiche a été réunie à", `href="/citizens/`+first+`"`)
		_, action, _ := strings.Cut(log.body, `action="/merges/`)
		undo := "/merges/" + action[:strings.Index(action, `"`)]
		w.has(b.post(undo, url.Values{"record": {first}, "reason": {"  "}}), "Il manque une raison", `<details class="fold" open>`, `aria-invalid="true"`)
		w.pass(time.Hour)
		back := b.post(undo, url.Values{"record": {first}, "reason": {"Deux cousines."}})
		w.has(back, "La fusion est annulée", "annulée</span>", "Deux cousines.", "Annulée par Alice Martin", "20/11/2026 à 11:30", `href="/citizens/`+second+`"`)
		w.hasNot(back, "/undo")
		again := b.post(undo, url.Values{"record": {first}, "reason": {"Encore."}})
		if w.has(again, "déjà été annulée", "la liste est à jour"); again.status != http.StatusConflict {
			t.Errorf("undoing twice: %d", again.status)
		}
		w.has(b.get("/citizens/"+first), ">Fusions</a>", "Anne Perrin", "Doublons possibles")
		w.has(b.get("/citizens/"+second), "Lampadaire éteint", "04/03/1961")
	})
}

// What can't be merged is said in words, on the record as it is now.
func TestWhatCannotBeMerged(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		made := func(family string) string { return b.made(url.Values{"family": {family}, "given": {"Zoé"}}) }
		first, second, third := made("Lefèvre"), made("Lefevre"), made("Le Fèvre")
		merge := func(into, from string) page {
			return b.post("/citizens/"+into+"/merge", url.Values{"from": {from}, "reason": {"même personne"}})
		}
		expect := func(p page, status int, words ...string) {
			t.Helper()
			if w.has(p, words...); p.status != status {
				t.Errorf("%s: %d, want %d", p.path, p.status, status)
			}
		}
		expect(b.get("/citizens/"+first+"/merge?from="+first), http.StatusUnprocessableEntity, "C’est cette fiche elle-même")
		expect(b.get("/citizens/"+first+"/merge"), http.StatusUnprocessableEntity, "Cette fiche n’existe pas", "Doublons possibles")
		expect(b.post("/citizens/"+first+"/merge", url.Values{"from": {second}, "reason": {"x"}, "keep[shoe]": {"from"}}), http.StatusUnprocessableEntity, "Un champ n’est pas rempli")
		for _, nothing := range []string{"/citizens/nobody/merge?from=" + first, "/citizens/nobody/merges", "/citizens/00000000-0000-7000-8000-000000000000/merges"} {
			expect(b.get(nothing), http.StatusNotFound, "Introuvable")
		}
		expect(b.post("/merges/"+first+"/undo", url.Values{"record": {first}, "reason": {"x"}}), http.StatusNotFound, "Introuvable")
		expect(b.post("/merges/"+first+"/undo", url.Values{"record": {"nobody"}, "reason": {"x"}}), http.StatusNotFound, "Introuvable")
		expect(b.get("/citizens/"+first+"/merges"), http.StatusOK, "Aucune fiche n’a été réunie à celle-ci")

		expect(merge(first, second), http.StatusOK, "n’en font plus qu’une")
		expect(merge(first, second), http.StatusConflict, "Ces deux fiches sont déjà réunies", "Voici celle qui continue")
		expect(merge(third, second), http.StatusConflict, "a été réunie à une autre entre-temps", "Doublons possibles", first)
		expect(b.get("/citizens/"+third+"/merge?from="+second), http.StatusConflict, "a été réunie à une autre entre-temps")
		if p := merge(second, third); p.path != "/citizens/"+first+"?done=record_merged" {
			t.Errorf("merging into what was merged led to %d %s", p.status, p.path)
		}
		change := func(id string, to func(*ticketing.Citizen)) {
			t.Helper()
			c, err := w.db.Citizen(w.Context(), id)
			w.must(err)
			to(&c)
			w.must(w.db.SaveCitizen(w.Context(), &c))
		}
		now := w.now()
		change(third, func(c *ticketing.Citizen) { c.RestrictedAt = &now })
		expect(merge(first, third), http.StatusConflict, "Le traitement d’une des deux fiches est limité", "délégué à la protection des données")
		change(third, func(c *ticketing.Citizen) { c.RestrictedAt, c.AnonymisedAt = nil, &now })
		expect(merge(first, third), http.StatusConflict, "Une des deux fiches a été effacée")
	})
}

func TestOneRecordDoesNotAttractAHundred(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		into := b.made(url.Values{"family": {"Durand"}})
		actor, path := w.actor("alice"), ""
		for range 101 {
			c, err := w.pages.registry.Record(w.Context(), actor, ticketing.CitizenDraft{Kind: ticketing.Person, Family: "Durand", Language: "fr"}, "")
			w.must(err)
			path = c.ID
			if _, err = w.pages.registry.Merge(w.Context(), actor, into, c.ID, "x", nil); err != nil {
				break
			}
		}
		p := b.post("/citizens/"+into+"/merge", url.Values{"from": {path}, "reason": {"x"}})
		if w.has(p, "Trop de fiches", "Vérifiez dans ses fusions", "100 fiches réunies"); p.status != http.StatusConflict {
			t.Errorf("%d", p.status)
		}
	})
}

func TestTheWordForAScore(t *testing.T) {
	for score, want := range map[int]string{100: "very_likely", 80: "very_likely", 79: "likely", 50: "likely", 49: "possible", 25: "possible"} {
		if got := strength(score); got != want {
			t.Errorf("%d is %s, want %s", score, got, want)
		}
	}
}
