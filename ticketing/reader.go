package ticketing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"guichet/routing"
)

// Reader is what is shown: lists, tickets, queues, the health of the lines. Each method takes the Actor who looks, and shows what
// she may see and nothing else, in counts as in rows.
type Reader struct {
	store  Store
	files  Files
	town   *Town
	router *routing.Router
	now    Clock
}

// NewReader makes a Reader.
func NewReader(store Store, files Files, town *Town, router *routing.Router, now Clock) *Reader {
	return &Reader{store: store, files: files, town: town, router: router, now: now}
}

// Page is a page of a list. Next is the cursor of the next one; empty: this was the last.
type Page struct {
	Rows    []TicketRow
	Next    string
	TooMany bool // the text stands in so many messages that only the newest were looked at
}

// MaxPage is the most rows a page has.
const MaxPage = 200

// Tickets lists tickets. The Scope and After of q are the Reader's to fill in; cursor is a Next of the same list.
func (r *Reader) Tickets(ctx context.Context, a Actor, q TicketQuery, cursor string) (Page, error) {
	q.Scope = a.Scope()
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, MaxPage)
	if q.Sort == "" {
		q.Sort = SortReceived
	}
	if q.Assignee == "me" {
		q.Assignee = a.ID
	}
	if strings.Contains(q.Assignee, "@") {
		agent, _ := r.town.Now().AgentByEmail(q.Assignee)
		if q.Assignee = agent.ID; agent.ID == "" {
			return Page{}, invalid("assignee", "unknown")
		}
	}
	if q.Citizen != "" && !IsID(q.Citizen) {
		return Page{}, invalid("citizen", "unknown")
	}
	if !slices.Contains([]TicketSort{SortReceived, SortUpdated, SortDue, SortWaiting}, q.Sort) {
		return Page{}, invalid("sort", "unknown")
	}
	if len(q.Text) > maxQuery {
		return Page{}, invalid("q", "too_long")
	}
	if year, number, ok := ParseReference(q.Text); ok {
		q.Year, q.Number = year, number
	} else if strings.TrimSpace(q.Text) != "" {
		found, err := r.findListed(ctx, q)
		if err != nil {
			return Page{}, err
		}
		q.Found = found
	}
	if cursor != "" {
		mark, err := readCursor(cursor, q.Sort)
		if err != nil {
			return Page{}, invalid("cursor", "unknown")
		}
		q.After = &mark
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	rows, err := r.store.ListTickets(ctx, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: rows, TooMany: q.Found != nil && q.Found.TooMany}
	if len(rows) > limit {
		page.Rows = rows[:limit]
		page.Next = writeCursor(q.Sort, page.Rows[limit-1].Ticket)
	}
	return page, nil
}

type cursorText struct {
	Sort TicketSort `json:"s"`
	At   *time.Time `json:"t,omitempty"`
	ID   string     `json:"i"`
}

func writeCursor(sort TicketSort, t Ticket) string {
	c := cursorText{Sort: sort, ID: t.ID}
	switch sort {
	case SortReceived:
		c.At = &t.ReceivedAt
	case SortUpdated:
		c.At = &t.UpdatedAt
	case SortDue:
		c.At = t.DueAt
	case SortWaiting:
		c.At = t.QueueOrder
	}
	return c.write()
}

