package console

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

// made makes a record through the form and gives its id.
func (b *browser) made(form url.Values) string {
	b.Helper()
	if !form.Has("kind") {
		form.Set("kind", "person")
	}
	form.Set("language", "fr")
	p := b.post("/citizens/new", form)
	path, _, _ := strings.Cut(p.path, "?")
	if p.status != http.StatusOK || !strings.HasSuffix(p.path, "?done=record_made") {
		b.Fatalf("making a record led to %d %s", p.status, p.path)
	}
	return strings.TrimPrefix(path, "/citizens/")
}

// writer is the record of whoever wrote a ticket.
func (w *world) writer(reference string) string { return *w.ticket(reference).CitizenID }

func TestTheWholeOfACitizen(t *testing.T) {
	each(t, func(w *world) {
		first := w.mail(channels.Inbound{Subject: "Lampadaire éteint", Text: "Il fait nuit <b>noire</b>."})
		w.pass(24 * time.Hour)
		sealed := w.mail(channels.Inbound{Subject: "Tapage nocturne", Text: "Du tapage chez M. Durand."})
		if d := w.ticket(sealed).Department; d != "police" {
			t.Fatalf("filed in %s", d)
		}
		w.pass(24 * time.Hour)
		second := w.mail(channels.Inbound{Subject: "Re: Lampadaires éteints", Text: "Toujours rien."})
		id := w.writer(first)
		b := w.signedIn("alice")
		p := b.get("/citizens/" + id)
		w.has(p, "Anne Perrin", "fiche provisoire", "Demandes ouvertes", "Lampadaire éteint", "2e contact à ce sujet", "a servi à nous joindre",
			"Il fait nuit &lt;b&gt;noire", "Un échange réservé", "21/11/2026", `href="/tickets/`+second, "Aucun lien noté", "Aucune note")
		w.hasNot(p, "Tapage", "Durand", sealed, "Police", "<b>noire", "Échéances à venir")

		ticket := b.get("/tickets/" + second)
		w.has(ticket, `href="/citizens/`+id, "2e contact à ce sujet", "1 échange réservé", "Autres demandes ouvertes", "2 demandes ouvertes", "Derniers échanges")
		w.hasNot(ticket, "Tapage")
		w.hasNot(b.get("/tickets/"+first), "contact à ce sujet")

		for filter, want := range map[string]int{
			"": 2, "?channel=email": 2, "?channel=sms": 0, "?direction=out": 0, "?department=police": 0, "?after=2026-11-21": 1, "?before=2026-11-20": 1,
			"?channel=pigeon&after=never&cursor=nonsense": 2,
		} {
			p := b.get("/citizens/" + id + filter)
			if got := strings.Count(p.body, `class="said"`); p.status != http.StatusOK || got != want {
				t.Errorf("%s: %d, %d exchanges, want %d", filter, p.status, got, want)
			}
		}
		w.has(b.get("/citizens/"+id+"?channel=sms"), "Aucun échange ne correspond", "filtrés")
		for _, nothing := range []string{"/citizens/nobody", "/citizens/00000000-0000-7000-8000-000000000000", "/citizens/nobody/edit"} {
			if p := b.get(nothing); p.status != http.StatusNotFound {
				t.Errorf("%s: %d", nothing, p.status)
			}
		}
	})
}

func TestOlderExchangesAreAPageAway(t *testing.T) {
	each(t, func(w *world) {
		ref := ""
		for i := range 45 {
			w.pass(time.Minute)
			ref = w.mail(channels.Inbound{Subject: "Bancs", Text: fmt.Sprintf("Mot numéro %02d.", i)})
		}
		b := w.signedIn("alice")
		p := b.get("/citizens/" + w.writer(ref))
		w.has(p, "Mot numéro 44.", "Mot numéro 05.", "Afficher les plus anciens")
		w.hasNot(p, "Mot numéro 04.", "Revenir aux plus récents")
		_, link, _ := strings.Cut(p.body, `<a class="button" href="/citizens/`)
		for !strings.HasPrefix(link[strings.Index(link, `"`):], `" rel="next"`) {
			_, link, _ = strings.Cut(link, `<a class="button" href="/citizens/`)
		}
		address, _, _ := strings.Cut("/citizens/"+link, `"`)
		address, _, _ = strings.Cut(address, "#")
		older := b.get(address)
		w.has(older, "Mot numéro 04.", "Mot numéro 00.", "Revenir aux plus récents")
		w.hasNot(older, "Mot numéro 05.", "Afficher les plus anciens")
	})
}

