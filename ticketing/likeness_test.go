package ticketing_test

import (
	"slices"
	"strings"
	"testing"

	"guichet/ticketing"
)

// who is a record in few words.
type who struct {
	family, usage, given, born, email, phone, label, street, siren, siret, rna, organisation string
	kind                                                                                     ticketing.Kind
}

func (w who) citizen() ticketing.Citizen {
	c := ticketing.Citizen{
		Kind: w.kind, FamilyName: w.family, UsageName: w.usage, GivenName: w.given, BirthDate: w.born, Organisation: w.organisation, SIREN: w.siren, SIRET: w.siret, RNA: w.rna,
	}
	if c.Kind == "" {
		c.Kind = ticketing.Person
	}
	if w.email != "" {
		c.Contacts = append(c.Contacts, ticketing.Contact{Type: "email", Value: w.email})
	}
	if w.phone != "" {
		c.Contacts = append(c.Contacts, ticketing.Contact{Type: "phone", Value: w.phone, Label: w.label})
	}
	if w.street != "" {
		c.Addresses = append(c.Addresses, ticketing.PostalAddress{Street: w.street, Postcode: "99000", City: "Valmont"})
	}
	return c
}

// TestLiken has a case for each rule. A score under 25 is not proposed.
func TestLiken(t *testing.T) {
	const company, association = ticketing.Company, ticketing.Association
	given := map[string]bool{}
	for _, c := range []struct {
		rule    string
		a, b    who
		reasons string
		score   int
	}{
		{"the same e-mail address", who{email: "a@example.org"}, who{email: "a@example.org"}, "same_email", 50},
		{"the same number", who{phone: "+33639980001"}, who{phone: "+33639980001"}, "same_phone", 40},
		{"a household's number", who{phone: "+33139980001", label: "foyer"}, who{phone: "+33139980001"}, "", 0},
		{"an e-mail address is no number", who{email: "+33639980001"}, who{phone: "+33639980001"}, "", 0},
		{"name and birth date", who{family: "Perrin", given: "Anne", born: "1961-03-04"}, who{family: "PERRIN", given: "anne", born: "1961-03-04"}, "same_name_and_birth_date", 90},
		{"another birth date", who{family: "Perrin", given: "Anne", born: "1961-03-04"}, who{family: "Perrin", given: "Anne", born: "1991-03-04"}, "same_name different_birth_date", 0},
		{"another birth date weighs more than an address and a number", who{family: "Perrin", given: "Anne", born: "1961-03-04", phone: "+33639980001", street: "2 rue Basse"}, who{family: "Perrin", given: "Anne", born: "1991-03-04", phone: "+33639980001", street: "2 rue Basse"}, "same_phone same_name different_birth_date same_address", 60},
		{"accents", who{family: "Lefèvre", given: "Zoé"}, who{family: "LEFEVRE", given: "Zoe"}, "same_name", 40},
		{"ligatures and apostrophes", who{family: "D’Œuvray", given: "Anne"}, who{family: "D'OEUVRAY", given: "Anne"}, "same_name", 40},
		{"particles in one word or two", who{family: "Le Goff", given: "Yann"}, who{family: "Legoff", given: "Yann"}, "same_name", 40},
		{"de and d' left out", who{family: "d'Estaing", given: "Anne"}, who{family: "Estaing", given: "Anne"}, "close_name", 30},
		{"de la left out", who{family: "de La Tour", given: "Anne"}, who{family: "Latour", given: "Anne"}, "close_name", 30},
		{"a particle glued to the name", who{family: "Delatour", given: "Anne"}, who{family: "Latour", given: "Anne"}, "close_name", 30},
		{"double given names", who{family: "Perrin", given: "Marie-Anne"}, who{family: "Perrin", given: "Marie Anne"}, "same_name", 40},
		{"further given names", who{family: "Perrin", given: "Anne Louise Marie"}, who{family: "Perrin", given: "Anne"}, "same_name", 40},
		{"half of a double given name", who{family: "Perrin", given: "Marie-Anne"}, who{family: "Perrin", given: "Marie"}, "close_name", 30},
		{"half of a double family name", who{family: "Martin-Durand", given: "Anne"}, who{family: "Durand", given: "Anne"}, "close_name", 30},
		{"an initial", who{family: "Perrin", given: "A."}, who{family: "Perrin", given: "Anne"}, "close_name", 30},
		{"birth name and usage name", who{family: "Perrin", usage: "Lefèvre", given: "Anne"}, who{family: "Lefèvre", given: "Anne"}, "same_name", 40},
		{"usage name and birth name", who{family: "Lefèvre", given: "Anne"}, who{family: "Perrin", usage: "Lefèvre", given: "Anne"}, "same_name", 40},
		{"given and family name swapped", who{family: "Anne", given: "Perrin"}, who{family: "Perrin", given: "Anne"}, "same_name", 40},
		{"heard alike", who{family: "Lefebvre", given: "Katherine"}, who{family: "Lefèvre", given: "Catherine"}, "close_name", 30},
		{"a typing error", who{family: "Perrni", given: "Anne"}, who{family: "Perrin", given: "Anne"}, "close_name", 30},
		{"two errors in a long name", who{family: "Vandenbroucke", given: "Anne"}, who{family: "Vandenbruke", given: "Anne"}, "close_name", 30},
		{"a short name forgives none", who{family: "Roy", given: "Luc"}, who{family: "Ray", given: "Luc"}, "different_name", 0},
		{"a close name and the birth date", who{family: "Perrni", given: "Anne", born: "1961-03-04"}, who{family: "Perrin", given: "Anne", born: "1961-03-04"}, "close_name same_birth_date", 75},
		{"a close name and the address", who{family: "Perrni", given: "Anne", street: "18 avenue Foch"}, who{family: "Perrin", given: "Anne", street: "18 AVENUE FOCH"}, "close_name same_address", 55},
		{"an address alone", who{street: "18 avenue Foch"}, who{street: "18 avenue Foch"}, "same_address", 25},
		{"a family name alone", who{family: "Perrin"}, who{family: "Perrin", given: "Anne"}, "same_family_name", 15},
		{"a family at home", who{family: "Perrin", given: "Anne", street: "2 rue Basse"}, who{family: "Perrin", given: "Paul", street: "2 rue Basse"}, "different_given_name same_address", 0},
		{"twins", who{family: "Perrin", given: "Anne", born: "2015-01-01", street: "2 rue Basse"}, who{family: "Perrin", given: "Lola", born: "2015-01-01", street: "2 rue Basse"}, "different_given_name same_birth_date same_address", 20},
		{"a couple with one address", who{family: "Perrin", given: "Anne", email: "nous@example.org"}, who{family: "Perrin", given: "Paul", email: "nous@example.org"}, "same_email different_given_name", 0},
		{"strangers with one number", who{family: "Perrin", given: "Anne", phone: "+33639980001"}, who{family: "Roux", given: "Paul", phone: "+33639980001"}, "same_phone different_name", 10},
		{"somebody who left no name", who{phone: "+33639980001"}, who{family: "Perrin", given: "Anne", phone: "+33639980001"}, "same_phone", 40},
		{"a birthday says nothing", who{family: "Perrin", given: "Anne", born: "1961-03-04"}, who{family: "Roux", given: "Paul", born: "1961-03-04"}, "different_name same_birth_date", 15},
		{"SIRET", who{kind: company, organisation: "A", siren: "732829320", siret: "73282932000074"}, who{kind: company, organisation: "Zebra", siren: "732829320", siret: "73282932000074"}, "same_siret different_name", 60},
		{"SIREN and name", who{kind: company, organisation: "Dupont SARL", siren: "732829320"}, who{kind: company, organisation: "Sté Dupont", siren: "732829320"}, "same_siren same_name", 100},
		{"another SIREN", who{kind: company, organisation: "Dupont", siren: "732829320"}, who{kind: company, organisation: "Dupont", siren: "356000000"}, "different_siren same_name", 0},
		{"RNA", who{kind: association, organisation: "Judo Club", rna: "W691234567"}, who{kind: association, organisation: "Judo-Club de Valmont", rna: "W691234567"}, "same_rna different_name", 60},
		{"legal forms", who{kind: company, organisation: "SARL Les Établissements Perrin & Cie"}, who{kind: company, organisation: "PERRIN S.A.R.L."}, "same_name", 40},
		{"an organisation taken for a person", who{family: "APE de l'école"}, who{kind: association, organisation: "APE de l’École"}, "same_name", 40},
		{"other scripts", who{family: "Лебедев", given: "Анна"}, who{family: "ЛЕБЕДЕВ", given: "анна"}, "same_name", 40},
		{"nothing at all", who{}, who{}, "", 0},
		{"only signs", who{family: "-", given: "'"}, who{family: "…", given: "."}, "", 0},
	} {
		for _, turn := range [][2]who{{c.a, c.b}, {c.b, c.a}} {
			score, reasons := ticketing.Liken(turn[0].citizen(), turn[1].citizen())
			for _, reason := range reasons {
				given[reason] = true
			}
			if got := strings.Join(reasons, " "); got != c.reasons || score != c.score {
				t.Errorf("%s: %d %q, want %d %q", c.rule, score, got, c.score, c.reasons)
			}
		}
	}
	for _, reason := range ticketing.LikenessReasons() {
		if !given[reason] {
			t.Errorf("nothing gives the reason %s", reason)
		}
		if against := strings.HasPrefix(reason, "different_"); ticketing.SpeaksAgainst(reason) != against {
			t.Errorf("%s speaks against: %v", reason, !against)
		}
		delete(given, reason)
	}
	if len(given) > 0 {
		t.Errorf("reasons that are not listed: %v", given)
	}
}

