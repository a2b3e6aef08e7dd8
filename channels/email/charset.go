package email

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// toUTF8 converts b from the named charset. An unknown name is not an error: the text is then read as repair does, and known is
// false. The result is valid UTF-8 without NUL, which PostgreSQL refuses.
func toUTF8(label string, b []byte) (text string, known bool) {
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return repair(b, ""), true
	case "utf-7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7":
		return clean(decodeUTF7(b)), true
	case "iso-8859-1", "iso8859-1", "latin1", "latin-1":
		// Windows-1252 says the same and more: mailers that call it latin-1 mean the euro sign and curly quotes.
		return windows1252(b), true
	}
	r, err := charset.Reader(label, bytes.NewReader(b))
	if err != nil {
		return repair(b, ""), false
	}
	decoded, err := io.ReadAll(r)
	if err != nil {
		return repair(b, ""), false
	}
	return clean(string(decoded)), true
}

// repair makes UTF-8 of bytes whose charset nobody declared, or declared wrongly. Bytes that are not UTF-8 are read in the charset
// of hint (that of the body beside a raw header, say); without one, Windows-1252 when nothing in them looks like UTF-8.
func repair(b []byte, hint string) string {
	if utf8.Valid(b) {
		return clean(string(b))
	}
	switch strings.ToLower(hint) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	default:
		if text, known := toUTF8(hint, b); known {
			return text
		}
	}
	good, bad := 0, 0
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		rest = rest[n:]
	}
	if good >= bad {
		return clean(string(b))
	}
	return windows1252(b)
}

func windows1252(b []byte) string {
	var out strings.Builder
	out.Grow(len(b) + len(b)/8)
	for _, c := range b {
		if c != 0 {
			out.WriteRune(charmap.Windows1252.DecodeByte(c))
		}
	}
	return out.String()
}

// clean strips NUL and puts U+FFFD where text is not UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// decodeUTF7 decodes RFC 2152. x/text leaves UTF-7 out because browsers must not know it; mail still brings it.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i])
			continue
		}
		end := i + 1
		for end < len(b) && isBase64(b[end]) {
			end++
		}
		if end == i+1 { // "+-" is a plus
			out.WriteByte('+')
		} else {
			data, _ := lenientBase64(b[i+1 : end])
			units := make([]uint16, 0, len(data)/2)
			for j := 0; j+1 < len(data); j += 2 {
				units = append(units, uint16(data[j])<<8|uint16(data[j+1]))
			}
			out.WriteString(string(utf16.Decode(units)))
		}
		if end < len(b) && b[end] == '-' {
			end++
		}
		i = end - 1
	}
	return out.String()
}

func isBase64(c byte) bool {
	return c != '=' && bytes.IndexByte([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), c) >= 0
}
