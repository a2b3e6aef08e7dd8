package console

import (
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

const anne, paul = "+33612345678", "+33698765432"

func ringing(id, from string) channels.CallNews {
	return channels.CallNews{
		ID: id, Step: channels.CallRang, Caller: channels.Address{Value: from, Name: from}, Called: channels.Address{Name: "0261910010"}, Department: "voirie",
	}
}

// TestCallsInTheStory shows a missed call, a voicemail with its transcription, and a call that was taken.
func TestCallsInTheStory(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		w.ring(ringing("c1", anne))
		w.pass(25 * time.Second)
		w.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed})
		ref := w.phoned()
		p := b.get("/tickets/" + ref)
		w.has(p, "<strong>Appel manqué</strong>", "06 12 34 56 78", "attente 25 s", `class="msg in call missed"`)
		w.hasNot(p, "Message sans texte", "Appel terminé")

		w.ring(ringing("c2", anne))
		w.ring(channels.CallNews{ID: "c2", Step: channels.CallEnded, End: channels.EndMissed})
		w.ring(channels.CallNews{ID: "c2", Step: channels.CallSaid, Words: "rappelez-moi", Recording: &channels.Spoken{
			ID: "RE1", Voicemail: true, Audio: channels.Attachment{Name: "message.mp3", Type: "audio/mpeg", Data: []byte("hello")},
		}})
		w.has(b.get("/tickets/"+ref), "<strong>Message vocal</strong>", "Enregistrement", "message.mp3", `<audio class="voice" controls`, "transcription automatique", "Ce qu’une machine a compris", "rappelez-moi")

		w.ring(ringing("c3", anne))
		w.pass(5 * time.Second)
		w.ring(channels.CallNews{ID: "c3", Step: channels.CallAnswered, Agents: []string{"alice@valmont.example"}})
		w.pass(125 * time.Second)
		w.ring(channels.CallNews{ID: "c3", Step: channels.CallEnded, End: channels.EndAnswered})
		p = b.get("/tickets/" + ref)
		w.has(p, "Appel pris par Alice Martin", "attente 5 s", "conversation 2 min 5 s")
		w.hasNot(p, "Noté par Alice")

		w.ring(channels.CallNews{ID: "c4", Step: channels.CallEnded, Out: true, Called: channels.Address{Value: anne}, Agents: []string{"claire@valmont.example"}})
		w.ring(channels.CallNews{ID: "c5", Step: channels.CallAnswered, Out: true, Called: channels.Address{Value: anne}, Agents: []string{"claire@valmont.example"}})
		w.has(b.get("/tickets/"+ref), "Appel passé par Claire Morel")
	})
}

func TestCallTitles(t *testing.T) {
	voices, err := (&Console{assets: &assets{}}).loadVoices()
	if err != nil {
		t.Fatal(err)
	}
	c := &Console{}
	for want, call := range map[string]ticketing.Call{
		"Appel en cours":                     {Direction: ticketing.In},
		"Rappel demandé":                     {Direction: ticketing.In, CallBack: true, Ending: "missed"},
		"Appel manqué, ligne occupée":        {Direction: ticketing.In, Ending: "busy"},
		"Appel pris":                         {Direction: ticketing.In, Ending: "answered"},
		"Appel pris par poste 12":            {Direction: ticketing.In, Ending: "answered", AnsweredBy: "poste 12"},
		"Appel passé, sans réponse":          {Direction: ticketing.Out, Ending: "missed"},
		"Appel passé par poste 12":           {Direction: ticketing.Out, AnsweredBy: "poste 12"},
		"Appel renvoyé vers un autre numéro": {Direction: ticketing.In, Ending: "forwarded"},
		"Appel refusé, numéro bloqué":        {Direction: ticketing.In, Ending: "rejected"},
	} {
		if got := c.callTitle(voices["fr"], call); got != want {
			t.Errorf("%+v is %q, want %q", call, got, want)
		}
	}
	for d, want := range map[time.Duration]string{9 * time.Second: "9 s", 61 * time.Second: "1 min 1 s", 2*time.Hour + 3*time.Minute: "2 h 3 min"} {
		if got := voices["en"].span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// TestTextsInTheStory shows text messages, what was sent by itself, and a refusal.
func TestTextsInTheStory(t *testing.T) {
	each(t, func(w *world) {
		w.texts()
		ref := w.text(anne, "un trou rue Pasteur", "")
		w.text(anne, "STOP", channels.WordStop)
		p := w.signedIn("alice").get("/tickets/" + ref)
		w.has(p, "un trou rue Pasteur", "06 12 34 56 78", "par SMS", "Accusé d’enregistrement", "L’usager a écrit STOP")
	})
}
