package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"guichet/ticketing"
	"guichet/ticketing/store"
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

func TestCheckSeals(t *testing.T) {
	c := newCommand(t)
	c.does("a long password\n", "agent", "add", "dpo@valmont.example", "--role", "dpo")
	if says := c.does("", "check", "--seals"); says != "ok   consultations: none is sealed yet\n" {
		t.Errorf("before the first seal: %s", says)
	}
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(filepath.Dir(c.config), "guichet.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.AddSeal(t.Context(), ticketing.Seal{Number: 1, At: now(), Size: 1, Hash: "made up"})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := c.run("", "check", "--seals")
	if code != exitFailed || !strings.Contains(stdout, "FAIL consultations: they were changed behind Guichet's back, first at seal 1 (rows missing)") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}
