package ticketing

import (
	"time"

	"guichet/channels"
)

// Direction of a message.
type Direction string

// The directions.
const (
	In   Direction = "in"
	Out  Direction = "out"
	Note Direction = "note" // between agents; never leaves the house
)

// Message is one exchange of a ticket, or a note on it.
type Message struct {
	ID          string `gorm:"primaryKey"`
	TicketID    string
	Direction   Direction
	Channel     string
	Line        string
	FromName    string
	FromValue   string
	ReplyTo     string // where the sender wants answers, when it is not where she wrote from
	To          Addresses
	Cc          Addresses
	Subject     string
	Text        string
	HTML        string // as received, made safe when it is shown; of a mail of ours, the document that is sent
	Folded      int    // byte offset in Text where quoted history begins; 0: none
	Automatic   string // why it is a machine's; empty: a person's
	Silent      string // why nothing went out by itself in answer
	ExternalID  string // Message-ID without brackets, MessageSid
	References  Strings
	OriginalID  *string
	AgentID     *string // who wrote it, or wrote it down
	Stranger    bool    // joined by a token although its sender is not known on this ticket
	Warnings    Strings // what could not be read
	Desk        string  // at which counter it was written down
	Documents   Strings // handed over with it, on paper
	At          time.Time
	CreatedAt   time.Time
	Attachments []Attachment `gorm:"foreignKey:MessageID"`
	Delivery    *Delivery    `gorm:"foreignKey:MessageID"`
}

// IsAutomatic tells whether a machine wrote it.
func (m Message) IsAutomatic() bool { return m.Automatic != "" }

// CameIn tells whether it is a person's to the town hall.
func (m Message) CameIn() bool { return m.Direction == In && m.Automatic == "" }

// Attachment is a file of a message. Its bytes are in the file store under their SHA-256.
type Attachment struct {
	ID        string `gorm:"primaryKey"`
	MessageID string
	Position  int
	Name      string
	Type      string
	Size      int
	SHA256    string `gorm:"column:sha256"`
	ContentID string
	Inline    bool
	ExpiresAt *time.Time // when it is deleted, for the recording of a conversation; nil: it stays
	Source    string     // where its provider keeps it, until it is fetched; then empty
	FetchAt   *time.Time // when that is tried next; nil: it is here
	Fetches   int        // tries so far
}

// Here tells whether the file is in the file store.
func (a Attachment) Here() bool { return a.FetchAt == nil }

// Original is a message as it came, byte for byte. Its key makes it the same message when it is seen again.
type Original struct {
	ID         string `gorm:"primaryKey"`
	Channel    string
	Key        string
	Line       string
	Raw        []byte // up to MaxRowOriginal bytes; larger ones are files, and only in quarantine their beginning is here too
	SHA256     string `gorm:"column:sha256"` // of the file, when it is one
	Size       int
	State      string        // filed | quarantined
	Reason     channels.Hold // why it waits in quarantine, or waited there; empty: it never did
	Error      string        // the same in words for the log
	ReceivedAt time.Time
	CreatedAt  time.Time
}

// The states of an original.
const (
	OriginalFiled       = "filed"
	OriginalQuarantined = "quarantined"
)

// MaxRowOriginal is the largest original kept as a row, in bytes.
const MaxRowOriginal = 256 << 10

// Copy is a place where an original was seen.
type Copy struct {
	Mailbox     string `gorm:"primaryKey"`
	UIDValidity int64  `gorm:"primaryKey;column:uid_validity"`
	UID         int64  `gorm:"primaryKey;column:uid"`
	Channel     string
	Key         string
	At          time.Time
}

// DeliveryState is how far a message has got on its way out.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryQueued    DeliveryState = "queued"
	DeliverySending   DeliveryState = "sending"
	DeliverySent      DeliveryState = "sent"      // the next server took charge
	DeliveryDelivered DeliveryState = "delivered" // the provider says it arrived
	DeliveryFailed    DeliveryState = "failed"    // refused for good
	DeliveryParked    DeliveryState = "parked"    // a person must decide
	DeliveryBounced   DeliveryState = "bounced"   // accepted, then sent back
)

// Delivery is the duty to send a message, written in the same transaction as the message.
type Delivery struct {
	ID              string `gorm:"primaryKey"`
	MessageID       string
	TicketID        string
	Channel         string
	State           DeliveryState
	Attempts        int
	Uncertain       int // attempts whose outcome nobody knows
	NextAt          time.Time
	LeaseOwner      string
	LeasedUntil     *time.Time
	AttemptingSince *time.Time // an attempt is under way, or was when its process died
	Error           string     // of the last attempt, in the other side's words
	ExternalID      string
	CreatedAt       time.Time
	DoneAt          *time.Time
}

// Attempt is one try at a delivery.
type Attempt struct {
	DeliveryID string `gorm:"primaryKey"`
	Number     int    `gorm:"primaryKey"`
	At         time.Time
	Outcome    channels.Outcome
	Code       string
	Reason     string
}
