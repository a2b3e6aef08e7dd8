package ticketing

import (
	"context"
	"strings"

	"guichet/channels"
)

// mostFound is how many records a search gives: whoever has more to choose from types more.
const mostFound = 20

// FindCitizens finds living records by what somebody says of herself: an e-mail address, a telephone number in any spelling, a ticket's
// reference, or names, each of whose words must stand in the record's. The first are those that wrote last.
func (r *Reader) FindCitizens(ctx context.Context, a Actor, text string) ([]Citizen, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return nil, ErrForbidden
	}
	text = strings.TrimSpace(text)
	if len(text) > 200 {
		return nil, invalid("q", "too_long")
	}
	if text == "" {
		return nil, nil
	}
	if _, _, ok := ParseReference(text); ok {
		t, err := r.Find(ctx, a, text)
		if err != nil || t.CitizenID == nil {
			return nil, quietly(err)
		}
		c, err := r.store.Citizen(ctx, *t.CitizenID)
		return []Citizen{c}, err
	}
	q := CitizenSearch{Words: text, Limit: mostFound}
	if email, err := cleanEmail(text); err == nil {
		q = CitizenSearch{Contact: email, Limit: mostFound}
	} else if number, ok := channels.ParsePhone(text, r.town.Profile.Region); ok {
		q = CitizenSearch{Contact: number, Limit: mostFound}
	}
	return r.store.SearchCitizens(ctx, q)
}

// quietly makes not finding no error.
func quietly(err error) error {
	if CodeOf(err) == CodeNotFound {
		return nil
	}
	return err
}

// CitizenSearch asks for living records by a way to reach them, else by words of their names.
type CitizenSearch struct {
	Contact string // as it is kept
	Words   string
	Limit   int
}
