package twiliotest

import (
	"net/url"
	"strconv"
	"time"
)

// News is a step of a message on its way.
type News struct {
	Status string // "queued", "sent", "delivered", "undelivered", "failed", or what tomorrow brings
	Code   int    // why it failed
}

// Foretell says what is told of messages to a number, in this order and as often as it stands here; with no number, of all that have
// none of their own. None at all is told when there is no news. Unless it is foretold, a message is queued, sent and delivered.
func (p *Provider) Foretell(number string, news ...News) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news[number] = news
}

func (p *Provider) foretold(number string) []News {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, of := range []string{number, ""} {
		if news, ok := p.news[of]; ok {
			return news
		}
	}
	return []News{{Status: "queued"}, {Status: "sent"}, {Status: "delivered"}}
}

// tell posts the news of a message, each once the one before was answered.
func (p *Provider) tell(m Message) {
	if m.StatusCallback == "" {
		return
	}
	for _, n := range p.foretold(m.To) {
		if !p.pause() {
			return
		}
		_, _ = p.Post(p.ctx, m.StatusCallback, p.newsForm(m, n)) // noted in Posts; the provider does not repeat a status
	}
}

// Tell posts one news of a message, whatever was told of it before.
func (p *Provider) Tell(m Message, n News) (Answer, error) {
	return p.Post(p.ctx, m.StatusCallback, p.newsForm(m, n))
}

// newsForm is what the provider posts of a message (www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks).
func (p *Provider) newsForm(m Message, n News) url.Values {
	form := url.Values{
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {n.Status}, "SmsStatus": {n.Status}, "AccountSid": {p.o.AccountSID},
		"ApiVersion": {apiVersion}, "To": {m.To}, "From": {m.From},
	}
	if m.Service != "" {
		form.Set("MessagingServiceSid", m.Service)
	}
	if n.Code != 0 {
		form.Set("ErrorCode", strconv.Itoa(n.Code))
	}
	if n.Status == "delivered" {
		form.Set("RawDlrDoneDate", p.o.Now().UTC().Format("0601021504"))
	}
	return form
}

// pause waits as long as the pace says; false: the provider ends.
func (p *Provider) pause() bool {
	var d time.Duration
	if p.o.Pace != nil {
		d = p.o.Pace()
	}
	return wait(p.ctx, d) == nil
}
