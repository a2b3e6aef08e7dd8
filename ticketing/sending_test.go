package ticketing_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels/email"
	"guichet/ticketing"
)

// reply answers the citizen as an agent.
func (h *hall) reply(reference string, w ticketing.Answer) ticketing.Message {
	h.Helper()
	m, err := h.desk.Reply(h.Context(), h.actor("agent"), reference, w)
	h.must(err)
	return m
}

func (h *hall) contains(what, text string, wants ...string) {
	h.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			h.Errorf("%s has no %q:\n%s", what, want, text)
		}
	}
}

// TestAnAnswerNamesWhoWroteIt holds CRPA L111-2: first name, name, function and administrative address, in both forms of the mail.
func TestAnAnswerNamesWhoWroteIt(t *testing.T) {
	eachHall(t, func(h *hall) {
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou profond s'est ouvert avenue Foch."))[0].Reference
		m := h.reply(ref, ticketing.Answer{Text: "Bonjour,\n\nNous passons **demain** : <b>promis</b>.\n- matin\n- soir"})
		h.contains("the text", m.Text, "Nous passons **demain** : <b>promis</b>.", "\nNadia Benali\nchargée d’accueil\nVoirie, Ville de Valmont\n"+
			"Centre technique municipal, 14 rue des Ateliers, 27999 Valmont\nTél. 02 61 91 00 20\n", ref)
		h.contains("the HTML", m.HTML, `<html lang="fr">`, "<strong>demain</strong>", "&lt;b&gt;promis&lt;/b&gt;", "<li>matin</li>", "Nadia Benali<br>\nchargée d’accueil<br>\n"+
			"Voirie, Ville de Valmont<br>\nCentre technique municipal", ref)
		kept, err := h.db.Message(h.Context(), m.ID)
		h.must(err)
		if kept.HTML != m.HTML || kept.Text != m.Text {
			h.Error("another text is kept than was written")
		}
	})
}

