package email

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels"
)

func TestReadMbox(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"empty", "", nil},
		{"only empty lines", "\n\r\n", nil},
		{"two", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\nOne\n\nFrom a@b Tue Nov 24 10:06:00 2026\nSubject: 2\n\nTwo\n\n",
			[]string{"Subject: 1\r\n\r\nOne\r\n", "Subject: 2\r\n\r\nTwo\r\n"}},
		{"CRLF, no empty line at the end", "From a@b Tue Nov 24 10:05:00 2026\r\nSubject: 1\r\n\r\nOne\r\n\r\nFrom a@b Tue Nov 24 10:06:00 2026\r\nSubject: 2\r\n\r\nTwo",
			[]string{"Subject: 1\r\n\r\nOne\r\n", "Subject: 2\r\n\r\nTwo"}},
		{"a From_ line without a date", "From \nSubject: 1\n\nOne\n\nFrom - \nSubject: 2\n\nTwo\n", []string{"Subject: 1\r\n\r\nOne\r\n", "Subject: 2\r\n\r\nTwo\r\n"}},
		{"From inside a paragraph", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\nOne\nFrom a@b Tue Nov 24 10:05:00 2026\n", []string{"Subject: 1\r\n\r\nOne\r\nFrom a@b Tue Nov 24 10:05:00 2026\r\n"}},
		{"a sentence after an empty line", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\nOne\n\nFrom now on the pool opens at 10:30,\nsays the mayor.\n",
			[]string{"Subject: 1\r\n\r\nOne\r\n\r\nFrom now on the pool opens at 10:30,\r\nsays the mayor.\r\n"}},
		{"quoted", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\n>From one\n>>From two\n> From three\n", []string{"Subject: 1\r\n\r\nFrom one\r\n>From two\r\n> From three\r\n"}},
		{"Content-Length lies", "From a@b Tue Nov 24 10:05:00 2026\nContent-Length: 9000\n\nOne\n\nFrom a@b Tue Nov 24 10:06:00 2026\nSubject: 2\n\nTwo\n",
			[]string{"Content-Length: 9000\r\n\r\nOne\r\n", "Subject: 2\r\n\r\nTwo\r\n"}},
		{"nothing between two", "From a@b Tue Nov 24 10:05:00 2026\n\nFrom a@b Tue Nov 24 10:06:00 2026\nSubject: 2\n\nTwo\n", []string{"Subject: 2\r\n\r\nTwo\r\n"}},
		{"a body that ends with empty lines", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\nOne\n\n\n\n", []string{"Subject: 1\r\n\r\nOne\r\n\r\n\r\n"}},
		{"a header alone", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n", []string{"Subject: 1\r\n"}},
		{"mixed line ends", "From a@b Tue Nov 24 10:05:00 2026\r\nSubject: 1\n\r\nOne\rstill\n", []string{"Subject: 1\r\n\r\nOne\rstill\r\n"}},
		{"a line longer than the buffer", "From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\n" + strings.Repeat("x", 200_000) + "\r\nFrom y\n",
			[]string{"Subject: 1\r\n\r\n" + strings.Repeat("x", 200_000) + "\r\nFrom y\r\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for m, err := range ReadMbox(strings.NewReader(test.file), 1<<20) {
				if err != nil {
					t.Fatal(err)
				}
				if m.Size != int64(len(m.Raw)) {
					t.Errorf("a mail of %d bytes is said to have %d", len(m.Raw), m.Size)
				}
				got = append(got, string(m.Raw))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestReadMboxRefuses(t *testing.T) {
	for m, err := range ReadMbox(strings.NewReader("departments:\n  - code: accueil\n"), 1<<20) {
		if err == nil {
			t.Errorf("a town file was read as a mail: %q", m.Raw)
		}
	}
}

// What the mailbox gave over IMAP and what the archive holds of it is the same message.
func TestArchivedKey(t *testing.T) {
	live := "Message-ID: <1@x>\r\nFrom: a@b.fr\r\nSubject: Trou\r\n\r\nFrom here on\r\n\r\nthe road is gone.\r\n"
	want, _ := Parse([]byte(live), time.Now(), Mailbox{Name: "mairie"}, nil)
	file := "From a@b.fr Tue Nov 24 10:05:00 2026\n" + strings.ReplaceAll(strings.ReplaceAll(live, "\r\n", "\n"), "\nFrom here", "\n>From here") + "\n"
	for m, err := range ReadMbox(strings.NewReader(file), 1<<20) {
		if in := m.Inbound(Mailbox{Name: "mairie"}, time.Now()); err != nil || in.Key != want.Key || string(in.Raw) != live {
			t.Errorf("%v, %q has another key", err, in.Raw)
		}
	}
}

func TestTooLargeForTheMailbox(t *testing.T) {
	big := "Subject: big\nFrom: a@b.fr\n\n" + strings.Repeat("0123456789\n", 1000)
	file := "From a@b Tue Nov 24 10:05:00 2026\n" + big + "\nFrom a@b Tue Nov 24 10:06:00 2026\nSubject: 2\n\nTwo\n"
	var got []channels.Inbound
	for m, err := range ReadMbox(strings.NewReader(file), 2000) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Inbound(Mailbox{}, time.Now()))
	}
	if len(got) != 2 || got[0].Quarantine != channels.TooLarge || string(got[0].Raw) != "Subject: big\r\nFrom: a@b.fr\r\n\r\n" || got[1].Quarantine != "" {
		t.Errorf("%+v", got)
	}
}

func TestReceivedAt(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	seen := time.Date(2020, 5, 1, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, raw string
		seen      time.Time
		want      string
	}{
		{"the newest Received", "Received: by mx;\r\n Tue, 3 Mar 2020 10:00:00 +0100\r\nReceived: by a; Mon, 2 Mar 2020 10:00:00 +0100\r\nDate: Sun, 1 Mar 2020 10:00:00 +0100\r\n\r\n", seen, "2020-03-03T09:00:00Z"},
		{"what the archive says", "Date: Sun, 1 Mar 2020 10:00:00 +0100\r\n\r\n", seen, "2020-05-01T08:00:00Z"},
		{"a Received of the future", "Received: by mx; Tue, 3 Mar 2099 10:00:00 +0100\r\n\r\n", seen, "2020-05-01T08:00:00Z"},
		{"a clock that was not set", "Received: by mx; Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\n", seen, "2020-05-01T08:00:00Z"},
		{"the sender's Date", "Date: Sun, 1 Mar 2020 10:00:00 +0100\r\n\r\n", time.Time{}, "2020-03-01T09:00:00Z"},
		{"nothing", "Subject: x\r\n\r\n", time.Time{}, "2026-11-24T12:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Archived{Raw: []byte(test.raw), Seen: test.seen}).receivedAt(now).Format(time.RFC3339); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestFromDate(t *testing.T) {
	for line, want := range map[string]string{
		"From a@b Tue Nov 24 10:05:00 2026":         "2026-11-24T10:05:00Z",
		"From - Sun Mar  1 10:05 2026":              "2026-03-01T10:05:00Z",
		"From a@b Tue Nov 24 10:05:00 CET 2026":     "2026-11-24T10:05:00Z",
		"From a@b Tue Nov 24 10:05:00 2026 +0100":   "2026-11-24T09:05:00Z",
		"From 1@xxx Tue Nov 24 10:05:00 +0000 2026": "2026-11-24T10:05:00Z",
		"From now on":                  "",
		"From Nov 24 10:05:00":         "",
		"From a@b Tue Nov 24 10:05:00": "",
		"From \"a b\"@c Tue Nov 24 10:05:00 2026 remote from somewhere over there": "2026-11-24T10:05:00Z",
	} {
		at, ok := fromDate(line)
		if got := at.Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s, %v", line, got, ok)
		}
	}
}

func TestMaildir(t *testing.T) {
	folder := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cur/1700000002.M2.host:2,S", "Subject: 2\n\nTwo\n")
	write("new/1700000010.M1.host", "Subject: 10\r\n\r\nTen\r\n")
	write("cur/900000000.M1.host:2,FS", "Subject: 9\n\nNine\n")
	write("tmp/1.unfinished", "Subject: no\n\n")
	write("cur/.nfs0001", "no mail")
	write(".Archives/cur/1700000005.M1.host:2,", "Subject: 5\n\n"+strings.Repeat("x", 5000))
	if err := os.WriteFile(outside, []byte("Subject: secret\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, "cur", "1700000003.link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }() // only read from
	for _, test := range []struct {
		recursive bool
		want      []string
	}{
		{false, []string{"Subject: 9\r\n\r\nNine\r\n", "Subject: 2\r\n\r\nTwo\r\n", "Subject: 10\r\n\r\nTen\r\n"}},
		{true, []string{"Subject: 9\r\n\r\nNine\r\n", "Subject: 2\r\n\r\nTwo\r\n", "Subject: 5\r\n\r\n", "Subject: 10\r\n\r\nTen\r\n"}},
	} {
		names, err := ListMaildir(root, test.recursive)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for m, err := range ReadMaildir(root, names, 2000) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(m.Raw))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("recursive %v: %q", test.recursive, got)
		}
	}
	if empty, err := os.OpenRoot(t.TempDir()); err == nil {
		defer func() { _ = empty.Close() }() // only read from
		if _, err := ListMaildir(empty, true); err == nil {
			t.Error("an empty folder is taken for a Maildir")
		}
	}
}

// An mbox file of any size is read with the memory of one mail.
func TestMboxMemoryIsFlat(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		body := strings.Repeat(strings.Repeat("x", 76)+"\n", 250)
		for i := range 5000 {
			if _, err := fmt.Fprintf(w, "From a@b Tue Nov 24 10:05:00 2026\nMessage-ID: <%d@x>\nSubject: %d\n\n%s\n", i, i, body); err != nil {
				return
			}
		}
		_ = w.Close() // a pipe's never fails
	}()
	var most uint64
	mails := 0
	for _, err := range ReadMbox(r, 1<<20) {
		if err != nil {
			t.Fatal(err)
		}
		if mails++; mails%100 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
	}
	if mails != 5000 || most > 48<<20 {
		t.Errorf("%d mails with up to %d MB", mails, most>>20)
	}
}

func FuzzReadMbox(f *testing.F) {
	f.Add("From a@b Tue Nov 24 10:05:00 2026\nSubject: 1\n\n>From x\n\nFrom b\nSubject: 2\n\n", int64(20))
	f.Add("From \r\n\r\nFrom \n", int64(0))
	f.Fuzz(func(t *testing.T, file string, limit int64) {
		for m, err := range ReadMbox(strings.NewReader(file), limit%4096) {
			if err != nil {
				return
			}
			if int64(len(m.Raw)) > max(m.Size, limit) || m.Size > 2*int64(len(file)) || m.End > int64(len(file)) {
				t.Errorf("%d bytes of %d, the archive read to %d of %d", len(m.Raw), m.Size, m.End, len(file))
			}
		}
	})
}
