package twilio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"guichet/channels"
	"guichet/channels/twilio/twiliotest"
)

// textHub is what is told by the webhooks of text messages, and a provider that posts to them.
type textHub struct {
	*testing.T
	p        *twiliotest.Provider
	url      string
	refusals *countedRefusals

	mu       sync.Mutex
	in       []channels.Inbound
	progress []channels.Progress
	failing  bool
}

func (h *textHub) Receive(_ context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing {
		return nil, errors.New("the database is away")
	}
	h.in = append(h.in, group...)
	return make([]channels.Filed, len(group)), nil
}

func (h *textHub) Track(_ context.Context, p channels.Progress) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing {
		return errors.New("the database is away")
	}
	h.progress = append(h.progress, p)
	return nil
}

// take is what came in since it was last asked for.
func (h *textHub) take() []channels.Inbound {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.in
	h.in = nil
	return in
}

func (h *textHub) tracked() []channels.Progress {
	h.mu.Lock()
	defer h.mu.Unlock()
	progress := h.progress
	h.progress = nil
	return progress
}

func (h *textHub) fail(failing bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing = failing
}

// openTexts starts both.
func openTexts(t *testing.T) *textHub {
	t.Helper()
	h := &textHub{T: t, refusals: &countedRefusals{}, p: startProvider(t, twiliotest.Options{})}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	// A proxy stands before the hub as it does in a town hall: what it calls the hub is not what the provider signed.
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }})
	t.Cleanup(proxy.Close)
	o := providerOptions(h.p)
	sms := NewSMS(o, NewVerifier(o, proxy.URL), SMSDeps{
		Receiver: h, Tracker: h, Refusals: h.refusals, Log: slog.New(slog.DiscardHandler), Now: voiceNow, Region: "FR",
	})
	for _, m := range sms.Mounts() {
		mux.Handle(m.Method+" "+m.Path, m.Handler)
	}
	h.p.Connect(proxy.URL)
	return h
}

// post posts a signed form and wants a status.
func (h *textHub) post(status int, path string, form url.Values) twiliotest.Answer {
	h.Helper()
	answer, err := h.p.Post(h.Context(), path, form)
	if err != nil {
		h.Fatal(err)
	}
	if answer.Status != status || status == http.StatusOK && answer.Body != emptyTwiML {
		h.Fatalf("%s answered %v, want %d", path, answer, status)
	}
	return answer
}

// text posts a form that must be taken, and gives what was filed.
func (h *textHub) text(form url.Values) channels.Inbound {
	h.Helper()
	h.post(http.StatusOK, twiliotest.SMSPath, form)
	in := h.take()
	if len(in) != 1 {
		h.Fatalf("%d messages were filed", len(in))
	}
	return in[0]
}

func TestATextIsFiled(t *testing.T) {
	h := openTexts(t)
	form := h.p.TextForm(testCitizen, testLine, "Gros trou avenue Foch 🚲")
	in := h.text(form)
	sid := form.Get("MessageSid")
	if in.Channel != channels.SMS || in.Key != sid || in.ID != sid || in.Line != "sms" || in.From != (channels.Address{Value: testCitizen}) ||
		len(in.To) != 1 || in.To[0].Value != testLine || in.Text != "Gros trou avenue Foch 🚲" || !in.At.Equal(voiceNow()) ||
		in.Word != "" || in.Silent != "" || len(in.Warnings) != 0 || len(in.Attachments) != 0 {
		t.Errorf("%+v", in)
	}
	if kept, err := url.ParseQuery(string(in.Raw)); err != nil || kept.Encode() != form.Encode() {
		t.Errorf("the original is %s, %v", in.Raw, err)
	}
}

// The provider posts again what it has no answer to; what is filed carries the same key, so that the Receiver knows it.
func TestAReplayIsTheSameMessage(t *testing.T) {
	h := openTexts(t)
	form := h.p.TextForm(testCitizen, testLine, "Bonjour")
	first, second := h.text(form), h.text(form)
	if first.Key != second.Key || string(first.Raw) != string(second.Raw) || first.Text != second.Text {
		t.Errorf("%+v, then %+v", first, second)
	}
	if other := h.text(h.p.TextForm(testCitizen, testLine, "Bonjour")); other.Key == first.Key {
		t.Error("the same words again are another message")
	}
}

