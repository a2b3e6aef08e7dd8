package twilio

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/twilio/twiliotest"
)

const (
	testLine    = "+33939000000"
	testCitizen = "+33639980001"
	testPublic  = "https://mairie.example"
	patience    = 30 * time.Second
)

func startProvider(t *testing.T, o twiliotest.Options) *twiliotest.Provider {
	t.Helper()
	p, err := twiliotest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func providerOptions(p *twiliotest.Provider) Options {
	return Options{
		AccountSID: twiliotest.Account, AuthToken: twiliotest.Token, APIBase: p.URL(),
		Lines: []Line{{Name: "sms", Number: testLine, Department: "accueil"}},
	}
}

// outbound is a message to a citizen by the line.
func outbound() channels.Outbound {
	return channels.Outbound{
		Channel: channels.SMS, Line: "sms", ID: "01HX+1", To: []channels.Address{{Value: testCitizen}}, Text: "C’est réparé. 🚲",
	}
}

func TestAMessageIsAccepted(t *testing.T) {
	const service = "MG00000000000000000000000000000000"
	cases := []struct {
		name          string
		line          string
		change        func(*Options)
		from, service string
	}{
		{name: "the line's number", line: "sms", change: func(o *Options) { o.Sender = "Valmont" }, from: testLine},
		{name: "a messaging service", line: "mairie", change: func(o *Options) { o.MessagingServiceSID, o.Sender = service, "Valmont" }, service: service},
		{name: "a name", line: "", change: func(o *Options) { o.Sender = "Valmont" }, from: "Valmont"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := startProvider(t, twiliotest.Options{})
			p.Foretell("") // the public address is nowhere
			o := providerOptions(p)
			c.change(&o)
			m := outbound()
			m.Line = c.line
			verdict := NewSender(o, testPublic+"/", nil).Send(t.Context(), m)
			sent := p.Sent()
			if len(sent) != 1 || verdict != (channels.Verdict{Outcome: channels.Accepted, ExternalID: sent[0].SID}) {
				t.Fatalf("%+v, sent %+v", verdict, sent)
			}
			s := sent[0]
			if s.From != c.from || s.Service != c.service || s.To != testCitizen || s.Body != m.Text || s.StatusCallback != testPublic+"/webhooks/twilio/sms/status?m=01HX%2B1" {
				t.Errorf("sent %+v", s)
			}
		})
	}
}

func TestNoNewsIsAskedForWithoutAPublicAddress(t *testing.T) {
	p := startProvider(t, twiliotest.Options{})
	verdict := NewSender(providerOptions(p), "", nil).Send(t.Context(), outbound())
	if sent := p.Sent(); verdict.Outcome != channels.Accepted || len(sent) != 1 || sent[0].StatusCallback != "" {
		t.Errorf("%+v, sent %+v", verdict, sent)
	}
}

