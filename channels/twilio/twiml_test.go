package twilio

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// element is one verb or noun of an answer as Twilio reads it.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// find gives the first element of a name, however deep.
func (e element) find(name string) (element, bool) {
	if e.XMLName.Local == name {
		return e, true
	}
	for _, inner := range e.Elements {
		if found, ok := inner.find(name); ok {
			return found, true
		}
	}
	return element{}, false
}

// said is all that is spoken.
func (e element) said() string {
	if e.XMLName.Local == "Say" {
		return e.Text
	}
	var all []string
	for _, inner := range e.Elements {
		if s := inner.said(); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

// verbs are the names of the outermost elements.
func (e element) verbs() string {
	var names []string
	for _, inner := range e.Elements {
		names = append(names, inner.XMLName.Local)
	}
	return strings.Join(names, " ")
}

// rule is what the documentation allows of an element: www.twilio.com/docs/voice/twiml/{say,gather,dial,number,record,…}.
type rule struct {
	attrs  map[string]string // name to a pattern of the whole value
	needs  []string          // attributes without which it makes no sense here
	inside []string
	text   string // pattern of the text; empty: none
	last   bool   // what follows is never reached
}

const (
	isBool   = `true|false`
	isMethod = `GET|POST`
	isURL    = `@url`
	isText   = `@text`
	isPhone  = `\+[1-9]\d{5,14}`
	isCount  = `[1-9]\d*`
)

func twimlRules() map[string]rule {
	return map[string]rule{
		"Response": {inside: []string{"Say", "Gather", "Dial", "Record", "Pause", "Redirect", "Reject", "Hangup"}},
		"Say":      {attrs: map[string]string{"language": `fr-FR|en-GB`, "voice": `.+`, "loop": `\d+`}, needs: []string{"language"}, text: isText},
		"Gather": {attrs: map[string]string{
			"action": isURL, "method": isMethod, "input": `dtmf|speech|dtmf speech`, "finishOnKey": `[0-9*#]*`, "numDigits": isCount,
			"timeout": isCount, "actionOnEmptyResult": isBool, "language": `.+`,
		}, needs: []string{"action", "numDigits", "timeout"}, inside: []string{"Say", "Play", "Pause"}, last: true},
		"Dial": {attrs: map[string]string{
			"action": isURL, "method": isMethod, "answerOnBridge": isBool, "callerId": isPhone, "hangupOnStar": isBool,
			"timeLimit": isCount, "timeout": `[5-9]|[1-9]\d|[1-5]\d\d|600`, "trim": `trim-silence|do-not-trim`,
			"record":                  `do-not-record|record-from-(answer|ringing)(-dual)?`,
			"recordingStatusCallback": isURL, "recordingStatusCallbackMethod": isMethod,
			"recordingStatusCallbackEvent": `(in-progress|completed|absent)( (in-progress|completed|absent))*`,
		}, needs: []string{"action", "callerId", "answerOnBridge", "timeout"}, inside: []string{"Number"}, last: true},
		"Number": {attrs: map[string]string{
			"statusCallback": isURL, "statusCallbackMethod": isMethod, "url": isURL, "method": isMethod, "sendDigits": `[0-9w*#]+`,
			"statusCallbackEvent": `(initiated|ringing|answered|completed)( (initiated|ringing|answered|completed))*`,
		}, text: isPhone},
		"Record": {attrs: map[string]string{
			"action": isURL, "method": isMethod, "timeout": isCount, "finishOnKey": `[0-9*#]+`, "playBeep": isBool,
			"maxLength": `[2-9]|[1-9]\d|1[01]\d|120`, // beyond it nothing is transcribed
			"trim":      `trim-silence|do-not-trim`, "recordingStatusCallback": isURL, "recordingStatusCallbackMethod": isMethod,
			"recordingStatusCallbackEvent": `in-progress|completed|absent`, "transcribe": isBool, "transcribeCallback": isURL,
		}, needs: []string{"action", "maxLength", "recordingStatusCallback"}},
		"Pause":    {attrs: map[string]string{"length": isCount}},
		"Redirect": {attrs: map[string]string{"method": isMethod}, text: isURL, last: true},
		"Reject":   {attrs: map[string]string{"reason": `rejected|busy`}, last: true},
		"Hangup":   {last: true},
	}
}

// twimlChecker reads answers the way Twilio does.
type twimlChecker struct {
	rules    map[string]rule
	known    func(address string) bool // whether it is one of ours
	patterns map[string]*regexp.Regexp
}

func newTwiMLChecker(known func(string) bool) *twimlChecker {
	return &twimlChecker{rules: twimlRules(), known: known, patterns: map[string]*regexp.Regexp{}}
}

// check reads one answer.
func (k *twimlChecker) check(body string) (element, error) {
	var root element
	if len(body) > 64<<10 {
		return root, fmt.Errorf("%d bytes, more than 64 KiB", len(body))
	}
	if !strings.HasPrefix(body, xml.Header) {
		return root, fmt.Errorf("no XML declaration")
	}
	if err := xml.Unmarshal([]byte(body), &root); err != nil {
		return root, err
	}
	if root.XMLName.Local != "Response" {
		return root, fmt.Errorf("the root is %s", root.XMLName.Local)
	}
	if _, ok := root.find("Reject"); ok && len(root.Elements) > 1 {
		return root, fmt.Errorf("Reject beside other verbs: %s", root.verbs())
	}
	return root, k.element(root)
}

func (k *twimlChecker) element(e element) error {
	name := e.XMLName.Local
	r, ok := k.rules[name]
	if !ok || e.XMLName.Space != "" {
		return fmt.Errorf("unknown element %s", name)
	}
	for _, a := range e.Attrs {
		pattern, ok := r.attrs[a.Name.Local]
		if !ok {
			return fmt.Errorf("%s has no attribute %s", name, a.Name.Local)
		}
		if !k.fits(pattern, a.Value) {
			return fmt.Errorf("%s %s=%q", name, a.Name.Local, a.Value)
		}
	}
	for _, need := range r.needs {
		if e.attr(need) == "" {
			return fmt.Errorf("%s without %s", name, need)
		}
	}
	if r.text == "" && strings.TrimSpace(e.Text) != "" || r.text != "" && !k.fits(r.text, e.Text) {
		return fmt.Errorf("%s holds %q", name, e.Text)
	}
	if utf8.RuneCountInString(e.Text) > 4096 {
		return fmt.Errorf("%s holds %d bytes", name, len(e.Text))
	}
	return k.inside(e, r)
}

func (k *twimlChecker) inside(e element, r rule) error {
	for i, inner := range e.Elements {
		name := inner.XMLName.Local
		if !slices.Contains(r.inside, name) {
			return fmt.Errorf("%s in %s", name, e.XMLName.Local)
		}
		if i+1 < len(e.Elements) && k.rules[name].last {
			return fmt.Errorf("%s comes after %s and is never reached", e.Elements[i+1].XMLName.Local, name)
		}
		if err := k.element(inner); err != nil {
			return err
		}
	}
	return nil
}

func (k *twimlChecker) fits(pattern, value string) bool {
	if pattern == isURL {
		_, err := url.Parse(value)
		return err == nil && k.known(value)
	}
	if pattern == isText {
		return strings.TrimSpace(value) != ""
	}
	if k.patterns[pattern] == nil {
		k.patterns[pattern] = regexp.MustCompile(`^(?:` + pattern + `)$`)
	}
	return k.patterns[pattern].MatchString(value)
}

func TestCheckTwiML(t *testing.T) {
	checker := newTwiMLChecker(func(s string) bool { return strings.HasPrefix(s, "/ours") })
	cases := map[string]struct {
		body string
		want string // of the error; empty: none
	}{
		"empty":           {`<Response></Response>`, ""},
		"say":             {`<Response><Say language="fr-FR">Bonjour</Say><Hangup></Hangup></Response>`, ""},
		"silent say":      {`<Response><Say language="fr-FR"> </Say></Response>`, "Say holds"},
		"unknown verb":    {`<Response><Speak>x</Speak></Response>`, "Speak in Response"},
		"wrong attribute": {`<Response><Say lang="fr-FR">x</Say></Response>`, "no attribute lang"},
		"wrong nesting":   {`<Response><Gather action="/ours" numDigits="1" timeout="3"><Dial/></Gather></Response>`, "Dial in Gather"},
		"unreachable":     {`<Response><Hangup/><Say language="fr-FR">x</Say></Response>`, "never reached"},
		"reject last":     {`<Response><Say language="fr-FR">x</Say><Reject/></Response>`, "Reject beside"},
		"foreign address": {`<Response><Redirect>/theirs</Redirect></Response>`, "Redirect holds"},
		"bad number":      {`<Response><Dial action="/ours" callerId="+33939000000" answerOnBridge="true" timeout="20"><Number>17</Number></Dial></Response>`, "Number holds"},
		"text of a verb":  {`<Response>hello</Response>`, "Response holds"},
		"not XML":         {`<Response>`, "EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := checker.check(xml.Header + c.body)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSays(t *testing.T) {
	got := says("en", "", " \n ", "a\x00b\nc", strings.Repeat("é", 5000), "\xff")
	if len(got) != 2 || got[0].Text != "a b c" || utf8.RuneCountInString(got[1].Text) != maxSaid || got[0].Language != "en-GB" {
		t.Errorf("%d texts, first %q", len(got), got[0].Text)
	}
	if s := says("", "x"); s[0].Language != "fr-FR" {
		t.Errorf("a language that is not known is spoken in %s", s[0].Language)
	}
}

func TestWholeSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 5, 12 * time.Second: 12, 12900 * time.Millisecond: 12, time.Hour: 120, -time.Second: 5} {
		if got := wholeSeconds(d, 5, 120); got != want {
			t.Errorf("%s is %d, want %d", d, got, want)
		}
	}
}
