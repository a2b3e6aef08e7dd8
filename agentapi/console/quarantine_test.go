package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// hold lets a mail wait in quarantine and gives the address of its page.
func (w *world) hold(reason channels.Hold, raw string) string {
	w.Helper()
	w.mails++
	filed, err := w.desk.Receive(w.Context(), []channels.Inbound{{
		Channel: channels.Email, Line: "mairie", Key: ticketing.NewID(), Raw: []byte(raw), At: w.now(), Quarantine: reason, Warnings: []string{"too deep"},
	}})
	w.must(err)
	if filed[0].Result != channels.Quarantined {
		w.Fatalf("it was %+v", filed)
	}
	list, err := w.db.Quarantined(w.Context(), ticketing.HeldQuery{})
	w.must(err)
	for _, o := range list {
		if string(o.Raw) == raw {
			return quarantinePath + "/" + o.ID
		}
	}
	w.Fatal("it is not there")
	return ""
}

func TestQuarantinePages(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		w.has(b.get(quarantinePath), "Rien en quarantaine", `<span class="n none">0</span>`)
		const raw = "From: \"<b>Anne</b>\" <anne@example.org>\r\nSubject: Nid-de-poule\r\n\r\n<script>alert(1)</script>\x00\xff\xe2\x80\xae fin\r\n"
		held := w.hold(channels.TooComplex, raw)
		w.has(b.get("/"), `<a href="/admin/quarantine">Quarantaine <span class="n">1</span>`)
		w.has(b.get(quarantinePath), "Nid-de-poule", "&lt;b&gt;Anne&lt;/b&gt;", "Message trop compliqué", held)
		p := b.get(held)
		w.has(p, "&lt;script&gt;alert(1)&lt;/script&gt;\uFFFD\uFFFD\uFFFD fin", "/raw", "Traiter à nouveau", "Classer comme demande", "too deep")
		w.hasNot(p, "<script>alert", "<b>Anne")

		done := b.post(held+"/file", url.Values{"department": {"civil"}})
		if !strings.HasPrefix(done.path, "/tickets/2026-") || done.status != http.StatusOK {
			t.Fatalf("filing led to %d %s", done.status, done.path)
		}
		w.has(done, "Le message est classé", "message.eml", "État civil", "Sortie de quarantaine par Alice Martin", "classé à la main depuis la quarantaine")
		if again := b.post(held+"/file", nil); strings.Split(again.path, "?")[0] != strings.Split(done.path, "?")[0] {
			t.Errorf("twice: %s and %s", done.path, again.path)
		}
		w.has(b.get(held), "Classé dans la demande")
		w.hasNot(b.get(held), "Traiter à nouveau")

		large := w.hold(channels.TooLarge, "Subject: Plan\r\n\r\n")
		stays := b.post(large+"/retry", nil)
		w.has(stays, "il reste en quarantaine", "resté sur le serveur de messagerie")
		fine := w.hold(ticketing.HoldFailing, "From: a@example.org\r\nSubject: Lampadaire\r\n\r\nEn panne.\r\n")
		w.has(b.post(fine+"/retry", nil), "Le message est classé", "Lampadaire", "Accusé d’enregistrement")

		// Bruno does not work where these mails arrive: for him there is no quarantine.
		other := w.signedIn("bruno")
		w.hasNot(other.get("/"), quarantinePath)
		nowhere := other.get("/tickets/2026-99999")
		for _, path := range []string{quarantinePath, large, quarantinePath + "/nonsense"} {
			if p := other.get(path); p.status != http.StatusNotFound || p.body != nowhere.body {
				t.Errorf("%s: %d", path, p.status)
			}
		}
		for _, verb := range []string{"/retry", "/file"} {
			if p := other.post(large+verb, nil); p.status != http.StatusNotFound {
				t.Errorf("%s: %d", verb, p.status)
			}
		}
	})
}

// An administrator who is no agent sees that something waits, and why.
func TestQuarantineOfAnAdministrator(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.town.Import(w.Context(), ticketing.TownFile{Agents: []ticketing.AgentEntry{
			{Email: "admin@valmont.example", Name: "Pure Admin", Roles: []string{"admin"}, Language: "en"},
		}}, false)
		w.must(err)
		alice, _ := w.town.Now().AgentByEmail("alice@valmont.example")
		w.must(w.town.SetPassword(w.Context(), "admin@valmont.example", alice.PasswordHash))
		held := w.hold(channels.TooComplex, "From: anne@example.org\r\nSubject: Secret\r\n\r\nintime\r\n")
		b := w.signedIn("admin")
		for _, path := range []string{quarantinePath, held} {
			p := b.get(path)
			w.has(p, "too complicated", "Message for its department only")
			w.hasNot(p, "Secret", "anne@example.org", "intime", "File as a ticket", "too deep")
		}
		if p := b.post(held+"/file", nil); p.status != http.StatusForbidden {
			t.Errorf("filing got %d", p.status)
		}
		p := b.post(held+"/retry", nil)
		if p.path != quarantinePath+"?done=held_filed" {
			t.Errorf("trying again led to %s", p.path)
		}
		w.has(p, "The message is filed", "Nothing in quarantine")
	})
}

