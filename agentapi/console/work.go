package console

import (
	"net/http"
	"strings"

	"guichet/ticketing"
)

// workBody is what the page "my work" says beside its lists.
type workBody struct{ GivenName string }

// shortList is how many lines of each list the page "my work" shows.
const shortList = 12

// workPage is where a day begins: the agent's own tickets, then what there is to take.
func (c *Console) workPage(r *request) error {
	var groups []listGroup
	works := c.town.Now().Works(r.actor)
	for _, view := range []string{viewMine, viewQueue} {
		q := listQuery{View: view}
		query := q.ask(works)
		query.Limit = shortList
		page, err := c.reader.Tickets(r.Request.Context(), r.actor, query, "")
		if err != nil {
			return err
		}
		g := listGroup{View: view, Items: items(r, q, page.Rows, "")}
		if page.Next != "" {
			g.More = "/tickets" + q.Suffix()
		}
		groups = append(groups, g)
	}
	given, _ := ticketing.SplitName(r.actor.Name)
	if given == "" {
		given = strings.TrimSpace(r.actor.Name)
	}
	return c.show(r, http.StatusOK, "work", frame{
		Title: r.voice.say("work.title"), Class: "work", List: groups, Body: workBody{GivenName: given},
	})
}
