package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// upload sends a form as browsers send one with files, in the order of the page: the fields, then the files.
func (b *browser) upload(path string, form url.Values, files map[string][]byte) page {
	b.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, v := range values {
			b.must(w.WriteField(name, v))
		}
	}
	for name, data := range files {
		part, err := w.CreateFormFile("file", name)
		b.must(err)
		_, err = part.Write(data)
		b.must(err)
	}
	if len(files) == 0 { // what browsers send when none was picked
		_, err := w.CreateFormFile("file", "")
		b.must(err)
	}
	b.must(w.Close())
	return b.send(http.MethodPost, path, w.FormDataContentType(), &body)
}

// ours lists the messages of a ticket an agent has sent.
func (w *world) ours(ref string) (list []ticketing.Message) {
	w.Helper()
	all, err := w.db.MessagesOf(w.Context(), w.ticket(ref).ID)
	w.must(err)
	for _, m := range all {
		if m.AgentID != nil {
			list = append(list, m)
		}
	}
	return list
}

func TestAnswerWithFiles(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Nid-de-poule", Text: "Un trou."})
		b := w.signedIn("alice")
		action := "/tickets/" + ref + "/reply"
		p := b.get("/tickets/" + ref)
		w.has(p, `enctype="multipart/form-data"`, "Joindre des fichiers", "<summary>Copie à</summary>")
		form := url.Values{
			"text": {"Voici le plan."}, "then": {"waiting"}, "to": {""}, "cc": {"elu@valmont.example, pas une adresse"},
			"key": {p.field(t, action, "key")}, "version": {p.field(t, action, "version")},
		}
		plan := map[string][]byte{"plan.pdf": []byte("%PDF-1.7 plan")}
		refused := b.upload(action+"?view=all", form, plan)
		if refused.status != http.StatusUnprocessableEntity {
			t.Fatalf("a wrong copy got %d", refused.status)
		}
		w.has(refused, "Une adresse en copie", "Voici le plan.</textarea>", `<details class="cc" id="cc" open>`, `value="elu@valmont.example, pas une adresse"`,
			"Déjà joints", "plan.pdf", `name="attachment"`)

		// The file need not be picked again; one too many is refused, and the one before stays.
		form.Set("cc", "elu@valmont.example; maire@valmont.example")
		form.Set("attachment", refused.field(t, action, "attachment"))
		large := b.upload(action, form, map[string][]byte{"film.mp4": make([]byte, ticketing.MaxFile+1)})
		w.has(large, "Un fichier est trop lourd", "15 Mo", "plan.pdf", "Voici le plan.</textarea>")
		w.hasNot(large, "film.mp4")
		empty := b.upload(action, form, map[string][]byte{"vide.txt": nil})
		w.has(empty, "Un fichier est vide", "plan.pdf")
		w.has(b.upload(action, url.Values{"text": {"x"}, "attachment": {ticketing.NewID()}}, nil), "n’est plus là")
		if n := len(w.ours(ref)); n != 0 {
			t.Fatalf("%d answers left", n)
		}

		sent := b.upload(action, form, plan) // and it does no harm to pick it again
		w.has(sent, "Réponse confiée", "Copie à elu@valmont.example, maire@valmont.example", "plan.pdf")
		b.upload(action, form, plan)
		ours := w.ours(ref)
		if len(ours) != 1 {
			t.Fatalf("the form sent twice made %d answers", len(ours))
		}
		m := ours[0]
		if len(m.Attachments) != 1 || m.Attachments[0].Name != "plan.pdf" || m.Attachments[0].Size != 13 {
			t.Errorf("files %+v", m.Attachments)
		}
		if len(m.Cc) != 2 || m.Cc[0].Value != "elu@valmont.example" || m.Cc[1].Value != "maire@valmont.example" {
			t.Errorf("in copy: %+v", m.Cc)
		}
		w.hasNot(sent, "Déjà joints")

		// Nothing of a form is believed to be small.
		long := b.upload(action, url.Values{"text": {strings.Repeat("x", maxFields)}, "cc": {"xx"}}, nil)
		w.has(long, "Le texte est trop long")
		many := map[string][]byte{}
		for i := range ticketing.MaxFileList + 1 {
			many[strings.Repeat("f", i+1)] = []byte("x")
		}
		w.has(b.upload(action, url.Values{"text": {"x"}}, many), "Il y a trop de fichiers", "Déjà joints")
		if p := b.send(http.MethodPost, action, "multipart/form-data; boundary=x", strings.NewReader("--x\r\n")); p.status != http.StatusUnprocessableEntity {
			t.Errorf("half a form got %d", p.status)
		}
	})
}

