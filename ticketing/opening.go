package ticketing

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"
)

// Opening is a sealed department's ticket that an agent of another one opened with a reason, to read it for a while.
type Opening struct {
	ID         string `gorm:"primaryKey"`
	TicketID   string
	AgentID    string
	Department string // the ticket's then: it is this one that was told
	Reason     string
	At         time.Time
	Until      time.Time
}

// openFor is how long a ticket that was opened with a reason can be read, and maxOpenings how many an agent may have at once.
const (
	openFor     = time.Hour
	maxOpenings = 5
)

// opens tells whether one of these lets a ticket be read.
func opens(openings []Opening, t Ticket) bool {
	return slices.ContainsFunc(openings, func(o Opening) bool { return o.TicketID == t.ID && o.Department == t.Department })
}

// BreakGlass lets an agent read, for an hour, a ticket of a sealed department of which she knows only that it exists. She says why; her
// reason is in the ticket's story, told to the department at once, and in the ledger of the data protection officer. She can change
// nothing and finds it in no list. A hidden department's tickets can't be opened so: that a line of them existed would already tell
// what the citizen was promised nobody would learn, and a colleague could be the person she hides from. token is Reserved.Token.
func (d *Desk) BreakGlass(ctx context.Context, a Actor, token, reason string) (Ticket, Opening, error) {
	reason = strings.TrimSpace(reason)
	switch {
	case a.ReadOnly:
		return Ticket{}, Opening{}, ErrForbidden
	case reason == "":
		return Ticket{}, Opening{}, invalid("reason", "empty")
	case len(reason) > maxPurpose:
		return Ticket{}, Opening{}, invalid("reason", "too_long")
	}
	var t Ticket
	var o Opening
	err := d.store.InTx(ctx, func(tx Nouns) error {
		var err error
		if t, err = d.reserved(ctx, tx, a, token); err != nil {
			return err
		}
		now := d.now()
		open, err := tx.OpenedBy(ctx, a.ID, now)
		if err != nil {
			return err
		}
		if len(open) >= maxOpenings {
			return conflict("too_many_openings")
		}
		o = Opening{
			ID: NewID(), TicketID: t.ID, AgentID: a.ID, Department: t.Department, Reason: reason, At: now, Until: now.Add(openFor),
		}
		if err := tx.AddOpening(ctx, o); err != nil {
			return err
		}
		citizenID := ""
		if t.CitizenID != nil {
			citizenID = *t.CitizenID
		}
		if err := look(ctx, tx, now, a, citizenID, t.ID, reason); err != nil {
			return err
		}
		return tx.AddEvents(ctx, []Event{event(EventTicketOpened, t, d.now, &a.ID, Data{"reason": reason})})
	})
	if err != nil {
		return Ticket{}, Opening{}, err
	}
	d.after(ctx, effects{})
	return t, o, nil
}

// Reserved gives what an agent may know of the exchange a token names, before she opens it.
func (d *Desk) Reserved(ctx context.Context, a Actor, token string) (day time.Time, citizenID string, err error) {
	t, err := d.reserved(ctx, d.store, a, token)
	if err != nil {
		return time.Time{}, "", err
	}
	citizenID, _, _ = strings.Cut(token, ".")
	return dayOf(t.ReceivedAt, d.town.Profile.Zone), citizenID, nil
}

// reserved finds the ticket a token names to this actor.
func (d *Desk) reserved(ctx context.Context, tx Nouns, a Actor, token string) (Ticket, error) {
	citizenID, _, ok := strings.Cut(token, ".")
	if !ok || len(token) > 100 {
		return Ticket{}, ErrNotFound
	}
	tickets, err := reservedTickets(ctx, tx, d.town.Now(), a, citizenID)
	if err != nil {
		return Ticket{}, err
	}
	for _, t := range tickets {
		if subtle.ConstantTimeCompare([]byte(reservedToken(a, citizenID, t)), []byte(token)) == 1 {
			return t, nil
		}
	}
	return Ticket{}, ErrNotFound
}

// readable reads a ticket the actor may see, or has opened with a reason.
func (r *Reader) readable(ctx context.Context, a Actor, reference string) (Ticket, error) {
	year, number, ok := ParseReference(reference)
	if !ok {
		return Ticket{}, ErrNotFound
	}
	t, err := r.store.Ticket(ctx, year, number)
	if err != nil {
		return Ticket{}, err
	}
	if err := r.sees(ctx, a, t); err != nil {
		return Ticket{}, err
	}
	return t, nil
}

// sees refuses a ticket the actor may not see and has not opened with a reason.
func (r *Reader) sees(ctx context.Context, a Actor, t Ticket) error {
	on := r.town.Now().Subject(t)
	if a.Can(ActSee, on) {
		return nil
	}
	if on.Visibility != Sealed { // it may have become hidden since
		return ErrNotFound
	}
	openings, err := r.store.OpenedBy(ctx, a.ID, r.now())
	if err != nil {
		return err
	}
	if !opens(openings, t) {
		return ErrNotFound
	}
	return nil
}

// looked notes that an actor is shown a ticket, if its department is not open.
func (r *Reader) looked(ctx context.Context, a Actor, t Ticket) error {
	if r.town.Now().Subject(t).Visibility == Open {
		return nil
	}
	citizenID := ""
	if t.CitizenID != nil {
		citizenID = *t.CitizenID
	}
	return look(ctx, r.store, r.now(), a, citizenID, t.ID, "")
}

// openingsShown is for how long the supervisors of a department are reminded of what was opened.
const openingsShown = 24 * time.Hour

// OpenedTicket is an opening and the reference of its ticket.
type OpenedTicket struct {
	Opening
	Reference string
}

// Openings tells the supervisors of sealed departments what others have opened of theirs within a day, newest first.
func (r *Reader) Openings(ctx context.Context, a Actor) ([]OpenedTicket, error) {
	var codes []string
	for _, d := range r.town.Now().Departments {
		if d.Visibility == Sealed && a.Standing(d.Code).Supervisor {
			codes = append(codes, d.Code)
		}
	}
	if len(codes) == 0 {
		return nil, nil
	}
	openings, err := r.store.OpeningsSince(ctx, codes, r.now().Add(-openingsShown), 20)
	if err != nil || len(openings) == 0 {
		return nil, err
	}
	ids := map[string]bool{}
	for _, o := range openings {
		ids[o.TicketID] = true
	}
	tickets, err := r.store.TicketsByIDs(ctx, keysOf(ids))
	if err != nil {
		return nil, err
	}
	var list []OpenedTicket
	for _, o := range openings {
		for _, t := range tickets {
			if t.ID == o.TicketID && a.Can(ActSee, r.town.Now().Subject(t)) {
				list = append(list, OpenedTicket{Opening: o, Reference: t.Reference()})
			}
		}
	}
	return list, nil
}
