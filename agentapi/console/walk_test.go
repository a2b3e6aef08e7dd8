package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// TestWalk goes through a ticket's life with forms alone.
func TestWalk(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{
			Subject: "Nid-de-poule avenue Foch", Text: "Un trou <b>profond</b>.\n> cité\n", Folded: 24, HTML: `<p>Un trou<script>1</script></p>`,
			Attachments: []channels.Attachment{{Name: "trou.jpg", Type: "image/jpeg", Data: make([]byte, 1_240_000)}},
			Warnings:    []string{"unknown charset"},
		})
		b := w.signedIn("alice")
		w.has(b.get("/"), "Bonjour Alice", ref, "Nid-de-poule avenue Foch", "1 demande attend")

		p := b.post("/queue/next", nil)
		if p.path != "/tickets/"+ref+"?view=mine&done=taken" {
			t.Fatalf("taking led to %d %s", p.status, p.path)
		}
		w.has(p, "La demande est à vous", "à vous", "Un trou &lt;b&gt;profond", "Citation repliée · 1 ligne", "trou.jpg", "1,2 Mo",
			"1 remarque", "Accusé d’enregistrement", "a.perrin@example.org", "Anne Perrin", "Prise par Alice Martin")
		w.hasNot(p, "<b>profond")

		note := b.post("/tickets/"+ref+"/note?view=mine", url.Values{"text": {"Déjà vu.\r\nDeux fois."}, "key": {p.field(t, "/tickets/"+ref+"/note", "key")}})
		w.has(note, "Note ajoutée", "Note de Alice Martin", "Déjà vu.\nDeux fois.")

		// Written on what was there before the note: it comes back whole.
		form := url.Values{
			"text": {"Nous passons demain."}, "then": {"waiting"}, "to": {""}, "key": {p.field(t, "/tickets/"+ref+"/reply", "key")},
			"version": {p.field(t, "/tickets/"+ref+"/reply", "version")},
		}
		stale := b.post("/tickets/"+ref+"/reply?view=mine", form)
		if stale.status != http.StatusConflict {
			t.Fatalf("a stale answer got %d", stale.status)
		}
		w.has(stale, "La demande a changé", "conservé", "Nous passons demain.</textarea>")
		form.Set("version", stale.field(t, "/tickets/"+ref+"/reply", "version"))
		sent := b.post("/tickets/"+ref+"/reply?view=mine", form)
		w.has(sent, "Réponse confiée", "Nous passons demain.", "en file", "Attente usager")
		if !strings.Contains(sent.path, "view=mine") {
			t.Errorf("the list was lost: %s", sent.path)
		}
		if again := b.post("/tickets/"+ref+"/reply?view=mine", form); strings.Count(again.body, `data-direction="out"`) != strings.Count(sent.body, `data-direction="out"`) {
			t.Error("the same form sent twice sent two answers")
		}

		w.has(b.post("/tickets/"+ref+"/close", url.Values{"outcome": {"accepted"}, "reason": {"Rebouché."}}), "Demande close", "acceptée", "Rebouché.", "Rouvrez-la pour répondre")
		empty := b.post("/tickets/"+ref+"/reopen", url.Values{"reason": {" "}})
		if empty.status != http.StatusUnprocessableEntity {
			t.Errorf("reopening without a reason got %d", empty.status)
		}
		w.has(b.post("/tickets/"+ref+"/reopen", url.Values{"reason": {"De nouveau ouvert"}}), "Demande rouverte", "De nouveau ouvert")
		w.has(b.post("/tickets/"+ref+"/claim", nil), "La demande est à vous")
		w.has(b.post("/tickets/"+ref+"/release", nil), "de nouveau à prendre")
		moved := b.post("/tickets/"+ref+"/transfer", url.Values{"department": {"civil"}, "reason": {"Pour un acte"}})
		w.has(moved, "Demande transférée", "Voirie → État civil", "Pour un acte", "réservé au service État civil")
		w.hasNot(moved, `id="reply-text"`)
	})
}

