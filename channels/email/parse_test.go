package email

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"guichet/channels"
)

var (
	arrived = time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC)
	mairie  = Mailbox{
		Name:        "mairie",
		Address:     "mairie@valmont.example",
		FormSenders: []string{"Formulaire@valmont.example"},
	}
)

// crlf gives a mail written here the line endings of the wire.
func crlf(s string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n", "\r\n"))
}

func parse(t *testing.T, raw []byte) channels.Inbound {
	t.Helper()
	in, err := Parse(raw, arrived, mairie, nil)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return in
}

func TestParseReadsWhatItCan(t *testing.T) {
	cases := []struct {
		name  string
		raw   []byte
		check func(t *testing.T, in channels.Inbound)
	}{
		{"plain mail", crlf(`
Message-ID: <1@example.org>
Date: Tue, 3 Nov 2026 09:14:58 +0100
From: "Dupont, Jeanne" <jeanne@example.org>
To: Mairie <mairie@valmont.example>, "Voisin" <voisin@example.org>
Cc: autre@example.org
Delivered-To: mairie+abc@valmont.example
X-Original-To: mairie@valmont.example
In-Reply-To: <0@valmont.example>
References: <a@valmont.example>
 <0@valmont.example>
Subject: =?utf-8?Q?R=C3=A9union_du?= =?utf-8?Q?_quartier?=

Bonjour,
merci.
`), func(t *testing.T, in channels.Inbound) {
			want := channels.Inbound{
				Channel: channels.Email, Line: "mairie", Key: in.Key, Raw: in.Raw, At: arrived,
				ID: "1@example.org", InReplyTo: []string{"0@valmont.example"},
				References:  []string{"a@valmont.example", "0@valmont.example"},
				From:        channels.Address{Name: "Dupont, Jeanne", Value: "jeanne@example.org"},
				To:          []channels.Address{{Name: "Mairie", Value: "mairie@valmont.example"}, {Name: "Voisin", Value: "voisin@example.org"}},
				Cc:          []channels.Address{{Value: "autre@example.org"}},
				DeliveredTo: []string{"mairie+abc@valmont.example", "mairie@valmont.example"},
				Subject:     "Réunion du quartier",
				Text:        "Bonjour,\nmerci.\n",
			}
			if diff := cmp.Diff(want, in); diff != "" {
				t.Error(diff)
			}
		}},
		{"no Message-ID, no From, no Subject", crlf("\nTo: mairie@valmont.example\n\nbonjour\n"), func(t *testing.T, in channels.Inbound) {
			if in.ID != "" || in.From != (channels.Address{}) || in.Text != "bonjour\n" {
				t.Errorf("got %+v", in)
			}
		}},
		{"empty body", crlf("From: a@b.fr\nSubject: photo\n\n"), func(t *testing.T, in channels.Inbound) {
			if in.Subject != "photo" || in.Text != "" || len(in.Warnings) > 0 {
				t.Errorf("got %+v", in)
			}
		}},
		{"nothing at all", nil, func(t *testing.T, in channels.Inbound) {
			if len(in.Key) != 64 {
				t.Errorf("key %q", in.Key)
			}
		}},
		{"no header, only words", []byte("Bonjour : le trottoir est cassé\n\nmerci"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "Bonjour : le trottoir est cassé\n\nmerci" {
				t.Errorf("text %q", in.Text)
			}
		}},
		{"broken header lines", crlf(`
From: a@b.fr
cette ligne n'est pas un champ
Subject: fuite d'eau
   dans la rue
Content-Type: text/plain; charset=utf-8

eau
`), func(t *testing.T, in channels.Inbound) {
			if in.Subject != "fuite d'eau dans la rue" || in.Text != "eau\n" || in.From.Value != "a@b.fr" || len(in.Warnings) != 1 {
				t.Errorf("got %+v", in)
			}
		}},
		{"raw latin1 subject and name", []byte("From: Andr\xe9 <andre@b.fr>\r\nSubject: \xc9tat civil\r\nContent-Type: text/plain; charset=iso-8859-15\r\n\r\n10 \xa4"),
			func(t *testing.T, in channels.Inbound) {
				if in.Subject != "État civil" || in.From.Name != "André" || in.Text != "10 €" {
					t.Errorf("got %q %q %q", in.Subject, in.From.Name, in.Text)
				}
			}},
		{"raw gbk subject, charset known from the body", []byte("From: a@b.fr\r\nSubject: \xc4\xe3\xba\xc3\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n\xc4\xe3\xba\xc3"),
			func(t *testing.T, in channels.Inbound) {
				if in.Subject != "你好" || in.Text != "你好" {
					t.Errorf("got %q %q", in.Subject, in.Text)
				}
			}},
		{"unknown charset", []byte("From: a@b.fr\r\nContent-Type: text/plain; charset=x-martien\r\n\r\nd\xe9j\xe0"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "déjà" || len(in.Warnings) != 1 {
				t.Errorf("got %q %q", in.Text, in.Warnings)
			}
		}},
		{"utf-7", crlf("From: a@b.fr\nContent-Type: text/plain; charset=utf-7\n\nd+AOk-j+AOA +- 1"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "déjà + 1" {
				t.Errorf("got %q", in.Text)
			}
		}},
		{"utf-8 announced, latin1 sent, and a NUL", []byte("From: a@b.fr\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nd\xe9j\xe0\x00 vu"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "déjà vu" {
				t.Errorf("got %q", in.Text)
			}
		}},
		{"one bad address among good ones", crlf("From: Jean Dupont\nTo: a@b.fr, Mme (Service) Martin <<c@d.fr>, @@, \"x, y\" <e@f.fr>; groupe: g@h.fr, i@j.fr;\nReply-To: j@k.fr <j@k.fr>\n\nx"),
			func(t *testing.T, in channels.Inbound) {
				want := []channels.Address{{Value: "a@b.fr"}, {Name: "Mme Martin", Value: "c@d.fr"}, {Name: "x, y", Value: "e@f.fr"}, {Value: "g@h.fr"}, {Value: "i@j.fr"}}
				if diff := cmp.Diff(want, in.To); diff != "" {
					t.Error(diff)
				}
				if in.From != (channels.Address{Name: "Jean Dupont"}) || !slices.Equal(in.ReplyTo, []channels.Address{{Value: "j@k.fr"}}) {
					t.Errorf("from %v reply-to %v", in.From, in.ReplyTo)
				}
			}},
		{"form sender", crlf("From: formulaire@valmont.example\nReply-To: =?iso-8859-1?Q?Ren=E9e?= <renee@b.fr>\n\nx"), func(t *testing.T, in channels.Inbound) {
			if !in.FormSender || in.ReplyTo[0] != (channels.Address{Name: "Renée", Value: "renee@b.fr"}) {
				t.Errorf("got %v %v", in.FormSender, in.ReplyTo)
			}
		}},
		{"alternative with a picture", crlf(`
From: a@b.fr
Content-Type: multipart/related; boundary=R

--R
Content-Type: multipart/alternative; boundary="A"

--A
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

d=C3=A9j=C3=A0 =
vu
--A
Content-Type: text/html

<p>déjà vu <img src="cid:p1@x"></p>
--A--
--R
Content-Type: image/png; name="=?utf-8?Q?d=C3=A9g=C3=A2t.png?="
Content-ID: <p1@x>
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--R--
`), func(t *testing.T, in channels.Inbound) {
			if in.Text != "déjà vu" || !strings.Contains(in.HTML, "cid:p1@x") {
				t.Errorf("text %q html %q", in.Text, in.HTML)
			}
			want := []channels.Attachment{{Name: "dégât.png", Type: "image/png", ContentID: "p1@x", Inline: true, Data: []byte("\x89PNG\r\n\x1a\n")}}
			if diff := cmp.Diff(want, in.Attachments); diff != "" {
				t.Error(diff)
			}
		}},
		{"HTML only", crlf("From: a@b.fr\nContent-Type: text/html; charset=utf-8\n\n<p>Bonjour,</p><table><tr><td>nom</td><td>Dupont</td></tr></table><a href=\"https://x.fr/\">ici</a>"),
			func(t *testing.T, in channels.Inbound) {
				for _, want := range []string{"Bonjour,", "nom Dupont", "ici"} {
					if !strings.Contains(in.Text, want) {
						t.Errorf("%q not in text %q", want, in.Text)
					}
				}
			}},
		{"file names in every spelling", crlf(`
From: a@b.fr
Content-Type: multipart/mixed; boundary=M

--M
Content-Type: application/pdf
Content-Disposition: attachment; filename*0*=iso-8859-1'fr'd%E9cla; filename*1="ration.pdf"

1
--M
Content-Type: application/pdf; name=ma photo.pdf

2
--M
Content-Disposition: attachment; filename="C:\\Users\\x\\plan.pdf"
Content-Type: application/octet-stream

%PDF-1.4
--M
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
--M
Content-Type: message/rfc822

From: c@d.fr
Subject: premier courrier

dedans
--M
Content-Type: text/plain; name="note.txt"

mot
--M
Content-Type: text/csv
Content-Disposition: attachment; filename*=UTF-8''%E2%82%AC.csv

--M--
`), func(t *testing.T, in channels.Inbound) {
			var got []string
			for _, a := range in.Attachments {
				got = append(got, a.Name+" "+a.Type)
			}
			want := []string{
				"déclaration.pdf application/pdf", "ma photo.pdf application/pdf", "plan.pdf application/pdf", "calendar.ics text/calendar",
				"premier courrier.eml message/rfc822", "note.txt text/plain", "€.csv text/csv",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if !strings.HasSuffix(in.Text, "From: c@d.fr\nSubject: premier courrier\n\ndedans\n\nmot") || len(in.Warnings) != 1 {
				t.Errorf("text %q, warnings %q", in.Text, in.Warnings)
			}
		}},
		{"broken header line in a part", crlf(`
From: a@b.fr
Content-Type: multipart/mixed; boundary=M

--M
Content-Type: text/plain
n'importe quoi

un
--M
Content-Type: application/pdf; name=x.pdf

deux
--M--
`), func(t *testing.T, in channels.Inbound) {
			if in.Text != "un" || len(in.Attachments) != 1 {
				t.Errorf("text %q files %d", in.Text, len(in.Attachments))
			}
		}},
		{"no boundary named", crlf("From: a@b.fr\nContent-Type: multipart/mixed\n\n--X\nContent-Type: text/plain\n\nmots\n"), func(t *testing.T, in channels.Inbound) {
			if !strings.Contains(in.Text, "mots") || len(in.Warnings) != 1 {
				t.Errorf("text %q warnings %q", in.Text, in.Warnings)
			}
		}},
		{"empty boundary", crlf("From: a@b.fr\nContent-Type: multipart/mixed; boundary=\"\"\n\n--\nmots\n"), func(t *testing.T, in channels.Inbound) {
			if !strings.Contains(in.Text, "mots") {
				t.Errorf("text %q", in.Text)
			}
		}},
		{"cut in the middle", crlf("From: a@b.fr\nContent-Type: multipart/mixed; boundary=M\n\n--M\n\nmots\n--M\nContent-Type: image/jpeg\nContent-Transfer-Encoding: base64\n\n/9j/4A"),
			func(t *testing.T, in channels.Inbound) {
				if in.Text != "mots" || len(in.Attachments) != 1 || len(in.Attachments[0].Data) != 4 || len(in.Warnings) != 1 {
					t.Errorf("got %+v", in)
				}
			}},
		{"base64 junk", crlf("From: a@b.fr\nContent-Transfer-Encoding: base64\n\nYm9u!am91\n*cg==\n-- \nune liste"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "bonjour" || len(in.Warnings) != 1 {
				t.Errorf("text %q warnings %q", in.Text, in.Warnings)
			}
		}},
		{"damaged quoted-printable", crlf("From: a@b.fr\nContent-Transfer-Encoding: quoted-printable\n\n100 =ZZ vu =C3=A9\nfin ="), func(t *testing.T, in channels.Inbound) {
			if in.Text != "100 =ZZ vu é\nfin " {
				t.Errorf("text %q", in.Text)
			}
		}},
		{"unknown transfer encoding", crlf("From: a@b.fr\nContent-Transfer-Encoding: x-zip\n\nmots"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "mots" || len(in.Warnings) != 1 {
				t.Errorf("text %q warnings %q", in.Text, in.Warnings)
			}
		}},
		{"uuencode", crlf("From: a@b.fr\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n'8F]N:F]U<@``\n`\nend\n"), func(t *testing.T, in channels.Inbound) {
			if in.Text != "bonjour" {
				t.Errorf("text %q", in.Text)
			}
		}},
		{"winmail.dat", crlf("From: a@b.fr\nContent-Type: application/ms-tnef\n\nx"), func(t *testing.T, in channels.Inbound) {
			if in.Attachments[0].Name != "winmail.dat" || len(in.Warnings) != 1 {
				t.Errorf("got %+v", in)
			}
		}},
		{"bounce", crlf(`
From: MAILER-DAEMON@relay.example
References: <x@valmont.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B

User unknown
--B
Content-Type: message/delivery-status

Status: 5.1.1
--B
Content-Type: message/rfc822

Message-ID: <42@valmont.example>
From: mairie@valmont.example

x
--B--
`), func(t *testing.T, in channels.Inbound) {
			if in.Automatic != "bounce" || !slices.Equal(in.References, []string{"x@valmont.example", "42@valmont.example"}) || in.Text != "User unknown" {
				t.Errorf("got %q %q %q", in.Automatic, in.References, in.Text)
			}
		}},
		{"list footer after an alternative", crlf(`
From: a@b.fr
Content-Type: multipart/mixed; boundary=M

--M
Content-Type: multipart/alternative; boundary=A

--A

texte
--A
Content-Type: text/html

<b>texte</b>
--A--
--M

pied <1>
--M--
`), func(t *testing.T, in channels.Inbound) {
			if in.Text != "texte\n\npied <1>" || in.HTML != "<b>texte</b>\n<pre>pied &lt;1&gt;</pre>" {
				t.Errorf("text %q html %q", in.Text, in.HTML)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t, parse(t, c.raw)) })
	}
}

func TestKeyIsTheAuthorsPart(t *testing.T) {
	const mail = "Received: from a\r\nMessage-ID: <1@x>\r\nSubject: un\r\n deux\r\nFrom: a@b.fr\r\n\r\ncorps"
	key := func(raw string) string { return parse(t, []byte(raw)).Key }
	first := key(mail)
	if other := key("Received: from b\r\nDelivered-To: z@b.fr\r\n" + mail); other != first {
		t.Error("trace fields change the key")
	}
	for _, changed := range []string{
		strings.Replace(mail, "<1@x>", "<2@x>", 1), strings.Replace(mail, "corps", "corps.", 1), strings.Replace(mail, "a@b.fr", "c@b.fr", 1),
		strings.Replace(mail, "Subject: un\r\n deux\r\nFrom: a@b.fr", "Subject: una@b.fr\r\nFrom: deux", 1),
	} {
		if key(changed) == first {
			t.Errorf("the same key for %q", changed)
		}
	}
}

func TestParseRefusesTheAbsurd(t *testing.T) {
	nested := strings.Builder{}
	nested.WriteString("From: a@b.fr\r\nSubject: profond\r\n")
	for i := range 5000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	cases := map[string]string{
		"header bytes": "From: a@b.fr\r\nSubject: profond\r\nX-Y: " + strings.Repeat("x", maxHeaderBytes) + "\r\n\r\ncorps",
		"header lines": "From: a@b.fr\r\nSubject: profond\r\n" + strings.Repeat("X-Y: z\r\n", maxHeaderLines) + "\r\ncorps",
		"parts":        "From: a@b.fr\r\nSubject: profond\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", maxParts+1),
		"depth":        nested.String(),
		"part header":  "From: a@b.fr\r\nSubject: profond\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\nX: " + strings.Repeat("y", maxHeaderBytes) + "\r\n\r\n--b--",
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			place := &channels.Place{Mailbox: "mairie", UID: 7}
			in, err := Parse([]byte(raw), arrived, mairie, place)
			if !errors.Is(err, ErrTooComplex) {
				t.Fatalf("error %v", err)
			}
			if in.Subject != "profond" || len(in.Key) != 64 || len(in.Raw) != len(raw) || in.Place != place || len(in.Warnings) == 0 {
				t.Errorf("subject %q key %q warnings %q", in.Subject, in.Key, in.Warnings)
			}
		})
	}
}

