package ticketing

import (
	"context"
	"maps"

	"guichet/channels"
)

// Whose a message is: the record that has its address or number, or a new one that claims it.

// citizen finds or makes the record of the writer. A machine that never wrote before gets none, and neither does an unknown sender.
func (f *filing) citizen(in channels.Inbound, from channels.Address) *Citizen {
	if contactType(from.Value) == "email" && !reachable(from.Value) || f.shared[from.Value] {
		return nil
	}
	if c, ok := f.citizens[from.Value]; ok {
		if !in.Archived {
			f.touched = append(f.touched, c.ID)
		}
		return &c
	}
	if in.Automatic != "" || in.Word != "" {
		return nil
	}
	c, contact := newCitizen(from, f.language(in), f.now)
	c.LastContactAt = new(f.arrived(in))
	f.citizens[from.Value] = c
	f.newPeople = append(f.newPeople, c)
	f.contacts = append(f.contacts, contact)
	return &c
}

// claim makes the new citizens the owners of their addresses. One that another process has claimed a moment ago is hers: its
// ticket goes to the record that is there.
func (f *filing) claim(ctx context.Context) error {
	if len(f.contacts) == 0 {
		return nil
	}
	won, err := f.tx.ClaimContacts(ctx, f.contacts)
	if err != nil {
		return wrap("contacts", err)
	}
	if len(won) == len(f.contacts) {
		return nil
	}
	lost := map[string][]string{} // by type
	losers := map[string]string{} // new citizen → address
	for _, c := range f.contacts {
		if !won[c.ID] {
			lost[c.Type] = append(lost[c.Type], c.Value)
			losers[c.CitizenID] = c.Value
		}
	}
	owners := map[string]Citizen{}
	for _, kind := range keysOf(lost) {
		found, err := f.tx.CitizensByContacts(ctx, kind, lost[kind])
		if err != nil {
			return wrap("citizens", err)
		}
		maps.Copy(owners, found)
	}
	people := f.newPeople[:0:0]
	for _, c := range f.newPeople {
		if losers[c.ID] == "" {
			people = append(people, c)
		}
	}
	f.newPeople = people
	for i := range f.events {
		if id := f.events[i].CitizenID; id != nil && losers[*id] != "" {
			owner := owners[losers[*id]].ID
			f.events[i].CitizenID = &owner
		}
	}
	for _, t := range f.fresh {
		if t.CitizenID != nil && losers[*t.CitizenID] != "" {
			owner := owners[losers[*t.CitizenID]].ID
			t.CitizenID = &owner
		}
	}
	return nil
}
