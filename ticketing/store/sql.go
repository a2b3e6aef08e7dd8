package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"guichet/ticketing"
)

// exec runs a statement with ? for its values and tells how many rows it changed.
func (n nouns) exec(ctx context.Context, query string, args ...any) (int64, error) {
	done := n.orm.WithContext(ctx).Exec(query, args...)
	return done.RowsAffected, failed(done.Error)
}

// read fills dest, a slice or a pointer to a row, with what a query with ? for its values gives.
func (n nouns) read(ctx context.Context, dest any, query string, args ...any) error {
	return failed(n.orm.WithContext(ctx).Raw(query, args...).Scan(dest).Error)
}

// one reads the only row of T for which a condition holds.
func one[T any](ctx context.Context, n nouns, where string, args ...any) (row T, err error) {
	err = failed(n.orm.WithContext(ctx).Where(where, args...).Take(&row).Error)
	return row, err
}

// among is the condition that a text column holds one of the values. Its text does not change with their number, so that it stays
// one statement for the caches.
func (n nouns) among(column string, values []string) clause.Expr {
	values = slices.Clone(values)
	for i, v := range values {
		values[i] = clean(v)
	}
	if n.db.engine == PostgreSQL {
		return gorm.Expr(column+" = ANY(?)", array(values))
	}
	return gorm.Expr(column+" IN (SELECT value FROM json_each(?))", jsonList(values))
}

// array makes a list one value of PostgreSQL.
func array(values []string) pgtype.Array[string] {
	return pgtype.Array[string]{
		Elements: values, Dims: []pgtype.ArrayDimension{{Length: int32(len(values)), LowerBound: 1}}, Valid: true, //nolint:gosec // a list in memory
	}
}

// forUpdate ends a SELECT that locks its rows. SQLite has one writer, so it needs none.
func (n nouns) forUpdate(how string) string {
	if n.db.engine == PostgreSQL {
		return how
	}
	return ""
}

// insertion says how rows are inserted.
type insertion struct {
	without   []string // columns the database fills in
	conflict  string   // what follows ON CONFLICT; empty: a conflict is an error
	returning string   // columns to hand back of each row that was inserted
}

// insert adds rows with few statements, in their order.
func insert[T any](ctx context.Context, n nouns, rows []T, how insertion) error {
	return batches(ctx, n, rows, how, func(query string, args []any) error {
		_, err := n.conn.ExecContext(ctx, query, args...)
		return err
	})
}

// insertReturning adds rows and gives each that was really inserted to scan.
func insertReturning[T any](ctx context.Context, n nouns, rows []T, how insertion, scan func(*sql.Rows) error) error {
	return batches(ctx, n, rows, how, func(query string, args []any) (err error) {
		found, err := n.conn.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }() // its error is Err's
		for found.Next() {
			if err := scan(found); err != nil {
				return err
			}
		}
		return found.Err()
	})
}

// The size of one statement. go-sqlite looks each parameter up among all others, so there a statement of a few hundred is the
// fastest; PostgreSQL gets one array per column.
const (
	sqliteParameters = 256
	postgresRows     = 1000
)

func batches[T any](ctx context.Context, n nouns, rows []T, how insertion, run func(query string, args []any) error) error {
	if len(rows) == 0 {
		return nil
	}
	s, err := n.schemaOf(new(T))
	if err != nil {
		return err
	}
	columns := slices.DeleteFunc(slices.Clone(s.DBNames), func(c string) bool { return slices.Contains(how.without, c) })
	size := postgresRows
	if n.db.engine == SQLite {
		size = max(1, sqliteParameters/len(columns))
	}
	for batch := range slices.Chunk(rows, size) {
		values := make([][]any, len(batch))
		for i := range batch {
			if values[i], err = rowValues(ctx, s, columns, reflect.ValueOf(&batch[i]).Elem()); err != nil {
				return err
			}
		}
		var query strings.Builder
		fmt.Fprintf(&query, "INSERT INTO %s (%s) ", s.Table, quoted(columns))
		var args []any
		if n.db.engine == SQLite {
			args = valueLists(&query, values)
		} else {
			args = unnested(&query, s, columns, values)
		}
		if how.conflict != "" {
			query.WriteString(" ON CONFLICT " + how.conflict)
		}
		if how.returning != "" {
			query.WriteString(" RETURNING " + how.returning)
		}
		if err := run(query.String(), args); err != nil {
			return failed(err)
		}
	}
	return nil
}

// valueLists writes VALUES (?,?),(?,?).
func valueLists(query *strings.Builder, values [][]any) (args []any) {
	one := "(" + strings.Repeat("?,", len(values[0])-1) + "?)"
	query.WriteString("VALUES " + one + strings.Repeat(","+one, len(values)-1))
	return slices.Concat(values...)
}

