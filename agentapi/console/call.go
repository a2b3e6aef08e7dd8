package console

import (
	"cmp"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// callEntry is a telephone call as its line in the story.
type callEntry struct {
	Title  string
	Number string // of the citizen, as it is read aloud
	Waited string // in words; empty: not known
	Talked string
	Missed bool
}

func (c *Console) callEntry(v *voice, call ticketing.Call) *callEntry {
	e := &callEntry{Title: c.callTitle(v, call), Number: callNumber(v, call), Missed: call.Missed()}
	if waited, ok := call.Waited(); ok {
		e.Waited = v.say("call.waited", "Time", v.span(waited))
	}
	if talked, ok := call.Talk(); ok {
		e.Talked = v.say("call.talked", "Time", v.span(talked))
	}
	return e
}

// callTitle says what became of a call, and who took or made it as far as that is known.
func (c *Console) callTitle(v *voice, call ticketing.Call) string {
	who := call.AnsweredBy
	if call.AgentID != nil {
		who = c.agentName(v, call.AgentID)
	}
	switch {
	case call.Direction == ticketing.Out:
		return madeTitle(v, call, who)
	case call.Answered() && who != "":
		return v.say("call.taken_by", "Who", who)
	case call.Answered():
		return v.say("call.taken")
	case call.CallBack:
		return v.say("call.back")
	case call.Ending == "":
		return v.say("call.ringing")
	}
	return v.word("ending", call.Ending)
}

func madeTitle(v *voice, call ticketing.Call, who string) string {
	title := v.say("call.made")
	if who != "" {
		title = v.say("call.made_by", "Who", who)
	}
	if call.Ending != "" && !call.Answered() {
		return v.say("call.unanswered", "Line", title)
	}
	return title
}

// callNumber is the number of the citizen as one reads it aloud.
func callNumber(v *voice, call ticketing.Call) string {
	if call.Number != "" {
		return readablePhone(call.Number)
	}
	return cmp.Or(call.Shown, v.say("call.withheld"))
}

// endings lists how a call that nobody took may end.
func endings() []string {
	return append(texts([]channels.CallEnd{
		channels.EndMissed, channels.EndBusy, channels.EndFailed, channels.EndForwarded, channels.EndRejected,
	}), ticketing.EndVoicemail)
}

// span writes how long something lasted.
func (v *voice) span(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return v.say("call.seconds", "S", s)
	case s < 3600:
		return v.say("call.minutes", "M", s/60, "S", s%60)
	}
	return v.say("call.hours", "H", s/3600, "M", s/60%60)
}
