package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// idleCycle is how long one IDLE lasts: some servers cut at ten minutes, and go-imap would only renew it after 28.
const idleCycle = 9 * time.Minute

// What stands for settings left empty.
const (
	defaultFolder  = "INBOX"
	defaultPoll    = time.Minute
	defaultMaxSize = 25 << 20
)

// session is one signed-in IMAP connection with the folder selected (RFC 3501). It belongs to one goroutine. Every step closes the
// connection when the server does not answer in time; the session is then of no more use.
type session struct {
	box         IMAP
	account     account
	patience    time.Duration // for one step of the dialogue
	conn        net.Conn
	client      *imapclient.Client
	wake        chan struct{} // told when the server speaks of new mail by itself
	uidValidity uint32
}

// At which step a session could not be opened.
var (
	errSignIn = errors.New("sign in")
	errFolder = errors.New("open folder")
)

// openIMAP connects, signs in and selects the folder.
func openIMAP(ctx context.Context, box IMAP, a account, patience time.Duration) (*session, error) {
	conn, err := dial(ctx, box.Host, box.Port, box.TLS, "imap", patience)
	if err != nil {
		return nil, err
	}
	s := &session{box: box, account: a, patience: patience, conn: conn, wake: make(chan struct{}, 1)}
	if err := s.step(ctx, s.greet); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greeting of %s:%d: %w", box.Host, box.Port, err)
	}
	if err := s.login(ctx); err != nil {
		s.close()
		if !said(err) && !errors.Is(err, errNoMechanism) { // the line fell, or there is no token: the account may be right
			return nil, fmt.Errorf("signing in to %s:%d: %w", box.Host, box.Port, err)
		}
		return nil, fmt.Errorf("%w to %s:%d as %s: %w", errSignIn, box.Host, box.Port, box.Username, err)
	}
	if err := s.step(ctx, s.selectFolder); err != nil {
		s.close()
		if !said(err) {
			return nil, fmt.Errorf("opening folder %s: %w", box.Folder, err)
		}
		return nil, fmt.Errorf("%w %s: %w", errFolder, box.Folder, err)
	}
	return s, nil
}

// step runs one step of the dialogue within its time.
func (s *session) step(ctx context.Context, do func() error) error {
	return within(ctx, s.conn, s.patience, do)
}

func (s *session) greet() error {
	options := &imapclient.Options{
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			Mailbox: func(data *imapclient.UnilateralDataMailbox) {
				if data.NumMessages == nil {
					return
				}
				select {
				case s.wake <- struct{}{}:
				default:
				}
			},
		},
	}
	if s.box.TLS == StartTLS {
		options.TLSConfig = tlsConfig(s.box.Host)
		client, err := imapclient.NewStartTLS(s.conn, options)
		s.client = client
		return err
	}
	s.client = imapclient.New(s.conn, options)
	if err := s.client.WaitGreeting(); err != nil {
		s.client.Close()
		return err
	}
	return nil
}

func (s *session) login(ctx context.Context) error {
	var caps imap.CapSet
	err := s.step(ctx, func() error {
		caps = s.client.Caps()
		return nil
	})
	if err != nil {
		return err
	}
	if s.account.tokens != nil {
		offers := func(mechanism string) bool { return caps.Has(imap.AuthCap(mechanism)) }
		return s.account.withToken(ctx, offers, func(c sasl.Client) error {
			return s.step(ctx, func() error { return s.client.Authenticate(c) })
		}, said)
	}
	return s.step(ctx, func() error {
		if caps.Has(imap.CapLoginDisabled) && caps.Has(imap.AuthCap(sasl.Plain)) {
			return s.client.Authenticate(sasl.NewPlainClient("", s.account.username, s.account.password))
		}
		return s.client.Login(s.account.username, s.account.password).Wait()
	})
}

// selectFolder opens the folder, for reading only where mail is left as it is.
func (s *session) selectFolder() error {
	data, err := s.client.Select(s.box.Folder, &imap.SelectOptions{ReadOnly: s.box.leaves()}).Wait()
	if err != nil {
		return err
	}
	s.uidValidity = data.UIDValidity
	return nil
}

// close ends the connection without ceremony: a server that is told LOGOUT may take its time.
func (s *session) close() {
	s.conn.Close()
	if s.client != nil {
		s.client.Close()
	}
}

// held is how many mails the folder holds, as the server last said.
func (s *session) held() int {
	if m := s.client.Mailbox(); m != nil {
		return int(m.NumMessages)
	}
	return 0
}

// search asks which UIDs of the set exist. It is written without RETURN, which servers that do not know ESEARCH refuse.
func (s *session) search(ctx context.Context, set imap.UIDSet) ([]imap.UID, error) {
	var data *imap.SearchData
	err := s.step(ctx, func() (err error) {
		data, err = s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, nil).Wait()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search for new mail: %w", err)
	}
	return data.AllUIDs(), nil
}

// rest waits for the server to speak of new mail, at most for the given time. Where the server knows no IDLE (RFC 2177) it just
// waits. It returns nil when it is time to look.
func (s *session) rest(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	idle, err := s.startIdle(ctx)
	if err != nil {
		return err
	}
	select {
	case <-s.wake:
	case <-timer.C:
	case <-s.client.Closed():
		err = errors.New("the server closed the connection")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if idle == nil || err != nil {
		return err
	}
	return s.step(ctx, func() error { return errors.Join(idle.Close(), idle.Wait()) })
}

// startIdle begins an IDLE; nil where the server has none or will not.
func (s *session) startIdle(ctx context.Context) (*imapclient.IdleCommand, error) {
	var idle *imapclient.IdleCommand
	err := s.step(ctx, func() (err error) {
		if s.client.Caps().Has(imap.CapIdle) {
			idle, err = s.client.Idle()
		}
		return err
	})
	if said(err) {
		return nil, nil
	}
	return idle, err
}

// settle does to filed mails what the configuration wants done to them on the server.
func (s *session) settle(ctx context.Context, uids []uint32) error {
	if len(uids) == 0 || s.box.leaves() {
		return nil
	}
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return s.step(ctx, func() error {
		if folder, ok := strings.CutPrefix(s.box.After, "move:"); ok {
			_, err := s.client.Move(set, folder).Wait()
			return err
		}
		seen := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		return s.client.Store(set, seen, nil).Close()
	})
}

// leaves reports whether mail stays untouched on the server.
func (i IMAP) leaves() bool { return i.After == "" || i.After == "leave" }

// said reports whether an error is the server's tagged NO or BAD: the command failed, the connection lives.
func said(err error) bool {
	_, ok := errors.AsType[*imap.Error](err)
	return ok
}
