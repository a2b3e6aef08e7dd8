package agentapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guichet/channels"
	"guichet/ticketing"
)

type listTicketsInput struct {
	Department     []string  `query:"department,explode" doc:"Codes; repeated or separated by commas, as status."`
	Status         []string  `query:"status,explode" doc:"new, open, waiting, closed."`
	Channel        string    `query:"channel" enum:"email,sms,phone,counter,letter,web"`
	Motive         string    `query:"motive" maxLength:"100"`
	Assignee       string    `query:"assignee" maxLength:"254" doc:"An agent's id or e-mail address, or me."`
	Citizen        string    `query:"citizen" maxLength:"100" doc:"A citizen's id."`
	Q              string    `query:"q" maxLength:"200" doc:"Words that stand together in a message, in whatever form, or what finds the citizen; or a reference."`
	DueBefore      time.Time `query:"due_before"`
	ReceivedAfter  time.Time `query:"received_after" doc:"This moment or later."`
	ReceivedBefore time.Time `query:"received_before"`
	UpdatedAfter   time.Time `query:"updated_after" doc:"Later than this moment: asking again with the last one seen repeats nothing."`
	Sort           string    `query:"sort" enum:"received,due,updated" default:"received" doc:"received and updated: newest first. due: soonest first."`
	Limit          int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor         string    `query:"cursor" maxLength:"300" doc:"next_cursor of the page before, with the same filters."`
}

type listTicketsOutput struct {
	Body struct {
		Items   []TicketRow `json:"items" nullable:"false"`
		Next    string      `json:"next_cursor,omitempty" doc:"Asks for the next page; left out on the last one."`
		TooMany bool        `json:"too_many,omitempty" doc:"What q says stands in so many messages that only those of the newest are listed."`
	}
}

func (s *Server) listTickets(ctx context.Context, a ticketing.Actor, in *listTicketsInput) (*listTicketsOutput, error) {
	q := ticketing.TicketQuery{
		Departments: split(in.Department), Channel: in.Channel, Motive: in.Motive, Assignee: in.Assignee, Citizen: in.Citizen,
		Text: strings.TrimSpace(in.Q), DueBefore: given(in.DueBefore), ReceivedAfter: given(in.ReceivedAfter),
		ReceivedBefore: given(in.ReceivedBefore), UpdatedAfter: given(in.UpdatedAfter), Sort: ticketing.TicketSort(in.Sort), Limit: in.Limit,
	}
	for _, status := range split(in.Status) {
		if !slices.Contains(ticketing.Statuses(), ticketing.Status(status)) {
			return nil, wrong("status", "unknown")
		}
		q.Statuses = append(q.Statuses, ticketing.Status(status))
	}
	rows, err := s.Reader.Tickets(ctx, a, q, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &listTicketsOutput{}
	out.Body.Items, out.Body.Next, out.Body.TooMany = make([]TicketRow, len(rows.Rows)), rows.Next, rows.TooMany
	for i, r := range rows.Rows {
		out.Body.Items[i] = viewRow(r)
	}
	return out, nil
}

type ticketInput struct {
	Ref string `path:"ref" maxLength:"20" doc:"The ticket's reference." example:"2026-00412"`
}

type ticketOutput struct {
	ETag string `header:"ETag" doc:"The ticket's version."`
	Body *ticketView
}

func (s *Server) getTicket(ctx context.Context, a ticketing.Actor, in *ticketInput) (*ticketOutput, error) {
	d, err := s.Reader.Ticket(ctx, a, in.Ref)
	if err != nil {
		return nil, err
	}
	return answer(viewDossier(s.Town.Now(), a, d)), nil
}

func answer(v *ticketView) *ticketOutput {
	return &ticketOutput{ETag: strconv.Quote(strconv.Itoa(v.Version)), Body: v}
}

// full answers with a ticket something was just done to. One that has left the actor's sight by it is answered as she left it.
func (s *Server) full(ctx context.Context, a ticketing.Actor, t ticketing.Ticket) (*ticketOutput, error) {
	d, err := s.Reader.Ticket(ctx, a, t.Reference())
	if errors.Is(err, ticketing.ErrNotFound) {
		return answer(viewAlone(ticketing.TicketRow{Ticket: t})), nil
	}
	if err != nil {
		return nil, err
	}
	return answer(viewDossier(s.Town.Now(), a, d)), nil
}

type logContactInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key answers with the first result for 24 hours."`
	Body struct {
		Channel    string        `json:"channel" enum:"email,sms,phone,counter,letter,web"`
		Call       string        `json:"call,omitempty" doc:"The id of the call it was: the contact is written on its ticket, which it makes if there is none yet."`
		CitizenID  string        `json:"citizen_id,omitempty"`
		Citizen    *citizenDraft `json:"citizen,omitempty" doc:"Used without citizen_id; with it, the record gets the contacts it does not have. Of phone and counter it may be left out or empty: she does not say who she is."`
		Subject    string        `json:"subject,omitempty" doc:"The beginning of the text when left out."`
		Text       string        `json:"text,omitempty"`
		Motive     string        `json:"motive,omitempty"`
		Department string        `json:"department,omitempty" doc:"When left out: the motive's, else what the rules say."`
		ReceivedAt time.Time     `json:"received_at,omitzero" doc:"The date on a letter's stamp; now when left out."`
		Files      []string      `json:"attachments,omitempty" nullable:"false" maxItems:"20" doc:"Ids of what POST /attachments was given."`
		Desk       string        `json:"desk,omitempty" doc:"At which counter." maxLength:"100"`
		Documents  []string      `json:"documents,omitempty" nullable:"false" maxItems:"30" doc:"Handed over on paper, each by its name."`
		Receipt    *receiptDraft `json:"receipt,omitempty" doc:"Confirms to the citizen that it was written down. By SMS to a number that said STOP to the line: refused, conflict said_stop."`
		Answered   bool          `json:"answered,omitempty" doc:"She was given her answer at once: the ticket is closed as answered."`
	}
}

