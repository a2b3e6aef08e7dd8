package twiliotest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"guichet/channels"
)

// SMSPath is where a text message is posted to, below the hub's address.
const SMSPath = "/webhooks/twilio/sms"

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 1 << 20

// Answer is what the hub answered a post.
type Answer struct {
	Status int
	Body   string
}

// Post is a request that was posted to the hub, and what came of it.
type Post struct {
	URL    string
	Form   url.Values
	Answer Answer
	Err    error // why there is no answer
}

// Posts are the requests that were posted to the hub and answered, the newest 1000.
func (p *Provider) Posts() []Post {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.posts)
}

// Post signs a form and posts it to an address: a path is below the hub's. The account is named if the form names none.
func (p *Provider) Post(ctx context.Context, address string, form url.Values) (Answer, error) {
	if !form.Has("AccountSid") {
		form = maps.Clone(form)
		form.Set("AccountSid", p.o.AccountSID)
	}
	if strings.HasPrefix(address, "/") {
		p.mu.Lock()
		address = p.hub + address
		p.mu.Unlock()
	}
	answer, err := p.post(ctx, address, form)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posted++
	p.posts = newest(append(p.posts, Post{URL: address, Form: form, Answer: answer, Err: err}), maxKept)
	p.note()
	return answer, err
}

func (p *Provider) post(ctx context.Context, address string, form url.Values) (_ Answer, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("User-Agent", "TwilioProxy/1.1")
	r.Header.Set("X-Twilio-Signature", Sign(p.o.AuthToken, address, form))
	response, err := p.client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return Answer{Status: response.StatusCode, Body: string(body)}, err
}

// Sign is the signature of a form posted to an address: the address and the sorted parameters, each with its sorted values, under
// the account's token (www.twilio.com/docs/usage/security#validating-requests).
func Sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	signed := address
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			signed += name + value
		}
	}
	mac.Write([]byte(signed))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Text posts a text message, with files, from a citizen to a number of the town.
func (p *Provider) Text(ctx context.Context, from, to, body string, files ...File) (Answer, error) {
	return p.Post(ctx, SMSPath, p.TextForm(from, to, body, files...))
}

// TextForm is what the provider posts of one text message (www.twilio.com/docs/messaging/guides/webhook-request): a new one each
// time it is asked for.
func (p *Provider) TextForm(from, to, body string, files ...File) url.Values {
	kind := "SM"
	if len(files) > 0 {
		kind = "MM"
	}
	sid := NewSID(kind)
	form := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {p.o.AccountSID}, "ApiVersion": {apiVersion},
		"From": {from}, "To": {to}, "Body": {body}, "SmsStatus": {"received"}, "NumMedia": {strconv.Itoa(len(files))},
		"NumSegments": {strconv.Itoa(max(1, channels.CountSegments(body).Count))},
	}
	for end, number := range map[string]string{"From": from, "To": to} {
		form.Set(end+"Country", countryOf(number))
		for _, part := range []string{"City", "State", "Zip"} { // known in North America only
			form.Set(end+part, "")
		}
	}
	for i, f := range files {
		form.Set("MediaUrl"+strconv.Itoa(i), p.Keep(sid, f))
		form.Set("MediaContentType"+strconv.Itoa(i), f.Type)
	}
	return form
}

// countryOf is the country of a number, of the few that turn up here.
func countryOf(number string) string {
	for prefix, country := range map[string]string{"+33": "FR", "+32": "BE", "+41": "CH", "+44": "GB", "+49": "DE"} {
		if strings.HasPrefix(number, prefix) {
			return country
		}
	}
	return ""
}

// String says what was answered, for a test that fails.
func (a Answer) String() string { return fmt.Sprintf("%d %s", a.Status, a.Body) }

// WaitPosts returns once n requests were posted to the hub and answered.
func (p *Provider) WaitPosts(ctx context.Context, n int) error {
	if err := p.wait(ctx, func() bool { return p.posted >= n }); err != nil {
		return fmt.Errorf("twiliotest: post %d: %w", n, err)
	}
	return nil
}
