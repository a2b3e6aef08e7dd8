package ticketing

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// hearing is the work of one transaction: what was told of one call.
type hearing struct {
	desk  *Desk
	tx    Nouns
	town  *Snapshot
	now   time.Time
	news  channels.CallNews
	voice *Attachment

	call    Call
	agent   *Agent  // who took the call, as far as we know her
	ticket  *Ticket // the call's
	fresh   bool
	events  []Event
	effects effects
}

func (h *hearing) run(ctx context.Context) error {
	var err error
	h.call, err = h.tx.LockCall(ctx, Call{
		ID: NewID(), Exchange: clip(h.news.Exchange, 100), Key: clip(h.news.ID, 200), Day: h.now.In(h.desk.town.Profile.Zone).Format(time.DateOnly),
		Direction: In, CreatedAt: h.now,
	}, h.now.Add(-sameCall))
	if err != nil {
		return wrap("call", err)
	}
	before := h.call
	h.call.hear(h.news, h.news.At)
	h.call.Department = h.department()
	if err := h.whose(ctx); err != nil {
		return err
	}
	if h.agent = h.town.agentAt(h.call.AnsweredBy); h.agent != nil {
		h.call.AgentID = &h.agent.ID
	}
	if rings := h.town.agentsAt(h.news.Agents); h.news.Step == channels.CallRang && len(rings) > 0 {
		h.call.Rings = rings
	}
	if h.ringsAnew(before) {
		h.tell(EventCallRang, Data{"agents": strings.Join(h.call.Rings, ",")})
	}
	if err := h.file(ctx, before); err != nil {
		return err
	}
	if err := h.said(ctx); err != nil {
		return err
	}
	if err := h.save(ctx); err != nil {
		return err
	}
	return wrap("events", h.tx.AddEvents(ctx, h.events))
}

// ringsAnew tells whether a call began to ring, or rings on where it did not: at another telephone, in another department.
func (h *hearing) ringsAnew(before Call) bool {
	if h.call.RangAt == nil || h.call.Answered() || h.call.over() {
		return false
	}
	return before.RangAt == nil || before.Department != h.call.Department || !slices.Equal(before.Rings, h.call.Rings)
}

// department is whose call it is: the one that was asked for, else the line's, else the first of the town.
func (h *hearing) department() string {
	line, _ := h.town.Line(h.call.Line)
	for _, code := range []string{h.call.Department, line.Department} {
		if _, ok := h.town.Department(code); ok {
			return code
		}
	}
	if len(h.town.Departments) > 0 {
		return h.town.Departments[0].Code
	}
	return ""
}

// whose finds the one citizen who has the number.
func (h *hearing) whose(ctx context.Context) error {
	if h.call.CitizenID != nil || h.call.Number == "" {
		return nil
	}
	owners, err := h.tx.PhoneOwners(ctx, []string{h.call.Number})
	if err != nil {
		return wrap("number", err)
	}
	if c, ok := Decides(owners[h.call.Number]); ok {
		if c, err = livesIn(ctx, h.tx, c.ID); err != nil {
			return wrap("citizen", err)
		}
		h.call.CitizenID = &c.ID
	}
	return nil
}

// file puts the call on its ticket, once it is known to have been taken or missed, and moves the ticket on.
func (h *hearing) file(ctx context.Context, before Call) error {
	if !h.call.Answered() && !h.call.Missed() {
		if h.call.over() && !before.over() { // on no ticket, and nobody waits for it any more
			h.tell(EventCallEnded, Data{"ending": h.call.Ending})
		}
		return nil
	}
	if h.call.TicketID != nil {
		tickets, err := h.tx.LockTickets(ctx, []string{*h.call.TicketID})
		if err != nil || len(tickets) == 0 {
			return wrap("ticket", err)
		}
		h.ticket = &tickets[0]
	} else if err := h.place(ctx); err != nil {
		return err
	}
	if err := h.named(ctx, before); err != nil {
		return err
	}
	switch {
	case h.call.Answered() && (!before.Answered() || h.call.AgentID != nil && before.AgentID == nil):
		if err := h.mend(ctx, before); err != nil {
			return err
		}
		h.answered()
		h.tell(EventCallAnswered, nil)
	case h.call.Missed() && !before.Missed():
		h.missed()
		h.tell(EventCallEnded, Data{"ending": h.call.Ending})
	}
	if h.call.Answered() && h.call.over() && (!before.over() || !before.Answered()) {
		h.hungUp()
		h.tell(EventCallEnded, Data{"ending": h.call.Ending})
	}
	return nil
}

