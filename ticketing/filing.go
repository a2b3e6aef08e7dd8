package ticketing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/routing"
	"guichet/routing/words"
)

// filing is the work of one transaction: what is known is read in a few statements, each message is decided in memory and in order,
// and everything is written in a few statements at the end.
type filing struct {
	desk   *Desk
	tx     Nouns
	town   *Snapshot
	now    time.Time
	onDuty map[string]string
	held   *release // what waits in quarantine and is filed now; nil: the messages have just arrived

	citizens map[string]Citizen // by the address they claim, or the number that is theirs alone
	shared   map[string]bool    // numbers several citizens have
	talks    map[ConversationKey]Conversation
	refused  map[ConversationKey]bool
	tickets  map[string]*Ticket           // those named by the evidence, and the new ones
	knows    map[string]map[string]bool   // per ticket, the addresses that belong to it
	byID     map[string][]FiledUnder      // by Message-ID
	byTag    map[string]string            // ticket ids by reference
	acks     map[string][]Acknowledgement // of the last days, per address

	fresh      []*Ticket // without a number until the end
	joined     map[string]*Ticket
	newPeople  []Citizen
	contacts   []Contact
	people     []Participant
	links      []Link
	refusals   []Refusal
	messages   []Message
	files      []Attachment
	deliveries []Delivery
	bounces    []bounce
	events     []Event
	withheld   []string // why acknowledgements were not sent
	touched    []string
	results    []*Ticket // per message of the group, nil for a duplicate that has no ticket
	filed      []channels.Filed
	effects    effects
}

func (f *filing) run(ctx context.Context, group []channels.Inbound, originals []Original, blobs [][]Attachment) error {
	added, err := f.keep(ctx, originals)
	if err != nil {
		return wrap("originals", err)
	}
	if err := f.tx.AddCopies(ctx, copiesOf(group, f.now)); err != nil {
		return wrap("copies", err)
	}
	f.filed = make([]channels.Filed, len(group))
	f.results = make([]*Ticket, len(group))
	var news []int
	for i, in := range group {
		key := OriginalKey{string(in.Channel), in.Key}
		if !added[key] {
			f.filed[i].Result = channels.Duplicate
			continue
		}
		delete(added, key) // the same message twice in one group: the second is a duplicate
		if in.Quarantine != "" {
			f.filed[i].Result = channels.Quarantined
			f.events = append(f.events, heldEvent(EventQuarantined, originals[i], f.now, nil))
			continue
		}
		news = append(news, i)
	}
	if len(news) > 0 {
		if err := f.read(ctx, group, news); err != nil {
			return err
		}
		for _, i := range news {
			if err := f.one(ctx, i, group[i], originals[i], blobs[i]); err != nil {
				return fmt.Errorf("message %d of the group: %w", i+1, err)
			}
		}
	}
	if err := f.write(ctx); err != nil {
		return err
	}
	return f.duplicates(ctx, group)
}

// keep inserts the originals and tells which are new; or takes the one that waits out of quarantine, unless somebody was faster.
func (f *filing) keep(ctx context.Context, originals []Original) (map[OriginalKey]bool, error) {
	if f.held == nil {
		return f.tx.AddOriginals(ctx, originals)
	}
	o, err := f.tx.LockOriginal(ctx, f.held.original.ID)
	if err != nil || o.State != OriginalQuarantined {
		return nil, err
	}
	o.State = OriginalFiled
	f.events = append(f.events, heldEvent(EventQuarantineLeft, o, f.now, &f.held.by.ID))
	return map[OriginalKey]bool{{o.Channel, o.Key}: true}, f.tx.SaveOriginal(ctx, o)
}

