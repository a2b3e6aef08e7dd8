package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestConsoleInABrowser drives the demo with Chromium as its agents do: wide and narrow, in French and in English, and without
// scripts. What axe-core finds wrong on the way fails the test.
func TestConsoleInABrowser(t *testing.T) {
	need(t, "chromium", func() bool { _, err := exec.LookPath("chromium"); return err == nil })
	axe := readAxe(t)
	site := startDemo(t)
	for _, c := range []struct {
		name, account, language string
		width, height           int64
	}{
		{"wide, French", demoAccounts()[0], "fr", 1440, 860},
		{"narrow, English", demoAccounts()[3], "en", 360, 740},
		{"wide, English", demoAccounts()[3], "en", 1440, 860},
		{"narrow, French", demoAccounts()[1], "fr", 360, 740},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openBrowser(t, site, axe, c.width, c.height)
			b.signIn(c.account)
			b.is(`document.documentElement.lang`, c.language)
			b.answerOne()
			if c.width > 1000 && c.language == "fr" && os.Getenv("GUICHET_PICTURES") == "1" {
				b.picture(filepath.Join("..", "..", ".github", "pictures", "console.png"))
			}
		})
	}
	t.Run("in between, French", func(t *testing.T) {
		b := openBrowser(t, site, axe, 1280, 800)
		b.signIn(demoAccounts()[0])
		b.staysPut()
		b.forgetsCallers()
	})
	for _, width := range []int64{360, 1280} {
		t.Run(fmt.Sprintf("mailboxes at %d", width), func(t *testing.T) {
			b := openBrowser(t, site, axe, width, 800)
			b.signIn(demoAccounts()[2])
			b.open("/admin/channels")
			b.until("the mailbox", "document.querySelector('main table tbody tr')?.innerText.includes('mairie')")
			b.look()
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		b := openBrowser(t, site, "", 1440, 860)
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.must(err)
		b.signIn(demoAccounts()[0])
		b.withoutScripts()
	})
}

// readAxe reads axe-core; without it the pages are walked all the same.
func readAxe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("GUICHET_TEST_AXE")
	if path == "" {
		if strings.Contains(os.Getenv("GUICHET_TEST_REQUIRE"), "axe") {
			t.Fatal("GUICHET_TEST_REQUIRE asks for axe, and GUICHET_TEST_AXE names no file")
		}
		t.Log("GUICHET_TEST_AXE names no axe-core: accessibility is not checked")
		return ""
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// startDemo runs the demo on a port of its own and gives its address.
func startDemo(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	folder := t.TempDir()
	out, in := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--data", folder}, nil, strings.NewReader(""), in, os.Stderr)
		_ = in.Close() // a pipe's own Close never fails
	}()
	t.Cleanup(func() {
		stop()
		if code := <-done; code != exitDone {
			t.Errorf("the demo ended with %d", code)
		}
	})
	site := ""
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "ready: "); ok {
			site = strings.TrimSpace(address)
		}
		if strings.Contains(lines.Text(), "Stop with") {
			break
		}
	}
	if site == "" {
		t.Fatalf("the demo did not say where it is: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return site
}

// tab is one browser with one page.
type tab struct {
	*testing.T
	ctx   context.Context
	site  string
	axe   string
	width int64
}

func openBrowser(t *testing.T, site, axe string, width, height int64) *tab {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir())}
	for _, name := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage",
	} {
		flags = append(flags, chromedp.Flag(name, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, site: site, axe: axe, width: width}
	b.must(chromedp.Do(ctx, chromedp.EmulateViewport(width, height))) // the first call starts the browser: no deadline of its own
	return b
}

func (b *tab) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(chromedp.Do(ctx, steps...))
}

func (b *tab) evaluate(expression string) (string, error) {
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[json.RawMessage]("JSON.stringify("+expression+")??null"))
	if err != nil {
		return "", err
	}
	var text string
	return text, json.Unmarshal(v, &text)
}

func (b *tab) is(expression, want string) {
	b.Helper()
	got, err := b.evaluate(expression)
	b.must(err)
	if got != `"`+want+`"` {
		b.Errorf("%s is %s, want %q", expression, got, want)
	}
}

