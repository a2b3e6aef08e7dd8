package ticketing

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"

	"guichet/channels"
)

// Strings is a list of words in one column, as JSON.
type Strings []string

// Has tells whether the list holds s.
func (l Strings) Has(s string) bool { return slices.Contains(l, s) }

// Value implements driver.Valuer.
func (l Strings) Value() (driver.Value, error) { return jsonColumn(len(l), l) }

// Scan implements sql.Scanner.
func (l *Strings) Scan(src any) error { return scanJSON(src, l) }

// Addresses is a list of addresses in one column, as JSON.
type Addresses []channels.Address

// Value implements driver.Valuer.
func (l Addresses) Value() (driver.Value, error) { return jsonColumn(len(l), l) }

// Scan implements sql.Scanner.
func (l *Addresses) Scan(src any) error { return scanJSON(src, l) }

// Data is what an event says beside its columns, as JSON.
type Data map[string]string

// Value implements driver.Valuer.
func (d Data) Value() (driver.Value, error) { return jsonColumn(len(d), d) }

// Scan implements sql.Scanner.
func (d *Data) Scan(src any) error { return scanJSON(src, d) }

// jsonColumn keeps an empty list as an empty text: it costs nothing to write and to read.
func jsonColumn(n int, v any) (driver.Value, error) {
	if n == 0 {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func scanJSON(src, into any) error {
	var b []byte
	switch s := src.(type) {
	case nil:
	case string:
		b = []byte(s)
	case []byte:
		b = s
	default:
		return fmt.Errorf("a JSON column holds %T", src)
	}
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, into)
}
