package email

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-smtp"
)

// CheckReading tries the server a mailbox is read from: it signs in, opens each folder and looks for the folder filed mail goes to.
// It changes nothing there. The error says what is wrong and what to do.
func CheckReading(ctx context.Context, m Mailbox) error {
	for _, f := range m.EachFolder() {
		if err := checkFolder(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func checkFolder(ctx context.Context, m Folder) error {
	s, err := openIMAP(ctx, m.IMAP, m.account(), stepTimeout)
	if err != nil {
		return fmt.Errorf("%w; %s", err, advice(err, "imap"))
	}
	defer s.close()
	folder, moves := strings.CutPrefix(m.IMAP.After, "move:")
	if !moves {
		return nil
	}
	err = s.step(ctx, func() error {
		_, err := s.client.Status(folder, &imap.StatusOptions{NumMessages: true}).Wait()
		return err
	})
	if err != nil {
		return fmt.Errorf("folder %q for filed mail: %w; create it on the server, or set imap.after to seen or leave", folder, err)
	}
	return nil
}

// CheckSending tries the server a mailbox sends by: it signs in, and sends nothing. The error says what is wrong and what to do.
func CheckSending(ctx context.Context, m Mailbox) error {
	conn, client, err := connectSMTP(ctx, m.SMTP, newTokens(m.OAuth2))
	if err != nil {
		return fmt.Errorf("%w; %s", err, advice(err, "smtp"))
	}
	defer conn.Close()
	_ = within(ctx, conn, stepTimeout, client.Quit)
	return nil
}

// advice says what to do about a failure to get through to a server.
func advice(err error, section string) string {
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok && e.Code/10 == 53 {
		return "check smtp.username and smtp.password"
	}
	switch {
	case errors.Is(err, errGrant):
		return "check oauth2.client_id, oauth2.client_secret and oauth2.refresh_token, and give the consent again if it was revoked"
	case errors.Is(err, errNoMechanism):
		return "remove oauth2 and give passwords, or allow tokens on the server"
	case errors.Is(err, errSignIn):
		return "check imap.username and imap.password, or what oauth2 says"
	case errors.Is(err, errFolder):
		return "check imap.folder, it must exist on the server"
	case errors.Is(err, errTLS):
		return fmt.Sprintf("check %s.tls and the server's certificate", section)
	}
	return fmt.Sprintf("check %s.host, %s.port and %s.tls, and that a firewall lets them through", section, section, section)
}
