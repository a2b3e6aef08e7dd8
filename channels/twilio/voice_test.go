package twilio

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"
)

const (
	voiceLine   = "+33939000000"
	voiceCaller = "+33639980001"
)

func voiceNow() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }

// toldCalls keeps what was told of calls.
type toldCalls struct {
	mu      sync.Mutex
	news    []channels.CallNews
	blocked bool
	failing int // how many more times it fails
}

func (c *toldCalls) Ring(ctx context.Context, n channels.CallNews) (channels.CallRuling, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, bounded := ctx.Deadline(); !bounded {
		return channels.CallRuling{}, errors.New("told without a deadline")
	}
	if c.failing > 0 {
		c.failing--
		return channels.CallRuling{}, errors.New("the database is away")
	}
	c.news = append(c.news, n)
	return channels.CallRuling{Blocked: c.blocked}, nil
}

func (c *toldCalls) take() []channels.CallNews {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.news
	c.news = nil
	return news
}

// fixedBoard answers for one line.
type fixedBoard struct{ welcome channels.Welcome }

func (b fixedBoard) Welcome(_ context.Context, number string, _ time.Time) (channels.Welcome, bool) {
	return b.welcome, number == voiceLine
}

// countedRefusals keeps the reasons.
type countedRefusals struct {
	mu      sync.Mutex
	reasons []string
}

func (r *countedRefusals) Refused(adapter, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reasons = append(r.reasons, adapter+" "+reason)
}

// exchange is a provider's side of one call: it signs what it posts and checks every answer.
type exchange struct {
	t        *testing.T
	server   *httptest.Server
	options  Options
	calls    *toldCalls
	refusals *countedRefusals
	mounts   []channels.Mount
	checker  *twimlChecker
	from     string
}

func openDay() channels.Welcome {
	return channels.Welcome{
		Line: "standard", Language: "fr", Greeting: "Mairie de Valmont, bonjour.", Open: true, Closed: "La mairie ouvre à neuf heures.",
		Menu: []channels.MenuChoice{
			{Digit: "1", Words: "Pour l'état civil, tapez 1.", Department: "etat-civil", Numbers: []string{"+33139980011", "+33139980012"}, RingFor: 15 * time.Second},
			{Digit: "2", Words: "Pour la voirie, tapez 2.", Department: "voirie", Numbers: []string{"+33139980021"}},
		},
		Direct:        channels.MenuChoice{Department: "accueil", Numbers: []string{"+33139980001"}},
		RecordWarning: "Cet appel est enregistré.",
		Voicemail:     "Laissez un message, il sera enregistré.",
		CallBack:      "Pour être rappelé, tapez 1.",
		Bye:           "Au revoir.",
	}
}

func newExchange(t *testing.T, w channels.Welcome, change ...func(*Options, *VoiceDeps)) *exchange {
	t.Helper()
	x := &exchange{t: t, calls: &toldCalls{}, refusals: &countedRefusals{}, from: voiceCaller}
	x.checker = newTwiMLChecker(x.known)
	mux := http.NewServeMux()
	x.server = httptest.NewServer(mux)
	t.Cleanup(x.server.Close)
	x.options = Options{AccountSID: "AC1", AuthToken: "secret"}
	deps := VoiceDeps{
		Switchboard: fixedBoard{w}, Calls: x.calls, Refusals: x.refusals, Log: slog.New(slog.DiscardHandler), Now: voiceNow,
		Region: "FR", PublicURL: x.server.URL + "/",
	}
	for _, c := range change {
		c(&x.options, &deps)
	}
	x.mounts = NewVoice(x.options, NewVerifier(x.options, x.server.URL), deps).Mounts()
	for _, m := range x.mounts {
		mux.Handle(m.Method+" "+m.Path, m.Handler)
	}
	return x
}

// known tells whether an address is one of the webhooks on this server.
func (x *exchange) known(address string) bool {
	rest, ours := strings.CutPrefix(address, x.server.URL)
	path, _, _ := strings.Cut(rest, "?")
	return ours && slices.ContainsFunc(x.mounts, func(m channels.Mount) bool { return m.Path == path })
}

