package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"strings"
	"time"

	"guichet/channels/email/mailtest"
	"guichet/ticketing"
	"guichet/ticketing/demo"
)

// citizens write the letters of the demo town and answer what agents reply.
type citizens struct {
	letters  []demo.Letter
	received chan []byte // what Guichet sent them
	sent     map[string]*conversation
}

// conversation is one letter on its way back and forth.
type conversation struct {
	letter  demo.Letter
	answers int
}

// pause is how long a citizen takes: to write the next letter, and to answer.
const (
	firstPause  = 500 * time.Millisecond // between the first three letters
	shortest    = 3 * time.Second        // between two letters
	longest     = 8 * time.Second
	answerAfter = 4 * time.Second
)

// longMemory is how many letters the citizens remember having sent.
const longMemory = 10_000

func newCitizens() (*citizens, error) {
	letters, err := demo.Letters()
	if err != nil {
		return nil, err
	}
	return &citizens{letters: letters, received: make(chan []byte, 100), sent: map[string]*conversation{}}, nil
}

// read takes a mail that Guichet sent. A citizen whose box is full misses it.
func (c *citizens) read(_ string, _ []string, raw []byte) {
	select {
	case c.received <- raw:
	default:
	}
}

// answer is a mail waiting to be written.
type answer struct {
	at   time.Time
	post func() error
}

// write posts letters and answers until ctx ends.
func (c *citizens) write(ctx context.Context, server *mailtest.Server) error {
	var answers []answer
	next := time.Now().Add(firstPause)
	for written := 0; ; {
		wake := next
		for _, a := range answers {
			if a.at.Before(wake) {
				wake = a.at
			}
		}
		timer := time.NewTimer(time.Until(wake))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case raw := <-c.received:
			timer.Stop()
			if post := c.replyTo(raw, server); post != nil {
				answers = append(answers, answer{at: time.Now().Add(answerAfter), post: post})
			}
			continue
		case <-timer.C:
		}
		var later []answer
		for _, a := range answers {
			if time.Now().Before(a.at) {
				later = append(later, a)
			} else if err := a.post(); err != nil {
				return err
			}
		}
		answers = later
		if time.Now().Before(next) {
			continue
		}
		if err := c.post(c.letters[written%len(c.letters)], server); err != nil {
			return err
		}
		written++
		next = time.Now().Add(firstPause)
		if written >= 3 {
			next = time.Now().Add(shortest + rand.N(longest-shortest))
		}
	}
}

// post writes a new letter to the town.
func (c *citizens) post(l demo.Letter, server *mailtest.Server) error {
	if len(c.sent) > longMemory {
		clear(c.sent)
	}
	id := messageID(l)
	c.sent[id] = &conversation{letter: l}
	return deliver(server, l, demo.Envelope{To: demoAddress, ID: id, At: time.Now()})
}

// replyTo reads what Guichet sent and prepares the citizen's answer, if an agent wrote it and she has something to say.
func (c *citizens) replyTo(raw []byte, server *mailtest.Server) func() error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil || m.Header.Get("Auto-Submitted") != "" {
		return nil
	}
	talk := c.sent[strings.Trim(m.Header.Get("In-Reply-To"), "<> ")]
	if talk == nil || talk.answers >= len(talk.letter.Answers) {
		return nil
	}
	text := talk.letter.Answers[talk.answers]
	talk.answers++
	to := m.Header.Get("Reply-To")
	if to == "" {
		to = demoAddress
	}
	theirs := strings.Trim(m.Header.Get("Message-Id"), "<> ")
	id := messageID(talk.letter)
	c.sent[id] = talk
	references := append(strings.Fields(strings.NewReplacer("<", "", ">", "").Replace(m.Header.Get("References"))), theirs)
	return func() error {
		return deliver(server, talk.letter, demo.Envelope{
			To: to, ID: id, At: time.Now(), InReplyTo: theirs, References: references, Subject: "Re: " + talk.letter.Subject,
			Text: text + quote(talk.letter),
		})
	}
}

// quote is the history a mail program adds below an answer.
func quote(l demo.Letter) string {
	head := "\n\nLe " + time.Now().Format("02/01/2006") + ", Ville de Valmont <" + demoAddress + "> a écrit :\n> "
	return head + strings.ReplaceAll(strings.TrimSpace(l.Text), "\n", "\n> ") + "\n"
}

func messageID(l demo.Letter) string {
	_, host, _ := strings.Cut(l.From.Email, "@")
	return ticketing.NewID() + "@" + host
}

func deliver(server *mailtest.Server, l demo.Letter, e demo.Envelope) error {
	raw, err := l.Mail(e)
	if err != nil {
		return fmt.Errorf("write the letter %q: %w", l.Subject, err)
	}
	return server.Deliver(demoAddress, raw, e.At)
}
