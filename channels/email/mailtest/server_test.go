package mailtest

import (
	"net"
	"net/smtp"
	"strconv"
	"testing"
)

// A test may throw away what OnMail writes to once Close has returned.
func TestCloseWaitsForOnMail(t *testing.T) {
	reading, read := make(chan bool), make(chan bool)
	finished := false
	s, err := Start(Options{OnMail: func(string, []string, []byte) {
		close(reading)
		<-read
		finished = true
	}})
	if err != nil {
		t.Fatal(err)
	}
	host, port := s.SMTPAddr()
	at := net.JoinHostPort(host, strconv.Itoa(port))
	sent := make(chan error, 1)
	go func() {
		sent <- smtp.SendMail(at, nil, "a@example.org", []string{"b@example.org"}, []byte("Subject: x\r\n\r\nx\r\n"))
	}()
	<-reading
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	if err := <-sent; err == nil { // Close has cut the connection
		t.Error("the mail was accepted while the server closed")
	}
	close(read)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if !finished { // and the race detector sees that it was waited for
		t.Error("Close returned while OnMail was running")
	}
}