func TestOddTexts(t *testing.T) {
	cases := []struct {
		name   string
		change func(url.Values)
		want   func(channels.Inbound) bool
	}{
		{"a parameter twice: the first counts, both are kept", func(f url.Values) { f.Add("Body", "et encore") },
			func(in channels.Inbound) bool {
				return in.Text == "Bonjour" && strings.Contains(string(in.Raw), "et+encore")
			}},
		{"parameters nobody knew", func(f url.Values) { f.Set("ChannelMetadata", `{"a":1}`) },
			func(in channels.Inbound) bool { return strings.Contains(string(in.Raw), "ChannelMetadata") }},
		{"no words", func(f url.Values) { f.Del("Body") }, func(in channels.Inbound) bool { return in.Text == "" && in.Word == "" }},
		{"nobody", func(f url.Values) { f.Del("From") }, func(in channels.Inbound) bool { return in.From == channels.Address{} }},
		{"to no number", func(f url.Values) { f.Del("To") }, func(in channels.Inbound) bool { return in.Line == "" }},
		{"to a number of somebody else", func(f url.Values) { f.Set("To", "+33939000009") }, func(in channels.Inbound) bool { return in.Line == "" }},
		{"to our number as the French write it", func(f url.Values) { f.Set("To", "09 39 00 00 00") }, func(in channels.Inbound) bool { return in.Line == "sms" }},
		{"through a messaging service", func(f url.Values) { f.Set("MessagingServiceSid", "MG00000000000000000000000000000000") },
			func(in channels.Inbound) bool { return in.Line == "sms" }},
		{"characters that are none", func(f url.Values) { f.Set("Body", "a\x00\x1b[31mb\xff\r\nc") },
			func(in channels.Inbound) bool { return in.Text == "a[31mb\uFFFD\nc" && len(in.Warnings) == 1 }},
		{"far too long", func(f url.Values) { f.Set("Body", strings.Repeat("a", maxText-1)+"é"+strings.Repeat("b", maxText)) },
			func(in channels.Inbound) bool {
				return in.Text == strings.Repeat("a", maxText-1) && len(in.Warnings) == 1 && len(in.Raw) > 2*maxText
			}},
		{"as long as it gets", func(f url.Values) { f.Set("Body", strings.Repeat("é", 1600)) },
			func(in channels.Inbound) bool { return len(in.Text) == 3200 && len(in.Warnings) == 0 }},
		{"files that are none", func(f url.Values) { f.Set("NumMedia", "-1") }, func(in channels.Inbound) bool { return len(in.Attachments)+len(in.Warnings) == 0 }},
		{"a number of files that is none", func(f url.Values) { f.Set("NumMedia", "beaucoup") }, func(in channels.Inbound) bool { return len(in.Warnings) == 0 }},
		{"more files than there are", func(f url.Values) { f.Set("NumMedia", "2") }, func(in channels.Inbound) bool { return len(in.Warnings) == 2 }},
		{"more files than anybody sends", func(f url.Values) { f.Set("NumMedia", "2000000000") }, func(in channels.Inbound) bool { return len(in.Warnings) == 1+maxMedia }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := openTexts(t)
			form := h.p.TextForm(testCitizen, testLine, "Bonjour")
			c.change(form)
			if in := h.text(form); in.Key != form.Get("MessageSid") || !c.want(in) {
				t.Errorf("%+v", in)
			}
		})
	}
}

// Whoever shows no number is nobody, and no two of them are the same.
func TestSendersWhoAreNobody(t *testing.T) {
	for from, want := range map[string]channels.Address{
		"+266696687": {}, "+7378742833": {}, "+2562533": {}, "+8656696": {}, "+86282452253": {}, "anonymous": {}, "RESTRICTED": {}, "": {},
		"client:zoe": {}, "sip:+33639980001@pbx.example": {},
		"Amendes": {Name: "Amendes"}, "ANTS 2": {Name: "ANTS 2"}, "3949": {Name: "3949"}, "36180": {Name: "36180"}, "112": {Name: "112"},
		"+336": {Name: "+336"}, "whatsapp:+33639980001": {Name: "whatsapp:+33639980001"}, "bad\xff": {Name: "bad\uFFFD"},
		strings.Repeat("a", 500): {Name: strings.Repeat("a", maxName)},
		"06 39 98 00 01":         {Value: testCitizen}, "0033639980001": {Value: testCitizen}, "+447700900123": {Value: "+447700900123"},
		"0692 12 34 56": {Value: "+262692123456"},
	} {
		if got := senderOf(from, "FR"); got != want {
			t.Errorf("%q is %+v, want %+v", from, got, want)
		}
	}
}