func TestARecordIsTypedAndCorrected(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		w.has(b.get("/citizens/new?family=Diallo&phone=0639980001"), "Nouvelle fiche", `value="Diallo"`, `value="0639980001"`)
		form := url.Values{
			"kind": {"company"}, "organisation": {"Boulangerie Foch"}, "siren": {"123 456 789"}, "language": {"fr"},
			"contact_type": {"phone", "email"}, "contact_value": {"06 39 98 00 01", ""}, "contact_label": {"magasin", ""},
			"address_street": {"18 avenue Foch", ""}, "address_city": {"Valmont", ""}, "address_complement": {"", ""},
		}
		wrong := b.post("/citizens/new", form)
		if wrong.status != http.StatusUnprocessableEntity {
			t.Errorf("an impossible SIREN got %d", wrong.status)
		}
		w.has(wrong, `id="siren" name="siren" value="123 456 789" maxlength="20" inputmode="numeric" aria-invalid="true" aria-describedby="refused" autofocus`,
			"Ce numéro n’est pas possible", `value="06 39 98 00 01"`, `value="18 avenue Foch"`)
		form.Set("siren", "732 829 320")
		form["contact_value"] = []string{"06 39 98 00 01", "nobody@"}
		half := b.post("/citizens/new", form)
		w.has(half, `id="cv1" name="contact_value" value="nobody@" maxlength="320" aria-invalid="true"`, "adresse e-mail n’est pas complète")
		form["contact_value"] = []string{"06 39 98 00 01", ""}
		form["contact_verified"] = []string{"0"}
		form["refusal"] = []string{"sms"}
		id := b.made(form)
		p := b.get("/citizens/" + id)
		w.has(p, "Boulangerie Foch", "732829320", "06 39 98 00 01", "magasin", "vu par un agent", "18 avenue Foch", "refuse : SMS", "Entreprise")
		w.hasNot(p, "fiche provisoire")

		edit := b.get("/citizens/" + id + "/edit")
		action := "/citizens/" + id + "/edit"
		w.has(edit, "Modifier la fiche de Boulangerie Foch")
		stale := url.Values{"version": {edit.field(t, action, "version")}}
		for _, name := range factNames() {
			stale.Set("was_"+name, edit.field(t, action, "was_"+name))
		}
		for name, value := range form {
			stale[name] = value
		}
		// A colleague corrects it meanwhile: one field that this agent touches too, one that she does not.
		_, err := w.pages.registry.Edit(w.Context(), w.actor("bruno"), id, 0, func(d *ticketing.CitizenDraft) {
			d.Organisation, d.RNA = "Boulangerie du Centre", "W691234567"
		})
		w.must(err)
		stale.Set("organisation", "Boulangerie Foch et fils")
		stale.Set("siren", "732829320")
		met := b.post(action, stale)
		if met.status != http.StatusPreconditionFailed {
			t.Fatalf("a stale form got %d", met.status)
		}
		w.has(met, "La fiche a changé", "Ce qui a changé", "<del>Boulangerie Foch</del>", "<ins>Boulangerie du Centre</ins>", `value="Boulangerie Foch et fils"`,
			`name="rna" value="W691234567"`)
		stale.Set("version", met.field(t, action, "version"))
		stale.Set("rna", "W691234567")
		w.has(b.post(action, stale), "Fiche enregistrée", "Boulangerie Foch et fils", "W691234567")
	})
}

