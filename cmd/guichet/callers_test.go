package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels/cti/ctitest"
	"guichet/ticketing/store/storetest"
)

// TestTheTownTelephones lets everybody of the demo call at once, without waiting, and looks where their calls have ended.
func TestTheTownTelephones(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			callers, err := newCallers(slog.New(slog.NewTextHandler(t.Output(), nil)))
			if err != nil {
				t.Fatal(err)
			}
			callers.wait = func(ctx context.Context, _ time.Duration) bool { return ctx.Err() != nil }
			c := openPost(t, false).config(t, storetest.URL(t, engine), "embedded")
			c.CTI = callers.exchanges()
			hub := startHub(t, c)
			for range 2 { // as at a second start
				if err := callers.introduce(t.Context(), hub.hub); err != nil {
					t.Fatal(err)
				}
			}
			hub.signIn("admin@valmont.example")
			exchange := ctitest.Exchange{Base: hub.base, Token: callers.token}
			for _, call := range callers.telephone.Calls {
				if err := callers.make(t.Context(), exchange, call); err != nil {
					t.Fatal(err)
				}
			}
			all := items(hub.want(http.StatusOK, "GET", "/api/v1/tickets?channel=phone&limit=100", nil))
			if len(all) != 11 {
				t.Errorf("%d tickets of %d calls", len(all), len(callers.telephone.Calls))
			}
			for _, c := range []struct{ number, citizen, assignee, status string }{
				{"33639980041", "Anne Perrin", "Karim Haddad", "open"},
				{"33261914407", "", "Nadia Benali", "open"},             // a household's: an agent says who it was
				{"33639985678", "Paul Lefèvre", "", "new"},              // called back in vain
				{"33639982711", "+33639982711", "Karim Haddad", "open"}, // missed, and called back
				{"33639983131", "Bernard Giraud", "", "new"},
			} {
				list := slices.DeleteFunc(slices.Clone(all), func(ticket map[string]any) bool {
					return !strings.HasSuffix(ticket["subject"].(string), c.number)
				})
				if len(list) != 1 {
					t.Errorf("%d tickets of %s", len(list), c.number)
					continue
				}
				citizen, _ := list[0]["citizen"].(map[string]any)
				assignee, _ := list[0]["assignee_name"].(string)
				if name, _ := citizen["name"].(string); name != c.citizen || assignee != c.assignee || list[0]["status"] != c.status {
					t.Errorf("%s: of %q, %v of %q", c.number, name, list[0]["status"], assignee)
				}
			}
			if live := items(hub.want(http.StatusOK, "GET", "/api/v1/calls", nil)); len(live) != 0 {
				t.Errorf("%d calls still go on", len(live))
			}
		})
	}
}