// unnested writes SELECT * FROM unnest(a, b), one array per column: one text for any number of rows, prepared once.
func unnested(query *strings.Builder, s *schema.Schema, columns []string, values [][]any) (args []any) {
	query.WriteString("SELECT * FROM unnest(")
	for c, column := range columns {
		if c > 0 {
			query.WriteByte(',')
		}
		fmt.Fprintf(query, "$%d::%s[]", c+1, postgresType(s.FieldsByDBName[column]))
		array := make([]any, len(values))
		for r := range values {
			array[r] = values[r][c]
		}
		args = append(args, array)
	}
	query.WriteByte(')')
	return args
}

func postgresType(f *schema.Field) string {
	switch f.DataType {
	case schema.Int, schema.Uint:
		return "bigint"
	case schema.Bool:
		return "boolean"
	case schema.Time:
		return "timestamptz"
	case schema.Bytes:
		return "bytea"
	}
	return "text"
}

// put inserts rows or updates those that are there, by their primary key.
func put[T any](ctx context.Context, n nouns, rows []T) error {
	s, err := n.schemaOf(new(T))
	if err != nil {
		return err
	}
	var set []string
	for _, c := range s.DBNames {
		if !s.FieldsByDBName[c].PrimaryKey {
			set = append(set, fmt.Sprintf("%q = excluded.%q", c, c))
		}
	}
	return insert(ctx, n, rows, insertion{
		conflict: "(" + quoted(s.PrimaryFieldDBNames) + ") DO UPDATE SET " + strings.Join(set, ", "),
	})
}

// update writes the named columns of a row where a condition holds, and tells whether it did.
func update[T any](ctx context.Context, n nouns, row *T, columns []string, where string, args ...any) (bool, error) {
	s, err := n.schemaOf(row)
	if err != nil {
		return false, err
	}
	values, err := rowValues(ctx, s, columns, reflect.ValueOf(row).Elem())
	if err != nil {
		return false, err
	}
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = fmt.Sprintf("%q = ?", c)
	}
	changed, err := n.exec(ctx, "UPDATE "+s.Table+" SET "+strings.Join(set, ", ")+" WHERE "+where, append(values, args...)...)
	return changed > 0, err
}

// learn reads the tags of all structs that are rows. GORM would do it at their first use, but its reading of one struct writes into
// what it keeps of those it is related to, which another goroutine may be using by then.
func (n nouns) learn() error {
	for _, row := range []any{
		&ticketing.Department{}, &ticketing.Motive{}, &ticketing.Rule{}, &ticketing.Template{}, &ticketing.Line{}, &setting{},
		&ticketing.Agent{}, &ticketing.Membership{}, &ticketing.Token{}, &ticketing.Session{},
		&ticketing.Citizen{}, &ticketing.Contact{}, &ticketing.PostalAddress{}, &ticketing.ChannelRefusal{}, &ticketing.Relation{}, &ticketing.CitizenNote{}, &claimant{}, &ticketing.PhoneOwner{},
		&ticketing.Merge{}, &ticketing.MergeMove{}, &ticketing.Distinct{},
		&ticketing.Conversation{}, &ticketing.Refusal{}, &ticketing.Call{},
		&ticketing.Ticket{}, &ticketing.Participant{}, &ticketing.Link{}, &ticketRow{},
		&ticketing.Original{}, &ticketing.Copy{}, &ticketing.Message{}, &ticketing.Attachment{}, &ticketing.Delivery{}, &ticketing.Attempt{},
		&ticketing.Event{}, &ticketing.Request{}, &ticketing.Upload{}, &cursor{}, &health{},
		&ticketing.Consultation{}, &ticketing.Seal{}, &ticketing.Opening{},
		&citizenWord{}, &searchDocument{}, &searchWord{}, &searchItem{},
	} {
		if _, err := n.schemaOf(row); err != nil {
			return fmt.Errorf("read the tags of %T: %w", row, err)
		}
	}
	return nil
}

// schemaOf is how GORM reads the tags of a struct. GORM keeps it.
func (n nouns) schemaOf(row any) (*schema.Schema, error) {
	statement := &gorm.Statement{DB: n.orm}
	err := statement.Parse(row)
	return statement.Schema, err
}

func rowValues(ctx context.Context, s *schema.Schema, columns []string, row reflect.Value) ([]any, error) {
	values := make([]any, len(columns))
	for i, c := range columns {
		field, _ := s.FieldsByDBName[c].ValueOf(ctx, row)
		value, err := driver.DefaultParameterConverter.ConvertValue(field)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", s.Table, c, err)
		}
		if text, ok := value.(string); ok {
			value = clean(text)
		}
		values[i] = value
	}
	return values, nil
}

// clean makes s a text PostgreSQL accepts: valid UTF-8 without NUL. The length stays, and with it every offset into the text.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	b := []byte(s)
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == 0 || (r == utf8.RuneError && size == 1) {
			b[i] = '?'
		}
		i += size
	}
	return string(b)
}

// quoted lists columns, each in quotes, because some are words of SQL.
func quoted(columns []string) string { return `"` + strings.Join(columns, `","`) + `"` }