// What the provider's answers mean: only what it says of this message and this number is final. Whatever the administrator can mend
// is tried again, because the agent has answered and the citizen waits.
func TestVerdicts(t *testing.T) {
	cases := []struct {
		name    string
		fault   twiliotest.Fault
		outcome channels.Outcome
		code    string
		says    string
	}{
		{"too many requests", twiliotest.Throttled(2 * time.Second), channels.Deferred, "20429", "too many requests"},
		{"too many requests, said by a proxy", twiliotest.Fault{Status: 429}, channels.Deferred, "", "429"},
		{"a fault of theirs", twiliotest.Fault{Status: 500, Code: 20500}, channels.Deferred, "20500", ""},
		{"a proxy without its server", twiliotest.Fault{Status: 502}, channels.Deferred, "", "502"},
		{"closed for works", twiliotest.Fault{Status: 503}, channels.Deferred, "", "503"},
		{"another token", twiliotest.Fault{Status: 401, Code: 20003}, channels.Deferred, "20003", "account or its token"},
		{"refused by a proxy", twiliotest.Fault{Status: 403}, channels.Deferred, "", "403"},
		{"another account", twiliotest.Fault{Status: 404, Code: 20404}, channels.Deferred, "20404", "account"},
		{"another address than the API's", twiliotest.Fault{Status: 404}, channels.Deferred, "", "404"},
		{"a sender of somebody else", twiliotest.Rejected(21606), channels.Deferred, "21606", "sender"},
		{"a sender without a number", twiliotest.Rejected(21212), channels.Deferred, "21212", "sender"},
		{"no such messaging service", twiliotest.Rejected(21701), channels.Deferred, "21701", "messaging service"},
		{"no number", twiliotest.Rejected(21211), channels.Refused, "21211", "not a number that can be texted"},
		{"said STOP", twiliotest.Rejected(21610), channels.Refused, "21610", "said STOP"},
		{"a landline", twiliotest.Rejected(21614), channels.Refused, "21614", "not a number that can be texted"},
		{"a country that is not allowed", twiliotest.Fault{Status: 403, Code: 21408}, channels.Refused, "21408", "country"},
		{"a code nobody knew", twiliotest.Rejected(29999), channels.Refused, "29999", "Error 29999"},
		{"an answer without a code", twiliotest.Fault{Status: 400}, channels.Refused, "", "400"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := startProvider(t, twiliotest.Options{})
			p.Fail(testCitizen, c.fault)
			s := NewSender(providerOptions(p), "", nil)
			verdict := s.Send(t.Context(), outbound())
			if verdict.Outcome != c.outcome || verdict.Code != c.code || !strings.Contains(verdict.Reason, c.says) || verdict.Reason == "" {
				t.Errorf("%+v", verdict)
			}
			p.Mend(testCitizen)
			if verdict := s.Send(t.Context(), outbound()); verdict.Outcome != channels.Accepted || len(p.Sent()) != 1 {
				t.Errorf("then %+v, %d sent", verdict, len(p.Sent()))
			}
		})
	}
}

// What may have been taken is never sent again by itself. The reset of a connection that was there says nothing about what was read
// at the other end.
func TestAnOutcomeNobodyKnows(t *testing.T) {
	for name, c := range map[string]struct {
		fault twiliotest.Fault
		taken int
	}{
		"cut before it was taken": {twiliotest.Fault{CutBefore: true}, 0},
		"cut after it was taken":  {twiliotest.Fault{CutAfter: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProvider(t, twiliotest.Options{})
			s := NewSender(providerOptions(p), "", nil)
			for _, reused := range []bool{false, true} {
				p.Fail(testCitizen, c.fault)
				before := len(p.Sent())
				if verdict := s.Send(t.Context(), outbound()); verdict.Outcome != channels.Uncertain || verdict.Reason == "" {
					t.Errorf("connection reused: %v: %+v", reused, verdict)
				}
				if taken := len(p.Sent()) - before; taken != c.taken {
					t.Errorf("connection reused: %v: taken %d times", reused, taken)
				}
				p.Mend(testCitizen)
				if verdict := s.Send(t.Context(), outbound()); verdict.Outcome != channels.Accepted {
					t.Errorf("then %+v", verdict)
				}
			}
		})
	}
	t.Run("no answer in time", func(t *testing.T) {
		p := startProvider(t, twiliotest.Options{})
		p.Fail(testCitizen, twiliotest.Fault{Hang: true})
		ctx, giveUp := context.WithTimeout(t.Context(), patience)
		defer giveUp()
		go func() {
			if p.WaitAsked(ctx, 1) == nil { // else it must end by itself
				giveUp()
			}
		}()
		if verdict := NewSender(providerOptions(p), "", nil).Send(ctx, outbound()); verdict.Outcome != channels.Uncertain {
			t.Errorf("%+v", verdict)
		}
	})
}

