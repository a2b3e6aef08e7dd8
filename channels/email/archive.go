package email

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	"guichet/channels"
)

// SilentArchive is why a mail of an archive is never answered by itself: whoever wrote it has long stopped waiting.
const SilentArchive = "archive"

// Archived is one mail as an archive holds it. An archive has no INTERNALDATE and often LF for line ends; Raw has CRLF, as IMAP gives
// it (RFC 3501 2.3.4), so that a mail that came through the mailbox before has the same Key.
type Archived struct {
	Raw  []byte    // the whole mail; only its header when Size is beyond the limit
	Size int64     // of the whole mail, in bytes
	Seen time.Time // what the archive says of when it came: date of the From_ line, modification time of the file; may be zero
	End  int64     // how far the archive is read with it: bytes of an mbox, files of a Maildir
}

// Inbound reads a mail of an archive as Parse reads one of mailbox m. now is the time of day: nothing has come after it.
func (a Archived) Inbound(m Mailbox, now time.Time) channels.Inbound {
	in, err := Parse(a.Raw, a.receivedAt(now), m, nil)
	in.Silent = SilentArchive
	if err != nil {
		in.Quarantine = channels.TooComplex
	}
	if a.Size > int64(len(a.Raw)) {
		in.Key = head{}.key(a.Raw) // as for mails too large to be fetched: the whole header tells them apart
		in.Quarantine = channels.TooLarge
		in.Warnings = append(in.Warnings, fmt.Sprintf("of %d bytes, larger than mails of this mailbox may be: only the header was kept, the mail is in the archive", a.Size))
	}
	return in
}

// receivedAt is when the mail reached the town hall, as far as an archive tells: the date of the newest Received field, which the
// town's own server wrote, else what the archive says, else the sender's Date. What lies in the future is not believed.
func (a Archived) receivedAt(now time.Time) time.Time {
	h, _ := readHead(a.Raw)
	dates := []time.Time{a.Seen, {}}
	if trace := h.raw("Received"); trace != nil { // each server writes its line above the others'
		text := string(trace)
		if date, err := mail.ParseDate(strings.TrimSpace(text[strings.LastIndexByte(text, ';')+1:])); err == nil {
			dates = append([]time.Time{date}, dates...)
		}
	}
	if date, err := mail.ParseDate(h.get("Date")); err == nil {
		dates[len(dates)-1] = date
	}
	for _, date := range dates {
		if date.Year() >= firstYear && !date.After(now) {
			return date.UTC()
		}
	}
	return now
}

// firstYear is that of RFC 822: a date before it is a clock that was not set.
const firstYear = 1982
