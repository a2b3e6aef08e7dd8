package mailtest

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// submission is one SMTP connection.
type submission struct {
	server *Server
	conn   *smtp.Conn
	from   string
	to     []string
}

var _ smtp.AuthSession = (*submission)(nil)

func (s *Server) newSubmission(c *smtp.Conn) (smtp.Session, error) {
	return &submission{server: s, conn: c}, nil
}

// AuthMechanisms is what the greeting offers.
func (b *submission) AuthMechanisms() []string {
	if len(b.server.options.Mechanisms) > 0 {
		return b.server.options.Mechanisms
	}
	return []string{sasl.Plain}
}

// Auth checks user name and password, or a token. Mail is taken without them, too.
func (b *submission) Auth(mechanism string) (sasl.Server, error) {
	if mechanism != sasl.Plain {
		return &bearer{mechanism: mechanism, admit: func(user, token string) error {
			if _, known := b.server.options.Users[strings.ToLower(user)]; !known || b.server.options.Good == nil || !b.server.options.Good(token) {
				return smtp.ErrAuthFailed
			}
			return nil
		}}, nil
	}
	return sasl.NewPlainServer(func(_, username, password string) error {
		for address, want := range b.server.options.Users {
			if strings.EqualFold(address, username) && want == password {
				return nil
			}
		}
		return smtp.ErrAuthFailed
	}), nil
}

// Mail begins a mail.
func (b *submission) Mail(from string, _ *smtp.MailOptions) error {
	b.from = from
	return nil
}

// Rcpt takes a recipient, unless a test wants it refused.
func (b *submission) Rcpt(to string, _ *smtp.RcptOptions) error {
	b.server.mu.Lock()
	code := b.server.refused[strings.ToLower(to)]
	b.server.mu.Unlock()
	if code != 0 {
		return fault(code, "no such mailbox here")
	}
	b.to = append(b.to, to)
	return nil
}

// Data takes the mail itself.
func (b *submission) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s := b.server
	s.mu.Lock()
	code, drop := s.failData, s.dropData
	s.failData, s.dropData = 0, false
	s.mu.Unlock()
	if code != 0 {
		return fault(code, "refused by the test")
	}
	if err := s.accept(Mail{From: b.from, To: append([]string(nil), b.to...), Raw: raw}); err != nil {
		return err
	}
	if drop {
		return b.conn.Conn().Close()
	}
	return nil
}

// accept keeps a mail, tells about it and delivers it to those of its recipients who have a mailbox here.
func (s *Server) accept(m Mail) error {
	s.mu.Lock()
	s.sent = append(s.sent, m)
	if extra := len(s.sent) - maxSent; extra > 0 {
		s.sent = append([]Mail(nil), s.sent[extra:]...)
	}
	s.mu.Unlock()
	if s.options.OnMail != nil {
		s.options.OnMail(m.From, m.To, m.Raw)
	}
	for _, to := range m.To {
		if _, here := s.mailbox(to); !here {
			continue
		}
		var delivered bytes.Buffer
		fmt.Fprintf(&delivered, "Return-Path: <%s>\r\nDelivered-To: %s\r\n", m.From, to)
		delivered.Write(m.Raw)
		if err := s.Deliver(to, delivered.Bytes(), s.options.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Reset forgets the mail begun.
func (b *submission) Reset() { b.from, b.to = "", nil }

// Logout ends the session.
func (b *submission) Logout() error { return nil }

func fault(code int, text string) error {
	class := 5
	if code < 500 {
		class = 4
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, 1, 1}, Message: text}
}
