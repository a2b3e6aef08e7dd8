package twiliotest

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// VoicePath is where a call is posted to, below the hub's address.
	VoicePath = "/webhooks/twilio/voice"

	maxSteps = 30 // documents of one call: a hub that sends a caller round and round is cut short
)

// Call is a caller and how she behaves.
type Call struct {
	SID    string // empty: a new one
	From   string // empty: it is withheld
	To     string
	Digits []string // the keys she presses, one at each question; "" and all after the last: none

	Ringing time.Duration // of a number that is dialled, before it answers or does not; time passes if Options.Lasting
	Taken   int           // which of the numbers dialled takes the call, from 1; 0: none
	Talked  time.Duration // likewise
	GivesUp bool          // she hangs up while the first number rings

	Sound []byte // what she says to a voicemail, an MP3; empty: she says nothing
	Words string // what is understood of it; empty: its transcription fails
}

// Heard is what a caller heard.
type Heard struct {
	SID    string
	Said   []string // texts, in order
	Dialed []string // numbers that rang
	Ended  string   // status of the call: completed, busy, no-answer
}

// Call rings the hub and does what it answers, as the provider and the caller would, until the call has ended and all news of it is
// told. The error says where the hub answered what can't be followed.
func (p *Provider) Call(ctx context.Context, c Call) (Heard, error) {
	if c.SID == "" {
		c.SID = NewSID("CA")
	}
	if c.From == "" {
		c.From = "+266696687" // anonymous
	}
	l := &live{p: p, c: c, heard: Heard{SID: c.SID}}
	err := l.follow(ctx)
	return l.heard, err
}

// live is a call under way.
type live struct {
	p     *Provider
	c     Call
	asked int // questions
	heard Heard
	after []later // told once the call has ended
}

// later is a post that is due.
type later struct {
	address string
	form    url.Values
}

// verb is an element of TwiML.
type verb struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inner   []verb     `xml:",any"`
}

