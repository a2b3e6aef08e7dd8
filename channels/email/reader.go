package email

import (
	"errors"
	"time"

	"guichet/channels"
)

// Reader reads mails again that were put aside. It is the channels.Rereader of e-mail.
type Reader struct{ mailboxes map[string]Mailbox }

var _ channels.Rereader = (*Reader)(nil)

// NewReader makes a Reader of mails of these mailboxes.
func NewReader(mailboxes []Mailbox) *Reader {
	r := &Reader{mailboxes: map[string]Mailbox{}}
	for _, m := range mailboxes {
		r.mailboxes[m.Name] = m
	}
	return r
}

// Read implements channels.Rereader. A mailbox that is no longer configured has no settings, and its mail can still be read.
func (r *Reader) Read(raw []byte, line string, at time.Time) (channels.Inbound, error) {
	m, ok := r.mailboxes[line]
	if !ok {
		m.Name = line
	}
	in, err := Parse(raw, at, m, nil)
	if errors.Is(err, ErrTooComplex) && in.Quarantine == "" {
		in.Quarantine = channels.TooComplex
	}
	if errors.Is(err, ErrTooComplex) {
		err = nil
	}
	return in, err
}
