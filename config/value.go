package config

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// parse reads one value as text, the same way from the file and from the environment. It reads what was written, not what YAML
// makes of it: Norway's region stays NO, and a password of digits keeps its zeros.
func parse(text string, t reflect.Type) (any, error) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, errors.New("is not a duration; write for example 60s or 5m")
		}
		return d, nil
	case t.Kind() == reflect.Int64:
		return parseSize(text)
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.New("is not a whole number")
		}
		return n, nil
	case t.Kind() == reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			return true, nil
		case "false", "no", "off", "0":
			return false, nil
		}
		return nil, errors.New("is neither true nor false")
	case t.Kind() == reflect.Slice:
		return parseWords(text), nil
	default:
		return text, nil
	}
}

// parseWords reads a list written as one text: a variable or a file holds several words, separated by commas or lines.
func parseWords(text string) []string {
	words := []string{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// parseSize reads a number of bytes. As everywhere since SI, 1 MB is a million of them and 1 MiB is 2^20.
func parseSize(text string) (int64, error) {
	wrong := errors.New("is not a size; write for example 40MB")
	digits := strings.TrimRight(text, "BKMGibkmg ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, wrong
	}
	var unit int64
	switch strings.ToLower(strings.TrimSpace(text[len(digits):])) {
	case "", "b":
		unit = 1
	case "kb":
		unit = 1e3
	case "mb":
		unit = 1e6
	case "gb":
		unit = 1e9
	case "kib":
		unit = 1 << 10
	case "mib":
		unit = 1 << 20
	case "gib":
		unit = 1 << 30
	default:
		return 0, wrong
	}
	if n < 0 || n > math.MaxInt64/unit {
		return 0, wrong
	}
	return n * unit, nil
}
