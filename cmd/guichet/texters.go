package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"guichet/channels/twilio"
	"guichet/channels/twilio/twiliotest"
	"guichet/config"
	"guichet/ticketing/demo"
)

// The numbers of the demo town at its simulated provider.
const (
	demoTextLine = "+33261910001"
	demoCallLine = "+33261910002"
)

// How long the demo's citizens take on their telephones.
const (
	firstText   = 4 * time.Second // after the hub is ready
	textPause   = 6 * time.Second // between two texts, and up to
	longestText = 15 * time.Second
	firstHosted = 20 * time.Second
	hostedPause = 45 * time.Second // between two calls, and up to twice as long
	hostedRings = 4 * time.Second  // of each number nobody takes
	textAnswer  = 3 * time.Second  // until a citizen answers, and up to twice as long
	newsPause   = 500 * time.Millisecond
)

// texters text and call the demo town through a simulated provider, and answer what agents text.
type texters struct {
	p        *twiliotest.Provider
	log      *slog.Logger
	texts    []demo.Text
	calls    []demo.HostedCall
	photo    []byte
	received chan twiliotest.Message // what Guichet sent them

	mu    sync.Mutex
	waits map[string][]string // number → what its owner has still to say
}

// newTexters starts the provider. It must be closed.
func newTexters(log *slog.Logger) (_ *texters, err error) {
	t := &texters{log: log, received: make(chan twiliotest.Message, 100), waits: map[string][]string{}}
	if t.texts, t.calls, err = demo.Phones(); err != nil {
		return nil, err
	}
	if t.photo, err = demo.Photo(); err != nil {
		return nil, err
	}
	t.p, err = twiliotest.Start(twiliotest.Options{
		Lasting:   true,
		Pace:      func() time.Duration { return newsPause + rand.N(newsPause) },
		OnMessage: t.read,
	})
	if err != nil {
		return nil, fmt.Errorf("start the demo's provider of text messages: %w", err)
	}
	t.p.Foretell("", twiliotest.News{Status: "sent"}, twiliotest.News{Status: "delivered"})
	for _, text := range t.texts {
		if text.Unreachable {
			t.p.Foretell(text.From, twiliotest.News{Status: "sent"}, twiliotest.News{Status: "undelivered", Code: 30003})
		}
	}
	return t, nil
}

// Close ends the provider.
func (t *texters) Close() error { return t.p.Close() }

// options is the town's account at the provider.
func (t *texters) options() twilio.Options {
	o := config.Default().Twilio
	o.AccountSID, o.AuthToken, o.APIBase = twiliotest.Account, twiliotest.Token, t.p.URL()
	o.Lines = []twilio.Line{
		{Name: "sms", Number: demoTextLine, Department: "accueil", Uses: []string{"sms"}},
		{Name: "serveur-vocal", Number: demoCallLine, Department: "accueil", Uses: []string{"voice"}},
	}
	return o
}

// read takes a message that Guichet sent. A citizen whose telephone is full misses it.
func (t *texters) read(m twiliotest.Message) {
	select {
	case t.received <- m:
	default:
	}
}

// live texts, calls and answers until ctx ends.
func (t *texters) live(ctx context.Context, hub string) error {
	t.p.Connect(hub)
	var living sync.WaitGroup
	defer living.Wait()
	living.Go(func() { t.text(ctx) })
	living.Go(func() { t.call(ctx) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-t.received:
			if words := t.answerTo(m); words != "" {
				living.Go(func() {
					if elapse(ctx, textAnswer+rand.N(textAnswer)) {
						t.post(ctx, m.To, words)
					}
				})
			}
		}
	}
}

// text writes one message after the other, and begins again after the last.
func (t *texters) text(ctx context.Context) {
	for n, wait := 0, firstText; elapse(ctx, wait); n++ {
		text := t.texts[n%len(t.texts)]
		t.mu.Lock()
		t.waits[text.From] = append(t.waits[text.From][:0:0], text.Answers...)
		t.mu.Unlock()
		var files []twiliotest.File
		if text.Photo {
			files = append(files, twiliotest.File{Type: "image/jpeg", Data: t.photo})
		}
		t.post(ctx, text.From, text.Text, files...)
		wait = textPause + rand.N(longestText-textPause)
	}
}

// call rings now and then. Nobody takes a call: the agents of the demo have no telephone here.
func (t *texters) call(ctx context.Context) {
	for n, wait := 0, firstHosted; elapse(ctx, wait); n++ {
		c := t.calls[n%len(t.calls)]
		call := twiliotest.Call{From: c.From, To: demoCallLine, Digits: c.Digits, Ringing: hostedRings, Words: c.Words}
		if c.Words != "" {
			call.Sound = demo.Silence(7)
		}
		if _, err := t.p.Call(ctx, call); err != nil && ctx.Err() == nil {
			t.log.Warn("a call of the demo was not followed to its end", "error", err)
		}
		wait = hostedPause + rand.N(hostedPause)
	}
}

// answerTo is what a citizen has to say to a message of an agent. Those that go out by themselves begin with the town's name.
func (t *texters) answerTo(m twiliotest.Message) string {
	if strings.HasPrefix(m.Body, demoTown) {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	words := t.waits[m.To]
	if len(words) == 0 {
		return ""
	}
	t.waits[m.To] = words[1:]
	return words[0]
}

// post posts a text message. One that the hub can't take is lost, which the demo can bear.
func (t *texters) post(ctx context.Context, from, body string, files ...twiliotest.File) {
	answer, err := t.p.Text(ctx, from, demoTextLine, body, files...)
	if err == nil && answer.Status != http.StatusOK {
		err = errors.New(answer.String())
	}
	if err != nil && ctx.Err() == nil {
		t.log.Warn("a text message of the demo was not taken", "error", err)
	}
}

// elapse lets time pass; false: ctx has ended.
func elapse(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
