// Package mailtest is an IMAP and an SMTP server inside the process, for tests and for the demo: what is submitted to a known
// address arrives in its mailbox, everything else is kept to be looked at. It holds mail in memory only.
package mailtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// maxSent is how many submitted mails Sent remembers, the newest ones.
const maxSent = 1000

// Options say who has a mailbox and where the servers listen.
type Options struct {
	Users    map[string]string // address → password; the address is also the user name of both servers
	IMAPAddr string            // "host:port", empty: 127.0.0.1 and a free port
	SMTPAddr string

	// Mechanisms is what both servers offer for signing in; empty: PLAIN. Good tells which tokens are good for XOAUTH2 and OAUTHBEARER.
	Mechanisms []string
	Good       func(token string) bool

	// OnMail is called for each mail submitted, before the client is answered. It may be nil.
	OnMail func(from string, to []string, raw []byte)
	// Now dates what is delivered by way of SMTP; nil is time.Now.
	Now func() time.Time
}

// Mail is one mail as it was submitted.
type Mail struct {
	From string // of the envelope
	To   []string
	Raw  []byte
}

// Server is a running pair of servers.
type Server struct {
	options  Options
	imap     *imapserver.Server
	imapAt   *listener
	smtp     *smtp.Server
	smtpAt   *listener
	serving  sync.WaitGroup
	mailRoot *imapmemserver.Server

	mu       sync.Mutex
	users    map[string]*imapmemserver.User
	sent     []Mail
	failData int
	dropData bool
	refused  map[string]int // address → code

	idleMu sync.Mutex
	idle   map[*reading]*imapserver.UpdateWriter
}

// Start starts both servers. An error means that a port could not be opened or a user not be made; nothing is left running.
func Start(options Options) (*Server, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{
		options:  options,
		mailRoot: imapmemserver.New(),
		users:    map[string]*imapmemserver.User{},
		refused:  map[string]int{},
		idle:     map[*reading]*imapserver.UpdateWriter{},
	}
	for address, password := range options.Users {
		if err := s.addUser(address, password); err != nil {
			return nil, err
		}
	}
	var err error
	if s.imapAt, err = listen(options.IMAPAddr); err != nil {
		return nil, fmt.Errorf("mailtest: IMAP: %w", err)
	}
	if s.smtpAt, err = listen(options.SMTPAddr); err != nil {
		s.imapAt.Close()
		return nil, fmt.Errorf("mailtest: SMTP: %w", err)
	}

	quiet := log.New(io.Discard, "", 0)
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return s.newReading()
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapIdle: {}, imap.CapUIDPlus: {}, imap.CapMove: {},
		},
		InsecureAuth: true,
		Logger:       quiet,
	})
	s.smtp = smtp.NewServer(smtp.BackendFunc(s.newSubmission))
	s.smtp.Domain = "mailtest.invalid"
	s.smtp.AllowInsecureAuth = true
	s.smtp.MaxMessageBytes = 64 << 20
	s.smtp.ErrorLog = quiet
	s.serving.Go(func() { _ = s.imap.Serve(s.imapAt) })
	s.serving.Go(func() { _ = s.smtp.Serve(s.smtpAt) })
	return s, nil
}

func (s *Server) addUser(address, password string) error {
	address = strings.ToLower(address)
	user := imapmemserver.NewUser(address, password)
	for _, folder := range []string{"INBOX", "Filed"} {
		if err := user.Create(folder, nil); err != nil {
			return fmt.Errorf("mailtest: folder %s of %s: %w", folder, address, err)
		}
	}
	s.mailRoot.AddUser(user)
	s.users[address] = user
	return nil
}

// IMAPAddr is where mail is read.
func (s *Server) IMAPAddr() (host string, port int) { return s.imapAt.where() }

// SMTPAddr is where mail is submitted.
func (s *Server) SMTPAddr() (host string, port int) { return s.smtpAt.where() }

// Deliver puts a mail into the INBOX of a user as if it had arrived at the given time. Clients in IDLE are told.
func (s *Server) Deliver(user string, raw []byte, at time.Time) error {
	box, ok := s.mailbox(user)
	if !ok {
		return fmt.Errorf("mailtest: no user %q", user)
	}
	if _, err := box.Append("INBOX", literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: at}); err != nil {
		return err
	}
	s.tellIdle()
	return nil
}

