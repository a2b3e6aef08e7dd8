package ticketing

import (
	"regexp"
	"strings"
)

// The numbers by which the State knows a company or an association.

// laPoste is the SIREN whose establishments are checked by the plain sum of their digits (INSEE, "Le numéro SIRET").
const laPoste = "356000000"

// CleanSIREN gives the nine digits of a SIREN (Code de commerce, R123-221), typed with or without spaces. Its last digit is a check
// by Luhn's rule.
func CleanSIREN(s string) (string, bool) {
	s = bare(s)
	return s, len(s) == 9 && digitsOnly(s) && luhn(s)
}

// CleanSIRET gives the fourteen digits of a SIRET: the SIREN and the number of the establishment, whose last digit checks the whole.
func CleanSIRET(s string) (string, bool) {
	s = bare(s)
	if len(s) != 14 || !digitsOnly(s) || !luhn(s[:9]) {
		return s, false
	}
	if s[:9] == laPoste && sumOfDigits(s)%5 == 0 {
		return s, true
	}
	return s, luhn(s)
}

// rna is W, the office that keeps the register (three digits, or a digit, a letter and a digit for those made since 2009 of several),
// and six digits. It has no check digit.
var rna = regexp.MustCompile(`^W[0-9]([0-9]|[A-Z])[0-9][0-9]{6}$`)

// CleanRNA gives the number of an association in the Répertoire national des associations (arrêté du 14 octobre 2009).
func CleanRNA(s string) (string, bool) {
	s = strings.ToUpper(bare(s))
	return s, rna.MatchString(s)
}

func bare(s string) string {
	return strings.NewReplacer(" ", "", " ", "", " ", "", ".", "", "-", "").Replace(strings.TrimSpace(s))
}

func digitsOnly(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func sumOfDigits(s string) int {
	sum := 0
	for _, d := range s {
		sum += int(d - '0')
	}
	return sum
}

// luhn tells whether the digits, every second one from the right doubled, add up to a multiple of ten (ISO/IEC 7812-1, annex B).
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
