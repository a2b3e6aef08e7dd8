package ticketing

import (
	"cmp"
	"time"

	"guichet/channels"
)

// Call is a telephone call, as far as its exchange has told. What is told may come in any order and more than once.
type Call struct {
	ID         string `gorm:"primaryKey"`
	Exchange   string // that tells of it
	Key        string // the exchange's own name for it
	Day        string // on which it began, in the town's zone: "2026-11-24"
	TicketID   *string
	MessageID  *string
	CitizenID  *string
	Direction  Direction // In or Out
	Line       string
	Department string  // asked for, or the line's
	Number     string  // of the citizen, E.164; empty: withheld, short or unreadable
	Shown      string  // the same as it came
	Called     string  // the other end, as it came
	Rings      Strings // ids of the agents at whose telephones it rings; empty: nobody's in particular
	AgentID    *string // who took it, or made it
	AnsweredBy string  // the same in the exchange's words
	Ending     string  // a channels.CallEnd, or EndVoicemail; empty: it has not ended
	CallBack   bool    // the caller asked to be called back
	TalkedS    int     `gorm:"column:talked_s"` // seconds
	RangAt     *time.Time
	AnsweredAt *time.Time
	EndedAt    *time.Time
	CreatedAt  time.Time
}

// EndVoicemail ends a call that nobody took and that left a message.
const EndVoicemail = "voicemail"

// endRank orders the ends of a call: a higher one never gives way to a lower one, whichever is told first. That they talked is known
// only to who saw it, and a message left outdoes the miss before it.
func endRank(ending string) int {
	switch ending {
	case "":
		return 0
	case string(channels.EndAnswered):
		return 4
	case EndVoicemail:
		return 3
	case string(channels.EndForwarded), string(channels.EndRejected):
		return 2
	}
	return 1
}

// hear takes in what an exchange tells.
func (c *Call) hear(n channels.CallNews, at time.Time) {
	if c.Number == "" && c.Shown == "" {
		who, other := n.Caller, n.Called
		if n.Out {
			who, other = n.Called, n.Caller
		}
		c.Number, c.Shown, c.Called = who.Value, clip(cmp.Or(who.Name, who.Value), 40), clip(cmp.Or(other.Name, other.Value), 40)
	}
	if n.Out {
		c.Direction = Out
	}
	c.Line, c.Department = cmp.Or(c.Line, n.Line), cmp.Or(n.Department, c.Department)
	c.CallBack = c.CallBack || n.CallBack
	if len(n.Agents) > 0 && (n.Step == channels.CallAnswered || n.End == channels.EndAnswered && c.AnsweredBy == "") {
		c.AnsweredBy = clip(n.Agents[0], 100)
	}
	c.TalkedS = max(c.TalkedS, int(n.Talked/time.Second))
	switch n.Step {
	case channels.CallRang:
		c.RangAt = earliest(c.RangAt, at)
	case channels.CallAnswered:
		c.AnsweredAt = earliest(c.AnsweredAt, at)
	case channels.CallEnded:
		c.EndedAt = earliest(c.EndedAt, at)
		c.end(string(cmp.Or(n.End, channels.EndMissed))) // an answer, told before or after, outdoes it
	case channels.CallSaid:
		if n.Recording != nil && !n.Recording.Voicemail {
			c.end(string(channels.EndAnswered)) // only who talks is recorded
		} else {
			c.end(EndVoicemail)
		}
	}
	if c.AnsweredAt != nil && c.EndedAt != nil {
		c.end(string(channels.EndAnswered))
	}
}

func (c *Call) end(ending string) {
	if endRank(ending) > endRank(c.Ending) {
		c.Ending = ending
	}
}

// Answered tells whether somebody took the call.
func (c Call) Answered() bool { return c.AnsweredAt != nil || c.Ending == string(channels.EndAnswered) }

// Missed tells whether nobody took it and somebody must call back: it is over, or the caller asked for it.
func (c Call) Missed() bool {
	over := c.Ending != "" && c.Ending != string(channels.EndForwarded) && c.Ending != string(channels.EndRejected)
	return c.Direction == In && !c.Answered() && (over || c.CallBack)
}

// over tells whether nothing more happens on the line.
func (c Call) over() bool { return c.EndedAt != nil || c.Ending != "" }

// Waited is how long it rang before it was taken or over. False: the exchange has not told.
func (c Call) Waited() (time.Duration, bool) {
	until := c.AnsweredAt
	if until == nil {
		until = c.EndedAt
	}
	if c.RangAt == nil || until == nil || until.Before(*c.RangAt) {
		return 0, false
	}
	return until.Sub(*c.RangAt), true
}

// Talk is how long they talked. False: the exchange has not told.
func (c Call) Talk() (time.Duration, bool) {
	switch {
	case c.TalkedS > 0:
		return time.Duration(c.TalkedS) * time.Second, true
	case c.AnsweredAt == nil || c.EndedAt == nil || c.EndedAt.Before(*c.AnsweredAt):
		return 0, false
	}
	return c.EndedAt.Sub(*c.AnsweredAt), true
}

func earliest(known *time.Time, at time.Time) *time.Time {
	if known != nil && known.Before(at) {
		return known
	}
	return &at
}
