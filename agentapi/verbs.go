package agentapi

import (
	"context"
	"strconv"
	"strings"

	"guichet/ticketing"
)

// TicketPath is what every verb on a ticket takes. It is exported because huma reads embedded parameters only then.
type TicketPath struct {
	Ref     string `path:"ref" maxLength:"20" doc:"The ticket's reference." example:"2026-00412"`
	IfMatch string `header:"If-Match" maxLength:"40" doc:"The version the caller has seen; answered 412 stale when the ticket has changed since."`
}

type reasonBody struct {
	Reason string `json:"reason,omitempty" doc:"For the ticket's history."`
}

type claimInput struct{ TicketPath }

func (s *Server) claim(ctx context.Context, a ticketing.Actor, in *claimInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) { return s.Desk.Claim(ctx, a, in.Ref, version) })
}

type releaseInput struct {
	TicketPath
	Body *reasonBody
}

func (s *Server) release(ctx context.Context, a ticketing.Actor, in *releaseInput) (*ticketOutput, error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) { return s.Desk.Release(ctx, a, in.Ref, reason, version) })
}

type assignInput struct {
	TicketPath
	Body struct {
		Agent  string `json:"agent" minLength:"1" doc:"The colleague's e-mail address or id."`
		Reason string `json:"reason,omitempty"`
	}
}

func (s *Server) assign(ctx context.Context, a ticketing.Actor, in *assignInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Assign(ctx, a, in.Ref, in.Body.Agent, in.Body.Reason, version)
	})
}

type transferInput struct {
	TicketPath
	Body struct {
		Department string `json:"department" minLength:"1"`
		Reason     string `json:"reason"`
	}
}

func (s *Server) transfer(ctx context.Context, a ticketing.Actor, in *transferInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Transfer(ctx, a, in.Ref, in.Body.Department, in.Body.Reason, version)
	})
}

type closeInput struct {
	TicketPath
	Body struct {
		Outcome string `json:"outcome" enum:"answered,accepted,rejected,forwarded,duplicate,spam,abandoned"`
		Reason  string `json:"reason,omitempty"`
	}
}

func (s *Server) closeTicket(ctx context.Context, a ticketing.Actor, in *closeInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Close(ctx, a, in.Ref, ticketing.CloseOutcome(in.Body.Outcome), in.Body.Reason, version)
	})
}

type reopenInput struct {
	TicketPath
	Body struct {
		Reason string `json:"reason"`
	}
}

func (s *Server) reopen(ctx context.Context, a ticketing.Actor, in *reopenInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Reopen(ctx, a, in.Ref, in.Body.Reason, version)
	})
}

type mergeInput struct {
	TicketPath
	Body struct {
		Into   string `json:"into" minLength:"1" maxLength:"20" doc:"Reference of the ticket that lives on."`
		Reason string `json:"reason"`
	}
}

func (s *Server) merge(ctx context.Context, a ticketing.Actor, in *mergeInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Merge(ctx, a, in.Ref, in.Body.Into, in.Body.Reason, version)
	})
}

type splitInput struct {
	TicketPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key answers with the first result for 24 hours."`
	Body struct {
		MessageIDs []string `json:"message_ids" nullable:"false" minItems:"1" maxItems:"200" doc:"The messages that go, at least one of them the citizen's; at least one of hers stays."`
		Department string   `json:"department" minLength:"1"`
		Subject    string   `json:"subject,omitempty" doc:"That of the first message that goes when left out."`
	}
}

type splitOutput struct {
	Location string `header:"Location" doc:"Of the new ticket."`
	ETag     string `header:"ETag" doc:"The version of the ticket that was split."`
	Body     *ticketView
}

func (s *Server) split(ctx context.Context, a ticketing.Actor, in *splitInput) (*splitOutput, error) {
	version, err := readVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	from, made, err := s.Desk.Split(ctx, a, in.Ref, ticketing.Splitting{
		Messages: in.Body.MessageIDs, Department: in.Body.Department, Subject: in.Body.Subject, Key: in.Key, IfMatch: version,
	})
	if err != nil {
		return nil, err
	}
	out, err := s.full(ctx, a, from)
	if err != nil {
		return nil, err
	}
	return &splitOutput{Location: apiPath("/tickets/" + made.Reference()), ETag: out.ETag, Body: out.Body}, nil
}

type forwardInput struct {
	TicketPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key answers with the first result for 24 hours."`
	Body struct {
		To     string `json:"to" minLength:"3" maxLength:"254" doc:"E-mail address of the administration in charge."`
		Reason string `json:"reason" doc:"For the ticket's history."`
		Text   string `json:"text,omitempty" doc:"Goes before the citizen's conversation."`
	}
}

func (s *Server) forward(ctx context.Context, a ticketing.Actor, in *forwardInput) (*ticketOutput, error) {
	return s.did(ctx, a, in.IfMatch, func(version int) (ticketing.Ticket, error) {
		return s.Desk.Forward(ctx, a, in.Ref, ticketing.Forwarding{
			To: in.Body.To, Reason: in.Body.Reason, Text: in.Body.Text, Key: in.Key, IfMatch: version,
		})
	})
}

// did does something to the version of a ticket the caller has seen, and answers with what the ticket is now.
func (s *Server) did(ctx context.Context, a ticketing.Actor, seen string, do func(version int) (ticketing.Ticket, error)) (*ticketOutput, error) {
	version, err := readVersion(seen)
	if err != nil {
		return nil, err
	}
	t, err := do(version)
	if err != nil {
		return nil, err
	}
	return s.full(ctx, a, t)
}

// readVersion reads If-Match: 3, "3" or W/"3". 0 is any version: nothing, or *.
func readVersion(header string) (int, error) {
	header = strings.TrimSpace(header)
	if header == "" || header == "*" {
		return 0, nil
	}
	version, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(header, "W/"), `"`))
	if err != nil || version < 1 {
		return 0, wrong("If-Match", "unknown")
	}
	return version, nil
}
