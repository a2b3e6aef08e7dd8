package console

import (
	"net/http"
	"net/url"

	"guichet/ticketing"
)

// listBody is the list page's filters.
type listBody struct {
	Departments []ticketing.Department
	Statuses    []ticketing.Status
	Channels    []string
}

// ticketsPage is a list, with room for a ticket beside it.
func (c *Console) ticketsPage(r *request) error {
	q := readList(r.Request.URL.Query())
	if q.View == "" {
		q.View = viewAll
	}
	if _, _, ok := ticketing.ParseReference(q.Text); ok { // she typed a reference: that ticket is what she wants
		if t, err := c.reader.Find(r.Request.Context(), r.actor, q.Text); err == nil {
			return r.see("/tickets/" + t.Reference())
		}
	}
	g, p, err := c.list(r, q, "")
	if err != nil {
		return err
	}
	if g.People, err = c.foundPeople(r, q); err != nil {
		return err
	}
	return c.show(r, http.StatusOK, "tickets", frame{
		Title: c.listTitle(r.voice, q), Class: "list-page", Query: q, List: []listGroup{g}, Pager: p, Body: c.filters(r),
	})
}

func (c *Console) filters(r *request) listBody {
	return listBody{
		Departments: c.town.Now().Visible(r.actor), Statuses: ticketing.Statuses(), Channels: vocabularies()["channel"],
	}
}

func (c *Console) listTitle(v *voice, q listQuery) string {
	if d, ok := c.town.Now().Department(q.Department); ok && q.Department != "" {
		return v.word("view", q.View) + " · " + d.Name(v.language)
	}
	return v.word("view", q.View)
}

// takeNext gives the agent the best ticket of a queue, or of all hers.
func (c *Console) takeNext(r *request) error {
	t, err := c.desk.Take(r.Request.Context(), r.actor, r.PostForm("department"))
	switch code := ticketing.CodeOf(err); {
	case code == ticketing.CodeFull:
		return r.see("/tickets?view=mine&done=full")
	case err != nil:
		return err
	case t == nil:
		return r.see("/?done=nothing")
	}
	return r.see("/tickets/" + url.PathEscape(t.Reference()) + "?view=mine&done=taken")
}
