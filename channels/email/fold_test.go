package email

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	cases := []struct{ name, subject, text, hidden string }{
		{"nothing quoted", "", "Bonjour,\nle maire m'a écrit :\nmerci", ""},
		{"French", "", "Oui.\n\nLe 3 mai 2026 à 10:00, Mairie <m@v.fr> a écrit :\n> question ?\n", "Le 3 mai"},
		{"French with no-break space", "", "Oui.\n\nLe mar. 3 mai 2026 à 10:00, Mairie a écrit\u00a0:\nquestion", "Le mar."},
		{"French, wrapped", "", "Oui.\n\nLe mar. 3 mai 2026 à 10:00, Mairie de Valmont\n<mairie@valmont.example>\na écrit :\n> question\n", "Le mar."},
		{"English", "", "Yes.\n\nOn Tue, 3 May 2026 at 10:00, Town <t@v.fr> wrote:\n> question\n", "On Tue"},
		{"German", "", "Ja.\nAm 03.05.26 um 10:00 schrieb Rathaus:\n> Frage", "Am 03"},
		{"Outlook, French", "", "Oui.\n\n________________________________\nDe : Mairie <m@v.fr>\nEnvoyé : mardi 3 mai 2026\nÀ : X\nObjet : RE: eau\n\nquestion", "____"},
		{"Outlook, English", "", "Yes.\n\nFrom: Town\nSent: Tuesday\nTo: X\nSubject: RE: water\n\nquestion", "From: Town"},
		{"rule", "", "Oui.\n-----Message d'origine-----\nDe : x\n", "-----Message"},
		{"trailing quote", "", "Oui.\n> ancien\n>\n> texte\n\n", "> ancien"},
		{"answers between the lines", "", "Bonjour,\nLe 3 mai 2026, Mairie a écrit :\n> quand ?\ndemain\n> où ?\nici", ""},
		{"answers between, quote at the end", "", "Bonjour,\n> quand ?\ndemain\n> où ?\n", "> où"},
		{"nothing else", "", "Le 3 mai 2026, Mairie a écrit :\n> question", ""},
		{"only a quote", "", "> tout\n> cité", ""},
		{"a form, not history", "", "De : Jean\nbonjour\n", ""},
		{"forwarded for us to read", "", "Voir ci-dessous.\n---------- Message transféré ----------\nsalut", ""},
		{"empty", "", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			at := fold(c.subject, c.text)
			switch {
			case c.hidden == "" && at != 0:
				t.Errorf("folded %q", c.text[at:])
			case c.hidden != "" && (at == 0 || !strings.HasPrefix(c.text[at:], c.hidden)):
				t.Errorf("folded at %d: %q", at, c.text[at:])
			}
		})
	}
}