// form is what Twilio says of the call at each request, and these pairs.
func (x *exchange) form(pairs ...string) url.Values {
	f := url.Values{
		"AccountSid": {"AC1"}, "CallSid": {"CA1"}, "From": {x.from}, "To": {voiceLine}, "Direction": {"inbound"}, "CallStatus": {"in-progress"},
		"ApiVersion": {"2010-04-01"}, "ANewParameter": {"x"},
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// send posts a form with this signature; empty: the right one.
func (x *exchange) send(address string, form url.Values, signed string) (int, string) {
	x.t.Helper()
	if !strings.HasPrefix(address, "http") {
		address = x.server.URL + voicePath + address
	}
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		x.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", cmp.Or(signed, x.sign(address, form)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		x.t.Errorf("answered %s", resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, string(body)
}

// sign is the signature of a form sent to a full address.
func (x *exchange) sign(address string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(signature([]byte(x.options.AuthToken), address, signedTail(form)))
}

// post gives the answer to a genuine request.
func (x *exchange) post(address string, pairs ...string) element {
	x.t.Helper()
	status, body := x.send(address, x.form(pairs...), "")
	if status != http.StatusOK {
		x.t.Fatalf("%s answered %d %s", address, status, body)
	}
	root, err := x.checker.check(body)
	if err != nil {
		x.t.Fatalf("%s answered what Twilio refuses: %v\n%s", address, err, body)
	}
	return root
}

// action follows an answer where its verb leads.
func (x *exchange) action(answer element, verb string, pairs ...string) element {
	x.t.Helper()
	v, ok := answer.find(verb)
	if !ok {
		x.t.Fatalf("no %s in %s", verb, answer.verbs())
	}
	return x.post(v.attr("action"), pairs...)
}

// rings is whom an answer rings.
func rings(e element) string {
	n, _ := e.find("Number")
	return n.Text
}

func wantVerbs(t *testing.T, e element, want string) {
	t.Helper()
	if got := e.verbs(); got != want {
		t.Fatalf("verbs %q, want %q", got, want)
	}
}

func wantSaid(t *testing.T, e element, want ...string) {
	t.Helper()
	for _, s := range want {
		if !strings.Contains(e.said(), s) {
			t.Errorf("%q is not said in %q", s, e.said())
		}
	}
}

func TestMenuThenFirstNumberTakesTheCall(t *testing.T) {
	x := newExchange(t, openDay())
	menu := x.post("", "CallStatus", "ringing")
	wantVerbs(t, menu, "Gather")
	wantSaid(t, menu, "Mairie de Valmont", "tapez 1", "tapez 2")

	ringing := x.action(menu, "Gather", "Digits", "1")
	wantVerbs(t, ringing, "Dial")
	dial, _ := ringing.find("Dial")
	if rings(ringing) != "+33139980011" || dial.attr("timeout") != "15" || dial.attr("callerId") != voiceLine || dial.attr("answerOnBridge") != "true" {
		t.Errorf("rings %s with %v", rings(ringing), dial.Attrs)
	}
	number, _ := ringing.find("Number")
	leg := []string{"CallSid", "CA2", "ParentCallSid", "CA1", "Direction", "outbound-dial", "From", voiceLine, "To", "+33139980011"}
	x.post(number.attr("statusCallback"), append(leg, "CallStatus", "in-progress")...)
	x.post(number.attr("statusCallback"), append(leg, "CallStatus", "completed", "CallDuration", "61")...)
	over := x.action(ringing, "Dial", "DialCallStatus", "completed", "DialCallDuration", "61")
	wantVerbs(t, over, "Hangup")
	x.post("/status", "CallStatus", "completed", "CallDuration", "80")

	news := x.calls.take()
	if len(news) != 6 {
		t.Fatalf("%d news: %+v", len(news), news)
	}
	for i, n := range news {
		if n.ID != "CA1" || n.Exchange != "twilio" || n.Out || !n.At.Equal(voiceNow()) {
			t.Errorf("news %d is of %s %s", i, n.Exchange, n.ID)
		}
	}
	if n := news[0]; n.Step != channels.CallRang || n.Caller.Value != voiceCaller || n.Called.Value != voiceLine || n.Line != "standard" || n.Department != "" {
		t.Errorf("first %+v", n)
	}
	if n := news[1]; n.Step != channels.CallRang || n.Department != "etat-civil" {
		t.Errorf("choice %+v", n)
	}
	if n := news[2]; n.Step != channels.CallAnswered || !slices.Equal(n.Agents, []string{"+33139980011"}) || n.Caller.Value != "" {
		t.Errorf("answered %+v", n)
	}
	for _, n := range news[3:5] {
		if n.Step != channels.CallEnded || n.End != channels.EndAnswered || n.Talked != 61*time.Second || !slices.Equal(n.Agents, []string{"+33139980011"}) {
			t.Errorf("talked %+v", n)
		}
	}
	if n := news[5]; n.Step != channels.CallEnded || n.End != channels.EndMissed || n.Talked != 0 {
		t.Errorf("the status alone says %+v", n)
	}
}

func TestWrongKeyIsSaidOnceThenDirect(t *testing.T) {
	x := newExchange(t, openDay())
	again := x.action(x.post(""), "Gather", "Digits", "9")
	wantVerbs(t, again, "Gather")
	wantSaid(t, again, "ne correspond", "tapez 2")
	direct := x.action(again, "Gather", "Digits", "*")
	if rings(direct) != "+33139980001" {
		t.Errorf("rings %q", rings(direct))
	}
	for _, n := range x.calls.take() {
		if n.Department != "" {
			t.Errorf("she chose nothing, told %q", n.Department)
		}
	}
}

func TestNoKeyRepeatsTheMenuOnce(t *testing.T) {
	x := newExchange(t, openDay())
	again := x.action(x.post(""), "Gather", "Digits", "")
	wantVerbs(t, again, "Gather")
	if strings.Contains(again.said(), "ne correspond") || strings.Contains(again.said(), "bonjour") {
		t.Errorf("said %q", again.said())
	}
	if direct := x.action(again, "Gather"); rings(direct) != "+33139980001" {
		t.Errorf("rings %q", rings(direct))
	}
}

func TestNoMenuRingsAtOnce(t *testing.T) {
	w := openDay()
	w.Menu = nil
	x := newExchange(t, w)
	ringing := x.post("")
	wantVerbs(t, ringing, "Say Dial")
	if rings(ringing) != "+33139980001" {
		t.Errorf("rings %q", rings(ringing))
	}
}

func TestNumbersInTurnThenCallBack(t *testing.T) {
	x := newExchange(t, openDay())
	first := x.action(x.post(""), "Gather", "Digits", "1")
	second := x.action(first, "Dial", "DialCallStatus", "no-answer")
	if rings(second) != "+33139980012" {
		t.Fatalf("rings %q", rings(second))
	}
	offer := x.action(second, "Dial", "DialCallStatus", "busy")
	wantVerbs(t, offer, "Gather")
	wantSaid(t, offer, "être rappelé")
	x.calls.take()
	bye := x.action(offer, "Gather", "Digits", "1")
	wantVerbs(t, bye, "Say Hangup")
	wantSaid(t, bye, "Au revoir")
	news := x.calls.take()
	if len(news) != 1 || news[0].Step != channels.CallEnded || news[0].End != channels.EndMissed || !news[0].CallBack || news[0].Department != "etat-civil" {
		t.Errorf("told %+v", news)
	}
}

func TestCallBackDeclinedLeadsToVoicemail(t *testing.T) {
	x := newExchange(t, openDay())
	for _, digit := range []string{"", "2"} {
		offer := x.action(x.action(x.post(""), "Gather", "Digits", "2"), "Dial", "DialCallStatus", "failed")
		x.calls.take()
		mail := x.action(offer, "Gather", "Digits", digit)
		wantVerbs(t, mail, "Say Record Say Hangup")
		wantSaid(t, mail, "sera enregistré")
		wantVerbs(t, x.action(mail, "Record", "Digits", "hangup"), "Say Hangup")
		if news := x.calls.take(); len(news) != 0 {
			t.Errorf("told %+v", news)
		}
	}
}

// A promise that could not be kept is not made: she holds the line, and at last leaves words.
func TestCallBackThatCanNotBeKept(t *testing.T) {
	x := newExchange(t, openDay())
	offer := x.action(x.action(x.post(""), "Gather", "Digits", "2"), "Dial", "DialCallStatus", "no-answer")
	x.calls.take()

	x.calls.failing = 1
	wait := x.action(offer, "Gather", "Digits", "1")
	wantVerbs(t, wait, "Pause Redirect")
	again, _ := wait.find("Redirect")
	wantSaid(t, x.post(again.Text), "Au revoir")
	if news := x.calls.take(); len(news) != 1 || !news[0].CallBack || news[0].Department != "voirie" {
		t.Errorf("told %+v", news)
	}

	x.calls.failing = 10
	wait = x.action(offer, "Gather", "Digits", "1")
	for range callBackTries - 1 {
		again, _ = wait.find("Redirect")
		wait = x.post(again.Text)
	}
	wantVerbs(t, wait, "Say Say Record Say Hangup")
	wantSaid(t, wait, "n'a pas pu")
}

func TestNobodyAndNothingToOffer(t *testing.T) {
	w := openDay()
	w.CallBack, w.Voicemail = "", ""
	x := newExchange(t, w)
	wantVerbs(t, x.action(x.action(x.post(""), "Gather", "Digits", "2"), "Dial", "DialCallStatus", "no-answer"), "Say Hangup")
}

func TestClosed(t *testing.T) {
	w := openDay()
	w.Open = false
	x := newExchange(t, w)
	mail := x.post("")
	wantVerbs(t, mail, "Say Say Say Record Say Hangup")
	wantSaid(t, mail, "bonjour", "neuf heures", "sera enregistré")

	w.Voicemail = ""
	wantVerbs(t, newExchange(t, w).post(""), "Say Say Say Hangup")
}

// Who chose while it was open is still served when it closes meanwhile.
func TestClosingDoesNotCutACall(t *testing.T) {
	w := openDay()
	w.Open = false
	x := newExchange(t, w)
	if rings(x.post("/menu?try=0", "Digits", "2")) != "+33139980021" {
		t.Error("cut off")
	}
}

func TestBlockedCallerHearsABusyLine(t *testing.T) {
	x := newExchange(t, openDay())
	x.calls.blocked = true
	busy := x.post("")
	wantVerbs(t, busy, "Reject")
	if busy.Elements[0].attr("reason") != "busy" {
		t.Error("not busy")
	}
	news := x.calls.take()
	if len(news) != 2 || news[1].End != channels.EndRejected {
		t.Errorf("told %+v", news)
	}
}

func TestUnknownLineIsAnsweredAndTold(t *testing.T) {
	x := newExchange(t, openDay())
	for _, path := range []string{"", "/menu", "/dial?choice=1&at=0", "/callback"} {
		sorry := x.post(path, "To", "+33939009999")
		wantVerbs(t, sorry, "Say Say Hangup")
		wantSaid(t, sorry, "rappeler", "call again")
	}
	if news := x.calls.take(); len(news) != 1 || news[0].Step != channels.CallRang || news[0].Line != "" {
		t.Errorf("told %+v", news)
	}
}

func TestCallersWhoAreNobody(t *testing.T) {
	cases := map[string]channels.Address{
		"+266696687": {Name: "anonymous"}, "266696687": {Name: "anonymous"}, "+7378742833": {Name: "restricted"}, "+2562533": {Name: "blocked"},
		"+8656696": {Name: "unknown"}, "+86282452253": {Name: "unavailable"}, "anonymous": {Name: "anonymous"}, "Restricted": {Name: "Restricted"},
		"client:zoe": {Name: "client:zoe"}, "client:+33639980001": {Name: "client:+33639980001"}, "": {},
		"sip:+33639980001@pbx.example": {Name: "sip:+33639980001@pbx.example"}, "+33639980001@pbx.example": {Name: "+33639980001@pbx.example"},
		"3949": {Name: "3949"}, "112": {Name: "112"}, "bad\x00\xffbytes": {Name: "bad\uFFFDbytes"},
		"0639980001": {Name: "0639980001", Value: voiceCaller}, voiceCaller: {Name: voiceCaller, Value: voiceCaller},
		strings.Repeat("9", 500): {Name: strings.Repeat("9", maxParty)},
	}
	x := newExchange(t, openDay())
	for from, want := range cases {
		x.from = from
		x.post("")
		if news := x.calls.take(); len(news) != 1 || news[0].Caller != want {
			t.Errorf("%q told as %+v, want %+v", from, news, want)
		}
	}
}

// Nobody can call back who does not show her number, so it is not offered.
func TestWithheldCallerIsOfferedVoicemail(t *testing.T) {
	x := newExchange(t, openDay())
	x.from = "+266696687"
	mail := x.action(x.action(x.post(""), "Gather", "Digits", "2"), "Dial", "DialCallStatus", "no-answer")
	wantVerbs(t, mail, "Say Record Say Hangup")
}

func TestCallerWhoGaveUpIsNotRungOn(t *testing.T) {
	x := newExchange(t, openDay())
	first := x.action(x.post(""), "Gather", "Digits", "1")
	x.calls.take()
	wantVerbs(t, x.action(first, "Dial", "DialCallStatus", "no-answer", "CallStatus", "completed"), "Hangup")
	if news := x.calls.take(); len(news) != 0 {
		t.Errorf("told %+v", news)
	}
}

func TestConversationsAreRecordedOnlyWhenAllAgree(t *testing.T) {
	cases := map[string]struct {
		house, line bool
		warning     string
		want        bool
	}{
		"by default":           {},
		"the line alone":       {line: true, warning: "Enregistré."},
		"the house alone":      {house: true, warning: "Enregistré."},
		"without announcement": {house: true, line: true, warning: " "},
		"announced":            {house: true, line: true, warning: "Enregistré.", want: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := openDay()
			w.Record, w.RecordWarning = c.line, c.warning
			x := newExchange(t, w, func(o *Options, _ *VoiceDeps) { o.RecordCalls = c.house })
			ringing := x.post("/menu?try=0", "Digits", "1")
			dial, _ := ringing.find("Dial")
			announced := strings.Contains(ringing.said(), "Enregistré")
			if recorded := dial.attr("record") == "record-from-answer-dual"; recorded != c.want || announced != c.want {
				t.Errorf("recorded %t, announced %t", recorded, announced)
			}
			if !c.want {
				return
			}
			next := x.action(ringing, "Dial", "DialCallStatus", "busy")
			if dial, _ := next.find("Dial"); dial.attr("record") == "" || next.said() != "" {
				t.Errorf("the second number: record %q, said %q", dial.attr("record"), next.said())
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	x := newExchange(t, openDay())
	cases := map[string]channels.CallEnd{
		"completed": channels.EndMissed, "no-answer": channels.EndMissed, "canceled": channels.EndMissed, "busy": channels.EndBusy,
		"failed": channels.EndFailed, "ringing": "", "queued": "", "in-progress": "", "": "", "brand-new": "",
	}
	for status, want := range cases {
		wantVerbs(t, x.post("/status", "CallStatus", status), "")
		news := x.calls.take()
		if want == "" && len(news) != 0 || want != "" && (len(news) != 1 || news[0].Step != channels.CallEnded || news[0].End != want || news[0].Line != "standard") {
			t.Errorf("%s told %+v", status, news)
		}
	}
	x.post("/status", "CallStatus", "completed", "DialCallStatus", "completed", "DialCallDuration", "9")
	if news := x.calls.take(); len(news) != 1 || news[0].End != channels.EndAnswered || news[0].Talked != 9*time.Second {
		t.Errorf("told %+v", news)
	}
	x.post("/status", "CallStatus", "completed", "ParentCallSid", "CA0")
	if news := x.calls.take(); len(news) != 0 {
		t.Errorf("a leg was told as a call: %+v", news)
	}
	x.post("/status", "CallStatus", "busy", "Direction", "outbound-api", "From", voiceLine, "To", voiceCaller)
	if news := x.calls.take(); len(news) != 1 || !news[0].Out || news[0].Line != "standard" || news[0].Called.Value != voiceCaller {
		t.Errorf("a call out was told as %+v", news)
	}
}

func TestLegsThatAreNoNews(t *testing.T) {
	x := newExchange(t, openDay())
	x.post("/leg", "CallStatus", "in-progress")
	x.post("/leg", "CallStatus", "no-answer", "ParentCallSid", "CA1")
	x.post("/leg", "CallStatus", "completed", "ParentCallSid", strings.Repeat("C", 99))
	if news := x.calls.take(); len(news) != 0 {
		t.Errorf("told %+v", news)
	}
}
