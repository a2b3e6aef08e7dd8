package email

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"guichet/channels"
)

// bombs are mails made to cost a reader hours and gigabytes.
func bombs() map[string][]byte {
	const top = "From: a@b.fr\r\nSubject: bombe\r\n"
	var levels, messages, addresses strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&levels, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		messages.WriteString("Content-Type: message/rfc822\r\n\r\nFrom: a@b.fr\r\n")
	}
	for i := range 12000 {
		fmt.Fprintf(&addresses, "a%d@b.fr, ", i)
	}
	return map[string][]byte{
		"100,000 parts":         []byte(top + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 100_000)),
		"100,000 pages":         []byte(top + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n", 100_000)),
		"5,000 levels":          []byte(top + levels.String()),
		"200 KB of parameters":  []byte(top + "Content-Type: text/plain; " + strings.Repeat("a*1*=b; ", 200<<10/8) + "\r\n\r\nx"),
		"parameters of a part":  []byte(top + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; " + strings.Repeat("filename*1*=b; ", 200<<10/15) + "\r\n\r\nx\r\n--b--"),
		"12,000 addresses":      []byte(top + "To: " + addresses.String() + "x@y.fr\r\n\r\nx"),
		"one line of a header":  []byte(top + "X-Y: " + strings.Repeat("x", 20<<20) + "\r\n\r\nx"),
		"header without an end": []byte(top + strings.Repeat("X-Y: z\r\n", 500_000)),
		"words of 5,000 levels, forwarded": []byte(top + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
			strings.Repeat("--b\r\n"+messages.String()[:2000]+"\r\n\r\nx\r\n", 600) + "--b--"),
	}
}

// TestBombsCostLittle measures what is allocated, which does not depend on how busy the machine is: what it costs in time follows.
func TestBombsCostLittle(t *testing.T) {
	const most = 128 << 20
	for name, raw := range bombs() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			in, err := Parse(raw, arrived, mairie, nil)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrTooComplex) || in.Quarantine != channels.TooComplex {
				t.Errorf("error %v, quarantine %q", err, in.Quarantine)
			}
			if in.Subject != "bombe" || len(in.Raw) != len(raw) || in.Key == "" {
				t.Errorf("subject %q, %d bytes kept", in.Subject, len(in.Raw))
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("%d MB allocated for %d MB", used>>20, len(raw)>>20)
			}
		})
	}
}

func BenchmarkBombs(b *testing.B) {
	for name, raw := range bombs() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(raw, arrived, mairie, nil); !errors.Is(err, ErrTooComplex) {
					b.Fatal(err)
				}
			}
		})
	}
}
