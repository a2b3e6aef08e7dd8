package email

import (
	"strings"
	"unicode"

	"guichet/channels"
)

// parseAddresses reads an address list (RFC 5322 3.4) and loses nobody: every entry is read by itself, so a bad one does not cost
// the others, as it does with net/mail. Groups are opened. An entry without an address keeps its name and has no Value.
func parseAddresses(list string) []channels.Address {
	var found []channels.Address
	for _, entry := range splitAddresses(list) {
		if a := parseAddress(entry); a != (channels.Address{}) {
			found = append(found, a)
		}
	}
	return found
}

// reachable keeps the entries that have an address.
func reachable(list []channels.Address) []channels.Address {
	var kept []channels.Address
	for _, a := range list {
		if a.Value != "" {
			kept = append(kept, a)
		}
	}
	return kept
}

// splitAddresses cuts a list at commas and semicolons that stand outside quotes, comments and angle brackets, and drops the names
// of groups ("Mairie: a@x, b@x;").
func splitAddresses(list string) []string {
	var entries []string
	start, comment := 0, 0
	quoted, angled := false, false
	// A quote or a bracket that nobody closes is a character like any other.
	lastQuote, lastAngle := strings.LastIndexByte(list, '"'), strings.LastIndexByte(list, '>')
	for i := 0; i < len(list); i++ {
		c := list[i]
		switch {
		case c == '\\':
			i++
		case quoted:
			quoted = c != '"'
		case angled:
			angled = c != '>'
		case c == '"' && comment == 0:
			quoted = lastQuote > i
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<':
			angled = lastAngle > i
		case c == ',', c == ';':
			entries = append(entries, list[start:i])
			start = i + 1
		case c == ':':
			start = i + 1
		}
	}
	return append(entries, list[min(start, len(list)):])
}

// parseAddress reads one entry: "Name <a@b>", "a@b (Name)", "a@b", or something that holds an address somewhere.
func parseAddress(entry string) channels.Address {
	plain, comment := cutComments(entry)
	name, value := plain, ""
	if i := strings.LastIndexByte(plain, '<'); i >= 0 {
		inside, after, _ := strings.Cut(plain[i+1:], ">")
		name, value = plain[:i], inside
		if strings.TrimSpace(name) == "" {
			name = after
		}
	}
	if value = cleanAddress(value); !strings.Contains(value, "@") {
		name, value = findAddress(name + " " + value)
	}
	if name = cleanName(name); name == "" {
		name = cleanName(comment)
	}
	if name == value {
		name = ""
	}
	return channels.Address{Name: name, Value: value}
}

// findAddress takes the last word that looks like an address out of a text and returns the rest as the name.
func findAddress(s string) (name, value string) {
	if i := strings.LastIndexByte(s, '"'); i >= 0 && strings.Contains(s[i:], "@") && !strings.HasPrefix(s[i:], `"@`) {
		if found := cleanAddress(s[i+1:]); strings.Contains(found, "@") {
			return s[:i+1], found
		}
	}
	if trimmed := strings.TrimSpace(s); strings.HasPrefix(trimmed, `"`) && strings.Contains(trimmed, `"@`) {
		return "", cleanAddress(trimmed) // a quoted local part: "jean dupont"@example.org
	}
	words := strings.Fields(s)
	for i := len(words) - 1; i >= 0; i-- {
		if at := strings.IndexByte(words[i], '@'); at > 0 && at < len(words[i])-1 {
			value = cleanAddress(words[i])
			return strings.Join(append(words[:i:i], words[i+1:]...), " "), value
		}
	}
	return s, ""
}

// cleanAddress strips what people and mailers put around an address.
func cleanAddress(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(strings.Trim(s, "<>'[],;"), "mailto:")
	if !strings.HasPrefix(s, `"`) {
		s = strings.Trim(s, `"`)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) && !strings.HasPrefix(s, `"`) {
			return -1
		}
		return r
	}, s)
}

// cleanName decodes a display name, strips its quotes and makes one line of it.
func cleanName(s string) string {
	s = strings.Trim(s, "<> \t\r\n")
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	s = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
	s = oneLine(decodeWords(s))
	return strings.TrimSpace(strings.Trim(s, `"'`))
}

// cutComments takes "(…)" outside quotes out of an entry and returns the last such comment.
func cutComments(s string) (plain, comment string) {
	if !strings.Contains(s, "(") {
		return s, ""
	}
	var out, in strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			if depth++; depth == 1 {
				in.Reset()
				continue
			}
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				continue
			}
		}
		if depth > 0 {
			in.WriteByte(c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String(), in.String()
}

// oneLine makes a single trimmed line of a header value: controls become blanks, runs of blanks one.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' || unicode.IsControl(r) }), " ")
}
