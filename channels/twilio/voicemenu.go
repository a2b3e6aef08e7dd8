package twilio

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"guichet/channels"
)

const (
	menuTimeout   = 6                // seconds to press a key
	usualRing     = 20 * time.Second // of a number that has no time of its own
	shortestRing  = 5                // seconds
	longestRing   = 120              // seconds; nobody waits longer
	callBackTries = 3                // to note a call back while she holds the line

	// Twilio transcribes up to 120 s, and nothing at all where a recording may be longer (www.twilio.com/docs/voice/twiml/record).
	longestVoicemail = 120
	// voicemailSilence is how many seconds of silence end a voicemail: somebody may look for a file number.
	voicemailSilence = 10
)

// rang answers a call that comes in.
func (v *Voice) rang(ctx context.Context, c call) *twiml {
	w, known := v.welcome(ctx, &c)
	ruling, _ := v.tell(ctx, c.at(channels.CallRang)) // logged there; the status callback tells of the call again
	switch {
	case ruling.Blocked:
		return v.blocked(ctx, c)
	case !known:
		v.deps.Log.Warn("a call came to a number that is no line; its caller was asked to call later", "call_id", c.sid)
		return nobodyHere()
	case !w.Open:
		return v.closed(w)
	case len(w.Menu) > 0:
		return v.menu(w, 0, w.Greeting)
	}
	return v.dial(c, w, "", 0, w.Greeting)
}

// closed says when the town hall is open.
func (v *Voice) closed(w channels.Welcome) *twiml {
	t := &twiml{}
	t.say(w.Language, w.Greeting, w.Closed)
	v.leaveWords(t, w)
	return t
}

// blocked refuses a caller. She hears a busy line, and Twilio answers and charges nothing.
func (v *Voice) blocked(ctx context.Context, c call) *twiml {
	n := c.at(channels.CallEnded)
	n.End = channels.EndRejected
	_, _ = v.tell(ctx, n) // logged there; the status callback tells that the line was busy
	return &twiml{Verbs: []any{rejectVerb{Reason: "busy"}}}
}

// nobodyHere answers where it is not known how: the number is no line, or the lines can't be read just now.
func nobodyHere() *twiml {
	t := &twiml{}
	t.say("fr", wordsFor("fr").later)
	t.say("en", wordsFor("en").later)
	t.add(hangupVerb{})
	return t
}

// menu asks for a department. try counts how often she heard it before.
func (v *Voice) menu(w channels.Welcome, try int, before string) *twiml {
	texts := []string{before}
	for _, choice := range w.Menu {
		texts = append(texts, choice.Words)
	}
	return &twiml{Verbs: []any{v.ask("/menu", url.Values{"try": {strconv.Itoa(try)}}, says(w.Language, texts...))}}
}

// ask waits for one key, which goes to path, pressed or not.
func (v *Voice) ask(path string, query url.Values, words []sayVerb) gatherVerb {
	return gatherVerb{Action: v.url(path, query), NumDigits: 1, Timeout: menuTimeout, ActionOnEmptyResult: true, Says: words}
}

// pressed answers the menu's key. The menu is said twice at most, and then whoever answers without one is tried.
func (v *Voice) pressed(ctx context.Context, c call) *twiml {
	w, known := v.welcome(ctx, &c)
	if !known {
		return nobodyHere()
	}
	digit := c.form.Get("Digits")
	if choice, ok := chosen(w, digit); ok {
		n := c.at(channels.CallRang)
		n.Department = choice.Department
		_, _ = v.tell(ctx, n) // logged there; she goes on to the department all the same
		return v.dial(c, w, digit, 0, "")
	}
	if len(w.Menu) == 0 || c.place("try") > 0 {
		return v.dial(c, w, "", 0, "")
	}
	if digit == "" {
		return v.menu(w, 1, "")
	}
	return v.menu(w, 1, wordsFor(w.Language).wrongKey)
}

// chosen finds what a key stands for.
func chosen(w channels.Welcome, digit string) (channels.MenuChoice, bool) {
	i := slices.IndexFunc(w.Menu, func(m channels.MenuChoice) bool { return digit != "" && m.Digit == digit })
	if i < 0 {
		return w.Direct, false
	}
	return w.Menu[i], true
}

// department is what she chose; empty when she chose nothing.
func department(w channels.Welcome, digit string) string {
	if choice, ok := chosen(w, digit); ok {
		return choice.Department
	}
	return ""
}

// dial rings one number of a choice; behind the last nobody answers.
func (v *Voice) dial(c call, w channels.Welcome, digit string, at int, before string) *twiml {
	choice, _ := chosen(w, digit)
	t := &twiml{}
	t.say(w.Language, before)
	first := at == 0
	for at < len(choice.Numbers) && !isE164(choice.Numbers[at]) {
		v.deps.Log.Warn("a number of a line can't be dialled and was passed over; write it as +33…", "line", w.Line, "department", choice.Department, "place", at)
		at++
	}
	if at >= len(choice.Numbers) {
		v.nobody(t, c, w, digit)
		return t
	}
	if first && v.records(w) {
		t.say(w.Language, w.RecordWarning)
	}
	t.add(v.ringing(c, w, digit, at))
	return t
}

