package main

import (
	"encoding/json"
	"testing"
)

// TestSearchesFindWhatTheBenchmarkHid runs the benchmark small: what it looks for is there, so each kind of search must find it.
func TestSearchesFindWhatTheBenchmarkHid(t *testing.T) {
	c := newCommand(t)
	var figures searchFigures
	out := c.does("", "bench", "search", "--citizens", "150", "--messages", "300", "--searches", "10", "--clients", "2", "--json")
	if err := json.Unmarshal([]byte(out), &figures); err != nil {
		t.Fatal(err)
	}
	for _, k := range figures.Kinds {
		if sure := k.Kind != "rare word" && k.Kind != "common word"; sure && k.Found < 10 { // a word may stand in none of so few messages
			t.Errorf("%s: %d of 10 found something", k.Kind, k.Found)
		}
		if k.Took.P95 <= 0 {
			t.Errorf("%s took no time", k.Kind)
		}
	}
	if len(figures.Kinds) != 8 || figures.Bare.P95 <= 0 || figures.IndexedPer <= 0 {
		t.Errorf("%+v", figures)
	}
	if code, _, _ := c.run("", "bench", "search", "--clients", "0"); code != exitUsage {
		t.Errorf("no clients: exit code %d", code)
	}
}
