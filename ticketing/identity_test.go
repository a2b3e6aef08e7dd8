package ticketing

import (
	"testing"

	"guichet/channels"
)

func TestSplitName(t *testing.T) {
	for _, c := range []struct{ display, given, family string }{
		{"Anne Perrin", "Anne", "Perrin"},
		{"PERRIN Anne", "Anne", "PERRIN"},
		{"LE GALL Yann", "Yann", "LE GALL"},
		{"Perrin, Anne", "Anne", "Perrin"},
		{"Jean de La Fontaine", "Jean", "de La Fontaine"},
		{"ANNE PERRIN", "ANNE", "PERRIN"},
		{"APE de l’école Prévert", "", "APE de l’école Prévert"},
		{"Perrin", "", "Perrin"},
		{`"Anne  Perrin"`, "Anne", "Perrin"},
		{"", "", ""},
	} {
		if given, family := SplitName(c.display); given != c.given || family != c.family {
			t.Errorf("%q: %q, %q, want %q, %q", c.display, given, family, c.given, c.family)
		}
	}
}

func TestWriter(t *testing.T) {
	form := channels.Inbound{
		From: channels.Address{Value: "noreply@valmont.example"}, FormSender: true,
		ReplyTo: []channels.Address{{Name: "Anne", Value: " Anne@Example.org"}},
	}
	if got := Writer(form); got.Value != "anne@example.org" || got.Name != "Anne" {
		t.Errorf("the form's writer is %v", got)
	}
	form.FormSender = false
	if got := Writer(form); got.Value != "noreply@valmont.example" {
		t.Errorf("without a form the writer is %v", got)
	}
	if got := Writer(channels.Inbound{}); got.Value != "" {
		t.Errorf("nobody is %v", got)
	}
}
