package console

import (
	"net/http"
	"testing"

	"guichet/channels"
)

// TestChannels shows an alarm to whoever looks after the mailbox, on every page, and to nobody else.
func TestChannels(t *testing.T) {
	each(t, func(w *world) {
		claire, alice := w.signedIn("claire"), w.signedIn("alice")
		w.has(claire.get("/admin/channels"), "Boîtes et lignes", "mairie", "démarrage", "pas encore comparé", `aria-current="page"`)
		w.hasNot(claire.get("/"), "Voir l’état des boîtes")

		w.texts()
		w.has(claire.get("/admin/channels"), "en écoute", "09 39 00 00 00", "rien depuis trois mois", "rien à comparer")
		w.text(anne, "un trou", "")
		w.hasNot(claire.get("/admin/channels"), "rien depuis trois mois")
		w.furnishLine()

		at := w.now()
		note := func(h channels.Health) {
			h.Line, h.Channel, h.At, h.LastContact = "mairie", channels.Email, at, &at
			w.must(w.desk.NoteHealth(w.Context(), h))
		}
		lost := make([]uint32, 12)
		for i := range lost {
			lost[i] = uint32(100 + i)
		}
		note(channels.Health{Mailbox: "mairie", Folder: "INBOX", State: channels.Working, ServerCount: 941, StoredCount: 929, CountedAt: &at,
			Missing: lost, MissingCount: 12, Alarm: channels.AlarmCount})
		note(channels.Health{Mailbox: "mairie/Indésirable", Folder: "Indésirable", State: channels.Failing, LastError: "<no such folder>"})

		p := claire.get("/admin/channels")
		w.has(p, "/ INBOX", "/ Indésirable", "941", "929", "des messages du serveur manquent chez nous", "guichet check --mail", "UID 100, 101,", "109 et 2 autres",
			"en échec, on réessaie", "&lt;no such folder&gt;", "Boîte mairie / INBOX")
		for _, path := range []string{"/", "/tickets?view=all", "/contacts/new", "/tickets/2026-99999"} {
			w.has(claire.get(path), "Boîte mairie / INBOX", "Voir l’état des boîtes", `href="/admin/channels"`)
			w.hasNot(alice.get(path), "Boîte mairie / INBOX", "/admin/channels")
		}
		if p := alice.get("/admin/channels"); p.status != http.StatusNotFound {
			t.Errorf("an agent got %d", p.status)
		}

		note(channels.Health{Mailbox: "mairie", Folder: "INBOX", State: channels.Working, ServerCount: 941, StoredCount: 941, CountedAt: &at})
		w.hasNot(claire.get("/"), "Boîte mairie / INBOX")
	})
}
