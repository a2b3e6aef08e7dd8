package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels/twilio"
	"guichet/channels/twilio/twiliotest"
	"guichet/ticketing"
	"guichet/ticketing/store/storetest"
)

const (
	textLine = "+33939000000"
	anne     = "+33639980001"
	paul     = "+33639980002"
)

// telephone is a whole hub behind a proxy, signed in as its administrator, and the provider it texts and is called by.
type telephone struct {
	*running
	p *twiliotest.Provider
}

// eachTelephone runs a walk on both databases.
func eachTelephone(t *testing.T, walk func(p *telephone)) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p, err := twiliotest.Start(twiliotest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeIt(t, p) })
			c := openPost(t, false).config(t, storetest.URL(t, engine), "embedded")
			var inside atomic.Pointer[url.URL] // known once the hub listens; its public address is the proxy's
			front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(inside.Load()) }})
			t.Cleanup(front.Close)
			c.HTTP.PublicURL = front.URL
			c.Twilio = twilio.Options{
				AccountSID: twiliotest.Account, AuthToken: twiliotest.Token, APIBase: p.URL(),
				Lines: []twilio.Line{{Name: "standard", Number: textLine, Department: "accueil"}},
			}
			hub := startHub(t, c)
			at, err := url.Parse(hub.base)
			if err != nil {
				t.Fatal(err)
			}
			inside.Store(at)
			p.Connect(front.URL)
			hub.signIn("admin@valmont.example")
			walk(&telephone{running: hub, p: p})
		})
	}
}

// text posts a text message, which must be taken.
func (p *telephone) text(from, body string, files ...twiliotest.File) url.Values {
	p.Helper()
	form := p.p.TextForm(from, textLine, body, files...)
	p.post(twiliotest.SMSPath, form)
	return form
}

func (p *telephone) post(path string, form url.Values) {
	p.Helper()
	answer, err := p.p.Post(p.Context(), path, form)
	if err != nil || answer.Status != http.StatusOK {
		p.Fatalf("%s answered %v, %v", path, answer, err)
	}
}

// sent waits for the n-th message to leave.
func (p *telephone) sent(n int) twiliotest.Message {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	m, err := p.p.Wait(ctx, n)
	if err != nil {
		p.Fatal(err)
	}
	return m
}

// only is the one ticket of a channel.
func (p *telephone) only(channel string) (reference string) {
	p.Helper()
	tickets := items(p.want(http.StatusOK, "GET", "/api/v1/tickets?channel="+channel, nil))
	if len(tickets) != 1 {
		p.Fatalf("%d tickets by %s", len(tickets), channel)
	}
	reference, _ = tickets[0]["reference"].(string)
	return reference
}

// messages are those of a ticket.
func (p *telephone) messages(reference string) []map[string]any {
	p.Helper()
	return objects(p.want(http.StatusOK, "GET", "/api/v1/tickets/"+reference, nil)["messages"])
}

func objects(list any) []map[string]any {
	raw, _ := list.([]any)
	all := make([]map[string]any, 0, len(raw))
	for _, i := range raw {
		m, _ := i.(map[string]any)
		all = append(all, m)
	}
	return all
}

// reply answers by text message.
func (p *telephone) reply(reference, text string) {
	p.Helper()
	p.want(http.StatusAccepted, "POST", "/api/v1/tickets/"+reference+"/messages", map[string]string{"kind": "reply", "channel": "sms", "text": text})
}

// becomes waits for a message of ours to reach a state, and gives its delivery.
func (p *telephone) becomes(reference, text, wanted string) (delivery map[string]any) {
	p.Helper()
	eventually(p.T, text+" is "+wanted, func() bool {
		for _, m := range p.messages(reference) {
			if m["text"] == text && state(m) == wanted {
				delivery, _ = m["delivery"].(map[string]any)
			}
		}
		return delivery != nil
	})
	return delivery
}

