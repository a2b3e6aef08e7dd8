// Package words makes French and English words comparable: it folds letters, cuts text into words and reduces words to stems, so
// that "Éclairage", "eclairage" and "éclairages" are one thing, typed on whatever keyboard. It is a leaf: text in, text out.
package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns s in lower case, without accents, with ligatures spelled out (œ becomes oe) and with one kind of apostrophe.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || ('A' <= c && c <= 'Z') {
			return string(AppendFold(make([]byte, 0, len(s)+8), s))
		}
	}
	return s
}

// latin is À to ÿ folded, where one letter does: what nearly all French text needs.
const latin = "aaaaaa ceeeeiiii nooooo  uuuuy  aaaaaa ceeeeiiii nooooo  uuuuy y"

// AppendFold appends Fold(s) to dst, for callers that fold many words and keep few.
func AppendFold(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if 'À' <= r && r <= 'ÿ' && latin[r-'À'] != ' ' {
			dst = append(dst, latin[r-'À'])
		} else {
			dst = appendFoldRune(dst, s[i:i+size])
		}
		i += size
	}
	return dst
}

// appendFoldRune appends one non-ASCII character, folded. Every character is decomposed on its own: as the marks are dropped, their
// order does not matter.
func appendFoldRune(dst []byte, char string) []byte {
	if parts := norm.NFKD.PropertiesString(char).Decomposition(); parts != nil {
		for _, r := range string(parts) {
			dst = appendLetter(dst, r)
		}
		return dst
	}
	r, _ := utf8.DecodeRuneInString(char)
	return appendLetter(dst, r)
}

// appendLetter appends a character that decomposes no further.
func appendLetter(dst []byte, r rune) []byte {
	switch r {
	case 'œ', 'Œ':
		return append(dst, "oe"...)
	case 'æ', 'Æ':
		return append(dst, "ae"...)
	case 'ß', 'ẞ':
		return append(dst, "ss"...)
	case 'ø', 'Ø':
		return append(dst, 'o')
	case 'ł', 'Ł':
		return append(dst, 'l')
	case 'đ', 'Đ', 'ð', 'Ð':
		return append(dst, 'd')
	case '’', '‘', 'ʼ', '′', '＇':
		return append(dst, '\'')
	}
	if unicode.Is(unicode.Mn, r) {
		return dst
	}
	return utf8.AppendRune(dst, unicode.ToLower(r))
}
