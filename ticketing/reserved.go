package ticketing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Reserved is all that others learn of an exchange of a sealed department: that there was one, and on which day.
type Reserved struct {
	Day   time.Time // midnight in the town's zone
	Token string    // names it to Desk.BreakGlass; it says nothing and serves the actor it was made for alone
	// Reference is the ticket's, while the actor has it open by Desk.BreakGlass; otherwise empty.
	Reference string
}

// maxReserved is how many reserved exchanges of a citizen are told of, the newest.
const maxReserved = 200

// ReservedOf tells which exchanges a citizen had with sealed departments the actor is not of, newest first. Of hidden departments it
// tells nothing. Whoever may read the record may know this much: an agent who gives an appointment must know that there is more.
func (r *Reader) ReservedOf(ctx context.Context, a Actor, citizenID string) ([]Reserved, error) {
	tickets, err := reservedTickets(ctx, r.store, r.town.Now(), a, citizenID)
	if err != nil || len(tickets) == 0 {
		return nil, err
	}
	opened, err := r.store.OpenedBy(ctx, a.ID, r.now())
	if err != nil {
		return nil, err
	}
	list := make([]Reserved, len(tickets))
	for i, t := range tickets {
		list[i] = Reserved{Day: dayOf(t.ReceivedAt, r.town.Profile.Zone), Token: reservedToken(a, citizenID, t)}
		if opens(opened, t) {
			list[i].Reference = t.Reference()
		}
	}
	return list, nil
}

// reservedTickets reads the tickets of a citizen that the actor may only know to exist.
func reservedTickets(ctx context.Context, store Tickets, s *Snapshot, a Actor, citizenID string) ([]Ticket, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return nil, ErrForbidden
	}
	if !IsID(citizenID) {
		return nil, ErrNotFound
	}
	var sealed []string
	for _, d := range s.Departments {
		if d.Visibility == Sealed && !a.Sees(d) {
			sealed = append(sealed, d.Code)
		}
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	rows, err := store.ListTickets(ctx, TicketQuery{
		Scope: TicketScope{Departments: sealed}, Citizen: citizenID, Sort: SortReceived, Limit: maxReserved,
	})
	if err != nil {
		return nil, err
	}
	var tickets []Ticket
	for _, row := range rows {
		if !a.Can(ActSee, s.Subject(row.Ticket)) { // what she wrote down herself and nobody has taken yet, she reads
			tickets = append(tickets, row.Ticket)
		}
	}
	return tickets, nil
}

// reservedToken names a reserved exchange to one agent: the record, which she has before her, and a digest of what she can't know, the
// ticket's identifier. Nobody can make one, or learn from it whether two are of the same department.
func reservedToken(a Actor, citizenID string, t Ticket) string {
	sum := sha256.Sum256([]byte("reserved\x00" + a.ID + "\x00" + citizenID + "\x00" + t.ID))
	return citizenID + "." + hex.EncodeToString(sum[:16])
}

// dayOf is midnight of the day of a moment, in a zone.
func dayOf(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}
