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

const (
	chosenText = `value="sms" checked`
	chosenMail = `value="email" checked`
)

// TestChannelOfAnAnswer offers what the citizen can be reached by, first what she wrote by.
func TestChannelOfAnAnswer(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		ref := w.mail(channels.Inbound{Subject: "Nid-de-poule", Text: "Un trou."})
		w.hasNot(b.get("/tickets/"+ref), `name="channel"`, "segments")

		w.texts()
		p := b.get("/tickets/" + ref)
		w.has(p, chosenMail, `name="to_text" value="other"`, "160 caractères par SMS")
		w.hasNot(p, chosenText)

		texted := w.text(anne, "un trou rue Pasteur", "")
		p = b.get("/tickets/" + texted)
		w.has(p, chosenText, `<option value="&#43;33612345678">06 12 34 56 78</option>`, "Autre numéro…")
		w.hasNot(p, chosenMail, "STOP")

		w.has(b.get("/tickets/"+ref+"?text=%2B33639980123"), chosenText, `value="06 39 98 01 23"`)
		w.has(b.get("/tickets/"+texted+"?text=%2B33639980123"), `<option value="other" selected>`, `value="06 39 98 01 23"`)
		w.has(b.get("/tickets/"+texted+"?text="+url.QueryEscape(anne)), chosenText, `<option value="&#43;33612345678" selected>`)

		w.must(w.town.KeepLines(w.Context(), []ticketing.Line{{Name: "sms", Channel: "sms", Address: "+33939000000", Department: "voirie"}}))
		p = b.get("/tickets/" + ref)
		w.has(p, chosenText)
		w.hasNot(p, `name="channel" value="email"`)
	})
}

func TestAnswerByText(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		ref := w.text(anne, "un trou rue Pasteur", "")
		b := w.signedIn("alice")
		action := "/tickets/" + ref + "/reply"
		form := url.Values{"channel": {"sms"}, "to_text": {anne}, "text": {"Nous passons demain."}, "then": {"waiting"}}
		p := b.post(action, form)
		w.has(p, "Réponse confiée à l’envoi", "par SMS à 06 12 34 56 78", "Nous passons demain.")
		form = url.Values{"channel": {"sms"}, "to_text": {"other"}, "other_text": {"06 98 76 54 32"}, "text": {"À votre voisin aussi."}, "then": {"waiting"}}
		w.has(b.post(action, form), "par SMS à 06 98 76 54 32")
		ours := w.ours(ref)
		if len(ours) != 2 || ours[0].Channel != "sms" || ours[0].To[0].Value != anne || ours[1].To[0].Value != paul {
			t.Fatalf("texted %+v", ours)
		}
		w.has(b.get("/tickets/"+ref), `<option value="&#43;33698765432">06 98 76 54 32</option>`)
	})
}

// TestRefusedTexts keeps what was typed and says what is wrong with it.
func TestRefusedTexts(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Nid-de-poule", Text: "Un trou."})
		b := w.signedIn("alice")
		action := "/tickets/" + ref + "/reply"
		w.has(b.post(action, url.Values{"channel": {"sms"}, "text": {"Bonjour."}, "then": {"open"}}), "Aucun numéro de la mairie n’envoie de SMS", "Bonjour.</textarea>")
		w.texts()
		for name, c := range map[string]struct {
			form  url.Values
			words []string
		}{
			"no number":  {url.Values{"text": {"Bonjour."}}, []string{"Aucun numéro de mobile n’est connu", "1 SMS, encore 152 caractères"}},
			"none typed": {url.Values{"text": {"Bonjour."}, "to_text": {"other"}}, []string{"Ce n’est pas un numéro de mobile"}},
			"a landline": {url.Values{"text": {"Bonjour."}, "to_text": {"other"}, "other_text": {"02 61 91 00 10"}},
				[]string{"Ce n’est pas un numéro de mobile", `value="02 61 91 00 10"`}},
			"too long": {url.Values{"text": {strings.Repeat("ê", 600)}, "to_text": {"other"}, "other_text": {anne}},
				[]string{"Ce SMS est trop long", "Il en faudrait 9 ; 8 au plus", "Trop long : 9 SMS", "êê</textarea>"}},
			"a copy": {url.Values{"text": {"Bonjour."}, "to_text": {"other"}, "other_text": {anne}, "cc": {"elu@valmont.example"}},
				[]string{"Un SMS ne porte ni fichier ni copie", `<details class="cc" id="cc" open>`}},
		} {
			c.form.Set("channel", "sms")
			c.form.Set("then", "open")
			p := b.post(action, c.form)
			if p.status != http.StatusUnprocessableEntity && p.status != http.StatusConflict {
				t.Errorf("%s got %d", name, p.status)
			}
			w.has(p, append(c.words, chosenText, "est conservé")...)
		}
		p := b.upload(action, url.Values{"channel": {"sms"}, "text": {"Voici."}, "to_text": {"other"}, "other_text": {anne}}, map[string][]byte{"plan.pdf": []byte("%PDF")})
		w.has(p, "Un SMS ne porte ni fichier ni copie", "Déjà joints", "plan.pdf")
		if n := len(w.ours(ref)); n != 0 {
			t.Errorf("%d answers left", n)
		}
	})
}

