package ticketing

import (
	"regexp"
	"slices"
	"time"

	"guichet/channels"
)

// Evidence is what speaks for a message belonging to tickets that are there, strongest first. Every list is newest first.
type Evidence struct {
	Signed []string // ticket ids from valid reply tokens and from our own signed Message-IDs
	Quoted []string // ticket ids of messages of others that it answers or refers to
	Tagged []string // ticket ids of references in the subject
	// Tickets holds every ticket named above and those they were merged into.
	Tickets map[string]*Ticket
	// Knows tells whether an address has written on the ticket, was written to, or is its citizen's.
	Knows func(ticketID, address string) bool
	// ReopenWithin gives the days within which a message reopens a closed ticket of a department.
	ReopenWithin func(department string) int
}

// Placement is where a message goes.
type Placement struct {
	Ticket   *Ticket // nil: a new ticket
	Stranger bool    // it joins by a token although its sender is not known there
	Linked   *Ticket // the new ticket is tied to this one
	LinkKind string  // LinkQuoted or LinkFollows
}

// Place decides which ticket a message belongs to. A guessed number must not open somebody's file, so only a signature of ours
// lets a stranger join; a stranger who merely quotes gets a ticket of her own, linked for an agent to judge. A subject alone
// never joins.
func Place(in channels.Inbound, e Evidence, now time.Time) Placement {
	from := Writer(in).Value
	for _, id := range e.Signed {
		if t := e.target(id); t != nil {
			return e.settle(Placement{Ticket: t, Stranger: !e.knows(id, t, from)}, in, now)
		}
	}
	var quoted *Ticket
	for _, id := range slices.Concat(e.Quoted, e.Tagged) {
		t := e.target(id)
		if t == nil {
			continue
		}
		if from != "" && e.knows(id, t, from) {
			return e.settle(Placement{Ticket: t}, in, now)
		}
		if quoted == nil {
			quoted = t
		}
	}
	if quoted != nil {
		return Placement{Linked: quoted, LinkKind: LinkQuoted}
	}
	return Placement{}
}

// knows tells whether an address belongs to the ticket that was named, or to the one it was merged into.
func (e Evidence) knows(named string, target *Ticket, address string) bool {
	return e.Knows(named, address) || e.Knows(target.ID, address)
}

// settle turns a message for a ticket closed too long ago into a new one that follows it. A machine's message stays where it
// belongs: it opens nothing.
func (e Evidence) settle(p Placement, in channels.Inbound, now time.Time) Placement {
	t := p.Ticket
	if t.Status != StatusClosed || t.ClosedAt == nil || in.Automatic != "" || in.Word != "" {
		return p
	}
	if now.Before(t.ClosedAt.AddDate(0, 0, e.ReopenWithin(t.Department))) {
		return p
	}
	return Placement{Linked: t, LinkKind: LinkFollows}
}

// target follows merges to the ticket that lives on.
func (e Evidence) target(id string) *Ticket {
	for range 10 { // a chain of merges is short; a circle must not hold us
		t := e.Tickets[id]
		if t == nil || t.MergedInto == nil {
			return t
		}
		id = *t.MergedInto
	}
	return nil
}

// citedIDs lists the Message-IDs a message answers or refers to, newest first, each once. A pseudo-reference of ours is nobody's: whoever
// gives it to a message of his own must not draw the answers of others there.
func citedIDs(in channels.Inbound) []string {
	var ids []string
	add := func(id string) {
		if id != "" && len(id) <= 998 && !slices.Contains(ids, id) && !isPseudoReference(id) {
			ids = append(ids, id)
		}
	}
	if in.Report != nil {
		add(in.Report.ID)
	}
	for _, id := range in.InReplyTo {
		add(id)
	}
	for _, id := range slices.Backward(in.References) {
		add(id)
	}
	return ids[:min(len(ids), 30)]
}

// signedTickets lists the tickets that reply tokens and signed Message-IDs of ours name, newest first.
func (k Keys) signedTickets(in channels.Inbound, cited []string) []string {
	var ids []string
	add := func(id string, ok bool) {
		if ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, a := range in.DeliveredTo {
		add(k.ReadReplyAddress(a))
	}
	for _, a := range slices.Concat(in.To, in.Cc) {
		add(k.ReadReplyAddress(a.Value))
	}
	for _, id := range cited {
		add(k.ReadMessageID(id))
	}
	return ids
}

var referenceTag = regexp.MustCompile(`\[R[ée]f\. ?(\d{4}-\d{5,9})\]`)

// taggedReferences lists the references in a subject, last first: the newest answer's tag stands last.
func taggedReferences(subject string) []string {
	var refs []string
	for _, m := range slices.Backward(referenceTag.FindAllStringSubmatch(subject, 10)) {
		refs = append(refs, m[1])
	}
	return refs
}
