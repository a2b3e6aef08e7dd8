package ticketing

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guichet/channels"
)

// Writer gives the address of the person a message is from: the sender, or, for the town's own web form, the first one answers
// are wanted by. The value is in lower case; it is empty when nobody could be read.
func Writer(in channels.Inbound) channels.Address {
	a := in.From
	if in.FormSender && len(in.ReplyTo) > 0 {
		a = in.ReplyTo[0]
	}
	a.Value = strings.ToLower(strings.TrimSpace(a.Value))
	return a
}

// newCitizen makes the record of somebody who writes for the first time.
func newCitizen(from channels.Address, language string, now time.Time) (Citizen, Contact) {
	given, family := SplitName(from.Name)
	c := Citizen{
		ID: NewID(), Version: 1, Kind: Person, FamilyName: clip(family, 200), GivenName: clip(given, 200),
		Language: language, Provisional: true, CreatedAt: now, UpdatedAt: now, LastContactAt: &now,
	}
	return c, Contact{
		ID: NewID(), CitizenID: c.ID, Type: contactType(from.Value), Value: from.Value, Verified: true, VerifiedHow: VerifiedByUse, VerifiedAt: &now,
		Claims: true, CreatedAt: now,
	}
}

// contactType tells a telephone number in E.164 from an e-mail address.
func contactType(value string) string {
	if strings.HasPrefix(value, "+") && !strings.Contains(value, "@") {
		return "phone"
	}
	return "email"
}

// household labels a number several people answer.
const household = "foyer"

// Decides tells who a number is, by the records that have it. A number may be a household's: only one that a single record has, and
// that is not marked as shared, says who calls. Else the records are proposed to an agent.
func Decides(owners []PhoneOwner) (Citizen, bool) {
	if len(owners) != 1 || strings.EqualFold(owners[0].Label, household) {
		return Citizen{}, false
	}
	return owners[0].Citizen, true
}

// SplitName guesses given and family name from a display name: "Anne Perrin", "PERRIN Anne", "Perrin, Anne". A single word, or
// an address written in place of a name, is the family name.
func SplitName(display string) (given, family string) {
	display = strings.Join(strings.Fields(strings.Trim(display, `"' `)), " ")
	if before, after, ok := strings.Cut(display, ","); ok {
		return strings.TrimSpace(after), strings.TrimSpace(before)
	}
	words := strings.Fields(display)
	if len(words) < 2 {
		return "", display
	}
	if isUpper(words[0]) && !isUpper(words[len(words)-1]) { // French administrations write the family name first, in capitals
		n := 1
		for isUpper(words[n]) {
			n++
		}
		if first, _ := utf8.DecodeRuneInString(words[n]); unicode.IsLower(first) { // "APE de l’école": no person is called so
			return "", display
		}
		return strings.Join(words[n:], " "), strings.Join(words[:n], " ")
	}
	return words[0], strings.Join(words[1:], " ")
}

func isUpper(word string) bool {
	letters := 0
	for _, r := range word {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	return letters > 1
}