func TestDuplicatesAreFoundAndToldApart(t *testing.T) {
	eachHall(t, func(h *hall) {
		named := func(family, given string, change ...func(*ticketing.CitizenDraft)) ticketing.Citizen {
			return h.person(func(w *ticketing.CitizenDraft) {
				w.Family, w.Given = family, given
				for _, c := range change {
					c(w)
				}
			})
		}
		alike := func(id string) (found []string) {
			list, err := h.reader.Duplicates(t.Context(), h.actor("agent"), id)
			h.must(err)
			for _, l := range list {
				found = append(found, l.Citizen.ID)
			}
			return found
		}
		usage := func(name string) func(*ticketing.CitizenDraft) {
			return func(w *ticketing.CitizenDraft) { w.Usage = name }
		}
		born := func(w *ticketing.CitizenDraft) { w.BirthDate = "1961-03-04" }
		lives := func(w *ticketing.CitizenDraft) {
			w.Addresses = []ticketing.PostalAddress{{Street: "18 avenue Foch", Postcode: "99000", City: "Valmont"}}
		}
		for what, pair := range map[string][2]ticketing.Citizen{
			"sound":            {named("Lefèvre", "Zoé"), named("LEFEBVRE", "Zoe")},
			"usage name":       {named("Thibault", "Anne", usage("Moreau")), named("Moreau", "Anne")},
			"two usage names":  {named("Garnier", "Anne", usage("Blanc")), named("Faure", "Anne", usage("Blanc"))},
			"swapped":          {named("Henri", "Gauthier"), named("Gauthier", "Henri")},
			"particle":         {named("de La Tour", "Guy"), named("Delatour", "Guy")},
			"birth date":       {named("Vandenbroucke", "Luc", born), named("Vandenbruke", "Luc", born)},
			"name and address": {named("Chevalier", "Luc", lives), named("Chevaleir", "Luc", lives)},
			"company for person": {named("Menuiserie Colin", ""), h.person(func(w *ticketing.CitizenDraft) {
				w.Kind, w.Family, w.Given, w.Organisation = ticketing.Company, "", "", "Menuiserie Colin SARL"
			})},
		} {
			for i, c := range pair {
				if !slices.Contains(alike(c.ID), pair[1-i].ID) {
					t.Errorf("%s: %q is not proposed for %q", what, pair[1-i].Name(), c.Name())
				}
			}
		}
		a, b, c := named("Rousseau", "Inès"), named("Rousso", "Ines"), named("Rousseau", "Ines")
		h.must(h.registry().Distinguish(t.Context(), h.actor("agent"), a.ID, b.ID))
		h.must(h.registry().Distinguish(t.Context(), h.actor("agent"), b.ID, a.ID))
		if got := alike(a.ID); !slices.Equal(got, []string{c.ID}) {
			t.Errorf("told apart: %v", got)
		}
		if got := alike(b.ID); !slices.Equal(got, []string{c.ID}) {
			t.Errorf("told apart: %v", got)
		}
		m := h.merge(c.ID, b.ID)
		if got := alike(a.ID); len(got) != 0 {
			t.Errorf("what b was told apart from, so is what b lives on in: %v", got)
		}
		if got := alike(b.ID); len(got) != 0 {
			t.Errorf("a merged record is no candidate of itself: %v", got)
		}
		h.undo(m)
		h.mustRefuse("itself", h.registry().Distinguish(t.Context(), h.actor("agent"), a.ID, a.ID), ticketing.CodeInvalid, "the_same")
	})
}

// FuzzLiken compares any names: it never panics, and does not ask which comes first.
func FuzzLiken(f *testing.F) {
	f.Add("de La Tour", "Anne", "DELATOUR", "A.")
	f.Add("-", "'", "\xff", "李")
	f.Fuzz(func(t *testing.T, family, given, otherFamily, otherGiven string) {
		a, b := who{family: family, given: given}.citizen(), who{family: otherFamily, given: otherGiven}.citizen()
		score, _ := ticketing.Liken(a, b)
		if back, _ := ticketing.Liken(b, a); back != score || score < 0 || score > 100 {
			t.Errorf("%d and %d", score, back)
		}
		ticketing.Sounds(a)
	})
}