// TestStopAndNight says before sending what STOP means and that a text waits for the morning, and afterwards when it leaves.
func TestStopAndNight(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		w.town.Profile.Quiet = ticketing.Quiet{From: 20 * time.Hour, To: 8 * time.Hour}
		ref := w.text(anne, "un trou rue Pasteur", "")
		w.text(anne, "STOP", channels.WordStop)
		b := w.signedIn("alice")
		w.has(b.get("/tickets/"+ref), "06 12 34 56 78 a répondu STOP", "peut encore partir")

		w.hasNot(b.get("/tickets/"+ref), "ce SMS attend")
		w.pass(36 * time.Hour) // 22:30 in Paris, a day later
		w.has(b.get("/tickets/"+ref), "la nuit, ce SMS attend. Il partira le 22/11/2026 à 08:00.")
		p := b.post("/tickets/"+ref+"/reply", url.Values{"channel": {"sms"}, "to_text": {anne}, "text": {"C’est réparé."}, "then": {"waiting"}})
		w.has(p, "C’est la nuit", "Ce SMS attend la fin de la nuit : il partira le 22/11/2026 à 08:00.")
		if path, _, _ := strings.Cut(p.path, "#"); !strings.Contains(path, "done=replied_later") {
			t.Errorf("it led to %s", p.path)
		}
		w.pass(10 * time.Hour)
		w.hasNot(b.get("/tickets/"+ref), "il partira le")

		w.text(anne, "START", channels.WordStart)
		w.hasNot(b.get("/tickets/"+ref), "a répondu STOP")
	})
}

func TestResendTexts(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		ref := w.text(anne, "un trou rue Pasteur", "")
		b := w.signedIn("alice")
		b.post("/tickets/"+ref+"/reply", url.Values{"channel": {"sms"}, "to_text": {anne}, "text": {"Nous passons."}, "then": {"waiting"}})
		w.settle("sms", ticketing.DeliverySent, "") // the acknowledgement, before which no other text leaves
		action := "/messages/" + w.ours(ref)[0].ID + "/resend"
		w.hasNot(b.get("/tickets/"+ref), action)
		for words, c := range map[string]struct {
			state ticketing.DeliveryState
			said  string
		}{
			"ce numéro ne reçoit pas de SMS":               {ticketing.DeliveryFailed, "21614 not a number that can be texted"},
			"ce numéro a répondu STOP":                     {ticketing.DeliveryFailed, "21610 the recipient said STOP to this number"},
			"le téléphone est éteint ou hors d’atteinte":   {ticketing.DeliveryBounced, "30003 the phone is off"},
			"Personne ne sait si ce SMS est parti":         {ticketing.DeliveryParked, "interrupted; it may have been sent"},
			"l’opérateur n’en dit pas la raison":           {ticketing.DeliveryFailed, "99999"},
			"l’opérateur de l’usager l’a bloqué. Répondez": {ticketing.DeliveryFailed, "30007 unwanted"},
		} {
			w.settle("sms", c.state, c.said)
			p := b.get("/tickets/" + ref)
			w.has(p, action, "Renvoyer", words)
			w.hasNot(p, "the recipient", "unwanted", "interrupted")
			done := b.post(action, url.Values{"key": {p.field(t, action, "key")}, "ticket": {ref}})
			w.has(done, "Message confié de nouveau")
			if got := w.ours(ref)[0].Delivery.State; got != ticketing.DeliveryQueued {
				t.Errorf("%s became %s", c.state, got)
			}
		}
		w.settle("sms", ticketing.DeliveryDelivered, "")
		p := b.get("/tickets/" + ref)
		w.has(p, "remis sur le téléphone")
		w.hasNot(p, action)
	})
}

// TestOneStory opens a ticket at the counter, goes on by SMS and answers by mail: one story, each exchange with its channel.
func TestOneStory(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		b := w.signedIn("alice")
		p := b.post(ContactPath, url.Values{
			"channel": {"counter"}, "family": {"Diallo"}, "phone": {"06 12 34 56 78"}, "subject": {"Un trou"}, "where": {"NID"}, "receipt": {"sms"},
		})
		w.hasNot(p, "Message sans texte")
		const ref, action = "2026-00001", "/tickets/2026-00001/reply"
		w.pass(time.Minute)
		b.post(action, url.Values{"channel": {"sms"}, "to_text": {anne}, "text": {"Dans quelle rue ?"}, "then": {"waiting"}})
		w.pass(time.Minute)
		if joined := w.text(anne, "rue Pasteur", ""); joined != ref {
			t.Fatalf("her text is on %s", joined)
		}
		w.pass(time.Minute)
		p = b.post(action, url.Values{"channel": {"email"}, "to": {"diallo@example.org"}, "text": {"Voici le plan des travaux."}, "then": {"waiting"}})
		at := 0
		for _, words := range []string{
			"#counter\"/></svg><span class=\"hide\">Guichet", "au guichet", "Récépissé par SMS", "#sms\"/></svg><span class=\"hide\">SMS", "par SMS à 06 12 34 56 78", "Dans quelle rue ?",
			"#sms\"/></svg><span class=\"hide\">SMS", "par SMS", "rue Pasteur", "#email\"/></svg><span class=\"hide\">E-mail", "par e-mail à diallo@example.org", "Voici le plan",
		} {
			_, exchanges, _ := strings.Cut(p.body, `class="exchanges"`)
			found := strings.Index(exchanges[at:], words)
			if found < 0 {
				t.Fatalf("after %d bytes the story does not say %q", at, words)
			}
			at += found
		}
		if w.ticket(ref).Channel != "counter" {
			t.Errorf("it came by %s", w.ticket(ref).Channel)
		}
	})
}
