package ticketing

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"guichet/routing"
)

// Desk is what is done to tickets: Receive and Log file them, Take and its kin say whose they are, Reply and Note write on them,
// Transfer, Close, Reopen and Edit move them. Each is one transaction; what follows it (queues, live view, outbox) is a hint that
// may be lost, because Reconcile and polling find out anyway.
type Desk struct {
	store  Store
	files  Files
	town   *Town
	router *routing.Router
	keys   Keys
	now    Clock
	log    *slog.Logger
	stats  Stats
	render Renderer
	sniff  func(data []byte) string

	failing failures
	forms   forms
}

// Stats counts what the Desk does, for the metrics.
type Stats interface {
	Received(channel, result string, n int)
}

// DeskParts is what a Desk is made of.
type DeskParts struct {
	Store  Store
	Files  Files
	Town   *Town
	Router *routing.Router
	Keys   Keys
	Now    Clock
	Log    *slog.Logger
	Stats  Stats
	Render Renderer                 // of what is sent; nil: mails have no HTML
	Sniff  func(data []byte) string // tells the media type of a file by its content; nil: nobody knows
}

// NewDesk makes a Desk.
func NewDesk(p DeskParts) *Desk {
	if p.Render == nil {
		p.Render = func(string, string) (string, error) { return "", nil }
	}
	if p.Sniff == nil {
		p.Sniff = func([]byte) string { return "application/octet-stream" }
	}
	return &Desk{store: p.Store, files: p.Files, town: p.Town, router: p.Router, keys: p.Keys, now: p.Now, log: p.Log, stats: p.Stats,
		render: p.Render, sniff: p.Sniff, failing: failures{since: map[OriginalKey]time.Time{}}}
}

// HintJournal is published when the journal has grown, HintOutbox when there is something to send.
const (
	HintJournal = "journal"
	HintOutbox  = "outbox"
	HintFiles   = "files" // there is something to fetch from a provider
)

// effects is what a committed transaction asks of the queues and of those who wait for news.
type effects struct {
	enqueue  []routing.Item
	remove   []string
	held     []routing.Held
	released []routing.Held
	outbox   bool
	fetch    bool
}

// settle makes the queues what the ticket now says.
func (e *effects) settle(t Ticket, now Clock) {
	switch {
	case t.Queued(now()):
		e.enqueue = append(e.enqueue, itemOf(t))
	case t.UsesCapacity():
		e.held = append(e.held, routing.Held{ID: t.ID, Agent: *t.AssigneeID, Weight: t.Weight})
	default:
		e.remove = append(e.remove, t.ID)
	}
}

func itemOf(t Ticket) routing.Item {
	since := t.RegisteredAt
	if t.QueuedAt != nil {
		since = *t.QueuedAt
	}
	return routing.Item{ID: t.ID, Queue: t.Department, Priority: t.Priority.Rank(), Since: since, Weight: t.Weight}
}

// How long filing waits for a router that does not answer, before the commit and after it. What is missed is put right.
const (
	presenceWithin = 500 * time.Millisecond
	afterWithin    = time.Second
)

// after carries effects out. A router that does not answer costs nothing but time: Reconcile puts the queues right.
func (d *Desk) after(ctx context.Context, e effects) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterWithin) // the commit stands, whoever has gone away since
	defer cancel()
	warn := func(what string, err error) {
		if err != nil {
			d.log.Warn("the queues will be put right by the next reconcile", "step", what, "error", err)
		}
	}
	if len(e.remove) > 0 {
		warn("remove", d.router.Remove(ctx, e.remove...))
	}
	for _, h := range e.released {
		warn("release", d.router.Release(ctx, h.ID, h.Agent))
	}
	for _, h := range e.held { // it is hers already, whatever her capacity
		_, err := d.router.ClaimItem(ctx, h.ID, h.Agent, h.Weight, 0)
		warn("hold", err)
	}
	if len(e.enqueue) > 0 {
		warn("enqueue", d.router.Enqueue(ctx, e.enqueue...))
	}
	warn("hint", d.router.Publish(ctx, HintJournal))
	if e.outbox {
		warn("hint", d.router.Publish(ctx, HintOutbox))
	}
	if e.fetch {
		warn("hint", d.router.Publish(ctx, HintFiles))
	}
}

// find reads a ticket for an actor. One she may not see is not found; one she sees and may not do this to is forbidden; one that
// has moved on since version ifMatch is stale (0 does not ask).
func (d *Desk) find(ctx context.Context, tx Nouns, a Actor, do Action, reference string, ifMatch int) (Ticket, error) {
	t, err := findTicket(ctx, tx, d.town.Now(), a, reference)
	if err != nil {
		return Ticket{}, err
	}
	if !a.Can(do, d.town.Now().Subject(t)) {
		return Ticket{}, ErrForbidden
	}
	if ifMatch > 0 && ifMatch != t.Version {
		return Ticket{}, d.stale(ctx, tx, a, t, ifMatch)
	}
	return t, nil
}

// ArgChanges is the argument of CodeStale that names what happened since: the Events the actor may know of, oldest first.
const ArgChanges = "changes"

// versionless lists the events that make no version of their ticket.
func versionless() []EventType {
	return []EventType{EventDeliveryChanged, EventAckQueued, EventAckWithheld, EventFileFetched, EventTicketOpened}
}

// stale refuses what was asked of a version that is no more, and names what happened since. Every version has an event of its own, or
// several, so as many events from the end as there are new versions are younger than the one she has seen.
func (d *Desk) stale(ctx context.Context, tx Nouns, a Actor, t Ticket, seen int) error {
	events, err := tx.EventsOfTicket(ctx, t.ID)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e Event) bool {
		return slices.Contains(versionless(), e.Type)
	})
	s := d.town.Now()
	since := Dossier{Ticket: t, Events: events[max(0, len(events)-max(0, t.Version-seen)):]}
	s.reserve(a, &since)
	refusal := stale(t)
	refusal.Args[ArgChanges] = slices.DeleteFunc(since.Events, func(e Event) bool { return !s.MayFollow(a, e) })
	return refusal
}

// findTicket reads a ticket the actor may see.
func findTicket(ctx context.Context, tx Nouns, s *Snapshot, a Actor, reference string) (Ticket, error) {
	year, number, ok := ParseReference(reference)
	if !ok {
		return Ticket{}, ErrNotFound
	}
	t, err := tx.Ticket(ctx, year, number)
	if err != nil {
		return Ticket{}, err
	}
	if !a.Can(ActSee, s.Subject(t)) {
		return Ticket{}, ErrNotFound
	}
	return t, nil
}

// event makes a line of the journal about a ticket.
func event(kind EventType, t Ticket, at Clock, by *string, data Data) Event {
	return Event{
		At: at(), Type: kind, TicketID: &t.ID, CitizenID: t.CitizenID, Department: t.Department, AgentID: by, Data: data,
	}
}
