package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"guichet/agentapi/auth"
	"guichet/channels"
	"guichet/channels/email"
	"guichet/channels/email/mailtest"
	"guichet/config"
	"guichet/ticketing/demo"

	"golang.org/x/sync/errgroup"
)

type demoCommand struct {
	Listen string `help:"Where pages are served." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Data   string `help:"Folder to keep the data in. Without one it is gone when the demo stops." placeholder:"DIR"`
	Log    string `help:"debug, info, warn or error." default:"warn" enum:"debug,info,warn,error"`
}

// The accounts of the demo, and the password they share. No other command sets it.
const demoPassword = "guichet-demo"

func demoAccounts() []string {
	return []string{"agent@valmont.example", "supervision@valmont.example", "admin@valmont.example", "emma@valmont.example"}
}

// demoTown is what the town calls itself.
const demoTown = "Ville de Valmont"

// The town's mailbox on the demo's own mail server.
const (
	demoAddress  = "contact@valmont.example"
	demoMailbox  = "mairie"
	demoMailPass = "courrier"
)

// Run runs the demo until it is told to stop.
func (d demoCommand) Run(w world) (err error) {
	folder := d.Data
	if folder == "" {
		if folder, err = os.MkdirTemp("", "guichet-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	if terminal(w.stderr) {
		if _, err := fmt.Fprintln(w.stderr, "Preparing the town of Valmont…"); err != nil {
			return err
		}
	}
	citizens, err := newCitizens()
	if err != nil {
		return err
	}
	server, err := mailtest.Start(mailtest.Options{Users: map[string]string{demoAddress: demoMailPass}, OnMail: citizens.read})
	if err != nil {
		return fmt.Errorf("start the demo's mail server: %w", err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	log := newLog(w.stderr, config.Log{Level: d.Log})
	texters, err := newTexters(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, texters.Close()) }()
	c := demoConfig(d.Listen, folder, server)
	c.Twilio = texters.options()
	callers, err := newCallers(log)
	if err != nil {
		return err
	}
	c.CTI = callers.exchanges()
	h, err := openHub(w.ctx, c, log, hubOptions{metricsForAgents: true})
	if err != nil {
		return err
	}
	if err := errors.Join(furnish(w.ctx, h), callers.introduce(w.ctx, h)); err != nil {
		return errors.Join(err, h.close())
	}
	parts, ctx := errgroup.WithContext(w.ctx)
	ready := make(chan string, 1)
	parts.Go(func() error { return h.run(ctx, func(addr string) { ready <- addr }) })
	parts.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case addr := <-ready:
			if err := welcome(w, addr); err != nil {
				return err
			}
			parts.Go(func() error { return texters.live(ctx, config.PublicURL(addr)) })
			parts.Go(func() error { return callers.call(ctx, addr) })
		}
		return citizens.write(ctx, server)
	})
	return parts.Wait()
}

func welcome(w world, addr string) error {
	_, err := fmt.Fprintf(w.stdout, `Guichet is ready: %s
  The town of Valmont; its citizens write, text and call every few seconds and answer what you reply.
  Sign in as  %s (agent), %s or %s,
              or %s, whose screen is in English
  password    %s
  Stop with Ctrl-C.
`, config.PublicURL(addr), demoAccounts()[0], demoAccounts()[1], demoAccounts()[2], demoAccounts()[3], demoPassword)
	return err
}

func demoConfig(listen, folder string, server *mailtest.Server) config.Config {
	c := config.Default()
	c.Database = "sqlite://" + filepath.Join(folder, "guichet.db")
	c.Files = filepath.Join(folder, "files")
	c.HTTP = config.HTTP{Listen: listen, PublicURL: config.PublicURL(listen)}
	c.Town.Name, c.Town.Address = demoTown, "Hôtel de Ville, 1 place de la Mairie, 27999 Valmont\nTél. 02 61 91 00 10"
	imapHost, imapPort := server.IMAPAddr()
	smtpHost, smtpPort := server.SMTPAddr()
	c.Mailboxes = []email.Mailbox{{
		Name: demoMailbox, Address: demoAddress, Department: "accueil", PlusAddresses: true,
		IMAP: email.IMAP{
			Host: imapHost, Port: imapPort, TLS: email.NoTLS, Username: demoAddress, Password: demoMailPass, Folder: "INBOX",
			After: "leave", Poll: time.Minute, MaxSize: 40 << 20,
		},
		SMTP: email.SMTP{Host: smtpHost, Port: smtpPort, TLS: email.NoTLS, Username: demoAddress, Password: demoMailPass},
	}}
	return c
}

// furnish imports the town, gives the three accounts their password, and forgets how far the mailbox was read: the mail server of
// this demo is a new one.
func furnish(ctx context.Context, h *hub) error {
	town, err := demo.Town()
	if err != nil {
		return err
	}
	if _, err := h.town.Import(ctx, town, false); err != nil {
		return fmt.Errorf("import the demo town: %w", err)
	}
	hash, err := auth.HashPassword(demoPassword)
	if err != nil {
		return err
	}
	for _, account := range demoAccounts() {
		if err := h.town.SetPassword(ctx, account, hash); err != nil {
			return err
		}
	}
	const owner = "demo"
	epoch, held, err := h.db.Hold(ctx, "mailbox:"+demoMailbox, owner, time.Minute)
	if err != nil || !held {
		return errors.Join(err, ctx.Err())
	}
	return errors.Join(h.db.SaveCursor(ctx, demoMailbox, epoch, channels.Cursor{}), h.db.Drop(ctx, "mailbox:"+demoMailbox, owner))
}
