package email

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

const (
	testUser     = "mairie@valmont.example"
	testPassword = "sésame, ouvre-toi"
)

// servers starts a pair of mail servers that ends with the test, and describes them as a mailbox.
func servers(t *testing.T, options mailtest.Options) (*mailtest.Server, Mailbox) {
	t.Helper()
	options.Users = map[string]string{testUser: testPassword}
	s, err := mailtest.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	box := mairie
	box.IMAP = IMAP{TLS: NoTLS, Username: testUser, Password: testPassword, Poll: time.Hour}
	box.IMAP.Host, box.IMAP.Port = s.IMAPAddr()
	box.SMTP = SMTP{TLS: NoTLS, Username: testUser, Password: testPassword}
	box.SMTP.Host, box.SMTP.Port = s.SMTPAddr()
	return s, box
}

func testSender(t *testing.T, box Mailbox) *Sender {
	t.Helper()
	s := NewSender([]Mailbox{box}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSendVerdicts(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(s *mailtest.Server, m *channels.Outbound, box *Mailbox)
		want    channels.Outcome
		code    string
		reason  string
		sent    int
	}{
		{"accepted", func(*mailtest.Server, *channels.Outbound, *Mailbox) {}, channels.Accepted, "250", "", 1},
		{"no such line", func(_ *mailtest.Server, m *channels.Outbound, _ *Mailbox) { m.Line = "autre" }, channels.Deferred, "", "autre", 0},
		{"makes no mail", func(_ *mailtest.Server, m *channels.Outbound, _ *Mailbox) { m.ID = "" }, channels.Refused, "", "identifier", 0},
		{"later", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) { s.FailNextData(451) }, channels.Deferred, "451 4.1.1", "refused by the test", 0},
		{"never", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) { s.FailNextData(554) }, channels.Refused, "554 5.1.1", "refused by the test", 0},
		{"who knows", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) { s.DropAfterData() }, channels.Uncertain, "", "before the answer", 1},
		{"one recipient refused", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) {
			s.RefuseRecipient("voisin@example.org", 550)
		}, channels.Accepted, "250", "voisin@example.org (550 5.1.1 no such mailbox here)", 1},
		{"all recipients refused", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) {
			s.RefuseRecipient("voisin@example.org", 550)
			s.RefuseRecipient("jeanne@example.org", 550)
		}, channels.Refused, "550 5.1.1", "no such mailbox here", 0},
		{"all recipients refused, one for now", func(s *mailtest.Server, _ *channels.Outbound, _ *Mailbox) {
			s.RefuseRecipient("voisin@example.org", 550)
			s.RefuseRecipient("jeanne@example.org", 450)
		}, channels.Deferred, "450 4.1.1", "no such mailbox here", 0},
		{"wrong password", func(_ *mailtest.Server, _ *channels.Outbound, box *Mailbox) { box.SMTP.Password = "x" }, channels.Deferred, "535 5.7.8", "", 0},
		{"nobody there", func(_ *mailtest.Server, _ *channels.Outbound, box *Mailbox) { box.SMTP.Port = 1 }, channels.Deferred, "", "refused", 0},
		{"accent before the @", func(_ *mailtest.Server, m *channels.Outbound, _ *Mailbox) { m.To[0].Value = "andré@example.org" }, channels.Refused, "", "accents", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, box := servers(t, mailtest.Options{})
			m := answerMail()
			c.prepare(s, &m, &box)
			v := testSender(t, box).Send(t.Context(), m)
			if v.Outcome != c.want || v.Code != c.code || !strings.Contains(v.Reason, c.reason) || (c.reason == "" && c.code == "250" && v.Reason != "") {
				t.Errorf("verdict %+v", v)
			}
			if got := len(s.Sent()); got != c.sent {
				t.Errorf("%d mails at the server, want %d", got, c.sent)
			}
		})
	}
}

