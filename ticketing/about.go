package ticketing

import (
	"context"
	"slices"
	"strings"
	"time"

	"guichet/routing/words"
)

// aboutWithin is how long ago a contact still counts as one about the same matter.
const aboutWithin = 90 * 24 * time.Hour

// about tells for tickets of one citizen how many contacts about the same matter each ends: the tickets of hers with the same motive,
// or with a subject of the same words where neither has a motive, that came within the ninety days before it, itself counted. What the
// actor does not see does not count.
func (r *Reader) about(ctx context.Context, a Actor, citizenID string, tickets []Ticket) (map[string]int, error) {
	if len(tickets) == 0 {
		return nil, nil
	}
	first, last := tickets[0].ReceivedAt, tickets[0].ReceivedAt
	for _, t := range tickets {
		if t.ReceivedAt.Before(first) {
			first = t.ReceivedAt
		}
		if t.ReceivedAt.After(last) {
			last = t.ReceivedAt
		}
	}
	hers, err := r.store.TicketMatters(ctx, a.Scope(), citizenID, first.Add(-aboutWithin), last)
	if err != nil {
		return nil, wrap("contacts about the same", err)
	}
	byMatter := map[string][]Ticket{}
	for _, t := range hers {
		if m := matter(t); m != "" {
			byMatter[m] = append(byMatter[m], t)
		}
	}
	counts := map[string]int{}
	for _, t := range tickets {
		counts[t.ID] = contactsUntil(t, byMatter[matter(t)])
	}
	return counts, nil
}

// contactsUntil counts the contacts of a matter within the time before a ticket, and the ticket itself.
func contactsUntil(t Ticket, same []Ticket) int {
	count := 1
	for _, other := range same {
		before := other.ReceivedAt.Before(t.ReceivedAt) || other.ReceivedAt.Equal(t.ReceivedAt) && other.ID < t.ID
		if before && other.ReceivedAt.After(t.ReceivedAt.Add(-aboutWithin)) {
			count++
		}
	}
	return count
}

// matter is what a ticket is about, for comparison with others of the same citizen; empty: nothing says it.
func matter(t Ticket) string {
	if t.Motive != "" {
		return "motive " + t.Motive
	}
	said := words.Tokens(referenceTag.ReplaceAllString(t.Subject, " "))
	for len(said) > 0 && slices.Contains([]string{"re", "fw", "fwd", "tr", "ref"}, said[0]) {
		said = said[1:]
	}
	stems := make([]string, len(said))
	for i, word := range said {
		stems[i] = words.Stem(word)
	}
	slices.Sort(stems)
	stems = slices.Compact(stems)
	if len(stems) == 0 {
		return ""
	}
	return "subject " + strings.Join(stems, " ")
}
