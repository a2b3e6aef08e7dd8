package ticketing

import (
	"context"
	"slices"
	"time"
)

// CallPart is a part of the list of calls.
type CallPart string

// The parts.
const (
	CallsAll      CallPart = ""
	CallsLive     CallPart = "live"      // under way
	CallsCallBack CallPart = "call_back" // missed, and nobody has talked or written to the caller since
)

// CallQuery asks for a page of calls. Zero fields do not filter.
type CallQuery struct {
	Scope      []string // departments the actor sees: of the call, and of the ticket it is on
	Own        string   // an agent, whose own calls are hers to see wherever they went
	Department string
	Part       CallPart
	Since      time.Time // of CallsLive and CallsCallBack: those that began since
	After      *CallMark
	Limit      int
}

// CallMark is where a page of calls ended.
type CallMark struct {
	At time.Time
	ID string
}

// CallRow is a call as a list shows it, with its ticket and its citizen.
type CallRow struct {
	Call
	Reference    string // of the ticket; empty: it is on none
	TicketStatus Status
	DueAt        *time.Time // by when the ticket's caller is to be called back
	CitizenName  string
	AssigneeName string // of who has the ticket
}

// CallList is a page of calls with, before it, those that are under way and those to call back; the page leaves these out.
type CallList struct {
	Live     []CallRow
	CallBack []CallRow
	Rows     []CallRow // newest first
	Next     string    // cursor of the next page; empty: there is none
}

const (
	callBackFor   = 30 * 24 * time.Hour // a missed call is listed to be called back for so long; its ticket waits longer
	callsPerPage  = 50
	callsBefore   = 100 // under way, or to call back
	callCursorFor = TicketSort("calls")
)

// List gives a page of the calls the actor may know of: of departments she sees, unless their ticket went where she does not look, and
// her own. department "" is all of them.
func (b *Switchboard) List(ctx context.Context, a Actor, department, cursor string) (CallList, error) {
	var list CallList
	now := b.desk.now()
	q := CallQuery{Scope: a.Scope().Departments, Own: a.ID, Department: department, Limit: callsBefore}
	read := func(part CallPart, since time.Time) ([]CallRow, error) {
		q.Part, q.Since = part, since
		return b.desk.store.ListCalls(ctx, q)
	}
	var err error
	if list.Live, err = read(CallsLive, now.Add(-liveFor)); err != nil {
		return list, wrap("calls", err)
	}
	if list.CallBack, err = read(CallsCallBack, now.Add(-callBackFor)); err != nil {
		return list, wrap("calls", err)
	}
	q.Limit = callsPerPage + 1
	if cursor != "" {
		mark, err := readCursor(cursor, callCursorFor)
		if err != nil || mark.At == nil {
			return list, invalid("cursor", "unknown")
		}
		q.After = &CallMark{At: *mark.At, ID: mark.ID}
	}
	rows, err := read(CallsAll, time.Time{})
	if err != nil {
		return list, wrap("calls", err)
	}
	if len(rows) > callsPerPage {
		rows = rows[:callsPerPage]
		last := rows[callsPerPage-1]
		list.Next = cursorText{Sort: callCursorFor, At: &last.CreatedAt, ID: last.ID}.write()
	}
	before := map[string]bool{}
	for _, row := range slices.Concat(list.Live, list.CallBack) {
		before[row.ID] = true
	}
	list.Rows = slices.DeleteFunc(rows, func(row CallRow) bool { return before[row.ID] })
	return list, nil
}