func TestADepartmentHasItsOwnTemplate(t *testing.T) {
	eachHall(t, func(h *hall) {
		_, err := h.town.Import(h.Context(), ticketing.TownFile{Templates: []ticketing.TemplateEntry{
			{Code: "reply.voirie", Language: "fr", Body: "{{.Text}}\n\nLa voirie — {{.Agent}} — [suivi](https://valmont.example/{{.Reference}}) de {{.Subject}}"},
		}}, false)
		h.must(err)
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule *<b>* [x](https://x.example)", "Un trou profond s'est ouvert."))[0].Reference
		m := h.reply(ref, ticketing.Answer{Text: "Bonjour"})
		h.contains("the text", m.Text, "La voirie — Nadia Benali — [suivi](https://valmont.example/"+ref+") de Nid-de-poule *<b>* [x](https://x.example)")
		h.contains("the HTML", m.HTML, `<a href="https://valmont.example/`+ref+`">suivi</a> de Nid-de-poule *&lt;b&gt;* [x](https://x.example)`)

		// In English the town has the general text only.
		ref = h.receive(h.letter("2@example.org", "john@example.org", "Pothole", "There is a deep pothole in the street, please repair the road."))[0].Reference
		if d := h.dossier(ref); d.Ticket.Department != "voirie" || d.Ticket.Language != "en" {
			h.Fatalf("%+v", d.Ticket)
		}
		h.contains("the English text", h.reply(ref, ticketing.Answer{Text: "Hello"}).Text, "Roads, Ville de Valmont", "to answer us")

		_, err = h.town.Import(h.Context(), ticketing.TownFile{Templates: []ticketing.TemplateEntry{{Code: "reply.voirei", Language: "fr", Body: "x"}}}, false)
		if err == nil || !strings.Contains(err.Error(), "voirei") {
			h.Errorf("a template of a department that is not there: %v", err)
		}
	})
}

func TestTheTownsAddressStandsIn(t *testing.T) {
	eachHall(t, func(h *hall) {
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Facture", "Je conteste la facture de cantine, le quotient est faux."))[0].Reference
		if d := h.dossier(ref); d.Ticket.Department != "finances" {
			h.Fatalf("filed in %s", d.Ticket.Department)
		}
		m, err := h.desk.Reply(h.Context(), h.actor("admin"), ref, ticketing.Answer{Text: "Bonjour"})
		h.must(err)
		h.contains("the text", m.Text, "Régie et finances, Ville de Valmont\n1 place de la Mairie, Valmont\n")
	})
}

// TestAnAcknowledgementSaysWhatTheLawAsks holds CRPA R112-11-1.
func TestAnAcknowledgementSaysWhatTheLawAsks(t *testing.T) {
	eachHall(t, func(h *hall) {
		ack := func(ref string) ticketing.Message {
			h.Helper()
			for _, m := range h.dossier(ref).Messages {
				if m.Automatic == "acknowledgement" {
					return m
				}
			}
			h.Fatalf("%s has no acknowledgement", ref)
			return ticketing.Message{}
		}
		refs := map[string]bool{}
		for _, from := range []string{"a@example.org", "b@example.org"} { // the second is made from the form of the first
			ref := h.receive(h.letter(from, from, "Nid-de-poule <i>& co</i>", "Un trou profond s'est ouvert avenue Foch."))[0].Reference
			m := ack(ref)
			h.contains("the subject", m.Subject, "Nid-de-poule <i>& co</i> [Réf. "+ref+"]")
			h.contains("the text", m.Text, "Reçu le : 20/11/2026", "Référence : "+ref, "Service chargé de votre demande : Voirie\nCentre technique municipal, 14 rue des Ateliers",
				"Tél. 02 61 91 00 20\ncontact@valmont.example\n", "pas encore d’une décision")
			h.contains("the HTML", m.HTML, `<html lang="fr">`, "Référence : "+ref, "Reçu le : 20/11/2026", "Voirie<br>\nCentre technique", `<a href="mailto:contact@valmont.example">`)
			if want, err := email.Document(m.Text, "fr"); err != nil || want != m.HTML {
				h.Errorf("the form and the text make two documents, %v:\n%s\n%s", err, want, m.HTML)
			}
			refs[ref] = true
		}
		if len(refs) != 2 {
			h.Error(refs)
		}
		english := ack(h.receive(h.letter("3@example.org", "john@example.org", "Pothole", "There is a deep pothole in the street, please repair the road."))[0].Reference)
		h.contains("the English text", english.Text, "Received on: 20 November 2026", "Department in charge: Roads\nCentre technique")
		h.contains("the English HTML", english.HTML, `<html lang="en">`)

		reserved := ack(h.receive(h.letter("4@example.org", "d@example.org", "Aide", "J'ai besoin d'une aide financière du CCAS, je suis au RSA."))[0].Reference)
		for _, never := range []string{"CCAS", "sociale", "Solidarité", "Aide"} {
			if strings.Contains(reserved.Subject+reserved.Text+reserved.HTML, never) {
				h.Errorf("a reserved acknowledgement says %q:\n%s", never, reserved.Text)
			}
		}
		h.contains("the reserved text", reserved.Text, "1 place de la Mairie", "Reçu le : 20/11/2026")
	})
}

// TestHeadersOfAnAnswer follows a conversation with the rules of a mail that must find its way back.
func TestHeadersOfAnAnswer(t *testing.T) {
	eachHall(t, func(h *hall) {
		first := h.letter("1@example.org", "anne@example.org", "Re: RE: Nid-de-poule [Réf. 2025-00001]", "Un trou profond s'est ouvert avenue Foch.")
		first.References = []string{"0@example.org"}
		ref := h.receive(first)[0].Reference
		d := h.dossier(ref)
		pseudo := ticketing.PseudoReference(d.Ticket.ID, "valmont.example")
		for i, id := range []string{"1@example.org", "2@example.org"} {
			if i == 1 {
				second := h.letter(id, "anne@example.org", "Re: Nid-de-poule [Réf. "+ref+"]", "Merci")
				second.References = []string{"0@example.org", "1@example.org", h.dossier(ref).Messages[1].ExternalID}
				h.receive(second)
			}
			m := h.reply(ref, ticketing.Answer{Text: "Bonjour"})
			if m.Subject != "Re: Nid-de-poule [Réf. "+ref+"]" {
				h.Errorf("subject %q", m.Subject)
			}
			if n := len(m.References); m.References[0] != pseudo || m.References[n-1] != id || slices.Index(m.References, pseudo) != 0 {
				h.Errorf("references %v", m.References)
			}
			if id, ok := h.keys.ReadMessageID(m.ExternalID); !ok || id != d.Ticket.ID || !strings.HasSuffix(m.ExternalID, "@valmont.example") {
				h.Errorf("Message-ID %q", m.ExternalID)
			}
			if id, ok := h.keys.ReadReplyAddress(m.ReplyTo); !ok || id != d.Ticket.ID {
				h.Errorf("Reply-To %q", m.ReplyTo)
			}
			if m.IsAutomatic() || m.FromValue != "contact@valmont.example" {
				h.Errorf("from %q, automatic %q", m.FromValue, m.Automatic)
			}
		}
		if got := len(h.dossier(ref).Messages); got != 5 { // two of hers, an acknowledgement, two answers
			h.Errorf("%d messages", got)
		}
	})
}

func TestFilesGoOutWithAnAnswer(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, nadia, thomas := h.Context(), h.actor("agent"), h.actor("admin")
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou profond s'est ouvert avenue Foch."))[0].Reference
		pdf := ticketing.NewFile{Name: `C:\dossier\arrêté n° 3` + "\u202efdp.exe", Data: []byte("%PDF-1.4\n")}
		files, err := h.desk.Attach(ctx, nadia, "key", []ticketing.NewFile{pdf, {Name: "../x.txt", Data: []byte("texte")}})
		h.must(err)
		if files[0].Name != "arrêté n° 3fdp.exe" || files[0].Type != "application/pdf" || files[1].Name != "x.txt" || files[1].Type != "text/plain" {
			h.Errorf("%+v", files)
		}
		ids := []string{files[1].ID, files[0].ID}
		again, err := h.desk.Attach(ctx, nadia, "key", []ticketing.NewFile{pdf, {Name: "../x.txt", Data: []byte("texte")}})
		if err != nil || again[0].ID != files[0].ID || again[1].ID != files[1].ID {
			h.Errorf("the same key gave %+v, %v", again, err)
		}

		refused := func(w string, a ticketing.Actor, files []string, reason string) {
			h.Helper()
			_, err := h.desk.Reply(ctx, a, ref, ticketing.Answer{Text: "x", Files: files})
			var e *ticketing.Error
			if !errors.As(err, &e) || e.Field != "attachments" || e.Reason != reason {
				h.Errorf("%s: %v", w, err)
			}
		}
		refused("a colleague's", thomas, ids, "file_unknown")
		refused("twice the same", nadia, []string{ids[0], ids[0]}, "file_unknown")
		refused("nonsense", nadia, []string{"x"}, "file_unknown")
		refused("unknown", nadia, []string{ticketing.NewID()}, "file_unknown")
		refused("too many", nadia, make([]string, 21), "too_many")

		answer := ticketing.Answer{Text: "Voici", Files: ids, Key: "once"}
		m := h.reply(ref, answer)
		kept, err := h.db.Message(ctx, m.ID)
		h.must(err)
		if len(kept.Attachments) != 2 || kept.Attachments[0].Name != "x.txt" || kept.Attachments[1].Type != "application/pdf" || len(m.Attachments) != 2 {
			h.Errorf("%+v", kept.Attachments)
		}
		_, data, err := h.reader.Attachment(ctx, thomas, kept.Attachments[1].ID)
		if err != nil || string(data) != "%PDF-1.4\n" {
			h.Errorf("%q, %v", data, err)
		}
		if twice := h.reply(ref, answer); twice.ID != m.ID || len(twice.Attachments) != 2 {
			h.Errorf("the same key: %+v", twice)
		}
		refused("sent already", nadia, ids, "file_unknown")

		scan, err := h.desk.Attach(ctx, nadia, "", []ticketing.NewFile{{Name: "courrier.pdf", Data: []byte("%PDF-1.4\n")}})
		h.must(err)
		logged, err := h.desk.Log(ctx, nadia, ticketing.NewContact{
			Channel: "letter", Subject: "Courrier", Department: "accueil", Citizen: &ticketing.CitizenDraft{Family: "Diallo"}, Files: []string{scan[0].ID},
		})
		h.must(err)
		if d := h.dossier(logged.Reference()); len(d.Messages[0].Attachments) != 1 || d.Messages[0].Attachments[0].Name != "courrier.pdf" {
			h.Errorf("%+v", d.Messages)
		}
	})
}