func TestReferencesKeepTheNewest(t *testing.T) {
	var refs strings.Builder
	for i := range 80 {
		fmt.Fprintf(&refs, " <%d@x>", i)
	}
	in := parse(t, []byte("From: a@b.fr\r\nReferences:"+refs.String()+"\r\n\r\nx"))
	if len(in.References) != maxReferences || in.References[0] != "30@x" || in.References[49] != "79@x" {
		t.Errorf("%d references, from %q", len(in.References), in.References[0])
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range [][]byte{
		nil,
		crlf("From: a@b.fr\nSubject: =?utf-8?B?w6k?= =?x?Q?=zz?=\n\nLe 3 mai 2026, X a écrit :\n> y\n"),
		crlf("Content-Type: multipart/mixed; boundary=M\n\n--M\nContent-Type: multipart/alternative; boundary=A\n\n--A\n\nx\n--A--\n--M\nContent-Disposition: attachment; filename*0*=x''%C3; filename*1*=%A9\nContent-Transfer-Encoding: base64\n\nAA=\n--M--"),
		crlf("From: (a (b) c) \"x\\\"y\" <a@b.fr>, g: c@d.fr;\nTo: <<<a@b>\nContent-Type: text/html\n\n<a href=x>y</a><table><td>&#0;&amp"),
		crlf("Content-Type: text/plain; charset=utf-7\n\n+AGE-+"),
		[]byte("Subject: \xff\xfe\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 1 x\r\nM\r\nend"),
		[]byte("From x\nFrom: a\nContent-Type: message/rfc822\n\nSubject: y\n\nz"),
	} {
		f.Add(seed)
	}
	for _, path := range mails(f) {
		f.Add(readMail(f, path))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := Parse(raw, arrived, mairie, nil)
		if err != nil && !errors.Is(err, ErrTooComplex) {
			t.Fatalf("error %v", err)
		}
		if len(in.Key) != 64 || len(in.Raw) != len(raw) {
			t.Fatal("no key or no original")
		}
		if in.Folded < 0 || in.Folded > len(in.Text) || in.Folded > 0 && in.Folded < len(in.Text) && !utf8.RuneStart(in.Text[in.Folded]) {
			t.Fatalf("folded at %d of %d", in.Folded, len(in.Text))
		}
		texts := []string{in.ID, in.Subject, in.Text, in.HTML, in.From.Name, in.From.Value, SafeHTML(in.HTML)}
		texts = append(append(append(texts, in.References...), in.DeliveredTo...), in.Warnings...)
		for _, a := range in.Attachments {
			texts = append(texts, a.Name, a.Type, a.ContentID)
		}
		for _, a := range slices.Concat(in.To, in.Cc, in.ReplyTo) {
			texts = append(texts, a.Name, a.Value)
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Fatalf("not storable: %q", s)
			}
		}
	})
}

