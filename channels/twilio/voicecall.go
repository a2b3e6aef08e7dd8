package twilio

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"guichet/channels"
)

// maxParty is how many bytes of a number, a word or a SIP address are shown.
const maxParty = 128

// call is what one request says of a call. What is in the query we wrote ourselves, yet nothing but places in a list is taken from it.
type call struct {
	sid   string
	form  url.Values
	query url.Values
	about channels.CallNews // what all news of it begins with
}

// read takes what every webhook tells. Only the CallSid must be there: a recording comes with nothing else.
func (v *Voice) read(form, query url.Values) (call, error) {
	sid := form.Get("CallSid")
	if !isSID(sid) {
		return call{}, &Refusal{Status: http.StatusBadRequest, Reason: "no_call_sid"}
	}
	return call{sid: sid, form: form, query: query, about: channels.CallNews{
		Exchange: adapter,
		ID:       sid,
		Out:      strings.HasPrefix(form.Get("Direction"), "outbound"),
		Caller:   v.party(form.Get("From")),
		Called:   v.party(form.Get("To")),
		At:       v.deps.Now(),
	}}, nil
}

// party reads one end of a call.
func (v *Voice) party(s string) channels.Address {
	s, _ = clean(s, maxParty)
	if word, ok := withheldWord(s); ok {
		return channels.Address{Name: word}
	}
	if strings.ContainsAny(s, ":@") { // client:…, sip:…: whoever set up that account chose the digits in it
		return channels.Address{Name: s}
	}
	value, ok := channels.ParsePhone(s, v.deps.Region)
	if !ok {
		value = ""
	}
	return channels.Address{Name: s, Value: value}
}

// withheldWord knows the numbers that stand for a caller who does not show hers, and gives the word for each
// (help.twilio.com: "Why am I getting calls from these strange numbers?").
func withheldWord(s string) (word string, ok bool) {
	switch strings.TrimPrefix(s, "+") {
	case "266696687":
		return "anonymous", true
	case "7378742833":
		return "restricted", true
	case "2562533":
		return "blocked", true
	case "8656696":
		return "unknown", true
	case "86282452253":
		return "unavailable", true
	}
	return "", false
}

// welcome asks how the line is answered and notes its name.
func (v *Voice) welcome(ctx context.Context, c *call) (channels.Welcome, bool) {
	line := c.about.Called.Value
	if c.about.Out {
		line = c.about.Caller.Value
	}
	w, ok := v.deps.Switchboard.Welcome(ctx, line, c.about.At)
	if ok {
		c.about.Line = w.Line
	}
	return w, ok
}

// at is a news of the call at a step.
func (c call) at(step channels.CallStep) channels.CallNews {
	n := c.about
	n.Step = step
	return n
}

// place reads a place in a list from the query; what is no place is the first.
func (c call) place(key string) int {
	n, err := strconv.Atoi(c.query.Get(key))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// over tells whether the caller has gone, so that nothing we answer is heard.
func (c call) over() bool {
	_, ended := ends(c.form.Get("CallStatus"))
	return ended
}

// length reads a number of seconds.
func (c call) length(key string) time.Duration {
	n, err := strconv.Atoi(c.form.Get(key))
	if err != nil || n < 0 || n > 7*24*3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// ends reads the statuses that are an end (www.twilio.com/docs/voice/api/call-resource#call-status-values). A call that was
// completed was taken by this program only; that somebody talked is told by the dialled number.
func ends(status string) (channels.CallEnd, bool) {
	switch status {
	case "completed", "no-answer", "canceled":
		return channels.EndMissed, true
	case "busy":
		return channels.EndBusy, true
	case "failed":
		return channels.EndFailed, true
	}
	return "", false
}

// statusNews reads the status callback of a number. Of a call in that was completed it can't know whether somebody talked, and says
// missed: an answered end, told by the number that took it, stands above that in any order.
func (v *Voice) statusNews(ctx context.Context, c call) (channels.CallNews, bool) {
	end, ended := ends(c.form.Get("CallStatus"))
	if !ended || c.form.Get("ParentCallSid") != "" { // a leg of a call, not a call
		return channels.CallNews{}, false
	}
	v.welcome(ctx, &c)
	n := c.at(channels.CallEnded)
	n.End = end
	if talked(c.form.Get("DialCallStatus")) {
		n.End, n.Talked = channels.EndAnswered, c.length("DialCallDuration")
	}
	return n, true
}

// talked tells whether the dialled number took the call.
func talked(dialStatus string) bool { return dialStatus == "completed" || dialStatus == "answered" }

// legNews reads what becomes of a number that was dialled: the call it belongs to is its parent, and the number is who answered.
func legNews(_ context.Context, c call) (channels.CallNews, bool) {
	parent := c.form.Get("ParentCallSid")
	if !isSID(parent) {
		return channels.CallNews{}, false
	}
	n := channels.CallNews{Exchange: adapter, ID: parent, Agents: agents(c.about.Called.Value), At: c.about.At}
	switch c.form.Get("CallStatus") {
	case "in-progress", "answered":
		n.Step = channels.CallAnswered
	case "completed":
		n.Step, n.End, n.Talked = channels.CallEnded, channels.EndAnswered, c.length("CallDuration")
	default:
		return channels.CallNews{}, false
	}
	return n, true
}

// agents is who took a call, by number.
func agents(number string) []string {
	if number == "" {
		return nil
	}
	return []string{number}
}
