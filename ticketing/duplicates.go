package ticketing

import "context"

// maxAlike is how many records are looked at for each trait two records may share. A trait of more people says little.
const maxAlike = 200

// Duplicates proposes records that may be the same person's as this one, the likeliest first, at most twenty. Those an agent said are
// somebody else are left out. A record that was merged is compared as what it lives on in.
func (r *Reader) Duplicates(ctx context.Context, a Actor, id string) ([]Likeness, error) {
	c, err := r.record(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := look(ctx, r.store, r.now(), a, c.ID, "", ""); err != nil {
		return nil, err
	}
	if c.AnonymisedAt != nil {
		return []Likeness{}, nil
	}
	found, err := r.store.Alike(ctx, traitsOf(c), maxAlike)
	if err != nil {
		return nil, err
	}
	not, err := r.distinctFrom(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return propose(c, found, not), nil
}

// record reads the record that lives on of one, for whoever may read records.
func (r *Reader) record(ctx context.Context, a Actor, id string) (Citizen, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return Citizen{}, ErrForbidden
	}
	if !IsID(id) {
		return Citizen{}, ErrNotFound
	}
	c, err := livesIn(ctx, r.store, id)
	if err != nil {
		return c, err
	}
	return r.store.Citizen(ctx, c.ID)
}

// distinctFrom gives the living records that an agent told apart from one, or from a record merged into it.
func (r *Reader) distinctFrom(ctx context.Context, id string) (map[string]bool, error) {
	ids := []string{id}
	for into := ids; len(into) > 0; {
		merges, err := r.store.MergesInto(ctx, into)
		if err != nil {
			return nil, err
		}
		into = nil
		for _, m := range merges {
			ids, into = append(ids, m.FromID), append(into, m.FromID)
		}
	}
	others, err := r.store.DistinctFrom(ctx, ids)
	if err != nil {
		return nil, err
	}
	lives, err := living(ctx, r.store, others)
	if err != nil {
		return nil, err
	}
	not := map[string]bool{}
	for _, c := range lives {
		not[c.ID] = true
	}
	return not, nil
}

// MergePreview is what a merge would do, as far as the actor may see.
type MergePreview struct {
	Into, From Citizen
	Likeness   Likeness // of From
	Fields     []FieldDifference
	Moves      Belongings // of From
}

// PreviewMerge tells what merging a record into another would do, without doing it.
func (r *Reader) PreviewMerge(ctx context.Context, a Actor, into, from string) (MergePreview, error) {
	var p MergePreview
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return p, ErrForbidden
	}
	read := func(ctx context.Context, ids []string) (both []Citizen, err error) {
		for _, id := range ids {
			c, err := r.store.Citizen(ctx, id)
			if CodeOf(err) == CodeNotFound {
				continue
			}
			if err == nil {
				err = look(ctx, r.store, r.now(), a, c.ID, "", "")
			}
			if err != nil {
				return nil, err
			}
			both = append(both, c)
		}
		return both, nil
	}
	var err error
	if p.Into, p.From, err = mergeable(ctx, read, into, from); err != nil {
		return p, err
	}
	p.Likeness.Citizen = p.From
	p.Likeness.Score, p.Likeness.Reasons = Liken(p.Into, p.From)
	p.Fields = differences(p.Into, p.From)
	var own []string
	for _, d := range r.town.Now().Departments {
		if a.belongs(d.Code) {
			own = append(own, d.Code)
		}
	}
	p.Moves, err = r.store.Belongings(ctx, a.Scope(), own, p.From.ID)
	return p, err
}

// Merges tells which records became part of one and which it became part of, also what was undone since, newest first.
func (r *Reader) Merges(ctx context.Context, a Actor, id string) ([]Merge, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return nil, ErrForbidden
	}
	if !IsID(id) {
		return nil, ErrNotFound
	}
	if _, err := r.store.Citizen(ctx, id); err != nil {
		return nil, err
	}
	if err := look(ctx, r.store, r.now(), a, id, "", ""); err != nil {
		return nil, err
	}
	return r.store.MergesOf(ctx, id)
}

// MergeLog is Merges with the records they name, without their contacts and addresses, and the record that was asked for.
func (r *Reader) MergeLog(ctx context.Context, a Actor, id string) ([]Merge, map[string]Citizen, error) {
	merges, err := r.Merges(ctx, a, id)
	if err != nil {
		return nil, nil, err
	}
	ids := map[string]bool{id: true}
	for _, m := range merges {
		ids[m.IntoID], ids[m.FromID] = true, true
	}
	records, err := r.store.CitizensByIDs(ctx, keysOf(ids))
	return merges, records, err
}
