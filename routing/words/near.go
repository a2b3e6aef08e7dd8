package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsCommon tells one of the short words that stand in nearly every text of their language (le, de, the, bonjour), folded.
func IsCommon(folded string) bool { return stopWord(folded) != "" }

// Folded returns the words of s, folded, each once and no longer than longest: what names and addresses are found by.
func Folded(s string) []string {
	var list []string
	for word := range Split(Fold(s)) {
		for len(word) > longest {
			_, size := utf8.DecodeLastRuneInString(word)
			word = word[:len(word)-size]
		}
		list = appendNew(list, word)
	}
	return list
}

// Near returns every word that is one slip of the finger away from a folded word: a letter left out, added, taken for another, or two
// of them swapped. Letters are those of the word's own script. A word of more than 40 letters is too long to be mistyped once.
func Near(word string) []string {
	letters := []rune(word)
	if len(letters) == 0 || len(letters) > 40 {
		return nil
	}
	alphabet := alphabetOf(letters[0])
	seen := map[string]bool{word: true}
	var near []string
	add := func(parts ...[]rune) {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(string(p))
		}
		if s := b.String(); s != "" && !seen[s] {
			seen[s] = true
			near = append(near, s)
		}
	}
	for i := range len(letters) + 1 {
		before, after := letters[:i], letters[i:]
		for _, letter := range alphabet {
			add(before, []rune{letter}, after)
		}
		if len(after) == 0 {
			break
		}
		add(before, after[1:])
		for _, letter := range alphabet {
			add(before, []rune{letter}, after[1:])
		}
		if len(after) > 1 {
			add(before, []rune{after[1], after[0]}, after[2:])
		}
	}
	return near
}

// alphabetOf is the letters of a script, folded. Scripts of very many letters have none: there a letter is added or replaced by no
// other.
func alphabetOf(letter rune) []rune {
	switch {
	case letter < utf8.RuneSelf:
		return []rune("abcdefghijklmnopqrstuvwxyz")
	case unicode.Is(unicode.Cyrillic, letter):
		return []rune("абвгдежзиклмнопрстуфхцчшщъыьэюя")
	case unicode.Is(unicode.Greek, letter):
		return []rune("αβγδεζηθικλμνξοπρσςτυφχψω")
	case unicode.Is(unicode.Arabic, letter):
		return []rune("ءابتثجحخدذرزسشصضطظعغفقكلمنهوي")
	}
	return nil
}
