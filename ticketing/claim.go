package ticketing

import (
	"context"

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

// hold keeps the records that were found from being merged until the messages are filed. One that was merged in this very moment
// lives on elsewhere.
func (f *filing) hold(ctx context.Context) error {
	ids := map[string]bool{}
	for _, c := range f.citizens {
		ids[c.ID] = true
	}
	lives, err := living(ctx, f.tx, keysOf(ids))
	if err != nil {
		return err
	}
	for address, c := range f.citizens {
		if c, ok := lives[c.ID]; ok {
			f.citizens[address] = c
		}
	}
	return nil
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
		for address, c := range found {
			if owners[address], err = livesIn(ctx, f.tx, c.ID); err != nil {
				return wrap("citizens", err)
			}
		}
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
