package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"guichet/channels"
	"guichet/ticketing"
)

// TestCounter writes a visit down with its papers and prints the receipt.
func TestCounter(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		b := w.signedIn("alice")
		p := b.get("/contacts/new?channel=counter")
		w.has(p, `value="counter" required checked`, "Quel guichet ?", "Documents remis", `value="print"`, `value="sms"`, `value="email"`)
		form := url.Values{
			"key": {p.field(t, ContactPath, "key")}, "channel": {"counter"}, "family": {"Diallo"}, "given": {"Mariam"}, "subject": {"Trou devant chez moi"},
			"text": {"Elle est tombée hier."}, "where": {"NID"}, "desk": {"Accueil, bureau 2"}, "documents": {"Photo\r\n\r\n Constat amiable \r\n"}, "receipt": {"print"},
		}
		receipt := b.upload(ContactPath, form, map[string][]byte{"constat.pdf": []byte("%PDF-1.7 constat")})
		if !strings.HasPrefix(receipt.path, "/tickets/2026-00001/receipt?done=logged") {
			t.Fatalf("it led to %d %s", receipt.status, receipt.path)
		}
		w.has(receipt, "Contact noté", "Ville de Valmont", "<strong>2026-00001</strong>", "20/11/2026 à 10:30, au guichet (Accueil, bureau 2)", "Mariam Diallo",
			"Trou devant chez moi", "<li>Photo</li><li>Constat amiable</li>", "Service chargé</dt><dd>Voirie", "Alice Martin", "data-print hidden", "Ctrl P", `lang="fr"`)
		w.hasNot(receipt, "Elle est tombée", "Enregistrée le")
		ticket := b.get("/tickets/2026-00001?done=logged")
		w.has(ticket, "Guichet : Accueil, bureau 2", "<li>Constat amiable</li>", "constat.pdf", `href="/tickets/2026-00001/receipt"`, "au guichet")

		again := b.upload(ContactPath, form, map[string][]byte{"constat.pdf": []byte("%PDF-1.7 constat")})
		if again.path != receipt.path {
			t.Errorf("the form sent twice led to %s", again.path)
		}
	})
}

// TestLetter keeps the date of a letter's stamp apart from the day it was registered, and nothing that is of a visit alone.
func TestLetter(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		form := url.Values{
			"channel": {"letter"}, "family": {"Nguyen"}, "subject": {"Trottoir"}, "text": {"Courrier du 16."}, "received_on": {"2026-11-17"}, "desk": {"Accueil"},
			"documents": {"Plan"}, "where": {"NID"}, "answered": {"yes"},
		}
		p := b.post(ContactPath, form)
		w.has(p, "Contact noté, répondu et clos", "reçu le 17/11/2026, enregistré le 20/11/2026 à 10:30", "<li>Plan</li>", "Enregistré le")
		w.hasNot(p, "Guichet : Accueil")
		w.has(b.get("/tickets/2026-00001/receipt"), "Reçue le</dt><dd>17/11/2026, par courrier", "Enregistrée le</dt><dd>20/11/2026 à 10:30", "Une réponse vous a été donnée")
	})
}

// TestRefusedContact says beside the field what is wrong, and keeps all that was typed and handed in.
func TestRefusedContact(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		w.hasNot(b.get(ContactPath), `name="receipt" value="sms"`)
		w.texts()
		for name, c := range map[string]struct {
			change url.Values
			field  string
			words  string
		}{
			"no mobile":         {url.Values{"receipt": {"sms"}}, `id="phone"`, "Le récépissé ne peut pas partir"},
			"a landline":        {url.Values{"receipt": {"sms"}, "phone": {"02 61 91 00 10"}}, `id="phone"`, "Ce n’est pas un numéro de mobile"},
			"no address":        {url.Values{"receipt": {"email"}}, `id="email"`, "Le récépissé ne peut pas partir"},
			"half an address":   {url.Values{"receipt": {"email"}, "email": {"anne@"}}, `id="email"`, "n’est pas complète"},
			"a long desk":       {url.Values{"desk": {strings.Repeat("x", 101)}}, `id="desk"`, "Le nom du guichet est trop long"},
			"many documents":    {url.Values{"documents": {strings.Repeat("Photo\n", 31)}}, `id="documents"`, "La liste des documents"},
			"tomorrow's letter": {url.Values{"received_on": {"2026-11-22"}}, `id="received"`, "La date de réception"},
		} {
			form := url.Values{"channel": {"counter"}, "family": {"Diallo"}, "subject": {"Trou"}, "text": {"Devant chez elle."}, "desk": {"Accueil"}, "receipt": {"print"}}
			for field, values := range c.change {
				form[field] = values
			}
			p := b.upload(ContactPath, form, map[string][]byte{"photo.jpg": []byte("jpeg")})
			if p.status != http.StatusUnprocessableEntity {
				t.Errorf("%s got %d", name, p.status)
			}
			w.has(p, c.words, `value="Diallo"`, "Devant chez elle.</textarea>", "photo.jpg", `value="`+form.Get("receipt")+`" checked`, `value="counter" required checked`)
			_, rest, _ := strings.Cut(p.body, c.field)
			if tag, _, _ := strings.Cut(rest, ">"); !strings.Contains(tag, `aria-invalid="true" aria-describedby="refused`) || strings.Count(p.body, "aria-invalid") != 1 {
				t.Errorf("%s is not said of %s: %s", name, c.field, tag)
			}
		}
	})
}