func TestMessageView(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{
			Subject: "Photo", Text: "voir", HTML: `<p onclick="x()">Bonjour<script>1</script><img src="cid:p1"><img src="https://spy.example/p"><img src="CID:P1"></p>` +
				`<div class="gmail_quote">Le 3 mai 2026, Mairie a écrit :<blockquote>une question</blockquote></div>`,
			Attachments: []channels.Attachment{{Name: "p.png", Type: "image/png", ContentID: "p1", Inline: true, Data: []byte("png")}},
		})
		b := w.signedIn("alice")
		_, rest, ok := strings.Cut(b.get("/tickets/"+ref).body, `src="/messages/`)
		if !ok {
			t.Fatal("the ticket does not offer the mail as it was sent")
		}
		id, _, _ := strings.Cut(rest, "/")
		p := b.get("/messages/" + id + "/view")
		w.has(p, "Bonjour", "/api/v1/attachments/")
		w.has(p, "<details><summary>Citation", "une question", "1 image venue d’ailleurs")
		w.hasNot(p, "<script", "onclick", "spy.example", "cid:", "CID:")
		if policy := p.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'") {
			t.Errorf("policy %q", policy)
		}
		if p := b.get("/messages/nonsense/view"); p.status != http.StatusNotFound {
			t.Errorf("a message that is none got %d", p.status)
		}
	})
}

func TestSealedIsNotFound(t *testing.T) {
	each(t, func(w *world) {
		sealed := w.mail(channels.Inbound{Subject: "Tapage", Text: "Du tapage chaque nuit."})
		if d := w.ticket(sealed).Department; d != "police" {
			t.Fatalf("filed in %s", d)
		}
		b := w.signedIn("alice")
		there, nowhere := b.get("/tickets/"+sealed), b.get("/tickets/2026-99999")
		if there.status != http.StatusNotFound || there.body != nowhere.body {
			t.Errorf("a sealed ticket: %d, one that does not exist: %d; the pages differ: %v", there.status, nowhere.status, there.body != nowhere.body)
		}
		for _, path := range []string{"/", "/tickets?view=all", "/tickets?view=queue&department=police", "/tickets?view=all&q=Tapage", "/tickets?q=" + sealed} {
			w.hasNot(b.get(path), sealed+"</span>", "Tapage</span>")
		}
		if p := b.post("/tickets/"+sealed+"/reply", url.Values{"text": {"x"}}); p.status != http.StatusNotFound {
			t.Errorf("answering it got %d", p.status)
		}
	})
}

func TestReaderOnly(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Trottoir", Text: "Cassé."})
		b := w.signedIn("bruno")
		p := b.get("/tickets/" + ref)
		w.has(p, `lang="en"`, "Replying is for the department Roads", "Add the note")
		w.hasNot(p, `id="reply-text"`, ">Transfer<")
		refused := b.post("/tickets/"+ref+"/reply", url.Values{"text": {"kept words"}})
		if refused.status != http.StatusForbidden {
			t.Errorf("answering got %d", refused.status)
		}
		w.has(refused, "This is for the department in charge")
	})
}

