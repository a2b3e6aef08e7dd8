package demo_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/demo"
)

// rules are the town's, ready to decide.
func rules(t *testing.T) (ticketing.TownFile, *routing.Book) {
	t.Helper()
	town, err := demo.Town()
	if err != nil {
		t.Fatal(err)
	}
	departments := map[string]string{}
	for _, m := range town.Motives {
		departments[m.Code] = m.Department
	}
	var rules []routing.Rule
	for i, r := range town.Rules {
		if r.Department == "" {
			r.Department = departments[r.Motive]
		}
		rules = append(rules, routing.Rule{
			Code: r.Code, Position: i, Any: r.Any, All: r.All, None: r.None, Channel: r.Channel, Line: r.Line, Sender: r.Sender,
			Department: r.Department, Motive: r.Motive, Priority: string(r.Priority),
		})
	}
	book, err := routing.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return town, book
}

// Every letter must reach the department a clerk of Valmont would send it to.
func TestRulesSendEveryLetterHome(t *testing.T) {
	town, book := rules(t)
	letters, err := demo.Letters()
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) < 30 {
		t.Fatalf("%d letters", len(letters))
	}
	motives := map[string]bool{}
	for _, l := range letters {
		got := book.Decide(routing.Facts{Channel: "email", Fallback: "accueil", Subject: l.Subject, Text: l.Text, Sender: l.From.Email})
		if got.Department != l.Expect.Department || got.Motive != l.Expect.Motive {
			t.Errorf("%q: %s/%s by rule %q (%v), want %s/%s", l.Subject, got.Department, got.Motive, got.Rule, got.Words, l.Expect.Department, l.Expect.Motive)
		}
		motives[got.Motive] = true
	}
	for _, m := range town.Motives {
		if !motives[m.Code] {
			t.Errorf("no letter about %s", m.Code)
		}
	}
}

// Every text message must, too, and comes from a number kept for fiction.
func TestRulesSendEveryTextHome(t *testing.T) {
	_, book := rules(t)
	texts, calls, err := demo.Phones()
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 20 || len(calls) < 5 {
		t.Fatalf("%d texts, %d calls", len(texts), len(calls))
	}
	fiction := func(number string) bool {
		return len(number) == len("+33639980000") && (strings.HasPrefix(number, "+3363998") || strings.HasPrefix(number, "+33261910"))
	}
	for _, m := range texts {
		got := book.Decide(routing.Facts{Channel: "sms", Fallback: "accueil", Text: m.Text, Sender: m.From})
		if got.Department != m.Expect.Department || got.Motive != m.Expect.Motive {
			t.Errorf("%q: %s/%s by rule %q (%v), want %s/%s", m.Text, got.Department, got.Motive, got.Rule, got.Words, m.Expect.Department, m.Expect.Motive)
		}
		if !fiction(m.From) || !channels.CanText(m.From) {
			t.Errorf("%q: %s is nobody's", m.Text, m.From)
		}
	}
	for _, c := range calls {
		if c.From != "" && !fiction(c.From) {
			t.Errorf("%s is nobody's", c.From)
		}
	}
}

func TestLettersAreMails(t *testing.T) {
	letters, err := demo.Letters()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		raw, err := l.Mail(demo.Envelope{To: "contact@valmont.example", ID: "1@example.org", At: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatalf("%q: %v", l.Subject, err)
		}
		from, err := m.Header.AddressList("From")
		if err != nil || from[0].Address != l.From.Email {
			t.Errorf("%q: from %v, %v", l.Subject, from, err)
		}
	}
}

func TestTownHasEveryDepartmentOfTheContract(t *testing.T) {
	town, err := demo.Town()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("accueil etat-civil cimetieres population elections voirie eclairage proprete dechets espaces-verts urbanisme " +
		"domaine-public stationnement education petite-enfance finances ccas logement vie-associative reglementation eau police secretariat")
	var got []string
	visibility := map[string]ticketing.Visibility{}
	for _, d := range town.Departments {
		got = append(got, d.Code)
		visibility[d.Code] = d.Visibility
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("departments %v, want %v", got, want)
	}
	if visibility["ccas"] != ticketing.Hidden || visibility["police"] != ticketing.Sealed {
		t.Errorf("ccas is %s and police %s", visibility["ccas"], visibility["police"])
	}
}
