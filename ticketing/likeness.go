package ticketing

import (
	"cmp"
	"slices"
	"strings"

	"guichet/routing/words"
)

// Likeness is a record that may be the same person's as another, how likely, and why.
type Likeness struct {
	Citizen Citizen
	Score   int      // 0–100
	Reasons []string // stable words, as WhySameEmail; what speaks against it is among them
}

// Why two records may be, or are hardly, the same person's.
const (
	WhySameEmail        = "same_email"
	WhySamePhone        = "same_phone"
	WhySameNameAndBirth = "same_name_and_birth_date"
	WhySameName         = "same_name"
	WhyCloseName        = "close_name"       // but for a typing error, a second given name, the order, how it is heard
	WhySameFamilyName   = "same_family_name" // one of them has no given name
	WhySameBirth        = "same_birth_date"
	WhySameAddress      = "same_address"
	WhySameSIRET        = "same_siret"
	WhySameSIREN        = "same_siren"
	WhySameRNA          = "same_rna"
	WhyDifferentName    = "different_name"
	WhyDifferentGiven   = "different_given_name"
	WhyDifferentBirth   = "different_birth_date"
	WhyDifferentSIREN   = "different_siren"
)

// LikenessReasons lists them: what speaks for it, then what speaks against it.
func LikenessReasons() []string {
	return []string{
		WhySameNameAndBirth, WhySameSIRET, WhySameRNA, WhySameSIREN, WhySameEmail, WhySameBirth, WhySamePhone, WhySameName, WhyCloseName, WhySameAddress,
		WhySameFamilyName, WhyDifferentName, WhyDifferentGiven, WhyDifferentBirth, WhyDifferentSIREN,
	}
}

// SpeaksAgainst tells whether a reason makes it less likely that two records are the same person's.
func SpeaksAgainst(reason string) bool {
	points, _ := weight(reason)
	return points < 0
}

// weight is what a reason adds to a score, and the highest score that leaves.
func weight(reason string) (points, ceiling int) {
	switch reason {
	case WhySameSIRET, WhySameRNA, WhySameNameAndBirth:
		return 90, 100
	case WhySameSIREN:
		return 75, 100
	case WhySameEmail:
		return 50, 100
	case WhySameBirth:
		return 45, 100
	case WhySamePhone, WhySameName:
		return 40, 100
	case WhyCloseName:
		return 30, 100
	case WhySameAddress:
		return 25, 100
	case WhySameFamilyName:
		return 15, 100
	case WhyDifferentName:
		return -30, 60
	case WhyDifferentGiven, WhyDifferentSIREN:
		return -50, 50
	case WhyDifferentBirth:
		return -40, 60
	}
	return 0, 100
}

// proposedFrom is the lowest score of somebody who is proposed: no household's number, no birthday and no family name reaches it alone.
const proposedFrom = 25

// maxProposed is how many records are proposed at most.
const maxProposed = 20

// Liken compares two records.
func Liken(a, b Citizen) (score int, reasons []string) {
	reasons = slices.Concat(likeContacts(a, b), likeNumbers(a, b), likeIdentity(a, b))
	if slices.ContainsFunc(a.Addresses, func(x PostalAddress) bool {
		return slices.ContainsFunc(b.Addresses, func(y PostalAddress) bool { return x.Street != "" && FoldPlace(x) == FoldPlace(y) })
	}) {
		reasons = append(reasons, WhySameAddress)
	}
	highest := 100
	for _, r := range reasons {
		points, ceiling := weight(r)
		score, highest = score+points, min(highest, ceiling)
	}
	return max(0, min(score, highest)), reasons
}

// propose gives the records likest to one, the likeliest first.
func propose(c Citizen, found []Citizen, not map[string]bool) []Likeness {
	list := []Likeness{}
	for _, other := range found {
		if other.ID == c.ID || not[other.ID] {
			continue
		}
		if score, reasons := Liken(c, other); score >= proposedFrom {
			list = append(list, Likeness{Citizen: other, Score: score, Reasons: reasons})
		}
	}
	slices.SortFunc(list, func(x, y Likeness) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Citizen.ID, y.Citizen.ID))
	})
	return list[:min(len(list), maxProposed)]
}

// likeContacts tells which ways to reach them two records share. A number marked as a household's says nothing.
func likeContacts(a, b Citizen) (reasons []string) {
	for _, kind := range []struct{ contact, reason string }{{"email", WhySameEmail}, {"phone", WhySamePhone}} {
		if slices.ContainsFunc(a.Contacts, func(x Contact) bool {
			return slices.ContainsFunc(b.Contacts, func(y Contact) bool {
				shared := strings.EqualFold(x.Label, household) || strings.EqualFold(y.Label, household)
				return x.Type == kind.contact && y.Type == x.Type && x.Value == y.Value && !shared
			})
		}) {
			reasons = append(reasons, kind.reason)
		}
	}
	return reasons
}

