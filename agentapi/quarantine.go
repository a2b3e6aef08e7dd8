package agentapi

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/channels"
	"guichet/ticketing"
)

// heldView is a message that waits in quarantine, or waited there.
type heldView struct {
	ID         string    `json:"id"`
	State      string    `json:"state" enum:"quarantined,filed"`
	Channel    string    `json:"channel"`
	Line       string    `json:"line" doc:"Name of the mailbox or line it came through."`
	Reason     string    `json:"reason" enum:"too_complex,too_large,not_given,rejected,failing" doc:"too_complex: beyond the limits set before the reader. too_large: only its header was fetched. not_given: the server lists it and never gave it. rejected: the database can't keep it, or it meets a bug. failing: it failed for minutes while others were filed."`
	Error      string    `json:"error" doc:"The same in words for whoever runs the machine; empty when the caller may not read the message."`
	From       *string   `json:"from" doc:"Null when nobody could be read from it, or the caller may not know."`
	FromName   *string   `json:"from_name"`
	Subject    *string   `json:"subject"`
	Size       int       `json:"size" doc:"Of what is kept of it, in bytes."`
	ReceivedAt time.Time `json:"received_at"`
	Readable   bool      `json:"readable" doc:"The caller may read the original."`
	Fileable   bool      `json:"fileable" doc:"The caller may file it as it is."`
	Ticket     *string   `json:"ticket" doc:"Reference of what it has become, if the caller may see it."`
}

func viewHeld(h ticketing.Held) heldView {
	return heldView{
		ID: h.ID, State: h.State, Channel: h.Channel, Line: h.Line, Reason: string(h.Reason), Error: h.Error, From: orNull(h.From.Value),
		FromName: orNull(h.From.Name), Subject: orNull(h.Subject), Size: h.Size, ReceivedAt: h.ReceivedAt.UTC(), Readable: h.Readable,
		Fileable: h.Fileable, Ticket: orNull(h.Reference),
	}
}

type listQuarantineInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"300" doc:"next_cursor of the page before."`
}

type listQuarantineOutput struct{ Body page[heldView] }

func (s *Server) listQuarantine(ctx context.Context, a ticketing.Actor, in *listQuarantineInput) (*listQuarantineOutput, error) {
	list, err := s.Quarantine.List(ctx, a, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &listQuarantineOutput{Body: page[heldView]{Items: make([]heldView, len(list.Rows)), Next: list.Next}}
	for i, h := range list.Rows {
		out.Body.Items[i] = viewHeld(h)
	}
	return out, nil
}

type heldInput struct {
	ID string `path:"id" maxLength:"36"`
}

type heldOutput struct{ Body heldView }

func (s *Server) getHeld(ctx context.Context, a ticketing.Actor, in *heldInput) (*heldOutput, error) {
	return heldAnswer(s.Quarantine.Held(ctx, a, in.ID))
}

func (s *Server) retryHeld(ctx context.Context, a ticketing.Actor, in *heldInput) (*heldOutput, error) {
	return heldAnswer(s.Quarantine.Retry(ctx, a, in.ID))
}

type fileHeldInput struct {
	ID   string `path:"id" maxLength:"36"`
	Body *struct {
		Department string `json:"department,omitempty" doc:"Of the new ticket; what the rules say when left out."`
	}
}

func (s *Server) fileHeld(ctx context.Context, a ticketing.Actor, in *fileHeldInput) (*heldOutput, error) {
	department := ""
	if in.Body != nil {
		department = in.Body.Department
	}
	return heldAnswer(s.Quarantine.File(ctx, a, in.ID, department))
}

func heldAnswer(h ticketing.Held, err error) (*heldOutput, error) {
	if err != nil {
		return nil, err
	}
	return &heldOutput{Body: viewHeld(h)}, nil
}

// rawHeld gives a message of the quarantine as it came.
func (s *Server) rawHeld(c *gin.Context, a ticketing.Actor) error {
	ctx, id := c.Request.Context(), c.Param("id")
	raw, err := s.Quarantine.Raw(ctx, a, id)
	if err != nil {
		return err
	}
	h, err := s.Quarantine.Held(ctx, a, id)
	if err != nil {
		return err
	}
	if h.Channel == string(channels.Email) {
		download(c, "message-"+id+".eml", "message/rfc822", raw)
		return nil
	}
	download(c, "message-"+id, "application/octet-stream", raw)
	return nil
}
