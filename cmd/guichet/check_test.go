package main

import (
	"errors"
	"testing"

	"guichet/ticketing"
)

func TestCheckAddress(t *testing.T) {
	some := []ticketing.Department{{Code: "a", Address: "1 rue du Pont"}, {Code: "b"}, {Code: "c"}, {Code: "d"}, {Code: "e"}}
	for name, c := range map[string]struct {
		town        string
		departments []ticketing.Department
		want        string
	}{
		"the town has one":     {"1 place de la Mairie", some, ""},
		"each has its own":     {"", some[:1], ""},
		"one has none":         {" ", some[:2], "missing for b; set town.address, or give these departments an address with `guichet import`"},
		"more than are listed": {"", some, "missing for b, c, d and 1 more; set town.address, or give these departments an address with `guichet import`"},
	} {
		if note, err := checkAddress(c.town, c.departments); note != c.want || err != nil {
			t.Errorf("%s: %q, %v", name, note, err)
		}
	}
	if _, err := checkAddress("", nil); !errors.Is(err, errNothing) {
		t.Errorf("without departments: %v", err)
	}
}
