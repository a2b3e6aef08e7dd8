package ticketing

import "context"

// What is told late of a call: its ticket was made knowing less.

// mend takes back what the ticket became because the end of this call was told before who took it: late, to be called back, or done
// with. A ticket that somebody worked on, or that other calls are on, stays as it is.
func (h *hearing) mend(ctx context.Context, before Call) error {
	t := h.ticket
	if !before.over() || t.TakenAt != nil {
		return nil
	}
	calls, err := h.tx.CallsOf(ctx, t.ID)
	if err != nil || len(calls) != 1 {
		return wrap("calls", err)
	}
	if before.Missed() {
		t.DueAt = nil
		if t.Subject, err = h.subject(t.Language); err != nil {
			return err
		}
	}
	if t.Status == StatusClosed && t.Outcome == Answered && h.agent != nil && h.works(*h.agent, *t) {
		t.Status, t.Outcome, t.ClosedAt = StatusOpen, "", nil
		h.events = append(h.events, event(EventTicketReopened, *t, h.desk.now, nil, nil))
	}
	return nil
}

// named makes a ticket that was made without a number the citizen's whose number it is.
func (h *hearing) named(ctx context.Context, before Call) error {
	t := h.ticket
	if t == nil || before.TicketID == nil || before.Number != "" || h.call.Number == "" || t.CitizenID != nil {
		return nil
	}
	if err := h.record(ctx); err != nil {
		return err
	}
	t.CitizenID, t.UpdatedAt = h.call.CitizenID, h.now
	changed := Data{}
	if t.TakenAt == nil {
		subject, err := h.subject(t.Language)
		if err != nil {
			return err
		}
		t.Subject, changed["subject"] = subject, ""
	}
	person := Participant{TicketID: t.ID, Type: "phone", Value: h.call.Number, Role: "sender"}
	if err := h.tx.AddParticipants(ctx, []Participant{person}); err != nil {
		return wrap("participant", err)
	}
	h.events = append(h.events, event(EventTicketChanged, *t, h.desk.now, nil, changed))
	return nil
}