// isE164 tells whether Twilio can dial a number as it is written (ITU-T E.164).
func isE164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	odd := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	return plus && odd < 0 && len(digits) >= 6 && len(digits) <= 15 && digits[0] != '0'
}

// records tells whether conversations may be recorded: the configuration and the line must both say so, and it must be announced.
func (v *Voice) records(w channels.Welcome) bool {
	return v.options.RecordCalls && w.Record && speakable(w.RecordWarning) != ""
}

// ringing rings the number at a place of a choice. Whoever is called sees the line's number: the caller's belongs to her.
func (v *Voice) ringing(c call, w channels.Welcome, digit string, at int) dialVerb {
	choice, _ := chosen(w, digit)
	query := url.Values{"choice": {digit}, "at": {strconv.Itoa(at)}}
	d := dialVerb{
		Action:         v.url("/dial", query),
		AnswerOnBridge: true,
		Timeout:        wholeSeconds(cmp.Or(choice.RingFor, usualRing), shortestRing, longestRing),
		CallerID:       c.about.Called.Value,
		Number:         numberNoun{StatusCallback: v.url("/leg", nil), StatusCallbackEvent: "answered completed", Value: choice.Numbers[at]},
	}
	if v.records(w) {
		d.Record, d.RecordingStatusCallback = "record-from-answer-dual", v.url("/recording", nil)
	}
	return d
}

// dialled goes on after a number was rung: somebody talked, or the next one is tried.
func (v *Voice) dialled(ctx context.Context, c call) *twiml {
	w, known := v.welcome(ctx, &c)
	digit, at := c.query.Get("choice"), c.place("at")
	choice, _ := chosen(w, digit)
	switch {
	case talked(c.form.Get("DialCallStatus")):
		n := c.at(channels.CallEnded)
		n.End, n.Talked, n.Department = channels.EndAnswered, c.length("DialCallDuration"), department(w, digit)
		if at < len(choice.Numbers) {
			n.Agents = agents(choice.Numbers[at])
		}
		_, _ = v.tell(ctx, n) // logged there; the number itself tells it as well
		return &twiml{Verbs: []any{hangupVerb{}}}
	case c.over():
		return &twiml{Verbs: []any{hangupVerb{}}} // the status callback tells that she gave up
	case !known:
		return nobodyHere()
	}
	return v.dial(c, w, digit, min(at, len(choice.Numbers))+1, "")
}

// nobody goes on where no number answered. A caller who does not show her number can't be called back.
func (v *Voice) nobody(t *twiml, c call, w channels.Welcome, digit string) {
	if words := says(w.Language, w.CallBack); len(words) > 0 && c.about.Caller.Value != "" {
		t.add(v.ask("/callback", url.Values{"choice": {digit}}, words))
		return
	}
	v.leaveWords(t, w)
}

// askedBack notes that she wants to be called back, or lets her leave words. The promise is made once it is kept: until then she is
// asked to wait a moment, and at last to say it to the voicemail.
func (v *Voice) askedBack(ctx context.Context, c call) *twiml {
	w, known := v.welcome(ctx, &c)
	if !known {
		return nobodyHere()
	}
	t := &twiml{}
	digit, try := c.query.Get("choice"), c.place("try")
	if c.form.Get("Digits") != "1" && try == 0 {
		v.leaveWords(t, w)
		return t
	}
	n := c.at(channels.CallEnded)
	n.End, n.CallBack, n.Department = channels.EndMissed, true, department(w, digit)
	_, err := v.tell(ctx, n)
	switch {
	case err == nil:
		t.say(w.Language, w.Bye)
		t.add(hangupVerb{})
	case try+1 < callBackTries:
		again := url.Values{"choice": {digit}, "try": {strconv.Itoa(try + 1)}}
		t.add(pauseVerb{Length: 2}, redirectVerb{URL: v.url("/callback", again)})
	default:
		t.say(w.Language, wordsFor(w.Language).notNoted)
		v.leaveWords(t, w)
	}
	return t
}

// leaveWords lets her speak after the tone, where the line has a voicemail, and ends the call.
func (v *Voice) leaveWords(t *twiml, w channels.Welcome) {
	if words := says(w.Language, w.Voicemail); len(words) > 0 { // unannounced, nothing is recorded
		t.add(words[0], recordVerb{
			Action:                  v.url("/voicemail", nil),
			MaxLength:               longestVoicemail,
			Timeout:                 voicemailSilence,
			PlayBeep:                true,
			RecordingStatusCallback: v.url("/recording", url.Values{"voicemail": {"1"}}),
			Transcribe:              true,
			TranscribeCallback:      v.url("/transcription", nil),
		})
	}
	t.say(w.Language, w.Bye)
	t.add(hangupVerb{})
}

// spoke takes leave after a voicemail. What was said is told by its recording.
func (v *Voice) spoke(ctx context.Context, c call) *twiml {
	t := &twiml{}
	if w, known := v.welcome(ctx, &c); known {
		t.say(w.Language, w.Bye)
	}
	t.add(hangupVerb{})
	return t
}
