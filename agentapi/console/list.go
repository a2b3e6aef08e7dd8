package console

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// The views of the console: what an agent looks at her tickets through.
const (
	viewQueue   = "queue"   // to be taken
	viewMine    = "mine"    // hers, to be answered
	viewWaiting = "waiting" // hers, waiting for the citizen
	viewAll     = "all"
)

func views() []string { return []string{viewQueue, viewMine, viewWaiting, viewAll} }

func sorts() []ticketing.TicketSort {
	return []ticketing.TicketSort{ticketing.SortWaiting, ticketing.SortReceived, ticketing.SortUpdated, ticketing.SortDue}
}

// listQuery is a list as its address says it.
type listQuery struct {
	View       string
	Department string
	Status     string
	Channel    string
	Text       string
	Sort       string
	Cursor     string
}

// readList reads a list from an address. What makes no sense is left out rather than refused: addresses are kept and passed on.
func readList(values url.Values) listQuery {
	pick := func(name string, allowed []string) string {
		if v := values.Get(name); slices.Contains(allowed, v) {
			return v
		}
		return ""
	}
	return listQuery{
		View:       pick("view", views()),
		Department: clean(values.Get("department"), 60),
		Status:     pick("status", texts(ticketing.Statuses())),
		Channel:    pick("channel", texts(channels.Names())),
		Text:       clean(values.Get("q"), 200),
		Sort:       pick("sort", texts(sorts())),
		Cursor:     clean(values.Get("cursor"), 300),
	}
}

func clean(s string, most int) string {
	s = strings.TrimSpace(s)
	if len(s) > most {
		return ""
	}
	return s
}

