package ticketing

import "time"

// EventType names what happened.
type EventType string

// The events of the journal.
const (
	EventTicketCreated     EventType = "ticket.created"
	EventTicketTaken       EventType = "ticket.taken"
	EventTicketReleased    EventType = "ticket.released"
	EventTicketAssigned    EventType = "ticket.assigned"
	EventTicketTransferred EventType = "ticket.transferred"
	EventTicketLeft        EventType = "ticket.left" // told to the department a ticket was transferred from
	EventTicketClosed      EventType = "ticket.closed"
	EventTicketReopened    EventType = "ticket.reopened"
	EventTicketChanged     EventType = "ticket.changed"
	EventMessageReceived   EventType = "message.received"
	EventFileFetched       EventType = "file.fetched"   // a file of a message came from its provider, or never will
	EventMessageQueued     EventType = "message.queued" // an answer is on its way
	EventMessageResent     EventType = "message.resent" // an agent sends again what did not arrive
	EventNoteAdded         EventType = "note.added"
	EventAckQueued         EventType = "ack.queued"
	EventReceiptQueued     EventType = "receipt.queued" // what an agent wrote down is confirmed to the citizen
	EventAckWithheld       EventType = "ack.withheld"   // owed and not sent; the reason is in Data
	EventDeliveryChanged   EventType = "delivery.changed"
	EventCitizenCreated    EventType = "citizen.created"
	EventCitizenChanged    EventType = "citizen.changed"  // which fields is in Data; what they were is not
	EventCitizenMerged     EventType = "citizen.merged"   // told to both records and of every ticket that moved; the merge is in Data
	EventCitizenUnmerged   EventType = "citizen.unmerged" // the same, when it is undone
	EventCitizenDistinct   EventType = "citizen.distinct" // an agent said that two records are not the same person
	EventTicketMerged      EventType = "ticket.merged"    // told to both: into is the one that lives on
	EventTicketSplit       EventType = "ticket.split"     // messages of it became another ticket
	EventTicketForwarded   EventType = "ticket.forwarded"
	EventTicketOpened      EventType = "ticket.opened"       // somebody who is not of its sealed department reads it for a while, and said why
	EventQuarantined       EventType = "message.quarantined" // of no ticket, as the next: it came in and waits for a person
	EventQuarantineLeft    EventType = "quarantine.left"     // it waits no longer
	EventRefused           EventType = "contact.refused"     // a number said STOP to a line
	EventRefusalLifted     EventType = "contact.accepted"    // and START again
	EventCallRang          EventType = "call.rang"           // of no ticket yet: the call is in Data
	EventCallAnswered      EventType = "call.answered"
	EventCallEnded         EventType = "call.ended"
	EventChannelAlarm      EventType = "channel.alarm" // an alarm of a line has begun, changed or ended
)

// Event is one line of the append-only journal; the timeline, the audit and the live view all read it. It holds identifiers, never
// a name, an address or a text.
type Event struct {
	ID         int64 `gorm:"primaryKey;autoIncrement"`
	Tx         int64 // the transaction that wrote it on PostgreSQL, 0 on SQLite; readers order by (Tx, ID)
	At         time.Time
	Type       EventType
	TicketID   *string
	CitizenID  *string
	Department string
	AgentID    *string // who did it; nil: Guichet itself, or a citizen
	MessageID  *string
	Data       Data
}

// Position is a place in the journal.
type Position struct {
	Tx int64
	ID int64
}

// Position gives the event's own place.
func (e Event) Position() Position { return Position{Tx: e.Tx, ID: e.ID} }