// likeNumbers compares the numbers of organisations.
func likeNumbers(a, b Citizen) (reasons []string) {
	switch {
	case a.SIRET != "" && a.SIRET == b.SIRET:
		reasons = append(reasons, WhySameSIRET)
	case a.SIREN != "" && a.SIREN == b.SIREN:
		reasons = append(reasons, WhySameSIREN)
	case a.SIREN != "" && b.SIREN != "":
		reasons = append(reasons, WhyDifferentSIREN)
	}
	if a.RNA != "" && a.RNA == b.RNA {
		reasons = append(reasons, WhySameRNA)
	}
	return reasons
}

// likeIdentity compares names and days of birth.
func likeIdentity(a, b Citizen) (reasons []string) {
	name := likeName(a, b)
	born := ""
	if a.BirthDate != "" && b.BirthDate != "" {
		born = WhyDifferentBirth
		if a.BirthDate == b.BirthDate {
			born = WhySameBirth
		}
	}
	if name == WhySameName && born == WhySameBirth {
		return []string{WhySameNameAndBirth}
	}
	return unique([]string{name, born})
}

// How much two names are alike.
type closeness int

const (
	apart closeness = iota
	near
	equal
)

// likeName compares two names; empty: they say nothing.
func likeName(a, b Citizen) string {
	if isOrganisation(a) || isOrganisation(b) {
		x, y := organisationOf(a), organisationOf(b)
		if x == "" || y == "" {
			return ""
		}
		return [...]string{apart: WhyDifferentName, near: WhyCloseName, equal: WhySameName}[likeWord(x, y)]
	}
	family, straight, crossed := apart, apart, apart
	for _, x := range unique([]string{a.FamilyName, a.UsageName}) {
		for _, y := range unique([]string{b.FamilyName, b.UsageName}) {
			f := likeFamily(x, y)
			family, straight = max(family, f), max(straight, min(f, likeGiven(a.GivenName, b.GivenName)))
			crossed = max(crossed, min(likeFamily(x, b.GivenName), likeFamily(a.GivenName, y)))
		}
	}
	switch best := max(straight, crossed); {
	case best == equal:
		return WhySameName
	case best == near:
		return WhyCloseName
	case joined(a.GivenName) == "" || joined(b.GivenName) == "":
		if family == equal {
			return WhySameFamilyName
		}
		return ""
	case family != apart:
		return WhyDifferentGiven
	case joined(a.FamilyName+a.UsageName) == "" || joined(b.FamilyName+b.UsageName) == "":
		return ""
	}
	return WhyDifferentName
}

func organisationOf(c Citizen) string {
	if isOrganisation(c) {
		return organisationName(c.Organisation)
	}
	return organisationName(c.Name())
}

// likeFamily compares family names, however their particles are written.
func likeFamily(x, y string) closeness {
	if joined(x) == "" || joined(y) == "" {
		return apart
	}
	if joined(x) == joined(y) {
		return equal
	}
	best := apart
	for _, one := range familyForms(x) {
		for _, other := range familyForms(y) {
			if one == other {
				best = max(best, near)
			}
			best = max(best, min(near, likeWord(one, other)))
		}
	}
	if best == apart && (within(x, y) || within(y, x)) {
		best = near
	}
	return best
}

// within tells whether a family name is one half of a double one: Martin and Martin-Durand.
func within(one, double string) bool {
	parts := nameParts(double)
	return len(parts) > 1 && len(joined(one)) > 2 && slices.Contains(parts, joined(one))
}

// likeGiven compares given names: the usual one comes first, the others may be left out.
func likeGiven(x, y string) closeness {
	if joined(x) == "" || joined(y) == "" {
		return apart
	}
	first, second := joined(strings.Fields(x)[0]), joined(strings.Fields(y)[0])
	switch {
	case joined(x) == joined(y), first != "" && first == second:
		return equal
	case initial(first, second), initial(second, first):
		return near
	case nameParts(x)[0] == nameParts(y)[0]: // Marie and Marie-Anne
		return near
	}
	return min(near, likeWord(joined(x), joined(y)))
}

// initial tells whether one is the first letter of the other.
func initial(one, other string) bool { return len(one) == 1 && strings.HasPrefix(other, one) }

// likeWord compares two folded words: near are those that sound alike or differ by a typing error, or two when they are long.
func likeWord(x, y string) closeness {
	if x == y {
		return equal
	}
	if sound := words.Sound(x); sound != "" && sound == words.Sound(y) {
		return near
	}
	shorter := min(len([]rune(x)), len([]rune(y)))
	if errors := typingErrors(x, y); errors == 1 && shorter >= 4 || errors == 2 && shorter >= 8 {
		return near
	}
	return apart
}

// typingErrors counts how many letters must be added, left out, changed or swapped with their neighbour to make y of x (optimal string
// alignment). Names are compared as far as 60 letters.
func typingErrors(x, y string) int {
	a, b := []rune(clip(x, 60)), []rune(clip(y, 60))
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
