package ticketing

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"guichet/routing"
)

// Take gives the actor the best ticket of a department's queue, or, when department is empty, of all the departments she works in:
// the most urgent, and of these the one that has waited longest. None: there is nothing to take (nil ticket, nil error), or she has as many as she may
// (ErrFull). The claim in Redis keeps two agents from being sent to one ticket; the row decides.
func (d *Desk) Take(ctx context.Context, a Actor, department string) (*Ticket, error) {
	queues, err := d.queuesFor(ctx, a, department)
	if err != nil {
		return nil, err
	}
	for _, queue := range queues {
		t, err := d.takeFrom(ctx, a, queue)
		if t != nil || err != nil {
			return t, err
		}
	}
	return nil, nil
}

func (d *Desk) queuesFor(ctx context.Context, a Actor, department string) ([]string, error) {
	s := d.town.Now()
	if department != "" {
		row, ok := s.Department(department)
		if !ok || !a.Sees(row) {
			return nil, ErrNotFound
		}
		if !a.Can(ActTake, Subject{Department: department, Visibility: row.Visibility}) {
			return nil, ErrForbidden
		}
		return []string{department}, nil
	}
	depths, err := d.router.Depths(ctx)
	if err != nil {
		return nil, &Error{Code: CodeUnavailable, Reason: "redis", Err: err}
	}
	var queues []string
	for _, row := range s.Works(a) {
		if depths[row.Code].Waiting > 0 && !a.ReadOnly {
			queues = append(queues, row.Code)
		}
	}
	slices.SortStableFunc(queues, func(x, y string) int {
		return cmp.Or(cmp.Compare(depths[y].Next, depths[x].Next), depths[x].NextSince.Compare(depths[y].NextSince))
	})
	return queues, nil
}

// takeFrom claims until a claim holds. An item whose ticket somebody has already, or that is closed, falls out of the queue.
func (d *Desk) takeFrom(ctx context.Context, a Actor, queue string) (*Ticket, error) {
	for range 50 { // more lost claims than this in a row means that the queue is wrong; Reconcile will put it right
		id, result, err := d.router.Claim(ctx, queue, a.ID, a.Capacity)
		if err != nil {
			return nil, &Error{Code: CodeUnavailable, Reason: "redis", Err: err}
		}
		switch result {
		case routing.Empty:
			return nil, nil
		case routing.Full:
			return nil, ErrFull
		}
		t, err := d.assign(ctx, a, id, queue, 0)
		if err == nil {
			return &t, nil
		}
		if rerr := d.router.Release(context.WithoutCancel(ctx), id, a.ID); rerr != nil {
			d.log.Warn("a lost claim stays until the next reconcile", "ticket_id", id, "error", rerr)
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return nil, err // the database failed: Reconcile puts the ticket back
		}
	}
	return nil, nil
}

// assign is the second step of a claim: the row decides who has the ticket. department is where the claim found it, ifMatch the
// version the agent has seen (0: any).
func (d *Desk) assign(ctx context.Context, a Actor, id, department string, ifMatch int) (Ticket, error) {
	var t Ticket
	err := d.store.InTx(ctx, func(tx Nouns) error {
		ok, err := tx.Assign(ctx, id, a.ID, d.now())
		if err != nil {
			return err
		}
		if !ok {
			return conflict("already_taken")
		}
		rows, err := tx.TicketsByIDs(ctx, []string{id})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		t = rows[0]
		if t.Department != department { // transferred meanwhile, perhaps to where she sees nothing
			return conflict("moved")
		}
		if ifMatch > 0 && t.Version != ifMatch+1 {
			t.Version-- // her own step does not count, and is undone
			return d.stale(ctx, tx, a, t, ifMatch)
		}
		return tx.AddEvents(ctx, []Event{event(EventTicketTaken, t, d.now, &a.ID, Data{"agent": a.ID})})
	})
	if err == nil {
		d.after(ctx, effects{})
	}
	return t, err
}

