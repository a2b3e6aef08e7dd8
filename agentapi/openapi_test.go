package agentapi_test

import (
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

var update = flag.Bool("update", false, "write openapi.yaml again")

// The committed contract is what the handlers say; `go test ./agentapi -run OpenAPI -update` writes it.
func TestOpenAPIIsWhatTheHandlersSay(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}))
	generated, err := w.server.OpenAPI()
	w.must(err)
	if *update {
		w.must(os.WriteFile("openapi.yaml", generated, 0o644)) //nolint:gosec // a public file of the repository
	}
	committed, err := os.ReadFile("openapi.yaml")
	w.must(err)
	if string(generated) != string(committed) {
		t.Fatal("openapi.yaml is not what the handlers say: go test ./agentapi -run OpenAPI -update")
	}
}

func TestDocumentationIsServedWithoutScript(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}))
	c := w.nobody()
	if yaml := c.do(http.MethodGet, "/api/openapi.yaml", nil).is(http.StatusOK); !strings.Contains(string(yaml.raw), "openapi: 3.1.0") {
		t.Error("openapi.yaml is not the document")
	}
	page := c.do(http.MethodGet, "/api/docs", nil).is(http.StatusOK)
	if !strings.Contains(string(page.raw), "/api/v1/tickets/{ref}/transfer") || !strings.Contains(string(page.raw), `id="schema-Ticket"`) {
		t.Error("the page lacks operations or schemas")
	}
	for _, forbidden := range []string{"<script", "style=", "<style", "http://", "https://"} {
		if strings.Contains(string(page.raw), forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %q", policy)
	}
	c.do(http.MethodGet, "/api/docs.css", nil).is(http.StatusOK)
}
