package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/channels"
)

// TestTheStripOfCalls follows a call from its ring to its end on the pages of who it concerns, and finds nothing of it on the others'.
func TestTheStripOfCalls(t *testing.T) {
	each(t, func(w *world) {
		alice, bruno, claire := w.signedIn("alice"), w.signedIn("bruno"), w.signedIn("claire")
		const strip = "data-call="
		w.hasNot(alice.get("/"), strip)

		// An unknown number rings for a department: whoever works there sees it, others don't.
		w.ring(ringing("c1", anne))
		p := alice.get("/tickets?view=all")
		w.has(p, "Sonne pour Voirie", "06 12 34 56 78", ">inconnu</span>", "/contacts/new?call=", "phone=%2B33612345678", "data-open-call")
		w.has(claire.get("/"), strip)
		w.hasNot(bruno.get("/"), strip)

		// A colleague takes it: it goes. She is known from then on.
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallAnswered, Agents: []string{"bruno@valmont.example"}})
		w.hasNot(alice.get("/"), strip)
		w.has(bruno.get("/"), "On the line", "06 12 34 56 78")
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndAnswered})
		w.hasNot(bruno.get("/"), strip)

		// It rings at one telephone: nobody else's business, though it is her department's too.
		w.pass(2 * time.Hour)
		own := ringing("c2", anne)
		own.Agents, own.Department = []string{"11"}, "civil"
		w.ring(own)
		w.has(alice.get("/contacts/new"), "Sonne chez vous", ">connu</span>", "dernier contact")
		w.hasNot(bruno.get("/"), strip)
		w.pass(5 * time.Second)
		w.ring(channels.CallNews{ID: "c2", Step: channels.CallAnswered, Agents: []string{"11"}})
		p = alice.get("/")
		w.has(p, "En ligne", `<a class="button" href="/tickets/2026-`)
		w.hasNot(p, "dernier contact")
		w.ring(channels.CallNews{ID: "c2", Step: channels.CallEnded, End: channels.EndAnswered})
		w.hasNot(alice.get("/"), strip)

		// Missed: it goes, and waits to be called back.
		w.ring(ringing("c3", paul))
		w.has(alice.get("/"), strip)
		w.pass(25 * time.Second)
		w.ring(channels.CallNews{ID: "c3", Step: channels.CallEnded, End: channels.EndMissed})
		w.hasNot(alice.get("/"), strip)
		w.has(alice.get("/tickets?view=queue"), "Appel manqué à rappeler")
	})
}

// TestCallsOfAReservedDepartment shows a call to the police to nobody, not even by its number in the list, unless it is hers.
func TestCallsOfAReservedDepartment(t *testing.T) {
	each(t, func(w *world) {
		alice := w.signedIn("alice")
		for _, agents := range [][]string{nil, {"11"}} {
			n := ringing(fmt.Sprint("p", len(agents)), paul)
			n.Department, n.Agents = "police", agents
			w.ring(n)
		}
		for _, path := range []string{"/", "/calls", "/calls?department=police", "/tickets?view=all"} {
			w.hasNot(alice.get(path), "06 98 76 54 32", "data-call=")
		}
	})
}

// TestSeveralCalls shows the nearest first, folds the others away and counts them; who may be calling is said with its doubt.
func TestSeveralCalls(t *testing.T) {
	each(t, func(w *world) {
		alice := w.signedIn("alice")
		for _, name := range []string{"Anne", "Paul"} {
			alice.post("/contacts/new", url.Values{
				"key": {"0190a5f0-0000-7000-8000-00000000000" + fmt.Sprint(len(name)) + name[:1]}, "channel": {"counter"}, "given": {name}, "family": {"Perrin"},
				"phone": {"06 12 34 56 78"}, "where": {"@voirie"}, "subject": {"Un banc cassé de " + name},
			})
		}
		for i := range 5 {
			w.ring(ringing(fmt.Sprint("s", i), fmt.Sprintf("+3363998000%d", i)))
			w.pass(time.Second)
		}
		own := ringing("mine", anne)
		own.Agents = []string{"alice@valmont.example"}
		w.ring(own)
		p := alice.get("/")
		w.has(p, "5 autres appels", "et 2 autres dans la liste", `<span class="n">6</span>`)
		first, rest, _ := strings.Cut(p.body, "more-calls")
		if !strings.Contains(first, "Sonne chez vous") || strings.Contains(rest, "Sonne chez vous") {
			t.Error("the call at her own telephone is not the first")
		}
		w.has(page{body: first}, "Anne Perrin", "Un banc cassé de Anne")
		if strings.Count(p.body, "<kbd aria-hidden=\"true\">c</kbd>") != 4 {
			t.Error("each call has a button")
		}
		w.pass(time.Hour)
		w.hasNot(alice.get("/"), "data-call=") // nothing rings for an hour: the exchange forgot to say
	})
}

// TestListOfCalls shows an empty list, then each part of a full one.
func TestListOfCalls(t *testing.T) {
	each(t, func(w *world) {
		alice := w.signedIn("alice")
		w.has(alice.get("/calls"), "Aucun appel", "Nouveau contact", `aria-current="page"`)
		for i := range 60 {
			id := fmt.Sprint("old", i)
			n := ringing(id, fmt.Sprintf("+336399801%02d", i))
			w.ring(n)
			w.pass(4 * time.Second)
			w.ring(channels.CallNews{ID: id, Step: channels.CallAnswered, Agents: []string{"alice@valmont.example"}})
			w.pass(65 * time.Second)
			w.ring(channels.CallNews{ID: id, Step: channels.CallEnded, End: channels.EndAnswered})
		}
		w.ring(ringing("m1", anne))
		w.pass(20 * time.Second)
		w.ring(channels.CallNews{ID: "m1", Step: channels.CallEnded, End: channels.EndMissed})
		w.ring(ringing("live", paul))
		p := alice.get("/calls")
		live, back, log := strings.Index(p.body, "06 98 76 54 32</a>"), strings.Index(p.body, "06 12 34 56 78</a>"), strings.Index(p.body, ">Journal<")
		if live < 0 || back < live || log < back {
			t.Errorf("under way at %d, to call back at %d, the log at %d", live, back, log)
		}
		w.has(p, "Appel en cours", "Appel manqué", "20 s", "Appel pris par Alice Martin", "1 min 5 s", "4 s", "Appels plus anciens", "avant ")
		_, next, _ := strings.Cut(p.body, `href="/calls?cursor=`)
		next, _, _ = strings.Cut(next, `"`)
		older := alice.get("/calls?cursor=" + next)
		w.has(older, "06 39 98 01 00", "Début de la liste")
		w.hasNot(older, "06 39 98 01 59", "Appels plus anciens")
		w.has(alice.get("/calls?cursor=nonsense"), "06 39 98 01 59")
		w.has(alice.get("/calls?department=civil"), "Aucun appel pour ce service", "Effacer")
		w.has(alice.get("/calls?department=voirie"), "06 39 98 01 59")

		// Whoever writes to the caller has called back.
		w.ring(channels.CallNews{ID: "back", Step: channels.CallAnswered, Out: true, Caller: channels.Address{Name: "11"}, Called: channels.Address{Value: anne}, Agents: []string{"11"}})
		w.hasNot(alice.get("/calls"), "À rappeler")
		if p := w.browser().get("/calls"); !strings.HasPrefix(p.path, "/login") || p.status != http.StatusOK {
			t.Errorf("a stranger came to %d %s", p.status, p.path)
		}
	})
}