// place finds the ticket of a call: one where this number already waits to be called back, else a new one.
func (h *hearing) place(ctx context.Context) error {
	key := ConversationKey{Channel: string(channels.Phone), Number: h.call.Number}
	if key.Number != "" {
		talks, err := h.tx.LockConversations(ctx, []ConversationKey{key}, h.now)
		if err != nil {
			return wrap("conversation", err)
		}
		if id := talks[key].TicketID; id != nil {
			tickets, err := h.tx.LockTickets(ctx, []string{*id})
			if err != nil {
				return wrap("ticket", err)
			}
			if len(tickets) > 0 && h.continues(tickets[0]) {
				h.ticket = &tickets[0]
			}
		}
	}
	if h.ticket == nil {
		if err := h.open(ctx); err != nil {
			return err
		}
	}
	if h.ticket == nil {
		return nil
	}
	m := callMessage(h.call, h.ticket.ID, h.desk.town.Profile, h.began(), h.now)
	h.call.TicketID, h.call.MessageID = &h.ticket.ID, &m.ID
	if h.call.CitizenID == nil {
		h.call.CitizenID = h.ticket.CitizenID
	}
	if err := h.tx.AddMessages(ctx, []Message{m}); err != nil {
		return wrap("message", err)
	}
	if key.Number == "" {
		return nil
	}
	person := Participant{TicketID: h.ticket.ID, Type: "phone", Value: key.Number, Role: "sender"}
	if err := h.tx.AddParticipants(ctx, []Participant{person}); err != nil {
		return wrap("participant", err)
	}
	return wrap("conversation", h.tx.SaveConversations(ctx, []Conversation{{
		Channel: key.Channel, Number: key.Number, TicketID: &h.ticket.ID, At: h.now,
	}}))
}

// callMessage stands for a call among the messages of its ticket.
func callMessage(c Call, ticketID string, p Profile, at, now time.Time) Message {
	m := Message{
		ID: NewID(), TicketID: ticketID, Direction: c.Direction, Channel: string(channels.Phone), Line: c.Line,
		FromValue: c.Number, AgentID: c.AgentID, At: at, CreatedAt: now,
	}
	if m.Direction == Out {
		m.FromValue, m.FromName, m.To = "", p.Name, Addresses{{Value: c.Number}}
	}
	return m
}

// continues tells whether a call belongs to the ticket its number last spoke of: it is not done, and the same department's. What the
// town hall calls belongs there whichever telephone it is called from.
func (h *hearing) continues(t Ticket) bool {
	return t.Status != StatusClosed && (t.Department == h.call.Department || h.call.Direction == Out)
}

// open makes the ticket of a call, and the record of a caller nobody knows. A call of ours to a number nobody wrote from is nobody's.
func (h *hearing) open(ctx context.Context) error {
	year := h.now.In(h.desk.town.Profile.Zone).Year()
	number, err := h.tx.TakeNumbers(ctx, year, 1)
	if err != nil {
		return wrap("number", err)
	}
	if err := h.record(ctx); err != nil {
		return err
	}
	language := h.desk.town.Profile.Choose()
	subject, err := h.subject(language)
	if err != nil {
		return err
	}
	h.fresh = true
	h.ticket = &Ticket{
		ID: NewID(), Year: year, Number: number, Version: 1, Subject: subject, Status: StatusNew, Channel: string(channels.Phone), Line: h.call.Line,
		Department: h.call.Department, Priority: Normal, Weight: 1, CitizenID: h.call.CitizenID, Language: language,
		ReceivedAt: h.began(), RegisteredAt: h.now, UpdatedAt: h.now, QueuedAt: &h.now,
	}
	if h.call.CitizenID != nil {
		if err := h.tx.TouchCitizens(ctx, []string{*h.call.CitizenID}, h.now); err != nil {
			return wrap("citizen", err)
		}
	}
	if err := h.tx.AddTickets(ctx, []Ticket{*h.ticket}); err != nil {
		return wrap("ticket", err)
	}
	h.events = append(h.events, event(EventTicketCreated, *h.ticket, h.desk.now, nil, nil))
	return nil
}