// until waits for an expression to be true, through whatever pages come and go meanwhile.
func (b *tab) until(what, expression string) {
	b.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := b.evaluate("!!(" + expression + ")")
		if err == nil && got == "true" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			where, _ := b.evaluate("location.href+' '+document.querySelector('main')?.innerText.slice(0, 1500)")
			b.Fatalf("%s did not happen (%v): %s", what, err, where)
		}
	}
}

// look checks the page as it stands: nothing wider than the screen, nothing axe-core objects to, and no script but ours.
func (b *tab) look() {
	b.Helper()
	wide, err := b.evaluate("document.documentElement.scrollWidth > innerWidth")
	b.must(err)
	where, err := b.evaluate("location.pathname")
	b.must(err)
	if wide == "true" {
		b.Errorf("%s is wider than %d px", where, b.width)
	}
	if b.axe == "" {
		return
	}
	_, err = chromedp.Run(b.ctx, chromedp.Evaluate[json.RawMessage](b.axe+";1"))
	b.must(err)
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).then((r) =>
		r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join(", ")))`, chromedp.EvalAwaitPromise))
	b.must(err)
	for _, violation := range found {
		b.Errorf("%s at %d px: %s", where, b.width, violation)
	}
}

// press presses a key as a keyboard does when the page wants no character of it.
func (b *tab) press(key string) {
	b.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key})
		b.must(err)
	}
}

func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

func (b *tab) signIn(account string) {
	b.Helper()
	b.open("/login")
	if b.axe != "" {
		b.look()
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#email"), account), chromedp.SendKeys(chromedp.CSS("#password"), demoPassword+kb.Enter))
	b.do(chromedp.WaitReady(chromedp.CSS("nav.views")))
}

// answerOne sees mail come in, takes a ticket, answers it, sees the answer leave and the citizen's come in, all without reloading.
func (b *tab) answerOne() {
	b.until("the first mails", "document.querySelectorAll('.list .item').length > 0")
	b.look()
	waiting, err := b.evaluate("document.querySelector('.list').innerText")
	b.must(err)
	b.until("the list filling by itself", "(window.stayed ??= 1) && document.querySelector('.list').innerText !== "+waiting)
	for _, path := range []string{"/contacts/new", "/tickets?view=all", "/tickets?view=queue"} {
		b.open(path)
		b.look()
	}
	if b.width < 1000 {
		b.open("/tickets?view=all&q=e")
		b.until("what was found, on screen", "document.querySelector('.list .item').getBoundingClientRect().bottom < innerHeight")
		b.open("/tickets?view=queue")
	}
	b.takeLetter(func() {
		if b.width > 1000 {
			b.press("t")
			return
		}
		b.until("something to take", "document.querySelector('.take-next')")
		b.do(chromedp.Click(chromedp.CSS(".take-next")))
	}, "/tickets?view=queue")
	b.until("its title, on screen", "((top) => top >= 0 && top < innerHeight / 2)(document.querySelector('main h1').getBoundingClientRect().top)")
	b.look()
	if b.width > 1000 {
		b.press("r")
		b.until("the reply to have the focus", "document.activeElement.id === 'reply-text'")
	}
	const words = "Bonjour, merci de votre message : une équipe s’en occupe demain matin."
	b.do(chromedp.SendKeys(chromedp.CSS("#reply-text"), words), chromedp.Click(chromedp.CSS(".reply-form .primary")))
	quoted, err := json.Marshal(words)
	b.must(err)
	b.until("her answer and its confirmation", "document.querySelector('[data-done=replied]') && "+noticeOnScreen+
		" && document.querySelector('#reply-text')?.value === '' && document.readyState === 'complete' && document.querySelector('.story').innerText.includes("+string(quoted)+")")
	b.until("the answer leaving, without a reload", "(window.stayed ??= 1) && document.querySelector('.msg.out:not(.auto) [data-delivery=sent]')")
	b.until("the citizen's answer, without a reload", "window.stayed && document.querySelectorAll('article[data-direction=in]').length > 1")
	b.look()
}

// takeLetter takes one ticket after the other, each from the page at from, until one came by mail: what was said by telephone or in a
// text is answered otherwise, and not by everybody.
func (b *tab) takeLetter(take func(), from string) {
	b.Helper()
	for range 20 {
		take()
		b.until("the ticket she took", "location.pathname.startsWith('/tickets/2') && document.querySelector('#reply-text') && document.readyState === 'complete'")
		mail, err := b.evaluate("Boolean(document.querySelector('select#reply-to'))")
		b.must(err)
		if mail == "true" {
			return
		}
		b.open(from)
	}
	b.Fatal("nobody wrote a mail")
}

// noticeOnScreen is true when what the page confirms can be seen without scrolling.
const noticeOnScreen = `((n) => { const r = n.getBoundingClientRect();
	return document.elementFromPoint(r.left + 40, r.top + r.height / 2)?.closest('.notice') === n })(document.querySelector('.notice'))`

// staysPut follows a link within a ticket, at a width where its panes scroll together: the window itself must not move.
func (b *tab) staysPut() {
	b.Helper()
	b.open("/tickets?view=queue")
	b.until("something to take", "document.querySelector('.take-next')")
	b.do(chromedp.Click(chromedp.CSS(".take-next")))
	b.until("the ticket and its confirmation", "document.querySelector('[data-done=taken]') && document.readyState === 'complete' && "+noticeOnScreen)
	b.until("the form to answer with, on screen", "document.querySelector('#reply-text').getBoundingClientRect().bottom < innerHeight")
	b.do(chromedp.Click(chromedp.CSS(".to-facts")))
	b.until("the facts on screen", "document.querySelector('#facts h2').getBoundingClientRect().top < innerHeight - 40")
	b.is("(scrollTo(0, 300), String(document.scrollingElement.scrollTop))", "0")
	b.look()
}

// forgetsCallers writes down a contact: only a reload of the page finds it again, the next caller's form is empty.
func (b *tab) forgetsCallers() {
	b.Helper()
	const typed = "document.querySelector('#phone').value + document.querySelector('#family').value"
	write := func() {
		b.open("/contacts/new")
		b.until("the first field to have the focus", "document.activeElement.id === 'phone'") // browsers give it once they have drawn the page
		b.is(typed, "")
		b.do(chromedp.SendKeys(chromedp.CSS("#phone"), "0639"), chromedp.SendKeys(chromedp.CSS("#family"), "Durand"))
	}
	write()
	b.do(chromedp.Reload())
	b.until("what was typed, after a reload", typed+" === '0639Durand'")
	b.do(chromedp.Click(chromedp.CSS(".save a")))
	b.until("leaving", "location.pathname === '/'")
	write()
	b.do(chromedp.SendKeys(chromedp.CSS("#subject"), "Un banc"), chromedp.Click(chromedp.CSS(".save .primary")))
	b.until("half a number, refused", "document.querySelector('#phone[aria-invalid]') && document.activeElement.id === 'phone'")
	b.look()
	write()
}

// withoutScripts does the same with forms alone; a page changes when it is asked for again.
func (b *tab) withoutScripts() {
	b.takeLetter(func() {
		b.do(chromedp.Click(chromedp.CSS(".welcome .primary")), chromedp.WaitVisible(chromedp.CSS("#reply-text")))
	}, "/")
	b.do(chromedp.Click(chromedp.CSS("label[for=tab-note]")), chromedp.WaitVisible(chromedp.CSS("#note-text")))
	b.do(chromedp.SendKeys(chromedp.CSS("#note-text"), "Vu avec l’équipe."), chromedp.Click(chromedp.CSS(".note-form .primary")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".msg.note")))
	b.do(chromedp.SendKeys(chromedp.CSS("#reply-text"), "Bonjour, c’est noté."), chromedp.Click(chromedp.CSS(".reply-form .primary")))
	b.do(chromedp.WaitVisible(chromedp.CSS(".msg.out:not(.auto)")))
	b.do(chromedp.Click(chromedp.CSS("#close summary")), chromedp.WaitVisible(chromedp.CSS("#close-outcome")))
	b.do(chromedp.Click(chromedp.CSS("#close .primary")), chromedp.WaitVisible(chromedp.CSS("#reopen summary")))
	b.do(chromedp.Click(chromedp.CSS(".me summary")), chromedp.Click(chromedp.CSS(".me button")), chromedp.WaitVisible(chromedp.CSS("#password")))
}

// picture takes the README's: a ticket among others that wait.
func (b *tab) picture(path string) {
	b.Helper()
	here, err := b.evaluate("location.pathname")
	b.must(err)
	b.open(strings.Trim(here, `"`) + "?view=all")
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must(err)
	b.must(os.MkdirAll(filepath.Dir(path), 0o755))
	b.must(os.WriteFile(path, png, 0o644))
}
