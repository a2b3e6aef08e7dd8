package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/textproto"
	"strings"
)

// Limits of one header block. A parser of somebody else's took 19 seconds over 189 KB of parameters; no honest mail comes near.
const (
	maxHeaderBytes = 256 << 10
	maxHeaderLines = 2000
)

// field is one header field: its name in canonical spelling and its value unfolded but otherwise as received.
type field struct {
	name  string
	value []byte
}

// head is the header block of a message or of a part, repaired where lines were broken.
type head struct {
	fields   []field
	repaired bool // a line was neither a field nor a continuation and was joined to the one before
	tooLarge bool // beyond maxHeaderBytes or maxHeaderLines; fields holds what came before
}

// readHead splits a message or a part at the first empty line and reads the fields before it. Text without any field a mail
// would have is taken for a body without header, so that nobody's words are lost.
func readHead(raw []byte) (head, []byte) {
	rest := raw
	if line, after := cutLine(raw); len(line) == 0 {
		return head{}, after
	}
	var h head
	known := false
	for size, lines := 0, 0; len(rest) > 0; lines++ {
		line, after := cutLine(rest)
		if len(line) == 0 {
			rest = after
			break
		}
		if size += len(rest) - len(after); size > maxHeaderBytes || lines >= maxHeaderLines {
			h.tooLarge = true
			rest = afterEmptyLine(rest)
			break
		}
		known = h.add(line, lines == 0) || known
		rest = after
	}
	if !known {
		return head{}, raw
	}
	return h, rest
}

// add takes one line into the header and reports whether it begins a field that only mail has.
func (h *head) add(line []byte, first bool) bool {
	last := len(h.fields) - 1
	name, value, ok := cutField(line)
	switch {
	case (line[0] == ' ' || line[0] == '\t') && last >= 0:
		h.fields[last].value = append(h.fields[last].value, line...)
	case ok:
		// The capacity is cut so that joining a continuation never writes into the original.
		h.fields = append(h.fields, field{name, value[:len(value):len(value)]})
		return isMailField(line)
	case first && bytes.HasPrefix(line, []byte("From ")):
		// The separator of an mbox file, left over by whoever delivered it.
	default:
		h.repaired = true
		if last >= 0 {
			h.fields[last].value = append(append(h.fields[last].value, ' '), line...)
		}
	}
	return false
}

// cutLine cuts the first line off b, without its line ending (CRLF or LF).
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// cutField splits a line into field name and value. It accepts blanks before the colon and nothing else RFC 5322 forbids.
func cutField(line []byte) (name string, value []byte, ok bool) {
	key, value, ok := bytes.Cut(line, []byte(":"))
	key = bytes.TrimRight(key, " \t")
	if !ok || len(key) == 0 {
		return "", nil, false
	}
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return "", nil, false
		}
	}
	return textproto.CanonicalMIMEHeaderKey(string(key)), value, true
}

// isMailField reports whether a line begins a field by which a header is told from a text.
func isMailField(line []byte) bool {
	name, _, ok := cutField(line)
	if !ok {
		return false
	}
	switch name {
	case "From", "To", "Cc", "Subject", "Date", "Message-Id", "Received", "Return-Path", "Delivered-To", "Sender", "Reply-To", "Mime-Version":
		return true
	}
	return strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "X-")
}

// afterEmptyLine returns what follows the first empty line of b.
func afterEmptyLine(b []byte) []byte {
	for len(b) > 0 {
		line, rest := cutLine(b)
		if len(line) == 0 {
			return rest
		}
		b = rest
	}
	return nil
}

// raw returns the first value of a field as received, without blanks around it; nil when the field is absent.
func (h head) raw(name string) []byte {
	for _, f := range h.fields {
		if strings.EqualFold(f.name, name) {
			return bytes.TrimSpace(f.value)
		}
	}
	return nil
}

// has reports whether the field is there, even empty.
func (h head) has(name string) bool { return h.raw(name) != nil }

// get returns the first value of a field with 8-bit bytes made UTF-8, encoded words untouched.
func (h head) get(name string) string { return repair(h.raw(name), "") }

// word returns the first value of a field in lower case, up to the first blank, semicolon or comment: "auto-replied (vacation)"
// gives "auto-replied".
func (h head) word(name string) string {
	v := strings.ToLower(h.get(name))
	if i := strings.IndexAny(v, " \t;(,"); i >= 0 {
		v = v[:i]
	}
	return v
}

// all returns every value of the named fields, in the order of the names, then of the header.
func (h head) all(names ...string) []string {
	var values []string
	for _, name := range names {
		for _, f := range h.fields {
			if strings.EqualFold(f.name, name) {
				values = append(values, repair(bytes.TrimSpace(f.value), ""))
			}
		}
	}
	return values
}

// key is what makes a mail the same when it is seen again: SHA-256 over the four fields its author wrote, as received, and all
// bytes after the header, because trace fields differ between copies and a Message-ID alone proves nothing.
func (h head) key(body []byte) string {
	sum := sha256.New()
	for _, name := range []string{"Message-Id", "Date", "From", "Subject"} {
		value := h.raw(name)
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(value))))
		sum.Write(value)
	}
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// messageIDs reads identifiers (RFC 5322 3.6.4) out of In-Reply-To and References, without angle brackets and repetitions. Where
// there are no brackets at all, words holding an @ are taken.
func messageIDs(values []string) []string {
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		id = strings.Join(strings.Fields(strings.Trim(id, "<>")), "")
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, v := range values {
		if !strings.Contains(v, "<") {
			for _, word := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" \t,;", r) }) {
				if strings.Contains(word, "@") {
					add(word)
				}
			}
			continue
		}
		for {
			_, after, found := strings.Cut(v, "<")
			if !found {
				break
			}
			id, rest, _ := strings.Cut(after, ">")
			add(id)
			v = rest
		}
	}
	return ids
}
