package email

import (
	"sort"
	"strconv"
	"strings"
)

// parseParams reads "type; name=value; …" as Content-Type and Content-Disposition have it (RFC 2045 5.1, RFC 2231): quoted, bare,
// continued, percent-encoded in any charset, or written as an encoded word. mime.ParseMediaType refuses the whole field for one
// blank in a file name and knows two charsets, so this reads what is there. The type comes in lower case and may be empty.
func parseParams(value string) (kind string, params map[string]string) {
	kind, rest, _ := strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if i := strings.IndexAny(kind, " \t("); i >= 0 {
		kind = kind[:i]
	}
	params = map[string]string{}
	var pieces []piece
	for _, item := range splitParams(rest) {
		name, v, ok := strings.Cut(item, "=")
		if !ok {
			continue
		}
		name, v = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(v)
		if p, ok := cutPiece(name, unquote(v)); ok {
			pieces = append(pieces, p)
		} else if _, double := params[name]; !double {
			params[name] = decodeWords(unquote(v))
		}
	}
	for name, v := range joinPieces(pieces) {
		params[name] = v
	}
	return kind, params
}

// splitParams cuts at semicolons outside quotes.
func splitParams(s string) []string {
	var items []string
	start, quoted := 0, false
	last := strings.LastIndexByte(s, '"')
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted && last > i
		case s[i] == ';' && !quoted:
			items = append(items, s[start:i])
			start = i + 1
		}
	}
	return append(items, s[start:])
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return strings.Trim(s, `"`)
	}
	s = s[1:]
	if i := strings.LastIndexByte(s, '"'); i >= 0 {
		s = s[:i]
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
}

// piece is one section of a parameter cut up as RFC 2231 3 allows: name*0*=, name*1=, or name*= alone.
type piece struct {
	name    string
	number  int
	encoded bool
	value   string
}

func cutPiece(name, value string) (piece, bool) {
	base, section, ok := strings.Cut(name, "*")
	if !ok || base == "" {
		return piece{}, false
	}
	p := piece{name: base, value: value}
	if section == "" {
		p.encoded = true
		return p, true
	}
	section, p.encoded = strings.CutSuffix(section, "*")
	n, err := strconv.Atoi(section)
	if err != nil || n < 0 {
		return piece{}, false
	}
	p.number = n
	return p, true
}

// joinPieces puts the sections of each parameter together and converts them from the charset the first one names.
func joinPieces(pieces []piece) map[string]string {
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].number < pieces[j].number })
	joined := map[string][]byte{}
	charsets := map[string]string{}
	for _, p := range pieces {
		v := p.value
		if p.encoded {
			if _, later := joined[p.name]; !later {
				if label, rest, ok := strings.Cut(v, "'"); ok {
					if _, text, ok := strings.Cut(rest, "'"); ok {
						charsets[p.name], v = label, text
					}
				}
			}
			v = percentDecode(v)
		}
		joined[p.name] = append(joined[p.name], v...)
	}
	params := make(map[string]string, len(joined))
	for name, b := range joined {
		params[name], _ = toUTF8(charsets[name], b)
	}
	return params
}

func percentDecode(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}
