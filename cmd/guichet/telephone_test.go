package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/channels/twilio"
	"guichet/channels/twilio/twiliotest"
	"guichet/ticketing/store/storetest"
)

// TestATextMessageWalksInAndOut posts a signed text message to a whole hub, and finds its acknowledgement at the provider's API with an
// address to tell of it, signed posts to which make it delivered. A repetition and a forgery change nothing.
func TestATextMessageWalksInAndOut(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			sent := make(chan url.Values, 10)
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				account, token, ok := r.BasicAuth()
				if err := r.ParseForm(); err != nil || !ok || account != twiliotest.Account || token != twiliotest.Token {
					http.Error(w, `{"code": 20003}`, http.StatusUnauthorized)
					return
				}
				sent <- r.PostForm
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusCreated)
				if _, err := io.WriteString(w, `{"sid": "SMout1", "status": "queued"}`); err != nil {
					t.Error(err)
				}
			}))
			t.Cleanup(provider.Close)
			c := openPost(t, false).config(t, storetest.URL(t, engine), "embedded")
			c.Twilio.AccountSID, c.Twilio.AuthToken, c.Twilio.APIBase = twiliotest.Account, twiliotest.Token, provider.URL
			c.Twilio.Lines = []twilio.Line{{Name: "sms", Number: benchNumber, Department: "accueil"}}
			hub := startHub(t, c)
			base := hub.base

			post := func(path string, form url.Values, signature string) (int, string) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Twilio-Signature", signature)
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = answer.Body.Close() }() // it is read
				body, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				return answer.StatusCode, string(body)
			}
			signed := func(path string, form url.Values) (int, string) {
				t.Helper()
				return post(path, form, twiliotest.Sign(twiliotest.Token, base+path, form))
			}
			for range 2 {
				if status, body := signed("/webhooks/twilio/sms", benchText(1)); status != http.StatusOK || body != "<Response/>" {
					t.Fatalf("the webhook answered %d %s", status, body)
				}
			}
			if status, _ := post("/webhooks/twilio/sms", benchText(2), "bm90IGl0"); status != http.StatusForbidden {
				t.Errorf("a forgery was answered %d", status)
			}
			var out url.Values
			select {
			case out = <-sent:
			case <-time.After(patience):
				t.Fatal("nothing was sent")
			}
			if out.Get("To") != "+33610000001" || out.Get("From") != benchNumber || !strings.Contains(out.Get("Body"), "-00001") {
				t.Errorf("sent %v", out)
			}
			back, err := url.Parse(out.Get("StatusCallback"))
			if err != nil {
				t.Fatal(err)
			}
			for _, state := range []string{"delivered", "sent"} { // out of order
				form := url.Values{"MessageSid": {"SMout1"}, "MessageStatus": {state}, "AccountSid": {twiliotest.Account}}
				if status, body := signed(back.RequestURI(), form); status != http.StatusOK {
					t.Fatalf("the status was answered %d %s", status, body)
				}
			}
			hub.signIn("admin@valmont.example")
			tickets := items(hub.want(http.StatusOK, "GET", "/api/v1/tickets?channel=sms", nil))
			if len(tickets) != 1 {
				t.Fatalf("%d tickets", len(tickets))
			}
			reference, _ := tickets[0]["reference"].(string)
			eventually(t, "the acknowledgement is delivered", func() bool {
				messages, _ := hub.want(http.StatusOK, "GET", "/api/v1/tickets/"+reference, nil)["messages"].([]any)
				return len(messages) == 2 && messages[1].(map[string]any)["delivery"].(map[string]any)["state"] == "delivered"
			})
			hub.want(http.StatusOK, "GET", "/api/v1/calls", nil)
		})
	}
}
