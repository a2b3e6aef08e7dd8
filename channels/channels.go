// Package channels holds the words every way of reaching the town hall speaks: what came in, what goes out, what became of it,
// and how a line is doing. It knows no ticket and no protocol; each adapter is a folder below it.
package channels

import (
	"context"
	"time"
)

// Name is the kind of a channel, as the API spells it.
type Name string

// The channels an exchange can use.
const (
	Email   Name = "email"
	SMS     Name = "sms"
	Phone   Name = "phone"
	Counter Name = "counter"
	Letter  Name = "letter"
	Web     Name = "web"
)

// Names lists every channel in the order menus show them.
func Names() []Name { return []Name{Email, SMS, Phone, Counter, Letter, Web} }

// Address is one end of an exchange: an e-mail address or a telephone number, with the name written beside it.
type Address struct {
	Name  string `json:"name,omitempty"`
	Value string `json:"value"`
}

// Attachment is a file that came with a message or leaves with one.
type Attachment struct {
	Name      string // as the sender wrote it; empty when there was none
	Type      string // media type without parameters, "application/octet-stream" when unknown
	ContentID string // without angle brackets; pictures named by an HTML body
	Inline    bool
	Data      []byte
	Source    string // where the provider keeps it, when Data is not here yet: a Fetcher gets it once the message is filed
}

// Fetcher gets the files a provider keeps, after the message that names them was filed.
type Fetcher interface {
	// Fetch gets what is kept at the Source of an Attachment: its Data and Type. An *Unfetchable says that it never will be.
	Fetch(ctx context.Context, source string) (Attachment, error)
}

// Unfetchable is the error of a file that is not to be asked for again.
type Unfetchable struct{ Reason string } // in English, without the address: it opens the file for whoever reads it

// Error implements error.
func (e *Unfetchable) Error() string { return e.Reason }

// Place is where a copy of a message was seen. The same message may be seen in several places.
type Place struct {
	Mailbox     string // name of the mailbox in the configuration
	UIDValidity uint32
	UID         uint32
}

// Inbound is one message as an adapter read it. Only Channel, Key, Raw and At are always there: whatever could not be read is
// empty and said in Warnings, because a message that cannot be parsed is still a citizen's message.
type Inbound struct {
	Channel Name
	Line    string // name of the mailbox or line it came through
	Key     string // what makes it the same message when it is seen again; unique per channel
	Raw     []byte // the original, byte for byte
	Place   *Place // nil when the channel has no places

	ID          string // the sender's own identifier: Message-ID without angle brackets, MessageSid, …; may be empty or repeated
	InReplyTo   []string
	References  []string  // oldest first, without angle brackets
	From        Address   // zero: unknown sender
	ReplyTo     []Address // where the sender wants answers, when she said so
	FormSender  bool      // From is the town's own web form: the person is in ReplyTo
	To, Cc      []Address
	DeliveredTo []string // envelope recipients as servers noted them; reply tokens are looked for here and in To and Cc

	Subject     string
	Text        string // plain text, complete; made from the HTML when there was nothing else
	HTML        string // as received, not yet safe to show
	Folded      int    // byte offset in Text where quoted history begins; 0: nothing is folded
	Attachments []Attachment

	Automatic string    // why it is taken for a machine's ("auto-submitted", "bounce", …); empty: a person wrote it
	Silent    string    // why nothing may go out by itself in answer; empty: an acknowledgement is welcome
	Spam      string    // the receiving server's verdict, when it took the message for unwanted; a tag, never a reason to drop it
	Report    *Report   // what a machine says became of a message of ours
	At        time.Time // when it reached the town hall: INTERNALDATE of a mail; never the sender's Date
	Warnings  []string  // what could not be read, in English, for the agent and the log

	Word Word // what a text message that is one word asks of the line itself; empty: it is a citizen's words

	// Archived says that the message is of an archive: it was dealt with elsewhere long ago, and is filed as something done.
	Archived bool

	// Quarantine is why the message is kept for a person instead of being filed; empty: it is filed.
	Quarantine Hold
}

// Hold is why a message waits for a person, as a word for programs.
type Hold string

// The reasons to wait.
const (
	TooComplex Hold = "too_complex" // beyond the limits set before the parser
	TooLarge   Hold = "too_large"   // only its header was fetched; the message is on the server
	NotGiven   Hold = "not_given"   // the server lists it and never gave it
)

// Report is what a server says became of a message of ours (RFC 3464).
type Report struct {
	ID        string // Message-ID of the message it is about, without angle brackets; empty when it does not say
	Recipient string // whom it could not reach
	Action    string // failed, delayed, delivered, relayed or expanded
	Status    string // enhanced code: "5.1.1"
	Reason    string // the words of the other side
}

// Word is what a text message asks of the line itself.
type Word string

// The words every line that can be texted knows. They count as the single word of a message only.
const (
	WordStop    Word = "stop"    // nothing by itself to this number any more: STOP, ARRET, UNSUBSCRIBE…
	WordStart   Word = "start"   // the same lifted: START, UNSTOP, REPRISE
	WordHelp    Word = "help"    // what this number is: AIDE, HELP, INFO
	WordContact Word = "contact" // how else the town hall is reached: CONTACT
)

