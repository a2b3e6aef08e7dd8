package ticketing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"guichet/routing"
)

// Journal reads the events once per process, as they are written by any process, and hands them to whoever follows.
type Journal struct {
	store  Store
	router *routing.Router
	log    *slog.Logger

	mu        sync.Mutex
	last      Position
	followers map[chan Event]bool
	closed    bool
}

// NewJournal makes a Journal.
func NewJournal(store Store, router *routing.Router, log *slog.Logger) *Journal {
	return &Journal{store: store, router: router, log: log, followers: map[chan Event]bool{}}
}

// followerBuffer is how many events may wait for one follower. One that falls further behind is let go; a browser comes back and
// says where it was.
const followerBuffer = 512

// Run reads on a hint, and once a second because hints may be lost.
func (j *Journal) Run(ctx context.Context) error {
	last, err := j.store.LastPosition(ctx)
	if ctx.Err() != nil {
		return nil // stopped before it had begun
	}
	if err != nil {
		return wrap("read the journal", err)
	}
	j.mu.Lock()
	j.last = last
	j.mu.Unlock()
	hint, ended := j.router.Wake(ctx, HintJournal)
	defer ended()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer j.closeAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-hint:
		}
		if err := j.read(ctx); err != nil && ctx.Err() == nil {
			j.log.Error("the journal can't be read; live views stand still", "error", err)
		}
	}
}

func (j *Journal) read(ctx context.Context) error {
	for {
		j.mu.Lock()
		last := j.last
		j.mu.Unlock()
		events, err := j.store.EventsAfter(ctx, last, 500)
		if err != nil || len(events) == 0 {
			return err
		}
		j.mu.Lock()
		for _, e := range events {
			for f := range j.followers {
				select {
				case f <- e:
				default:
					delete(j.followers, f)
					close(f)
				}
			}
		}
		j.last = events[len(events)-1].Position()
		j.mu.Unlock()
	}
}

func (j *Journal) closeAll() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for f := range j.followers {
		delete(j.followers, f)
		close(f)
	}
}

// Follow calls emit with each event after a position (nil: from now on), in order, none twice, until ctx ends, emit fails, the
// follower is too slow, or the journal is closed; then it returns. Whether an event may be shown is for the caller to ask with MayFollow.
func (j *Journal) Follow(ctx context.Context, after *Position, emit func(Event) error) error {
	ch := make(chan Event, followerBuffer)
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrUnavailable
	}
	j.followers[ch] = true
	from := j.last
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		delete(j.followers, ch)
		j.mu.Unlock()
	}()
	if after != nil {
		from = *after
	}
	for after != nil { // what was missed, from the database
		events, err := j.store.EventsAfter(ctx, from, 500)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := emit(e); err != nil {
				return err
			}
			from = e.Position()
		}
		if len(events) < 500 {
			break
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-ch:
			if !ok {
				return fmt.Errorf("follower let go after %d events waited", followerBuffer)
			}
			if !from.before(e.Position()) {
				continue
			}
			if err := emit(e); err != nil {
				return err
			}
			from = e.Position()
		}
	}
}

func (p Position) before(q Position) bool { return p.Tx < q.Tx || p.Tx == q.Tx && p.ID < q.ID }

// MayFollow tells whether an actor may learn of an event: those of departments she sees, what goes on in the part of the quarantine
// she may know of, changes of citizens' records, and alarms of the lines she looks after or waits for.
func (s *Snapshot) MayFollow(a Actor, e Event) bool {
	switch e.Type {
	case EventQuarantined, EventQuarantineLeft:
		return a.Can(ActSeeHeld, s.LineSubject(e.Data["line"]))
	case EventCitizenCreated, EventCitizenChanged, EventCitizenDistinct:
		return a.Has(RoleAgent) || a.Has(RoleSupervisor)
	case EventCitizenMerged, EventCitizenUnmerged:
		if e.TicketID == nil {
			return a.Has(RoleAgent) || a.Has(RoleSupervisor)
		}
	case EventChannelAlarm:
		return a.oversees(e.Department) || a.Standing(e.Department).Member
	}
	if e.Department == "" {
		return false
	}
	d, _ := s.Department(e.Department)
	return a.Sees(d)
}
