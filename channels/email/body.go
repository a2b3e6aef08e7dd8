package email

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/emersion/go-message"
	"github.com/gabriel-vasile/mimetype"
	"github.com/k3a/html2text"

	"guichet/channels"
)

// Limits of the tree of parts.
const (
	maxParts  = 500
	maxDepth  = 30
	maxInside = 3 // messages forwarded in messages that are shown; deeper ones are files only
)

// maxParamBytes bounds a field of parameters. Another parser took 19 seconds and 18 GB over 189 KB of them; long file names in
// RFC 2231 need a few hundred bytes.
const maxParamBytes = 32 << 10

// maxHTMLToText is how much of an HTML body, in bytes, is turned into text when there is no text beside it.
const maxHTMLToText = 2 << 20

// content is what a part says to a reader, in the two forms a mail can have.
type content struct{ text, html string }

func (c content) empty() bool {
	return strings.TrimSpace(c.text) == "" && strings.TrimSpace(c.html) == ""
}

// walk reads the tree of parts of one mail and collects what it finds beside the words.
//
// Every part is read as a message.Entity of go-message over its own bytes. The tree is cut by us, because go-message's multipart
// reader ends at the first part whose header has a bad line, and the rest of a citizen's mail with it.
type walk struct {
	parts    int
	charset  string // of the first text part that names one: the best guess for raw 8-bit headers
	files    []channels.Attachment
	warnings []string
	report   bool   // a delivery status, a feedback report or the like is inside
	returned string // Message-ID of the mail a report gives back
	status   *channels.Report
	located  []string // pairs: a picture as HTML names it by its Content-Location (RFC 2557), and by a content id
	packed   content  // the words of a winmail.dat, shown when there are no others
	inside   int      // in how many forwarded messages we are; their files stay in them
}

func (w *walk) warn(format string, args ...any) {
	const enough = 20
	if len(w.warnings) < enough {
		w.warnings = append(w.warnings, fmt.Sprintf(format, args...))
	}
}

