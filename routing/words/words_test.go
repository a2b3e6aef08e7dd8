package words

import (
	"slices"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "voirie", "voirie"},
		{"capitals", "VOIRIE", "voirie"},
		{"accents", "Éclairage à Noël, ça gêne", "eclairage a noel, ca gene"},
		{"decomposed accents", "E\u0301clairage", "eclairage"},
		{"oe", "Bœuf Œuvre", "boeuf oeuvre"},
		{"ae", "Lætitia", "laetitia"},
		{"ligature of a PDF", "certiﬁcat", "certificat"},
		{"sharp s and strokes", "Straße Ørsted Łódź", "strasse orsted lodz"},
		{"typographic apostrophe", "l’état", "l'etat"},
		{"squared", "9 m²", "9 m2"},
		{"no-break space", "18\u00a0h", "18 h"},
		{"other scripts", "Привет", "привет"},
		{"invalid bytes", "a\xffb", "a\ufffdb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Fold(test.in); got != test.want {
				t.Errorf("Fold(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"empty", " \t…", nil},
		{"sentence", "Un trou, devant le 18 !", []string{"un", "trou", "devant", "le", "18"}},
		{"elisions", "L'éclairage qu’on n'a pas", []string{"éclairage", "on", "a", "pas"}},
		{"an apostrophe inside a word", "aujourd'hui", []string{"aujourd", "hui"}},
		{"hyphens", "nid-de-poule", []string{"nid", "de", "poule"}},
		{"a letter that is no elision", "carré C n°41", []string{"carré", "c", "n", "41"}},
		{"decomposed accents", "e\u0301te\u0301", []string{"été"}},
		{"a reference", "PC24B0017", []string{"pc24b0017"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Tokens(test.in); !slices.Equal(got, test.want) {
				t.Errorf("Tokens(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

// TestKeys checks which words meet, which is all that stems are for.
func TestKeys(t *testing.T) {
	for _, test := range []struct {
		one, other string
		meet       bool
	}{
		{"éclairage", "eclairage", true},
		{"éclairage", "ÉCLAIRAGES", true},
		{"E\u0301clairage", "éclairage", true},
		{"inondées", "inondees", true},
		{"inondées", "inondation", true},
		{"inondees", "inondation", true},
		{"inonde", "inondé", true},
		{"bœuf", "boeuf", true},
		{"lampadaires", "lampadaire", true},
		{"éteints", "eteint", true},
		{"cassée", "cassee", true},
		{"encombrants", "encombrant", true},
		{"municipaux", "municipal", true},
		{"dérogations", "derogation", true},
		{"marié", "mariée", true},
		{"flooding", "flooded", true},
		{"potholes", "pothole", true},
		{"24B0017", "24b0017", true},
		{"crèche", "crépi", false},
		{"tag", "étage", false},
		{"eau", "eaux", true},
		{"eau", "beau", false},
		{"salle", "sale", false},
		{"2024", "202", false},
	} {
		t.Run(test.one+"/"+test.other, func(t *testing.T) {
			one, other := Keys(test.one), Keys(test.other)
			meet := slices.ContainsFunc(one, func(key string) bool { return slices.Contains(other, key) })
			if meet != test.meet {
				t.Errorf("Keys(%q) = %q and Keys(%q) = %q: meet = %v, want %v", test.one, one, test.other, other, meet, test.meet)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"French", "Un trou profond s'est ouvert devant le 18 avenue Foch, un vélo est tombé hier soir.", "fr"},
		{"French text message", "slt cmt avoir 1 acte de naissance svp c urgent", "fr"},
		{"English", "Hello, there is a deep hole in front of our house, could you please have it filled?", "en"},
		{"no common word", "lampadaires eteints", ""},
		{"French quoting a little English", "Bonjour, je ne comprends pas le message « you have to wait » de votre site", "fr"},
		{"only the beginning counts", strings.Repeat("le trou ", 100) + strings.Repeat("the hole ", 1000), "fr"},
		{"Arabic", "مرحبا بكم", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Language(test.text); got != test.want {
				t.Errorf("Language(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("L'éclairage du rond-point")
	f.Add("a\xff\u0301 ’")
	f.Fuzz(func(t *testing.T, s string) {
		for _, token := range Tokens(s) {
			if token == "" || len(Keys(token)) == 0 {
				t.Errorf("Tokens(%q) holds %q with keys %q", s, token, Keys(token))
			}
		}
	})
}

func BenchmarkKeys(b *testing.B) {
	for b.Loop() {
		Keys("encombrants")
	}
}
