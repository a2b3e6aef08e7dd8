package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"guichet/channels"
)

// maxReferencesLength is the longest References field we write, in characters; relays refuse fields beyond 4,096.
const maxReferencesLength = 4000

// Compose writes m as a MIME message (RFC 5322, RFC 2045), lines ended by CRLF: its text, or text and HTML as alternatives, and
// its files beside them. The same Outbound gives the same bytes, so that a
// mail sent twice after a doubt is the same mail to everyone who compares. Line breaks in header values become blanks, so that no
// field can be smuggled in. The error says which part of m makes no mail.
func Compose(m channels.Outbound) ([]byte, error) {
	h, err := composeHeader(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := writeContent(&out, h.Header, m); err != nil {
		return nil, fmt.Errorf("compose %s: %w", m.ID, err)
	}
	return out.Bytes(), nil
}

// composeHeader builds every field but those of the content. Fields are written in the reverse order of their adding.
func composeHeader(m channels.Outbound) (mail.Header, error) {
	var h mail.Header
	id := cleanID(m.ID)
	switch {
	case id == "" || !strings.Contains(id, "@"):
		return h, fmt.Errorf("compose: %q is no message identifier", m.ID)
	case m.At.IsZero():
		return h, fmt.Errorf("compose %s: no date", id)
	case m.From.Value == "":
		return h, fmt.Errorf("compose %s: no sender", id)
	case len(m.To)+len(m.Cc) == 0:
		return h, fmt.Errorf("compose %s: no recipient", id)
	}

	h.Set("MIME-Version", "1.0")
	if m.Automatic {
		h.Set(markerField, markerAuto)
		h.Set("X-Auto-Response-Suppress", "All")
		h.Set("Auto-Submitted", "auto-replied")
	}
	if refs := trimReferences(m.References); refs != "" {
		h.Set("References", refs)
	}
	if parent := cleanID(m.InReplyTo); parent != "" {
		h.Set("In-Reply-To", "<"+parent+">")
	}
	h.SetSubject(oneLine(clean(m.Subject)))
	if m.ReplyTo != "" {
		h.SetAddressList("Reply-To", addressList(channels.Address{Value: m.ReplyTo}))
	}
	if len(m.Cc) > 0 {
		h.SetAddressList("Cc", addressList(m.Cc...))
	}
	if len(m.To) > 0 {
		h.SetAddressList("To", addressList(m.To...))
	}
	h.SetAddressList("From", addressList(m.From))
	h.SetDate(m.At.UTC())
	h.Set("Message-ID", "<"+id+">")
	return h, nil
}

func addressList(list ...channels.Address) []*mail.Address {
	out := make([]*mail.Address, 0, len(list))
	for _, a := range list {
		out = append(out, &mail.Address{Name: oneLine(clean(a.Name)), Address: cleanAddress(clean(a.Value))})
	}
	return out
}

// cleanID strips angle brackets, blanks and controls from an identifier.
func cleanID(id string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '<' || r == '>' || r == 0x7f {
			return -1
		}
		return r
	}, id)
}

// trimReferences writes the References field: the first identifier, by which clients find the thread, and as many of the last ones
// as fit.
func trimReferences(ids []string) string {
	var kept []string
	seen := map[string]bool{}
	for _, id := range ids {
		if id = cleanID(id); id != "" && !seen[id] {
			seen[id] = true
			kept = append(kept, "<"+id+">")
		}
	}
	if len(kept) == 0 {
		return ""
	}
	room := maxReferencesLength - len("References: ") - len(kept[0])
	from := len(kept)
	for from > 1 && room > len(kept[from-1]) {
		from--
		room -= len(kept[from]) + 1
	}
	return strings.Join(append(kept[:1:1], kept[from:]...), " ")
}

// boundary is taken from the identifier, so that it is the same each time; kind tells two of one mail apart. "=_" is in no part of
// ours, because neither quoted-printable nor base64 writes it (RFC 2045 6.7).
func boundary(kind, id string) string {
	sum := sha256.Sum256([]byte(kind + ":" + id))
	return "=_guichet-" + hex.EncodeToString(sum[:16])
}

// writeContent writes the header and what follows it. Files stand beside the words (multipart/mixed), the two forms of the words
// within one part of their own (multipart/alternative, the richest last, RFC 2046 5.1.4).
func writeContent(out *bytes.Buffer, h message.Header, m channels.Outbound) error {
	if len(m.Attachments) == 0 {
		setWords(&h, m)
		w, err := message.CreateWriter(out, h)
		if err != nil {
			return err
		}
		return writeWords(w, m)
	}
	h.SetContentType("multipart/mixed", map[string]string{"boundary": boundary("mixed", m.ID)})
	w, err := message.CreateWriter(out, h)
	if err != nil {
		return err
	}
	var words message.Header
	setWords(&words, m)
	part, err := w.CreatePart(words)
	if err != nil {
		return err
	}
	if err := writeWords(part, m); err != nil {
		return err
	}
	for _, a := range m.Attachments {
		part, err := w.CreatePart(attachmentHeader(a))
		if err != nil {
			return err
		}
		if err := writeAll(part, a.Data); err != nil {
			return err
		}
	}
	return w.Close()
}

// setWords says what the part with the words is: text, or text and HTML.
func setWords(h *message.Header, m channels.Outbound) {
	if m.HTML == "" {
		setText(h, "text/plain")
		return
	}
	h.SetContentType("multipart/alternative", map[string]string{"boundary": boundary("alternative", m.ID)})
}

func setText(h *message.Header, kind string) {
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
}

// writeWords writes the part that setWords announced, and closes it.
func writeWords(w *message.Writer, m channels.Outbound) error {
	if m.HTML == "" {
		return writeAll(w, []byte(plainLines(m.Text)))
	}
	for _, form := range []struct{ kind, words string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		var h message.Header
		setText(&h, form.kind)
		part, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		if err := writeAll(part, []byte(plainLines(form.words))); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeAll(w *message.Writer, data []byte) error {
	_, err := w.Write(data)
	return errors.Join(err, w.Close())
}

// plainLines gives text the line endings the encoder expects and ends the last line.
func plainLines(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(clean(text))
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// attachmentHeader names the file as RFC 2231 wants it and once more as an encoded word, which is what older Outlooks read.
func attachmentHeader(a channels.Attachment) message.Header {
	var h message.Header
	name := fileName(clean(a.Name))
	if name == "" {
		name = "document"
	}
	disposition := "attachment"
	if a.Inline {
		disposition = "inline"
	}
	if id := cleanID(a.ContentID); id != "" {
		h.Set("Content-ID", "<"+id+">")
	}
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	h.Set("Content-Transfer-Encoding", "base64")
	kind, _, err := mime.ParseMediaType(a.Type)
	if err != nil || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
		kind = "application/octet-stream" // RFC 2046 5.2.1 forbids base64 for message/rfc822
	}
	h.SetContentType(kind, map[string]string{"name": name})
	return h
}