// TestReceiptToANumberThatSaidStop says beside the number what to do instead.
func TestReceiptToANumberThatSaidStop(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		w.text("+33639980123", "STOP", channels.WordStop)
		form := url.Values{"channel": {"counter"}, "family": {"Diallo"}, "phone": {"06 39 98 01 23"}, "subject": {"Trou"}, "where": {"NID"}, "receipt": {"sms"}}
		p := w.signedIn("alice").post(ContactPath, form)
		w.has(p, "Cette personne a dit STOP", "Imprimez le récépissé ou envoyez-le par e-mail", `id="phone" name="phone" type="tel" value="06 39 98 01 23" maxlength="40" data-enter="look" aria-invalid="true"`)
		if p.status != http.StatusConflict {
			t.Errorf("it got %d", p.status)
		}
	})
}

func TestReceiptsThatAreSent(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		b := w.signedIn("alice")
		form := url.Values{"channel": {"counter"}, "family": {"Diallo"}, "phone": {"06 39 98 01 23"}, "subject": {"Trou"}, "where": {"NID"}, "receipt": {"sms"}}
		w.has(b.post(ContactPath, form), "Récépissé par SMS", "réf. 2026-00001 (Voirie)")
		form.Set("email", "mariam@example.org")
		form.Set("receipt", "email")
		w.has(b.post(ContactPath, form), "Récépissé par e-mail", "Objet : Trou")
	})
}

// TestWhoItIs proposes who has a number, as soon as it is known or when it was typed, and never decides.
func TestWhoItIs(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		ref := w.text(anne, "un trou rue Pasteur", "")
		citizen := *w.ticket(ref).CitizenID
		b := w.signedIn("alice")
		p := b.get("/contacts/new?phone=%2B33612345678")
		w.has(p, `value="06 12 34 56 78"`, "Déjà connus à ce numéro", `value="`+citizen+`"`, ref, `name="citizen" value="" checked`)
		w.hasNot(b.get("/contacts/new?phone=0639980123"), "Déjà connus")
		if _, list, err := w.pages.reader.Candidates(w.Context(), ticketing.Actor{Roles: ticketing.Strings{"admin"}}, anne); err != nil || list != nil {
			t.Errorf("whoever is no agent is told of %v, %v", list, err)
		}

		form := url.Values{"channel": {"counter"}, "phone": {"06 12 34 56 78"}, "subject": {"Trou"}, "where": {"NID"}, "text": {"Toujours là."}, "look": {"yes"}}
		p = b.upload(ContactPath, form, map[string][]byte{"photo.jpg": []byte("jpeg")})
		w.has(p, "Déjà connus à ce numéro", "Toujours là.</textarea>", "photo.jpg")
		w.hasNot(p, "aria-invalid")

		form.Del("look")
		form.Set("citizen", citizen)
		form.Set("email", "anne@example.org")
		w.has(b.post(ContactPath, form), "Contact noté", "anne@<wbr>example.org")
		if got := w.ticket("2026-00002").CitizenID; got == nil || *got != citizen {
			t.Errorf("it is on the record of %v", got)
		}
		form.Set("citizen", ticketing.NewID())
		if p := b.post(ContactPath, form); p.status != http.StatusUnprocessableEntity {
			t.Errorf("a record that is none got %d", p.status)
		}
	})
}

// TestReceiptOfASealedDepartment names neither it nor what was asked of it, and is not there for whoever may not read the ticket.
func TestReceiptOfASealedDepartment(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		p := b.post(ContactPath, url.Values{"channel": {"counter"}, "family": {"Diallo"}, "subject": {"Tapage"}, "text": {"Chaque nuit."}, "where": {"@police"}, "receipt": {"print"}})
		w.has(p, "<strong>2026-00001</strong>", "Diallo", "Alice Martin")
		w.hasNot(p, "Service chargé", "<dd>Tapage", "<dd>Police")
		if p := w.signedIn("bruno").get("/tickets/2026-00001/receipt"); p.status != http.StatusNotFound {
			t.Errorf("another agent got %d", p.status)
		}
		ref := w.mail(channels.Inbound{Subject: "Pothole in my street", Text: "There is a very large hole in the road in front of my house and it is dangerous for the children."})
		p = b.get("/tickets/" + ref + "/receipt")
		w.has(p, `<article class="paper-page" lang="en"`, "Your request has been received", "Received on", "Imprimer", "by e-mail")
		w.hasNot(p, "Received by")
	})
}
