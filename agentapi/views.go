package agentapi

import (
	"time"
	"unicode/utf8"

	"guichet/channels"
	"guichet/ticketing"
)

// page is the shape of every list.
type page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next_cursor,omitempty" doc:"Asks for the next page; left out on the last one."`
}

// TicketRow is a ticket in a list. It is exported because what is embedded is flattened into JSON and schema only then.
type TicketRow struct {
	ID           string      `json:"id"`
	Reference    string      `json:"reference" doc:"What a citizen is told." example:"2026-00412"`
	Version      int         `json:"version" doc:"Rises with every change; for If-Match."`
	Subject      string      `json:"subject"`
	Preview      string      `json:"preview" doc:"The beginning of the citizen's last message."`
	Status       string      `json:"status" enum:"new,open,waiting,closed"`
	Outcome      *string     `json:"outcome" doc:"How a closed ticket ended."`
	Channel      string      `json:"channel" enum:"email,sms,phone,counter,letter,web" doc:"Of its first exchange."`
	Department   string      `json:"department"`
	Motive       *string     `json:"motive"`
	Priority     string      `json:"priority" enum:"low,normal,high,urgent"`
	Assignee     *string     `json:"assignee" doc:"The agent who has it, by id."`
	AssigneeName *string     `json:"assignee_name"`
	Citizen      *citizenRef `json:"citizen" doc:"Null when nobody could be read from the message."`
	Language     string      `json:"language" doc:"To answer in."`
	ReceivedAt   time.Time   `json:"received_at" doc:"When it reached the town hall."`
	RegisteredAt time.Time   `json:"registered_at" doc:"When it was filed."`
	UpdatedAt    time.Time   `json:"updated_at"`
	QueuedAt     *time.Time  `json:"queued_at" doc:"Since when it waits in its queue."`
	FirstReplyAt *time.Time  `json:"first_reply_at" doc:"First answer by a person."`
	ClosedAt     *time.Time  `json:"closed_at"`
	DueAt        *time.Time  `json:"due_at"`
	SnoozedUntil *time.Time  `json:"snoozed_until"`
	MergedInto   *string     `json:"merged_into"`
	Tags         []string    `json:"tags" nullable:"false"`
	Undelivered  bool        `json:"undelivered" doc:"The last message of ours did not arrive. Never told of a closed ticket."`
}

// ticketView is a ticket with all that belongs to it.
type ticketView struct {
	TicketRow
	Participants []participantView `json:"participants" nullable:"false" doc:"Who belongs to it beside its citizen."`
	Deadlines    []deadlineView    `json:"deadlines" nullable:"false"`
	Links        []linkView        `json:"links" nullable:"false" doc:"Tickets tied to it, as far as the caller may know of them."`
	Messages     []messageView     `json:"messages" nullable:"false" doc:"By time."`
	Calls        []callView        `json:"calls" nullable:"false" doc:"Telephone calls, oldest first."`
	Events       []ticketEventView `json:"events" nullable:"false" doc:"What was done to it, oldest first."`
	About        int               `json:"contacts_about,omitempty" doc:"How many contacts of the citizen about the same matter this one ends: tickets with the same motive, or the same words as subject where none has a motive, within 90 days. Left out when nobody could be read from the message."`
}

type citizenRef struct {
	ID   string `json:"id"`
	Name string `json:"name" doc:"Of somebody who left none: a way to reach her."`
	Kind string `json:"kind" enum:"person,family,company,association"`
}

type participantView struct {
	Type  string `json:"type" enum:"email,phone,department"`
	Value string `json:"value"`
	Name  string `json:"name"`
	Role  string `json:"role" enum:"sender,copied,department"`
}

type deadlineView struct {
	Kind  string    `json:"kind"`
	DueAt time.Time `json:"due_at"`
}

type linkView struct {
	Kind      string `json:"kind" enum:"quoted,follows,merged,split" doc:"quoted: one names the other's reference. follows: one continues the other, which was closed. merged: one was merged into the other. split: one was split from the other."`
	Reference string `json:"reference"`
	Subject   string `json:"subject"`
	Status    string `json:"status"`
}

