package ticketing

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"guichet/channels"
	"guichet/routing/words"
)

// noting is the work of one transaction: a contact an agent writes down.
type noting struct {
	desk       *Desk
	tx         Nouns
	town       *Snapshot
	actor      Actor
	contact    NewContact
	now        time.Time
	received   time.Time
	directed   bool // the agent said where it goes
	department string
	priority   Priority
	rule       string

	call     *Call
	citizen  Citizen // ID empty: she did not say who she is
	ticket   Ticket
	replayed bool // the same key was used before
	joined   bool // it was written on the ticket of its call
	events   []Event
	effects  effects
}

func (n *noting) run(ctx context.Context) error {
	c := n.contact
	kept, fresh, err := remember(ctx, n.tx, n.actor, c.Key, n.now, "contact", string(c.Channel), c.CitizenID, draftKey(c.Citizen), c.Subject,
		c.Text, c.Motive, c.Department, strconv.FormatBool(c.Answered), stamp(c.ReceivedAt), strings.Join(c.Files, ","), c.Desk,
		strings.Join(c.Documents, "\x00"), string(c.Receipt.By), c.Receipt.To, c.CallID)
	if err != nil {
		return err
	}
	if !fresh {
		return n.replay(ctx, kept)
	}
	if err := n.place(ctx); err != nil {
		return err
	}
	m, err := n.write(ctx)
	if err != nil {
		return err
	}
	if c.Receipt.By != "" {
		given, err := n.desk.giveReceipt(ctx, n.tx, n.town, n.ticket, n.citizen, c.Receipt)
		if err != nil {
			return err
		}
		n.events, n.effects.outbox = append(n.events, given), true
	}
	if err := complete(ctx, n.tx, kept, n.ticket.ID, m.ID); err != nil {
		return err
	}
	n.effects.settle(n.ticket, n.desk.now)
	return n.tx.AddEvents(ctx, n.events)
}

// replay gives the ticket that the same key made.
func (n *noting) replay(ctx context.Context, kept Request) error {
	rows, err := n.tx.TicketsByIDs(ctx, []string{kept.TicketID})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return ErrNotFound
	}
	n.ticket, n.replayed = rows[0], true
	return nil
}

// place finds the ticket of the call, or makes one, and whose it is. Records of citizens are read before the ticket, as everywhere.
func (n *noting) place(ctx context.Context) error {
	if err := n.findCall(ctx); err != nil {
		return err
	}
	joins, err := n.ticketOfCall(ctx)
	if err != nil {
		return err
	}
	if joins != "" {
		if err := n.whose(ctx); err != nil {
			return err
		}
		return n.join(ctx, joins)
	}
	year := n.now.In(n.desk.town.Profile.Zone).Year()
	number, err := n.tx.TakeNumbers(ctx, year, 1)
	if err != nil {
		return err
	}
	if err := n.whose(ctx); err != nil {
		return err
	}
	return n.open(ctx, year, number)
}

// open makes a new ticket, which becomes that of the call if it has none.
func (n *noting) open(ctx context.Context, year, number int) error {
	c := n.contact
	n.ticket = Ticket{
		ID: NewID(), Year: year, Number: number, Version: 1, Subject: c.Subject, Status: StatusNew,
		Channel: string(c.Channel), Department: n.department, Motive: c.Motive, Priority: n.priority, Rule: n.rule, Weight: 1,
		CitizenID: n.citizenID(), Language: n.desk.town.Profile.Choose(n.citizen.Language, words.Language(c.Text)), LoggedBy: &n.actor.ID,
		ReceivedAt: n.received, RegisteredAt: n.now, UpdatedAt: n.now, QueuedAt: &n.now, Preview: preview(c.Text),
	}
	t := &n.ticket
	becomes := n.call != nil && n.call.TicketID == nil
	if becomes {
		t.Line = n.call.Line
	}
	n.events = append(n.events, event(EventTicketCreated, *t, n.desk.now, &n.actor.ID, Data{"rule": n.rule, "motive": t.Motive}))
	if c.Answered {
		t.Status, t.Outcome, t.ClosedAt, t.FirstReplyAt, t.QueuedAt, t.TakenAt = StatusClosed, Answered, &n.now, &n.now, nil, &n.now
		n.events = append(n.events, event(EventTicketClosed, *t, n.desk.now, &n.actor.ID, Data{"outcome": string(Answered)}))
	}
	if err := n.tx.AddTickets(ctx, []Ticket{*t}); err != nil || !becomes {
		return err
	}
	return n.keepCall(ctx)
}

// write adds the message of the contact and who it came from.
func (n *noting) write(ctx context.Context) (Message, error) {
	c, t := n.contact, n.ticket
	m := Message{
		ID: NewID(), TicketID: t.ID, Direction: In, Channel: string(c.Channel), FromName: n.citizen.Name(), Subject: c.Subject,
		Text: c.Text, AgentID: &n.actor.ID, At: n.received, CreatedAt: n.now, Desk: c.Desk, Documents: c.Documents,
	}
	if len(n.citizen.Contacts) > 0 {
		m.FromValue = n.citizen.Contacts[0].Value
	}
	var err error
	if m.Attachments, err = attach(ctx, n.tx, n.actor, m.ID, c.Files); err != nil {
		return m, err
	}
	if err := n.tx.AddMessages(ctx, []Message{m}); err != nil {
		return m, err
	}
	if err := n.tx.AddAttachments(ctx, m.Attachments); err != nil {
		return m, err
	}
	var people []Participant
	for _, contact := range n.citizen.Contacts {
		people = append(people, Participant{TicketID: t.ID, Type: contact.Type, Value: contact.Value, Name: n.citizen.Name(), Role: "sender"})
	}
	if n.joined {
		e := event(EventMessageReceived, t, n.desk.now, &n.actor.ID, Data{"channel": m.Channel})
		e.MessageID = &m.ID
		n.events = append(n.events, e)
	}
	return m, n.tx.AddParticipants(ctx, people)
}

// citizenID is whose the contact is; nil: nobody's that we know.
func (n *noting) citizenID() *string {
	if n.citizen.ID == "" {
		return nil
	}
	return &n.citizen.ID
}

// whose finds the citizen of the contact: whom the agent chose or described, else whose call it is.
func (n *noting) whose(ctx context.Context) error {
	c := n.contact
	if c.CitizenID == "" && n.call != nil && n.call.CitizenID != nil {
		if known, err := n.caller(ctx, cmp.Or(c.Citizen, &CitizenDraft{})); err != nil || known {
			return err
		}
	}
	if c.CitizenID == "" && c.Citizen.nobody() {
		return nil
	}
	var events []Event
	var err error
	n.citizen, events, err = n.desk.draft(ctx, n.tx, c, n.now)
	n.events = append(n.events, events...)
	return err
}

// nobody tells whether a draft says nothing of who it is: neither a name nor how to reach her.
func (w *CitizenDraft) nobody() bool {
	return w == nil || strings.TrimSpace(w.Family+w.Usage+w.Given+w.Organisation) == "" && len(w.Contacts) == 0
}

// unnamed lists the channels on which a citizen need not say who she is.
func unnamed() []channels.Name { return []channels.Name{channels.Phone, channels.Counter} }