// part reads one part and everything below it. container is the media type of what it stands in, empty for the mail itself.
// The error, if any, is ErrTooComplex; what was read before it is returned with it.
func (w *walk) part(h head, body []byte, depth int, container string) (content, error) {
	if w.parts++; w.parts > maxParts {
		return content{}, fmt.Errorf("%w: more than %d parts", ErrTooComplex, maxParts)
	}
	if depth > maxDepth {
		return content{}, fmt.Errorf("%w: parts nested more than %d deep", ErrTooComplex, maxDepth)
	}
	if h.tooLarge {
		return content{}, fmt.Errorf("%w: header of a part larger than %d bytes or %d lines", ErrTooComplex, maxHeaderBytes, maxHeaderLines)
	}
	if h.repaired && container != "" {
		w.warn("the header of a part held a broken line")
	}
	if len(h.raw("Content-Type")) > maxParamBytes || len(h.raw("Content-Disposition")) > maxParamBytes {
		return content{}, fmt.Errorf("%w: parameters of a part larger than %d bytes", ErrTooComplex, maxParamBytes)
	}
	kind, params := parseParams(h.get("Content-Type"))
	if !strings.Contains(kind, "/") {
		if kind = "text/plain"; container == "multipart/digest" {
			kind = "message/rfc822"
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		if delimited(body, params["boundary"]) {
			return w.multipart(kind, params["boundary"], body, depth)
		}
		if len(bytes.TrimSpace(body)) > 0 {
			w.warn("a %s part has no boundary: shown as text", kind)
		}
		kind = "text/plain"
	}
	return w.leaf(h, kind, params, body, depth, container)
}

// multipart reads the parts inside a part and puts their words together.
func (w *walk) multipart(kind, boundary string, body []byte, depth int) (content, error) {
	var found []content
	var failed error
	for raw := range split(body, boundary) {
		h, b := readHead(raw)
		c, err := w.part(h, b, depth+1, kind)
		found = append(found, c)
		if err != nil {
			failed = err
			break
		}
	}
	if kind != "multipart/alternative" {
		return sequence(found...), failed
	}
	var sum content
	for _, c := range found {
		sum = alternative(sum, c)
	}
	return sum, failed
}

// alternative takes the first text and the last HTML of parts that say the same (RFC 2046 5.1.4: the last is the richest).
func alternative(a, b content) content {
	if strings.TrimSpace(a.text) == "" {
		a.text = b.text
	}
	if strings.TrimSpace(b.html) != "" {
		a.html = b.html
	}
	return a
}

// sequence puts parts that follow each other together. Where only some of them have HTML, the others' text is carried over, so that
// both forms stay complete. It copies once, however many parts there are.
func sequence(parts ...content) content {
	parts = slices.DeleteFunc(parts, content.empty)
	if len(parts) == 0 {
		return content{}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	var texts, markups []string
	if slices.ContainsFunc(parts, func(c content) bool { return c.html != "" }) {
		for _, c := range parts {
			markups = append(markups, c.asHTML())
		}
	}
	if slices.ContainsFunc(parts, func(c content) bool { return c.text != "" }) {
		for i, c := range parts {
			text := c.asText()
			if i < len(parts)-1 {
				text = strings.TrimRight(text, "\n")
			}
			texts = append(texts, text)
		}
	}
	return content{text: strings.Join(texts, "\n\n"), html: strings.Join(markups, "\n")}
}

func (c content) asHTML() string {
	if c.html != "" || c.text == "" {
		return c.html
	}
	return "<pre>" + html.EscapeString(c.text) + "</pre>"
}

func (c content) asText() string {
	if strings.TrimSpace(c.text) != "" || c.html == "" {
		return c.text
	}
	return textOf(c.html)
}

// textOf makes plain text of HTML. Cells of a table are set apart, which html2text does not do by itself.
func textOf(markup string) string {
	if len(markup) > maxHTMLToText {
		markup = strings.ToValidUTF8(markup[:maxHTMLToText], "")
	}
	markup = strings.NewReplacer("</td>", " </td>", "</TD>", " </TD>", "</th>", " </th>", "</TH>", " </TH>").Replace(markup)
	text := html2text.HTML2TextWithOptions(markup, html2text.WithUnixLineBreaks(), html2text.WithLinksInnerText(), html2text.WithListSupport())
	return clean(text)
}

// leaf reads a part without parts: words to show, or a file to keep.
func (w *walk) leaf(h head, kind string, params map[string]string, body []byte, depth int, container string) (content, error) {
	disposition, dparams := parseParams(h.get("Content-Disposition"))
	shown := kind == "text/plain" || kind == "text/html" || kind == "text/enriched" || kind == "text/markdown"
	shown = shown && disposition != "attachment"
	message := kind == "message/rfc822" || kind == "message/global"
	if w.inside > 0 && !shown && !message {
		return content{}, nil // it is in the file of the message it came with
	}
	data := w.decode(h, kind, body)
	name := fileName(dparams["filename"], params["name"], dparams["name"])
	if shown {
		text := w.text(params["charset"], data)
		if name != "" && container != "" && w.inside == 0 {
			w.keep(h, kind, name, disposition, data)
		}
		if kind == "text/html" {
			return content{html: text}, nil
		}
		return content{text: text}, nil
	}
	w.inspect(kind, data, container)
	if w.inside == 0 {
		w.keep(h, kind, name, disposition, data)
	}
	if message && container != "multipart/report" && w.inside < maxInside {
		return w.forwarded(data, depth)
	}
	return content{}, nil
}

// forwarded shows the words of a message that came inside, below a few fields of its header. It is a file as well, with all its own.
func (w *walk) forwarded(data []byte, depth int) (content, error) {
	h, body := readHead(bytes.TrimLeft(data, "\r\n"))
	w.inside++
	inner, err := w.part(h, body, depth+1, "message/rfc822")
	w.inside--
	if len(h.fields) == 0 && inner.empty() {
		return content{}, err
	}
	var text strings.Builder
	text.WriteString(forwardRule + "\n")
	for _, name := range []string{"From", "Date", "Subject"} {
		if v := oneLine(decodeWords(h.get(name))); v != "" {
			text.WriteString(name + ": " + v + "\n")
		}
	}
	top := content{text: text.String()}
	if inner.html != "" {
		top.html = "<hr>" + top.asHTML()
	}
	return sequence(top, inner), err
}

// decode undoes the transfer encoding of a part. Whatever is wrong with it, what can be decoded is kept.
func (w *walk) decode(h head, kind string, body []byte) []byte {
	encoding := h.word("Content-Transfer-Encoding")
	switch encoding {
	case "x-uuencode", "uuencode", "x-uue":
		if data, ok := decodeUU(body); ok {
			return data
		}
		w.warn("a part announced as uuencode is not: kept as received")
		return body
	case "7-bit", "8-bit", "8", "7", "none", "utf-8":
		encoding = ""
	}
	// Only the encoding is go-message's business here: charsets need more patience than it has.
	var plain message.Header
	plain.Set("Content-Type", "application/octet-stream")
	plain.Set("Content-Transfer-Encoding", encoding)
	entity, err := message.New(plain, bytes.NewReader(body))
	if message.IsUnknownEncoding(err) {
		w.warn("unknown transfer encoding %q of a %s part: kept as received", encoding, kind)
		return body
	}
	data, err := io.ReadAll(entity.Body)
	if err == nil {
		return data
	}
	if encoding == "base64" {
		data, _ = lenientBase64(body)
	} else {
		data, _ = lenientQuotedPrintable(body)
	}
	w.warn("damaged %s in a %s part: what could be decoded is kept", encoding, kind)
	return data
}

// text converts the bytes of a text part and gives it plain line endings.
func (w *walk) text(label string, data []byte) string {
	if w.charset == "" {
		w.charset = label
	}
	text, known := toUTF8(label, data)
	if !known {
		w.warn("unknown charset %q: read as well as possible", label)
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

// inspect notes what an agent or the marks of automatic mail must know of a part that is kept as a file.
func (w *walk) inspect(kind string, data []byte, container string) {
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		if w.report = true; w.status == nil {
			w.status = readStatus(data)
		}
	case "message/feedback-report":
		w.report = true
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers":
		if container == "multipart/report" && w.returned == "" {
			inner, _ := readHead(data)
			if ids := messageIDs(inner.all("Message-Id")); len(ids) > 0 {
				w.returned = ids[0]
			}
		}
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		w.warn("the message is signed or encrypted with S/MIME: its content is in the attached file")
	case "application/pgp-encrypted":
		w.warn("the message is encrypted with PGP: its content is in the attached file")
	case "application/ms-tnef", "application/vnd.ms-tnef":
		w.unpack(data)
	}
}

// unpack takes the words and files out of a winmail.dat.
func (w *walk) unpack(data []byte) {
	p, whole := readTNEF(data)
	if !whole {
		w.warn("winmail.dat: Outlook packed text or files into a format of its own, and not all of it could be read")
	}
	if w.inside > 0 {
		return // they are in the file of the message it came with
	}
	if w.packed.empty() {
		w.packed = content{text: p.text, html: p.html}
	}
	for _, f := range p.files {
		if len(w.files) < maxParts {
			w.keep(head{}, "application/octet-stream", fileName(f.name), "attachment", f.data)
		}
	}
}

// keep adds a file to those of the mail.
func (w *walk) keep(h head, kind, name, disposition string, data []byte) {
	if kind == "message/rfc822" || kind == "message/global" {
		kind = "message/rfc822"
		if name == "" {
			inner, _ := readHead(data)
			if name = fileName(decodeWords(inner.get("Subject"))); name == "" {
				name = "message"
			}
		}
		if !strings.HasSuffix(strings.ToLower(name), ".eml") {
			name += ".eml"
		}
	}
	if name == "" {
		name = defaultNames(kind)
	}
	if len(data) == 0 {
		w.warn("the file %q is empty", name)
	} else {
		kind = sniffed(kind, data)
	}
	var id string
	if ids := messageIDs([]string{h.get("Content-Id")}); len(ids) > 0 {
		id = ids[0]
	} else {
		id = strings.Trim(h.get("Content-Id"), "<> ")
	}
	if location := oneLine(h.get("Content-Location")); id == "" && location != "" && strings.HasPrefix(kind, "image/") {
		id = fmt.Sprintf("location-%d", len(w.files))
		address := html.EscapeString(location)
		w.located = append(w.located, `src="`+address+`"`, `src="cid:`+id+`"`, `src='`+address+`'`, `src="cid:`+id+`"`)
	}
	w.files = append(w.files, channels.Attachment{
		Name:      name,
		Type:      kind,
		ContentID: id,
		Inline:    disposition == "inline" || disposition == "" && id != "",
		Data:      data,
	})
}

// SniffType tells the media type of a file by its content, without parameters.
func SniffType(data []byte) string {
	kind, _, _ := strings.Cut(mimetype.Detect(data).String(), ";")
	return kind
}

// sniffed returns the type of a file by its first bytes where the declared one says nothing, or says picture over a page or a program:
// the console shows pictures.
func sniffed(kind string, data []byte) string {
	picture := strings.HasPrefix(kind, "image/")
	if kind != "application/octet-stream" && !picture {
		return kind
	}
	found := SniffType(data)
	if !picture {
		return found
	}
	switch found {
	case "text/html", "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-executable",
		"application/x-mach-binary", "application/x-ms-installer", "text/javascript", "text/x-php", "text/x-python", "text/x-shellscript":
		return found
	}
	return kind
}

// defaultNames gives the parts that usually come without a name one that a person can open.
func defaultNames(kind string) string {
	switch kind {
	case "text/calendar":
		return "calendar.ics"
	case "message/delivery-status", "message/global-delivery-status":
		return "delivery-status.txt"
	case "message/disposition-notification":
		return "read-receipt.txt"
	case "text/rfc822-headers":
		return "headers.txt"
	case "message/feedback-report":
		return "complaint.txt"
	case "application/pgp-encrypted":
		return "pgp-version.txt"
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return "winmail.dat"
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return "smime.p7m"
	}
	return ""
}

// fileName returns the first name given, without the folders some mailers write before it.
func fileName(names ...string) string {
	for _, name := range names {
		name = path.Base(strings.ReplaceAll(oneLine(name), `\`, "/"))
		if name != "." && name != "/" && name != ".." {
			return name
		}
	}
	return ""
}

// delimited reports whether the boundary is there and used.
func delimited(body []byte, boundary string) bool {
	if boundary == "" {
		return false
	}
	for range split(body, boundary) {
		return true
	}
	return false
}

// split yields the parts of a multipart body (RFC 2046 5.1). The last one needs no closing delimiter, because mails are cut.
func split(body []byte, boundary string) iter.Seq[[]byte] {
	delimiter := []byte("--" + boundary)
	return func(yield func([]byte) bool) {
		open := -1
		for at := 0; ; {
			i := bytes.Index(body[at:], delimiter)
			if i < 0 {
				break
			}
			i += at
			at = i + len(delimiter)
			if i > 0 && body[i-1] != '\n' {
				continue
			}
			end := len(body)
			if nl := bytes.IndexByte(body[at:], '\n'); nl >= 0 {
				end = at + nl + 1
			}
			closing := false
			switch string(bytes.TrimRight(body[at:end], " \t\r\n")) {
			case "":
			case "--":
				closing = true
			default:
				continue // a longer boundary that begins like this one
			}
			if open >= 0 && !yield(withoutLastEOL(body[open:i])) {
				return
			}
			if closing {
				return
			}
			open, at = end, end
		}
		if open >= 0 {
			yield(body[open:])
		}
	}
}

// withoutLastEOL cuts the line ending that belongs to the delimiter, not to the part.
func withoutLastEOL(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}