// record makes the record of a caller whose number no record has. A number several have makes none: an agent says who it was.
func (h *hearing) record(ctx context.Context) error {
	if h.call.CitizenID != nil || h.call.Number == "" {
		return nil
	}
	owners, err := h.tx.PhoneOwners(ctx, []string{h.call.Number})
	if err != nil || len(owners) > 0 {
		return wrap("number", err)
	}
	c, contact := newCitizen(channels.Address{Value: h.call.Number}, h.desk.town.Profile.Choose(), h.now)
	won, err := h.tx.ClaimContacts(ctx, []Contact{contact})
	if err != nil {
		return wrap("contact", err)
	}
	if won[contact.ID] {
		h.call.CitizenID = &c.ID
		return wrap("citizen", h.tx.AddCitizens(ctx, []Citizen{c}))
	}
	claimed, err := h.tx.CitizensByContacts(ctx, contact.Type, []string{contact.Value}) // by a message of this very moment
	if owner, ok := claimed[contact.Value]; ok {
		if owner, err = livesIn(ctx, h.tx, owner.ID); err == nil {
			h.call.CitizenID = &owner.ID
		}
	}
	return wrap("citizen", err)
}

// subject is what an agent reads in a list.
func (h *hearing) subject(language string) (string, error) {
	code := "call_taken"
	switch {
	case h.call.Direction == Out:
		code = "call_made"
	case h.call.Answered():
	case h.call.CallBack:
		code = "call_back"
	case h.call.Ending == EndVoicemail:
		code = "call_voicemail"
	default:
		code = "call_missed"
	}
	return h.town.callSubject(language, code, h.call)
}

// missed puts the ticket into its queue, to be called back in time. A further call changes nothing of when.
func (h *hearing) missed() {
	t := h.ticket
	t.UpdatedAt = h.now
	if t.Status == StatusClosed { // an agent noted her answer while it still rang
		return
	}
	if t.DueAt == nil {
		department, _ := h.town.Department(t.Department)
		due := h.town.Hours.After(h.began(), time.Duration(department.CallBackWithin)*time.Hour)
		t.DueAt = &due
	}
	if t.Status == StatusWaiting {
		t.Status = StatusOpen
	}
	if t.AssigneeID == nil && t.QueuedAt == nil {
		t.QueuedAt = &h.now
	}
	t.SnoozedUntil = nil
}

// answered gives the ticket to the agent who took the call, if nobody has it.
func (h *hearing) answered() {
	t := h.ticket
	t.UpdatedAt = h.now
	if t.FirstReplyAt == nil {
		at := h.now
		if h.call.AnsweredAt != nil {
			at = *h.call.AnsweredAt
		}
		t.FirstReplyAt = &at
	}
	if h.agent == nil || t.AssigneeID != nil || t.Status == StatusClosed || !h.works(*h.agent, *t) {
		return
	}
	t.AssigneeID, t.Status, t.QueuedAt, t.TakenAt = &h.agent.ID, StatusOpen, nil, &h.now
	h.events = append(h.events, event(EventTicketTaken, *t, h.desk.now, &h.agent.ID, nil))
}

// works tells whether an agent may take a ticket.
func (h *hearing) works(a Agent, t Ticket) bool {
	actor, ok := h.town.Actor(a.ID, false)
	return ok && actor.Can(ActTake, h.town.Subject(t))
}

