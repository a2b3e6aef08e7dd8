package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// explainer asks SQLite how it would answer before it does.
type explainer struct {
	gorm.ConnPool
	plans []string
}

func (e *explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := e.ConnPool.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		e.plans = append(e.plans, detail)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return e.ConnPool.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller closes them
}

// TestListsWalkAnIndex holds that no list the console shows is sorted, and that each walks the index made for it.
func TestListsWalkAnIndex(t *testing.T) {
	db, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	scope := ticketing.TicketScope{Departments: []string{"a", "b", "c"}, LoggedBy: "x"}
	active := []ticketing.Status{ticketing.StatusNew, ticketing.StatusOpen, ticketing.StatusWaiting}
	open := []ticketing.Status{ticketing.StatusOpen}
	one := scope.Departments[:1]
	for index, q := range map[string]ticketing.TicketQuery{
		"tickets_received":                   {},
		"tickets_updated":                    {Sort: ticketing.SortUpdated},
		"tickets_due":                        {Sort: ticketing.SortDue},
		"tickets_department_received":        {Departments: one},
		"tickets_department_updated":         {Departments: one, Sort: ticketing.SortUpdated},
		"tickets_active_received":            {Statuses: active},
		"tickets_active_updated":             {Statuses: open, Sort: ticketing.SortUpdated},
		"tickets_active_due":                 {Statuses: active, Sort: ticketing.SortDue},
		"tickets_active_department_received": {Departments: one, Statuses: active},
		"tickets_active_department_updated":  {Departments: one, Statuses: active, Sort: ticketing.SortUpdated},
		"tickets_active_department_due":      {Departments: one, Statuses: active, Sort: ticketing.SortDue},
		"tickets_queue":                      {Sort: ticketing.SortWaiting},
		"tickets_queue_department":           {Departments: one, Sort: ticketing.SortWaiting},
		"tickets_assignee_received":          {Assignee: "x"},
		"tickets_assignee_updated":           {Assignee: "x", Sort: ticketing.SortUpdated},
		"tickets_assignee_due":               {Assignee: "x", Sort: ticketing.SortDue},
		"tickets_citizen":                    {Citizen: "x"},
		"tickets_channel_received":           {Channel: "sms", ReceivedAfter: &now},
		"tickets_channel_updated":            {Channel: "sms", Sort: ticketing.SortUpdated},
		"tickets_motive_received":            {Motive: "m", Text: "x"},
		"tickets_motive_updated":             {Motive: "m", Sort: ticketing.SortUpdated, UpdatedAfter: &now},
	} {
		for _, after := range []*ticketing.TicketMark{nil, {At: &now, ID: "x"}} {
			e := &explainer{ConnPool: db.conn}
			orm := db.orm.Session(&gorm.Session{})
			orm.Statement.ConnPool = e
			q.Scope, q.After = scope, after
			if _, err := (nouns{db: db, conn: e, orm: orm}).ListTickets(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(e.plans, "\n")
			if !strings.Contains(plan, "INDEX "+index+" ") && !strings.HasSuffix(plan, "INDEX "+index) && !strings.Contains(plan, "INDEX "+index+"\n") {
				t.Errorf("%s is not used:\n%s", index, plan)
			}
			if strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s is sorted:\n%s", index, plan)
			}
		}
	}
}

// TestCallsWalkAnIndex holds the same of the calls. Those under way are looked for on every page: SQLite walks the calls of the last hours.
func TestCallsWalkAnIndex(t *testing.T) {
	db, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	list := func(q ticketing.CallQuery) func(nouns) error {
		q.Scope, q.Own = []string{"a", "b"}, "x"
		return func(n nouns) error {
			_, err := n.ListCalls(t.Context(), q)
			return err
		}
	}
	for name, c := range map[string]struct {
		index string
		ask   func(nouns) error
	}{
		"near": {"calls_created", func(n nouns) error {
			_, err := n.LiveCalls(t.Context(), now)
			return err
		}},
		"under way":       {"calls_created", list(ticketing.CallQuery{Part: ticketing.CallsLive, Since: now})},
		"to call back":    {"calls_created", list(ticketing.CallQuery{Part: ticketing.CallsCallBack, Since: now})},
		"all":             {"calls_created", list(ticketing.CallQuery{})},
		"further":         {"calls_created", list(ticketing.CallQuery{After: &ticketing.CallMark{At: now, ID: "x"}})},
		"of a department": {"calls_department", list(ticketing.CallQuery{Department: "a", After: &ticketing.CallMark{At: now, ID: "x"}})},
	} {
		e := &explainer{ConnPool: db.conn}
		orm := db.orm.Session(&gorm.Session{})
		orm.Statement.ConnPool = e
		if err := c.ask(nouns{db: db, conn: e, orm: orm}); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(e.plans, "\n")
		if !strings.Contains(plan, "INDEX "+c.index+" ") && !strings.Contains(plan, "INDEX "+c.index+"\n") {
			t.Errorf("%s: %s is not used:\n%s", name, c.index, plan)
		}
	}
}