type messageView struct {
	ID              string           `json:"id"`
	Direction       string           `json:"direction" enum:"in,out,note"`
	Channel         string           `json:"channel"`
	From            string           `json:"from" doc:"Address or number; empty when unknown."`
	FromName        string           `json:"from_name"`
	ReplyTo         string           `json:"reply_to,omitempty" doc:"Where the sender wants answers, when it is not where it was written from."`
	To              []string         `json:"to" nullable:"false"`
	Cc              []string         `json:"cc" nullable:"false"`
	Subject         string           `json:"subject"`
	Text            string           `json:"text"`
	HTML            string           `json:"html,omitempty" doc:"As the sender wrote it: never show it unsanitised."`
	FoldedFrom      *int             `json:"folded_from,omitempty" doc:"Where in text quoted history begins, in characters."`
	Attachments     []attachmentView `json:"attachments" nullable:"false"`
	Automatic       bool             `json:"automatic" doc:"A machine wrote it."`
	AutomaticReason string           `json:"automatic_reason,omitempty" doc:"Why it counts as a machine's."`
	Silent          bool             `json:"silent" doc:"Nothing goes out by itself in answer."`
	SilentReason    string           `json:"silent_reason,omitempty"`
	ExternalID      string           `json:"external_id" doc:"Message-ID without brackets, or the provider's identifier."`
	Warnings        []string         `json:"warnings" nullable:"false" doc:"What could not be read."`
	At              time.Time        `json:"at"`
	By              *string          `json:"by" doc:"The agent who wrote it, or wrote it down, by id."`
	ByName          *string          `json:"by_name"`
	Segments        int              `json:"segments,omitempty" doc:"Of a text message: how many the provider counts."`
	Desk            string           `json:"desk,omitempty" doc:"At which counter it was written down."`
	Documents       []string         `json:"documents,omitempty" doc:"Handed over with it, on paper."`
	Delivery        *deliveryView    `json:"delivery" doc:"Null for what is not sent."`
}

type attachmentView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int    `json:"size"`
	Pending bool   `json:"pending,omitempty" doc:"Its provider still keeps it; the event file.fetched says that it came, or never will."`
}

type deliveryView struct {
	State    string `json:"state" enum:"queued,sending,sent,delivered,failed,parked,bounced"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error" doc:"Of the last attempt, or of what came back, in the other side's words."`
	Reason   string `json:"reason,omitempty" enum:"no_such_address,no_such_domain,mailbox_disabled,mailbox_full,too_large,unreachable,refused,said_stop,no_mobile,unknown" doc:"With failed, parked and bounced: why, stable, for programs."`
}

type ticketEventView struct {
	ID      string            `json:"id"`
	Type    string            `json:"type"`
	At      time.Time         `json:"at"`
	By      *string           `json:"by" doc:"The agent who did it, by id; null: Guichet itself, or the citizen."`
	Message *string           `json:"message,omitempty"`
	Data    map[string]string `json:"data,omitempty"`
}

func viewRow(r ticketing.TicketRow) TicketRow {
	t := r.Ticket
	v := TicketRow{
		ID: t.ID, Reference: t.Reference(), Version: t.Version, Subject: t.Subject, Preview: t.Preview, Status: string(t.Status),
		Outcome: orNull(string(t.Outcome)), Channel: t.Channel, Department: t.Department, Motive: orNull(t.Motive),
		Priority: string(t.Priority), Assignee: t.AssigneeID, AssigneeName: orNull(r.AssigneeName), Language: t.Language,
		ReceivedAt: t.ReceivedAt.UTC(), RegisteredAt: t.RegisteredAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), QueuedAt: utc(t.QueuedAt),
		FirstReplyAt: utc(t.FirstReplyAt), ClosedAt: utc(t.ClosedAt), DueAt: utc(t.DueAt), SnoozedUntil: utc(t.SnoozedUntil),
		MergedInto: t.MergedInto, Tags: append([]string{}, t.Tags...), Undelivered: r.Undelivered,
	}
	if t.CitizenID != nil {
		v.Citizen = &citizenRef{ID: *t.CitizenID, Name: r.CitizenName, Kind: string(r.CitizenKind)}
	}
	return v
}

