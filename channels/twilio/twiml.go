package twilio

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// maxSaid is how many characters one Say may hold (www.twilio.com/docs/voice/twiml/say).
const maxSaid = 4096

// twiml is a TwiML document: what is to be done with a call, verb after verb. The attributes are those of
// www.twilio.com/docs/voice/twiml; only what is used here is written down.
type twiml struct {
	XMLName xml.Name `xml:"Response"`
	Verbs   []any
}

// sayVerb speaks a text.
type sayVerb struct {
	XMLName  xml.Name `xml:"Say"`
	Language string   `xml:"language,attr"`
	Text     string   `xml:",chardata"`
}

// gatherVerb waits for keys while what is nested is spoken.
type gatherVerb struct {
	XMLName             xml.Name `xml:"Gather"`
	Action              string   `xml:"action,attr"`
	NumDigits           int      `xml:"numDigits,attr"`
	Timeout             int      `xml:"timeout,attr"`             // seconds after the last word
	ActionOnEmptyResult bool     `xml:"actionOnEmptyResult,attr"` // Action is asked even if no key was pressed
	Says                []sayVerb
}

// dialVerb connects the caller with a number.
type dialVerb struct {
	XMLName                 xml.Name `xml:"Dial"`
	Action                  string   `xml:"action,attr"`
	AnswerOnBridge          bool     `xml:"answerOnBridge,attr"` // the caller hears ringing until somebody answers
	Timeout                 int      `xml:"timeout,attr"`        // seconds of ringing
	CallerID                string   `xml:"callerId,attr,omitempty"`
	Record                  string   `xml:"record,attr,omitempty"`
	RecordingStatusCallback string   `xml:"recordingStatusCallback,attr,omitempty"`
	Number                  numberNoun
}

// numberNoun is whom a dialVerb rings.
type numberNoun struct {
	XMLName             xml.Name `xml:"Number"`
	StatusCallback      string   `xml:"statusCallback,attr"`
	StatusCallbackEvent string   `xml:"statusCallbackEvent,attr"`
	Value               string   `xml:",chardata"`
}

// recordVerb records what the caller says. A recording in which nothing is heard asks no action: the call goes on with the next verb.
type recordVerb struct {
	XMLName                 xml.Name `xml:"Record"`
	Action                  string   `xml:"action,attr"`
	MaxLength               int      `xml:"maxLength,attr"` // seconds
	Timeout                 int      `xml:"timeout,attr"`   // seconds of silence that end it
	PlayBeep                bool     `xml:"playBeep,attr"`
	RecordingStatusCallback string   `xml:"recordingStatusCallback,attr"`
	Transcribe              bool     `xml:"transcribe,attr"`
	TranscribeCallback      string   `xml:"transcribeCallback,attr"`
}

// pauseVerb says nothing for some seconds.
type pauseVerb struct {
	XMLName xml.Name `xml:"Pause"`
	Length  int      `xml:"length,attr"`
}

// redirectVerb goes on with another document.
type redirectVerb struct {
	XMLName xml.Name `xml:"Redirect"`
	URL     string   `xml:",chardata"`
}

// rejectVerb refuses a call that was not answered; it must be the only verb.
type rejectVerb struct {
	XMLName xml.Name `xml:"Reject"`
	Reason  string   `xml:"reason,attr"`
}

// hangupVerb ends the call.
type hangupVerb struct {
	XMLName xml.Name `xml:"Hangup"`
}

// says speaks these texts in a language; those that are empty are left out, because Twilio warns of each.
func says(language string, texts ...string) []sayVerb {
	list := make([]sayVerb, 0, len(texts))
	for _, t := range texts {
		if t = speakable(t); t != "" {
			list = append(list, sayVerb{Language: spokenLanguage(language), Text: t})
		}
	}
	return list
}

// speakable leaves out what XML or a voice can't take and cuts at the limit.
func speakable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > maxSaid {
		text = string(runes[:maxSaid])
	}
	return text
}

// spokenLanguage is the voice of a language (BCP 47).
func spokenLanguage(language string) string {
	if language == "en" {
		return "en-GB"
	}
	return "fr-FR"
}

// add appends verbs.
func (t *twiml) add(verbs ...any) { t.Verbs = append(t.Verbs, verbs...) }

// say appends texts.
func (t *twiml) say(language string, texts ...string) {
	for _, s := range says(language, texts...) {
		t.add(s)
	}
}

// write answers a webhook with it.
func (t *twiml) write(w http.ResponseWriter) error {
	body, err := xml.Marshal(t)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, err = w.Write(append([]byte(xml.Header), body...))
	return err
}

// wholeSeconds writes a time in whole seconds, at least low and at most high.
func wholeSeconds(d time.Duration, low, high int) int {
	return min(max(int(d/time.Second), low), high)
}