// DeliverTo puts a mail into another folder of a user than the INBOX, which is made if it is not there.
func (s *Server) DeliverTo(user, folder string, raw []byte, at time.Time) error {
	box, ok := s.mailbox(user)
	if !ok {
		return fmt.Errorf("mailtest: no user %q", user)
	}
	if _, err := box.Status(folder, &imap.StatusOptions{NumMessages: true}); err != nil {
		if err := box.Create(folder, nil); err != nil {
			return err
		}
	}
	if _, err := box.Append(folder, literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: at}); err != nil {
		return err
	}
	s.tellIdle()
	return nil
}

// Count is how many mails a folder of a user holds.
func (s *Server) Count(user, folder string) (int, error) {
	box, ok := s.mailbox(user)
	if !ok {
		return 0, fmt.Errorf("mailtest: no user %q", user)
	}
	status, err := box.Status(folder, &imap.StatusOptions{NumMessages: true})
	if err != nil {
		return 0, err
	}
	return int(*status.NumMessages), nil
}

// Renumber replaces the INBOX of a user by an empty one with another UIDVALIDITY and cuts all IMAP connections, as a server
// restored from a backup does.
func (s *Server) Renumber(user string) error {
	box, ok := s.mailbox(user)
	if !ok {
		return fmt.Errorf("mailtest: no user %q", user)
	}
	if err := errors.Join(box.Delete("INBOX"), box.Create("INBOX", nil)); err != nil {
		return err
	}
	s.CutIMAP()
	return nil
}

// CutIMAP closes every IMAP connection. Clients may come back.
func (s *Server) CutIMAP() { s.imapAt.cut() }

// Sent returns the mails submitted so far, the last 1,000.
func (s *Server) Sent() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.sent...)
}

// FailNextData answers the next mail submitted with the given code, 4xx or 5xx.
func (s *Server) FailNextData(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failData = code
}

// DropAfterData takes charge of the next mail submitted and cuts the connection instead of saying so.
func (s *Server) DropAfterData() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropData = true
}

// RefuseRecipient answers every RCPT for an address with the given code, 4xx or 5xx; zero ends that.
func (s *Server) RefuseRecipient(address string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[strings.ToLower(address)] = code
}

// Close stops both servers and waits until nobody is being served any more: OnMail is not called afterwards.
func (s *Server) Close() error {
	// The listeners first: the libraries' servers know them only once they have begun to serve.
	err := errors.Join(s.imapAt.Close(), s.smtpAt.Close())
	s.serving.Wait()
	// Who serves a connection closes it when done, and is waited for; the libraries' Close would close it under her hands.
	for _, l := range []*listener{s.imapAt, s.smtpAt} {
		l.cut()
		l.open.Wait()
	}
	_ = s.imap.Close()
	_ = s.smtp.Close()
	return err
}

// mailbox finds the user an address belongs to; what stands between + and @ does not count.
func (s *Server) mailbox(address string) (*imapmemserver.User, bool) {
	address = strings.ToLower(address)
	if name, domain, ok := strings.Cut(address, "@"); ok {
		name, _, _ = strings.Cut(name, "+")
		address = name + "@" + domain
	}
	user, ok := s.users[address]
	return user, ok
}

// literal gives a reader the size an append wants to know.
type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// listener knows its connections, so that they can be cut, and waited for.
type listener struct {
	net.Listener
	open sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func listen(addr string) (*listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &listener{Listener: l, conns: map[*conn]struct{}{}}, nil
}

func (l *listener) where() (host string, port int) {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return "", 0
	}
	return a.IP.String(), a.Port
}

// Accept waits for a connection and counts it.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := &conn{Conn: c, from: l}
	l.mu.Lock()
	l.conns[counted] = struct{}{}
	l.mu.Unlock()
	l.open.Add(1)
	return counted, nil
}

func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Conn.Close()
	}
}

// conn is a counted connection.
type conn struct {
	net.Conn
	from   *listener
	closed sync.Once
}

// Close closes the connection and stops counting it.
func (c *conn) Close() error {
	c.closed.Do(func() {
		c.from.mu.Lock()
		delete(c.from.conns, c)
		c.from.mu.Unlock()
		c.from.open.Done()
	})
	return c.Conn.Close()
}
