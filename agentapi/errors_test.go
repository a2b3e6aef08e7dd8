package agentapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"guichet/agentapi"
	"guichet/agentapi/console"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// broken is the console with two routes that fail.
type broken struct{ agentapi.Console }

func (b broken) Routes() []console.Route {
	fail := func(*gin.Context) error { return fmt.Errorf("read the rows: %w", errors.New("no such table: secrets")) }
	return append(b.Console.Routes(),
		console.Route{Method: http.MethodGet, Path: "/api/v1/fails", Public: true, Handle: fail},
		console.Route{Method: http.MethodGet, Path: "/panics", Public: true, Handle: func(*gin.Context) error { panic("nil map") }},
	)
}

// What nobody foresaw is told with an id and nothing else; the log has the rest.
func TestWhatNobodyForesaw(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}), func(p *agentapi.Parts) { p.Console = broken{p.Console} })
	c := w.nobody()
	p := c.get("/fails").refused(http.StatusInternalServerError, "internal")
	id := p.text("id")
	if log := w.log.String(); id == "" || !strings.Contains(log, id) || !strings.Contains(log, "no such table") {
		t.Error("the log lacks the id or the cause")
	}
	if strings.Contains(string(p.raw), "table") {
		t.Errorf("the cause is told: %s", p.raw)
	}
	page := c.do(http.MethodGet, "/panics", nil).is(http.StatusInternalServerError)
	if strings.Contains(string(page.raw), "nil map") || !strings.Contains(w.log.String(), "nil map") {
		t.Error("a panic is told, or not in the log")
	}
	c.do(http.MethodHead, "/healthz", nil).is(http.StatusOK)
}