func TestMergeTagsAndSnooze(t *testing.T) {
	each(t, func(w *world) {
		ref, other := w.mail(channels.Inbound{Subject: "Trou", Text: "Un trou."}), w.mail(channels.Inbound{Subject: "Le même trou", Text: "Un trou."})
		sealed := w.mail(channels.Inbound{Subject: "Tapage", Text: "Du tapage."})
		b := w.signedIn("alice")
		post := func(verb string, form url.Values) page {
			form.Set("version", b.get("/tickets/"+ref).field(t, "/tickets/"+ref+"/"+verb, "version"))
			return b.post("/tickets/"+ref+"/"+verb+"?view=all", form)
		}
		w.has(post("tags", url.Values{"tags": {"Voirie , été 2026,"}}), "Étiquettes enregistrées", ">voirie</span>", ">été 2026</span>", `value="voirie, été 2026"`)
		w.has(post("tags", url.Values{"tags": {strings.Repeat("x", 60)}}), "Ces étiquettes ne conviennent pas", `id="more" open`, strings.Repeat("x", 60))
		w.has(post("snooze", url.Values{"until": {"2026-11-23"}}), "mise de côté jusqu’au 23/11/2026", "Remettre en file")
		w.has(post("snooze", url.Values{"until": {"2026-11-19"}}), "Cette date ne convient pas")
		w.has(post("snooze", url.Values{"until": {"bientôt"}}), "Cette date ne convient pas")
		w.hasNot(post("snooze", url.Values{"until": {""}}), "mise de côté jusqu’au")
		for _, into := range []string{sealed, "2026-99999"} {
			w.has(post("merge", url.Values{"into": {into}, "reason": {"la même"}}), "Aucune demande de ce numéro", `value="`+into+`"`, "la même")
		}
		w.has(post("merge", url.Values{"into": {ref}, "reason": {"x"}}), "C’est la demande elle-même")
		merged := post("merge", url.Values{"into": {" " + other}, "reason": {"la même"}})
		if merged.path != "/tickets/"+other+"?done=merged" {
			t.Errorf("merging led to %s", merged.path)
		}
		w.has(merged, "Demandes fusionnées", "Une autre demande a été fusionnée ici par Alice Martin", "fusion", ref)
		w.has(b.get("/tickets/"+ref), "Fusionnée dans une autre", "doublon", other)
		w.hasNot(b.get("/tickets/"+ref), "/reopen", "/merge")

		// Who may not, is not offered it, and is refused.
		out := w.signedIn("bruno")
		w.hasNot(out.get("/tickets/"+other), `id="more"`)
		for verb, form := range map[string]url.Values{"merge": {"into": {ref}, "reason": {"x"}}, "tags": {"tags": {"x"}}, "snooze": {"until": {"2026-11-23"}}} {
			if p := out.post("/tickets/"+other+"/"+verb, form); p.status != http.StatusForbidden {
				t.Errorf("%s by who may not: %d", verb, p.status)
			}
			if p := out.post("/tickets/"+sealed+"/"+verb, form); p.status != http.StatusNotFound {
				t.Errorf("%s of a sealed one: %d", verb, p.status)
			}
		}
	})
}

func TestSplitPage(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Trou", Text: "Un trou.", ID: "first@example.org"})
		w.mail(channels.Inbound{Subject: "Et un acte", Text: "Il me faut un acte.", References: []string{"first@example.org"}})
		b := w.signedIn("alice")
		p := b.get("/tickets/" + ref + "/split")
		w.has(p, "Scinder la demande "+ref, "Il me faut un acte.", "Un trou.", `<option value="voirie" selected>`)
		form := url.Values{
			"key": {p.field(t, "/tickets/"+ref+"/split", "key")}, "version": {p.field(t, "/tickets/"+ref+"/split", "version")}, "department": {"civil"}, "subject": {"Un acte"},
		}
		refused := b.post("/tickets/"+ref+"/split", form)
		w.has(refused, "Ce choix de messages", `value="Un acte"`, `<option value="civil" selected>`)
		d := w.ticket(ref)
		messages, err := w.db.MessagesOf(w.Context(), d.ID)
		w.must(err)
		for _, m := range messages {
			if strings.Contains(m.Text, "acte") {
				form.Add("message", m.ID)
			}
		}
		done := b.post("/tickets/"+ref+"/split", form)
		w.has(done, "Nouvelle demande créée", "Un acte", "État civil", "Scindée d’une autre demande par Alice Martin", ref)
		w.has(b.get("/tickets/"+ref), "Messages partis dans une nouvelle demande")
		if again := b.post("/tickets/"+ref+"/split", form); again.path != done.path {
			t.Errorf("the same form twice led to %s and %s", done.path, again.path)
		}
	})
}

func TestABounceIsShown(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Trou", Text: "Un trou."})
		messages, err := w.db.MessagesOf(w.Context(), w.ticket(ref).ID)
		w.must(err)
		w.mail(channels.Inbound{
			From: channels.Address{Value: "mailer-daemon@example.org"}, Subject: "Undelivered", Text: "Sorry.", Automatic: "bounce",
			Report: &channels.Report{ID: messages[1].ExternalID, Action: "failed", Status: "5.1.1", Reason: "No such user here"},
		})
		b := w.signedIn("alice")
		w.has(b.get("/tickets/"+ref), "Non distribué", "revenu", "cette adresse n’existe pas. 5.1.1 No such user here", "avis de non-remise")
		w.has(b.get("/tickets?view=all"), "Non distribué")
	})
}
