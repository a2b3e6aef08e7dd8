package ticketing

import (
	"time"

	"guichet/channels"
)

// What an archive brings was dealt with elsewhere, long ago. Its tickets are the history on a citizen's record: closed since the last
// message they hold, in no queue, acknowledged to nobody. Left open, ten years of a mailbox would bury this morning's mail.

// arrived is the moment by which a message is judged: the present, or for an archive the one it arrived at.
func (f *filing) arrived(in channels.Inbound) time.Time {
	if in.Archived {
		return in.At
	}
	return f.now
}

// shelve closes a new ticket that nobody has to work on.
func (f *filing) shelve(t *Ticket, in channels.Inbound, reason string) {
	at := in.At
	t.Status, t.Outcome, t.ClosedAt, t.QueuedAt = StatusClosed, Answered, &at, nil
	f.events = append(f.events, event(EventTicketClosed, *t, f.desk.now, nil, Data{"outcome": string(Answered), "reason": reason}))
}

// continueShelved adds a message of an archive to a ticket. It wakes nobody; a closed ticket is closed since the later of the two.
func (f *filing) continueShelved(t *Ticket, in channels.Inbound) {
	if t.Status != StatusClosed || t.ClosedAt != nil && t.ClosedAt.After(in.At) {
		return
	}
	at := in.At
	t.ClosedAt = &at
	if in.Automatic == "" {
		t.Preview = preview(visible(in))
	}
}
