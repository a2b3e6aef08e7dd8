package console

import (
	"net/url"
	"testing"

	"guichet/channels"
)

// TestPeopleStandAboveTickets searches in the one field for who wrote and for what was said.
func TestPeopleStandAboveTickets(t *testing.T) {
	each(t, func(w *world) {
		ref := w.mail(channels.Inbound{Subject: "Lampadaire", Text: "Bonjour, il est éteint."})
		for done := 1; done > 0; {
			var err error
			done, err = w.db.IndexQueued(t.Context(), 10)
			w.must(err)
		}
		b := w.signedIn("alice")
		search := func(text string) page { return b.get("/tickets?view=all&q=" + url.QueryEscape(text)) }
		w.has(search("perin"), `class="items people"`, "Anne Perrin", "Particulier", "1 demande en cours", `href="/citizens/`)
		w.has(search("a.perrin@example.org"), "Anne Perrin", ref)
		lamp := search("lampadaires éteints")
		w.has(lamp, ref)
		w.hasNot(lamp, `class="items people"`)
		w.has(search("bonjour"), ref, "Seuls les plus récents sont cherchés")
		w.has(search("<script>"), "Rien ne correspond", "&lt;script&gt;")
	})
}
