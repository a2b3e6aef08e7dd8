package store

import (
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// TestTimelinesReadAnIndexAlone holds that the list of what a citizen said looks into no message.
func TestTimelinesReadAnIndexAlone(t *testing.T) {
	db, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	scope := ticketing.TicketScope{Departments: []string{"a", "b"}, LoggedBy: "x"}
	for _, q := range []ticketing.ExchangeQuery{{}, {Channel: "sms", Direction: ticketing.In}, {Department: "a", Motive: "m"}} {
		e := &explainer{ConnPool: db.conn}
		orm := db.orm.Session(&gorm.Session{})
		orm.Statement.ConnPool = e
		q.Scope, q.Citizen = scope, "c"
		if _, err := (nouns{db: db, conn: e, orm: orm}).ListExchanges(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(e.plans, "\n")
		for _, want := range []string{"SEARCH t USING INDEX tickets_citizen", "SEARCH m USING COVERING INDEX messages_exchanged"} {
			if !strings.Contains(plan, want) {
				t.Errorf("%+v: the plan lacks %q:\n%s", q, want, plan)
			}
		}
	}
}
