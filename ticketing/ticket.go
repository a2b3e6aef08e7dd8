package ticketing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Status of a ticket. The table of moves is in contract order: new → open by taking, open → waiting by replying, waiting → open
// by the citizen's next message, closed from any by an outcome, open again by a message in the department's window.
type Status string

// The statuses.
const (
	StatusNew     Status = "new"
	StatusOpen    Status = "open"
	StatusWaiting Status = "waiting" // for the citizen
	StatusClosed  Status = "closed"
)

// Statuses lists them in the order menus show them.
func Statuses() []Status { return []Status{StatusNew, StatusOpen, StatusWaiting, StatusClosed} }

// CloseOutcome is how a closed ticket ended.
type CloseOutcome string

// The outcomes.
const (
	Answered  CloseOutcome = "answered"
	Accepted  CloseOutcome = "accepted"
	Rejected  CloseOutcome = "rejected"
	Forwarded CloseOutcome = "forwarded"
	Duplicate CloseOutcome = "duplicate"
	Spam      CloseOutcome = "spam"
	Abandoned CloseOutcome = "abandoned"
)

// Outcomes lists those an agent may choose, in the order menus show them.
func Outcomes() []CloseOutcome {
	return []CloseOutcome{Answered, Accepted, Rejected, Forwarded, Duplicate, Spam, Abandoned}
}

// Priority of a ticket in its queue.
type Priority string

// The priorities.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
	Urgent Priority = "urgent" // danger to life or property: before everything else
)

// Priorities lists them from the calmest.
func Priorities() []Priority { return []Priority{Low, Normal, High, Urgent} }

// Rank is the priority as the router counts it.
func (p Priority) Rank() int {
	switch p {
	case Low:
		return -1
	case High:
		return 1
	case Urgent:
		return 2
	}
	return 0
}

// Ticket is one request of one citizen, whatever ways she used to make it.
type Ticket struct {
	ID           string `gorm:"primaryKey"`
	Year         int    // of filing, in the town's zone
	Number       int    // within the year; never reused, gaps allowed
	Version      int
	Subject      string
	Status       Status
	Outcome      CloseOutcome
	Channel      string // of its first exchange
	Line         string // the mailbox or line it came through; answers leave by it
	Department   string
	Motive       string
	Priority     Priority
	AssigneeID   *string
	CitizenID    *string // nil: nobody could be read from the message
	Language     string  // to answer in: fr | en
	Weight       int     // of the agent's capacity it uses while open
	Rule         string  // that decided the department; empty: none matched, or an agent chose
	LoggedBy     *string // the agent who wrote it down; she reads it until somebody takes it
	TakenAt      *time.Time
	ReceivedAt   time.Time // when it reached the town hall
	RegisteredAt time.Time // when Guichet filed it
	UpdatedAt    time.Time
	QueuedAt     *time.Time // since when it waits in its queue; nil while it does not
	FirstReplyAt *time.Time // first answer by a person
	ClosedAt     *time.Time
	DueAt        *time.Time
	SnoozedUntil *time.Time
	MergedInto   *string
	Tags         Strings
	Preview      string // the beginning of the last message of the citizen, for lists

	// QueueOrder and Search are the store's own, kept with every write: QueuedAt, earlier by a century for each step of priority, which
	// is the order of a queue; and what lists search in, folded.
	QueueOrder *time.Time
	Search     string
}

// Reference is what a citizen is told: "2026-00412".
func (t Ticket) Reference() string { return FormatReference(t.Year, t.Number) }

// FormatReference writes a reference: the year, then at least five digits.
func FormatReference(year, number int) string { return fmt.Sprintf("%04d-%05d", year, number) }

// ParseReference reads a reference as FormatReference writes it, with any number of digits.
func ParseReference(s string) (year, number int, ok bool) {
	y, n, found := strings.Cut(strings.TrimSpace(s), "-")
	if !found || len(y) != 4 || len(n) < 5 || len(n) > 9 {
		return 0, 0, false
	}
	year, err := strconv.Atoi(y)
	if err != nil || year < 1 {
		return 0, 0, false
	}
	number, err = strconv.Atoi(n)
	if err != nil || number < 1 {
		return 0, 0, false
	}
	return year, number, true
}

// Queued tells whether the ticket stands in its department's queue: new or open, nobody has it, not put aside.
func (t Ticket) Queued(now time.Time) bool {
	return (t.Status == StatusNew || t.Status == StatusOpen) && t.AssigneeID == nil &&
		(t.SnoozedUntil == nil || !t.SnoozedUntil.After(now))
}

// UsesCapacity tells whether the ticket counts against its assignee's capacity.
func (t Ticket) UsesCapacity() bool { return t.Status == StatusOpen && t.AssigneeID != nil }

// Participant is somebody or some department that belongs to a ticket beside its citizen.
type Participant struct {
	TicketID string `gorm:"primaryKey"`
	Type     string `gorm:"primaryKey"` // email | phone | department
	Value    string `gorm:"primaryKey"`
	Name     string
	Role     string // sender | recipient | copied | department
}

// The kinds of links.
const (
	LinkQuoted  = "quoted"  // a stranger quoted the other's reference
	LinkFollows = "follows" // it continues a closed one
	LinkMerged  = "merged"  // it was merged into the other
	LinkSplit   = "split"   // it was split from the other
)

// Link ties two tickets.
type Link struct {
	TicketID  string `gorm:"primaryKey"`
	OtherID   string `gorm:"primaryKey"`
	Kind      string `gorm:"primaryKey"` // LinkQuoted and its like
	CreatedAt time.Time
}
