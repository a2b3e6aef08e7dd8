package channels

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// ParsePhone reads a telephone number in any usual spelling and gives it in E.164 (ITU-T E.164). Region is two letters; it says how
// a number without a country is read. What follows the first letter ("poste 12") is an extension and is left out. Short codes
// (112, 3949) and incomplete numbers are nobody's: ok is false.
func ParsePhone(s, region string) (e164 string, ok bool) {
	if i := strings.IndexFunc(s, unicode.IsLetter); i >= 0 {
		s = s[:i]
	}
	number, err := phonenumbers.Parse(s, region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}
