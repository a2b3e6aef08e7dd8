package ticketing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"guichet/channels"
)

// The reasons to wait that are the Desk's own, beside those of channels.
const (
	HoldRejected channels.Hold = "rejected" // the database can't keep it, or it meets a bug of ours
	HoldFailing  channels.Hold = "failing"  // it has failed alone for minutes while others were filed
)

// Holds lists every reason why a message may wait in quarantine.
func Holds() []channels.Hold {
	return []channels.Hold{channels.TooComplex, channels.TooLarge, channels.NotGiven, HoldRejected, HoldFailing}
}

// Quarantine is what could not be filed by itself: it is listed, looked at, tried again, or filed as it is. Nothing in it is ever dropped.
type Quarantine struct {
	desk    *Desk
	readers map[channels.Name]channels.Rereader
}

// NewQuarantine makes a Quarantine that files through a Desk. readers read the messages of each channel again.
func NewQuarantine(desk *Desk, readers map[channels.Name]channels.Rereader) *Quarantine {
	return &Quarantine{desk: desk, readers: readers}
}

// Held is a message that waits for a person, or waited for one.
type Held struct {
	Original                            // without Raw
	From               channels.Address // as far as it can be read, and the actor may know
	Subject            string
	Readable, Fileable bool   // the actor may read it, file it
	Reference          string // of the ticket it has become; empty when it waits, or the actor may not know of that
}

// Waits tells whether it is still in quarantine.
func (h Held) Waits() bool { return h.State == OriginalQuarantined }

// HeldPage is a page of what waits. Next is the cursor of the next one; empty: this was the last.
type HeldPage struct {
	Rows []Held
	Next string
}

// List lists what waits, newest first, as far as the actor may know of it. cursor is a Next.
func (q *Quarantine) List(ctx context.Context, a Actor, limit int, cursor string) (HeldPage, error) {
	query, ok := q.scope(a)
	if !ok {
		return HeldPage{}, nil
	}
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, MaxPage)
	query.Limit = limit + 1 // one more tells whether there is a next page
	if cursor != "" {
		mark, err := readHeldCursor(cursor)
		if err != nil {
			return HeldPage{}, invalid("cursor", "unknown")
		}
		query.After = &mark
	}
	rows, err := q.desk.store.Quarantined(ctx, query)
	if err != nil {
		return HeldPage{}, err
	}
	var page HeldPage
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = writeHeldCursor(HeldMark{At: last.ReceivedAt, ID: last.ID})
	}
	for _, o := range rows {
		page.Rows = append(page.Rows, q.show(a, o))
	}
	return page, nil
}

// Count counts what waits; shown tells whether the quarantine is any business of the actor's.
func (q *Quarantine) Count(ctx context.Context, a Actor) (n int, shown bool, err error) {
	query, ok := q.scope(a)
	if !ok {
		return 0, false, nil
	}
	n, err = q.desk.store.CountQuarantined(ctx, query)
	return n, true, err
}

// scope is the lines whose quarantine the actor may know of. False: none.
func (q *Quarantine) scope(a Actor) (HeldQuery, bool) {
	s := q.desk.town.Now()
	if a.Can(ActSeeHeld, s.LineSubject("")) { // also of lines the town no longer has
		return HeldQuery{}, true
	}
	query := HeldQuery{Lines: []string{}}
	for _, l := range s.Lines {
		if a.Can(ActSeeHeld, s.LineSubject(l.Name)) {
			query.Lines = append(query.Lines, l.Name)
		}
	}
	return query, len(query.Lines) > 0
}

// Held shows one.
func (q *Quarantine) Held(ctx context.Context, a Actor, id string) (Held, error) {
	o, err := q.find(ctx, a, ActSeeHeld, id)
	if err != nil {
		return Held{}, err
	}
	return q.outcome(ctx, a, o)
}

// Raw gives the original bytes. There may be none: the server never gave them.
func (q *Quarantine) Raw(ctx context.Context, a Actor, id string) ([]byte, error) {
	o, err := q.find(ctx, a, ActReadHeld, id)
	if err != nil {
		return nil, err
	}
	return q.raw(ctx, o)
}

func (q *Quarantine) raw(ctx context.Context, o Original) ([]byte, error) {
	if o.SHA256 == "" {
		return o.Raw, nil
	}
	return q.desk.files.Get(ctx, o.SHA256)
}

