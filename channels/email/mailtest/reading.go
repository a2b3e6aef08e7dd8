package mailtest

import (
	"errors"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-sasl"
)

// reading is one IMAP connection. It is imapmemserver's, except that a mail which arrives between a client's last command and its
// IDLE is told at once, as servers do; imapmemserver keeps it until the next one comes.
type reading struct {
	imapserver.SessionIMAP4rev2
	server *Server
}

func (s *Server) newReading() (imapserver.Session, *imapserver.GreetingData, error) {
	inner, ok := s.mailRoot.NewSession().(imapserver.SessionIMAP4rev2)
	if !ok {
		return nil, nil, errors.New("mailtest: imapmemserver has lost an extension")
	}
	return &reading{inner, s}, nil, nil
}

// AuthenticateMechanisms is what the greeting offers.
func (r *reading) AuthenticateMechanisms() []string {
	if len(r.server.options.Mechanisms) > 0 {
		return r.server.options.Mechanisms
	}
	return []string{sasl.Plain}
}

// Authenticate checks a password or a token.
func (r *reading) Authenticate(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, username, password string) error { return r.Login(username, password) }), nil
	}
	return &bearer{mechanism: mechanism, admit: func(user, token string) error {
		password, known := r.server.options.Users[strings.ToLower(user)]
		if !known || r.server.options.Good == nil || !r.server.options.Good(token) {
			return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAuthenticationFailed, Text: "invalid token"}
		}
		return r.Login(user, password)
	}}, nil
}

// Idle tells of new mail until stop is closed.
func (r *reading) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	r.server.idleMu.Lock()
	r.server.idle[r] = w
	err := r.Poll(w, true)
	r.server.idleMu.Unlock()
	defer func() {
		r.server.idleMu.Lock()
		delete(r.server.idle, r)
		r.server.idleMu.Unlock()
	}()
	return errors.Join(err, r.SessionIMAP4rev2.Idle(w, stop))
}

// tellIdle lets every client in IDLE hear what has changed.
func (s *Server) tellIdle() {
	s.idleMu.Lock()
	defer s.idleMu.Unlock()
	for r, w := range s.idle {
		_ = r.Poll(w, true) // a client that is gone finds out by itself
	}
}
