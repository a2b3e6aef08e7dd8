package config

import (
	"reflect"
	"strings"
)

// The keys of a configuration are those of its structs: the tag names a key, the type says what may stand there. A list of structs
// is addressed by the name of its items, never by their position, so that a variable keeps its meaning when the list changes.

// prefix begins every variable of ours.
const prefix = "GUICHET_"

// item stands, in the path of a key, for the name of an item of a list.
const item = "*"

// list is a list of structs. Its maker is the key whose variable makes an item that only the environment speaks of: what no item
// can do without.
type list struct {
	path  string
	maker string
}

// lists are those there are.
func lists() []list {
	return []list{{"mailboxes", "address"}, {"twilio.lines", "number"}, {"cti", "token"}}
}

// key is one value of the configuration.
type key struct {
	path string // "http.listen", "mailboxes.*.imap.port"
	kind reflect.Type
}

// keys lists every value below a struct, in the order of its fields.
func keys(path string, t reflect.Type) []key {
	var all []key
	for _, field := range reflect.VisibleFields(t) {
		tag := field.Tag.Get("koanf")
		if tag == "" {
			continue
		}
		at := join(path, tag)
		switch {
		case field.Type.Kind() == reflect.Struct:
			all = append(all, keys(at, field.Type)...)
		case isList(field.Type):
			all = append(all, keys(join(at, item), field.Type.Elem())...)
		default:
			all = append(all, key{at, field.Type})
		}
	}
	return all
}

// field finds the field of a struct that a key names.
func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if name != "" && f.Tag.Get("koanf") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// isList tells a list of structs from a list of words, which is one value.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// join adds a name to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// variable is the name of a key, or of part of one, in the environment.
func variable(path string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return '_'
	}, path)
}

// nearest finds the right name most like a wrong one. The last part of a dotted name counts by itself as well, because a key put
// under the wrong heading is as common as one misspelt; being elsewhere costs as much as two wrong letters.
func nearest(wrong string, right []string) string {
	const elsewhere = 2
	best, least := "", -1
	for _, candidate := range right {
		cost := min(distance(wrong, candidate), distance(lastPart(wrong), lastPart(candidate))+elsewhere)
		if least < 0 || cost < least {
			best, least = candidate, cost
		}
	}
	return best
}

// lastPart is what follows the last dot.
func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// distance is Levenshtein's: how many letters must be added, removed or replaced. Capitals do not count.
func distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(to)+1) // row[j]: distance between the part of from seen so far and to[:j]
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			replaced := diagonal
			if r != s {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