// benchMail is like most mail: text and HTML, and a scanned page.
func benchMail() []byte {
	var b strings.Builder
	b.WriteString("Received: from a by b; Tue, 3 Nov 2026 09:14:58 +0100\r\nMessage-ID: <1@example.org>\r\nFrom: =?utf-8?Q?Andr=C3=A9?= <a@b.fr>\r\n" +
		"To: mairie@valmont.example\r\nSubject: =?utf-8?Q?D=C3=A9claration?=\r\nContent-Type: multipart/mixed; boundary=M\r\n\r\n" +
		"--M\r\nContent-Type: multipart/alternative; boundary=A\r\n\r\n--A\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	b.WriteString(strings.Repeat("Bonjour, le trottoir est ab=C3=AEm=C3=A9 devant chez moi.\r\n", 40))
	b.WriteString("Le 3 mai 2026 =C3=A0 10:00, Mairie <mairie@valmont.example> a =C3=A9crit :\r\n> merci\r\n")
	b.WriteString("--A\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + strings.Repeat("<p>Bonjour, le trottoir est abîmé devant chez moi.</p>\r\n", 40) + "--A--\r\n")
	b.WriteString("--M\r\nContent-Type: application/pdf; name=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for range 600 {
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 54))) + "\r\n")
	}
	b.WriteString("--M--\r\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	raw := benchMail()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw, arrived, mairie, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseHTMLOnly(b *testing.B) {
	raw := []byte("From: a@b.fr\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + strings.Repeat("<p>Bonjour, <b>le trottoir</b> est <a href=\"https://x.fr\">abîmé</a>.</p>\r\n", 100))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw, arrived, mairie, nil); err != nil {
			b.Fatal(err)
		}
	}
}
