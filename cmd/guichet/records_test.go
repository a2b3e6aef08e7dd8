package main

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestRecordsInABrowser opens the record of somebody who wrote, corrects it, notes whom she lives with, filters what was said, and merges
// two records and undoes that, wide and narrow, in French and in English, with forms alone. What axe-core finds wrong on the way fails the test.
func TestRecordsInABrowser(t *testing.T) {
	need(t, "chromium", func() bool { _, err := exec.LookPath("chromium"); return err == nil })
	axe := readAxe(t)
	site := startDemo(t)
	for _, c := range []struct {
		name, account, twins string
		width, height        int64
	}{
		{"wide, French", demoAccounts()[0], "Jumeau-Large", 1440, 860},
		{"narrow, English", demoAccounts()[3], "Pareil-Etroit", 360, 740},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openBrowser(t, site, axe, c.width, c.height)
			b.signIn(c.account)
			household := b.makesAHousehold(c.name)
			b.opensARecord()
			b.correctsIt()
			b.relatesIt(household)
			b.filtersWhatWasSaid()
			b.mergesAndUndoes(c.twins)
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

// mergesAndUndoes makes two records of one person, of which the second is proposed for the first; they become one, and two again.
func (b *tab) mergesAndUndoes(family string) {
	b.Helper()
	for civility, phone := range map[string]string{"Mme": "06 39 98 12 34", "Madame": "06 39 98 56 78"} {
		b.open("/citizens/new")
		b.do(chromedp.SendKeys(chromedp.CSS("#family"), family), chromedp.SendKeys(chromedp.CSS("#given"), "Zoé"), chromedp.SendKeys(chromedp.CSS("#cv0"), phone),
			chromedp.SetValue(chromedp.CSS("#birth"), "1980-01-02"), chromedp.SendKeys(chromedp.CSS("#civility"), civility), chromedp.Click(chromedp.CSS(".save .primary")))
		b.until("the record", "document.querySelector('[data-done=record_made]') && document.readyState === 'complete'")
	}
	b.until("who may be the same person", "document.querySelector('.alike .why')")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".alike .button")))
	b.until("both records", "document.querySelector('.pair [type=radio]:checked') && document.readyState === 'complete'")
	b.look()
	b.do(chromedp.SendKeys(chromedp.CSS("#reason"), "Elle l’a dit au téléphone."), chromedp.Click(chromedp.CSS(".join .primary")))
	b.until("one record", "document.querySelector('[data-done=records_joined]') && document.querySelectorAll('#facts [href^=\"tel:\"]').length === 2")
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".record-undo")))
	b.until("what was merged", "document.querySelector('.card-list details') && document.readyState === 'complete'")
	b.do(chromedp.Click(chromedp.CSS(".card-list summary")), chromedp.SendKeys(chromedp.CSS(".card-list textarea"), "Deux cousines."))
	b.look()
	b.do(chromedp.Click(chromedp.CSS(".card-list button")))
	b.until("two records", "document.querySelector('[data-done=join_undone]') && !document.querySelector('.card-list details')")
	b.look()
}
