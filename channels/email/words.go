package email

import (
	"encoding/base64"
	"strings"
)

// decodeWords decodes the encoded words of RFC 2047 in s, leniently: unknown charsets, blanks inside a word, missing padding and
// characters cut in two between adjacent words are all seen in the wild. What is no encoded word stays as it is.
func decodeWords(s string) string {
	var out strings.Builder
	var pending []byte // decoded bytes of adjacent words of one charset, converted together
	charset := ""
	flush := func() {
		if pending != nil {
			text, _ := toUTF8(charset, pending)
			out.WriteString(text)
			pending = nil
		}
	}
	tail := len(s) - strings.LastIndex(s, "?=") // what follows the last end of a word, and that end
	for {
		start := strings.Index(s, "=?")
		if start < 0 || len(s)-start <= tail || tail > len(s) {
			break
		}
		label, data, rest, ok := cutWord(s[start:])
		if !ok {
			flush()
			out.WriteString(s[:start+2])
			s = s[start+2:]
			continue
		}
		between := s[:start]
		if pending == nil || strings.TrimSpace(between) != "" {
			flush()
			out.WriteString(between)
		} else if !strings.EqualFold(label, charset) {
			flush()
		}
		charset = label
		pending = append(pending, data...)
		if pending == nil {
			pending = []byte{}
		}
		s = rest
	}
	flush()
	out.WriteString(s)
	return out.String()
}

// cutWord cuts one encoded word off s, which begins with "=?".
func cutWord(s string) (charset string, data []byte, rest string, ok bool) {
	const longestCharset = 64
	head := s[2:min(len(s), 2+longestCharset)]
	q := strings.IndexByte(head, '?')
	if q <= 0 || strings.ContainsAny(head[:q], " \t=") {
		return "", nil, "", false
	}
	charset, _, _ = strings.Cut(head[:q], "*") // RFC 2231 language
	after := s[2+q+1:]
	if len(after) < 2 || after[1] != '?' {
		return "", nil, "", false
	}
	text, rest, ok := strings.Cut(after[2:], "?=")
	if !ok {
		return "", nil, "", false
	}
	switch after[0] {
	case 'B', 'b':
		data, _ = lenientBase64([]byte(text))
	case 'Q', 'q':
		data, _ = lenientQuotedPrintable([]byte(strings.ReplaceAll(text, "_", " ")))
	default:
		return "", nil, "", false
	}
	return charset, data, rest, true
}

// lenientBase64 decodes what can be decoded: characters outside the alphabet are skipped (RFC 2045 6.8), padding ends the data, a
// cut last group gives the bytes it holds. clean is false when something had to be overlooked.
func lenientBase64(b []byte) (data []byte, clean bool) {
	clean = true
	kept := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			kept = append(kept, c)
			continue
		case c == ' ', c == '\t', c == '\r', c == '\n':
			continue
		case c == '=':
		default:
			clean = false
			continue
		}
		break
	}
	if len(kept)%4 == 1 {
		kept, clean = kept[:len(kept)-1], false
	}
	data = make([]byte, base64.RawStdEncoding.DecodedLen(len(kept)))
	n, err := base64.RawStdEncoding.Decode(data, kept)
	return data[:n], clean && err == nil
}

// lenientQuotedPrintable decodes RFC 2045 6.7 and keeps what is no valid escape as it stands.
func lenientQuotedPrintable(b []byte) (data []byte, clean bool) {
	clean = true
	data = make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			data = append(data, b[i])
			continue
		}
		if i+2 < len(b) {
			hi, lo := unhex(b[i+1]), unhex(b[i+2])
			if hi >= 0 && lo >= 0 {
				data = append(data, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		if end := softBreak(b[i+1:]); end >= 0 {
			i += end
			continue
		}
		clean = false
		data = append(data, '=')
	}
	return data, clean
}

// softBreak returns the length of blanks and line ending at the start of b, or -1 when b does not begin with them.
func softBreak(b []byte) int {
	for i, c := range b {
		switch c {
		case ' ', '\t', '\r':
		case '\n':
			return i + 1
		default:
			return -1
		}
	}
	return len(b)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
