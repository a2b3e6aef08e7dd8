package agentapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

const (
	maxStreams  = 20               // of one agent at once; a browser has one
	heartbeat   = 15 * time.Second // a comment, so that proxies keep the line; and a look whether she is still signed in
	writeWithin = 10 * time.Second // a client that does not read for so long is let go
	keptScenes  = 1024
)

// eventView is one event of the stream for programs.
type eventView struct {
	ID         string    `json:"id"`
	Type       string    `json:"type" example:"ticket.taken"`
	At         time.Time `json:"at"`
	Ticket     string    `json:"ticket,omitempty" doc:"Its reference."`
	Citizen    string    `json:"citizen,omitempty"`
	Department string    `json:"department,omitempty"`
}

// liveView is one event of the console's stream.
type liveView struct {
	Type       string `json:"type"`
	Ticket     string `json:"ticket,omitempty"`
	Department string `json:"department,omitempty"`
	Mine       bool   `json:"mine"` // the viewer has the ticket, or had it until this
}

// events streams what happens to programs.
func (s *Server) events(c *gin.Context, a ticketing.Actor) error {
	return s.stream(c, a, func(_ ticketing.Actor, e ticketing.Event, sc scene) any {
		v := eventView{ID: eventID(e.Position()), Type: string(e.Type), At: e.At.UTC(), Ticket: sc.reference(), Department: e.Department}
		if e.CitizenID != nil {
			v.Citizen = *e.CitizenID
		}
		return v
	})
}

// consoleEvents streams what happens to the console's pages, which then ask for what they show again.
func (s *Server) consoleEvents(c *gin.Context, a ticketing.Actor) error {
	return s.stream(c, a, func(viewer ticketing.Actor, e ticketing.Event, sc scene) any {
		mine := e.Data["agent"] == viewer.ID || sc.ticket != nil && sc.ticket.AssigneeID != nil && *sc.ticket.AssigneeID == viewer.ID
		return liveView{Type: string(e.Type), Ticket: sc.reference(), Department: e.Department, Mine: mine}
	})
}

// stream follows the journal for one client until she goes, is signed out or too slow, or Guichet stops. Whoever was cut off comes
// back with Last-Event-ID and misses nothing.
func (s *Server) stream(c *gin.Context, a ticketing.Actor, render func(ticketing.Actor, ticketing.Event, scene) any) error {
	if !s.live.enter(a.ID) {
		return &ticketing.Error{Code: codeStreams}
	}
	defer s.live.leave(a.ID)
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	now, err := s.Store.LastPosition(ctx)
	if err != nil {
		return err
	}
	from := now
	if last := c.GetHeader("Last-Event-ID"); last != "" {
		if from, err = readEventID(last); err != nil {
			return wrong("Last-Event-ID", "unknown")
		}
	}
	out := newEventWriter(c)
	if err := out.begin(from); err != nil {
		return err
	}
	events, ended := make(chan ticketing.Event), make(chan error, 1)
	go func() {
		ended <- s.Journal.Follow(ctx, &from, func(e ticketing.Event) error {
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			s.Log.DebugContext(ctx, "a stream ended", "agent_id", a.ID, "error", err)
			return nil
		case <-tick.C:
			if _, err := s.Guard.Again(c.Request); errors.Is(err, auth.ErrSignedOut) {
				return nil
			}
			s.Guard.Seen(ctx, a)
			err = out.comment()
		case e := <-events:
			err = s.show(ctx, out, a, e, later(e.Position(), now), render)
		}
		if err != nil {
			return err
		}
	}
}

// errGone ends a stream whose agent no longer works here.
var errGone = errors.New("the agent's account was closed")

// show sends an event if the actor, as she is now, may know of it: of its department and of the ticket as it is now. That a ticket
// left for where she may not look is all she still learns of it.
func (s *Server) show(ctx context.Context, out *eventWriter, a ticketing.Actor, e ticketing.Event, fresh bool,
	render func(ticketing.Actor, ticketing.Event, scene) any,
) error {
	town := s.Town.Now()
	viewer, ok := town.Actor(a.ID, a.ReadOnly)
	if !ok {
		return errGone
	}
	if !town.MayFollow(viewer, e) {
		return nil
	}
	sc, err := s.live.scene(ctx, s.Store, e, fresh)
	if err != nil {
		return err
	}
	if sc.ticket != nil && !viewer.Can(ticketing.ActSee, town.Subject(*sc.ticket)) {
		if e.Type != ticketing.EventTicketLeft {
			return nil
		}
		e.CitizenID, e.Data = nil, nil
	}
	return out.event(eventID(e.Position()), render(viewer, e, sc))
}

// eventID writes a place in the journal.
func eventID(p ticketing.Position) string { return fmt.Sprintf("%d-%d", p.Tx, p.ID) }

func readEventID(s string) (ticketing.Position, error) {
	tx, id, _ := strings.Cut(s, "-")
	t, errTx := strconv.ParseInt(tx, 10, 64)
	i, errID := strconv.ParseInt(id, 10, 64)
	return ticketing.Position{Tx: t, ID: i}, errors.Join(errTx, errID)
}

// later tells whether p is a place after q.
func later(p, q ticketing.Position) bool { return p.Tx > q.Tx || p.Tx == q.Tx && p.ID > q.ID }

// live is what all streams share: how many each agent has, and the tickets of the last events, read once for everybody.
type live struct {
	mu     sync.Mutex
	open   map[string]int
	scenes map[ticketing.Position]func() (scene, error)
	order  []ticketing.Position // of scenes, oldest first
}

// scene is the ticket an event is about, as it is now; nil when it is about none.
type scene struct{ ticket *ticketing.Ticket }

func (s scene) reference() string {
	if s.ticket == nil {
		return ""
	}
	return s.ticket.Reference()
}

func newLive() *live {
	return &live{open: map[string]int{}, scenes: map[ticketing.Position]func() (scene, error){}}
}

func (l *live) enter(agentID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[agentID] >= maxStreams {
		return false
	}
	l.open[agentID]++
	return true
}

func (l *live) leave(agentID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[agentID]--; l.open[agentID] == 0 {
		delete(l.open, agentID)
	}
}

// count gives how many streams are open.
func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, open := range l.open {
		n += open
	}
	return n
}