func TestFilesHaveTheirBounds(t *testing.T) {
	eachHall(t, func(h *hall) {
		nadia := h.actor("agent")
		for reason, files := range map[string][]ticketing.NewFile{
			"empty":           nil,
			"file_empty":      {{Name: "a"}},
			"file_too_large":  {{Name: "a", Data: make([]byte, ticketing.MaxFile+1)}},
			"files_too_large": {{Name: "a", Data: make([]byte, 13<<20)}, {Name: "b", Data: make([]byte, 13<<20)}},
			"too_many":        slices.Repeat([]ticketing.NewFile{{Name: "a", Data: []byte("x")}}, 21),
		} {
			_, err := h.desk.Attach(h.Context(), nadia, "", files)
			var e *ticketing.Error
			if !errors.As(err, &e) || e.Code != ticketing.CodeInvalid || e.Reason != reason {
				h.Errorf("%s: %v", reason, err)
			}
		}
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou profond s'est ouvert avenue Foch."))[0].Reference
		var ids []string
		for _, name := range []string{"a", "b"} {
			f, err := h.desk.Attach(h.Context(), nadia, "", []ticketing.NewFile{{Name: name, Data: make([]byte, 13<<20)}})
			h.must(err)
			ids = append(ids, f[0].ID)
		}
		_, err := h.desk.Reply(h.Context(), nadia, ref, ticketing.Answer{Text: "x", Files: ids})
		var e *ticketing.Error
		if !errors.As(err, &e) || e.Reason != "files_too_large" {
			h.Errorf("two of 13 MB: %v", err)
		}
		// What was refused is still there.
		if left, err := h.desk.Uploads(h.Context(), nadia, ids); err != nil || len(left) != 2 {
			h.Errorf("%d left, %v", len(left), err)
		}
	})
}

