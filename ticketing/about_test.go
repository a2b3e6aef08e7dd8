package ticketing

import (
	"testing"
	"time"
)

func TestMatter(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Ticket
		same bool
	}{
		{"the same motive, whatever the words", Ticket{Motive: "NID", Subject: "Un trou"}, Ticket{Motive: "NID", Subject: "Rue Pasteur"}, true},
		{"another motive, the same words", Ticket{Motive: "NID", Subject: "Un trou"}, Ticket{Motive: "BRUIT", Subject: "Un trou"}, false},
		{"a motive and none", Ticket{Motive: "NID", Subject: "Un trou"}, Ticket{Subject: "Un trou"}, false},
		{"accents, case and plural", Ticket{Subject: "Lampadaire éteint"}, Ticket{Subject: "LAMPADAIRES ETEINTS"}, true},
		{"an answer and a reference", Ticket{Subject: "Lampadaire éteint"}, Ticket{Subject: "Re: Tr : Lampadaire éteint [Réf. 2026-00412]"}, true},
		{"another order", Ticket{Subject: "Lampadaire cassé"}, Ticket{Subject: "cassé, lampadaire"}, true},
		{"other words", Ticket{Subject: "Lampadaire éteint"}, Ticket{Subject: "Lampadaire tordu"}, false},
	} {
		if same := matter(c.a) == matter(c.b); same != c.same {
			t.Errorf("%s: %q and %q, the same: %v", c.name, matter(c.a), matter(c.b), same)
		}
	}
	for _, nothing := range []string{"", "Re:", "…", "[Réf. 2026-00412]"} {
		if m := matter(Ticket{Subject: nothing}); m != "" {
			t.Errorf("%q is about %q", nothing, m)
		}
	}
}

func TestContactsUntil(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(id string, days int) Ticket { return Ticket{ID: id, ReceivedAt: now.AddDate(0, 0, days)} }
	same := []Ticket{at("a", -200), at("b", -90), at("c", -89), at("d", -1), at("e", 0), at("f", 0), at("g", 3)}
	for _, c := range []struct {
		of   Ticket
		want int
	}{{same[0], 1}, {same[1], 1}, {same[2], 2}, {same[4], 3}, {same[5], 4}, {same[6], 4}, {at("alone", 0), 3}} {
		if got := contactsUntil(c.of, same); got != c.want {
			t.Errorf("%s is contact no. %d, want %d", c.of.ID, got, c.want)
		}
	}
	if got := contactsUntil(at("x", 0), nil); got != 1 {
		t.Errorf("a contact about nothing else is no. %d", got)
	}
}
