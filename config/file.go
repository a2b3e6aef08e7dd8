package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads the YAML file. It goes through the nodes of the document instead of koanf's parser, because only they know on
// which line a key stands and how a value was written.
func (r *reader) readFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configuration %s: %w; give the right path with --config or GUICHET_CONFIG", path, cause(err))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil // nothing but comments
	case err != nil:
		return fmt.Errorf("%s: %s; correct the YAML there", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one YAML document; keep what stands before the line ---", path)
	}
	r.readStruct(path, "", "", document.Content[0], r.root)
	return nil
}

// readStruct reads a mapping. at is the path of its keys inside the layer, shown the same path in its owner's words.
func (r *reader) readStruct(file, at, shown string, node *yaml.Node, t reflect.Type) {
	if node = resolve(node); isNull(node) { // an empty document
		return
	}
	if node.Kind != yaml.MappingNode {
		r.problem("%s:%d: %s wants keys and values below it; see guichet.example.yaml", file, node.Line, orDocument(shown))
		return
	}
	given := map[string]int{} // the line that gives a value, directly or in a file of its own
	for i := 0; i < len(node.Content); i += 2 {
		name, line, value := node.Content[i].Value, node.Content[i].Line, resolve(node.Content[i+1])
		words := join(shown, name)
		base, inFile := strings.CutSuffix(name, "_file")
		f, known := field(t, base)
		if first, twice := given[base]; twice {
			r.problem("%s:%d: %s: line %d says it already; keep one of them", file, line, words, first)
			continue
		}
		given[base] = line

		path, where := join(at, base), fmt.Sprintf("%s:%d: %s", file, line, words)
		switch {
		case !known, inFile && (f.Type.Kind() == reflect.Struct || isList(f.Type)):
			r.problem("%s:%d: unknown key %s; the nearest right one is %s", file, line, words, nearest(words, keysAround(shown, t)))
		case isNull(value): // a key with nothing behind it keeps its default
		case f.Type.Kind() == reflect.Struct:
			r.readStruct(file, path, words, value, f.Type)
		case isList(f.Type):
			r.readList(file, path, words, value, f.Type.Elem())
		case inFile && value.Kind != yaml.ScalarNode:
			r.problem("%s wants the name of a file", where)
		case inFile:
			r.fromFile(r.file, path, where, value.Value, f.Type)
		default:
			r.readValue(path, where, value, f.Type)
		}
	}
}

// readList reads a list of structs, each of which must say its name. A line without one is called by its number.
func (r *reader) readList(file, list, shown string, node *yaml.Node, t reflect.Type) {
	if node.Kind != yaml.SequenceNode {
		r.problem("%s:%d: %s wants a list; begin each entry with a dash: - name: …", file, node.Line, shown)
		return
	}
	for _, entry := range node.Content {
		entry = resolve(entry)
		it := listItem{list: list, name: textOf(entry, "name")}
		if it.name == "" && list == "twilio.lines" {
			it.name = digits(textOf(entry, "number"))
		}
		if it.name == "" {
			r.problem("%s:%d: an entry of %s has no name; give it one: - name: …", file, entry.Line, shown)
			continue
		}
		if other, taken := r.item(it.path()); taken {
			r.problem("%s:%d: %s.%s is named like %s.%s, which stands above; variables could not tell them apart, rename one",
				file, entry.Line, shown, it.name, shown, other.name)
			continue
		}
		r.items = append(r.items, it)
		r.readStruct(file, it.path(), join(shown, it.name), entry, t)
	}
}

// readValue reads a word or a list of words.
func (r *reader) readValue(path, where string, node *yaml.Node, t reflect.Type) {
	switch {
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		words := []string{}
		for _, entry := range node.Content {
			if entry = resolve(entry); entry.Kind != yaml.ScalarNode {
				r.problem("%s wants a list of words", where)
				return
			}
			words = append(words, entry.Value)
		}
		r.file[path] = words
	case node.Kind != yaml.ScalarNode:
		r.problem("%s wants one value, not a list or keys below it", where)
	default:
		r.set(r.file, path, where, node.Value, t)
	}
}

// keysAround lists the right keys for an error about a key below shown: those of the struct it stands in, and all others.
func keysAround(shown string, t reflect.Type) []string {
	var names []string
	for _, k := range keys(shown, t) {
		names = append(names, k.path, k.path+"_file")
	}
	for _, f := range reflect.VisibleFields(t) { // headings: a struct or a list may itself be misspelt
		if f.Type.Kind() == reflect.Struct || isList(f.Type) {
			names = append(names, join(shown, f.Tag.Get("koanf")))
		}
	}
	for _, k := range keys("", reflect.TypeFor[Config]()) {
		names = append(names, k.path)
	}
	return names
}

// textOf reads one key of an item before the others: its name, by which they are addressed.
func textOf(node *yaml.Node, key string) string {
	if node.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i < len(node.Content); i += 2 {
		if value := resolve(node.Content[i+1]); node.Content[i].Value == key && value.Kind == yaml.ScalarNode {
			return value.Value
		}
	}
	return ""
}

// digits is what is left of a telephone number without its punctuation.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}

// resolve follows an alias (*name) to what it stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

func orDocument(shown string) string {
	if shown == "" {
		return "a configuration"
	}
	return shown
}
