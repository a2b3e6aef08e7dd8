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
		{"GMX", "", "Ja.\n\nGesendet: Montag, 3. Mai 2026\nVon: Rathaus\nAn: X\nBetreff: Wasser\n\nFrage", "Gesendet"},
		{"Orange", "", "Oui.\n\n> Message du 03/05/26 10:00\n> De : Mairie\n> A : X\n> Objet : eau\n>\n> question\n", "> Message"},
		{"Zimbra", "", "Oui.\n\n----- Mail original -----\nDe: Mairie\nquestion", "----- Mail"},
		{"Spanish", "", "Sí.\n\nEn 3 de mayo de 2026, Ayuntamiento escribió:\n> pregunta", "En 3"},
		{"French words, not Spanish", "", "Bonjour.\nEn 2024 le maire m'a écrit :\nplus tard", ""},
		{"trailing quote", "", "Oui.\n> ancien\n>\n> texte\n\n", "> ancien"},
		{"answers between the lines", "", "Bonjour,\nLe 3 mai 2026, Mairie a écrit :\n> quand ?\ndemain\n> où ?\nici", ""},
		{"answers between, quote at the end", "", "Bonjour,\n> quand ?\ndemain\n> où ?\n", "> où"},
		{"nothing else", "", "Le 3 mai 2026, Mairie a écrit :\n> question", ""},
		{"only a quote", "", "> tout\n> cité", ""},
		{"a form, not history", "", "De : Jean\nbonjour\n", ""},
		{"forwarded for us to read", "", "Voir ci-dessous.\n---------- Message transféré ----------\nsalut", ""},
		{"forwarded by Gmail, with its header", "", "Voir.\n---------- Forwarded message ---------\nDe : X <x@y.fr>\nDate: lundi\nSubject: eau\nTo: z@y.fr\n\nsalut", ""},
		{"forwarded by Apple Mail", "", "Voir.\n\nDébut du message réexpédié :\n\nDe: X\nObjet: eau\nDate: lundi\nÀ: Y\n\nsalut", ""},
		{"forwarded by Outlook", "TR: eau", "Voir.\n\nDe : X\nEnvoyé : lundi\nÀ : Y\nObjet : eau\n\nsalut", ""},
		{"answered after a forward", "RE: TR: eau", "Oui.\n\nDe : X\nEnvoyé : lundi\nÀ : Y\nObjet : TR: eau\n\nsalut", "De : X"},
		{"history above a forward", "", "Oui.\nLe 3 mai 2026, Mairie a écrit :\n> x\n", "Le 3 mai"},
		{"signature", "", "Bonjour.\n\n-- \nJeanne\nprésidente\n", "-- "},
		{"signature before history", "", "Bonjour.\n\n-- \nJeanne\n\nLe 3 mai 2026, Mairie a écrit :\n> x\n", "-- "},
		{"signature above a forward", "", "Voir.\n-- \nJeanne\n\n---------- Forwarded message ---------\nsalut", ""},
		{"a phone's", "", "Un trou.\n\nEnvoyé de mon iPhone", "Envoyé de"},
		{"a phone's before history", "", "Oui.\n\nSent from my iPad\n\nOn Tue, 3 May 2026, Town wrote:\n> x", "Sent from"},
		{"sent from, said by herself", "", "Sent from my office in May, the letter got lost.\nPlease look for it.\nThank you.", ""},
		{"greetings are words", "", "Bonjour.\n\nCordialement,\nJeanne Dupont\n", ""},
		{"a list is no signature", "", "Il manque :\n--\n" + strings.Repeat("un lampadaire\n", 30), ""},
		{"only a signature", "", "-- \nJeanne", ""},
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

func FuzzFold(f *testing.F) {
	f.Add("", "Oui.\n\nLe 3 mai 2026 à 10:00, Mairie <m@v.fr> a écrit :\n> question ?\n")
	f.Add("RE: x", "a\n-- \nb\n\nDe : x\nEnvoyé : y\nÀ : z\n")
	f.Add("TR: x", "a\n\u00a0\n> b\n---------- Forwarded message ---------\n")
	f.Add("", "Sent from my \xff\n>")
	f.Fuzz(func(t *testing.T, subject, text string) {
		text = clean(text)
		at := fold(subject, text)
		switch {
		case at < 0 || at > len(text):
			t.Fatalf("folded at %d of %d", at, len(text))
		case at > 0 && strings.TrimSpace(text[:at]) == "":
			t.Fatal("nothing is left to see")
		case at > 0 && text[at-1] != '\n':
			t.Fatalf("folded within a line: %q", text[at:])
		}
	})
}