type receiptDraft struct {
	By string `json:"by" enum:"email,sms"`
	To string `json:"to,omitempty" doc:"What the citizen's record has when left out."`
}

// receipt gives none for nil.
func (d *receiptDraft) receipt() ticketing.Receipt {
	if d == nil {
		return ticketing.Receipt{}
	}
	return ticketing.Receipt{By: channels.Name(d.By), To: d.To}
}

func (s *Server) logContact(ctx context.Context, a ticketing.Actor, in *logContactInput) (*ticketOutput, error) {
	b := in.Body
	t, err := s.Desk.Log(ctx, a, ticketing.NewContact{
		Channel: channels.Name(b.Channel), CallID: b.Call, CitizenID: b.CitizenID, Citizen: b.Citizen.draft(), Subject: b.Subject, Text: b.Text,
		Motive: b.Motive, Department: b.Department, ReceivedAt: given(b.ReceivedAt), Answered: b.Answered, Files: b.Files, Key: in.Key,
		Desk: b.Desk, Documents: b.Documents, Receipt: b.Receipt.receipt(),
	})
	if err != nil {
		return nil, err
	}
	if t.Version > 1 && !a.Can(ticketing.ActSee, s.Town.Now().Subject(t)) {
		// The same key again, and others have worked on it since where she may not look.
		t = ticketing.Ticket{
			ID: t.ID, Year: t.Year, Number: t.Number, Version: 1, Subject: b.Subject, Status: ticketing.StatusNew, Channel: t.Channel,
			Department: b.Department, Priority: ticketing.Normal, ReceivedAt: t.ReceivedAt, RegisteredAt: t.RegisteredAt, UpdatedAt: t.RegisteredAt,
		}
	}
	return s.full(ctx, a, t)
}

type editTicketInput struct {
	TicketPath
	Body struct {
		Subject      *string     `json:"subject,omitempty"`
		Motive       *string     `json:"motive,omitempty" doc:"Empty: none."`
		Priority     *string     `json:"priority,omitempty" enum:"low,normal,high,urgent"`
		Language     *string     `json:"language,omitempty"`
		Tags         *[]string   `json:"tags,omitempty" maxItems:"100" doc:"All of them; at most 20 of 50 characters, kept in lower case, each once."`
		SnoozedUntil patchedTime `json:"snoozed_until,omitzero" doc:"In the future: puts the ticket aside until then. Null: no longer."`
		CitizenID    *string     `json:"citizen_id,omitempty" doc:"Whose it is: an agent knows who that was."`
	}
}

// patchedTime is a time that a PATCH leaves out, clears with null, or sets.
type patchedTime struct {
	given bool
	at    time.Time // zero: cleared
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *patchedTime) UnmarshalJSON(b []byte) error {
	p.given = true
	if string(b) == "null" {
		return nil
	}
	return p.at.UnmarshalJSON(b)
}

// Schema implements huma.SchemaProvider.
func (patchedTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

func (s *Server) editTicket(ctx context.Context, a ticketing.Actor, in *editTicketInput) (*ticketOutput, error) {
	b := in.Body
	edit := ticketing.Edit{Subject: b.Subject, Motive: b.Motive, Language: b.Language, Tags: b.Tags, Citizen: b.CitizenID}
	if b.SnoozedUntil.given {
		edit.Snooze = &b.SnoozedUntil.at
	}
	if b.Priority != nil {
		p := ticketing.Priority(*b.Priority)
		edit.Priority = &p
	}
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) { return s.Desk.Edit(ctx, a, in.Ref, edit, version) })
}

// split reads a parameter that may be repeated, separated by commas, or both.
func split(values []string) []string {
	var list []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}

// given gives nil for a time that was left out.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func wrong(field, reason string) error {
	return &ticketing.Error{Code: ticketing.CodeInvalid, Field: field, Reason: reason}
}