func TestWhatDidNotArriveIsSentAgain(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, nadia := h.Context(), h.actor("agent")
		ref := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou profond s'est ouvert avenue Foch."))[0].Reference
		m := h.reply(ref, ticketing.Answer{Text: "Bonjour"})
		settle := func(state ticketing.DeliveryState) {
			h.Helper()
			leased, err := h.db.LeaseDeliveries(ctx, "outbox", []string{"email"}, h.clock.now(), h.clock.now().Add(time.Minute), 10)
			h.must(err)
			for _, d := range leased {
				d.State, d.Attempts, d.LeaseOwner, d.LeasedUntil = state, d.Attempts+1, "", nil
				if _, err := h.db.SaveDelivery(ctx, "outbox", d, nil); err != nil {
					h.Fatal(err)
				}
			}
		}
		resent := func(key string) ticketing.DeliveryState {
			h.Helper()
			again, err := h.desk.Resend(ctx, nadia, m.ID, key)
			h.must(err)
			if again.ID != m.ID || again.ExternalID != m.ExternalID || again.Text != m.Text {
				h.Errorf("another message: %+v", again)
			}
			return again.Delivery.State
		}
		count := func() (n int) {
			for _, e := range h.dossier(ref).Events {
				if e.Type == ticketing.EventMessageResent {
					n++
				}
			}
			return n
		}
		if got := resent("early"); got != ticketing.DeliveryQueued || count() != 0 {
			h.Errorf("on its way it became %s, %d events", got, count())
		}
		for i, state := range []ticketing.DeliveryState{ticketing.DeliveryFailed, ticketing.DeliveryParked, ticketing.DeliveryBounced} {
			settle(state)
			key := "click " + string(state)
			for range 2 {
				if got := resent(key); got != ticketing.DeliveryQueued {
					h.Errorf("%s became %s", state, got)
				}
			}
			if count() != i+1 {
				h.Errorf("%d events after %d", count(), i+1)
			}
		}
		settle(ticketing.DeliverySent)
		if got := resent("late"); got != ticketing.DeliverySent {
			h.Errorf("sent became %s", got)
		}

		outside := h.actor("karim.haddad")
		if _, err := h.desk.Resend(ctx, outside, m.ID, ""); !errors.Is(err, ticketing.ErrForbidden) {
			h.Errorf("an agent of another department: %v", err)
		}
		if _, err := h.desk.Resend(ctx, nadia, ticketing.NewID(), ""); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("no message: %v", err)
		}
		hers := h.dossier(ref).Messages[0]
		if _, err := h.desk.Resend(ctx, nadia, hers.ID, ""); !errors.Is(err, ticketing.ErrConflict) {
			h.Errorf("the citizen's own: %v", err)
		}
		secret := h.receive(h.letter("9@example.org", "d@example.org", "Aide", "J'ai besoin d'une aide financière du CCAS, je suis au RSA."))[0].Reference
		for _, m := range h.dossier(secret).Messages {
			if _, err := h.desk.Resend(ctx, nadia, m.ID, ""); !errors.Is(err, ticketing.ErrNotFound) {
				h.Errorf("of a hidden department: %v", err)
			}
		}
	})
}