func TestRelationsAndNotesOfARecord(t *testing.T) {
	each(t, func(w *world) {
		alice, bruno := w.signedIn("alice"), w.signedIn("bruno")
		anne := alice.made(url.Values{"family": {"Perrin"}, "given": {"Anne"}})
		home := alice.made(url.Values{"kind": {"family"}, "organisation": {"Foyer Perrin"}})
		other := alice.made(url.Values{"family": {"Perrin"}, "given": {"Paul"}, "contact_type": {"phone"}, "contact_value": {"0639980002"}, "contact_label": {""}})
		to := "/citizens/" + anne + "/relations"

		none := alice.post(to, url.Values{"kind": {"member"}, "to": {"Nulle part"}})
		w.has(none, "Personne ne correspond", `value="Nulle part"`, `<details class="fold" open id="relate">`)
		which := alice.post(to, url.Values{"kind": {"member"}, "to": {"perrin"}, "since": {"2024-09-01"}})
		w.has(which, "Laquelle ?", home, other, `value="2024-09-01"`)
		w.has(alice.post(to, url.Values{"kind": {"member"}, "to": {"perrin"}, "since": {"2024-09-01"}, "chosen": {home}}), "Lien ajouté", "Membre du foyer", "Foyer Perrin", "depuis le 01/09/2024")
		w.has(alice.post(to, url.Values{"kind": {"member"}, "chosen": {home}}), "Ce lien est déjà noté")
		w.has(alice.post(to, url.Values{"kind": {"guardian_back"}, "to": {"06 39 98 00 02"}}), "Sous la tutelle de", "Paul Perrin")
		w.has(alice.post(to, url.Values{"kind": {"mandated"}, "chosen": {other}, "since": {"hier"}}), "La date n’est pas possible")
		seen := alice.get("/citizens/" + other)
		w.has(seen, "Tuteur légal de", "Anne Perrin")
		_, form, _ := strings.Cut(seen.body, `action="/relations/`)
		rel, _, _ := strings.Cut(form, "/")
		ended := alice.post("/relations/"+rel+"/end", url.Values{"record": {other}})
		w.has(ended, "Lien terminé", "jusqu’au 20/11/2026")
		if p := alice.post("/relations/"+rel+"/end", url.Values{"record": {"nobody"}}); p.status != http.StatusNotFound {
			t.Errorf("a relation of nobody: %d", p.status)
		}

		notes := "/citizens/" + anne + "/notes"
		w.has(alice.post(notes, url.Values{"text": {"Malentendante."}}), "Note ajoutée", "Malentendante.")
		w.has(alice.post(notes, url.Values{"text": {"Suivie par la voirie."}, "department": {"voirie"}}), "Voirie seulement")
		w.has(alice.post(notes, url.Values{"text": {"  "}}), "Il n’y a pas de texte", `<details class="fold" open id="note">`)
		p := bruno.get("/citizens/" + anne)
		w.has(p, "Malentendante.", "Household")
		w.hasNot(p, "Suivie par la voirie")
	})
}

func TestRecordsAreFound(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Bancs", Text: "Un banc cassé."})
		sealed := w.mail(channels.Inbound{Subject: "Tapage", Text: "Du tapage.", From: channels.Address{Name: "Marc Durand", Value: "m@example.org"}})
		b := w.signedIn("alice")
		for text, found := range map[string]bool{
			"perrin anne": true, "PÉRRIN": true, "A.Perrin@example.org": true, ref: true, "nobody@example.org": false, "zzz": false, "%": false, "2026-99999": false,
			sealed: false,
		} {
			p := b.get("/citizens?q=" + url.QueryEscape(text))
			if got := strings.Contains(p.body, `href="/citizens/`+w.writer(ref)); got != found || strings.Contains(p.body, "Durand") {
				t.Errorf("%q: found %v, want %v", text, got, found)
			}
		}
		w.has(b.get("/citizens?q=zzz"), "Personne ne correspond", "/citizens/new?family=zzz")
		w.has(b.get("/citizens"), "Qui cherchez-vous")
	})
}

// Whoever follows the address of a record that was merged comes to where it lives on.
func TestAMergedRecordLeadsOn(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		gone, lives := b.made(url.Values{"family": {"Perin"}}), b.made(url.Values{"family": {"Perrin"}})
		c, err := w.db.Citizen(w.Context(), gone)
		w.must(err)
		c.MergedInto = &lives
		w.must(w.db.SaveCitizen(w.Context(), &c))
		for _, path := range []string{"/citizens/" + gone, "/citizens/" + gone + "/edit"} {
			p := b.get(path)
			if p.path != "/citizens/"+lives+"?done=record_merged" {
				t.Errorf("%s led to %s", path, p.path)
			}
			w.has(p, "a été fusionnée")
		}
		if p := b.post("/citizens/"+gone+"/edit", url.Values{"kind": {"person"}, "family": {"X"}, "language": {"fr"}, "version": {"2"}}); !strings.HasPrefix(p.path, "/citizens/"+lives) {
			t.Errorf("correcting it led to %d %s", p.status, p.path)
		}
	})
}

// TestARecordShowsWhoSaidStop marks the number, not what else she can be reached by.
func TestARecordShowsWhoSaidStop(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		ref := w.text(anne, "un trou rue Pasteur", "")
		record := "/citizens/" + w.writer(ref)
		b := w.signedIn("alice")
		w.hasNot(b.get(record), "STOP à la ligne")
		w.text(anne, "STOP", channels.WordStop)
		w.has(b.get(record), "STOP à la ligne « sms »</span></dd>")
		w.text(anne, "START", channels.WordStart)
		w.hasNot(b.get(record), "STOP à la ligne")
	})
}

func (w *world) actor(name string) ticketing.Actor {
	w.Helper()
	agent, _ := w.town.Now().AgentByEmail(name + "@valmont.example")
	actor, ok := w.town.Now().Actor(agent.ID, false)
	if !ok {
		w.Fatalf("nobody is called %s", name)
	}
	return actor
}