// A citizen texts, is acknowledged, and gets an agent's answer, whose news come out of order and again; whatever the provider repeats
// changes nothing, and a forgery is refused.
func TestATextMessageWalksInAndOut(t *testing.T) {
	eachTelephone(t, func(p *telephone) {
		p.p.Foretell("", twiliotest.News{Status: "delivered"}, twiliotest.News{Status: "sent"}, twiliotest.News{Status: "queued"},
			twiliotest.News{Status: "delivered"}, twiliotest.News{Status: "failed", Code: 30008})
		form := p.text(anne, "gros trou avenue Foch devant le 18")
		ack := p.sent(1)
		reference := p.only("sms")
		if ack.To != anne || ack.From != textLine || !strings.Contains(ack.Body, reference) {
			p.Errorf("acknowledged by %+v", ack)
		}
		p.reply(reference, "Nous passons demain.")
		if m := p.sent(2); m.To != anne || m.Body != "Nous passons demain." {
			p.Errorf("sent %+v", m)
		}
		p.becomes(reference, "Nous passons demain.", "delivered")
		ctx, cancel := context.WithTimeout(p.Context(), patience)
		defer cancel()
		if err := p.p.WaitPosts(ctx, 11); err != nil { // a text, and five news of each of two messages
			p.Fatal(err)
		}
		before := p.messages(reference)
		for _, post := range p.p.Posts() {
			if post.Answer.Status != http.StatusOK {
				p.Errorf("%s answered %v", post.URL, post.Answer)
			}
			p.post(post.URL, post.Form)
		}
		if after := p.messages(reference); fmt.Sprint(after) != fmt.Sprint(before) || len(after) != 3 || state(after[2]) != "delivered" {
			p.Errorf("a replay changed\n%v\nto\n%v", before, after)
		}
		if p.only("sms") != reference || p.p.Asked() != 2 {
			p.Errorf("the provider was asked %d times", p.p.Asked())
		}
		r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.base+twiliotest.SMSPath, strings.NewReader(form.Encode()))
		if err != nil {
			p.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", twiliotest.Sign("guessed", p.base+twiliotest.SMSPath, form))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			p.Fatal(err)
		}
		_ = answer.Body.Close() // its status says all
		if answer.StatusCode != http.StatusForbidden {
			p.Errorf("a forgery was answered %d", answer.StatusCode)
		}
	})
}

// After STOP nothing goes out by itself, and an answer the provider refuses says why in a word the pages have a sentence for.
func TestStopEndsWhatGoesOutByItself(t *testing.T) {
	eachTelephone(t, func(p *telephone) {
		p.text(paul, "STOP")
		p.text(paul, "lampadaire en panne rue Pasteur") // heard, and not acknowledged
		p.text(anne, "poubelle pas ramassée ce matin")
		if m := p.sent(1); m.To != anne {
			p.Errorf("whoever said STOP was sent %+v", m)
		}
		var reference string
		for _, ticket := range items(p.want(http.StatusOK, "GET", "/api/v1/tickets?channel=sms", nil)) {
			if subject, _ := ticket["subject"].(string); strings.Contains(subject, "lampadaire") {
				reference, _ = ticket["reference"].(string)
			}
		}
		p.p.Fail(paul, twiliotest.Rejected(21610))
		p.reply(reference, "C'est réparé.")
		refused := p.becomes(reference, "C'est réparé.", "failed")
		if refused["reason"] != "said_stop" || !strings.Contains(fmt.Sprint(refused["error"]), "21610") {
			p.Errorf("refused with %v", refused)
		}
		p.p.Mend(paul)
		p.text(paul, "START")
		p.text(paul, "CONTACT")
		if m := p.sent(2); m.To != paul || !strings.Contains(m.Body, "27999 Valmont") {
			p.Errorf("after START he was sent %+v", m)
		}
		if n := p.p.Asked(); n != 3 {
			p.Errorf("the provider was asked %d times", n)
		}
	})
}

