package storetest_test

import (
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "github.com/glebarez/go-sqlite" // to look at the file with other eyes
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func rawSQLite(tb testing.TB, url string) *sql.DB {
	tb.Helper()
	return raw(tb, "sqlite", strings.TrimPrefix(url, "sqlite://"))
}

func raw(tb testing.TB, driver, dsn string) *sql.DB {
	tb.Helper()
	db, err := sql.Open(driver, dsn)
	must(tb, err)
	tb.Cleanup(func() { must(tb, db.Close()) })
	return db
}

const sqliteColumns = `SELECT m.name, c.name, c."notnull" OR c.pk > 0 FROM sqlite_master m, pragma_table_info(m.name) c
	WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%'`

const postgresColumns = `SELECT table_name, column_name, is_nullable = 'NO' FROM information_schema.columns
	WHERE table_schema = 'public' AND table_name NOT LIKE 'goose_%'`

const sqliteIndexes = `SELECT m.name, CASE i.origin WHEN 'pk' THEN 'primary key' ELSE i.name END, i."unique", i.partial,
	(SELECT group_concat(COALESCE(x.name, '(expression)')) FROM (SELECT * FROM pragma_index_info(i.name) ORDER BY seqno) x)
	FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'goose_%' AND m.name NOT LIKE 'sqlite_%'`

const postgresIndexes = `SELECT t.relname, CASE WHEN i.indisprimary THEN 'primary key' ELSE x.relname END, i.indisunique, i.indpred IS NOT NULL,
	(SELECT string_agg(COALESCE(a.attname, '(expression)'), ',' ORDER BY k.n)
		FROM unnest(i.indkey::int[]) WITH ORDINALITY k (attnum, n)
		LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
		WHERE k.n <= i.indnkeyatts)
	FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace s ON s.oid = t.relnamespace
	WHERE s.nspname = 'public' AND t.relname NOT LIKE 'goose_%'`

// facts reads rows as lines, sorted.
func facts(tb testing.TB, db *sql.DB, query string) []string {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), query)
	must(tb, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(tb, err)
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		must(tb, rows.Scan(values...))
		line := make([]string, len(values))
		for i, v := range values {
			line[i] = fmt.Sprint(*(v.(*any)))
		}
		// SQLite says 1 and 0 where PostgreSQL says true and false.
		lines = append(lines, strings.NewReplacer(" true", " 1", " false", " 0").Replace(strings.Join(line, " ")))
	}
	must(tb, rows.Err())
	slices.Sort(lines)
	return lines
}

func TestSchemasAreEqual(t *testing.T) {
	postgres := storetest.URL(t, store.PostgreSQL)
	lite := storetest.URL(t, store.SQLite)
	for _, url := range []string{postgres, lite} {
		_, err := storetest.OpenEmpty(t, url, store.Options{}).Migrate(t.Context())
		must(t, err)
	}
	pg, sl := raw(t, "pgx", postgres), rawSQLite(t, lite)

	if diff := cmp.Diff(facts(t, sl, sqliteColumns), facts(t, pg, postgresColumns)); diff != "" {
		t.Errorf("columns, -SQLite +PostgreSQL:\n%s", diff)
	}
	ofSQLite := facts(t, sl, sqliteIndexes)
	ofPostgres := slices.DeleteFunc(facts(t, pg, postgresIndexes), func(l string) bool {
		rows := []string{"events primary key 1 0 id", "consultations primary key 1 0 id", "seals primary key 1 0 number", "search_documents primary key 1 0 number"}
		return slices.Contains(rows, l) // on SQLite it is the row itself
	})
	if diff := cmp.Diff(ofSQLite, ofPostgres); diff != "" {
		t.Errorf("indexes, -SQLite +PostgreSQL:\n%s", diff)
	}
}

func TestStructsHaveTheirColumns(t *testing.T) {
	url := storetest.URL(t, store.SQLite)
	_, err := storetest.OpenEmpty(t, url, store.Options{}).Migrate(t.Context())
	must(t, err)
	have := map[string]bool{}
	for _, line := range facts(t, rawSQLite(t, url), sqliteColumns) {
		words := strings.Fields(line)
		have[words[0]+"."+words[1]] = words[2] == "1"
	}
	for _, row := range []any{
		ticketing.Department{}, ticketing.Motive{}, ticketing.Rule{}, ticketing.Template{}, ticketing.Line{}, ticketing.Agent{},
		ticketing.Membership{}, ticketing.Token{}, ticketing.Session{}, ticketing.Citizen{}, ticketing.Contact{}, ticketing.PostalAddress{},
		ticketing.ChannelRefusal{}, ticketing.Relation{}, ticketing.CitizenNote{}, ticketing.Ticket{},
		ticketing.Participant{}, ticketing.Link{}, ticketing.Message{}, ticketing.Attachment{}, ticketing.Original{}, ticketing.Copy{},
		ticketing.Delivery{}, ticketing.Attempt{}, ticketing.Event{}, ticketing.Request{}, ticketing.Consultation{}, ticketing.Seal{}, ticketing.Opening{},
	} {
		s, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		must(t, err)
		for _, f := range s.Fields {
			if f.DBName == "" {
				continue
			}
			required, ok := have[s.Table+"."+f.DBName]
			switch kind := f.FieldType.Kind().String(); {
			case !ok:
				t.Errorf("%s.%s has no column", s.Name, f.Name)
			case required == (kind == "ptr" || f.DataType == schema.Bytes):
				t.Errorf("%s.%s is a %s and required is %v", s.Name, f.Name, kind, required)
			}
		}
	}
}

// TestSQLiteVersions holds the two modules that must be those they were built from one another: modernc.org/sqlite names the libc
// it was generated for, and another one corrupts memory.
func TestSQLiteVersions(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	must(t, err)
	for _, pinned := range []string{"modernc.org/sqlite v1.60.1", "modernc.org/libc v1.77.1"} {
		if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(pinned) + `\b`).Match(mod) {
			t.Errorf("go.mod does not ask for %s", pinned)
		}
	}
}