// read loads what the new messages may belong to.
func (f *filing) read(ctx context.Context, group []channels.Inbound, news []int) error {
	var senders, answered, cited, tags []string
	ids := map[string]bool{}
	for _, i := range news {
		from := Writer(group[i])
		if contactType(from.Value) == "email" && from.Value != "" {
			senders = append(senders, from.Value)
		}
		if to := acknowledged(group[i]); to != "" {
			answered = append(answered, to)
		}
		c := citedIDs(group[i])
		cited = append(cited, c...)
		for _, id := range f.desk.keys.signedTickets(group[i], c) {
			ids[id] = true
		}
		tags = append(tags, taggedReferences(group[i].Subject)...)
	}
	var err error
	if f.citizens, err = f.tx.CitizensByContacts(ctx, "email", senders); err != nil {
		return wrap("citizens", err)
	}
	under, err := f.tx.TicketsOfMessages(ctx, string(group[news[0]].Channel), cited)
	if err != nil {
		return wrap("messages", err)
	}
	f.byID = map[string][]FiledUnder{}
	for _, u := range under {
		f.byID[u.ExternalID] = append(f.byID[u.ExternalID], u)
		ids[u.TicketID] = true
	}
	f.byTag = map[string]string{}
	f.tickets, f.knows, f.joined = map[string]*Ticket{}, map[string]map[string]bool{}, map[string]*Ticket{}
	if len(tags) > 0 {
		tagged, err := f.tx.TicketsByReferences(ctx, tags)
		if err != nil {
			return wrap("references", err)
		}
		for _, t := range tagged {
			f.byTag[t.Reference()] = t.ID
			ids[t.ID] = true
		}
	}
	if f.acks, err = f.tx.Acknowledgements(ctx, answered, f.now.Add(-bouncedFor)); err != nil {
		return wrap("acknowledgements", err)
	}
	if err := f.readNumbers(ctx, group, news, ids); err != nil {
		return err
	}
	if err := f.hold(ctx); err != nil {
		return err
	}
	return f.load(ctx, ids)
}

// load reads tickets, what they were merged into, and who belongs to them.
func (f *filing) load(ctx context.Context, ids map[string]bool) error {
	wanted := keysOf(ids)
	for range 10 {
		if len(wanted) == 0 {
			return nil
		}
		rows, err := f.tx.LockTickets(ctx, wanted) // an agent may be at work on one of them
		if err != nil {
			return wrap("tickets", err)
		}
		people, err := f.tx.Participants(ctx, wanted)
		if err != nil {
			return wrap("participants", err)
		}
		for _, p := range people {
			f.know(p.TicketID, p.Value)
		}
		wanted = nil
		for i := range rows {
			f.tickets[rows[i].ID] = &rows[i]
			if into := rows[i].MergedInto; into != nil && f.tickets[*into] == nil {
				wanted = append(wanted, *into)
			}
		}
	}
	return nil
}

func (f *filing) know(ticketID, address string) {
	if f.knows[ticketID] == nil {
		f.knows[ticketID] = map[string]bool{}
	}
	f.knows[ticketID][address] = true
}

// maxShown is how much of a text is kept to be shown, in bytes. The original keeps all of it.
const maxShown = 2 << 20

// one decides one message.
func (f *filing) one(ctx context.Context, i int, in channels.Inbound, o Original, files []Attachment) error {
	if in.Report != nil && in.Automatic == "" {
		in.Automatic = "bounce"
	}
	if in.Spam != "" && in.Silent == "" {
		in.Silent = "spam"
	}
	from := Writer(in)
	placement := Place(in, f.evidence(in), f.arrived(in))
	if in.Report != nil {
		placement.Stranger = false // a mail server is nobody who could be known
	}
	t := placement.Ticket
	if t == nil {
		t = f.open(in, f.citizen(in, from), placement)
		f.filed[i].Result = channels.Created
	} else {
		if c, ok := f.citizens[from.Value]; ok && !placement.Stranger && !in.Archived {
			f.touched = append(f.touched, c.ID)
		}
		f.join(t, in)
		f.filed[i].Result = channels.Joined
	}
	f.results[i] = t
	m := Message{
		ID: NewID(), TicketID: t.ID, Direction: In, Channel: string(in.Channel), Line: in.Line,
		FromName: clip(in.From.Name, 300), FromValue: clip(in.From.Value, 320), ReplyTo: replyTo(in, from), To: readable(in.To), Cc: readable(in.Cc),
		Subject: clip(in.Subject, 998), Text: clip(in.Text, maxShown), HTML: clip(in.HTML, maxShown), Folded: in.Folded, Automatic: in.Automatic, Silent: in.Silent,
		ExternalID: clip(in.ID, 998), References: citedIDs(in), OriginalID: &o.ID, Stranger: placement.Stranger,
		Warnings: in.Warnings, At: in.At, CreatedAt: f.now,
	}
	if m.Folded > len(m.Text) {
		m.Folded = 0
	}
	if len(in.Text) > maxShown || len(in.HTML) > maxShown {
		m.Warnings = append(slices.Clone(m.Warnings), "long: only the beginning is shown, the original is whole")
	}
	f.messages = append(f.messages, m)
	if m.ExternalID != "" {
		f.byID[m.ExternalID] = append(f.byID[m.ExternalID], FiledUnder{ExternalID: m.ExternalID, TicketID: t.ID, MessageID: m.ID, Direction: In})
	}
	for _, a := range files {
		a.MessageID = m.ID
		f.files = append(f.files, a)
	}
	e := event(EventMessageReceived, *t, f.desk.now, nil, Data{"channel": m.Channel})
	if f.held != nil {
		e.AgentID, e.Data["quarantine"] = &f.held.by.ID, string(o.Reason)
	}
	e.MessageID = &m.ID
	f.events = append(f.events, e)
	if in.Report != nil && !in.Archived {
		if err := f.bounce(ctx, in, t); err != nil {
			return err
		}
	}
	f.spoke(in, t)
	joinedByMachine := in.Automatic != "" && f.filed[i].Result == channels.Joined // it belongs to nobody's conversation
	if from.Value != "" && !placement.Stranger && !joinedByMachine {
		f.participate(t.ID, Participant{TicketID: t.ID, Type: contactType(from.Value), Value: from.Value, Name: clip(from.Name, 300), Role: "sender"})
	}
	for _, c := range in.Cc { // they are on the ticket, but no citizens: one mail may name sixty strangers
		value := strings.ToLower(c.Value)
		if len(f.people) < 5000 && value != "" && !f.ours(value) && !placement.Stranger && !joinedByMachine {
			f.people = append(f.people, Participant{TicketID: t.ID, Type: "email", Value: clip(value, 320), Name: clip(c.Name, 300), Role: "copied"})
		}
	}
	switch {
	case in.Word != "":
		return f.obey(ctx, t, in)
	case f.filed[i].Result != channels.Created:
		return nil
	case in.Channel == channels.SMS:
		f.acknowledgeText(t, in)
		return nil
	}
	return f.acknowledge(t, in, m, from.Name)
}

