package words

import (
	"slices"
	"strings"
	"testing"
)

func TestNear(t *testing.T) {
	for _, test := range []struct {
		word, other string
		near        bool
	}{
		{"perrin", "perin", true},
		{"perin", "perrin", true},
		{"perrin", "perron", true},
		{"perrin", "perirn", true},
		{"perrin", "errin", true},
		{"perrin", "perrina", true},
		{"perrin", "perrin", false},
		{"perrin", "pirrn", false},
		{"иванов", "ивонов", true},
		{"علي", "عالي", true},
		{"山田", "山", true},
		{"山田", "山田太", false},
		{"", "a", false},
		{strings.Repeat("a", 41), strings.Repeat("a", 40), false},
	} {
		if got := slices.Contains(Near(test.word), test.other); got != test.near {
			t.Errorf("%q near %q: %v, want %v", test.other, test.word, got, test.near)
		}
	}
	if near := Near("aa"); len(slices.Compact(slices.Sorted(slices.Values(near)))) != len(near) {
		t.Errorf("some come twice: %q", near)
	}
}

func TestFolded(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"Anne-Marie Lefèvre, Anne", []string{"anne", "marie", "lefevre"}},
		{"Ô'Brien", []string{"o", "brien"}},
		{"D’Artagnan", []string{"artagnan"}},
		{"…", nil},
		{strings.Repeat("é", 70), []string{strings.Repeat("e", longest)}},
		{strings.Repeat("я", 70), []string{strings.Repeat("я", longest/2)}},
	} {
		if got := Folded(test.in); !slices.Equal(got, test.want) {
			t.Errorf("Folded(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}
