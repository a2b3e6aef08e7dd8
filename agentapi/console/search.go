package console

import (
	"guichet/channels"
	"guichet/ticketing"
)

// foundPerson is a record above the tickets a search found.
type foundPerson struct {
	Name string
	Kind ticketing.Kind
	How  string // one line to tell her from others of that name: how she is reached, or where she lives
	Open int    // tickets the agent may see
	Href string // her record
}

// peopleAbove is how many records stand above the tickets a search found.
const peopleAbove = 5

// foundPeople are the records a search of all tickets finds, on the first page of its list.
func (c *Console) foundPeople(r *request, q listQuery) ([]foundPerson, error) {
	if q.Text == "" || q.View != viewAll || q.Cursor != "" {
		return nil, nil
	}
	people, err := c.reader.Citizens(r.Request.Context(), r.actor, q.Text, peopleAbove, "")
	if ticketing.CodeOf(err) == ticketing.CodeForbidden { // whoever only administers finds nobody
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []foundPerson
	for _, row := range people.Rows {
		p := foundPerson{Name: ticketing.DisplayName(row.Citizen), Kind: row.Kind, Open: row.OpenTickets, Href: "/citizens/" + row.ID}
		switch {
		case len(row.Addresses) > 0:
			p.How = row.Addresses[0].Street + ", " + row.Addresses[0].City
		case len(row.Contacts) > 0:
			p.How = row.Contacts[0].Value
			if row.Contacts[0].Type == "phone" {
				p.How = channels.FormatPhone(p.How, c.town.Profile.Region)
			}
		}
		if p.How == p.Name {
			p.How = ""
		}
		list = append(list, p)
	}
	return list, nil
}
