package agentapi

import (
	"context"
	"time"

	"guichet/ticketing"
)

type timelineInput struct {
	CitizenPath
	Channel    string    `query:"channel" enum:"email,sms,phone,counter,letter,web"`
	Direction  string    `query:"direction" enum:"in,out" doc:"in: from the citizen."`
	Department string    `query:"department" maxLength:"100" doc:"A code."`
	Motive     string    `query:"motive" maxLength:"100" doc:"A code."`
	After      time.Time `query:"after" doc:"This moment or later."`
	Before     time.Time `query:"before" doc:"Earlier than this moment."`
	Limit      int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Reserved exchanges come beside what this counts."`
	Cursor     string    `query:"cursor" maxLength:"300" doc:"next_cursor of the page before, with the same filters."`
}

// exchangeView is one item of a citizen's timeline.
type exchangeView struct {
	Type      string              `json:"type" enum:"message,call,closed,reserved" doc:"closed: a ticket came to its end. reserved: the citizen spoke with a department whose tickets the caller may not see; its day is all that is told."`
	ID        string              `json:"id,omitempty" doc:"Of the message; with closed, of the ticket."`
	At        time.Time           `json:"at" doc:"Of a reserved exchange, the beginning of its day."`
	Ticket    *exchangeTicketView `json:"ticket,omitempty"`
	Channel   string              `json:"channel,omitempty" enum:"email,sms,phone,counter,letter,web"`
	Direction string              `json:"direction,omitempty" enum:"in,out"`
	Preview   string              `json:"preview,omitempty" doc:"The beginning of what was written."`
	By        *string             `json:"by,omitempty" doc:"The agent who wrote it or wrote it down, by id."`
	ByName    *string             `json:"by_name,omitempty"`
	Call      *callView           `json:"call,omitempty"`
	Token     string              `json:"token,omitempty" doc:"Of a reserved exchange: names it to POST /tickets/{token}/break-glass, for the caller alone."`
	Opened    string              `json:"opened,omitempty" doc:"Of a reserved exchange the caller has opened: the ticket's reference, while she may read it."`
}

type exchangeTicketView struct {
	Reference     string  `json:"reference"`
	Subject       string  `json:"subject"`
	Department    string  `json:"department"`
	Motive        *string `json:"motive"`
	Status        string  `json:"status" enum:"new,open,waiting,closed"`
	Outcome       *string `json:"outcome" doc:"How a closed ticket ended."`
	ContactsAbout int     `json:"contacts_about" doc:"See Ticket."`
}

type timelineOutput struct{ Body page[exchangeView] }

func (s *Server) timeline(ctx context.Context, a ticketing.Actor, in *timelineInput) (*timelineOutput, error) {
	found, err := s.Reader.Timeline(ctx, a, ticketing.ExchangeQuery{
		Citizen: in.ID, Channel: in.Channel, Direction: ticketing.Direction(in.Direction), Department: in.Department, Motive: in.Motive,
		After: given(in.After), Before: given(in.Before), Limit: in.Limit,
	}, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &timelineOutput{Body: page[exchangeView]{Items: make([]exchangeView, len(found.Items)), Next: found.Next}}
	for i, e := range found.Items {
		out.Body.Items[i] = viewExchange(s.Town.Now(), e)
	}
	return out, nil
}

func viewExchange(town *ticketing.Snapshot, e ticketing.Exchange) exchangeView {
	v := exchangeView{Type: string(e.Kind), At: e.At.UTC()}
	if e.Kind == ticketing.ExchangeReserved {
		v.Token, v.Opened = e.Reserved.Token, e.Reserved.Reference
		return v
	}
	t := e.Ticket
	v.ID, v.Channel, v.Direction, v.Preview, v.By = e.ID, e.Channel, string(e.Direction), e.Preview, e.AgentID
	v.Ticket = &exchangeTicketView{
		Reference: t.Reference(), Subject: t.Subject, Department: t.Department, Motive: orNull(t.Motive), Status: string(t.Status),
		Outcome: orNull(string(t.Outcome)), ContactsAbout: e.About,
	}
	if e.AgentID != nil {
		v.ByName = orNull(nameOf(town, *e.AgentID))
	}
	if e.Call != nil {
		call := viewCall(town, *e.Call)
		v.Call = &call
	}
	return v
}
