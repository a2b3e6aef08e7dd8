package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"guichet/channels/twilio"
	"guichet/channels/twilio/twiliotest"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// textedTown is a hub with a number for text messages, and its provider.
type textedTown struct {
	*running
	sent chan url.Values // what the provider was asked to send, with the MessageSid it gave
}

func openTextedTown(t *testing.T) *textedTown {
	t.Helper()
	town := &textedTown{sent: make(chan url.Values, 100)}
	var number atomic.Int64
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		sid := fmt.Sprintf("SMout%029d", number.Add(1))
		r.PostForm.Set("MessageSid", sid)
		town.sent <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if _, err := io.WriteString(w, `{"sid": "`+sid+`", "status": "queued"}`); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(provider.Close)
	c := openPost(t, false).config(t, storetest.URL(t, store.SQLite), "embedded")
	c.Twilio.AccountSID, c.Twilio.AuthToken, c.Twilio.APIBase = twiliotest.Account, twiliotest.Token, provider.URL
	c.Twilio.Lines = []twilio.Line{{Name: "sms", Number: benchNumber, Department: "accueil"}}
	town.running = startHub(t, c)
	return town
}

// signed posts what the provider posts.
func (town *textedTown) signed(path string, form url.Values) {
	town.Helper()
	r, err := http.NewRequestWithContext(town.Context(), http.MethodPost, town.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		town.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.Token, town.base+path, form))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		town.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // nothing of it is read
	if answer.StatusCode != http.StatusOK {
		town.Fatalf("%s was answered %d", path, answer.StatusCode)
	}
}

// delivers waits for a text message with these words, and says that it is on the telephone.
func (town *textedTown) delivers(t *testing.T, words string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case out := <-town.sent:
			if !strings.Contains(out.Get("Body"), words) {
				continue
			}
			back, err := url.Parse(out.Get("StatusCallback"))
			if err != nil {
				t.Fatal(err)
			}
			town.signed(back.RequestURI(), url.Values{"MessageSid": {out.Get("MessageSid")}, "MessageStatus": {"delivered"}, "AccountSid": {twiliotest.Account}})
			return
		case <-deadline:
			t.Fatalf("no text message with %q was sent", words)
		}
	}
}

