package ticketing

import (
	"slices"
	"strings"
	"unicode"

	"guichet/routing/words"
)

// What names have in common however they are written: with or without accents, particles, hyphens and legal forms, in one word or two.

// nameParts is a name cut into folded words.
func nameParts(name string) []string {
	return strings.FieldsFunc(words.Fold(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// joined is a name as one word: "Le Goff", "LE-GOFF" and "Legoff" are legoff.
func joined(name string) string { return strings.Join(nameParts(name), "") }

// familyForms gives the ways a family name may be written as one word: as it is, without de, du and d', without le and la as well.
// One that is glued to its particle is given without it too: Delatour may be de La Tour. The first but one is how records are looked up.
func familyForms(name string) []string {
	parts := nameParts(name)
	whole := strings.Join(parts, "")
	rest := without(parts, "de", "du", "des", "d")
	forms := []string{whole, rest, without(parts, "de", "du", "des", "d", "le", "la", "les", "l")}
	for _, glued := range []string{"dela", "du", "de", "d"} {
		if tail, ok := strings.CutPrefix(whole, glued); ok && len(tail) > 3 && len(parts) == 1 {
			if glued == "dela" {
				tail = "la" + tail
			}
			forms = append(forms, tail)
			break
		}
	}
	return unique(forms)
}

// without joins the parts that are not particles. A name that has nothing else keeps them.
func without(parts []string, particles ...string) string {
	kept := slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return slices.Contains(particles, p) })
	if len(kept) == 0 {
		kept = parts
	}
	return strings.Join(kept, "")
}

func unique(list []string) (out []string) {
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// organisationName is the name of an organisation as one word, without its legal form.
func organisationName(name string) string {
	return without(nameParts(strings.ReplaceAll(name, ".", "")),
		"sarl", "sas", "sasu", "sa", "eurl", "sci", "snc", "scp", "selarl", "scop", "ei", "eirl", "association", "asso", "societe", "ste", "ets", "etablissements",
		"entreprise", "cie", "et", "de", "du", "des", "d", "la", "le", "les", "l")
}

// isOrganisation tells whether a record is known by the name of an organisation.
func isOrganisation(c Citizen) bool {
	return (c.Kind == Company || c.Kind == Association) && c.Organisation != ""
}

// Sounds gives the keys by which records that sound alike are found: of the name of civil status and of the name used in life, each
// with the beginning of the given name. Empty: there is no such name.
func Sounds(c Citizen) (birth, usage string) {
	if isOrganisation(c) {
		return soundKey("org", words.Sound(organisationName(c.Organisation))), ""
	}
	return personKey(c.FamilyName, c.GivenName), personKey(c.UsageName, c.GivenName)
}

func personKey(family, given string) string {
	parts := nameParts(family)
	return soundKey(firstSound(given), words.Sound(without(parts, "de", "du", "des", "d")))
}

func soundKey(first, name string) string {
	if name == "" {
		return ""
	}
	return name + "/" + first
}

// firstSound is how a given name begins to sound.
func firstSound(given string) string {
	parts := nameParts(given)
	if len(parts) == 0 {
		return ""
	}
	sound := []rune(words.Sound(parts[0]))
	return string(sound[:min(3, len(sound))])
}

// Traits are what records that may be the same person have in common.
type Traits struct {
	Contacts   []string // e-mail addresses and numbers
	Sounds     []string // as Sounds gives them
	BirthDates []string
	SIRENs     []string
	RNAs       []string
	Places     []string // addresses, folded as FoldPlace does
}

// FoldPlace writes an address as it is looked up: street, postcode and city, folded.
func FoldPlace(a PostalAddress) string { return words.Fold(a.Street + " " + a.Postcode + " " + a.City) }

// traitsOf are the traits of a record. The names it could go by are all there: birth name, usage name, given and family name swapped.
func traitsOf(c Citizen) Traits {
	var t Traits
	for _, k := range c.Contacts {
		t.Contacts = append(t.Contacts, k.Value)
	}
	birth, usage := Sounds(c)
	t.Sounds = []string{birth, usage}
	if !isOrganisation(c) {
		for _, family := range []string{c.FamilyName, c.UsageName} {
			for _, form := range familyForms(family) {
				t.Sounds = append(t.Sounds, personKey(form, c.GivenName))
			}
			t.Sounds = append(t.Sounds, personKey(c.GivenName, family))
		}
		t.Sounds = append(t.Sounds, soundKey("org", words.Sound(organisationName(c.Name()))))
	} else {
		t.Sounds = append(t.Sounds, personKey(organisationName(c.Organisation), ""))
	}
	for _, a := range c.Addresses {
		t.Places = append(t.Places, FoldPlace(a))
	}
	t.Contacts, t.Sounds, t.Places = unique(t.Contacts), unique(t.Sounds), unique(t.Places)
	t.BirthDates, t.SIRENs, t.RNAs = unique([]string{c.BirthDate}), unique([]string{c.SIREN}), unique([]string{c.RNA})
	return t
}