// find reads an original that waits or waited, for an actor.
func (q *Quarantine) find(ctx context.Context, a Actor, do Action, id string) (Original, error) {
	if !IsID(id) {
		return Original{}, ErrNotFound
	}
	o, err := q.desk.store.Original(ctx, id)
	if err != nil {
		return Original{}, err
	}
	on := q.desk.town.Now().LineSubject(o.Line)
	switch {
	case o.State != OriginalQuarantined && o.Reason == "", !a.Can(ActSeeHeld, on):
		return Original{}, ErrNotFound
	case !a.Can(do, on):
		return Original{}, ErrForbidden
	}
	return o, nil
}

// show makes of an original what the actor may know of it.
func (q *Quarantine) show(a Actor, o Original) Held {
	on := q.desk.town.Now().LineSubject(o.Line)
	h := Held{Original: o, Readable: a.Can(ActReadHeld, on), Fileable: a.Can(ActFileHeld, on)}
	if h.Reason == "" {
		h.Reason = HoldRejected // of a time when no reason was kept
	}
	if h.Readable && len(o.Raw) > 0 {
		head := o
		head.Raw = o.Raw[:min(len(o.Raw), HeadSize)]
		in := q.read(head, head.Raw)
		h.From, h.Subject = in.From, in.Subject
	}
	if !h.Readable {
		h.Error = "" // it may say something of the message
	}
	h.Raw = nil
	return h
}

// outcome shows an original with the ticket it has become.
func (q *Quarantine) outcome(ctx context.Context, a Actor, o Original) (Held, error) {
	h := q.show(a, o)
	if h.Waits() {
		return h, nil
	}
	key := OriginalKey{o.Channel, o.Key}
	filed, err := q.desk.store.TicketsOfOriginals(ctx, []OriginalKey{key})
	if err != nil || filed[key] == "" {
		return h, err
	}
	rows, err := q.desk.store.TicketsByIDs(ctx, []string{filed[key]})
	if err != nil {
		return h, err
	}
	for _, t := range rows {
		if a.Can(ActSee, q.desk.town.Now().Subject(t)) {
			h.Reference = t.Reference()
		}
	}
	return h, nil
}

// read reads a message again. What its reader can't read, or breaks on, is said in Quarantine and Warnings.
func (q *Quarantine) read(o Original, raw []byte) (in channels.Inbound) {
	unread := func(why string) channels.Inbound {
		return channels.Inbound{Quarantine: channels.TooComplex, Warnings: []string{why}}
	}
	defer func() {
		if p := recover(); p != nil {
			q.desk.log.Error("reading a message again panicked", "original_id", o.ID, "channel", o.Channel, "panic", p)
			in = unread("the program that reads it gave up")
		}
		in.Channel, in.Line, in.Key, in.Raw, in.Place, in.At = channels.Name(o.Channel), o.Line, o.Key, raw, nil, o.ReceivedAt
	}()
	reader, ok := q.readers[channels.Name(o.Channel)]
	if !ok {
		return unread("nothing reads messages of this channel again")
	}
	in, err := reader.Read(raw, o.Line, o.ReceivedAt)
	if err != nil {
		return unread(err.Error())
	}
	return in
}

// Retry reads a message again and files it like any other. One that still can't be filed stays, with the reason it has now; so does
// one of which there is not enough to read, because the rest never left the mail server. Trying twice files once.
func (q *Quarantine) Retry(ctx context.Context, a Actor, id string) (Held, error) {
	o, err := q.find(ctx, a, ActRetryHeld, id)
	if err != nil {
		return Held{}, err
	}
	if o.State != OriginalQuarantined || o.Reason == channels.TooLarge || o.Reason == channels.NotGiven {
		return q.outcome(ctx, a, o)
	}
	raw, err := q.raw(ctx, o)
	if err != nil {
		return Held{}, err
	}
	in := q.read(o, raw)
	if in.Quarantine != "" {
		return q.again(ctx, a, o, in.Quarantine, strings.Join(in.Warnings, "; "))
	}
	_, err = q.desk.file(ctx, []channels.Inbound{in}, &release{original: o, by: a})
	if errors.Is(err, ErrRejected) {
		q.desk.log.Error("a message still can't be filed; it stays in quarantine", "original_id", o.ID, "channel", o.Channel, "error", err)
		return q.again(ctx, a, o, HoldRejected, err.Error())
	}
	if err != nil {
		return Held{}, err
	}
	return q.Held(ctx, a, id)
}

