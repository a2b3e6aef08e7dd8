package words

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tokens returns the words of s in lower case, accents kept. Anything but letters and digits parts two words, and an elided article
// or pronoun is left out: "L'éclairage du rond-point" gives éclairage, du, rond, point.
func Tokens(s string) []string {
	var tokens []string
	for word := range Split(s) {
		tokens = append(tokens, lower(word))
	}
	return tokens
}

// Split yields the words Tokens returns as they stand in s, without copying them.
func Split(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := -1
		for i := 0; i < len(s); {
			r, size := rune(s[i]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRuneInString(s[i:])
			}
			switch {
			case isWordRune(r):
				if start < 0 {
					start = i
				}
			case start >= 0:
				if word := s[start:i]; !(isApostrophe(r) && isElided(word)) && !yield(word) {
					return
				}
				start = -1
			}
			i += size
		}
		if start >= 0 {
			yield(s[start:])
		}
	}
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mn, r)
}

func isApostrophe(r rune) bool {
	switch r {
	case '\'', '’', '‘', 'ʼ', '′', '＇':
		return true
	}
	return false
}

// isElided reports whether a word that stands before an apostrophe is one of the French elisions.
func isElided(word string) bool {
	switch len(word) {
	case 1:
		return strings.Contains("cdjlmnstCDJLMNST", word)
	case 2:
		return strings.EqualFold(word, "qu")
	}
	return false
}
