package main

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestRecordsInABrowser opens the record of somebody who wrote, corrects it, notes whom she lives with, and filters what was said, wide
// and narrow, in French and in English, with forms alone. What axe-core finds wrong on the way fails the test.
func TestRecordsInABrowser(t *testing.T) {
	need(t, "chromium", func() bool { _, err := exec.LookPath("chromium"); return err == nil })
	axe := readAxe(t)
	site := startDemo(t)
	for _, c := range []struct {
		name, account string
		width, height int64
	}{
		{"wide, French", demoAccounts()[0], 1440, 860},
		{"narrow, English", demoAccounts()[3], 360, 740},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openBrowser(t, site, axe, c.width, c.height)
			b.signIn(c.account)
			household := b.makesAHousehold(c.name)
			b.opensARecord()
			b.correctsIt()
			b.relatesIt(household)
			b.filtersWhatWasSaid()
		})
	}
}

// makesAHousehold makes a record through the empty form and gives its name; an impossible date is refused on the way.
func (b *tab) makesAHousehold(of string) string {
	b.Helper()
	name := fmt.Sprintf("Foyer du test, %s", of)
	b.open("/citizens")
	b.look()
	b.open("/citizens/new")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".choice:has([value=family])")), chromedp.SendKeys(chromedp.CSS("#organisation"), name),
		chromedp.SendKeys(chromedp.CSS("#rna"), "W12"), chromedp.Click(chromedp.CSS(".save .primary")))
	b.until("the number, refused beside its field", "document.querySelector('#rna[aria-invalid]') && document.activeElement.id === 'rna'")
	b.look()
	b.do(chromedp.Clear(chromedp.CSS("#rna")), chromedp.Click(chromedp.CSS(".save .primary")))
	b.until("the new record", "document.querySelector('[data-done=record_made]')")
	b.look()
	return name
}

// opensARecord goes from a ticket to whoever wrote it.
func (b *tab) opensARecord() {
	b.Helper()
	b.open("/tickets?view=all&channel=email")
	b.until("a mail", "document.querySelector('.list .item')")
	b.do(chromedp.Click(chromedp.CSS(".list .item")))
	b.until("the ticket", "document.querySelector('#facts h2 a') && document.readyState === 'complete'")
	b.look()
	b.do(chromedp.Click(chromedp.CSS("#facts h2 a")))
	b.until("the record", "document.querySelector('.timeline .said') && document.readyState === 'complete'")
	b.look()
}

// correctsIt fills in the form of the record and saves it.
func (b *tab) correctsIt() {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(".record-marks a.button")))
	b.until("the form", "document.querySelector('#birth') && document.readyState === 'complete'")
	b.look()
	b.do(chromedp.SendKeys(chromedp.CSS("#civility"), "Mme"), chromedp.SendKeys(chromedp.CSS("#as0"), "18 avenue Foch"),
		chromedp.SendKeys(chromedp.CSS("#ac0"), "Valmont"), chromedp.Click(chromedp.CSS(".save .primary")))
	b.until("what was saved", "document.querySelector('[data-done=record_saved]') && document.querySelector('#facts').innerText.includes('18 avenue Foch')")
}

// relatesIt notes that she is of a household, and writes a note.
func (b *tab) relatesIt(household string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS("#relate summary")), chromedp.SendKeys(chromedp.CSS("#relate-to"), "Personne de ce nom"), chromedp.Click(chromedp.CSS("#relate button")))
	b.until("nobody, said beside the field", "document.querySelector('#relate-to[aria-invalid]')")
	b.look()
	b.do(chromedp.Clear(chromedp.CSS("#relate-to")), chromedp.SendKeys(chromedp.CSS("#relate-to"), household), chromedp.Click(chromedp.CSS("#relate button")))
	b.until("the relation", "document.querySelector('[data-done=related]') && document.querySelector('.related a')")
	b.do(chromedp.Click(chromedp.CSS("#note summary")), chromedp.SendKeys(chromedp.CSS("#record-note"), "Parler lentement."), chromedp.Click(chromedp.CSS("#note button")))
	b.until("the note", "document.querySelector('[data-done=record_noted]') && document.querySelector('.record-notes li')")
	b.look()
}

// filtersWhatWasSaid leaves out what did not come by text message, which is all.
func (b *tab) filtersWhatWasSaid() {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(".timeline-filter > summary")), chromedp.SetValue(chromedp.CSS("#f-channel"), "sms"), chromedp.Click(chromedp.CSS(".timeline-filter .primary")))
	b.until("no text message", "location.search.includes('channel=sms') && !document.querySelector('.timeline')")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".timeline-filter .bar a")))
	b.until("everything again", "document.querySelector('.timeline .said')")
}
