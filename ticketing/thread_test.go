package ticketing

import (
	"testing"
	"time"

	"guichet/channels"
)

func TestPlace(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	recently, longAgo := now.AddDate(0, 0, -3), now.AddDate(0, -6, 0)
	target := "live"
	tickets := map[string]*Ticket{
		"live":   {ID: "live", Status: StatusWaiting},
		"recent": {ID: "recent", Status: StatusClosed, ClosedAt: &recently},
		"old":    {ID: "old", Status: StatusClosed, ClosedAt: &longAgo},
		"merged": {ID: "merged", Status: StatusClosed, ClosedAt: &recently, MergedInto: &target},
	}
	loop := "loop"
	tickets["loop"] = &Ticket{ID: "loop", MergedInto: &loop}
	anne := channels.Inbound{From: channels.Address{Value: "Anne@example.org"}}
	stranger := channels.Inbound{From: channels.Address{Value: "someone@example.net"}}
	unknown := channels.Inbound{}
	machine := channels.Inbound{From: anne.From, Automatic: "auto-submitted"}
	for name, c := range map[string]struct {
		in                     channels.Inbound
		signed, quoted, tagged []string
		ticket, linked, kind   string
		stranger               bool
	}{
		"nothing speaks for a ticket":                 {in: anne},
		"a signature joins":                           {in: anne, signed: []string{"live"}, ticket: "live"},
		"a signature lets a stranger join, flagged":   {in: stranger, signed: []string{"live"}, ticket: "live", stranger: true},
		"a signature lets nobody's mail join":         {in: unknown, signed: []string{"live"}, ticket: "live", stranger: true},
		"a signature of a ticket that is gone":        {in: anne, signed: []string{"gone"}},
		"a known Message-ID joins":                    {in: anne, quoted: []string{"live"}, ticket: "live"},
		"a stranger who quotes gets her own":          {in: stranger, quoted: []string{"live"}, linked: "live", kind: "quoted"},
		"an unknown sender who quotes gets her own":   {in: unknown, quoted: []string{"live"}, linked: "live", kind: "quoted"},
		"a reference of a participant joins":          {in: anne, tagged: []string{"live"}, ticket: "live"},
		"a guessed reference opens nobody's file":     {in: stranger, tagged: []string{"live"}, linked: "live", kind: "quoted"},
		"the signature is stronger than the subject":  {in: anne, signed: []string{"live"}, tagged: []string{"recent"}, ticket: "live"},
		"closed a few days ago: it joins":             {in: anne, signed: []string{"recent"}, ticket: "recent"},
		"closed long ago: a new one follows":          {in: anne, signed: []string{"old"}, linked: "old", kind: "follows"},
		"a machine's mail stays where it belongs":     {in: machine, signed: []string{"old"}, ticket: "old"},
		"merged: the target":                          {in: anne, quoted: []string{"merged"}, ticket: "live"},
		"a circle of merges ends":                     {in: anne, quoted: []string{"loop"}},
		"the newest of two, when she knows only that": {in: anne, quoted: []string{"gone", "live"}, ticket: "live"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Place(c.in, Evidence{
				Signed: c.signed, Quoted: c.quoted, Tagged: c.tagged, Tickets: tickets,
				Knows:        func(_, address string) bool { return address == "anne@example.org" },
				ReopenWithin: func(string) int { return 30 },
			}, now)
			if id(p.Ticket) != c.ticket || id(p.Linked) != c.linked || p.LinkKind != c.kind || p.Stranger != c.stranger {
				t.Errorf("ticket %q, linked %q (%s), stranger %v", id(p.Ticket), id(p.Linked), p.LinkKind, p.Stranger)
			}
		})
	}
}

func id(t *Ticket) string {
	if t == nil {
		return ""
	}
	return t.ID
}

func TestCitedIDsNewestFirstOnce(t *testing.T) {
	got := citedIDs(channels.Inbound{InReplyTo: []string{"c"}, References: []string{"a", "b", "", "c"}})
	if len(got) != 3 || got[0] != "c" || got[1] != "b" || got[2] != "a" {
		t.Errorf("%v", got)
	}
}

func TestTaggedReferences(t *testing.T) {
	for subject, want := range map[string]int{
		"Re: Trou [Réf. 2026-00412]": 1, "RE: [Ref. 2026-00412] [Réf. 2026-100000]": 2, "2026-00412": 0, "[Réf. 2026-12]": 0, "": 0,
	} {
		if got := taggedReferences(subject); len(got) != want {
			t.Errorf("%q: %v", subject, got)
		}
	}
}

func TestAnswerSubjectNamesTheReferenceOnce(t *testing.T) {
	for subject, want := range map[string]string{
		"Trou":                           "Re: Trou [Réf. 2026-00412]",
		"RE: Re: Trou [Réf. 2026-00412]": "Re: Trou [Réf. 2026-00412]",
		"":                               "Re: [Réf. 2026-00412]",
	} {
		if got := answerSubject(Ticket{Year: 2026, Number: 412, Subject: subject}); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	for s, ok := range map[string]bool{
		"2026-00412": true, "2026-123456": true, "2026-0041": false, "26-00412": false, "2026-00000": false, "2026-004a2": false, "": false,
		"2026-0000000001": false,
	} {
		year, number, got := ParseReference(s)
		if got != ok {
			t.Errorf("%q: %v", s, got)
		}
		if ok && FormatReference(year, number) != s {
			t.Errorf("%q comes back as %q", s, FormatReference(year, number))
		}
	}
}
