package words

import (
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/french"
	"golang.org/x/text/unicode/norm"
)

// Stem returns the French stem of one word, folded: "Inondées" and "inondation" give "inond". A word with a digit in it and the
// short common words of both languages have no other form than themselves.
func Stem(word string) string {
	if folded := Fold(word); isRigid(folded) {
		return folded
	}
	return trim(Fold(french.Stem(lower(word), true)))
}

// Keys returns what a word is looked up by: its stem, the stem of the word typed without accents, and its English stem, each once.
// Two words are the same for us when they share a key.
func Keys(word string) []string {
	folded := Fold(word)
	if isRigid(folded) {
		return []string{folded}
	}
	lowered := lower(word)
	keys := []string{trim(Fold(french.Stem(lowered, true)))}
	if folded != lowered {
		keys = appendNew(keys, trim(french.Stem(folded, true)))
	}
	return appendNew(keys, trim(english.Stem(folded, true)))
}

// longest is the longest word there is any sense in stemming; anticonstitutionnellement has 25 letters.
const longest = 64

// isRigid reports whether a folded word has one form only.
func isRigid(folded string) bool {
	return len(folded) > longest || stopWord(folded) != "" || strings.ContainsFunc(folded, unicode.IsNumber)
}

// lower returns a word as the stemmers know it: in lower case, each accent one with its letter.
func lower(word string) string { return norm.NFC.String(strings.ToLower(word)) }

func appendNew(keys []string, key string) []string {
	if slices.Contains(keys, key) {
		return keys
	}
	return append(keys, key)
}

// trim takes the e's off the end of a stem: the French stemmer leaves one on "inondees" that it takes off "inondées".
func trim(stem string) string {
	for len(stem) > 3 && stem[len(stem)-1] == 'e' {
		stem = stem[:len(stem)-1]
	}
	return stem
}