// settle says what became of all that waits to leave by a channel.
func (w *world) settle(channel string, state ticketing.DeliveryState, words string) {
	w.Helper()
	leased, err := w.db.LeaseDeliveries(w.Context(), "outbox", []string{channel}, w.now(), w.now().Add(time.Minute), 10)
	w.must(err)
	for _, d := range leased {
		d.State, d.Error, d.LeaseOwner, d.LeasedUntil = state, words, "", nil
		_, err := w.db.SaveDelivery(w.Context(), "outbox", d, nil)
		w.must(err)
	}
}

func TestResend(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Nid-de-poule", Text: "Un trou."})
		b := w.signedIn("alice")
		b.post("/tickets/"+ref+"/reply", url.Values{"text": {"Nous passons."}, "then": {"waiting"}})
		m := w.ours(ref)[0]
		action := "/messages/" + m.ID + "/resend"
		w.hasNot(b.get("/tickets/"+ref), action)
		for _, state := range []ticketing.DeliveryState{ticketing.DeliveryFailed, ticketing.DeliveryParked, ticketing.DeliveryBounced} {
			w.settle("email", state, "550 5.1.1 no such user")
			p := b.get("/tickets/" + ref + "?view=all")
			w.has(p, action, "Renvoyer")
			if reader := w.signedIn("bruno"); state == ticketing.DeliveryFailed {
				w.hasNot(reader.get("/tickets/"+ref), action)
			}
			form := url.Values{"key": {p.field(t, action, "key")}, "ticket": {p.field(t, action, "ticket")}}
			done := b.post(action+"?view=all", form)
			w.has(done, "Message confié de nouveau", "Message renvoyé par Alice Martin", "en file")
			if want := "/tickets/" + ref + "?done=resent&view=all"; done.path != want {
				t.Errorf("it led to %s, not %s", done.path, want)
			}
			again := b.post(action+"?view=all", form)
			if first, second := strings.Count(done.body, "Message renvoyé par"), strings.Count(again.body, "Message renvoyé par"); first != second {
				t.Errorf("%s: one click is told %d times, two %d", state, first, second)
			}
			if got := w.ours(ref)[0].Delivery.State; got != ticketing.DeliveryQueued {
				t.Errorf("%s became %s", state, got)
			}
		}
		w.settle("email", ticketing.DeliverySent, "not delivered to elu@valmont.example (550 no such user)")
		p := b.get("/tickets/" + ref)
		w.has(p, "Non remis à : elu@valmont.example (550 no such user)")
		w.hasNot(p, action)

		sealed := w.mail(channels.Inbound{Subject: "Tapage", Text: "Du tapage chaque nuit."})
		all, err := w.db.MessagesOf(t.Context(), w.ticket(sealed).ID)
		w.must(err)
		nowhere := b.get("/tickets/2026-99999")
		for _, m := range all {
			for _, ticket := range []string{ref, sealed, ""} {
				if p := b.post("/messages/"+m.ID+"/resend", url.Values{"ticket": {ticket}}); p.status != http.StatusNotFound || p.body != nowhere.body {
					t.Errorf("a message of a sealed ticket, from %q: %d", ticket, p.status)
				}
			}
		}
	})
}