// Result says what became of one Inbound.
type Result string

// The possible results of filing.
const (
	Created     Result = "created"     // a new ticket
	Joined      Result = "joined"      // a message of a ticket that was there
	Duplicate   Result = "duplicate"   // filed before; only its place was noted
	Quarantined Result = "quarantined" // kept whole, waiting for a person
)

// Filed is the answer to one Inbound, in the order they were given.
type Filed struct {
	Result    Result
	Reference string // of the ticket; empty for a quarantined message
}

// Receiver files messages. It returns once they are safe. An error means that some of the group are not known to be filed and that it
// must be offered again, which changes nothing for those that were; there are no answers then, or those that were filed have theirs.
type Receiver interface {
	Receive(ctx context.Context, group []Inbound) ([]Filed, error)
}

// Outbound is one message to send. Sending it twice sends the same bytes under the same identifier.
type Outbound struct {
	Channel     Name
	Line        string // the mailbox or line it leaves by
	ID          string // our Message-ID without angle brackets
	InReplyTo   string
	References  []string // oldest first
	From        Address
	ReplyTo     string // address carrying the reply token; empty: answers go to From
	To, Cc      []Address
	Subject     string
	Text        string
	HTML        string // the same in HTML, a whole document; empty: there is only the text
	Automatic   bool   // written by Guichet, not by an agent
	Attachments []Attachment
	At          time.Time
}

// Outcome of one attempt to send.
type Outcome string

// The outcomes of an attempt.
const (
	Accepted  Outcome = "accepted"  // the next server or provider has taken charge
	Deferred  Outcome = "deferred"  // not now; try again later
	Refused   Outcome = "refused"   // never; a person must look
	Uncertain Outcome = "uncertain" // it may have been accepted: the line fell between the last byte and the answer
)

// Verdict is what one attempt to send led to.
type Verdict struct {
	Outcome    Outcome
	Code       string // of the protocol: "550 5.1.1", "21610"
	Reason     string // for a person, in the words of the other side
	ExternalID string // the provider's identifier, if it gave one
}

// Sender sends by one channel. It has its own deadline and never blocks beyond it.
type Sender interface {
	Send(ctx context.Context, m Outbound) Verdict
}

// Cursor is how far a mailbox has been read: every UID up to Done is filed except those in Gaps.
type Cursor struct {
	UIDValidity uint32
	Done        uint32
	Gaps        []uint32
}

// State of a line as a person needs it.
type State string

// The states of a line.
const (
	Starting State = "starting"
	Working  State = "working"
	Failing  State = "failing" // the last contact failed; it is being tried again
	// Listening is the state of a line nobody can look at: a provider posts what comes in, and says nothing while nothing does.
	Listening State = "listening"
)

// Alarm is what a person must see to on a line, as a word for programs; empty: nothing.
type Alarm string

// The alarms, each with what lasts.
const (
	AlarmSignIn      Alarm = "sign_in"       // the server refuses the account
	AlarmGrant       Alarm = "grant_revoked" // the authorization server gives no token any more
	AlarmFolder      Alarm = "folder"        // the folder can't be opened
	AlarmUnreachable Alarm = "unreachable"   // no connection, or one that breaks each time
	AlarmNotFiling   Alarm = "not_filing"    // mail is read and can't be kept
	AlarmCount       Alarm = "count"         // the server holds messages that are not stored and not being fetched
	AlarmSilent      Alarm = "silent"        // nothing new for much longer than usual
)

// Alarms lists every alarm, the most urgent first.
func Alarms() []Alarm {
	return []Alarm{AlarmNotFiling, AlarmCount, AlarmGrant, AlarmSignIn, AlarmFolder, AlarmUnreachable, AlarmSilent}
}

// Health is how a line, or one folder of a mailbox, is doing.
type Health struct {
	Line         string // name of the mailbox or line
	Mailbox      string // as in Place: the line's name, for a further folder "name/Folder"; unique
	Folder       string // empty where there are none
	Channel      Name
	State        State
	LastContact  *time.Time // last time the other side answered
	LastMessage  *time.Time // last time something was filed
	ServerCount  int        // messages the server holds
	StoredCount  int        // of these, kept by us: as last counted, and those filed since
	Pending      int        // of these, not filed yet
	Missing      []uint32   // UIDs the last count found on the server and not with us, the first of them
	MissingCount int        // all of them
	CountedAt    *time.Time // when both sides were last compared
	Alarm        Alarm
	LastError    string    // empty while working
	At           time.Time // when this was noted
}

// MaxMissing is how many UIDs Missing names.
const MaxMissing = 100

// Rereader reads a message again from its bytes: one that was put aside, once the program that reads it is a better one. line is what
// it came through, at when. What can't be read is said as it was the first time: in Quarantine, with whatever could be read. The
// error is for bytes that are no message of this channel.
type Rereader interface {
	Read(raw []byte, line string, at time.Time) (Inbound, error)
}
