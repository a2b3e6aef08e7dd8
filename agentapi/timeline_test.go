package agentapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"guichet/channels"
)

// write lets one citizen write to the town hall, has the ticket brought to a department, and gives its reference.
func (w *world) write(department, subject string) string {
	w.tb.Helper()
	w.mails++
	filed, err := w.desk.Receive(w.tb.Context(), []channels.Inbound{{
		Channel: channels.Email, Line: "mairie", Key: fmt.Sprint("hers ", w.mails), Raw: []byte(subject), ID: fmt.Sprintf("hers%d@example.org", w.mails),
		From: channels.Address{Name: "Anne Perrin", Value: "a.perrin@example.org"}, Subject: subject, Text: "Bonjour, " + subject, At: w.now(),
	}})
	w.must(err)
	if department != "accueil" {
		_, err := w.desk.Transfer(w.tb.Context(), w.actor("admin"), filed[0].Reference, department, "test", 0)
		w.must(err)
	}
	w.shift.Add(int64(26 * time.Hour))
	return filed[0].Reference
}

// The timeline shows each what she may see: of a sealed department's ticket a day, of a hidden one's nothing.
func TestATimelineKeepsWhatIsReserved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.shift.Store(int64(-4 * 26 * time.Hour))
		light := w.write("voirie", "Lampadaire éteint")
		w.write("police", "Tapage chez les voisins")
		w.write("ccas", "Aide alimentaire")
		again := w.write("voirie", "Re: lampadaires éteints")
		nadia, sonia := w.signedIn("nadia"), w.signedIn("sonia")
		citizen := nadia.get("/tickets/" + light).is(http.StatusOK).object()["citizen"].(body)["id"].(string)
		path := "/citizens/" + citizen + "/timeline"

		answer := nadia.get(path).is(http.StatusOK)
		var kinds []string
		for _, i := range answer.items() {
			kinds = append(kinds, i["type"].(string))
		}
		if got := strings.Join(kinds, " "); got != "message reserved message" {
			t.Errorf("nadia sees %s", got)
		}
		reserved := answer.items()[1]
		if at := reserved["at"].(string); len(reserved) != 3 || reserved["token"] == "" || !strings.HasSuffix(at, "T00:00:00Z") {
			t.Errorf("a reserved exchange tells %v", reserved)
		}
		for _, secret := range []string{"Tapage", "voisins", "police", "Aide", "ccas"} {
			if strings.Contains(string(answer.raw), secret) {
				t.Errorf("nadia reads %q in %s", secret, answer.raw)
			}
		}
		newest := answer.items()[0]
		ticket := newest["ticket"].(body)
		if ticket["reference"] != again || ticket["contacts_about"] != float64(2) || newest["preview"] != "Bonjour, Re: lampadaires éteints" || newest["direction"] != "in" {
			t.Errorf("the newest is %v", newest)
		}
		if n := nadia.get("/tickets/" + again).object()["contacts_about"]; n != float64(2) {
			t.Errorf("contacts about the same: %v", n)
		}
		if n := nadia.get("/tickets/" + light).object()["contacts_about"]; n != float64(1) {
			t.Errorf("the first contact is no. %v", n)
		}
		if all := sonia.get(path).items(); len(all) != 4 {
			t.Errorf("sonia sees %d", len(all))
		}
		for filter, want := range map[string]int{
			"?channel=email": 2, "?channel=sms": 0, "?direction=out": 0, "?department=voirie": 2, "?department=police": 0, "?motive=VOI-NID": 0,
			"?before=2020-01-01T00:00:00Z": 0, "?after=2020-01-01T00:00:00Z": 3, "?limit=1": 1,
		} {
			if got := nadia.get(path + filter).is(http.StatusOK).items(); len(got) != want {
				t.Errorf("%s: %d items, want %d", filter, len(got), want)
			}
		}
		next := nadia.get(path + "?limit=1").text("next_cursor")
		if rest := nadia.get(path + "?limit=1&cursor=" + next).items(); len(rest) != 2 || rest[0]["type"] != "reserved" {
			t.Errorf("the second page is %v", rest)
		}
		nadia.get(path+"?cursor=nonsense").refused(http.StatusUnprocessableEntity, "invalid")
		nadia.get("/citizens/00000000-0000-7000-8000-000000000000/timeline").refused(http.StatusNotFound, "not_found")
		nadia.get("/citizens/nobody/timeline").refused(http.StatusNotFound, "not_found")
	})
}
