package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"guichet/ticketing"
)

const ledgerPath = "/consultations"

// ledgerBody is who looked at whose file.
type ledgerBody struct {
	Rows    []ticketing.Look
	Filters lookFilters
	Name    string // of the citizen the list is of
	Next    string // address of the next page
	Back    bool
	Export  string // address of the same list as a table
	Check   string // address of the same page with the seals recomputed
	Chain   *ticketing.Chain
}

// lookFilters is what the list is filtered by, as it was typed.
type lookFilters struct{ Name, Citizen, Agent, Ticket, After, Before string }

// Any tells whether there is a filter.
func (f lookFilters) Any() bool { return f != lookFilters{} }

func readLookFilters(q url.Values) lookFilters {
	get := func(name string) string { return strings.TrimSpace(clean(q.Get(name), 200)) }
	return lookFilters{get("name"), get("citizen"), get("agent"), get("ticket"), get("after"), get("before")}
}

// Of is the address of a page about these filters.
func (f lookFilters) Of(path string, more ...string) string {
	q := url.Values{}
	for name, value := range map[string]string{
		"name": f.Name, "citizen": f.Citizen, "agent": f.Agent, "ticket": f.Ticket, "after": f.After, "before": f.Before,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// ask makes a query of the filters; days are those of the town. ok is false when one can't be read.
func (f lookFilters) ask(zone *time.Location) (q ticketing.ConsultationQuery, ok bool) {
	q = ticketing.ConsultationQuery{Name: f.Name, Citizen: f.Citizen, Agent: f.Agent, Ticket: f.Ticket, Limit: 50}
	day := func(text string, further int) *time.Time {
		if text == "" {
			return nil
		}
		at, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			ok = false
			return nil
		}
		at = at.AddDate(0, 0, further)
		return &at
	}
	ok = true
	q.After, q.Before = day(f.After, 0), day(f.Before, 1)
	return q, ok
}

// ledgerPage shows data protection officers who looked at what. To all others there is no such page.
func (c *Console) ledgerPage(r *request) error {
	if !c.ledger.May(r.actor) {
		return ticketing.ErrNotFound
	}
	ctx := r.Request.Context()
	f := readLookFilters(r.Request.URL.Query())
	b := ledgerBody{Filters: f, Back: r.Query("cursor") != "", Check: f.Of(ledgerPath, "check", "1")}
	q, ok := f.ask(c.town.Profile.Zone)
	var a *alert
	status := http.StatusOK
	page, err := ticketing.LookPage{}, error(nil)
	if ok {
		page, err = c.ledger.Looks(ctx, r.actor, q, clean(r.Query("cursor"), 300))
	}
	switch {
	case !ok, ticketing.CodeOf(err) == ticketing.CodeInvalid:
		a, status = r.voice.alert("refuse.look_filter"), http.StatusUnprocessableEntity
	case err != nil:
		return err
	}
	b.Rows = page.Rows
	if page.Next != "" {
		b.Next = f.Of(ledgerPath, "cursor", page.Next)
	}
	if f.Citizen != "" && len(page.Rows) > 0 {
		b.Name = page.Rows[0].CitizenName
	}
	b.Export = exportOf(f, q)
	if r.Query("check") != "" {
		chain, err := c.ledger.Check(ctx, r.actor)
		if err != nil {
			return err
		}
		b.Chain = &chain
	}
	return c.show(r, status, "ledger", frame{Title: r.voice.say("ledger.title"), Class: "wide-page", Here: "ledger", Alert: a, Body: b})
}

// exportOf is the address of the same list as a table.
func exportOf(f lookFilters, q ticketing.ConsultationQuery) string {
	f.After, f.Before = "", ""
	var times []string
	if q.After != nil {
		times = append(times, "after", q.After.UTC().Format(time.RFC3339))
	}
	if q.Before != nil {
		times = append(times, "before", q.Before.UTC().Format(time.RFC3339))
	}
	return f.Of("/api/v1/consultations/export", times...)
}
