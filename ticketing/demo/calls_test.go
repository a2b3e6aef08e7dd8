package demo_test

import (
	"slices"
	"strings"
	"testing"

	"guichet/ticketing/demo"
)

// TestCallsFitTheTown holds that who answers exists, that numbers are kept for fiction, and that every kind of call is there.
func TestCallsFitTheTown(t *testing.T) {
	town, err := demo.Town()
	if err != nil {
		t.Fatal(err)
	}
	var extensions []string
	for _, a := range town.Agents {
		if a.Extension == "" || slices.Contains(extensions, a.Extension) {
			t.Errorf("the extension %q of %s", a.Extension, a.Email)
		}
		extensions = append(extensions, a.Extension)
	}
	telephone, err := demo.Calls()
	if err != nil {
		t.Fatal(err)
	}
	letters, err := demo.Letters()
	if err != nil {
		t.Fatal(err)
	}
	known, households, writers := map[string]int{}, 0, 0
	for _, p := range telephone.People {
		known[p.Number]++
		if p.Household {
			households++
		}
		if slices.ContainsFunc(letters, func(l demo.Letter) bool { return l.From.Email == p.Email && l.From.Name == p.Name }) {
			writers++
		}
	}
	kinds := map[string]int{}
	for i, c := range telephone.Calls {
		if !fictional(c.Number) && c.Number != "anonymous" || c.Ring < 1 || len(c.Rings) == 0 || c.Cause == "" || (c.Talk > 0) != (c.AnsweredBy != "") {
			t.Errorf("call %d: %+v", i, c)
		}
		for _, extension := range append(slices.Clone(c.Rings), c.AnsweredBy) {
			if extension != "" && !slices.Contains(extensions, extension) {
				t.Errorf("call %d: nobody has the extension %s", i, extension)
			}
		}
		kinds["taken"] += one(c.AnsweredBy != "" && !c.Out)
		kinds["missed"] += one(c.AnsweredBy == "" && !c.Out)
		kinds["out"] += one(c.Out)
		kinds["withheld"] += one(c.Number == "anonymous")
		kinds["of somebody known"] += one(known[c.Number] == 1)
		kinds["of a household"] += one(known[c.Number] > 1)
		kinds["of somebody unknown"] += one(known[c.Number] == 0 && c.Number != "anonymous")
	}
	for kind, n := range kinds {
		if n == 0 {
			t.Errorf("no call %s", kind)
		}
	}
	if households < 2 || writers < 3 {
		t.Errorf("%d share a number, %d also write", households, writers)
	}
}

// fictional tells the ranges the French regulator keeps for works of fiction (ARCEP, decision 2018-0881, annex).
func fictional(number string) bool {
	for _, prefix := range []string{"3319900", "3326191", "3335301", "3346571", "3353649", "3363998"} {
		if strings.HasPrefix(number, prefix) && len(number) == 11 {
			return true
		}
	}
	return false
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