// viewAlone shows a ticket without what belongs to it.
func viewAlone(r ticketing.TicketRow) *ticketView {
	return &ticketView{
		TicketRow: viewRow(r), Participants: []participantView{}, Deadlines: []deadlineView{}, Links: []linkView{},
		Messages: []messageView{}, Calls: []callView{}, Events: []ticketEventView{},
	}
}

func viewDossier(town *ticketing.Snapshot, a ticketing.Actor, d ticketing.Dossier) *ticketView {
	row := ticketing.TicketRow{Ticket: d.Ticket, Undelivered: d.Undelivered()}
	if d.Citizen != nil {
		row.CitizenName, row.CitizenKind = ticketing.DisplayName(*d.Citizen), d.Citizen.Kind
	}
	if d.Ticket.AssigneeID != nil {
		row.AssigneeName = nameOf(town, *d.Ticket.AssigneeID)
	}
	v := viewAlone(row)
	v.About = d.ContactsAbout
	for _, p := range d.Participants {
		v.Participants = append(v.Participants, participantView{Type: p.Type, Value: p.Value, Name: p.Name, Role: p.Role})
	}
	for _, l := range d.Links {
		v.Links = append(v.Links, linkView{Kind: l.Kind, Reference: l.Reference, Subject: l.Subject, Status: string(l.Status)})
	}
	for _, m := range d.Messages {
		v.Messages = append(v.Messages, viewMessage(town, m))
	}
	for _, c := range d.Calls {
		v.Calls = append(v.Calls, viewCall(town, c))
	}
	for _, e := range d.Events {
		if town.MayFollow(a, e) { // from its time in a department the caller does not see, nothing
			v.Events = append(v.Events, viewEvent(e))
		}
	}
	return v
}

func viewEvent(e ticketing.Event) ticketEventView {
	return ticketEventView{
		ID: eventID(e.Position()), Type: string(e.Type), At: e.At.UTC(), By: e.AgentID, Message: e.MessageID, Data: e.Data,
	}
}

func viewMessage(town *ticketing.Snapshot, m ticketing.Message) messageView {
	v := messageView{
		ID: m.ID, Direction: string(m.Direction), Channel: m.Channel, From: m.FromValue, FromName: m.FromName, ReplyTo: m.ReplyTo, To: values(m.To),
		Cc: values(m.Cc), Subject: m.Subject, Text: m.Text, HTML: m.HTML, Attachments: []attachmentView{},
		Automatic: m.IsAutomatic(), AutomaticReason: m.Automatic, Silent: m.Silent != "", SilentReason: m.Silent,
		ExternalID: m.ExternalID, Warnings: append([]string{}, m.Warnings...), At: m.At.UTC(), By: m.AgentID, Desk: m.Desk, Documents: m.Documents,
	}
	if m.Channel == string(channels.SMS) {
		v.Segments = channels.CountSegments(m.Text).Count
	}
	if m.Folded > 0 && m.Folded <= len(m.Text) {
		characters := utf8.RuneCountInString(m.Text[:m.Folded])
		v.FoldedFrom = &characters
	}
	if m.AgentID != nil {
		v.ByName = orNull(nameOf(town, *m.AgentID))
	}
	for _, f := range m.Attachments {
		v.Attachments = append(v.Attachments, attachmentView{ID: f.ID, Name: f.Name, Type: f.Type, Size: f.Size, Pending: !f.Here()})
	}
	if m.Delivery != nil {
		v.Delivery = &deliveryView{State: string(m.Delivery.State), Attempts: m.Delivery.Attempts, Error: m.Delivery.Error, Reason: string(m.Delivery.Reason())}
	}
	return v
}

func nameOf(town *ticketing.Snapshot, agentID string) string {
	agent, _ := town.Agent(agentID)
	return agent.Name
}

func values(list []channels.Address) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Value
	}
	return out
}

// orNull gives null for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