// A provider that is too busy for the first of two answers gets them in their order all the same.
func TestTwoAnswersKeepTheirOrder(t *testing.T) {
	eachTelephone(t, func(p *telephone) {
		p.text(anne, "poubelle pas ramassée ce matin")
		p.sent(1)
		reference := p.only("sms")
		busy := twiliotest.Throttled(time.Second)
		busy.Times = 1
		p.p.Fail(anne, busy)
		p.reply(reference, "Quelle rue ?")
		eventually(p.T, "the first is refused", func() bool { return p.p.Asked() == 2 })
		p.reply(reference, "Et quel numéro ?")
		if first, second := p.sent(2), p.sent(3); first.Body != "Quelle rue ?" || second.Body != "Et quel numéro ?" {
			p.Errorf("sent %q, then %q", first.Body, second.Body)
		}
		p.becomes(reference, "Quelle rue ?", "delivered")
		p.becomes(reference, "Et quel numéro ?", "delivered")
		if p.p.Asked() != 4 {
			p.Errorf("the provider was asked %d times", p.p.Asked())
		}
	})
}

// fetched waits until all files of a ticket are here, or given up.
func (p *telephone) fetched(reference string) {
	p.Helper()
	eventually(p.T, "its files are fetched", func() bool { return !strings.Contains(fmt.Sprint(p.messages(reference)), "pending:true") })
}

// A picture is an attachment; one that can't be had leaves a warning on a message that is filed.
func TestAPictureWalksIn(t *testing.T) {
	eachTelephone(t, func(p *telephone) {
		p.text(anne, "dépôt sauvage derrière le gymnase", twiliotest.File{Type: "image/jpeg", Data: []byte("\xff\xd8\xff a picture")},
			twiliotest.File{Redirect: p.base + "/metrics"})
		reference := p.only("sms")
		p.fetched(reference)
		m := p.messages(reference)[0]
		files := objects(m["attachments"])
		if len(files) != 1 || files[0]["type"] != "image/jpeg" || files[0]["size"] != float64(len("\xff\xd8\xff a picture")) {
			p.Fatalf("%v", m)
		}
		if warnings := fmt.Sprint(m["warnings"]); !strings.Contains(warnings, "not a public one") {
			p.Errorf("warnings %s", warnings)
		}
	})
}

// A caller chooses a department, nobody takes her call, and she leaves words: a ticket to call back by a deadline, with the sound and
// what was understood of it. A replay of all of it changes nothing.
func TestAVoicemailIsATicketToCallBack(t *testing.T) {
	eachTelephone(t, func(p *telephone) {
		day := "00:00-24:00"
		always := ticketing.TownFile{Hours: &ticketing.HoursEntry{
			Monday: day, Tuesday: day, Wednesday: day, Thursday: day, Friday: day, Saturday: day, Sunday: day,
		}}
		if _, err := p.hub.town.Import(p.Context(), always, false); err != nil {
			p.Fatal(err)
		}
		heard, err := p.p.Call(p.Context(), twiliotest.Call{
			From: anne, To: textLine, Digits: []string{"2"}, Sound: []byte("MP3"), Words: "Bonjour, il y a un trou rue Pasteur.",
		})
		if err != nil {
			p.Fatal(err)
		}
		if !slices.Equal(heard.Dialed, []string{"+33261910020"}) || heard.Ended != "completed" || !strings.Contains(strings.Join(heard.Said, " "), "Voirie") {
			p.Errorf("heard %+v", heard)
		}
		reference := p.only("phone")
		ticket := p.want(http.StatusOK, "GET", "/api/v1/tickets/"+reference, nil)
		calls := objects(ticket["calls"])
		if ticket["department"] != "voirie" || ticket["due_at"] == nil || len(calls) != 1 || calls[0]["ending"] != "voicemail" || calls[0]["number"] != anne {
			p.Errorf("ticket %v", ticket)
		}
		p.fetched(reference)
		before := p.messages(reference)
		all := fmt.Sprint(before)
		if !strings.Contains(all, "il y a un trou rue Pasteur") || !strings.Contains(all, "audio/mpeg") {
			p.Errorf("messages %s", all)
		}
		for _, post := range p.p.Posts() {
			p.post(post.URL, post.Form)
		}
		if after := fmt.Sprint(p.messages(reference)); after != all || p.only("phone") != reference {
			p.Errorf("a replay changed\n%s\nto\n%s", all, after)
		}
	})
}