// Answers the provider never gives, but something between it and us may.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(http.ResponseWriter)
		outcome channels.Outcome
	}{
		"no message in it": {func(w http.ResponseWriter) { answerWith(w, http.StatusCreated, `{}`) }, channels.Uncertain},
		"half of it": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			answerWith(w, http.StatusCreated, `{"sid":`)
		}, channels.Uncertain},
		"a page":            {func(w http.ResponseWriter) { answerWith(w, http.StatusOK, "<html>Sign in to the network</html>") }, channels.Uncertain},
		"another address":   {func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(http.StatusFound) }, channels.Deferred},
		"a page of mistake": {func(w http.ResponseWriter) { answerWith(w, http.StatusBadGateway, "<html>") }, channels.Deferred},
		"endless": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusCreated)
			for range 2 * maxAnswer / 1024 {
				answerWith(w, 0, strings.Repeat(" ", 1024))
			}
		}, channels.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer server.Close()
			o := Options{AccountSID: testAccount, AuthToken: testToken, APIBase: server.URL, Sender: "Valmont"}
			if verdict := NewSender(o, "", nil).Send(t.Context(), outbound()); verdict.Outcome != c.outcome {
				t.Errorf("%+v", verdict)
			}
		})
	}
}

// answerWith answers; a status of 0 was written before.
func answerWith(w http.ResponseWriter, status int, body string) {
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = w.Write([]byte(body)) // the client may have read enough
}

func TestTheProviderCanNotBeReached(t *testing.T) {
	p := startProvider(t, twiliotest.Options{})
	o := providerOptions(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{"nobody listens": o.APIBase, "no address": "://"} {
		o.APIBase = base
		if verdict := NewSender(o, "", nil).Send(t.Context(), outbound()); verdict.Outcome != channels.Deferred || verdict.Reason == "" {
			t.Errorf("%s: %+v", name, verdict)
		}
		if err := NewSender(o, "", nil).Check(t.Context()); err == nil {
			t.Errorf("%s: checked", name)
		}
	}
}

// What can't be a text message is refused before the provider is asked; a line without a sender waits for its administrator.
func TestMessagesThatAreNotTried(t *testing.T) {
	p := startProvider(t, twiliotest.Options{})
	for name, c := range map[string]struct {
		change  func(*channels.Outbound)
		outcome channels.Outcome
	}{
		"to nobody":        {func(m *channels.Outbound) { m.To = nil }, channels.Refused},
		"to no number":     {func(m *channels.Outbound) { m.To[0].Value = "" }, channels.Refused},
		"to several":       {func(m *channels.Outbound) { m.To = append(m.To, m.To[0]) }, channels.Refused},
		"with a file":      {func(m *channels.Outbound) { m.Attachments = make([]channels.Attachment, 1) }, channels.Refused},
		"without a sender": {func(m *channels.Outbound) { m.Line = "mairie" }, channels.Deferred},
	} {
		m := outbound()
		c.change(&m)
		if verdict := NewSender(providerOptions(p), "", nil).Send(t.Context(), m); verdict.Outcome != c.outcome || verdict.Reason == "" {
			t.Errorf("%s: %+v", name, verdict)
		}
	}
	if p.Asked() != 0 {
		t.Errorf("asked %d times", p.Asked())
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		status, token string
		fault         twiliotest.Fault
		says          string // empty: all is well
	}{
		"well":          {},
		"another token": {token: "guessed", says: "check twilio.account_sid and twilio.auth_token"},
		"suspended":     {status: "suspended", says: "the account is suspended"},
		"their fault":   {fault: twiliotest.Fault{Status: 503}, says: "does not answer as it should"},
		"another place": {fault: twiliotest.Fault{Status: 404}, says: "check twilio.account_sid"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProvider(t, twiliotest.Options{Status: c.status})
			if c.fault.Status != 0 {
				p.Fail("", c.fault)
			}
			o := providerOptions(p)
			o.AuthToken = cmp.Or(c.token, o.AuthToken)
			err := NewSender(o, "", nil).Check(t.Context())
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), o.AuthToken) {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}
