package ticketing

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TagSpam is what a new ticket is tagged with whose mail the receiving server took for unwanted.
const TagSpam = "spam"

// How many tags a ticket has at most, and how long one is, in characters.
const (
	maxTags      = 20
	maxTagLength = 50
)

// cleanTags writes tags as they are kept: in lower case, single spaces, each once, in the order they were given.
func cleanTags(list []string) (Strings, error) {
	tags := Strings{}
	for _, tag := range list {
		tag = strings.ToLower(strings.Join(strings.Fields(tag), " "))
		switch {
		case tag == "" || slices.Contains(tags, tag):
			continue
		case utf8.RuneCountInString(tag) > maxTagLength:
			return nil, invalid("tags", "too_long")
		case !utf8.ValidString(tag) || strings.ContainsFunc(tag, func(r rune) bool { return unicode.IsControl(r) || r == ',' }):
			return nil, invalid("tags", "not_text")
		}
		tags = append(tags, tag)
	}
	if len(tags) > maxTags {
		return nil, invalid("tags", "too_many")
	}
	return tags, nil
}
