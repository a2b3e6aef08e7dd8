package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"guichet/channels/email/mailtest"
	"guichet/ticketing/demo"
)

type benchMailserver struct {
	Mails int
	Paced int
	Small bool
}

// Run is the mail server of the benchmark: it fills a mailbox, says on which port it listens, and delivers the paced mails when it
// is told to on standard input. It ends with its standard input.
func (b benchMailserver) Run(w world) error {
	letters, err := demo.Letters()
	if err != nil {
		return err
	}
	server, err := mailtest.Start(mailtest.Options{Users: map[string]string{demoAddress: demoMailPass}})
	if err != nil {
		return err
	}
	mails := &corpus{letters: letters, random: rand.New(rand.NewPCG(1, 2))}
	for i := range b.Mails {
		raw := fmt.Appendf(nil, "Message-ID: <%d@example.org>\r\nSubject: x\r\n\r\nx\r\n", i)
		if !b.Small {
			raw = mails.next("")
		}
		if err := server.Deliver(demoAddress, raw, time.Now()); err != nil {
			return err
		}
	}
	_, port := server.IMAPAddr()
	if _, err := fmt.Fprintln(w.stdout, port); err != nil {
		return err
	}
	orders := bufio.NewScanner(w.stdin)
	for orders.Scan() {
		beat := time.NewTicker(50 * time.Millisecond)
		for range b.Paced {
			at := <-beat.C
			if err := server.Deliver(demoAddress, mails.next(fmt.Sprintf("at.%d@example.org", at.UnixNano())), at); err != nil {
				return err
			}
		}
		beat.Stop()
	}
	return server.Close()
}

// corpus makes mails of the mix real mailboxes have: 6 KB of text and HTML, one in ten with a picture of 44 KB, one in five an
// answer to an earlier one, 400 writers.
type corpus struct {
	letters []demo.Letter
	random  *rand.Rand
	sent    []sentLetter
}

type sentLetter struct{ id, writer string }

func (c *corpus) next(id string) []byte {
	n := len(c.sent)
	l := c.letters[n%len(c.letters)]
	l.From.Email = fmt.Sprintf("writer%d@example.org", c.random.IntN(400))
	l.Text += strings.Repeat("\nCordialement, et merci d’avance pour votre réponse à ce sujet.", 25)
	l.HTML, l.Photo = true, ""
	if n%10 == 0 {
		l.Photo = "photo.jpg"
	}
	if id == "" {
		id = fmt.Sprintf("%d.bench@example.org", n)
	}
	e := demo.Envelope{To: demoAddress, ID: id, At: time.Unix(1_700_000_000+int64(n), 0)}
	if n%5 == 4 {
		parent := c.sent[c.random.IntN(n)]
		l.From.Email, e.InReplyTo = parent.writer, parent.id
		e.References = []string{e.InReplyTo}
	}
	c.sent = append(c.sent, sentLetter{id: id, writer: l.From.Email})
	raw, err := l.Mail(e)
	if err != nil { // the letters are ours and were written before
		return nil
	}
	return raw
}
