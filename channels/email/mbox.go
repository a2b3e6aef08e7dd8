package email

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
)

// ErrNotMbox says that a file does not begin as an mbox file does.
var ErrNotMbox = errors.New(`no mbox file: it does not begin with a line "From …"`)

// ReadMbox yields the mails of an mbox file (RFC 4155 and its relatives mboxo and mboxrd), one at a time and in order. A mail begins
// with a line "From …" that is the first of the file or follows an empty one, and has a date or a header field after it; ">From " in a
// body loses one ">". Content-Length is ignored: it is wrong as soon as something was edited. Of a mail larger than limit only the
// header is kept. The error is the reader's, or ErrNotMbox.
func ReadMbox(r io.Reader, limit int64) iter.Seq2[Archived, error] {
	return func(yield func(Archived, error) bool) {
		f := &mbox{lines: bufio.NewReaderSize(r, 64<<10), limit: limit}
		for {
			a, err := f.next()
			if err == nil && a.Size == 0 { // two From_ lines with nothing between them
				continue
			}
			if errors.Is(err, io.EOF) || !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// mbox is a file being read. Between two mails, the From_ line of the next one has been read.
type mbox struct {
	lines *bufio.Reader
	limit int64
	read  int64
	begun bool      // a From_ line was read
	date  time.Time // of that line
}

// next reads one mail, and the From_ line after it.
func (f *mbox) next() (Archived, error) {
	if !f.begun {
		if err := f.begin(); err != nil {
			return Archived{}, err
		}
	}
	mail := parcel{limit: f.limit}
	a := Archived{Seen: f.date}
	f.begun = false
	for start, empty := true, true; ; { // at the start of a line; the line before was empty
		piece, err := f.piece()
		if err != nil && !errors.Is(err, io.EOF) {
			return Archived{}, err
		}
		if start && empty && f.separates(piece) {
			break
		}
		if start && quoted(piece) {
			piece = piece[1:]
		}
		whole := bytes.HasSuffix(piece, []byte("\n"))
		if whole {
			empty = start && len(bytes.TrimRight(piece, "\r\n")) == 0
		}
		mail.add(piece)
		start = whole
		if err != nil {
			break
		}
	}
	a.Raw, a.Size, a.End = mail.content(), mail.size, f.read
	return a, nil
}

// begin reads up to the first From_ line. It returns io.EOF where there is nothing more.
func (f *mbox) begin() error {
	for {
		line, err := f.piece()
		switch {
		case len(line) == 0 && err != nil:
			return err
		case f.read > int64(len(line)) && errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0:
			return io.EOF
		case len(bytes.TrimSpace(line)) == 0:
			continue
		case bytes.HasPrefix(line, []byte("From ")):
			f.date, _ = fromDate(string(line))
			f.begun = true
			return nil
		}
		return ErrNotMbox
	}
}

// piece reads one line, or as much of it as the buffer holds. It is valid until the next call.
func (f *mbox) piece() ([]byte, error) {
	line, err := f.lines.ReadSlice('\n')
	f.read += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}

// separates tells whether a line after an empty one begins a mail, and notes its date if it does. A sentence may begin with From, too.
func (f *mbox) separates(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("From ")) {
		return false
	}
	date, ok := fromDate(string(line))
	if !ok {
		after, _ := f.lines.Peek(256) // what there is of it; line is no more valid
		first, _ := cutLine(after)
		if _, _, field := cutField(first); !field {
			return false
		}
	}
	f.begun, f.date = true, date
	return true
}

// quoted tells whether a line is "From " behind one or more ">".
func quoted(line []byte) bool {
	rest := bytes.TrimLeft(line, ">")
	return len(rest) < len(line) && bytes.HasPrefix(rest, []byte("From "))
}

// fromDate reads the date of a From_ line, as asctime writes it, with or without a zone: "From a@b Tue Nov 24 10:05:00 2026". A zone
// that is a name is taken for UTC.
func fromDate(line string) (time.Time, bool) {
	words := strings.Fields(line)
	for i := 2; i+4 <= len(words); i++ {
		rest := words[i:]
		at, err := time.Parse("Jan 2 15:04:05", strings.Join(rest[:3], " "))
		if err != nil {
			at, err = time.Parse("Jan 2 15:04", strings.Join(rest[:3], " "))
		}
		if err != nil {
			continue
		}
		zone := time.UTC
		var year time.Time
		for _, w := range rest[3:] {
			if y, err := time.Parse("2006", w); err == nil && year.IsZero() {
				year = y
			} else if z, err := time.Parse("-0700", w); err == nil {
				_, offset := z.Zone()
				zone = time.FixedZone("", offset)
			}
		}
		if year.IsZero() {
			return time.Time{}, false
		}
		return time.Date(year.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, zone).UTC(), true
	}
	return time.Time{}, false
}

// parcel is one mail being put together: with CRLF, and without what goes beyond the limit.
type parcel struct {
	limit  int64
	raw    []byte
	size   int64
	last   byte  // that came
	header int   // where the header ended; 0: not yet
	tail   bool  // the last line was empty
	line   int64 // bytes of the line that is being read
}

// add takes a line or a piece of one.
func (p *parcel) add(piece []byte) {
	line, ended := bytes.CutSuffix(piece, []byte("\n"))
	p.put(line)
	if !ended {
		return
	}
	if p.last != '\r' || p.line == 0 {
		p.put([]byte("\r"))
	}
	p.put([]byte("\n"))
	p.tail = p.line == 2
	if p.tail && p.header == 0 {
		p.header = len(p.raw)
	}
	p.line = 0
}

func (p *parcel) put(b []byte) {
	if len(b) == 0 {
		return
	}
	p.size += int64(len(b))
	p.line += int64(len(b))
	p.last = b[len(b)-1]
	if p.size <= p.limit {
		p.raw = append(p.raw, b...)
		return
	}
	if p.header == 0 || p.header > maxHeaderBytes {
		p.header = min(len(p.raw), maxHeaderBytes)
	}
	p.raw = p.raw[:p.header]
}

// content is the mail without the empty line that parts it from the next.
func (p *parcel) content() []byte {
	if p.tail && p.line == 0 && p.size <= p.limit {
		p.size -= 2
		p.raw = p.raw[:len(p.raw)-2]
	}
	return p.raw
}
