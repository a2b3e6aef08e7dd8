package email

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/channels"
)

func answerMail() channels.Outbound {
	return channels.Outbound{
		Channel: channels.Email, Line: "mairie",
		ID: "t1.m2.sig@valmont.example", InReplyTo: "1@example.org",
		References: []string{"0@example.org", "1@example.org", "ticket-1@valmont.example"},
		From:       channels.Address{Name: "Mairie de Valmont, accueil", Value: "mairie@valmont.example"},
		ReplyTo:    "mairie+tok@valmont.example",
		To:         []channels.Address{{Name: "Jeanne Éluard", Value: "jeanne@example.org"}},
		Cc:         []channels.Address{{Value: "voisin@example.org"}},
		Subject:    "Re: Réunion du quartier — très longue ligne qui doit être pliée quelque part [Réf. 2026-00412]",
		Text:       "Bonjour,\n.\nà demain — voici le plan.\n.. fin",
		At:         time.Date(2026, 11, 3, 10, 0, 0, 0, time.FixedZone("CET", 3600)),
	}
}

func TestComposeIsReadBack(t *testing.T) {
	m := answerMail()
	m.Attachments = []channels.Attachment{
		{Name: "délibération n° 3.pdf", Type: "application/pdf", Data: []byte("%PDF-1.4\n\x00\xff")},
		{Name: "mail.eml", Type: "message/rfc822", Data: []byte("From: a@b.fr\r\n\r\nx")},
	}
	raw, err := Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	in := parse(t, raw)
	want := channels.Inbound{
		Channel: channels.Email, Line: "mairie", Key: in.Key, Raw: raw, At: arrived,
		ID: m.ID, InReplyTo: []string{m.InReplyTo}, References: m.References,
		From: m.From, ReplyTo: []channels.Address{{Value: m.ReplyTo}}, To: m.To, Cc: m.Cc,
		Subject: m.Subject, Text: m.Text + "\n",
		Attachments: []channels.Attachment{m.Attachments[0], {Name: "mail.eml", Type: "text/plain", Data: m.Attachments[1].Data}},
		Silent:      "",
	}
	got := in
	got.Attachments = slices.Clone(in.Attachments)
	got.Attachments[1].Type = "text/plain" // sniffed, whatever it is called
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") || !isASCII(string(line)) {
			t.Errorf("line %d is not for the wire: %q", i, line)
		}
	}
}

// TestComposeAlternatives reads our own mails back with the parser that reads everybody's.
func TestComposeAlternatives(t *testing.T) {
	long := strings.Repeat("très long ", 300)
	for name, text := range map[string]string{
		"lines":      "Bonjour,\n\nligne 1\nligne 2\n",
		"dots":       "Bonjour\n.\n..\n.fin",
		"long":       long + "\n" + strings.Repeat("x", 5000),
		"emoji":      "Merci 👍🏽 — à bientôt, Zoë & l’équipe <3",
		"a boundary": "--" + boundary("mixed", answerMail().ID) + "\n--" + boundary("alternative", answerMail().ID) + "--\nfin",
		"a header":   "From: moi\nBcc: toi\n\n",
		"returns":    "un\r\ndeux\rtrois\n",
		"from":       "From ici\nFrom là",
	} {
		for files := range 3 {
			t.Run(fmt.Sprint(name, ", ", files, " files"), func(t *testing.T) {
				m := answerMail()
				m.Text = text
				var err error
				if m.HTML, err = Document(text, "fr"); err != nil {
					t.Fatal(err)
				}
				for i := range files {
					m.Attachments = append(m.Attachments, channels.Attachment{Name: fmt.Sprintf("pièce %d 📎.txt", i), Type: "text/plain", Data: []byte("x\n")})
				}
				raw, err := Compose(m)
				if err != nil {
					t.Fatal(err)
				}
				in := parse(t, raw)
				if want := plainLines(text); in.Text != want {
					t.Errorf("text %q, want %q", in.Text, want)
				}
				if in.HTML != m.HTML {
					t.Errorf("HTML %q, want %q", in.HTML, m.HTML)
				}
				if len(in.Attachments) != files || len(in.Warnings) != 0 {
					t.Errorf("files %v, warnings %v", in.Attachments, in.Warnings)
				}
				for i, a := range in.Attachments {
					if a.Name != m.Attachments[i].Name || string(a.Data) != "x\n" {
						t.Errorf("file %+v", a)
					}
				}
				for i, line := range bytes.Split(raw, []byte("\r\n")) {
					if len(line) > 998 || bytes.ContainsAny(line, "\r\n") || !isASCII(string(line)) {
						t.Errorf("line %d is not for the wire: %q", i, line)
					}
				}
				again, err := Compose(m)
				if err != nil || !bytes.Equal(raw, again) {
					t.Errorf("not the same bytes twice, %v", err)
				}
			})
		}
	}
}

func TestComposeSaysTheSameTwice(t *testing.T) {
	m := answerMail()
	m.Attachments = []channels.Attachment{{Name: "a.txt", Type: "text/plain; charset=utf-8", Data: []byte("x")}}
	first, err := Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	m.At = m.At.UTC()
	for range 20 {
		again, err := Compose(m)
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("another mail, error %v:\n%s\n%s", err, first, again)
		}
	}
}

func TestComposeMarksAutomaticMail(t *testing.T) {
	m := answerMail()
	m.Automatic = true
	raw, err := Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Auto-Submitted: auto-replied\r\n", "X-Auto-Response-Suppress: All\r\n", "X-Guichet: auto\r\n"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %q", want)
		}
	}
	if in := parse(t, raw); in.Automatic != "our own automatic mail" {
		t.Errorf("automatic %q", in.Automatic)
	}
}

func TestComposeLetsNothingIn(t *testing.T) {
	m := answerMail()
	evil := "x\r\nBcc: spy@example.org\r\n\r\nbody"
	m.Subject, m.ID, m.InReplyTo, m.ReplyTo = evil, "a@b"+evil, evil, evil+"@c.fr"
	m.References = []string{evil}
	m.From.Name, m.To[0].Name, m.To[0].Value = evil, evil, "a@b.fr\r\nBcc: spy@example.org"
	m.Attachments = []channels.Attachment{{Name: evil, Type: "text/plain\r\nBcc: x", ContentID: evil, Data: []byte("x")}}
	raw, err := Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(strings.ToLower(line), "bcc") {
			t.Errorf("smuggled %q in\n%s", line, raw)
		}
	}
}

func TestComposeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*channels.Outbound){
		"no identifier": func(m *channels.Outbound) { m.ID = "" },
		"no date":       func(m *channels.Outbound) { m.At = time.Time{} },
		"no sender":     func(m *channels.Outbound) { m.From.Value = "" },
		"no recipient":  func(m *channels.Outbound) { m.To, m.Cc = nil, nil },
	} {
		m := answerMail()
		spoil(&m)
		if _, err := Compose(m); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestComposeTrimsReferences(t *testing.T) {
	m := answerMail()
	m.References = nil
	for i := range 300 {
		m.References = append(m.References, fmt.Sprintf("%040d@example.org", i))
	}
	field := trimReferences(m.References)
	if n := len("References: " + field); n >= maxReferencesLength || n < maxReferencesLength-100 {
		t.Errorf("%d characters", n)
	}
	ids := messageIDs([]string{field})
	if ids[0] != m.References[0] || ids[len(ids)-1] != m.References[299] || ids[1] != m.References[300-len(ids)+1] {
		t.Errorf("first %s, second %s, last %s", ids[0], ids[1], ids[len(ids)-1])
	}
}
