package ticketing

import (
	"context"
	"slices"
	"time"
)

// CitizenFile is a record as an actor may read it.
type CitizenFile struct {
	Citizen
	Relations   []RelatedCitizen
	Notes       []CitizenNote // those of departments the actor is of, and those for all
	OpenTickets int           // that she may see
	Stops       []Refusal     // of her numbers to lines of departments she knows of; without a time where that would tell of an exchange she may not know of
}

// RelatedCitizen is a relation and who is at its other end.
type RelatedCitizen struct {
	Relation
	Other Citizen
}

// Citizen reads a record. Who somebody is may be known by all who work here; whoever only administers may not.
func (r *Reader) Citizen(ctx context.Context, a Actor, id string) (CitizenFile, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return CitizenFile{}, ErrForbidden
	}
	if !IsID(id) {
		return CitizenFile{}, ErrNotFound
	}
	var file CitizenFile
	var err error
	if file.Citizen, err = r.store.Citizen(ctx, id); err != nil {
		return file, err
	}
	if err := look(ctx, r.store, r.now(), a, id, "", ""); err != nil {
		return CitizenFile{}, err
	}
	if file.MergedInto != nil {
		lives, err := livesIn(ctx, r.store, id)
		if err != nil {
			return file, err
		}
		file.MergedInto = &lives.ID
	}
	if file.Relations, err = r.relations(ctx, id); err != nil {
		return file, err
	}
	notes, err := r.store.CitizenNotes(ctx, id)
	if err != nil {
		return file, err
	}
	file.Notes = slices.DeleteFunc(notes, func(n CitizenNote) bool { return n.Department != "" && !a.belongs(n.Department) })
	if file.OpenTickets, err = r.store.CountOpen(ctx, a.Scope(), id); err != nil {
		return file, err
	}
	if file.Stops, err = r.stops(ctx, a, file.Contacts); err != nil {
		return file, err
	}
	hides, last, err := r.store.LastContact(ctx, a.Scope(), id)
	if hides { // the date of an exchange she may not know of must not show here
		file.LastContactAt = last
		for i := range file.Stops {
			file.Stops[i].At = time.Time{}
		}
	}
	return file, err
}

// stops lists what the numbers among these contacts refuse, of the lines of departments the actor sees.
func (r *Reader) stops(ctx context.Context, a Actor, contacts []Contact) ([]Refusal, error) {
	var numbers []string
	for _, k := range contacts {
		if k.Type == "phone" {
			numbers = append(numbers, k.Value)
		}
	}
	refusals, err := r.store.Refusals(ctx, numbers)
	town := r.town.Now()
	return slices.DeleteFunc(refusals, func(s Refusal) bool {
		line, ok := town.Line(s.Line)
		d, _ := town.Department(line.Department)
		return !ok || !a.Sees(d)
	}), wrap("refusals", err)
}

// StopsOf lists the lines one of her numbers said STOP to.
func (f CitizenFile) StopsOf(number string) []Refusal {
	var list []Refusal
	for _, s := range f.Stops {
		if s.Number == number {
			list = append(list, s)
		}
	}
	return list
}

func (r *Reader) relations(ctx context.Context, id string) ([]RelatedCitizen, error) {
	found, err := r.store.RelationsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(f Relation) bool { return f.FromID == f.ToID }) // of two records that were merged
	found = once(found, func(f Relation) Relation {
		return Relation{FromID: f.FromID, ToID: f.ToID, Kind: f.Kind, Since: f.Since, Until: f.Until}
	})
	ids := map[string]bool{}
	for _, f := range found {
		ids[otherEnd(f, id)] = true
	}
	others, err := r.store.CitizensByIDs(ctx, keysOf(ids))
	if err != nil {
		return nil, err
	}
	list := make([]RelatedCitizen, len(found))
	for i, f := range found {
		list[i] = RelatedCitizen{Relation: f, Other: others[otherEnd(f, id)]}
	}
	return list, nil
}

func otherEnd(r Relation, id string) string {
	if r.FromID == id {
		return r.ToID
	}
	return r.FromID
}
