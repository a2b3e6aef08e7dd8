package cti

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxNumber = 128 // bytes of a number, a word or a SIP address
	maxName   = 100 // bytes of an agent's or an event's name
	maxID     = 200 // bytes of a call's own name
	maxUsers  = 50  // telephones that ring at once; what goes beyond is left out
)

// fields is what a post says, whichever way it was written. A field may have several values.
type fields map[string][]string

// readFields reads a post: a JSON object or a form, and the query of its address for what neither has.
func readFields(w http.ResponseWriter, r *http.Request) (fields, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_, long := errors.AsType[*http.MaxBytesError](err)
	switch {
	case long:
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, reason: "too_long", words: "body: is too long"}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, reason: "unreadable", words: "body: ended early"}
	}
	f := fields{}
	kind, _, malformed := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(body) == 0: // everything is in the query
	case malformed == nil && kind == "application/json":
		f, err = fromJSON(body)
	case malformed == nil && kind == "application/x-www-form-urlencoded":
		f, err = fromForm(string(body))
	default:
		return nil, &refusal{
			status: http.StatusUnsupportedMediaType, reason: "type", words: "Content-Type: choose application/json or application/x-www-form-urlencoded",
		}
	}
	if err != nil {
		return nil, err
	}
	query, err := fromForm(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for name, values := range query {
		if _, there := f[name]; !there {
			f[name] = values
		}
	}
	return f, nil
}

func fromForm(s string) (fields, error) {
	values, err := url.ParseQuery(s)
	if err != nil {
		return nil, badField("body", "is no form")
	}
	return fields(values), nil
}

// fromJSON reads an object of strings and numbers and lists of them. What is neither stays as nothing, which a field that matters
// refuses.
func fromJSON(body []byte) (fields, error) {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	err := decoder.Decode(&object)
	if _, after := decoder.Token(); err != nil || object == nil || !errors.Is(after, io.EOF) {
		return nil, badField("body", "is no JSON object")
	}
	f := fields{}
	for name, value := range object {
		list, several := value.([]any)
		if !several {
			list = []any{value}
		}
		for _, item := range list[:min(len(list), maxUsers)] {
			switch item := item.(type) {
			case string:
				f[name] = append(f[name], item)
			case json.Number:
				f[name] = append(f[name], item.String())
			case nil:
				continue
			default:
				f[name] = append(f[name], unreadable)
			}
		}
	}
	return f, nil
}

// unreadable stands for a value that is no text; text refuses it.
const unreadable = "\x00"

// text gives the first value of a field under one of its names; there tells whether the field came at all.
func (f fields) text(limit int, names ...string) (value string, there bool, err error) {
	for _, name := range names {
		if values := f[name]; len(values) > 0 {
			value, err = checked(name, values[0], limit)
			return value, true, err
		}
	}
	return "", false, nil
}

// texts gives all values of a list: user, user[], user[0]. Empty ones are left out.
func (f fields) texts(limit int, name string) ([]string, error) {
	var names []string
	for key := range f {
		if key == name || strings.HasPrefix(key, name+"[") && strings.HasSuffix(key, "]") {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	var list []string
	for _, key := range names {
		for _, value := range f[key] {
			value, err := checked(name, value, limit)
			switch {
			case err != nil:
				return nil, err
			case value != "" && len(list) < maxUsers && !slices.Contains(list, value):
				list = append(list, value)
			}
		}
	}
	return list, nil
}

// checked refuses what is no short text on one line: no field that is read here is ever anything else.
func checked(name, value string, limit int) (string, error) {
	switch {
	case len(value) > limit:
		return "", badField(name, "is too long")
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return "", badField(name, "is no text")
	}
	return strings.TrimSpace(value), nil
}
