package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"guichet/ticketing"
)

const callsPath = "/calls"

// callsBody is the page of the telephone calls.
type callsBody struct {
	Live        []callLine
	CallBack    []callLine
	Rows        []callLine
	Departments []ticketing.Department
	Department  string // the filter
	Pager       pager
}

// Nothing tells whether there is no call to show.
func (b callsBody) Nothing() bool { return len(b.Live)+len(b.CallBack)+len(b.Rows) == 0 }

// callLine is a call as a line of the list.
type callLine struct {
	ID           string
	At           time.Time
	Title        string // what became of it
	Missed       bool
	Name         string // of the citizen
	Number       string // as it is read aloud
	Whose        string // address of her record, else of the tickets of her number; empty: nobody is known
	Department   string
	Line         string
	Waited       string
	Talked       string
	Reference    string
	TicketStatus ticketing.Status
	DueAt        *time.Time // by when to call back
	AssigneeName string
}

// callsPage lists the calls the agent may see: those under way, those to call back, then the others.
func (c *Console) callsPage(r *request) error {
	filter, cursor := clean(r.Query("department"), 60), clean(r.Query("cursor"), 300)
	visible := c.town.Now().Visible(r.actor)
	if !slices.Contains(codes(visible), filter) {
		filter = ""
	}
	list, err := c.switchboard.List(r.Request.Context(), r.actor, filter, cursor)
	if cursor != "" && ticketing.CodeOf(err) == ticketing.CodeInvalid { // addresses are kept and passed on: begin again
		cursor = ""
		list, err = c.switchboard.List(r.Request.Context(), r.actor, filter, "")
	}
	if err != nil {
		return err
	}
	body := callsBody{Rows: c.callLines(r, list.Rows), Departments: visible, Department: filter}
	if cursor == "" { // further pages are the log alone
		body.Live, body.CallBack = c.callLines(r, list.Live), c.callLines(r, list.CallBack)
	} else {
		body.Pager.First = callsAddress(filter, "")
	}
	if list.Next != "" {
		body.Pager.Next = callsAddress(filter, list.Next)
	}
	return c.show(r, http.StatusOK, "calls", frame{Title: r.voice.say("calls.title"), Class: "wide-page", Here: "calls", Body: body})
}

func callsAddress(department, cursor string) string {
	q := url.Values{}
	if department != "" {
		q.Set("department", department)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return callsPath
	}
	return callsPath + "?" + q.Encode()
}

func (c *Console) callLines(r *request, rows []ticketing.CallRow) []callLine {
	lines := make([]callLine, len(rows))
	for i, row := range rows {
		shown := c.callEntry(r.voice, row.Call)
		department, _ := c.town.Now().Department(row.Department)
		lines[i] = callLine{
			ID: row.ID, At: row.CreatedAt, Title: shown.Title, Missed: shown.Missed, Name: row.CitizenName, Number: shown.Number,
			Department: department.Name(r.voice.language), Line: row.Line, Reference: row.Reference, TicketStatus: row.TicketStatus,
			DueAt: row.DueAt, AssigneeName: row.AssigneeName,
		}
		if waited, ok := row.Waited(); ok {
			lines[i].Waited = r.voice.span(waited)
		}
		if talked, ok := row.Talk(); ok {
			lines[i].Talked = r.voice.span(talked)
		}
		switch {
		case row.CitizenID != nil:
			lines[i].Whose = "/citizens/" + *row.CitizenID
		case row.Number != "":
			lines[i].Whose = "/tickets" + listQuery{View: viewAll, Text: row.Number}.Suffix()
		}
	}
	return lines
}
