package email

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestParseIsNeverSlow feeds what made other parsers quadratic. The limit is far above what is needed and far below what a
// quadratic step would take.
func TestParseIsNeverSlow(t *testing.T) {
	const limit = 10 * time.Second
	header := func(s string) string { return strings.Repeat(s, (250<<10)/len(s)) }
	body := func(s string) string { return strings.Repeat(s, (512<<10)/len(s)) }
	cases := map[string]string{
		"parameters":            "Content-Type: text/plain; " + header("a=b; ") + "\r\n\r\nx",
		"parameter sections":    "Content-Type: text/plain; " + header("a*1*=b; ") + "\r\n\r\nx",
		"open brackets":         "To: " + header("<") + ">\r\n\r\nx",
		"quotes":                "To: " + header("\"") + "\r\n\r\nx",
		"open comments":         "To: " + header("(") + "\r\n\r\nx",
		"addresses":             "To: " + header("a@b, ") + "\r\n\r\nx",
		"envelope recipients":   "Delivered-To: " + header("a@b, ") + "\r\n\r\nx",
		"word beginnings":       "Subject: " + header("=?a") + "?=\r\n\r\nx",
		"open words":            "Subject: " + header("=?a?q?") + "?=\r\n\r\nx",
		"words":                 "Subject: " + header("=?a?q?=?= ") + "?=\r\n\r\nx",
		"references":            "References: " + header("<a> ") + "\r\n\r\nx",
		"open tags":             "Content-Type: text/html\r\n\r\n" + body("<a "),
		"links":                 "Content-Type: text/html\r\n\r\n" + body("<a href=x>"),
		"lists":                 "Content-Type: text/html\r\n\r\n" + body("<ul><li>"),
		"ampersands":            "Content-Type: text/html\r\n\r\n" + body("&"),
		"one long line":         "Content-Type: text/plain\r\n\r\n" + body("Le 3 "),
		"introductions":         "Content-Type: text/plain\r\n\r\nx\n" + body("Le 3, X a écrit :\n") + "> x\nfoo",
		"beginnings of those":   "Content-Type: text/plain\r\n\r\n" + body("Le 3 mai\n"),
		"Outlook blocks":        "Content-Type: text/plain\r\n\r\nx\n" + body("De : x\n"),
		"boundaries in a line":  "Content-Type: multipart/mixed; boundary=-\r\n\r\n" + body("-"),
		"boundaries that go on": "Content-Type: multipart/mixed; boundary=-\r\n\r\n" + body("---a\n"),
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			in, err := Parse([]byte(raw), arrived, mairie, nil)
			if err != nil && !errors.Is(err, ErrTooComplex) {
				t.Fatal(err)
			}
			FoldHTML(SafeHTML(in.HTML), "", "…")
			if took := time.Since(start); took > limit {
				t.Errorf("took %v", took)
			}
		})
	}
}
