package agentapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"guichet/agentapi"
	"guichet/channels"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

const mariam = "+33639980001"

// ring tells of a call as an exchange does.
func (w *world) ring(n channels.CallNews) {
	w.tb.Helper()
	n.Exchange, n.At = "standard", w.now()
	_, err := w.board.Ring(w.tb.Context(), n)
	w.must(err)
}

func TestACallIsShownWithWhoMayBeCalling(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		made := nadia.post("/tickets", body{
			"channel": "counter", "subject": "Passeport", "department": "accueil", "desk": "Guichet 3", "documents": []string{"Formulaire", "Photo"},
			"citizen": body{"name": body{"family": "Diallo", "given": "Mariam"}, "contacts": []body{{"type": "phone", "value": "06 39 98 00 01"}}},
		}).is(http.StatusCreated)
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallRang, Caller: channels.Address{Value: mariam}, Department: "voirie"})
		w.ring(channels.CallNews{ID: "c2", Step: channels.CallRang, Caller: channels.Address{Value: mariam}, Department: "ccas"})
		cards := nadia.get("/calls").is(http.StatusOK).items()
		if len(cards) != 1 || cards[0]["likelihood"] != "known" {
			t.Fatalf("%v", cards) // the call of a hidden department is nobody else's
		}
		candidate := cards[0]["candidates"].([]any)[0].(body)
		if candidate["citizen"].(body)["name"] != "Mariam Diallo" || candidate["open_tickets"].([]any)[0].(body)["reference"] != made.text("reference") {
			t.Errorf("%v", candidate)
		}
		id := cards[0]["call"].(body)["id"].(string)
		nadia.get("/calls/" + id).is(http.StatusOK)
		sonia := w.signedIn("sonia").get("/calls").is(http.StatusOK).items()
		if len(sonia) != 2 {
			t.Errorf("its members see the call of their department: %v", sonia)
		}
		for _, card := range sonia {
			if hidden := card["call"].(body); hidden["department"] == "ccas" {
				nadia.get("/calls/"+hidden["id"].(string)).refused(http.StatusNotFound, "not_found")
			}
		}
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed})
		missed := nadia.get("/tickets?channel=phone").items()
		if len(missed) != 1 || missed[0]["due_at"] == nil {
			t.Fatalf("%v", missed)
		}
		whole := nadia.get("/tickets/" + missed[0]["reference"].(string)).object()
		call := whole["calls"].([]any)[0].(body)
		if call["ending"] != "missed" || call["message"] != whole["messages"].([]any)[0].(body)["id"] {
			t.Errorf("%v", call)
		}
		visit := nadia.get("/tickets/" + made.text("reference")).object()["messages"].([]any)[0].(body)
		if visit["desk"] != "Guichet 3" || len(visit["documents"].([]any)) != 2 {
			t.Errorf("%v", visit)
		}
	})
}

func TestAReceiptAndATextMessage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.town.KeepLines(t.Context(), []ticketing.Line{
			{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil"},
			{Name: "sms", Channel: "sms", Address: "+33939000000", Department: "accueil", Position: 2},
		}))
		nadia := w.signedIn("nadia")
		draft := body{
			"channel": "counter", "text": "Pièces vérifiées.", "department": "accueil", "answered": true, "receipt": body{"by": "sms"},
			"citizen": body{"name": body{"family": "Diallo"}, "contacts": []body{{"type": "phone", "value": "06 39 98 00 01"}}},
		}
		made := nadia.with("Idempotency-Key", "one").post("/tickets", draft).is(http.StatusCreated)
		again := nadia.with("Idempotency-Key", "one").post("/tickets", draft).is(http.StatusCreated)
		messages := again.object()["messages"].([]any)
		if again.text("reference") != made.text("reference") || len(messages) != 2 {
			t.Fatalf("%v", messages)
		}
		receipt := messages[1].(body)
		if receipt["channel"] != "sms" || !strings.Contains(receipt["text"].(string), made.text("reference")) || receipt["segments"] != float64(1) {
			t.Errorf("%v", receipt)
		}
		draft["receipt"] = body{"by": "email"}
		nadia.post("/tickets", draft).refused(http.StatusUnprocessableEntity, "invalid")

		ref := w.mail("accueil", "Rappelez-moi")
		nadia.post("/tickets/"+ref+"/messages", body{"kind": "reply", "channel": "sms", "text": "Bonjour"}).refused(http.StatusConflict, "conflict")
		nadia.post("/tickets/"+ref+"/messages", body{"kind": "reply", "channel": "sms", "text": "Bonjour", "to": "02 61 91 00 10"}).refused(http.StatusUnprocessableEntity, "invalid")
		sent := nadia.post("/tickets/"+ref+"/messages", body{"kind": "reply", "channel": "sms", "text": "Bonjour", "to": "06 39 98 00 02"}).is(http.StatusAccepted)
		if sent.text("channel") != "sms" || sent.object()["delivery"].(body)["state"] != "queued" {
			t.Errorf("%s", sent.raw)
		}
		if counted := nadia.post("/text-segments", body{"text": "l’été"}).is(http.StatusOK); counted.text("encoding") != "UCS-2" {
			t.Errorf("%s", counted.raw)
		}
	})
}

// TestAWebhookIsAnsweredByItsChannel posts to a mounted webhook without any session, and more than it takes.
func TestAWebhookIsAnsweredByItsChannel(t *testing.T) {
	mount := func(p *agentapi.Parts) {
		p.Mounts = []channels.Mount{{Method: http.MethodPost, Path: "/webhooks/test/:token", MaxBody: 10, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				http.Error(rw, "too long", http.StatusRequestEntityTooLarge)
				return
			}
			rw.WriteHeader(http.StatusTeapot)
		})}}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, mount)
		w.nobody().do(http.MethodPost, "/webhooks/test/secret", "1234567890").is(http.StatusTeapot)
		w.nobody().do(http.MethodPost, "/webhooks/test/secret", strings.Repeat("x", 100)).is(http.StatusRequestEntityTooLarge)
		if strings.Contains(w.log.String(), "secret") {
			t.Error("the log has the token of an address")
		}
	})
}
