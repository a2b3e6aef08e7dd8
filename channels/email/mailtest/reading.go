package mailtest

import (
	"errors"

	"github.com/emersion/go-imap/v2/imapserver"
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
