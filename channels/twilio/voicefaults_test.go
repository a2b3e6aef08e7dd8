package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels"
)

func TestForgedRequestsTellNothing(t *testing.T) {
	x := newExchange(t, openDay())
	for _, m := range x.mounts {
		address := x.server.URL + m.Path
		form := x.form("CallStatus", "completed", "ParentCallSid", "CA0", "TranscriptionText", "x", "Digits", "1", "DialCallStatus", "completed")
		if status, body := x.send(address, form, "AAAA"); status != http.StatusForbidden || strings.Contains(body, "<") {
			t.Errorf("%s answered %d %q", m.Path, status, body)
		}
	}
	if news := x.calls.take(); len(news) != 0 {
		t.Errorf("told %+v", news)
	}
	if len(x.refusals.reasons) != len(x.mounts) || !strings.HasPrefix(x.refusals.reasons[0], "twilio ") {
		t.Errorf("counted %q", x.refusals.reasons)
	}
}

// The place in the menu is in the address, and the address is signed.
func TestForgedPlaceIsRefused(t *testing.T) {
	x := newExchange(t, openDay())
	form := x.form("DialCallStatus", "completed")
	genuine := x.server.URL + voicePath + "/dial?at=0&choice=1"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.server.URL+voicePath+"/dial?at=1&choice=2", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", x.sign(genuine, form))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(x.calls.take()) != 0 {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

func TestRequestsThatCanNotBeTaken(t *testing.T) {
	x := newExchange(t, openDay())
	cases := map[string]struct {
		form url.Values
		want int
	}{
		"no CallSid":    {url.Values{"From": {voiceCaller}}, http.StatusBadRequest},
		"empty CallSid": {x.form("CallSid", ""), http.StatusBadRequest},
		"long CallSid":  {x.form("CallSid", strings.Repeat("C", 65)), http.StatusBadRequest},
		"odd CallSid":   {x.form("CallSid", "CA1\x00"), http.StatusBadRequest},
		"too long":      {x.form("SpeechResult", strings.Repeat("x", 1<<20)), http.StatusRequestEntityTooLarge},
	}
	for name, c := range cases {
		for _, m := range x.mounts {
			if status, _ := x.send(x.server.URL+m.Path, c.form, ""); status != c.want {
				t.Errorf("%s, %s answered %d", name, m.Path, status)
			}
		}
	}
	if news := x.calls.take(); len(news) != 0 {
		t.Errorf("told %+v", news)
	}
}

// Whoever is on the line is answered whatever the database does; what only tells is told again.
func TestNewsThatIsNotKept(t *testing.T) {
	x := newExchange(t, openDay())
	x.calls.failing = 1 << 30
	wantVerbs(t, x.post(""), "Gather")
	if rings(x.post("/menu?try=0", "Digits", "2")) != "+33139980021" {
		t.Error("the caller was lost")
	}
	wantVerbs(t, x.post("/dial?choice=2&at=0", "DialCallStatus", "completed"), "Hangup")
	for path, form := range map[string]url.Values{
		"/status":        x.form("CallStatus", "completed"),
		"/recording":     x.form("RecordingStatus", "completed", "RecordingSid", "RE1"),
		"/transcription": x.form("TranscriptionText", "bonjour"),
		"/leg":           x.form("ParentCallSid", "CA0", "CallStatus", "completed"),
	} {
		if status, _ := x.send(path, form, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s answered %d", path, status)
		}
	}
}

// step is one request of a call.
type step struct {
	path string
	form url.Values
}

func wholeCall(x *exchange) []step {
	return []step{
		{"", x.form("CallStatus", "ringing")},
		{"/menu?try=0", x.form("Digits", "9")},
		{"/menu?try=1", x.form("Digits", "1")},
		{"/dial?at=0&choice=1", x.form("DialCallStatus", "no-answer")},
		{"/leg", x.form("CallSid", "CA2", "ParentCallSid", "CA1", "CallStatus", "in-progress", "To", "+33139980012")},
		{"/dial?at=1&choice=1", x.form("DialCallStatus", "completed", "DialCallDuration", "5")},
		{"/callback?choice=1", x.form("Digits", "1")},
		{"/voicemail", x.form("RecordingSid", "RE1")},
		{"/recording?voicemail=1", x.form("RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingDuration", "7")},
		{"/transcription", x.form("TranscriptionText", "Bonjour", "TranscriptionStatus", "completed")},
		{"/status", x.form("CallStatus", "completed")},
	}
}

// What is answered and told hangs on the request alone: a replay and any order say the same.
func TestReplaysAndOrders(t *testing.T) {
	x := newExchange(t, openDay())
	answers := map[string]string{}
	told := map[string][]channels.CallNews{}
	for _, s := range wholeCall(x) {
		status, body := x.send(s.path, s.form, "")
		if status != http.StatusOK {
			t.Fatalf("%s answered %d", s.path, status)
		}
		answers[s.path], told[s.path] = body, x.calls.take()
	}
	reversed := wholeCall(x)
	slices.Reverse(reversed)
	for _, s := range append(reversed, wholeCall(x)...) {
		_, body := x.send(s.path, s.form, "")
		if body != answers[s.path] {
			t.Errorf("%s answers %s, first %s", s.path, body, answers[s.path])
		}
		if news := x.calls.take(); !sameNews(news, told[s.path]) {
			t.Errorf("%s told %+v, first %+v", s.path, news, told[s.path])
		}
	}
}

func sameNews(a, b []channels.CallNews) bool {
	return slices.EqualFunc(a, b, func(m, n channels.CallNews) bool {
		return m.ID == n.ID && m.Step == n.Step && m.End == n.End && m.Department == n.Department && m.CallBack == n.CallBack &&
			m.Words == n.Words && m.Talked == n.Talked && slices.Equal(m.Agents, n.Agents) && (m.Recording == nil) == (n.Recording == nil)
	})
}

// hostile is a town whose texts try to be markup and whose numbers are none.
func hostile() channels.Welcome {
	evil := "</Say><Hangup/><Say>\"'&amp;]]>\x00\x1b\u2028 <!-- \xff\xfe " + strings.Repeat("<Dial>", 900)
	return channels.Welcome{
		Line: evil, Language: `"><Hangup/>`, Greeting: evil, Open: true, Closed: evil, RecordWarning: evil, Record: true,
		Menu: []channels.MenuChoice{
			{Digit: "1", Words: evil, Department: evil, Numbers: []string{"<x>", "", "17", "+0", "+", "sip:a@b", "+33139980011"}, RingFor: -time.Hour},
			{Digit: "", Words: "", Department: "", Numbers: nil},
			{Digit: "&at=99", Numbers: []string{"+33139980012"}, RingFor: 1000 * time.Hour},
		},
		Voicemail: evil, CallBack: evil, Bye: evil,
	}
}

// Every answer in every state of every kind of line is TwiML that Twilio takes.
func TestEveryAnswerIsTwiML(t *testing.T) {
	closed, bare, english, quiet := openDay(), channels.Welcome{}, openDay(), openDay()
	closed.Open = false
	english.Language, english.Menu = "en", nil
	quiet.Greeting, quiet.Bye, quiet.CallBack = "", "", ""
	openBare := channels.Welcome{Open: true, Menu: []channels.MenuChoice{{Digit: "1"}}}
	queries := []string{"", "?try=1", "?try=-1", "?choice=1&at=0", "?choice=1&at=1", "?choice=1&at=9223372036854775807", "?choice=%26at%3D99&at=0", "?choice=%3Cx%3E&at=x", "?a;b", "?try=%zz"}
	for name, w := range map[string]channels.Welcome{
		"open": openDay(), "closed": closed, "bare": bare, "open and bare": openBare, "english": english, "quiet": quiet, "hostile": hostile(),
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange(t, w, func(o *Options, _ *VoiceDeps) { o.RecordCalls = true })
			for _, m := range x.mounts {
				for _, q := range queries {
					for _, pairs := range [][]string{
						{}, {"Digits", "1"}, {"Digits", "&at=99"}, {"DialCallStatus", "busy"}, {"DialCallStatus", "completed", "CallStatus", "completed"},
					} {
						x.post(x.server.URL+m.Path+q, pairs...)
					}
				}
			}
		})
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	x := newExchange(t, hostile())
	menu := x.post("")
	wantVerbs(t, menu, "Gather")
	wantSaid(t, menu, `</Say><Hangup/><Say>"'&amp;]]>`)
	ringing := x.action(menu, "Gather", "Digits", "1")
	if rings(ringing) != "+33139980011" {
		t.Errorf("rings %q", rings(ringing))
	}
}

func TestAddressesWithoutAPublicOneAreRelative(t *testing.T) {
	x := newExchange(t, openDay(), func(_ *Options, d *VoiceDeps) { d.PublicURL = "" })
	_, body := x.send("", x.form(), "")
	if !strings.Contains(body, `action="/webhooks/twilio/voice/menu?try=0"`) {
		t.Error(body)
	}
}
