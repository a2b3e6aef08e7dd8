package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/idna"

	"guichet/channels"
)

// idleConnection is how long a connection to a submission server is kept for the next mail.
const idleConnection = 30 * time.Second

// Sender sends mail through the submission server of the mailbox it leaves by (RFC 6409). It is safe for concurrent use; mails of
// one mailbox go one after the other over one connection.
type Sender struct {
	outlets map[string]*outlet
	log     *slog.Logger
}

var _ channels.Sender = (*Sender)(nil)

// NewSender returns a Sender for these mailboxes. It connects to nothing yet.
func NewSender(mailboxes []Mailbox, log *slog.Logger) *Sender {
	s := &Sender{outlets: make(map[string]*outlet, len(mailboxes)), log: log}
	for _, m := range mailboxes {
		s.outlets[m.Name] = &outlet{box: m, tokens: newTokens(m.OAuth2), turn: make(chan struct{}, 1)}
	}
	return s
}

// Send composes m and hands it over. The verdict is
//   - Accepted when the server took charge, naming in Reason the recipients it refused, if any;
//   - Deferred when it is certain that it did not and another attempt may succeed: no connection, no sign-in, 4xx;
//   - Refused when it said never (5xx) to the mail or to all its recipients, or when m makes no mail;
//   - Uncertain when the connection broke after the last byte left and before the answer came.
func (s *Sender) Send(ctx context.Context, m channels.Outbound) channels.Verdict {
	o, ok := s.outlets[m.Line]
	if !ok {
		// Another version of the configuration knows it, or will: the mail waits.
		return channels.Verdict{Outcome: channels.Deferred, Reason: fmt.Sprintf("no mailbox is called %q", m.Line)}
	}
	raw, err := Compose(m)
	if err != nil {
		return channels.Verdict{Outcome: channels.Refused, Reason: err.Error()}
	}
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return channels.Verdict{Outcome: channels.Deferred, Reason: "another mail held the connection: " + ctx.Err().Error()}
	}
	v := o.send(ctx, envelopeFrom(m, o.box), envelopeTo(m), raw)
	s.log.Debug("mail handed over", "line", m.Line, "outcome", v.Outcome, "code", v.Code)
	return v
}

// Close ends the idle connections. A mail being sent ends first.
func (s *Sender) Close() error {
	for _, o := range s.outlets {
		o.turn <- struct{}{}
		o.drop()
		<-o.turn
	}
	return nil
}

// envelopeFrom is where a bounce goes: to the address with the reply token where the server delivers such addresses, so that a
// failed acknowledgement comes back to its delivery.
func envelopeFrom(m channels.Outbound, box Mailbox) string {
	if box.PlusAddresses && m.ReplyTo != "" {
		return asciiDomain(cleanAddress(m.ReplyTo))
	}
	return asciiDomain(cleanAddress(m.From.Value))
}

func envelopeTo(m channels.Outbound) []string {
	var to []string
	seen := map[string]bool{}
	for _, list := range [][]channels.Address{m.To, m.Cc} {
		for _, a := range list {
			address := asciiDomain(cleanAddress(a.Value))
			if key := strings.ToLower(address); address != "" && !seen[key] {
				seen[key] = true
				to = append(to, address)
			}
		}
	}
	return to
}

// asciiDomain writes an international domain the way every server understands (RFC 5891).
func asciiDomain(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address
	}
	domain, err := idna.Lookup.ToASCII(address[i+1:])
	if err != nil {
		return address
	}
	return address[:i+1] + domain
}

// outlet is the way out of one mailbox. Whoever holds turn may use the rest.
type outlet struct {
	box    Mailbox
	tokens *tokens
	turn   chan struct{}

	mu     sync.Mutex // guards what follows against the idle timer
	conn   net.Conn
	client *smtp.Client
	idle   *time.Timer
}