// A word counts alone only: in a sentence it is a citizen's.
func TestWords(t *testing.T) {
	words := map[channels.Word][]string{
		channels.WordStop:  {"STOP", "stop", " Stop. ", "Arrêt", "ARRET", "arrêter !", "unsubscribe", "END", "quit", "StopAll", "cancel", "stop\n"},
		channels.WordStart: {"START", "unstop", "Reprise"}, channels.WordHelp: {"AIDE", "help", "info ?"}, channels.WordContact: {"Contact"},
		"": {"", "oui", "yes", "stop au bruit", "Le stop de la rue Foch est tombé", "arrêt de bus cassé", "je veux CANCEL mon rdv", "aide svp", "stop stop",
			"contact mairie", "St0p", "?", "1"},
	}
	for want, texts := range words {
		for _, text := range texts {
			if got := wordOf(text); got != want {
				t.Errorf("%q asks for %q, want %q", text, got, want)
			}
		}
	}
}

// The provider may have answered a word itself; then nothing more goes out.
func TestOptOutAnsweredByTheProvider(t *testing.T) {
	h := openTexts(t)
	for kind, want := range map[string]channels.Word{"STOP": channels.WordStop, "START": channels.WordStart, "HELP": channels.WordHelp} {
		form := h.p.TextForm(testCitizen, testLine, "plus rien svp")
		form.Set("OptOutType", kind)
		if in := h.text(form); in.Word != want || in.Silent == "" || in.Text != "plus rien svp" {
			t.Errorf("%s: %+v", kind, in)
		}
	}
	form := h.p.TextForm(testCitizen, testLine, "Bonjour")
	form.Set("OptOutType", "NEW")
	if in := h.text(form); in.Word != "" || in.Silent != "" {
		t.Errorf("a kind nobody knew: %+v", in)
	}
}

// What is not taken is answered, counted and kept nowhere.
func TestTextsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(url.Values)
		status int
		reason string
	}{
		"no identifier":          {func(f url.Values) { f.Del("MessageSid") }, http.StatusBadRequest, "twilio unreadable"},
		"an identifier of words": {func(f url.Values) { f.Set("MessageSid", "SM'; DROP") }, http.StatusBadRequest, "twilio unreadable"},
		"an endless identifier":  {func(f url.Values) { f.Set("MessageSid", strings.Repeat("a", 65)) }, http.StatusBadRequest, "twilio unreadable"},
		"another account":        {func(f url.Values) { f.Set("AccountSid", "AC9") }, http.StatusForbidden, "twilio account"},
		"10 MB":                  {func(f url.Values) { f.Set("Body", strings.Repeat("a", 10<<20)) }, http.StatusRequestEntityTooLarge, "twilio too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			h := openTexts(t)
			for _, path := range []string{twiliotest.SMSPath, statusPath} {
				form := h.p.TextForm(testCitizen, testLine, "Bonjour")
				form.Set("MessageStatus", "delivered")
				c.change(form)
				h.post(c.status, path, form)
			}
			if n := len(h.take()) + len(h.tracked()); n != 0 || !slices.Equal(h.refusals.reasons, []string{c.reason, c.reason}) {
				t.Errorf("%d filed, refused %v", n, h.refusals.reasons)
			}
		})
	}
}

// A request that is not signed is refused before it is read, however long it is.
func TestForgedTexts(t *testing.T) {
	h := openTexts(t)
	form := h.p.TextForm(testCitizen, testLine, "Bonjour")
	form.Set("MessageStatus", "delivered")
	for _, path := range []string{twiliotest.SMSPath, statusPath} {
		for name, signature := range map[string]string{"none": "", "another token": twiliotest.Sign("guessed", h.url+path, form), "another form": "AAAA"} {
			for _, body := range []string{form.Encode(), form.Encode() + "&Body=" + strings.Repeat("a", 10<<20)} {
				if signature != "" && len(body) > maxForm {
					continue // too long, which was said above
				}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, h.url+path, strings.NewReader(body))
				r.RequestURI = ""
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if signature != "" {
					r.Header.Set("X-Twilio-Signature", signature)
				}
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close() // its status says all
				if answer.StatusCode != http.StatusForbidden {
					t.Errorf("%s, signature of %s, %d bytes: answered %d", path, name, len(body), answer.StatusCode)
				}
			}
		}
	}
	if n := len(h.take()) + len(h.tracked()); n != 0 || len(h.refusals.reasons) != 8 {
		t.Errorf("%d filed, refused %v", n, h.refusals.reasons)
	}
}

