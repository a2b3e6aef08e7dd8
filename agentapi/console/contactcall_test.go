package console

import (
	"net/http"
	"net/url"
	"testing"

	"guichet/channels"
)

// TestNotingACall writes a contact down from the strip: it is on the ticket of the call, and a form that is refused still knows the call.
func TestNotingACall(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		n := ringing("c1", anne)
		n.Agents = []string{"11"}
		w.ring(n)
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallAnswered, Agents: []string{"11"}})
		ref := w.phoned()
		calls, err := w.db.CallsOf(w.Context(), w.ticket(ref).ID)
		if err != nil || len(calls) != 1 {
			t.Fatal(calls, err)
		}
		call := calls[0].ID
		p := b.get("/contacts/new?call=" + call + "&phone=%2B33612345678")
		form := url.Values{
			"key": {p.field(t, ContactPath, "key")}, "call": {p.field(t, ContactPath, "call")}, "channel": {"phone"}, "phone": {"06 12 34 56 78"},
			"family": {"Diallo"}, "subject": {"Trou rue Pasteur"}, "text": {"Toujours là."}, "email": {"anne@"},
		}
		p = b.post(ContactPath, form)
		if p.status != http.StatusUnprocessableEntity {
			t.Fatalf("half an address got %d", p.status)
		}
		w.has(p, `name="call" value="`+call+`"`, `value="06 12 34 56 78"`)
		form.Del("email")
		form.Set("answered", "yes")
		w.has(b.post(ContactPath, form), "Contact noté, répondu et clos", ref, "Trou rue Pasteur", "Toujours là.", "Appel pris par Alice Martin")
		w.hasNot(b.get("/tickets?view=all"), "2026-00002", "Appel téléphonique")
	})
}

// TestAnonymousVisit writes down who does not say who she is; what is sent needs an address.
func TestAnonymousVisit(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		b := w.signedIn("alice")
		form := url.Values{"channel": {"counter"}, "subject": {"Trou"}, "where": {"NID"}, "receipt": {"print"}}
		w.has(b.get(ContactPath), "si la personne ne se nomme pas")
		w.has(b.post(ContactPath, form), "<strong>2026-00001</strong>")
		w.has(b.get("/tickets/2026-00001"), "Trou")
		w.has(b.get("/tickets?view=all"), "2026-00001")
		form.Set("receipt", "sms")
		if p := b.post(ContactPath, form); p.status != http.StatusUnprocessableEntity {
			t.Errorf("a text message to nobody got %d", p.status)
		}
		form.Set("channel", "letter")
		form.Set("receipt", "")
		w.has(b.post(ContactPath, form), "On ne sait pas encore qui est l’usager")
		form.Set("channel", "phone")
		w.has(b.post(ContactPath, form), "Contact noté")
	})
}
