package ticketing

import (
	"strings"
	"testing"
)

func TestKeysReadWhatTheySigned(t *testing.T) {
	keys := NewKeys([]byte("one"))
	ticket, message := NewID(), NewID()
	id := keys.MessageID(ticket, message, "valmont.example")
	address := keys.ReplyAddress(ticket, "contact@valmont.example")
	if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
		t.Errorf("the local part %q is longer than RFC 5321 allows", local)
	}
	for name, k := range map[string]Keys{"same": keys, "rotated": NewKeys([]byte("two"), []byte("one"))} {
		if got, ok := k.ReadMessageID(strings.ToUpper(id)); !ok || got != ticket {
			t.Errorf("%s: Message-ID gives %q, %v", name, got, ok)
		}
		if got, ok := k.ReadReplyAddress(strings.ToUpper(address)); !ok || got != ticket {
			t.Errorf("%s: reply address gives %q, %v", name, got, ok)
		}
	}
}

func TestKeysRefuseWhatTheyDidNotSign(t *testing.T) {
	keys := NewKeys([]byte("one"))
	ticket, other := NewID(), NewID()
	id := keys.MessageID(ticket, NewID(), "valmont.example")
	address := keys.ReplyAddress(ticket, "contact@valmont.example")
	forged := NewKeys([]byte("two"))
	for _, s := range []string{
		"", "g", "g...@x", "g.a.b.c@x", PseudoReference(ticket, "valmont.example"), forged.MessageID(ticket, other, "x"),
		strings.Replace(id, packID(ticket), packID(other), 1), id[:20] + "@x",
	} {
		if got, ok := keys.ReadMessageID(s); ok {
			t.Errorf("Message-ID %q gives %q", s, got)
		}
	}
	for _, s := range []string{
		"", "contact@x", "contact+@x", "contact+" + strings.Repeat("0", 39) + "@x", forged.ReplyAddress(ticket, "contact@x"),
		strings.Replace(address, packID(ticket), packID(other), 1),
	} {
		if got, ok := keys.ReadReplyAddress(s); ok {
			t.Errorf("address %q gives %q", s, got)
		}
	}
}

func FuzzReadReplyAddress(f *testing.F) {
	keys := NewKeys([]byte("one"))
	f.Add(keys.ReplyAddress(NewID(), "contact@valmont.example"))
	f.Add("contact+x@y")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := keys.ReadReplyAddress(s); ok && !IsID(id) {
			t.Errorf("%q gives the id %q", s, id)
		}
		if id, ok := keys.ReadMessageID(s); ok && !IsID(id) {
			t.Errorf("%q gives the id %q", s, id)
		}
	})
}
