package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// valmont is a rule book for some of the thirty motives of the demo town.
func valmont() []Rule {
	return []Rule{
		{Code: "gas", Position: 1, Any: []string{"fuite de gaz", "odeur de gaz", "gas leak"}, Department: "securite", Priority: "urgent"},
		{Code: "stop", Position: 2, Channel: "sms", Any: []string{"STOP"}, None: []string{"bus", "panneau"}, Motive: "STOP"},
		{Code: "prefecture", Position: 3, Sender: "@prefecture.example", Department: "secretariat"},
		{Code: "birth", Position: 10, Any: []string{"acte de naissance", "birth certificate"}, Department: "etat-civil", Motive: "EC-NAIS"},
		{Code: "id", Position: 11, Any: []string{"passeport", "carte d'identité", "passport"}, Department: "titres", Motive: "EC-CNI"},
		{Code: "wedding", Position: 12, Any: []string{"mariage", "marier", "PACS"}, Department: "etat-civil", Motive: "EC-MAR"},
		{Code: "light", Position: 20, Any: []string{"éclairage", "lampadaire", "candélabre", "street light"}, Department: "eclairage", Motive: "VOI-ECL"},
		{Code: "pothole", Position: 21, Any: []string{"nid-de-poule", "trou", "pothole", "chaussée"}, Department: "voirie", Motive: "VOI-NID"},
		{Code: "dump", Position: 22, Any: []string{"dépôt sauvage", "gravats"}, Department: "proprete", Motive: "PRO-DEP"},
		{Code: "bulky", Position: 23, Any: []string{"encombrants"}, Department: "dechets", Motive: "PRO-ENC"},
		{Code: "tag", Position: 24, Any: []string{"tag", "graffiti", "inscriptions injurieuses"}, Department: "proprete", Motive: "PRO-TAG", Priority: "high"},
		{Code: "trees", Position: 25, Any: []string{"élagage", "branche", "platane"}, Department: "espaces-verts", Motive: "EV-ELA"},
		{Code: "invoice", Position: 30, Any: []string{"facture"}, All: []string{"erreur"}, Department: "regie", Motive: "FIN-FAC"},
		{Code: "canteen", Position: 31, Any: []string{"cantine", "périscolaire"}, None: []string{"facture"}, Department: "education", Motive: "EDU-CAN"},
		{Code: "water", Position: 40, Any: []string{"eau", "inondation"}, Department: "eau", Motive: "EAU-FUI", Priority: "high"},
		{Code: "noise", Position: 41, Any: []string{"tapage", "bruit", "musique"}, Department: "police", Motive: "PM-BRU"},
		{Code: "fine", Position: 42, Any: []string{"FPS", "forfait"}, All: []string{"conteste"}, Department: "stationnement", Motive: "STA-FPS"},
		{Code: "line", Position: 90, Line: "urbanisme@valmont.example", Department: "urbanisme"},
	}
}

func compile(t testing.TB, rules ...Rule) *Book {
	t.Helper()
	book, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestDecide(t *testing.T) {
	book := compile(t, valmont()...)
	for _, test := range []struct {
		name  string
		facts Facts
		rule  string
		words string
	}{
		{"nothing", Facts{}, "", ""},
		{"a word of the text", Facts{Text: "Trois candélabres éteints impasse du Moulin depuis une semaine."}, "light", "candélabre"},
		{"typed without accents", Facts{Text: "lampadaires eteints imp du moulin"}, "light", "lampadaire"},
		{"in capitals", Facts{Text: "PLUS D'ECLAIRAGE RUE FOCH"}, "light", "éclairage"},
		{"a word of the subject", Facts{Subject: "Passeport de mon fils"}, "id", "passeport"},
		{"a phrase", Facts{Text: "il me faut une copie de mon acte de naissance"}, "birth", "acte de naissance"},
		{"words of a phrase apart", Facts{Text: "l'acte, de sa naissance"}, "", ""},
		{"a phrase over the edge of the subject", Facts{Subject: "acte", Text: "de naissance"}, "", ""},
		{"a phrase in other forms", Facts{Text: "Copies d'actes de naissances"}, "birth", "acte de naissance"},
		{"hyphens or not", Facts{Text: "un nid de poule"}, "pothole", "nid-de-poule"},
		{"elision in a phrase", Facts{Text: "ma carte d’identite"}, "id", "carte d'identité"},
		{"English", Facts{Text: "There are two potholes in our street"}, "pothole", "pothole"},
		{"English phrase", Facts{Text: "The street lights are out"}, "light", "street light"},
		{"another form of the verb", Facts{Text: "Nous sommes inondés"}, "water", "inondation"},
		{"first of two motives", Facts{Text: "Des gravats, et le bar fait du bruit"}, "dump", "gravats"},
		{"danger before anything", Facts{Text: "un trou et une fuite de gaz à l'école"}, "gas", "fuite de gaz"},
		{"any and all", Facts{Text: "erreur facture cantine juin"}, "invoice", "erreur, facture"},
		{"all missing", Facts{Text: "facture de cantine"}, "", ""},
		{"none", Facts{Text: "cantine mardi possible ?"}, "canteen", "cantine"},
		{"channel", Facts{Channel: "sms", Text: "Stop"}, "stop", "STOP"},
		{"other channel", Facts{Channel: "email", Text: "Stop"}, "", ""},
		{"ruled out by a word", Facts{Channel: "sms", Text: "panneau stop tombé"}, "", ""},
		{"domain of the sender", Facts{Sender: "Bureau@Prefecture.Example", Text: "une route à refaire"}, "prefecture", ""},
		{"a domain below", Facts{Sender: "x@evil.prefecture.example"}, "", ""},
		{"line", Facts{Line: "Urbanisme@valmont.example"}, "line", ""},
		{"part of a word", Facts{Text: "le troupeau du beauceron à l'étage"}, "", ""},
		{"empty with a photo", Facts{Subject: "(no subject)", Text: " \n"}, "", ""},
		{"one endless word", Facts{Text: "eau" + strings.Repeat("ement", 4000)}, "", ""},
		{"Arabic", Facts{Text: "مرحبا بكم"}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.facts.Fallback = "accueil"
			got := book.Decide(test.facts)
			if got.Rule != test.rule || strings.Join(got.Words, ", ") != test.words {
				t.Errorf("decided by %q on %q, want %q on %q", got.Rule, got.Words, test.rule, test.words)
			}
			if test.rule == "" && got.Department != "accueil" {
				t.Errorf("department %q, want the fallback", got.Department)
			}
		})
	}
}

