package agentapi_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email"
)

// TestOriginalsComeBackByteForByte files every mail of the parser's test data and downloads what was kept of it.
func TestOriginalsComeBackByteForByte(t *testing.T) {
	paths, err := filepath.Glob("../channels/email/testdata/mails/*.eml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no mails: %v", err)
	}
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("admin")
		for i, path := range paths {
			raw, err := os.ReadFile(path)
			w.must(err)
			raw = append(raw, "\r\n"+filepath.Base(path)...) // two facts may be told by the same bytes
			at := w.now().Add(time.Duration(i) * time.Second)
			in, err := email.Parse(raw, at, email.Mailbox{Name: "mairie", Address: "mairie@valmont.example"}, nil)
			w.must(err)
			// Each is a ticket of its own here: what joins what is tested elsewhere.
			in.References, in.InReplyTo, in.Automatic, in.Report = nil, nil, "", nil
			filed, err := w.desk.Receive(t.Context(), []channels.Inbound{in})
			w.must(err)
			if filed[0].Reference == "" {
				t.Errorf("%s was %s", path, filed[0].Result)
				continue
			}
			messages := c.get("/tickets/" + filed[0].Reference).object()["messages"].([]any)
			found := false
			for _, m := range messages {
				if m := m.(body); m["direction"] == "in" {
					kept := c.get("/messages/" + m["id"].(string) + "/raw").is(http.StatusOK)
					found = found || bytes.Equal(kept.raw, raw)
				}
			}
			if !found {
				t.Errorf("%s did not come back as it was", path)
			}
		}
	})
}