// Suffix writes the list as the end of an address: "?view=mine", or nothing.
func (q listQuery) Suffix() string {
	values := url.Values{}
	for _, field := range []struct{ name, value string }{
		{"view", q.View}, {"department", q.Department}, {"status", q.Status}, {"channel", q.Channel}, {"q", q.Text}, {"sort", q.Sort},
		{"cursor", q.Cursor},
	} {
		if field.value != "" {
			values.Set(field.name, field.value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// Filtered tells whether more than the view narrows the list.
func (q listQuery) Filtered() bool { return q.Status != "" || q.Channel != "" || q.Text != "" }

// Unfiltered is the view alone.
func (q listQuery) Unfiltered() listQuery { return listQuery{View: q.View, Department: q.Department} }

// Order is the sort in force: the agent's choice, else the view's own.
func (q listQuery) Order() string {
	switch {
	case q.Sort != "" && (q.Sort != string(ticketing.SortWaiting) || q.View == viewQueue):
		return q.Sort
	case q.View == viewQueue:
		return string(ticketing.SortWaiting)
	case q.View == viewAll:
		return string(ticketing.SortReceived)
	}
	return string(ticketing.SortUpdated)
}

// Sorts lists the orders the view can have.
func (q listQuery) Sorts() []ticketing.TicketSort {
	if q.View == viewQueue {
		return sorts()
	}
	return sorts()[1:]
}

// ask makes the query of a list. works is the departments whose tickets the agent takes.
func (q listQuery) ask(works []ticketing.Department) ticketing.TicketQuery {
	t := ticketing.TicketQuery{Channel: q.Channel, Text: q.Text, Sort: ticketing.TicketSort(q.Order())}
	if q.Department != "" {
		t.Departments = []string{q.Department}
	}
	switch q.View {
	case viewQueue:
		t.Queued = true
		if q.Department == "" {
			t.Departments = codes(works)
		}
	case viewMine:
		t.Assignee, t.Statuses = "me", []ticketing.Status{ticketing.StatusNew, ticketing.StatusOpen}
	case viewWaiting:
		t.Assignee, t.Statuses = "me", []ticketing.Status{ticketing.StatusWaiting}
	}
	if q.Status != "" {
		t.Statuses = []ticketing.Status{ticketing.Status(q.Status)}
	}
	return t
}

func codes(departments []ticketing.Department) []string {
	list := make([]string, len(departments))
	for i, d := range departments {
		list[i] = d.Code
	}
	return list
}

// listGroup is a part of the list pane under one heading.
type listGroup struct {
	View    string
	People  []foundPerson // who was found by the same text
	Items   []listItem
	TooMany bool   // only what the newest messages say was looked at
	More    string // address of the whole list, when this is only its beginning
}

// listItem is a line of the list.
type listItem struct {
	ticketing.TicketRow
	Href string
	Here bool // the ticket that is open beside the list
	Mine bool
	View string
	Sort string
	When *time.Time // what the list is sorted by
}

// pager is where a list goes on.
type pager struct{ First, Next string }

// list reads a page of a list. here is the reference of the ticket that is open.
func (c *Console) list(r *request, q listQuery, here string) (listGroup, pager, error) {
	query := q.ask(c.town.Now().Works(r.actor))
	page, err := c.reader.Tickets(r.Request.Context(), r.actor, query, q.Cursor)
	if q.Cursor != "" && ticketing.CodeOf(err) == ticketing.CodeInvalid { // the cursor of another list: begin again
		q.Cursor = ""
		page, err = c.reader.Tickets(r.Request.Context(), r.actor, query, "")
	}
	if err != nil {
		return listGroup{}, pager{}, err
	}
	g := listGroup{View: q.View, Items: items(r, q, page.Rows, here), TooMany: page.TooMany}
	var p pager
	if page.Next != "" {
		next := q
		next.Cursor = page.Next
		p.Next = "/tickets" + next.Suffix()
	}
	if q.Cursor != "" {
		first := q
		first.Cursor = ""
		p.First = "/tickets" + first.Suffix()
	}
	return g, p, nil
}

func items(r *request, q listQuery, rows []ticketing.TicketRow, here string) []listItem {
	list := make([]listItem, len(rows))
	for i, row := range rows {
		list[i] = listItem{
			TicketRow: row, Href: "/tickets/" + row.Reference() + q.Suffix(), Here: row.Reference() == here, View: q.View,
			Mine: row.AssigneeID != nil && *row.AssigneeID == r.actor.ID && row.Status != ticketing.StatusClosed,
			Sort: q.Order(), When: sortedBy(row.Ticket, ticketing.TicketSort(q.Order())),
		}
	}
	return list
}

// sortedBy gives the time of a ticket that a list in this order goes by.
func sortedBy(t ticketing.Ticket, order ticketing.TicketSort) *time.Time {
	switch order {
	case ticketing.SortWaiting:
		return t.QueuedAt
	case ticketing.SortReceived:
		return &t.ReceivedAt
	case ticketing.SortDue:
		return t.DueAt
	}
	return &t.UpdatedAt
}

// nav is the views and departments with what waits in them.
type nav struct {
	Views       []navLink
	Departments []navLink
	Quarantine  navLink // Shown only to those it is the business of
	Channels    bool    // the way to the page of the mailboxes
	Ledger      bool    // the way to the page of who looked
}

// Waiting is how many tickets the agent could take.
func (n nav) Waiting() int {
	waiting := 0
	for _, d := range n.Departments {
		waiting += d.Count
	}
	return waiting
}

type navLink struct {
	Href  string
	View  string // empty for a department
	Name  string // of a department
	Count int
	Here  bool
	Shown bool // the count is known
}

// navigation counts what waits for the agent, and for whom she works.
func (c *Console) navigation(r *request, q listQuery) (nav, error) {
	counts, err := c.reader.Views(r.Request.Context(), r.actor)
	if err != nil {
		return nav{}, err
	}
	works := c.town.Now().Works(r.actor)
	n := nav{Channels: r.overseer(), Ledger: c.ledger.May(r.actor)}
	for _, d := range works {
		n.Departments = append(n.Departments, navLink{
			Href: "/tickets" + listQuery{View: viewQueue, Department: d.Code}.Suffix(), Name: d.Name(r.voice.language),
			Count: counts.Queued[d.Code], Shown: true, Here: q.View == viewQueue && q.Department == d.Code,
		})
	}
	numbers := map[string]int{viewQueue: n.Waiting(), viewMine: counts.Mine, viewWaiting: counts.Waiting}
	for _, view := range views() {
		count, shown := numbers[view]
		n.Views = append(n.Views, navLink{
			Href: "/tickets" + listQuery{View: view}.Suffix(), View: view, Count: count, Shown: shown,
			Here: q.View == view && (view != viewQueue || q.Department == ""),
		})
	}
	if n.Quarantine.Count, n.Quarantine.Shown, err = c.quarantine.Count(r.Request.Context(), r.actor); err != nil {
		return nav{}, err
	}
	n.Quarantine.Href, n.Quarantine.Here = quarantinePath, strings.HasPrefix(r.Request.URL.Path, quarantinePath)
	return n, nil
}
