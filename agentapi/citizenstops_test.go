package agentapi_test

import (
	"net/http"
	"testing"
	"time"

	"guichet/ticketing"
)

// TestARecordTellsOfStop lists what a number refuses, but for lines of departments the caller may not know of.
func TestARecordTellsOfStop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.town.KeepLines(t.Context(), []ticketing.Line{
			{Name: "mairie", Channel: "email", Address: "contact@valmont.example", Department: "accueil"},
			{Name: "sms", Channel: "sms", Address: "+33939000000", Department: "accueil"},
			{Name: "sms-police", Channel: "sms", Address: "+33939000001", Department: "police"},
		}))
		at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
		w.must(w.db.SaveRefusals(t.Context(), []ticketing.Refusal{
			{Channel: "sms", Line: "sms", Number: mariam, At: at}, {Channel: "sms", Line: "sms-police", Number: mariam, At: at},
		}))
		nadia := w.signedIn("nadia")
		id := nadia.post("/citizens", body{"name": body{"family": "Diallo"}, "contacts": []body{{"type": "phone", "value": mariam}, {"type": "email", "value": "mariam@example.org"}}}).is(http.StatusCreated).text("id")
		contacts := nadia.get("/citizens/" + id).object()["contacts"].([]any)
		refuses, _ := contacts[0].(body)["refuses"].([]any)
		if len(refuses) != 1 || refuses[0].(body)["line"] != "sms" || refuses[0].(body)["at"] != "2026-11-20T09:00:00Z" {
			t.Errorf("refuses %v", refuses)
		}
		if contacts[1].(body)["refuses"] != nil {
			t.Errorf("the e-mail address refuses %v", contacts[1])
		}
	})
}
