package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"time"

	"guichet/channels/email"
	"guichet/channels/email/mailtest"
	"guichet/ticketing/demo"
)

// benchMailserver is the mail server of the benchmarks, as a process of its own.
type benchMailserver struct {
	Mails   int
	Paced   int
	Dovecot bool
	Small   bool // the mails are a word each, when only their number matters
}

// Run fills a mailbox, says how to read it, and delivers the paced mails when it is told to on standard input. It ends with its standard
// input.
func (b benchMailserver) Run(w world) (err error) {
	letters, err := demo.Letters()
	if err != nil {
		return err
	}
	mails := &corpus{letters: letters, random: rand.New(rand.NewPCG(1, 2))}
	box, err := b.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.close()) }()
	for i := range b.Mails {
		raw := fmt.Appendf(nil, "Message-ID: <%d@example.org>\r\nSubject: x\r\n\r\nx\r\n", i)
		if !b.Small {
			raw = mails.next("")
		}
		if err := box.deliver(raw, time.Now()); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w.stdout, box.port, box.user, box.password); err != nil {
		return err
	}
	orders := bufio.NewScanner(w.stdin)
	for orders.Scan() {
		beat := time.NewTicker(50 * time.Millisecond)
		for range b.Paced {
			<-beat.C
			at := time.Now()
			if err := box.deliver(mails.next(fmt.Sprintf("at.%d.%d@example.org", at.UnixNano(), len(mails.sent)+1)), at); err != nil {
				return err
			}
		}
		beat.Stop()
	}
	return orders.Err()
}

// benchBox is the mailbox of a mail server.
type benchBox struct {
	port           int
	user, password string
	deliver        func(raw []byte, at time.Time) error
	close          func() error
}

func (b benchMailserver) open() (benchBox, error) {
	if !b.Dovecot {
		s, err := mailtest.Start(mailtest.Options{Users: map[string]string{demoAddress: demoMailPass}})
		if err != nil {
			return benchBox{}, err
		}
		_, port := s.IMAPAddr()
		deliver := func(raw []byte, at time.Time) error { return s.Deliver(demoAddress, raw, at) }
		return benchBox{port, demoAddress, demoMailPass, deliver, s.Close}, nil
	}
	folder, err := os.MkdirTemp("", "guichet-bench-dovecot-")
	if err != nil {
		return benchBox{}, err
	}
	d, err := mailtest.StartDovecot(folder)
	if err != nil {
		return benchBox{}, errors.Join(err, os.RemoveAll(folder))
	}
	end := func() error { return errors.Join(d.Close(), os.RemoveAll(folder)) }
	return benchBox{d.Port, d.User, d.Password, d.Deliver, end}, nil
}

// benchServer is that process, seen from the benchmark.
type benchServer struct {
	mailbox email.Mailbox
	command *exec.Cmd
	orders  io.WriteCloser
}

func startBenchServer(ctx context.Context, stderr io.Writer, b benchMailserver) (*benchServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"bench", "mailserver", "--mails", strconv.Itoa(b.Mails), "--paced", strconv.Itoa(b.Paced)}
	if b.Dovecot {
		args = append(args, "--dovecot")
	}
	if b.Small {
		args = append(args, "--small")
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = stderr
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &benchServer{command: cmd, orders: orders}
	var port int
	var user, password string
	if _, err := fmt.Fscanf(answers, "%d %s %s\n", &port, &user, &password); err != nil {
		return nil, errors.Join(fmt.Errorf("the mail server did not start: %w", err), s.stop())
	}
	s.mailbox = email.Mailbox{
		Name: "bench", Address: demoAddress, Department: "accueil", PlusAddresses: true,
		IMAP: email.IMAP{
			Host: "127.0.0.1", Port: port, TLS: email.NoTLS, Username: user, Password: password, Folder: "INBOX",
			After: "leave", Poll: time.Minute, MaxSize: 40 << 20,
		},
		SMTP: email.SMTP{Host: "127.0.0.1", Port: 1, TLS: email.NoTLS},
	}
	return s, nil
}

// pace tells the server to deliver the paced mails.
func (s *benchServer) pace() error {
	_, err := io.WriteString(s.orders, "pace\n")
	return err
}

// stop ends the server: it goes when its standard input closes.
func (s *benchServer) stop() error { return errors.Join(s.orders.Close(), s.command.Wait()) }
