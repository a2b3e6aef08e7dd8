package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// TestLikenessIsLookedUp holds that whoever may be the same person is found by indexes alone, whatever they have in common.
func TestLikenessIsLookedUp(t *testing.T) {
	db, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := &explainer{ConnPool: db.conn}
	orm := db.orm.Session(&gorm.Session{})
	orm.Statement.ConnPool = e
	one := []string{"x"}
	traits := ticketing.Traits{Contacts: one, Sounds: one, BirthDates: one, SIRENs: one, RNAs: one, Places: one}
	if _, err := (nouns{db: db, conn: e, orm: orm}).Alike(t.Context(), traits, 10); err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(e.plans, "\n")
	for _, index := range []string{
		"contacts_value", "citizens_sounds", "citizens_usage_sounds", "citizens_birth_date", "citizens_siren", "citizens_rna", "addresses_search",
	} {
		if !strings.Contains(plan, "INDEX "+index+" ") {
			t.Errorf("%s is not used:\n%s", index, plan)
		}
	}
	if strings.Contains(plan, "SCAN citizens") || strings.Contains(plan, "SCAN contacts") || strings.Contains(plan, "SCAN addresses") {
		t.Errorf("a table is read from end to end:\n%s", plan)
	}
}

// TestRecordsOfBeforeAreFoundBySound migrates a database whose records have no sounds yet.
func TestRecordsOfBeforeAreFoundBySound(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	db, err := Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	c := ticketing.Citizen{ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, FamilyName: "Lefèvre", UsageName: "Roux", GivenName: "Zoé"}
	if err := db.AddCitizens(ctx, []ticketing.Citizen{c}); err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"UPDATE citizens SET sounds = '', usage_sounds = ''", "DELETE FROM settings WHERE key = 'sounds'"} {
		if _, err := db.exec(ctx, before); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	birth, usage := ticketing.Sounds(c)
	got, err := db.Citizen(ctx, c.ID)
	if err != nil || got.Sounds != birth || got.UsageSounds != usage || birth == "" || usage == "" {
		t.Errorf("%q %q %v", got.Sounds, got.UsageSounds, err)
	}
}