func TestContact(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		p := b.get("/contacts/new")
		form := url.Values{
			"key": {p.field(t, "/contacts/new", "key")}, "channel": {"phone"}, "family": {"Nguyen"}, "phone": {"06 39 98"}, "subject": {"Encombrants"},
			"text": {"Deux matelas"}, "where": {"NID"},
		}
		refused := b.post("/contacts/new", form)
		if refused.status != http.StatusUnprocessableEntity {
			t.Errorf("half a number got %d", refused.status)
		}
		w.has(refused, "Le numéro de téléphone n’est pas complet", `aria-invalid="true" aria-describedby="refused" autofocus>`, "Deux matelas", `value="Nguyen"`)
		form.Set("phone", "06 39 98 12 34")
		done := b.post("/contacts/new", form)
		w.has(done, "Contact noté", "Encombrants", "06 39 98 12 34", "par téléphone", "Noté par Alice Martin", "Nid-de-poule")
		form.Set("key", ticketing.NewID())
		form.Set("received_on", "2026-11-17")
		w.has(b.post("/contacts/new", form), "17/11/2026") // a call of some days ago
		form.Set("key", ticketing.NewID())
		form.Set("channel", "letter")
		form.Set("received_on", "2026-11-18")
		form.Set("answered", "yes")
		form.Set("where", "@police")
		sealed := b.post("/contacts/new", form)
		if !strings.HasPrefix(sealed.path, "/?done=logged_answered&ref=2026-") {
			t.Errorf("a closed contact of a sealed department led to %s", sealed.path)
		}
		w.has(sealed, "Numéro : 2026-0000")
	})
}

// TestAssign gives a ticket to a colleague, which only a supervisor is offered.
func TestAssign(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Nid-de-poule", Text: "Un trou."})
		w.mail(channels.Inbound{Subject: "Lampadaire", Text: "Éteint."})
		w.hasNot(w.signedIn("alice").get("/tickets/"+ref), "/assign")
		b := w.signedIn("claire")
		p := b.get("/tickets/" + ref)
		w.has(p, "Attribuer", `<option value="alice@valmont.example">Alice Martin`, `<option value="claire@valmont.example">`)
		w.hasNot(p, `<option value="bruno@valmont.example">`)
		form := url.Values{"agent": {""}, "reason": {"Elle connaît le quartier."}, "version": {p.field(t, "/tickets/"+ref+"/assign", "version")}}
		w.has(b.post("/tickets/"+ref+"/assign", form), "Il manque la personne", "Elle connaît le quartier.</textarea>")
		form.Set("agent", "alice@valmont.example")
		done := b.post("/tickets/"+ref+"/assign?view=all", form)
		w.has(done, "Demande attribuée", "suivie par Alice Martin", "Confiée à Alice Martin par Claire Morel", "Elle connaît le quartier.", "/queue/next")
		w.hasNot(done, `<option value="alice@valmont.example">`)

		closed := w.signedIn("alice").post("/tickets/"+ref+"/close?view=all", url.Values{"outcome": {"answered"}})
		w.has(closed, "Demande close", "/queue/next", "data-done=\"closed\"")
		w.hasNot(closed, "à vous")
	})
}

// TestErrorsKeepTheFrame leaves whoever is signed in her way on.
func TestErrorsKeepTheFrame(t *testing.T) {
	each(t, func(w *world) {
		w.has(w.signedIn("alice").get("/tickets/2026-99999"), "Introuvable", `<nav class="views"`, "/tickets?view=mine")
	})
}

func TestLists(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		w.has(b.get("/tickets?view=queue"), "Rien à prendre", "Notez le contact")
		var last string
		for range 51 {
			last = w.mail(channels.Inbound{Subject: "Lampadaire", Text: "Éteint."})
		}
		p := b.get("/tickets?view=all&sort=received")
		_, rest, ok := strings.Cut(p.body, `href="/tickets?cursor=`)
		if !ok {
			t.Fatal("there is no way to the next page")
		}
		next, _, _ := strings.Cut(rest, `"`)
		w.has(b.get("/tickets?cursor="+strings.ReplaceAll(next, "&amp;", "&")), "Début de la liste")
		w.has(b.get("/tickets?view=mine&cursor=nonsense"), "Aucune demande en main")
		w.has(b.get("/tickets?view=all&q=introuvablement"), "Rien ne correspond")
		if p := b.get("/tickets?q=" + last); p.path != "/tickets/"+last {
			t.Errorf("searching a reference led to %s", p.path)
		}
		if n := len(p.body); n > 100<<10 {
			t.Errorf("a page of %d bytes", n)
		}
	})
}