func (c cursorText) write() string {
	b, err := json.Marshal(c)
	if err != nil { // three plain fields always marshal
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(s string, sort TicketSort) (TicketMark, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return TicketMark{}, err
	}
	var c cursorText
	if err := json.Unmarshal(b, &c); err != nil {
		return TicketMark{}, err
	}
	if c.Sort != sort || !IsID(c.ID) {
		return TicketMark{}, errors.New("a cursor of another list")
	}
	return TicketMark{At: c.At, ID: c.ID}, nil
}

// Dossier is everything about a ticket that is shown on one page.
type Dossier struct {
	Ticket       Ticket
	Citizen      *Citizen // nil: unknown sender
	Messages     []Message
	Calls        []Call // oldest first
	Events       []Event
	Participants []Participant
	Links        []LinkedTicket

	// ContactsAbout is how many contacts of the citizen about the same matter, within ninety days, the ticket ends: 1 when it is the
	// first. The matter is the motive, or the words of the subject where there is none.
	ContactsAbout int
}

// Undelivered tells whether the last message of ours did not arrive, as lists do.
func (d Dossier) Undelivered() bool {
	if d.Ticket.Status == StatusClosed {
		return false
	}
	for _, m := range slices.Backward(d.Messages) {
		if m.Direction == Out {
			return m.Delivery != nil && m.Delivery.State.Undelivered()
		}
	}
	return false
}

// LinkedTicket is a ticket tied to another, as far as the actor may know of it.
type LinkedTicket struct {
	Kind      string
	Reference string
	Subject   string
	Status    Status
}

// Ticket reads one ticket with all that belongs to it.
func (r *Reader) Ticket(ctx context.Context, a Actor, reference string) (Dossier, error) {
	s := r.town.Now()
	t, err := r.readable(ctx, a, reference)
	if err != nil {
		return Dossier{}, err
	}
	if err := r.looked(ctx, a, t); err != nil {
		return Dossier{}, err
	}
	d := Dossier{Ticket: t}
	if t.CitizenID != nil {
		c, err := r.store.Citizen(ctx, *t.CitizenID)
		if err != nil {
			return Dossier{}, wrap("citizen", err)
		}
		d.Citizen = &c
		about, err := r.about(ctx, a, c.ID, []Ticket{t})
		if err != nil {
			return Dossier{}, err
		}
		d.ContactsAbout = about[t.ID]
	}
	if d.Messages, err = r.store.MessagesOf(ctx, t.ID); err != nil {
		return Dossier{}, wrap("messages", err)
	}
	if d.Events, err = r.store.EventsOfTicket(ctx, t.ID); err != nil {
		return Dossier{}, wrap("events", err)
	}
	s.reserve(a, &d)
	if d.Calls, err = r.store.CallsOf(ctx, t.ID); err != nil {
		return Dossier{}, wrap("calls", err)
	}
	if d.Participants, err = r.store.Participants(ctx, []string{t.ID}); err != nil {
		return Dossier{}, wrap("participants", err)
	}
	d.Participants = slices.DeleteFunc(d.Participants, func(p Participant) bool {
		other, _ := s.Department(p.Value)
		return p.Type == "department" && !a.Sees(other)
	})
	if d.Links, err = r.links(ctx, s, a, t.ID); err != nil {
		return Dossier{}, err
	}
	return d, nil
}

// reserve takes out of a dossier what was written and done while the ticket was in a department the actor does not see: notes, events,
// and where it came from. What the citizen wrote and was answered stays: whoever has the ticket now must know it.
func (s *Snapshot) reserve(a Actor, d *Dossier) {
	sees := func(code string) bool {
		department, _ := s.Department(code)
		return a.Sees(department) || code == d.Ticket.Department
	}
	hidden := map[string]bool{} // notes
	d.Events = slices.DeleteFunc(d.Events, func(e Event) bool {
		if sees(e.Department) {
			return false
		}
		if e.Type == EventNoteAdded && e.MessageID != nil {
			hidden[*e.MessageID] = true
		}
		return true
	})
	d.Messages = slices.DeleteFunc(d.Messages, func(m Message) bool { return hidden[m.ID] })
	for i, e := range d.Events {
		from, to := e.Data["from"], e.Data["to"]
		if from != "" && to != "" && (!sees(from) || !sees(to)) { // between departments: transferred, merged, split
			d.Events[i].Data = nil
		}
	}
}

func (r *Reader) links(ctx context.Context, s *Snapshot, a Actor, id string) ([]LinkedTicket, error) {
	links, err := r.store.Links(ctx, id)
	if err != nil || len(links) == 0 {
		return nil, wrap("links", err)
	}
	kinds := map[string]string{}
	for _, l := range links {
		other := l.OtherID
		if other == id {
			other = l.TicketID
		}
		kinds[other] = l.Kind
	}
	rows, err := r.store.TicketsByIDs(ctx, keysOf(kinds))
	if err != nil {
		return nil, wrap("linked tickets", err)
	}
	var list []LinkedTicket
	for _, t := range rows {
		if a.Can(ActSee, s.Subject(t)) {
			list = append(list, LinkedTicket{Kind: kinds[t.ID], Reference: t.Reference(), Subject: t.Subject, Status: t.Status})
		}
	}
	return list, nil
}

// Find reads a ticket alone.
func (r *Reader) Find(ctx context.Context, a Actor, reference string) (Ticket, error) {
	return r.readable(ctx, a, reference)
}

// DisplayName is what stands for a citizen on a screen: the name, else a way to reach her.
func DisplayName(c Citizen) string {
	if name := c.Name(); name != "" {
		return name
	}
	for _, contact := range c.Contacts {
		return contact.Value
	}
	return ""
}

// Views gives the numbers beside the console's views.
func (r *Reader) Views(ctx context.Context, a Actor) (ViewCounts, error) {
	return r.store.CountViews(ctx, a.Scope(), a.ID, r.now())
}

// Queue is a department's queue and the people in front of it.
type Queue struct {
	Department Department
	QueueFigures
	Available, Busy, Paused int
}

// Queues gives the load of the departments the actor sees. What waits is counted in Redis, where it is taken
// from; the rest in the database.
func (r *Reader) Queues(ctx context.Context, a Actor) ([]Queue, error) {
	s := r.town.Now()
	figures, err := r.store.QueueFigures(ctx, r.now())
	if err != nil {
		return nil, err
	}
	depths, err := r.router.Depths(ctx)
	if err != nil {
		return nil, &Error{Code: CodeUnavailable, Reason: "redis", Err: err}
	}
	states, err := r.router.Presences(ctx)
	if err != nil {
		return nil, &Error{Code: CodeUnavailable, Reason: "redis", Err: err}
	}
	var list []Queue
	for _, d := range s.Visible(a) {
		q := Queue{Department: d, QueueFigures: figures[d.Code]}
		q.Waiting, q.OldestSince = depths[d.Code].Waiting, nil
		if since := depths[d.Code].OldestSince; q.Waiting > 0 && !since.IsZero() {
			q.OldestSince = &since
		}
		for id, state := range states {
			agent, ok := s.Actor(id, false)
			if !ok || !agent.Standing(d.Code).Member {
				continue
			}
			switch state {
			case "available":
				q.Available++
			case "busy":
				q.Busy++
			case "paused":
				q.Paused++
			}
		}
		list = append(list, q)
	}
	return list, nil
}

// Message reads one message of a ticket the actor may see.
func (r *Reader) Message(ctx context.Context, a Actor, id string) (Message, error) {
	if !IsID(id) {
		return Message{}, ErrNotFound
	}
	m, err := r.store.Message(ctx, id)
	if err != nil {
		return Message{}, err
	}
	return m, r.seesMessage(ctx, a, m)
}

// Original gives the bytes of a message as it came.
func (r *Reader) Original(ctx context.Context, a Actor, messageID string) ([]byte, error) {
	m, err := r.Message(ctx, a, messageID)
	if err != nil {
		return nil, err
	}
	if m.OriginalID == nil {
		return nil, ErrNotFound
	}
	o, err := r.store.Original(ctx, *m.OriginalID)
	if err != nil {
		return nil, err
	}
	if o.SHA256 != "" {
		return r.files.Get(ctx, o.SHA256)
	}
	return o.Raw, nil
}

// Attachment gives a file of a message of a ticket the actor may see.
func (r *Reader) Attachment(ctx context.Context, a Actor, id string) (Attachment, []byte, error) {
	if !IsID(id) {
		return Attachment{}, nil, ErrNotFound
	}
	f, err := r.store.Attachment(ctx, id)
	if err != nil {
		return f, nil, err
	}
	if _, err := r.Message(ctx, a, f.MessageID); err != nil {
		return f, nil, err
	}
	if !f.Here() {
		return f, nil, conflict("file_on_its_way")
	}
	data, err := r.files.Get(ctx, f.SHA256)
	return f, data, err
}

// seesMessage tells whether the actor sees a message: its ticket, and a note also where it was written.
func (r *Reader) seesMessage(ctx context.Context, a Actor, m Message) error {
	rows, err := r.store.TicketsByIDs(ctx, []string{m.TicketID})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return ErrNotFound
	}
	if err := r.sees(ctx, a, rows[0]); err != nil {
		return err
	}
	if m.Direction != Note {
		return r.looked(ctx, a, rows[0])
	}
	d := Dossier{Ticket: rows[0], Messages: []Message{m}}
	if d.Events, err = r.store.EventsOfTicket(ctx, m.TicketID); err != nil {
		return err
	}
	if r.town.Now().reserve(a, &d); len(d.Messages) == 0 {
		return ErrNotFound
	}
	return r.looked(ctx, a, rows[0])
}