// readable takes out what no database keeps in an address.
func readable(list []channels.Address) Addresses {
	var clean Addresses
	for _, a := range list {
		clean = append(clean, channels.Address{Name: strings.ReplaceAll(a.Name, "\x00", ""), Value: strings.ReplaceAll(a.Value, "\x00", "")})
	}
	return clean
}

func (f *filing) ours(address string) bool { return f.town.ours(address) }

func (f *filing) participate(ticketID string, p Participant) {
	if !f.knows[ticketID][p.Value] {
		f.people = append(f.people, p)
		f.know(ticketID, p.Value)
	}
}

// replyTo is where an answer to the message goes when it is not where it came from.
func replyTo(in channels.Inbound, writer channels.Address) string {
	if len(in.ReplyTo) > 0 && !strings.EqualFold(in.ReplyTo[0].Value, in.From.Value) {
		return clip(in.ReplyTo[0].Value, 320)
	}
	if !strings.EqualFold(writer.Value, in.From.Value) {
		return writer.Value
	}
	return ""
}

func (f *filing) language(in channels.Inbound) string {
	return f.desk.town.Profile.Choose(words.Language(in.Subject + " " + in.Text))
}

func (f *filing) evidence(in channels.Inbound) Evidence {
	cited := citedIDs(in)
	e := Evidence{
		Signed: append(f.moved(in, cited), f.desk.keys.signedTickets(in, cited)...), Tickets: f.tickets,
		Knows: func(ticketID, address string) bool { return f.knows[ticketID][address] || f.hers(ticketID, address) },
		ReopenWithin: func(code string) int {
			department, _ := f.town.Department(code)
			return department.ReopenWithin
		},
	}
	if talk := f.talks[conversationOf(in)]; talk.TicketID != nil {
		e.Quoted = append(e.Quoted, *talk.TicketID)
	}
	for _, id := range cited {
		for _, u := range f.byID[id] {
			e.Quoted = append(e.Quoted, u.TicketID)
		}
	}
	for _, ref := range taggedReferences(in.Subject) {
		if id := f.byTag[ref]; id != "" {
			e.Tagged = append(e.Tagged, id)
		}
	}
	return e
}

// moved lists the tickets that messages of ours are in which their Message-ID does not tell: they were split off since, or, in what a
// mail server reports, it was signed with a key nobody has any more.
func (f *filing) moved(in channels.Inbound, cited []string) []string {
	var ids []string
	for _, id := range cited {
		signed, ok := f.desk.keys.ReadMessageID(id)
		if !ok && in.Report == nil {
			continue
		}
		for _, u := range f.byID[id] {
			if u.Direction == Out && u.TicketID != signed {
				ids = append(ids, u.TicketID)
			}
		}
	}
	return ids
}

