package agentapi

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"guichet/channels"
	"guichet/ticketing"
)

type writeMessageInput struct {
	TicketPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key answers with the first result for 24 hours."`
	Body struct {
		Kind    string   `json:"kind" enum:"reply,note"`
		Channel string   `json:"channel,omitempty" enum:"email,sms" doc:"How a reply leaves; email when left out."`
		To      string   `json:"to,omitempty" doc:"An address, or a mobile number in any spelling; where the citizen wants answers when left out."`
		Cc      []string `json:"cc,omitempty" nullable:"false" maxItems:"20"`
		Text    string   `json:"text" doc:"Of a reply: Markdown or plain text."`
		Files   []string `json:"attachments,omitempty" nullable:"false" maxItems:"20" doc:"Ids of what POST /attachments was given; of a reply only."`
		Then    string   `json:"then,omitempty" enum:"waiting,open,closed" doc:"What the ticket becomes by a reply; waiting when left out."`
	}
}

type messageOutput struct{ Body messageView }

func (s *Server) writeMessage(ctx context.Context, a ticketing.Actor, in *writeMessageInput) (*messageOutput, error) {
	version, err := readVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	var m ticketing.Message
	switch {
	case b.Kind == "note" && len(b.Files) > 0:
		return nil, &ticketing.Error{Code: ticketing.CodeInvalid, Field: "attachments"}
	case b.Kind == "note":
		m, err = s.Desk.Note(ctx, a, in.Ref, b.Text, in.Key, version)
	default:
		m, err = s.Desk.Reply(ctx, a, in.Ref, ticketing.Answer{
			Channel: channels.Name(b.Channel), Text: b.Text, To: b.To, Cc: b.Cc, Files: b.Files, Then: ticketing.Status(b.Then), Key: in.Key, IfMatch: version,
		})
	}
	if err != nil {
		return nil, err
	}
	return &messageOutput{Body: viewMessage(s.Town.Now(), m)}, nil
}

type resendInput struct {
	ID  string `path:"id" maxLength:"100"`
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"The same key sends once in 24 hours."`
}

func (s *Server) resend(ctx context.Context, a ticketing.Actor, in *resendInput) (*messageOutput, error) {
	m, err := s.Desk.Resend(ctx, a, in.ID, in.Key)
	if err != nil {
		return nil, err
	}
	return &messageOutput{Body: viewMessage(s.Town.Now(), m)}, nil
}

// rawMessage gives a message as it came.
func (s *Server) rawMessage(c *gin.Context, a ticketing.Actor) error {
	raw, err := s.Reader.Original(c.Request.Context(), a, c.Param("id"))
	if err != nil {
		return err
	}
	download(c, "message-"+c.Param("id")+".eml", "message/rfc822", raw)
	return nil
}

// attachment gives a file of a message.
func (s *Server) attachment(c *gin.Context, a ticketing.Actor) error {
	f, data, err := s.Reader.Attachment(c.Request.Context(), a, c.Param("id"))
	if err != nil {
		return err
	}
	download(c, f.Name, f.Type, data)
	return nil
}

// download sends a file that came from outside: to be saved under its name, never to be shown as a page of ours.
func download(c *gin.Context, name, kind string, data []byte) {
	if parsed, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(parsed, "/") {
		kind = "application/octet-stream"
	} else {
		kind = parsed
	}
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": fileName(name)})
	if disposition == "" {
		disposition = "attachment"
	}
	c.Header("Content-Disposition", disposition)
	c.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	c.Data(http.StatusOK, kind, data)
}

// fileName drops what a sender's name for a file must not do: leave the folder it is saved to, or break the header.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 { // they turn "fdp.exe" into "exe.pdf" on a screen
			return -1
		}
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if name == "" {
		return "file"
	}
	return name
}
