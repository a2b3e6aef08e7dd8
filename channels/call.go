package channels

import (
	"context"
	"net/http"
	"time"
)

// CallStep is a moment in the life of a call.
type CallStep string

// The steps. They may come in any order and more than once: each says only what it knows.
const (
	CallRang     CallStep = "rang"     // it began to ring
	CallAnswered CallStep = "answered" // somebody took it
	CallEnded    CallStep = "ended"    // it is over
	CallSaid     CallStep = "said"     // a recording or a transcription of what was said came in; nothing else is known by it
)

// CallEnd is how a call ended.
type CallEnd string

// The ends of a call.
const (
	EndAnswered  CallEnd = "answered"  // they talked
	EndMissed    CallEnd = "missed"    // nobody took it, or the caller gave up before
	EndBusy      CallEnd = "busy"      // the line was busy
	EndFailed    CallEnd = "failed"    // the network or the number did not work
	EndForwarded CallEnd = "forwarded" // it went on to a number that tells us nothing more
	EndRejected  CallEnd = "rejected"  // the caller is blocked
)

// CallNews is what an exchange or a provider tells of a call at one moment.
type CallNews struct {
	Exchange string // which tells it: the name of the exchange in the configuration, "twilio"
	ID       string // of the call, as the exchange gives it
	Step     CallStep
	Out      bool    // the town hall calls
	Caller   Address // Value is E.164 and empty for a withheld, short or unreadable number; Name is the number as it came, to be shown
	Called   Address // the same of the other end
	Line     string  // name of the line that was called or that calls; empty: the exchange's own
	Agents   []string
	// Department is what the caller chose in a menu; empty: she chose nothing, or there was no menu.
	Department string
	CallBack   bool          // she asked to be called back instead of waiting
	End        CallEnd       // of CallEnded
	Recording  *Spoken       // of CallSaid: a voicemail or the recording of a call
	Words      string        // of CallSaid: what a transcription understood
	At         time.Time     // when it reached us
	Talked     time.Duration // as the provider measured it; 0: unknown
}

// Spoken is a recording.
type Spoken struct {
	ID        string // the provider's
	Voicemail bool   // left for the town hall; else the recording of a conversation
	Seconds   int
	DeleteAt  time.Time  // when the recording of a conversation is deleted; a voicemail is a message and stays
	Audio     Attachment // Data is empty when it could not be fetched
	Warning   string     // why it is empty, in English
}

// CallRuling is what the exchange is to do with a call that rings.
type CallRuling struct {
	Blocked bool // refuse it: the caller is blocked
}

// Calls is told what becomes of calls. It returns once what was told is safe; telling it again changes nothing.
type Calls interface {
	Ring(ctx context.Context, n CallNews) (CallRuling, error)
}

// Progress is what a provider says of a message it accepted.
type Progress struct {
	Channel    Name
	MessageID  string // ours, if the provider gave it back; else ExternalID alone tells which
	ExternalID string
	State      ProgressState
	Code       string // of the provider, when it failed: "30003"
	Reason     string // for a person
	At         time.Time
}

// ProgressState is how far a message got. They come out of order and repeatedly, so they are ranked: a lower one never undoes a higher.
type ProgressState string

// The states, lowest first; the last two are ends and the first of them to come stays.
const (
	ProgressSent      ProgressState = "sent"
	ProgressFailed    ProgressState = "failed"
	ProgressDelivered ProgressState = "delivered"
)

// Tracker is told how messages get on. One that nobody knows is not an error.
type Tracker interface {
	Track(ctx context.Context, p Progress) error
}

// Switchboard says how a call to a line is answered at a moment.
type Switchboard interface {
	// Welcome tells how to answer a call to this number, E.164. ok is false for a number that is no line of the town.
	Welcome(ctx context.Context, number string, at time.Time) (w Welcome, ok bool)
}

// Welcome is how a line answers. Texts are in Language and spoken as they are.
type Welcome struct {
	Line          string // name of the line
	Language      string // "fr", "en"
	Greeting      string
	Open          bool
	Closed        string       // said when it is not open: the opening hours
	Menu          []MenuChoice // empty: Extensions are tried at once
	Direct        MenuChoice   // who answers without a menu, or when no digit is pressed
	Record        bool         // conversations are recorded, after RecordWarning was said
	RecordWarning string
	Voicemail     string // said before the tone, with the notice that it is recorded; empty: no voicemail
	CallBack      string // said to offer a call back ("press 1") when nobody answers; empty: not offered
	Bye           string
}

// MenuChoice is a department a caller can choose.
type MenuChoice struct {
	Digit      string // "1" to "9"
	Words      string // "For the roads, press 1"
	Department string
	Numbers    []string      // E.164, tried in turn
	RingFor    time.Duration // each
}

// Mount is an HTTP address an adapter answers. The server bounds the time and size of a request, the handler everything else.
type Mount struct {
	Method  string
	Path    string // as gin spells it: "/webhooks/cti/:token"
	MaxBody int64  // bytes
	Handler http.Handler
}

// Refusals counts what a webhook refused, by adapter and reason, for the metrics.
type Refusals interface {
	Refused(adapter, reason string)
}