// again keeps a message in quarantine, with the reason it has now.
func (q *Quarantine) again(ctx context.Context, a Actor, o Original, reason channels.Hold, words string) (Held, error) {
	err := q.desk.store.InTx(ctx, func(tx Nouns) error {
		now, err := tx.LockOriginal(ctx, o.ID)
		if err != nil {
			return err
		}
		o = now
		if o.State != OriginalQuarantined { // somebody has filed it meanwhile
			return nil
		}
		o.Reason, o.Error = reason, clip(words, 500)
		if err := tx.SaveOriginal(ctx, o); err != nil {
			return err
		}
		return tx.AddEvents(ctx, []Event{heldEvent(EventQuarantined, o, q.desk.now(), &a.ID)})
	})
	if err != nil {
		return Held{}, err
	}
	q.desk.after(ctx, effects{})
	return q.outcome(ctx, a, o)
}

// release is a message that leaves quarantine, and who takes it out.
type release struct {
	original   Original
	by         Actor
	department string // of the ticket it becomes; empty: the rules choose
}

// shownOfUnread is how much of a message that can't be read is shown as its text, in bytes.
const shownOfUnread = 16 << 10

// File makes a ticket of a message as it is: of its header what can be read, of its text the beginning, and the original as a file. A
// message that belongs to a ticket joins it. Nothing goes out by itself. Filing twice files once.
func (q *Quarantine) File(ctx context.Context, a Actor, id, department string) (Held, error) {
	o, err := q.find(ctx, a, ActFileHeld, id)
	if err != nil {
		return Held{}, err
	}
	if o.State != OriginalQuarantined {
		return q.outcome(ctx, a, o)
	}
	if _, ok := q.desk.town.Now().Department(department); department != "" && !ok {
		return Held{}, invalid("department", "unknown")
	}
	raw, err := q.raw(ctx, o)
	if err != nil {
		return Held{}, err
	}
	if _, err = q.desk.file(ctx, []channels.Inbound{asItIs(q.read(o, raw), o.Reason)}, &release{original: o, by: a, department: department}); err != nil {
		return Held{}, err
	}
	return q.Held(ctx, a, id)
}

// asItIs keeps of a message what can't do harm.
func asItIs(read channels.Inbound, reason channels.Hold) channels.Inbound {
	in := channels.Inbound{
		Channel: read.Channel, Line: read.Line, Key: read.Key, Raw: read.Raw, At: read.At, ID: read.ID, InReplyTo: read.InReplyTo,
		References: read.References, From: read.From, ReplyTo: read.ReplyTo, FormSender: read.FormSender, To: read.To, DeliveredTo: read.DeliveredTo,
		Subject: read.Subject, Text: clip(read.Text, shownOfUnread), Automatic: read.Automatic, Silent: "quarantine", Spam: read.Spam, Report: read.Report,
	}
	in.Warnings = []string{fmt.Sprintf("filed by hand from quarantine (%s): the original says more than is shown here", reason)}
	if reason == channels.TooLarge {
		in.Warnings = []string{"filed by hand from quarantine (too_large): only the header was fetched, the message is in the mailbox on the mail server"}
	}
	if strings.TrimSpace(in.Text) == "" {
		in.Text = clip(strings.ToValidUTF8(afterHeader(string(read.Raw[:min(len(read.Raw), 4*shownOfUnread)])), "?"), shownOfUnread)
	}
	if len(read.Raw) > 0 {
		in.Attachments = []channels.Attachment{{Name: "message.eml", Type: "message/rfc822", Data: read.Raw}}
	}
	return in
}

// afterHeader gives what follows the first empty line (RFC 5322, section 2.1).
func afterHeader(raw string) string {
	raw = strings.ReplaceAll(raw, "\r\n", "\n")
	_, body, _ := strings.Cut(raw, "\n\n")
	return strings.TrimSpace(body)
}

// heldEvent makes a line of the journal about the quarantine. It names the line, which says who may follow it.
func heldEvent(kind EventType, o Original, at time.Time, by *string) Event {
	return Event{
		At: at, Type: kind, AgentID: by, Data: Data{"original": o.ID, "channel": o.Channel, "line": o.Line, "reason": string(o.Reason)},
	}
}

type heldCursor struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

func writeHeldCursor(m HeldMark) string {
	b, err := json.Marshal(heldCursor(m))
	if err != nil { // two plain fields always marshal
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readHeldCursor(s string) (HeldMark, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return HeldMark{}, err
	}
	var c heldCursor
	if err := json.Unmarshal(b, &c); err != nil {
		return HeldMark{}, err
	}
	if !IsID(c.ID) {
		return HeldMark{}, errors.New("a cursor of another list")
	}
	return HeldMark(c), nil
}