func (v verb) attr(name string) string {
	for _, a := range v.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// follow goes from document to document, and tells the end.
func (l *live) follow(ctx context.Context) error {
	next := later{VoicePath, l.form("CallStatus", "ringing")}
	for range maxSteps {
		document, err := l.document(ctx, next)
		if err != nil {
			return err
		}
		if next, err = l.perform(ctx, document); err != nil {
			return err
		}
		if next.address == "" {
			return l.end(ctx)
		}
	}
	return fmt.Errorf("twiliotest: call %s: it has no end", l.c.SID)
}

func (l *live) document(ctx context.Context, at later) (document verb, err error) {
	answer, err := l.p.Post(ctx, at.address, at.form)
	switch {
	case err != nil:
		return document, fmt.Errorf("twiliotest: call %s: %w", l.c.SID, err)
	case answer.Status != http.StatusOK:
		return document, fmt.Errorf("twiliotest: call %s: %s answered %v", l.c.SID, at.address, answer)
	}
	if err := xml.Unmarshal([]byte(answer.Body), &document); err != nil || document.XMLName.Local != "Response" {
		return document, fmt.Errorf("twiliotest: call %s: %s answered no TwiML: %v", l.c.SID, at.address, answer)
	}
	return document, nil
}

// perform does the verbs of a document, up to one that leads on. No address: the call ends.
func (l *live) perform(ctx context.Context, document verb) (next later, err error) {
	for _, v := range document.Inner {
		switch v.XMLName.Local {
		case "Say":
			l.heard.Said = append(l.heard.Said, v.Text)
		case "Pause":
		case "Gather":
			if next, ok := l.gather(v); ok {
				return next, nil
			}
		case "Dial":
			return l.dial(ctx, v)
		case "Record":
			if len(l.c.Sound) > 0 {
				return l.record(v), nil
			}
		case "Redirect":
			return later{strings.TrimSpace(v.Text), l.form("CallStatus", "in-progress")}, nil
		case "Reject":
			l.heard.Ended = "busy"
			return later{}, nil
		case "Hangup":
			return later{}, nil
		default:
			return later{}, fmt.Errorf("twiliotest: call %s: <%s> is no verb known here", l.c.SID, v.XMLName.Local)
		}
	}
	return later{}, nil
}

// gather says what is nested, and presses the next key.
func (l *live) gather(v verb) (later, bool) {
	for _, said := range v.Inner {
		l.heard.Said = append(l.heard.Said, said.Text)
	}
	key := ""
	if l.asked < len(l.c.Digits) {
		key = l.c.Digits[l.asked]
	}
	l.asked++
	if key == "" && v.attr("actionOnEmptyResult") != "true" {
		return later{}, false
	}
	return later{v.attr("action"), l.form("CallStatus", "in-progress", "Digits", key)}, true
}

// dial rings a number, and tells what becomes of it.
func (l *live) dial(ctx context.Context, v verb) (later, error) {
	if len(v.Inner) != 1 || v.Inner[0].XMLName.Local != "Number" {
		return later{}, fmt.Errorf("twiliotest: call %s: a <Dial> without its one <Number>", l.c.SID)
	}
	number := v.Inner[0]
	l.heard.Dialed = append(l.heard.Dialed, strings.TrimSpace(number.Text))
	if err := l.lasts(ctx, l.c.Ringing); err != nil {
		return later{}, err
	}
	leg := NewSID("CA")
	switch {
	case l.c.GivesUp:
		l.heard.Ended = "no-answer"
		return later{v.attr("action"), l.form("CallStatus", "no-answer", "DialCallStatus", "canceled", "DialCallSid", leg)}, nil
	case len(l.heard.Dialed) != l.c.Taken:
		return later{v.attr("action"), l.form("CallStatus", "in-progress", "DialCallStatus", "no-answer", "DialCallSid", leg)}, nil
	}
	seconds := strconv.Itoa(int(l.c.Talked / time.Second))
	for _, status := range []string{"in-progress", "completed"} {
		form := l.form("CallSid", leg, "ParentCallSid", l.c.SID, "CallStatus", status, "Direction", "outbound-dial",
			"From", l.c.To, "To", strings.TrimSpace(number.Text))
		if status == "completed" {
			if err := l.lasts(ctx, l.c.Talked); err != nil {
				return later{}, err
			}
			form.Set("CallDuration", seconds)
		}
		if _, err := l.p.Post(ctx, number.attr("statusCallback"), form); err != nil {
			return later{}, fmt.Errorf("twiliotest: call %s: %w", l.c.SID, err)
		}
	}
	return later{v.attr("action"), l.form("CallStatus", "in-progress", "DialCallStatus", "completed", "DialCallSid", leg,
		"DialCallDuration", seconds)}, nil
}

// record keeps what she says; that it can be had, and what was understood, is told after the call.
func (l *live) record(v verb) later {
	sid, address := l.p.Record(l.c.Sound)
	about := []string{"RecordingSid", sid, "RecordingUrl", address, "RecordingDuration", "7"}
	l.after = append(l.after, later{v.attr("recordingStatusCallback"), l.form(append(about, "RecordingStatus", "completed",
		"RecordingChannels", "1", "RecordingSource", "RecordVerb")...)})
	if v.attr("transcribe") == "true" {
		status := "completed"
		if l.c.Words == "" {
			status = "failed"
		}
		l.after = append(l.after, later{v.attr("transcribeCallback"), l.form(append(about, "TranscriptionSid", NewSID("TR"),
			"TranscriptionStatus", status, "TranscriptionText", l.c.Words, "TranscriptionType", "fast")...)})
	}
	return later{v.attr("action"), l.form(append(about, "CallStatus", "in-progress", "Digits", "hangup")...)}
}

// end tells that the call is over, and then what is told after it.
func (l *live) end(ctx context.Context) error {
	if l.heard.Ended == "" {
		l.heard.Ended = "completed"
	}
	over := l.form("CallStatus", l.heard.Ended, "CallDuration", "30", "CallbackSource", "call-progress-events", "SequenceNumber", "0")
	for _, post := range append([]later{{VoicePath + "/status", over}}, l.after...) {
		answer, err := l.p.Post(ctx, post.address, post.form)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("%s answered %v", post.address, answer)
		}
		if err != nil {
			return fmt.Errorf("twiliotest: call %s: %w", l.c.SID, err)
		}
	}
	return nil
}

// form is what the provider posts of this call (www.twilio.com/docs/voice/twiml#request-parameters), with further parameters.
func (l *live) form(pairs ...string) url.Values {
	form := url.Values{
		"CallSid": {l.c.SID}, "AccountSid": {l.p.o.AccountSID}, "ApiVersion": {apiVersion}, "Direction": {"inbound"},
		"From": {l.c.From}, "Caller": {l.c.From}, "To": {l.c.To}, "Called": {l.c.To},
		"FromCountry": {countryOf(l.c.From)}, "ToCountry": {countryOf(l.c.To)},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// lasts lets time pass where calls take any.
func (l *live) lasts(ctx context.Context, d time.Duration) error {
	if !l.p.o.Lasting {
		d = 0
	}
	return wait(ctx, d)
}

// wait lets time pass; no time at all passes at once.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
