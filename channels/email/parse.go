package email

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// ErrTooComplex is wrapped by every error of Parse: the mail is beyond the limits set before the parser (header bytes and lines,
// parts, depth), which no honest mail reaches. It is filed for a person to look at.
var ErrTooComplex = errors.New("mail too complex to read")

// How many identifiers of References are kept, the newest ones, and how many envelope recipients.
const (
	maxReferences  = 50
	maxDeliveredTo = 50
)

// maxAddresses is how many people one mail may name in To and Cc together. A mail to a whole town names hundreds; beyond this it is an
// attack or a mistake that somebody should see.
const maxAddresses = 2000

// Parse reads one mail (RFC 5322, RFC 2045 to 2049) as it came from mailbox m. at is when it reached the server, place where it
// lies, nil when it came another way.
//
// It reads whatever can be read: what cannot is empty and said in Warnings. The error is ErrTooComplex or nil, and even then the
// Inbound has its Key, Raw, Place, At and what of its header could be read, and Quarantine says that a person must see it.
func Parse(raw []byte, at time.Time, m Mailbox, place *channels.Place) (channels.Inbound, error) {
	h, body := readHead(bytes.TrimLeft(raw, "\r\n"))
	in := channels.Inbound{
		Channel: channels.Email,
		Line:    m.Name,
		Key:     h.key(body),
		Raw:     raw,
		Place:   place,
		At:      at,
	}
	w := &walk{}
	var err error
	if h.tooLarge {
		err = fmt.Errorf("%w: header larger than %d bytes or %d lines", ErrTooComplex, maxHeaderBytes, maxHeaderLines)
	} else {
		err = w.read(&in, h, body)
	}
	if h.repaired {
		w.warn("the header held a broken line")
	}
	readFields(&in, h, w.charset, m)
	if n := len(in.To) + len(in.Cc); n > maxAddresses && err == nil {
		err = fmt.Errorf("%w: it names %d people", ErrTooComplex, n)
		in.To, in.Cc = in.To[:min(len(in.To), maxAddresses)], nil
	}
	in.Folded = fold(in.Subject, in.Text)
	in.Spam = spamVerdict(h)
	if in.Report = w.status; in.Report == nil && !w.report {
		in.Report = readTextReport(h, in.From.Value, in.Text)
	}
	if in.Report != nil && w.returned == "" {
		w.returned = in.Report.ID // quoted in its text
	}
	if in.Report != nil {
		in.Report.ID = w.returned
	}
	if w.returned != "" {
		// A bounce is tied to the message that bounced by the identifier inside it; it is the newest thing it refers to.
		in.References = append(slices.DeleteFunc(in.References, func(id string) bool { return id == w.returned }), w.returned)
	}
	in.Attachments = w.files
	in.Automatic, in.Silent = automatic(h, in, w.report, m)
	in.Warnings = w.warnings
	if err != nil {
		in.Warnings = append(in.Warnings, err.Error())
		in.Quarantine = channels.TooComplex
	}
	return in, err
}

// read walks the body into Text and HTML.
func (w *walk) read(in *channels.Inbound, h head, body []byte) (err error) {
	defer func() {
		// The decoders are other people's. One that panics on one mail must not stop the post of a whole town.
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: a decoder gave up: %v", ErrTooComplex, r)
		}
	}()
	c, err := w.part(h, body, 0, "")
	if c.empty() {
		c = w.packed
	}
	in.Text, in.HTML = c.asText(), c.html
	if len(w.located) > 0 {
		in.HTML = strings.NewReplacer(w.located...).Replace(in.HTML)
	}
	if len(c.html) > maxHTMLToText && strings.TrimSpace(c.text) == "" {
		w.warn("only the first %d bytes of the HTML were made into text", maxHTMLToText)
	}
	return err
}

// readFields reads the header fields a person or thread.go needs. charset helps with raw 8-bit values.
func readFields(in *channels.Inbound, h head, charset string, m Mailbox) {
	if ids := messageIDs(h.all("Message-Id")); len(ids) > 0 {
		in.ID = ids[0]
	}
	in.InReplyTo = messageIDs(h.all("In-Reply-To"))
	in.References = messageIDs(h.all("References"))
	if extra := len(in.References) - maxReferences; extra > 0 {
		in.References = in.References[extra:]
	}

	in.Subject = oneLine(decodeWords(repair(h.raw("Subject"), charset)))
	in.From = sender(h, charset)
	in.ReplyTo = reachable(parseAddresses(repair(h.raw("Reply-To"), charset)))
	in.To = recipients(h, "To")
	in.Cc = recipients(h, "Cc")
	for _, a := range recipients(h, "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To") {
		if len(in.DeliveredTo) < maxDeliveredTo && !slices.Contains(in.DeliveredTo, a.Value) {
			in.DeliveredTo = append(in.DeliveredTo, a.Value)
		}
	}
	in.FormSender = in.From.Value != "" && slices.ContainsFunc(m.FormSenders, func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), in.From.Value)
	})
}

// sender returns the author: the first entry of From that has an address, else its name alone, else Sender.
func sender(h head, charset string) channels.Address {
	from := parseAddresses(repair(h.raw("From"), charset))
	if good := reachable(from); len(good) > 0 {
		return good[0]
	}
	if good := reachable(parseAddresses(repair(h.raw("Sender"), charset))); len(good) > 0 {
		return good[0]
	}
	if len(from) > 0 {
		return from[0]
	}
	return channels.Address{}
}

func recipients(h head, names ...string) []channels.Address {
	var list []channels.Address
	for _, value := range h.all(names...) {
		list = append(list, reachable(parseAddresses(value))...)
	}
	return list
}
