package channels

import (
	"strings"
	"testing"
)

func TestParsePhone(t *testing.T) {
	for _, c := range []struct{ text, region, want string }{
		{"06 39 98 00 01", "FR", "+33639980001"}, // kept for fiction
		{"01.99.00.12.34", "FR", "+33199001234"},
		{"02 61 91 00 10", "FR", "+33261910010"},
		{"03 53 01 00 00", "FR", "+33353010000"},
		{"04 65 71 00 00", "FR", "+33465710000"},
		{"05 36 49 00 00", "FR", "+33536490000"},
		{"+33 (0)6 39 98 00 01", "FR", "+33639980001"},
		{"0033639980001", "FR", "+33639980001"},
		{"06-39-98-00-01 poste 12", "FR", "+33639980001"},
		{"+32 470 12 34 56", "FR", "+32470123456"},
		{"0470 12 34 56", "BE", "+32470123456"},

		{"0690 12 34 56", "FR", "+590690123456"}, // Guadeloupe
		{"0590 20 12 34", "FR", "+590590201234"},
		{"06 92 12 34 56", "FR", "+262692123456"}, // Réunion
		{"0262 20 12 34", "FR", "+262262201234"},
		{"0696 20 12 34", "FR", "+596696201234"}, // Martinique
		{"0594 29 12 34", "FR", "+594594291234"}, // Guyane
		{"0694 20 12 34", "FR", "+594694201234"},
		{"0639 69 12 34", "FR", "+262639691234"}, // Mayotte
		{"0269 61 12 34", "FR", "+262269611234"},
		{"0692 12 34 56", "RE", "+262692123456"},
		{"+33 6 90 12 34 56", "FR", "+33690123456"}, // said to be metropolitan: believed

		{"3949", "FR", ""},
		{"112", "FR", ""},
		{"36180", "FR", ""},
		{"118 218", "FR", ""},
		{"110", "DE", ""},
		{"0000012000", "BA", ""}, // read again it would be another one
		{"06 39 98", "FR", ""},
		{"0639980001234", "FR", ""},
		{"poste 12", "FR", ""},
		{"", "FR", ""},
		{"anonymous", "FR", ""},
		{"+266696687", "FR", ""},
		{"00 266 696 687", "FR", ""},
		{"+7378742833", "FR", ""},
		{"+2562533", "FR", ""},
		{"+8656696", "FR", ""},
		{"+86282452253", "FR", ""},
		{"sip:0639980001@pbx", "FR", ""},
		{"client:0639980001", "FR", ""},
		{strings.Repeat("1", 10000), "FR", ""},
		{"\x00\xff", "FR", ""},
	} {
		got, ok := ParsePhone(c.text, c.region)
		if got != c.want && (ok || c.want != "") || ok != (c.want != "") {
			t.Errorf("ParsePhone(%.40q, %s) = %q, %v, want %q", c.text, c.region, got, ok, c.want)
		}
	}
}

func TestWithheld(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, " ": true, "Anonymous": true, "RESTRICTED": true, "blocked": true, "unknown": true, "unavailable": true, "private": true,
		"client:agent": true, "sip:a@b": true, "SIPS:a@b": true,
		"+266696687": true, "266696687": true, "00266696687": true, "+7378742833": true, "+2562533": true, "+8656696": true, "86282452253": true,
		"0266696687": false, "+33639980001": false, "3949": false, "unknown person": false, "client": false,
	} {
		if got := Withheld(text); got != want {
			t.Errorf("Withheld(%q) = %v", text, got)
		}
	}
}

func TestCanText(t *testing.T) {
	for number, want := range map[string]bool{
		"+33639980001": true, "+33712345678": true, "+590690123456": true, "+262639691234": true,
		"+32470123456": true, "+12015550123": true, // in America nobody can tell
		"+33261910010": false, "+33939000000": false, "+33800000000": false, "+262262201234": false, "+3222345678": false,
		"+266696687": false, "0639980001": false, "3949": false, "": false, "anonymous": false,
	} {
		if got := CanText(number); got != want {
			t.Errorf("CanText(%s) = %v", number, got)
		}
	}
}

func TestFormatPhone(t *testing.T) {
	for _, c := range []struct{ number, region, want string }{
		{"+33639980001", "FR", "06 39 98 00 01"},
		{"+33639980001", "BE", "+33 6 39 98 00 01"},
		{"+590690123456", "FR", "+590 690 12 34 56"},
		{"+590690123456", "GP", "0690 12 34 56"},
		{"3949", "FR", "3949"},
		{"", "FR", ""},
		{"anonymous", "FR", "anonymous"},
	} {
		if got := FormatPhone(c.number, c.region); got != c.want {
			t.Errorf("FormatPhone(%s, %s) = %q, want %q", c.number, c.region, got, c.want)
		}
	}
}

// FuzzParsePhone reads anything: what it takes for a number is one in E.164, is read again as itself, and is nobody's who withholds hers.
func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"06 39 98 00 01", "+33 (0)6 39 98 00 01 poste 12", "0692123456", "3949", "+266696687", "tel:+33-6;ext=4", "tel:+33639980001;ext=12", "＋３３", "anonymous", "０６３９９８０００１", "\x00\xff"} {
		f.Add(s, "FR")
	}
	f.Add("0470 12 34 56", "BE")
	f.Add("110", "DE")
	f.Fuzz(func(t *testing.T, s, region string) {
		e164, ok := ParsePhone(s, region)
		if !ok {
			if e164 != "" {
				t.Fatalf("refused, and %q", e164)
			}
			return
		}
		if len(e164) < 7 || len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Fatalf("%q is %q, no E.164", s, e164)
		}
		if again, ok := ParsePhone(e164, region); !ok || again != e164 {
			t.Errorf("%q is %q, which is %q, %v", s, e164, again, ok)
		}
		if Withheld(e164) {
			t.Errorf("%q is withheld", s)
		}
		FormatPhone(e164, region)
		CanText(e164)
	})
}