// send delivers one composed mail. The caller holds turn.
func (o *outlet) send(ctx context.Context, from string, to []string, raw []byte) channels.Verdict {
	conn, client, err := o.connection(ctx)
	if err != nil {
		// A wrong password or a broken relay says nothing about the mail: it waits until somebody has mended the line.
		code, reason := answer(err)
		return channels.Verdict{Outcome: channels.Deferred, Code: code, Reason: reason}
	}
	t := &transaction{conn: conn, client: client}
	v := t.run(ctx, from, to, raw)
	if v.Outcome == channels.Accepted {
		o.keep(conn, client)
	} else {
		conn.Close() // what state the dialogue is in is not worth finding out
	}
	return v
}

// connection returns the idle connection if it still answers, else a new one. Either is the caller's until keep.
func (o *outlet) connection(ctx context.Context) (net.Conn, *smtp.Client, error) {
	if conn, client := o.take(); conn != nil {
		if err := within(ctx, conn, stepTimeout, client.Noop); err == nil {
			return conn, client, nil
		}
		conn.Close()
	}
	return connectSMTP(ctx, o.box.SMTP, o.tokens)
}

// take takes the idle connection, if there is one.
func (o *outlet) take() (net.Conn, *smtp.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.idle != nil {
		o.idle.Stop()
	}
	conn, client := o.conn, o.client
	o.conn, o.client = nil, nil
	return conn, client
}

func (o *outlet) keep(conn net.Conn, client *smtp.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn, o.client = conn, client
	o.idle = time.AfterFunc(idleConnection, o.drop)
}

// drop closes the idle connection.
func (o *outlet) drop() {
	if conn, client := o.take(); conn != nil {
		conn.SetDeadline(time.Now().Add(time.Second)) // a server that does not take leave is left
		_ = client.Quit()
		conn.Close()
	}
}