// What could not be kept is answered so that the provider sends it again.
func TestTextsThatCanNotBeKept(t *testing.T) {
	h := openTexts(t)
	form := h.p.TextForm(testCitizen, testLine, "Bonjour")
	status := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"sent"}}
	h.fail(true)
	h.post(http.StatusServiceUnavailable, twiliotest.SMSPath, form)
	h.post(http.StatusServiceUnavailable, statusPath, status)
	h.fail(false)
	h.text(form)
	h.post(http.StatusOK, statusPath, status)
	if len(h.tracked()) != 1 || len(h.refusals.reasons) != 0 {
		t.Errorf("refused %v", h.refusals.reasons)
	}
}

// A status says as much as it is known to mean; one that is not known is answered and says nothing.
func TestStatusesOfAMessage(t *testing.T) {
	h := openTexts(t)
	p := channels.Progress{Channel: channels.SMS, MessageID: "01HX+1", ExternalID: "SM1", At: voiceNow()}
	with := func(state channels.ProgressState, code, reason string) channels.Progress {
		q := p
		q.State, q.Code, q.Reason = state, code, reason
		return q
	}
	for _, c := range []struct {
		status, code string
		want         channels.Progress
	}{
		{"accepted", "", channels.Progress{}}, {"queued", "", channels.Progress{}}, {"sending", "", channels.Progress{}},
		{"scheduled", "", channels.Progress{}}, {"canceled", "", channels.Progress{}}, {"receiving", "", channels.Progress{}},
		{"", "", channels.Progress{}}, {"teleported", "", channels.Progress{}},
		{"sent", "", with(channels.ProgressSent, "", "")},
		{"Delivered", "", with(channels.ProgressDelivered, "", "")},
		{"read", "", with(channels.ProgressDelivered, "", "")},
		{"delivered", "30003", with(channels.ProgressDelivered, "", "")},
		{"undelivered", "30003", with(channels.ProgressFailed, "30003", explain("30003"))},
		{"failed", "30006", with(channels.ProgressFailed, "30006", explain("30006"))},
		{"failed", "99999", with(channels.ProgressFailed, "99999", "")},
		{"failed", "", with(channels.ProgressFailed, "", "")},
		{"failed", "<b>", with(channels.ProgressFailed, "", "")},
	} {
		form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {c.status}, "RawDlrDoneDate": {"2603021000"}}
		if c.code != "" {
			form.Set("ErrorCode", c.code)
		}
		h.post(http.StatusOK, statusPath+"?m=01HX%2B1", form)
		got := h.tracked()
		if (c.want == channels.Progress{}) && len(got) != 0 || (c.want != channels.Progress{}) && (len(got) != 1 || got[0] != c.want) {
			t.Errorf("%s %s told %+v, want %+v", c.status, c.code, got, c.want)
		}
	}
}

// FuzzSMS posts what nobody would: whatever is read is text, bounded, and no number that is none.
func FuzzSMS(f *testing.F) {
	f.Add("MessageSid=SM1&From=%2B33639980001&To=%2B33939000000&Body=STOP&NumMedia=1&MediaUrl0=https%3A%2F%2Fa.example&OptOutType=STOP")
	f.Add("MessageSid=SM1&From=%2B266696687&Body=%00%ff&Body=x&NumMedia=99")
	f.Add("From=client%3Azoe&To=0939000000&NumMedia=-9")
	o := Options{AccountSID: testAccount, Lines: []Line{{Name: "sms", Number: testLine}}}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		in := readSMS(o, "FR", form, voiceNow())
		if len(in.Text) > maxText || len(in.From.Name) > maxName || len(in.Attachments) > maxMedia {
			t.Errorf("too much: %d, %d", len(in.Text), len(in.From.Name))
		}
		if strings.ToValidUTF8(in.Text, "") != in.Text || strings.Contains(in.Text, "\x00") || strings.Contains(in.From.Name, "\x00") {
			t.Errorf("no text: %q", in.Text)
		}
		if in.From.Value != "" && (!isE164(in.From.Value) || channels.Withheld(form.Get("From"))) {
			t.Errorf("%q became %q", form.Get("From"), in.From.Value)
		}
		if in.Line != "" && in.Line != "sms" {
			t.Errorf("line %q", in.Line)
		}
	})
}
