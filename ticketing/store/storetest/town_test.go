package storetest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func TestTown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		must(t, db.SaveDepartments(w.ctx, []ticketing.Department{{Code: "roads", NameFR: "Routes", Visibility: ticketing.Open, Position: 9}}))
		must(t, db.SaveMotives(w.ctx, []ticketing.Motive{{Code: "hole", Department: "roads", NameFR: "Nid-de-poule"}}))
		must(t, db.SaveRules(w.ctx, []ticketing.Rule{{Code: "r", AnyWords: ticketing.Strings{"trou", "nid-de-poule"}, Motive: "hole"}}))
		must(t, db.SaveTemplates(w.ctx, []ticketing.Template{{Code: "ack", Language: "fr", Body: "Bonjour"}, {Code: "ack", Language: "en"}}))
		must(t, db.SaveLines(w.ctx, []ticketing.Line{{Name: "mairie", Channel: "email", Address: "mairie@valmont.fr", PlusAddresses: true}}))
		town, err := db.TownData(w.ctx)
		must(t, err)
		equal(t, "departments", len(town.Departments), 3)
		equal(t, "last department", town.Departments[2].NameFR, "Routes")
		equal(t, "motives", len(town.Motives), 1)
		equal(t, "words", len(town.Rules[0].AnyWords), 2)
		equal(t, "templates", len(town.Templates), 2)
		equal(t, "line", town.Lines[0].PlusAddresses, true)
		equal(t, "agents", len(town.Agents), 2)

		for want := range int64(3) {
			revision, err := db.Revision(w.ctx)
			must(t, err)
			equal(t, "revision", revision, want)
			must(t, db.BumpRevision(w.ctx))
		}
		_, err = db.Setting(w.ctx, "secret")
		is(t, err, ticketing.ErrNotFound)
		for _, value := range []string{"first", "second"} {
			kept, err := db.SetSetting(w.ctx, "secret", value)
			must(t, err)
			equal(t, "kept", kept, "first")
		}
	})
}

func TestAgents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a := w.Alice
		a.Memberships = []ticketing.Membership{{AgentID: a.ID, Department: "civil"}, {AgentID: a.ID, Department: "roads", Supervisor: true}}
		must(t, db.SaveAgent(w.ctx, a))
		a.Name, a.Memberships = "Alice Durand", a.Memberships[1:]
		must(t, db.SaveAgent(w.ctx, a))
		got, err := db.AgentByEmail(w.ctx, a.Email)
		must(t, err)
		a.CreatedAt, a.UpdatedAt = a.CreatedAt.Truncate(time.Microsecond), a.UpdatedAt.Truncate(time.Microsecond)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Error(diff)
		}
		_, err = db.AgentByEmail(w.ctx, "nobody@valmont.fr")
		is(t, err, ticketing.ErrNotFound)
		namesake := agent(a.Email, "Other")
		is(t, db.SaveAgent(w.ctx, namesake), ticketing.ErrConflict)

		token := ticketing.Token{ID: ticketing.NewID(), AgentID: a.ID, Hash: "h", Scope: "read", CreatedAt: a.CreatedAt}
		must(t, db.AddToken(w.ctx, token))
		at := noon().Truncate(time.Microsecond)
		must(t, db.TouchToken(w.ctx, token.ID, at))
		must(t, db.TouchToken(w.ctx, token.ID, at.Add(-time.Hour)))
		found, err := db.TokenByHash(w.ctx, "h")
		must(t, err)
		token.LastUsedAt = &at
		if diff := cmp.Diff(token, found); diff != "" {
			t.Error(diff)
		}
		_, err = db.TokenByHash(w.ctx, "g\x00\xff")
		is(t, err, ticketing.ErrNotFound)
	})
}

func TestSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, data := range []string{"one", "two"} {
			must(t, db.SaveSession(ctx, ticketing.Session{Hash: "h", Data: []byte(data), ExpiresAt: noon()}))
		}
		s, err := db.SessionByHash(ctx, "h", noon().Add(-time.Second))
		must(t, err)
		equal(t, "data", string(s.Data), "two")
		_, err = db.SessionByHash(ctx, "h", noon())
		is(t, err, ticketing.ErrNotFound)
		must(t, db.DeleteExpired(ctx, noon()))
		_, err = db.SessionByHash(ctx, "h", noon().Add(-time.Second))
		is(t, err, ticketing.ErrNotFound)
		must(t, db.SaveSession(ctx, ticketing.Session{Hash: "h", ExpiresAt: noon()}))
		must(t, db.DeleteSession(ctx, "h"))
		_, err = db.SessionByHash(ctx, "h", noon().Add(-time.Second))
		is(t, err, ticketing.ErrNotFound)
	})
}