// connectSMTP connects, secures and signs in.
func connectSMTP(ctx context.Context, s SMTP, t *tokens) (net.Conn, *smtp.Client, error) {
	conn, err := dial(ctx, s.Host, s.Port, s.TLS, "", stepTimeout)
	if err != nil {
		return nil, nil, err
	}
	var client *smtp.Client
	err = within(ctx, conn, stepTimeout, func() error {
		if s.TLS == StartTLS {
			client, err = smtp.NewClientStartTLS(conn, tlsConfig(s.Host))
			if err != nil {
				return fmt.Errorf("%w with %s:%d: %w", errTLS, s.Host, s.Port, err)
			}
		} else {
			client = smtp.NewClient(conn)
		}
		// go-smtp sets its own deadline for each command; ours must be the shorter one.
		client.CommandTimeout, client.SubmissionTimeout = 2*stepTimeout, 2*stepTimeout
		return client.Noop()
	})
	if err == nil && s.Username != "" {
		err = authenticate(ctx, conn, client, account{s.Username, s.Password, t})
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, client, nil
}

// authenticate signs in by token, or by PLAIN, or by LOGIN where nothing else is offered.
func authenticate(ctx context.Context, conn net.Conn, client *smtp.Client, a account) error {
	auth := func(c sasl.Client) error {
		return within(ctx, conn, stepTimeout, func() error { return client.Auth(c) })
	}
	switch {
	case a.tokens != nil:
		return a.withToken(ctx, client.SupportsAuth, auth, func(err error) bool {
			_, refused := errors.AsType[*smtp.SMTPError](err)
			return refused
		})
	case client.SupportsAuth(sasl.Plain):
		return auth(sasl.NewPlainClient("", a.username, a.password))
	case client.SupportsAuth(sasl.Login):
		return auth(sasl.NewLoginClient(a.username, a.password))
	}
	return errors.New("the server offers neither AUTH PLAIN nor LOGIN")
}

// transaction is the sending of one mail over one connection.
type transaction struct {
	conn    net.Conn
	client  *smtp.Client
	refused []string // recipients the server would not have, each with its reason
	why     error    // the answer to one of them, a temporary one if there was any
}

func (t *transaction) run(ctx context.Context, from string, to []string, raw []byte) channels.Verdict {
	if err := t.envelope(ctx, from, to, len(raw)); err != nil {
		return beforeDot(err)
	}
	var data *smtp.DataCommand
	err := within(ctx, t.conn, stepTimeout, func() (err error) {
		if data, err = t.client.Data(); err != nil {
			return err
		}
		_, err = io.Copy(data, bytes.NewReader(raw))
		return err
	})
	if err != nil {
		return beforeDot(err)
	}

	var response *smtp.DataResponse
	err = within(ctx, t.conn, stepTimeout, func() (err error) {
		response, err = data.CloseWithResponse()
		return err
	})
	if _, answered := errors.AsType[*smtp.SMTPError](err); err != nil && !answered {
		return channels.Verdict{Outcome: channels.Uncertain, Reason: "the line fell before the answer: " + err.Error()}
	}
	if err != nil {
		return beforeDot(err)
	}
	v := channels.Verdict{Outcome: channels.Accepted, Code: "250", ExternalID: queueID(response.StatusText)}
	if len(t.refused) > 0 {
		v.Reason = "not delivered to " + strings.Join(t.refused, "; ")
	}
	return v
}

// envelope names sender and recipients. It fails when no recipient is accepted.
func (t *transaction) envelope(ctx context.Context, from string, to []string, size int) error {
	options := &smtp.MailOptions{Size: int64(size)}
	for _, address := range append([]string{from}, to...) {
		options.UTF8 = options.UTF8 || !isASCII(address)
	}
	if able, _ := t.client.Extension("SMTPUTF8"); options.UTF8 && !able {
		return errNoUTF8
	}
	if err := within(ctx, t.conn, stepTimeout, func() error { return t.client.Mail(from, options) }); err != nil {
		return err
	}
	for _, address := range to {
		err := within(ctx, t.conn, stepTimeout, func() error { return t.client.Rcpt(address, nil) })
		if err == nil {
			continue
		}
		refusal, answered := errors.AsType[*smtp.SMTPError](err)
		if !answered {
			return err
		}
		code, reason := answer(err)
		t.refused = append(t.refused, fmt.Sprintf("%s (%s %s)", address, code, reason))
		if t.why == nil || refusal.Temporary() {
			t.why = refusal
		}
	}
	if len(t.refused) == len(to) {
		return t.why
	}
	return nil
}

// beforeDot is the verdict on an error that came while the mail was certainly not accepted.
func beforeDot(err error) channels.Verdict {
	code, reason := answer(err)
	v := channels.Verdict{Outcome: channels.Deferred, Code: code, Reason: reason}
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok && !e.Temporary() {
		v.Outcome = channels.Refused
	}
	if errors.Is(err, errNoUTF8) {
		v.Outcome = channels.Refused
	}
	return v
}

// errNoUTF8 is the verdict on an address with an accent before the @ and a server that cannot take such (RFC 6531).
var errNoUTF8 = errors.New("the server does not take addresses with accents (SMTPUTF8)")

// answer splits an error into the code and the words of the server.
func answer(err error) (code, reason string) {
	e, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		return "", err.Error()
	}
	code = fmt.Sprint(e.Code)
	if e.EnhancedCode != (smtp.EnhancedCode{}) && e.EnhancedCode != smtp.NoEnhancedCode {
		code += fmt.Sprintf(" %d.%d.%d", e.EnhancedCode[0], e.EnhancedCode[1], e.EnhancedCode[2])
	}
	return code, oneLine(clean(e.Message))
}

// queueID reads the identifier servers give in "2.0.0 Ok: queued as 4Xyz".
func queueID(status string) string {
	_, id, _ := strings.Cut(status, "queued as ")
	id, _, _ = strings.Cut(strings.TrimSpace(id), " ")
	return id
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 0x7f {
			return false
		}
	}
	return true
}
