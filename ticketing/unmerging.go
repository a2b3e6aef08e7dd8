package ticketing

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Undo takes a merge back: the record it merged is one of its own again, with what was its own and what belongs to records merged into
// it. What came since stays with the survivor, what was erased stays erased, and a field that was corrected since stays as it was
// corrected. Merges may be undone in any order.
func (g *Registry) Undo(ctx context.Context, a Actor, id, reason string) (Merge, error) {
	if err := g.mayWrite(a); err != nil {
		return Merge{}, err
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return Merge{}, err
	}
	if !IsID(id) {
		return Merge{}, ErrNotFound
	}
	var m Merge
	err = g.store.InTx(ctx, func(tx Nouns) error {
		u := undoing{tx: tx, now: g.now()}
		if err := u.read(ctx, id); err != nil {
			return err
		}
		if err := u.restoreFields(ctx); err != nil {
			return err
		}
		u.merge.UndoneAt, u.merge.UndoneBy, u.merge.UndoReason = &u.now, &a.ID, reason
		from := u.records[u.merge.FromID]
		from.MergedInto = nil
		u.changed[from.ID] = true
		if err := u.save(ctx); err != nil {
			return err
		}
		standing, err := u.underneath(ctx)
		if err != nil {
			return err
		}
		moved, err := tx.ReturnRows(ctx, *u.merge, standing, u.holder)
		if err != nil {
			return err
		}
		m = *u.merge
		return tx.AddEvents(ctx, mergeEvents(EventCitizenUnmerged, m, m.FromID, a.ID, u.now, moved))
	})
	if err == nil {
		g.told(ctx)
	}
	return m, err
}

// undoing is the work of one transaction that undoes a merge.
type undoing struct {
	tx      Nouns
	now     time.Time
	merge   *Merge
	holder  string              // the living record that has what is to be given back
	records map[string]*Citizen // the merged record and those up to the holder, locked
	merges  map[string][]*Merge // that stand, by the record they made bigger, in the order of their Seq
	changed map[string]bool     // ids of records and merges that must be saved
}

// read locks the merged record and all it lives on in, up to the living one.
func (u *undoing) read(ctx context.Context, id string) error {
	m, err := u.tx.Merge(ctx, id)
	if err != nil {
		return err
	}
	ids := []string{m.FromID, m.IntoID}
	for complete := false; !complete; {
		rows, err := u.tx.LockCitizens(ctx, ids)
		if err != nil {
			return err
		}
		u.records = make(map[string]*Citizen, len(rows))
		for i := range rows {
			u.records[rows[i].ID] = &rows[i]
		}
		complete = true
		for _, c := range rows {
			if c.MergedInto == nil {
				u.holder = c.ID
			} else if u.records[*c.MergedInto] == nil {
				ids, complete = append(ids, *c.MergedInto), false
			}
		}
	}
	if m, err = u.tx.Merge(ctx, id); err != nil { // somebody may have been faster
		return err
	}
	if from := u.records[m.FromID]; m.UndoneAt != nil || from == nil || from.MergedInto == nil {
		return conflict("already_undone")
	}
	u.changed = map[string]bool{}
	return u.readMerges(ctx, m)
}

// readMerges loads the merges that stand into the locked records.
func (u *undoing) readMerges(ctx context.Context, m Merge) error {
	standing, err := u.tx.MergesInto(ctx, keysOf(u.records))
	if err != nil {
		return err
	}
	u.merges = map[string][]*Merge{}
	for i := range standing {
		s := &standing[i]
		if s.ID == m.ID {
			u.merge = s
		}
		u.merges[s.IntoID] = append(u.merges[s.IntoID], s)
	}
	for _, list := range u.merges {
		slices.SortFunc(list, func(x, y *Merge) int { return cmp.Compare(x.Changes.Seq, y.Changes.Seq) })
	}
	if u.merge == nil {
		return conflict("already_undone")
	}
	return nil
}

