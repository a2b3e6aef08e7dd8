package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"guichet/channels"
)

const (
	defaultAPI  = "https://api.twilio.com"
	sendTimeout = 15 * time.Second // for one attempt, connection included
	maxAnswer   = 1 << 20          // bytes of an answer of the API that are read
	statusPath  = "/webhooks/twilio/sms/status"
)

// Sender sends text messages through the account. It is safe for concurrent use.
type Sender struct {
	o      Options
	public string
	base   *url.URL
	client *http.Client
}

var _ channels.Sender = (*Sender)(nil)

// NewSender returns a Sender that asks for news of its messages below publicURL; without one it asks for none. Nil stands for a client
// of its own. It connects to nothing yet.
func NewSender(o Options, publicURL string, c *http.Client) *Sender {
	if c == nil {
		c = &http.Client{}
	}
	return &Sender{o: o, public: strings.TrimRight(publicURL, "/"), base: o.base(), client: c}
}

// Send hands m over. The create call has no key that would make a second attempt harmless, so the verdict is
//   - Accepted when the provider gave the message an identifier;
//   - Deferred when it certainly did not take it and may later: no connection, 429, 5xx, an account, sender or address that somebody
//     has to set right;
//   - Refused when it said never to this message;
//   - Uncertain when the request may have left and no whole answer came. A connection kept from an earlier message that is reset counts
//     among these: whether the other end read anything can't be told.
func (s *Sender) Send(ctx context.Context, m channels.Outbound) channels.Verdict {
	if len(m.To) != 1 || m.To[0].Value == "" {
		return channels.Verdict{Outcome: channels.Refused, Reason: "a text message goes to exactly one number"}
	}
	if len(m.Attachments) > 0 {
		return channels.Verdict{Outcome: channels.Refused, Reason: "a text message carries no files"}
	}
	p := (&openapi.CreateMessageParams{}).SetPathAccountSid(s.o.AccountSID).SetTo(m.To[0].Value).SetBody(m.Text)
	switch number := s.o.numberOf(m.Line); {
	case number != "":
		p.SetFrom(number)
	case s.o.MessagingServiceSID != "":
		p.SetMessagingServiceSid(s.o.MessagingServiceSID)
	case s.o.Sender != "":
		p.SetFrom(s.o.Sender)
	default:
		return channels.Verdict{Outcome: channels.Deferred, Reason: "no sender: set twilio.sender or twilio.messaging_service_sid"}
	}
	if s.public != "" {
		p.SetStatusCallback(s.public + statusPath + "?m=" + url.QueryEscape(m.ID))
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	a := s.attempt(ctx)
	message, err := s.api(a).CreateMessage(p)
	if err != nil {
		return a.verdict(err)
	}
	if message.Sid == nil || *message.Sid == "" {
		return a.verdict(errors.New("the answer names no message"))
	}
	return channels.Verdict{Outcome: channels.Accepted, ExternalID: *message.Sid}
}

// Check asks for the account and changes nothing. The error says what is wrong and what to do.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	a := s.attempt(ctx)
	account, err := s.api(a).FetchAccount(s.o.AccountSID)
	if err != nil {
		if code := int(a.status.Load()); code == http.StatusUnauthorized || code == http.StatusNotFound {
			return fmt.Errorf("the provider does not let the account in (%d); check twilio.account_sid and twilio.auth_token", code)
		}
		return fmt.Errorf("the provider at %s does not answer as it should: %w; check twilio.api_base and the way out to it", s.base.Host, err)
	}
	if account.Status != nil && *account.Status != "active" {
		return fmt.Errorf("the account is %s; see to it at the provider", *account.Status)
	}
	return nil
}

// attempt carries one request: twilio-go has neither a base address nor a context, so both come in by the transport.
type attempt struct {
	ctx    context.Context // twilio-go makes the request and has no place for one
	base   *url.URL
	under  http.RoundTripper
	began  atomic.Bool  // a connection was there, so something may have been written
	status atomic.Int32 // of the answer; 0: there was none
}

func (s *Sender) attempt(ctx context.Context) *attempt {
	under := s.client.Transport
	if under == nil {
		under = http.DefaultTransport
	}
	return &attempt{ctx: ctx, base: s.base, under: under}
}

func (s *Sender) api(a *attempt) *openapi.ApiService {
	c := &client.Client{
		Credentials: client.NewCredentials(s.o.AccountSID, s.o.AuthToken),
		HTTPClient: &http.Client{
			Transport:     a,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.SetAccountSid(s.o.AccountSID)
	return openapi.NewApiServiceWithClient(c)
}

// RoundTrip sends the request to the configured address and notes how far it got.
func (a *attempt) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.began.Store(true) }}
	r = r.Clone(httptrace.WithClientTrace(a.ctx, trace))
	r.URL.Scheme, r.URL.Host, r.Host = a.base.Scheme, a.base.Host, ""
	r.URL.Path = strings.TrimRight(a.base.Path, "/") + r.URL.Path
	response, err := a.under.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.status.Store(int32(response.StatusCode))
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}

// verdict is what a failed attempt means for the message.
func (a *attempt) verdict(err error) channels.Verdict {
	status := int(a.status.Load())
	v := channels.Verdict{Outcome: channels.Refused, Reason: "the provider answered " + strconv.Itoa(status)}
	if e, ok := errors.AsType[*client.TwilioRestError](err); ok && e.Code != 0 {
		v.Code = strconv.Itoa(e.Code)
		v.Reason = explain(v.Code)
		if v.Reason == "" {
			v.Reason, _ = clean(e.Message, 300)
		}
	}
	switch {
	case !a.began.Load():
		v.Outcome = channels.Deferred
		if v.Code == "" {
			v.Reason = "the provider could not be reached"
		}
	case status == 0 || status/100 == 2:
		v.Outcome, v.Reason = channels.Uncertain, "the line fell before the provider's answer was read"
	case mendable(status, v.Code):
		v.Outcome = channels.Deferred
	}
	return v
}

// mendable tells an answer that says nothing against the message: the provider is in trouble, or the account, the sender or the
// address of the API is not what it should be. Somebody sees to that, and the message must not be lost meanwhile.
func mendable(status int, code string) bool {
	switch code {
	case "20003", "20404", "20429", "21212", "21603", "21606", "21659", "21701":
		return true
	case "": // what answered may not even be the provider
		if status == http.StatusForbidden || status == http.StatusNotFound {
			return true
		}
	}
	return status >= 500 || status/100 == 3 || status == http.StatusTooManyRequests || status == http.StatusUnauthorized
}