// hers tells whether an address is claimed by the citizen of a ticket.
func (f *filing) hers(ticketID, address string) bool {
	t, c := f.tickets[ticketID], f.citizens[address]
	return t != nil && t.CitizenID != nil && *t.CitizenID == c.ID
}

// open makes a new ticket and routes it.
func (f *filing) open(in channels.Inbound, citizen *Citizen, p Placement) *Ticket {
	line, _ := f.town.Line(in.Line)
	fallback := line.Department
	if _, ok := f.town.Department(fallback); !ok && len(f.town.Departments) > 0 {
		fallback = f.town.Departments[0].Code
	}
	decision := f.town.Rules.Decide(routing.Facts{
		Channel: string(in.Channel), Line: in.Line, Fallback: fallback, Subject: in.Subject, Text: visible(in), Sender: Writer(in).Value,
	})
	if f.held != nil && f.held.department != "" {
		decision = routing.Decision{Department: f.held.department}
	}
	t := &Ticket{
		ID: NewID(), Version: 1, Subject: clip(in.Subject, 998), Status: StatusNew, Channel: string(in.Channel), Line: in.Line,
		Department: decision.Department, Motive: decision.Motive, Priority: priorityOr(decision.Priority), Weight: 1,
		Rule: decision.Rule, Language: f.language(in), ReceivedAt: in.At, RegisteredAt: f.now, UpdatedAt: f.now, QueuedAt: &f.now,
		Preview: preview(visible(in)),
	}
	if citizen != nil {
		t.CitizenID = &citizen.ID
	}
	if in.Spam != "" {
		t.Tags = Strings{TagSpam}
	}
	f.tickets[t.ID] = t
	f.fresh = append(f.fresh, t)
	f.events = append(f.events, event(EventTicketCreated, *t, f.desk.now, nil, Data{
		"rule": decision.Rule, "words": strings.Join(decision.Words, ", "), "motive": decision.Motive,
	}))
	if t.Subject == "" && in.Channel == channels.SMS {
		t.Subject = clip(t.Preview, 80)
	}
	if in.Archived {
		f.shelve(t, in, "archive")
	}
	if in.Word != "" {
		f.shelve(t, in, "word")
	}
	if p.Linked != nil {
		f.links = append(f.links, Link{TicketID: t.ID, OtherID: p.Linked.ID, Kind: p.LinkKind, CreatedAt: f.now})
	}
	return t
}

// visible is the message without the history it quotes.
func visible(in channels.Inbound) string {
	if in.Folded > 0 && in.Folded <= len(in.Text) {
		return in.Text[:in.Folded]
	}
	return in.Text
}

func priorityOr(p string) Priority {
	if p == "" {
		return Normal
	}
	return Priority(p)
}

func preview(text string) string {
	return clip(strings.Join(strings.Fields(clip(text, 600)), " "), 240)
}

// join adds a message to a ticket. A citizen's message wakes it; a machine's changes nothing but its date.
func (f *filing) join(t *Ticket, in channels.Inbound) {
	if !slices.Contains(f.fresh, t) {
		f.joined[t.ID] = t
	}
	t.UpdatedAt = f.now
	if in.Archived {
		f.continueShelved(t, in)
		return
	}
	if in.Automatic != "" || in.Word != "" {
		return
	}
	t.Preview = preview(visible(in))
	t.SnoozedUntil = nil // she does not wait for what was to be waited for
	switch t.Status {
	case StatusClosed:
		t.Status, t.Outcome, t.ClosedAt = StatusOpen, "", nil
		f.events = append(f.events, event(EventTicketReopened, *t, f.desk.now, nil, Data{"reason": "citizen"}))
		f.wake(t)
	case StatusWaiting:
		t.Status = StatusOpen
		f.wake(t)
	}
}

// wake gives an open ticket to its agent if she is on duty, else back to its queue.
func (f *filing) wake(t *Ticket) {
	if t.AssigneeID != nil {
		if f.onDuty == nil || present(f.onDuty[*t.AssigneeID]) {
			return
		}
		f.events = append(f.events, event(EventTicketReleased, *t, f.desk.now, nil, Data{"agent": *t.AssigneeID, "reason": "off duty"}))
		t.AssigneeID = nil
	}
	t.QueuedAt = &f.now
}

func present(state string) bool { return state == "available" || state == "busy" || state == "paused" }