// restoreFields puts back what the merge changed in the fields of the record it made bigger.
func (u *undoing) restoreFields(ctx context.Context) error {
	for _, name := range keysOf(u.merge.Changes.Fields) {
		f, ok := fieldNamed(name)
		if !ok {
			continue
		}
		change := u.merge.Changes.Fields[name]
		if err := u.replace(ctx, u.merge, f, change.After, change.Before); err != nil {
			return err
		}
	}
	return nil
}

// replace makes a value that a merge brought into a record another one, wherever it went from there.
//
// The merges into one record are a stack for each field. Under a later change, the value is only what that one found. On top of the
// stack it is the record's own, unless an agent has corrected it since. If it is to become none, a record merged later may have one:
// it was not asked then, because there was one. What the record has become part of is told the same.
func (u *undoing) replace(ctx context.Context, by *Merge, f mergeField, old, value string) error {
	var heirs []*Merge
	for _, later := range u.merges[by.IntoID] {
		if later.Changes.Seq <= by.Changes.Seq {
			continue
		}
		if c, ok := later.Changes.Fields[f.name]; ok {
			if c.Before == old {
				u.note(later, f.name, FieldChange{Before: value, After: c.After})
			}
			return nil
		}
		heirs = append(heirs, later)
	}
	record := u.records[by.IntoID]
	if f.get(*record) != old || record.AnonymisedAt != nil {
		return nil
	}
	if value == "" {
		for _, heir := range heirs {
			c, err := u.tx.Citizen(ctx, heir.FromID)
			if err != nil {
				return err
			}
			if v := f.get(c); v != "" {
				u.note(heir, f.name, FieldChange{Before: "", After: v})
				value = v
				break
			}
		}
	}
	f.set(record, value)
	u.changed[record.ID] = true
	return u.pass(ctx, record, f, old, value)
}

// pass tells the record that another has become part of that a value it was given is another one.
func (u *undoing) pass(ctx context.Context, record *Citizen, f mergeField, old, value string) error {
	if record.MergedInto == nil {
		return nil
	}
	for _, up := range u.merges[*record.MergedInto] {
		c, ok := up.Changes.Fields[f.name]
		if up.FromID != record.ID || !ok || c.After != old {
			continue
		}
		if value == "" {
			value = c.Before
		}
		if err := u.replace(ctx, up, f, old, value); err != nil {
			return err
		}
		u.note(up, f.name, FieldChange{Before: c.Before, After: value})
	}
	return nil
}

// note writes what a merge changed in a field; nothing, when it left it as it was.
func (u *undoing) note(m *Merge, field string, c FieldChange) {
	if m.Changes.Fields == nil {
		m.Changes.Fields = map[string]FieldChange{}
	}
	m.Changes.Fields[field] = c
	if c.Before == c.After {
		delete(m.Changes.Fields, field)
	}
	u.changed[m.ID] = true
}

// save writes the records and merges that changed.
func (u *undoing) save(ctx context.Context) error {
	for _, id := range keysOf(u.records) {
		if c := u.records[id]; u.changed[id] {
			c.UpdatedAt = u.now
			if err := u.tx.SaveCitizen(ctx, c); err != nil {
				return err
			}
		}
	}
	for _, list := range u.merges {
		for _, m := range list {
			if u.changed[m.ID] || m.ID == u.merge.ID {
				if err := u.tx.SaveMerge(ctx, *m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// underneath gives the merge and those that stand below it: what they noted goes back with the record.
func (u *undoing) underneath(ctx context.Context) ([]string, error) {
	ids := []string{u.merge.ID}
	for into := []string{u.merge.FromID}; len(into) > 0; {
		below, err := u.tx.MergesInto(ctx, into)
		if err != nil {
			return nil, err
		}
		into = nil
		for _, m := range below {
			ids, into = append(ids, m.ID), append(into, m.FromID)
		}
	}
	return ids, nil
}