// TestTextsAndCounterInABrowser answers a text message and writes a visit down with its receipt, wide and narrow, in both languages.
func TestTextsAndCounterInABrowser(t *testing.T) {
	need(t, "chromium", func() bool { _, err := exec.LookPath("chromium"); return err == nil })
	axe := readAxe(t)
	town := openTextedTown(t)
	town.signIn(demoAccounts()[2])
	for n, c := range []struct {
		name, account string
		width, height int64
	}{
		{"wide, French", demoAccounts()[0], 1440, 860},
		{"narrow, English", demoAccounts()[3], 360, 740},
	} {
		t.Run(c.name, func(t *testing.T) {
			town.signed("/webhooks/twilio/sms", benchText(n+1))
			b := openBrowser(t, town.base, axe, c.width, c.height)
			b.signIn(c.account)
			b.answerByText(town, benchText(n+1).Get("From"))
			b.receive(benchText(n + 1).Get("From"))
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		form := benchText(3)
		town.signed("/webhooks/twilio/sms", form)
		b := openBrowser(t, town.base, "", 1440, 860)
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.must(err)
		b.signIn(demoAccounts()[0])
		b.open("/tickets?view=all&q=" + url.QueryEscape(form.Get("From")))
		b.do(chromedp.Click(chromedp.CSS(".list .items:not(.people) .item")), chromedp.WaitVisible(chromedp.CSS("#reply-number")))
		b.do(chromedp.SendKeys(chromedp.CSS("#reply-text"), strings.Repeat("Trop long. ", 120)), chromedp.Click(chromedp.CSS(".reply-form .primary")))
		b.do(chromedp.WaitVisible(chromedp.CSS(".segments.wrong")), chromedp.WaitVisible(chromedp.CSS("#alert")))
		b.do(chromedp.Clear(chromedp.CSS("#reply-text")), chromedp.SendKeys(chromedp.CSS("#reply-text"), "C’est noté."), chromedp.Click(chromedp.CSS(".reply-form .primary")))
		b.do(chromedp.WaitVisible(chromedp.CSS(".msg.out:not(.auto)")))
		town.delivers(t, "C’est noté.")
		b.do(chromedp.Click(chromedp.CSS(".to-receipt a")), chromedp.WaitVisible(chromedp.CSS("[data-print-hint]")), chromedp.WaitNotVisible(chromedp.CSS("[data-print]")))
	})
}

// answerByText takes a ticket that came as a text message, sees how long the answer is while she writes it, and that it arrived.
func (b *tab) answerByText(town *textedTown, from string) {
	b.Helper()
	b.open("/tickets?view=all&q=" + url.QueryEscape(from))
	b.until("the ticket", "document.querySelector('.list .items:not(.people) .item')")
	b.do(chromedp.Click(chromedp.CSS(".list .items:not(.people) .item")))
	const line = "document.querySelector('#segments').innerText"
	b.until("the form to text with", "document.querySelector('.by [value=sms]:checked') && document.querySelector('#reply-number').offsetWidth && document.readyState === 'complete'")
	b.is("document.querySelector('#reply-number').selectedOptions[0].innerText", "06"+strings.Join([]string{"", from[4:6], from[6:8], from[8:10], from[10:12]}, " "))
	b.is("String(document.querySelector('#reply-to').offsetWidth + document.querySelector('#reply-files').offsetWidth)", "0")
	b.do(chromedp.SendKeys(chromedp.CSS("#reply-text"), "Une équipe passe demain."))
	b.until("its length", "/^1 SMS, .*136/.test("+line+") && !"+line+".includes('ê')")
	b.do(chromedp.SendKeys(chromedp.CSS("#reply-text"), " Pas d’inquiétude, même la nuit."))
	b.until("what a curly apostrophe costs", "/^1 SMS, .*14 .*ê/.test("+line+")")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".by label:has([value=email])")))
	b.until("what a mail has", "document.querySelector('#reply-to').offsetWidth && document.querySelector('#reply-files').offsetWidth && !document.querySelector('#reply-number').offsetWidth")
	b.do(chromedp.Click(chromedp.CSS(".by label:has([value=sms])")), chromedp.Reload())
	b.until("the draft as it was, with its length", "document.querySelector('.by [value=sms]:checked') && document.querySelector('#reply-text').value && /^1 SMS, .*14 .*ê/.test("+line+")")
	b.do(chromedp.Click(chromedp.CSS(".reply-form .primary")))
	b.until("her answer and its confirmation", "document.querySelector('[data-done=replied]') && document.querySelector('.story').innerText.includes('Pas d’inquiétude')")
	town.delivers(b.T, "Une équipe")
	here, err := b.evaluate("location.pathname")
	b.must(err)
	eventually(b.T, "the hub knows that it arrived", func() bool {
		return strings.Contains(fmt.Sprint(town.want(http.StatusOK, "GET", "/api/v1"+strings.Trim(here, `"`), nil)["messages"]), "delivered")
	})
	b.do(chromedp.Reload())
	b.until("that it arrived", "document.querySelector('.msg.out:not(.auto) [data-delivery=delivered]')")
	b.look()
}

// receive looks who has a number, writes a visit of somebody else down and prints its receipt, on one sheet.
func (b *tab) receive(known string) {
	b.Helper()
	b.open("/contacts/new")
	b.until("the form", "document.activeElement.id === 'phone' && !document.querySelector('#desk').offsetWidth")
	b.do(chromedp.SendKeys(chromedp.CSS("#phone"), known+kb.Enter))
	b.until("who has the number", "document.querySelectorAll('.candidates [name=citizen]').length === 2 && !document.querySelector('[aria-invalid]') && document.readyState === 'complete'")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".choice:has([value=counter])")), chromedp.WaitVisible(chromedp.CSS("#desk")))
	b.do(chromedp.SendKeys(chromedp.CSS("#desk"), "Accueil"), chromedp.SendKeys(chromedp.CSS("#family"), "Diallo"),
		chromedp.SendKeys(chromedp.CSS("#subject"), "Un banc cassé"), chromedp.SendKeys(chromedp.CSS("#documents"), "Photo du banc\nPlan"))
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".choice:has([value=print])")), chromedp.Click(chromedp.CSS(".save .primary")))
	b.until("the receipt", "location.pathname.endsWith('/receipt') && document.querySelector('[data-print]').offsetWidth && !document.querySelector('[data-print-hint]').offsetWidth")
	b.is("[...document.querySelectorAll('.paper-page li')].map((l) => l.innerText).join()", "Photo du banc,Plan")
	b.look()
	sheets, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	b.must(err)
	if n := strings.Count(string(sheets), "/Type /Page\n"); n != 1 {
		b.Errorf("the receipt takes %d sheets", n)
	}
}
