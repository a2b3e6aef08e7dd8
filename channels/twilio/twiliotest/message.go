package twiliotest

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guichet/channels"
)

// maxBody is how many characters a message may have.
const maxBody = 1600

// Message is one that was accepted.
type Message struct {
	SID            string
	From           string // empty: a messaging service chooses
	Service        string // of messaging
	To             string
	Body           string
	Media          []string
	StatusCallback string
	At             time.Time
}

// Sent are the messages that were accepted, in order, the newest 1000.
func (p *Provider) Sent() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// Wait returns the n-th message that was accepted, from 1, once there is one.
func (p *Provider) Wait(ctx context.Context, n int) (Message, error) {
	var m Message
	err := p.wait(ctx, func() bool {
		at := n - 1 - p.first
		if at < 0 || at >= len(p.sent) {
			return false
		}
		m = p.sent[at]
		return true
	})
	if err != nil {
		return m, fmt.Errorf("twiliotest: message %d: %w", n, err)
	}
	return m, nil
}

// Asked is how many requests came in to send a message, those that failed included.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// WaitAsked returns once n such requests came in.
func (p *Provider) WaitAsked(ctx context.Context, n int) error {
	if err := p.wait(ctx, func() bool { return p.asked >= n }); err != nil {
		return fmt.Errorf("twiliotest: request %d: %w", n, err)
	}
	return nil
}

// signedIn answers a request that does not come from the account.
func (p *Provider) signedIn(w http.ResponseWriter, r *http.Request) bool {
	account, token, ok := r.BasicAuth()
	named := strings.TrimSuffix(r.PathValue("account"), ".json")
	known := subtle.ConstantTimeCompare([]byte(account), []byte(p.o.AccountSID))
	good := subtle.ConstantTimeCompare([]byte(token), []byte(p.o.AuthToken))
	switch {
	case !ok || known&good != 1:
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
		answerError(w, http.StatusUnauthorized, 20003)
	case named != p.o.AccountSID:
		answerError(w, http.StatusNotFound, 20404)
	default:
		return true
	}
	return false
}

// account answers who the account is.
func (p *Provider) account(w http.ResponseWriter, r *http.Request) {
	if f, bad := p.fault(""); bad {
		p.fails(w, r, f)
		return
	}
	if !p.signedIn(w, r) {
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"sid": p.o.AccountSID, "friendly_name": "Valmont", "status": p.o.Status, "type": "Full",
		"date_created": p.o.Now().UTC().Format(time.RFC1123Z), "uri": "/" + apiVersion + "/Accounts/" + p.o.AccountSID + ".json",
	})
}

// create takes a message (www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource).
func (p *Provider) create(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	p.mu.Lock()
	p.asked++
	p.note()
	p.mu.Unlock()
	if err != nil {
		answerError(w, http.StatusBadRequest, 20001)
		return
	}
	f, bad := p.fault(r.PostForm.Get("To"))
	if bad && !f.CutAfter {
		p.fails(w, r, f)
		return
	}
	if !p.signedIn(w, r) {
		return
	}
	if code := mistake(r.PostForm); code != 0 {
		answerError(w, http.StatusBadRequest, code)
		return
	}
	m := p.take(r.PostForm)
	if bad {
		p.fails(w, r, f)
	} else {
		answerJSON(w, http.StatusCreated, p.resource(m))
	}
	p.spawn(func() { p.tell(m) })
}

// take keeps a message.
func (p *Provider) take(form url.Values) Message {
	m := Message{
		SID: NewSID("SM"), From: form.Get("From"), Service: form.Get("MessagingServiceSid"), To: form.Get("To"), Body: form.Get("Body"),
		Media: form["MediaUrl"], StatusCallback: form.Get("StatusCallback"), At: p.o.Now(),
	}
	p.mu.Lock()
	before := len(p.sent) + 1
	p.sent = newest(append(p.sent, m), maxKept)
	p.first += before - len(p.sent)
	p.note()
	p.mu.Unlock()
	if p.o.OnMessage != nil {
		p.o.OnMessage(m)
	}
	return m
}

// resource is what the API says of a message it has just taken.
func (p *Provider) resource(m Message) map[string]any {
	segments := fmt.Sprint(channels.CountSegments(m.Body).Count)
	status, service, from := "queued", any(nil), any(m.From)
	if m.Service != "" {
		status, service, from, segments = "accepted", m.Service, nil, "0"
	}
	return map[string]any{
		"sid": m.SID, "account_sid": p.o.AccountSID, "api_version": apiVersion, "body": m.Body, "to": m.To, "from": from,
		"messaging_service_sid": service, "status": status, "direction": "outbound-api", "num_segments": segments,
		"num_media": fmt.Sprint(len(m.Media)), "date_created": m.At.UTC().Format(time.RFC1123Z), "date_sent": nil, "error_code": nil,
		"error_message": nil, "price": nil, "price_unit": "EUR", "uri": "/" + apiVersion + "/Accounts/" + p.o.AccountSID + "/Messages/" + m.SID + ".json",
	}
}

// mistake is the code for the first thing wrong with the parameters; 0: nothing. The real API passes over parameters it does not
// know; here they are refused, so that a test notices a misspelt one.
func mistake(form url.Values) int {
	for name, values := range form {
		known := slices.Contains([]string{"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback"}, name)
		if !known || len(values) != 1 && name != "MediaUrl" {
			return 20001
		}
	}
	from, service, body := form.Get("From"), form.Get("MessagingServiceSid"), form.Get("Body")
	switch {
	case !isE164(form.Get("To")):
		return 21211
	case from == "" && service == "", from != "" && service != "":
		return 21603
	case from != "" && !isE164(from) && !isName(from):
		return 21212
	case service != "" && (len(service) != 34 || !strings.HasPrefix(service, "MG")):
		return 21701
	case strings.TrimSpace(body) == "" && len(form["MediaUrl"]) == 0:
		return 21602
	case utf8.RuneCountInString(body) > maxBody:
		return 21617
	case form.Has("StatusCallback") && !isURL(form.Get("StatusCallback")):
		return 21609
	case slices.ContainsFunc(form["MediaUrl"], func(s string) bool { return !isURL(s) }):
		return 21620
	}
	return 0
}

func isE164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	other := strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	return plus && !other && len(digits) >= 6 && len(digits) <= 15 && digits[0] != '0'
}

// isName tells an alphanumeric sender: up to 11 letters, digits and spaces, not digits alone.
func isName(s string) bool {
	other := func(r rune) bool {
		return r != ' ' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}
	return len(s) <= 11 && strings.ContainsFunc(s, unicode.IsLetter) && !strings.ContainsFunc(s, other)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
