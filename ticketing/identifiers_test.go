package ticketing_test

import (
	"testing"

	"guichet/ticketing"
)

func TestNumbersOfOrganisations(t *testing.T) {
	type clean func(string) (string, bool)
	for _, c := range []struct {
		what  string
		clean clean
		typed string
		want  string // empty: refused
	}{
		{"a SIREN", ticketing.CleanSIREN, "732 829 320", "732829320"},
		{"with a narrow space", ticketing.CleanSIREN, "732 829 320", "732829320"},
		{"a digit wrong", ticketing.CleanSIREN, "732829321", ""},
		{"two digits swapped", ticketing.CleanSIREN, "738229320", ""},
		{"too short", ticketing.CleanSIREN, "73282932", ""},
		{"letters", ticketing.CleanSIREN, "73282932O", ""},
		{"nothing", ticketing.CleanSIREN, "", ""},
		{"a SIRET", ticketing.CleanSIRET, "732 829 320 00074", "73282932000074"},
		{"a digit wrong", ticketing.CleanSIRET, "73282932000075", ""},
		{"a wrong SIREN under a right sum", ticketing.CleanSIRET, "73282932100073", ""},
		{"La Poste", ticketing.CleanSIRET, "35600000000048", "35600000000048"},
		{"La Poste, by the sum of digits", ticketing.CleanSIRET, "35600000049837", "35600000049837"},
		{"La Poste, wrong", ticketing.CleanSIRET, "35600000049838", ""},
		{"an association", ticketing.CleanRNA, "w691 234 567", "W691234567"},
		{"of Réunion", ticketing.CleanRNA, "W9R1234567", "W9R1234567"},
		{"without its letter", ticketing.CleanRNA, "691234567", ""},
		{"too long", ticketing.CleanRNA, "W6912345678", ""},
	} {
		got, ok := c.clean(c.typed)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s, %q: %q, %v", c.what, c.typed, got, ok)
		}
	}
}