// scene reads the ticket of an event. One that happens while streams are open is read by the first of them for all; one that is
// told again to a client who comes back is read again, because the ticket may have moved out of sight since.
func (l *live) scene(ctx context.Context, tickets ticketing.Tickets, e ticketing.Event, fresh bool) (scene, error) {
	if e.TicketID == nil {
		return scene{}, nil
	}
	read := func() (scene, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		rows, err := tickets.TicketsByIDs(ctx, []string{*e.TicketID})
		if err != nil || len(rows) == 0 {
			return scene{}, err
		}
		return scene{ticket: &rows[0]}, nil
	}
	if !fresh {
		return read()
	}
	at := e.Position()
	l.mu.Lock()
	shared, ok := l.scenes[at]
	if !ok {
		shared = sync.OnceValues(read)
		l.keep(at, shared)
	}
	l.mu.Unlock()
	sc, err := shared()
	if err != nil {
		l.forget(at)
	}
	return sc, err
}

func (l *live) keep(at ticketing.Position, read func() (scene, error)) {
	if len(l.order) >= keptScenes {
		delete(l.scenes, l.order[0])
		l.order = l.order[1:]
	}
	l.scenes[at] = read
	l.order = append(l.order, at)
}

func (l *live) forget(at ticketing.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.scenes, at)
	l.order = slices.DeleteFunc(l.order, func(p ticketing.Position) bool { return p == at })
}

// eventWriter writes server-sent events (WHATWG HTML, section 9.2).
type eventWriter struct {
	w    http.ResponseWriter
	conn *http.ResponseController
}

func newEventWriter(c *gin.Context) *eventWriter {
	var inner http.ResponseWriter = c.Writer
	if u, ok := inner.(interface{ Unwrap() http.ResponseWriter }); ok {
		inner = u.Unwrap() // gin's own Flush does nothing when what it wraps must be unwrapped in turn
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would collect it
	return &eventWriter{w: c.Writer, conn: http.NewResponseController(inner)}
}

// begin opens the stream and tells the client where it is, so that it can come back even before the first event.
func (o *eventWriter) begin(at ticketing.Position) error {
	_ = o.conn.SetReadDeadline(time.Time{}) // the server's own deadline is for requests that end
	return o.send("retry: 2000\nid: " + eventID(at) + "\n\n")
}

func (o *eventWriter) comment() error { return o.send(": still here\n\n") }

func (o *eventWriter) event(id string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return o.send("id: " + id + "\ndata: " + string(b) + "\n\n")
}

func (o *eventWriter) send(text string) error {
	_ = o.conn.SetWriteDeadline(time.Now().Add(writeWithin)) // where it can't be set, the connection's own limits hold
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.conn.Flush()
}