// Claim gives the actor a ticket she chose. One that waits for the citizen becomes hers and goes on waiting.
func (d *Desk) Claim(ctx context.Context, a Actor, reference string, ifMatch int) (Ticket, error) {
	t, err := d.find(ctx, d.store, a, ActTake, reference, ifMatch)
	switch {
	case err != nil:
		return t, err
	case t.AssigneeID != nil && *t.AssigneeID == a.ID:
		return t, nil
	case t.AssigneeID != nil:
		return t, conflict("already_taken")
	case t.Status == StatusClosed:
		return t, conflict("closed")
	case t.Status == StatusWaiting:
		return d.hand(ctx, a, ActTake, reference, a.ID, Data{"agent": a.ID}, ifMatch, func(t Ticket) error {
			if t.AssigneeID != nil || t.Status != StatusWaiting {
				return conflict("already_taken")
			}
			return nil
		})
	}
	result, err := d.router.ClaimItem(ctx, t.ID, a.ID, t.Weight, a.Capacity)
	switch {
	case err != nil:
		return t, &Error{Code: CodeUnavailable, Reason: "redis", Err: err}
	case result == routing.Full:
		return t, ErrFull
	case result == routing.Taken:
		return t, conflict("already_taken")
	}
	taken, err := d.assign(ctx, a, t.ID, t.Department, ifMatch)
	if errors.Is(err, ErrConflict) {
		now, ferr := d.find(ctx, d.store, a, ActTake, reference, 0)
		if ferr == nil && now.AssigneeID != nil && *now.AssigneeID == a.ID { // she clicked twice, and the other click won
			return now, nil
		}
	}
	if err != nil {
		if rerr := d.router.Release(context.WithoutCancel(ctx), t.ID, a.ID); rerr != nil {
			d.log.Warn("a lost claim stays until the next reconcile", "ticket_id", t.ID, "error", rerr)
		}
	}
	return taken, err
}

// Assign gives a ticket to a colleague who works in its department, whoever had it before. Her capacity is the supervisor's to judge.
func (d *Desk) Assign(ctx context.Context, a Actor, reference, agentEmail, reason string, ifMatch int) (Ticket, error) {
	s := d.town.Now()
	agent, ok := s.AgentByEmail(agentEmail)
	if !ok {
		agent, ok = s.Agent(agentEmail)
	}
	colleague, active := s.Actor(agent.ID, false)
	return d.hand(ctx, a, ActAssign, reference, agent.ID, Data{"agent": agent.ID, "reason": clip(reason, 500)}, ifMatch, func(t Ticket) error {
		if !ok || !active || !colleague.Can(ActTake, s.Subject(t)) {
			return invalid("agent", "not_in_department")
		}
		return nil
	})
}

// hand makes a ticket an agent's, whoever had it, if check has nothing against it.
func (d *Desk) hand(ctx context.Context, a Actor, do Action, reference, agentID string, data Data, ifMatch int, check func(Ticket) error) (Ticket, error) {
	return d.move(ctx, a, do, reference, ifMatch, func(t *Ticket, now time.Time) ([]Event, error) {
		if t.Status == StatusClosed {
			return nil, conflict("closed")
		}
		if t.AssigneeID != nil && *t.AssigneeID == agentID {
			return nil, nil
		}
		if err := check(*t); err != nil {
			return nil, err
		}
		data := maps.Clone(data)
		if t.AssigneeID != nil {
			data["from"] = *t.AssigneeID
		}
		t.AssigneeID, t.QueuedAt = &agentID, nil
		if t.TakenAt == nil {
			t.TakenAt = &now
		}
		if t.Status == StatusNew {
			t.Status = StatusOpen
		}
		kind := EventTicketAssigned
		if agentID == a.ID {
			kind = EventTicketTaken
		}
		return []Event{event(kind, *t, d.now, &a.ID, data)}, nil
	})
}

// Release gives a ticket back to its queue: one's own, or, as a supervisor, a colleague's. The status stays.
func (d *Desk) Release(ctx context.Context, a Actor, reference, reason string, ifMatch int) (Ticket, error) {
	s := d.town.Now()
	return d.move(ctx, a, ActTake, reference, ifMatch, func(t *Ticket, now time.Time) ([]Event, error) {
		if t.AssigneeID == nil {
			return nil, nil
		}
		if *t.AssigneeID != a.ID && !a.Can(ActAssign, s.Subject(*t)) {
			return nil, ErrForbidden
		}
		data := Data{"agent": *t.AssigneeID, "reason": clip(reason, 500)}
		t.AssigneeID = nil
		if t.Status == StatusNew || t.Status == StatusOpen {
			t.QueuedAt = &now
		}
		return []Event{event(EventTicketReleased, *t, d.now, &a.ID, data)}, nil
	})
}