func TestSendAddressesTheEnvelope(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	box.PlusAddresses = true
	m := answerMail()
	m.To = append(m.To, channels.Address{Value: "Voisin@example.org"}, channels.Address{Value: "x@mairie-évian.example"})
	if v := testSender(t, box).Send(t.Context(), m); v.Outcome != channels.Accepted {
		t.Fatalf("verdict %+v", v)
	}
	got := s.Sent()[0]
	if got.From != m.ReplyTo || strings.Join(got.To, " ") != "jeanne@example.org Voisin@example.org x@xn--mairie-vian-hbb.example" {
		t.Errorf("envelope %q → %q", got.From, got.To)
	}
	want, err := Compose(m)
	if err != nil || string(want) != string(got.Raw) {
		t.Errorf("not what was composed: %v", err)
	}
}

func TestSendReusesAndReplacesTheConnection(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, err := mailtest.Start(mailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box := Mailbox{Name: "mairie", SMTP: SMTP{TLS: NoTLS}}
	box.SMTP.Host, box.SMTP.Port = s.SMTPAddr()
	sender := NewSender([]Mailbox{box}, slog.New(slog.DiscardHandler))
	send := func() {
		t.Helper()
		if v := sender.Send(t.Context(), answerMail()); v.Outcome != channels.Accepted {
			t.Fatalf("verdict %+v", v)
		}
	}
	send()
	first := sender.outlets["mairie"].conn
	send()
	if sender.outlets["mairie"].conn != first {
		t.Error("the connection was not kept")
	}
	first.Close()
	send()
	if n := len(s.Sent()); n != 3 {
		t.Errorf("%d mails", n)
	}
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestSendTakesOneConnectionForMany counts what the server sees of twenty mails that wait at once, as the outbox hands them over.
func TestSendTakesOneConnectionForMany(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	target := net.JoinHostPort(box.SMTP.Host, strconv.Itoa(box.SMTP.Port))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var connections atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			there, err := net.Dial("tcp", target)
			if err != nil {
				c.Close()
				continue
			}
			go func() { _, _ = io.Copy(there, c); there.Close() }()
			go func() { _, _ = io.Copy(c, there); c.Close() }()
		}
	}()
	box.SMTP.Port = l.Addr().(*net.TCPAddr).Port
	sender := testSender(t, box)
	var sending sync.WaitGroup
	for i := range 20 {
		sending.Go(func() {
			m := answerMail()
			m.ID = fmt.Sprintf("%d@valmont.example", i)
			if v := sender.Send(t.Context(), m); v.Outcome != channels.Accepted {
				t.Errorf("verdict %+v", v)
			}
		})
	}
	sending.Wait()
	if got, n := len(s.Sent()), connections.Load(); got != 20 || n != 1 {
		t.Errorf("%d mails over %d connections", got, n)
	}
}

func TestSendGivesUpWithTheContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // a server that accepts and says nothing
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	box := Mailbox{Name: "mairie", SMTP: SMTP{TLS: NoTLS, Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if v := testSender(t, box).Send(ctx, answerMail()); v.Outcome != channels.Deferred {
		t.Errorf("verdict %+v", v)
	}
}

// TestSendSignsInByLogin speaks to a server that knows nothing but AUTH LOGIN.
func TestSendSignsInByLogin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan []string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		said <- loginDialogue(c)
	}()
	box := Mailbox{Name: "mairie", SMTP: SMTP{TLS: NoTLS, Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Username: "u", Password: "p"}}
	testSender(t, box).Send(t.Context(), answerMail())
	if got := strings.Join(<-said, " "); got != "AUTH LOGIN dQ== cA==" {
		t.Errorf("client said %q", got)
	}
}

func loginDialogue(c net.Conn) (auth []string) {
	in := bufio.NewScanner(c)
	fmt.Fprint(c, "220 x\r\n")
	for in.Scan() {
		switch line := in.Text(); {
		case strings.HasPrefix(line, "EHLO"):
			fmt.Fprint(c, "250-x\r\n250 AUTH LOGIN\r\n")
		case strings.HasPrefix(line, "AUTH"):
			auth = append(auth, line)
			fmt.Fprint(c, "334 UGFzc3dvcmQ6\r\n") // "Password:"
		case len(auth) == 1:
			auth = append(auth, line)
			fmt.Fprint(c, "535 no\r\n")
			return auth
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
	return auth
}