func TestDecisionCarriesTheRule(t *testing.T) {
	book := compile(t, valmont()...)
	got := fmt.Sprintf("%+v", book.Decide(Facts{Text: "un tag raciste", Fallback: "accueil"}))
	if want := "{Department:proprete Motive:PRO-TAG Priority:high Rule:tag Words:[tag]}"; got != want {
		t.Errorf("Decide = %s, want %s", got, want)
	}
	if got := book.Decide(Facts{Channel: "sms", Text: "stop", Fallback: "accueil"}); got.Department != "accueil" || got.Motive != "STOP" {
		t.Errorf("a rule without a department gave %+v", got)
	}
}

func TestRulesAreTriedByPositionThenCode(t *testing.T) {
	rule := func(code string, position int) Rule {
		return Rule{Code: code, Position: position, Any: []string{"eau"}, Department: "eau"}
	}
	for _, rules := range [][]Rule{
		{rule("c", 1), rule("b", 2), rule("a", 3)},
		{rule("e", 3), rule("d", 3), rule("c", 2)},
	} {
		slices.Reverse(rules)
		if got := compile(t, rules...).Decide(Facts{Text: "eau"}).Rule; got != "c" {
			t.Errorf("rule %q decided, want c", got)
		}
	}
}

func TestDecideReadsTheBeginningOfALongText(t *testing.T) {
	book := compile(t, Rule{Code: "water", Any: []string{"eau"}, Department: "eau"})
	for spaces, want := range map[int]string{textLimit - 3: "water", textLimit: ""} {
		if got := book.Decide(Facts{Text: strings.Repeat("\u00a0", spaces) + "eau"}).Rule; got != want {
			t.Errorf("after %d characters: rule %q, want %q", spaces, got, want)
		}
	}
}

func TestCompileNamesTheRule(t *testing.T) {
	good := Rule{Code: "good", Any: []string{"eau"}, Department: "eau"}
	for _, test := range []struct {
		name string
		rule Rule
		want string
	}{
		{"no code", Rule{Any: []string{"eau"}, Department: "eau"}, `rule "": it has no code`},
		{"twice", good, `rule "good": there are two of this code`},
		{"no condition", Rule{Code: "all", Department: "eau"}, `rule "all": it has no condition and would take every message`},
		{"no decision", Rule{Code: "idle", Any: []string{"eau"}}, `rule "idle": it has neither department nor motive nor priority to give`},
		{"no word", Rule{Code: "mute", None: []string{"?!"}, Department: "eau"}, `rule "mute": "?!" holds no word`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Compile([]Rule{good, test.rule}); err == nil || err.Error() != test.want {
				t.Errorf("Compile = %v, want %s", err, test.want)
			}
		})
	}
	if _, err := Compile(nil); err != nil {
		t.Errorf("no rules at all: %v", err)
	}
}

// letter is a mail of 2 KB in which only the last sentence is what a rule looks for.
func letter() Facts {
	sentence := "Madame, Monsieur, j'habite depuis douze ans au 18 avenue Foch et je me permets de vous écrire car, malgré " +
		"plusieurs appels au standard, personne ne m'a encore répondu ; ma voisine, âgée de 84 ans, s'inquiète beaucoup. "
	return Facts{
		Channel: "email", Line: "mairie@valmont.example", Sender: "c.perrin@example.org", Fallback: "accueil",
		Subject: "Troisième relance",
		Text:    strings.Repeat(sentence, 2000/len(sentence)) + "Je conteste le forfait reçu.",
	}
}

func BenchmarkDecide(b *testing.B) {
	book, facts := compile(b, valmont()...), letter()
	if got := book.Decide(facts).Rule; got != "fine" {
		b.Fatalf("rule %q decided, want fine", got)
	}
	b.SetBytes(int64(len(facts.Text)))
	b.ReportAllocs()
	for b.Loop() {
		book.Decide(facts)
	}
}

func FuzzDecide(f *testing.F) {
	book := compile(f, valmont()...)
	f.Add("Passeport", "ma carte d’identite a\xff\u0301")
	f.Fuzz(func(t *testing.T, subject, text string) {
		if got := book.Decide(Facts{Subject: subject, Text: text, Fallback: "accueil"}); got.Department == "" {
			t.Errorf("Decide(%q, %q) has no department", subject, text)
		}
	})
}
