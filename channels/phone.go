package channels

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// ParsePhone reads a telephone number in any usual spelling and gives it in E.164 (ITU-T E.164). Region is two letters; it says how
// a number without a country is read. What follows the first letter ("poste 12") is an extension and is left out. Short codes
// (112, 3949), incomplete numbers and withheld ones are nobody's: ok is false. A number of the right length that no table knows is
// read: the tables lag, and the ranges kept for fiction are in none of them.
func ParsePhone(s, region string) (e164 string, ok bool) {
	if Withheld(s) {
		return "", false
	}
	if i := strings.IndexFunc(s, unicode.IsLetter); i >= 0 {
		s = s[:i]
	}
	number, ok := possible(s, region)
	if !ok || tooShort(s) || phonenumbers.IsValidShortNumber(number) {
		return "", false
	}
	if region == "FR" && (!phonenumbers.IsValidNumber(number) || sharedWithMayotte(number)) {
		number = overseas(s, number)
	}
	e164 = phonenumbers.Format(number, phonenumbers.E164)
	if again, ok := possible(e164, anyRegion); !ok || phonenumbers.Format(again, phonenumbers.E164) != e164 || Withheld(e164) {
		return "", false // zeros in front may be read as a prefix the second time: it would be two people's
	}
	return e164, true
}

// possible reads a number that has the full length of its country.
func possible(s, region string) (*phonenumbers.PhoneNumber, bool) {
	number, err := phonenumbers.Parse(s, region)
	return number, err == nil && phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE
}

// tooShort tells a number with fewer digits than any subscriber has. Where the tables allow nearly any length, as in Germany, they
// would take 110 for somebody's.
func tooShort(s string) bool {
	digits := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits < 6
}

// sharedWithMayotte tells a number the tables take for a metropolitan one although 0269 is Mayotte's.
func sharedWithMayotte(number *phonenumbers.PhoneNumber) bool {
	return number.GetCountryCode() == 33 && strings.HasPrefix(phonenumbers.GetNationalSignificantNumber(number), "269")
}

// overseas reads a number that is none of metropolitan France as the overseas departments do: they write theirs alike (0690, 0262,
// 0594), each under a country code of its own. A number that is valid in none of them stays what it was.
func overseas(s string, number *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	for _, region := range []string{"GP", "RE", "MQ", "GF", "YT"} {
		if there, ok := possible(s, region); ok && phonenumbers.IsValidNumberForRegion(there, region) {
			return there
		}
	}
	return number
}

// Withheld tells whether what stands where a number should be is a caller who shows none: nothing, a word, the address of a
// program, or one of the numbers Twilio puts in its place (the letters of the word on a keypad:
// https://www.twilio.com/docs/voice/twiml#request-parameters).
func Withheld(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "", "anonymous", "restricted", "blocked", "unknown", "unavailable", "private", "withheld":
		return true
	}
	for _, program := range []string{"client:", "sip:", "sips:"} {
		if strings.HasPrefix(s, program) {
			return true
		}
	}
	number := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "00") // exchanges leave the plus out
	return slices.Contains([]string{"266696687", "7378742833", "2562533", "8656696", "86282452253"}, number)
}

// CanText tells whether a text message may reach a number in E.164: it is a mobile's, or nobody knows whose. In the French plan the
// first digit decides, because the ranges kept for fiction are in no table.
func CanText(e164 string) bool {
	number, ok := possible(e164, anyRegion)
	if !ok || Withheld(e164) {
		return false
	}
	switch number.GetCountryCode() {
	case 33, 262, 590, 594, 596: // metropolitan France; Réunion and Mayotte; Guadeloupe; Guyane; Martinique
		first := phonenumbers.GetNationalSignificantNumber(number)[0]
		return first == '6' || first == '7'
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.UNKNOWN:
		return true
	default:
		return false
	}
}

// FormatPhone shows a number in E.164 as people of a region write it: without the country when it is theirs. What is no number is
// given back as it is.
func FormatPhone(e164, region string) string {
	number, ok := possible(e164, anyRegion)
	switch {
	case !ok:
		return e164
	case int(number.GetCountryCode()) == phonenumbers.GetCountryCodeForRegion(region):
		return phonenumbers.Format(number, phonenumbers.NATIONAL)
	default:
		return phonenumbers.Format(number, phonenumbers.INTERNATIONAL)
	}
}

// anyRegion is no region: a number is read with its country or not at all.
const anyRegion = "ZZ"