// write numbers the new tickets and writes everything down.
func (f *filing) write(ctx context.Context) error {
	if err := f.number(ctx); err != nil {
		return err
	}
	if err := f.claim(ctx); err != nil {
		return err
	}
	tickets := make([]Ticket, len(f.fresh))
	for i, t := range f.fresh {
		tickets[i] = *t
		f.effects.settle(*t, f.desk.now)
	}
	steps := []struct {
		what string
		do   func() error
	}{
		{"citizens", func() error { return f.tx.AddCitizens(ctx, f.newPeople) }},
		{"tickets", func() error { return f.tx.AddTickets(ctx, tickets) }},
		{"participants", func() error { return f.tx.AddParticipants(ctx, f.people) }},
		{"links", func() error { return f.tx.AddLinks(ctx, f.links) }},
		{"messages", func() error { return f.tx.AddMessages(ctx, f.messages) }},
		{"attachments", func() error { return f.tx.AddAttachments(ctx, f.files) }},
		{"conversations", func() error { return f.tx.SaveConversations(ctx, valuesOf(f.talks)) }},
		{"refusals", func() error { return f.tx.SaveRefusals(ctx, f.refusals) }},
		{"deliveries", func() error { return f.tx.AddDeliveries(ctx, f.deliveries) }},
		{"contact dates", func() error { return f.tx.TouchCitizens(ctx, f.touched, f.now) }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return wrap(s.what, err)
		}
	}
	for _, id := range keysOf(f.joined) {
		t := f.joined[id]
		if err := f.tx.SaveTicket(ctx, t); err != nil {
			return wrap("ticket "+t.Reference(), err)
		}
		f.effects.settle(*t, f.desk.now)
	}
	for _, b := range f.bounces {
		changed, err := f.tx.Bounce(ctx, b.messageID, b.words, f.now)
		if err != nil {
			return wrap("bounce", err)
		}
		if changed {
			f.events = append(f.events, b.event)
		}
	}
	f.effects.outbox = len(f.deliveries) > 0
	f.effects.fetch = slices.ContainsFunc(f.files, func(a Attachment) bool { return !a.Here() })
	for i, t := range f.results {
		if t != nil {
			f.filed[i].Reference = t.Reference()
		}
	}
	return wrap("events", f.tx.AddEvents(ctx, f.events))
}

// number gives the new tickets their references and completes the acknowledgements that name them.
func (f *filing) number(ctx context.Context) error {
	if len(f.fresh) == 0 {
		return nil
	}
	year := f.now.In(f.desk.town.Profile.Zone).Year()
	first, err := f.tx.TakeNumbers(ctx, year, len(f.fresh))
	if err != nil {
		return wrap("numbers", err)
	}
	for i, t := range f.fresh {
		t.Year, t.Number = year, first+i
	}
	for i := range f.messages {
		m := &f.messages[i]
		if m.Automatic != "acknowledgement" || m.Direction != Out {
			continue
		}
		if err := f.desk.fillAcknowledgement(f.town, m, *f.tickets[m.TicketID]); err != nil {
			return wrap("acknowledgement", err)
		}
	}
	return nil
}

// duplicates answers for messages that were filed before: their ticket, and, seen through another department's mailbox, that
// department as a participant.
func (f *filing) duplicates(ctx context.Context, group []channels.Inbound) error {
	var keys []OriginalKey
	for i, in := range group {
		if f.filed[i].Result == channels.Duplicate {
			keys = append(keys, OriginalKey{string(in.Channel), in.Key})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := f.tx.TicketsOfOriginals(ctx, keys)
	if err != nil {
		return wrap("originals", err)
	}
	var ids []string
	for _, id := range found {
		ids = append(ids, id)
	}
	rows, err := f.tx.TicketsByIDs(ctx, ids)
	if err != nil {
		return wrap("tickets", err)
	}
	byID := map[string]Ticket{}
	for _, t := range rows {
		byID[t.ID] = t
	}
	var people []Participant
	for i, in := range group {
		t, ok := byID[found[OriginalKey{string(in.Channel), in.Key}]]
		if f.filed[i].Result != channels.Duplicate || !ok {
			continue
		}
		f.filed[i].Reference = t.Reference()
		line, ok := f.town.Line(in.Line)
		if ok && line.Department != t.Department && in.Line != t.Line {
			people = append(people, Participant{TicketID: t.ID, Type: "department", Value: line.Department, Role: "department"})
		}
	}
	return wrap("participants", f.tx.AddParticipants(ctx, people))
}
