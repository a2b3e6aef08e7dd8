package twiliotest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels/twilio/twiliotest"
)

const patience = 30 * time.Second

func start(t *testing.T, o twiliotest.Options) *twiliotest.Provider {
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

// ask sends a form, or none, to the API and gives the status and the code of an error.
func ask(t *testing.T, p *twiliotest.Provider, token, path string, form url.Values) (status, code int) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.URL()+"/2010-04-01/Accounts/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(twiliotest.Account, token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it is read
	var said struct{ Code, Status int }
	if err := json.NewDecoder(answer.Body).Decode(&said); err == nil && said.Code != 0 && said.Status != answer.StatusCode {
		t.Errorf("the body says %d, the answer is %d", said.Status, answer.StatusCode)
	}
	return answer.StatusCode, said.Code
}

func TestWhatIsWrongWithAMessage(t *testing.T) {
	p := start(t, twiliotest.Options{})
	good := url.Values{"To": {"+33639980001"}, "From": {"+33939000000"}, "Body": {"Bonjour"}}
	cases := []struct {
		name, set string
		value     []string // none: the parameter is left out
		code      int
	}{
		{"a number without its country", "To", []string{"0639980001"}, 21211},
		{"letters", "To", []string{"+33639980O01"}, 21211},
		{"nobody", "To", nil, 21211},
		{"no sender", "From", nil, 21603},
		{"two senders", "MessagingServiceSid", []string{"MG00000000000000000000000000000000"}, 21603},
		{"a name that is too long", "From", []string{"Mairie de Valmont"}, 21212},
		{"a name", "From", []string{"Valmont"}, 0},
		{"nothing to say", "Body", []string{" "}, 21602},
		{"1600 characters", "Body", []string{strings.Repeat("é", 1600)}, 0},
		{"1601 characters", "Body", []string{strings.Repeat("é", 1601)}, 21617},
		{"an address that is none", "StatusCallback", []string{"/webhooks"}, 21609},
		{"a picture that is none", "MediaUrl", []string{"https://a.example/b.png", "b.png"}, 21620},
		{"a misspelt parameter", "Text", []string{"Bonjour"}, 20001},
		{"a parameter twice", "Body", []string{"a", "b"}, 20001},
	}
	taken := 0
	for _, c := range cases {
		form := url.Values{}
		for name, value := range good {
			form[name] = value
		}
		delete(form, c.set)
		if c.value != nil {
			form[c.set] = c.value
		}
		want := http.StatusBadRequest
		if c.code == 0 {
			want = http.StatusCreated
			taken++
		}
		if status, code := ask(t, p, twiliotest.Token, twiliotest.Account+"/Messages.json", form); status != want || code != c.code {
			t.Errorf("%s: %d %d, want %d %d", c.name, status, code, want, c.code)
		}
	}
	if len(p.Sent()) != taken || p.Asked() != len(cases) {
		t.Errorf("%d sent, %d asked", len(p.Sent()), p.Asked())
	}
}

func TestWhoIsLetIn(t *testing.T) {
	p := start(t, twiliotest.Options{})
	form := url.Values{"To": {"+33639980001"}, "From": {"Valmont"}, "Body": {"Bonjour"}}
	for path, body := range map[string]url.Values{
		".json": nil, "/Messages.json": form, "/Recordings/RE1.mp3": nil, "/Messages/MM1/Media/ME1": nil,
	} {
		if status, code := ask(t, p, "guessed", twiliotest.Account+path, body); status != http.StatusUnauthorized || code != 20003 {
			t.Errorf("%s with another token: %d %d", path, status, code)
		}
		if status, code := ask(t, p, twiliotest.Token, "AC9"+path, body); status != http.StatusNotFound || code != 20404 {
			t.Errorf("%s of another account: %d %d", path, status, code)
		}
	}
	if status, _ := ask(t, p, twiliotest.Token, twiliotest.Account+".json", nil); status != http.StatusOK {
		t.Errorf("the account: %d", status)
	}
	if len(p.Sent()) != 0 {
		t.Error("a message of nobody was taken")
	}
}

// The example of the provider's own documentation, and a parameter that is repeated.
func TestSign(t *testing.T) {
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	if got := twiliotest.Sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form); got != "RSOYDt4T1cUTdK1PDd93/VVr8B8=" {
		t.Errorf("signature %q", got)
	}
	twice, once := url.Values{"A": {"2", "1", "2"}}, url.Values{"A": {"1A2"}}
	if twiliotest.Sign("t", "https://a.example/", twice) != twiliotest.Sign("t", "https://a.example/", once) {
		t.Error("values are not sorted, or repeated ones stay")
	}
}

// The news of a message come as they were foretold, and Close ends what still waits.
func TestNewsAreToldInTheirOrder(t *testing.T) {
	var told []string
	hub := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Twilio-Signature") != "" {
			told = append(told, r.FormValue("MessageStatus")+r.FormValue("ErrorCode")) // one after the other
		}
	}))
	defer hub.Close()
	p := start(t, twiliotest.Options{})
	p.Foretell("+33639980002", twiliotest.News{Status: "failed", Code: 30003}, twiliotest.News{Status: "sent"}, twiliotest.News{Status: "sent"})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n, to := range []string{"+33639980001", "+33639980002"} {
		form := url.Values{"To": {to}, "From": {"Valmont"}, "Body": {"Bonjour"}, "StatusCallback": {hub.URL + "/status?m=1"}}
		if status, code := ask(t, p, twiliotest.Token, twiliotest.Account+"/Messages.json", form); status != http.StatusCreated {
			t.Fatal(status, code)
		}
		if m, err := p.Wait(ctx, n+1); err != nil || m.To != to {
			t.Fatal(m, err)
		}
		if err := p.WaitPosts(ctx, 3*(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"queued", "sent", "delivered", "failed30003", "sent", "sent"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestWaitingEnds(t *testing.T) {
	p := start(t, twiliotest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx, 1); err == nil {
		t.Error("a message that never came")
	}
}

// A provider that is closed ends the requests it leaves hanging.
func TestCloseEndsWhatHangs(t *testing.T) {
	p := start(t, twiliotest.Options{})
	p.Fail("", twiliotest.Fault{Hang: true})
	ended := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/2010-04-01/Accounts/AC1.json", nil)
		if err == nil {
			var answer *http.Response
			if answer, err = http.DefaultClient.Do(r); err == nil {
				err = answer.Body.Close()
			}
		}
		ended <- err
	}()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("a request hangs still")
	}
}
