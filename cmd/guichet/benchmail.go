package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"guichet/ticketing/demo"
)

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
