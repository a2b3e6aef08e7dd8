package email

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guichet/channels"
)

// mails returns the mails of testdata: one fact each, which its name says.
func mails(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/mails/*.eml")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no mails: %v", err)
	}
	return paths
}

func readMail(tb testing.TB, path string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// TestMails reads every mail of testdata/mails and compares what an agent and the desk get with the .want file beside it. With
// GUICHET_TEST_WRITE=1 it writes those files anew; read the difference before it is kept.
func TestMails(t *testing.T) {
	for _, path := range mails(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".eml")
		t.Run(name, func(t *testing.T) {
			in := parse(t, readMail(t, path))
			got, beside := told(in), strings.TrimSuffix(path, ".eml")+".want"
			if os.Getenv("GUICHET_TEST_WRITE") != "" {
				if err := os.WriteFile(beside, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(beside)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// told writes down what is not empty of a mail that was read.
func told(in channels.Inbound) string {
	var out strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	addresses := func(name string, list []channels.Address) {
		for _, a := range list {
			line(name, strings.TrimSpace(a.Name+" <"+a.Value+">"))
		}
	}
	if in.From != (channels.Address{}) {
		addresses("From", []channels.Address{in.From})
	}
	addresses("Reply-To", in.ReplyTo)
	addresses("To", in.To)
	addresses("Cc", in.Cc)
	line("Subject", in.Subject)
	line("References", strings.Join(in.References, " "))
	line("Automatic", in.Automatic)
	line("Silent", in.Silent)
	line("Spam", in.Spam)
	if in.FormSender {
		line("Form", "yes")
	}
	if r := in.Report; r != nil {
		line("Report", fmt.Sprintf("%s of <%s> to %s, %s: %s", r.Action, r.ID, r.Recipient, r.Status, r.Reason))
	}
	for _, a := range in.Attachments {
		line("File", fmt.Sprintf("%q %s, id %q, inline %v, %d bytes", a.Name, a.Type, a.ContentID, a.Inline, len(a.Data)))
	}
	for _, w := range in.Warnings {
		line("Warning", w)
	}
	line("HTML", in.HTML)
	shown, folded := in.Text, ""
	if in.Folded > 0 {
		shown, folded = in.Text[:in.Folded], in.Text[in.Folded:]
	}
	fmt.Fprintf(&out, "\n%s", shown)
	if folded != "" {
		fmt.Fprintf(&out, "\n=== folded ===\n%s", folded)
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}
