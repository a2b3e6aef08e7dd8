package ticketing

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhatIsTypedToFindPeople(t *testing.T) {
	for text, want := range map[string]PeopleQuery{
		"":                  {},
		" …!? ":             {},
		"Anne  Lefèvre":     {Words: []string{"anne", "lefevre"}},
		"Ô’Brien":           {Words: []string{"o", "brien"}},
		"a b c d e f g h":   {Words: []string{"a", "b", "c", "d", "e", "f"}},
		"Anne@Example.org":  {Email: "anne@example.org"},
		"anne.lef":          {Email: "anne.lef", Words: []string{"anne", "lef"}},
		"06 39 98 00 01":    {Phone: "+33639980001", Digits: "639980001"},
		"+33 6 39 98 00 01": {Phone: "+33639980001", Digits: "33639980001"},
		"0001":              {Digits: "0001", Words: []string{"0001"}},
		"001":               {Words: []string{"001"}},
		"732 829 320":       {Phone: "+33732829320", Number: "732829320", Digits: "732829320"},
		"w691234567":        {Number: "W691234567", Words: []string{"w691234567"}},
		"100%_":             {Words: []string{"100"}},
		"anne\x00":          {Words: []string{"anne"}},
	} {
		if got := readPeople(text, "FR"); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

func FuzzReadPeople(f *testing.F) {
	f.Add("Ô'Brien 06.39 %_\x00 🌊 مرحبا @")
	f.Add("+33 (0)6 39 98 00 01")
	f.Fuzz(func(t *testing.T, text string) {
		q := readPeople(text, "FR")
		if len(q.Words) > maxWords || strings.Trim(q.Digits, "0123456789") != "" || q.Digits != "" && len(q.Digits) < minTail {
			t.Errorf("%q is read as %+v", text, q)
		}
		for _, w := range q.Words {
			if w == "" || len(w) > 64 || strings.ContainsRune(w, 0) || utf8.ValidString(text) && !utf8.ValidString(w) {
				t.Errorf("%q has the word %q", text, w)
			}
		}
	})
}

func TestPeopleCursors(t *testing.T) {
	mark := PeopleMark{Stage: StageNear, ID: NewID()}
	if got, err := readPeopleCursor(writePeopleCursor(mark)); err != nil || *got != mark {
		t.Errorf("%v became %v: %v", mark, got, err)
	}
	for _, cursor := range []string{"x", "e30", writePeopleCursor(PeopleMark{Stage: 9, ID: NewID()}), writePeopleCursor(PeopleMark{ID: "1"})} {
		if _, err := readPeopleCursor(cursor); err == nil {
			t.Errorf("%q is a cursor", cursor)
		}
	}
}