// hungUp closes the ticket of a call that somebody took whom we don't know: it is kept, and nobody has to work on it.
func (h *hearing) hungUp() {
	t := h.ticket
	t.UpdatedAt = h.now
	if !h.fresh && t.DueAt != nil || t.LoggedBy != nil || t.AssigneeID != nil || t.Status == StatusClosed {
		return
	}
	t.Status, t.Outcome, t.ClosedAt, t.QueuedAt = StatusClosed, Answered, &h.now, nil
	h.events = append(h.events, event(EventTicketClosed, *t, h.desk.now, nil, Data{"outcome": string(Answered), "reason": "call"}))
}

// said adds what was spoken: the recording of a voicemail or a conversation, and what a transcription understood. Both may be told again.
func (h *hearing) said(ctx context.Context) error {
	if h.ticket == nil {
		return nil
	}
	var list []Message
	base := Message{
		TicketID: h.ticket.ID, Direction: h.call.Direction, Channel: string(channels.Phone), Line: h.call.Line, FromValue: h.call.Number,
		At: h.news.At, CreatedAt: h.now,
	}
	if spoken := h.news.Recording; spoken != nil {
		m := base
		m.ID, m.ExternalID = NewID(), cmp.Or(clip(spoken.ID, 200), h.call.ID+"/recording")
		if spoken.Warning != "" {
			m.Warnings = Strings{clip(spoken.Warning, 300)}
		}
		if h.voice != nil {
			m.Attachments = []Attachment{*h.voice}
			m.Attachments[0].MessageID = m.ID
			h.effects.fetch = !h.voice.Here()
			if !spoken.Voicemail && !spoken.DeleteAt.IsZero() {
				m.Attachments[0].ExpiresAt = &spoken.DeleteAt
			}
		}
		list = append(list, m)
	}
	if words := strings.TrimSpace(h.news.Words); words != "" {
		m := base
		m.ID, m.ExternalID, m.Automatic, m.Text = NewID(), h.call.ID+"/words", "transcription", clip(words, maxShown)
		list = append(list, m)
		h.ticket.Preview = preview(words)
	}
	for _, m := range list {
		known, err := h.tx.TicketsOfMessages(ctx, m.Channel, []string{m.ExternalID})
		if err != nil {
			return wrap("messages", err)
		}
		if len(known) > 0 {
			continue
		}
		if err := h.tx.AddMessages(ctx, []Message{m}); err != nil {
			return wrap("message", err)
		}
		if err := h.tx.AddAttachments(ctx, m.Attachments); err != nil {
			return wrap("recording", err)
		}
		h.ticket.UpdatedAt = h.now
		e := event(EventMessageReceived, *h.ticket, h.desk.now, nil, Data{"channel": m.Channel})
		e.MessageID = &m.ID
		h.events = append(h.events, e)
	}
	return nil
}

// save writes the call and its ticket.
func (h *hearing) save(ctx context.Context) error {
	if h.ticket != nil && len(h.events) > 0 {
		if err := h.tx.SaveTicket(ctx, h.ticket); err != nil {
			return wrap("ticket "+h.ticket.Reference(), err)
		}
		h.effects.settle(*h.ticket, h.desk.now)
	}
	return wrap("call", h.tx.SaveCall(ctx, h.call))
}

// tell adds an event about the call.
func (h *hearing) tell(kind EventType, data Data) {
	e := Event{At: h.now, Type: kind, CitizenID: h.call.CitizenID, Department: h.call.Department, AgentID: h.call.AgentID, Data: with(data, "call", h.call.ID)}
	if h.ticket != nil {
		e.TicketID, e.Department, e.MessageID = &h.ticket.ID, h.ticket.Department, h.call.MessageID
	}
	h.events = append(h.events, e)
}

// began is when the call began, as far as we know.
func (h *hearing) began() time.Time {
	for _, at := range []*time.Time{h.call.RangAt, h.call.AnsweredAt, h.call.EndedAt} {
		if at != nil {
			return *at
		}
	}
	return h.now
}
