package ticketing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Seal closes a group of consultations: its hash is over the hash of the seal before it and the rows in the order of their ids. Whoever
// changes, adds or removes a sealed row breaks the chain from there on.
type Seal struct {
	Number   int64 `gorm:"primaryKey;autoIncrement:false"` // from 1, without gaps
	At       time.Time
	Epoch    int64  // of the lease it was made under
	Size     int    // how many rows it is over
	Previous string // Hash of the seal before it; empty for the first
	Hash     string // lower-case hexadecimal SHA-256
	// PrunedAt is set on the oldest seal when its rows and all seals before it have had their time: the chain begins with its hash.
	PrunedAt *time.Time
}

// hash computes the hash of a seal over its rows: SHA-256 of lines that each end with LF, the number, the time, the hash before, and
// for each row its id and its digest.
func (s Seal) hash(rows []Consultation) string {
	h := sha256.New()
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(h, format+"\n", args...) } // a hash never fails
	line("%d", s.Number)
	line("%s", s.At.UTC().Format(time.RFC3339Nano))
	line("%s", s.Previous)
	for _, c := range rows {
		line("%d %s", c.ID, c.Digest)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Break is a place where the chain does not hold.
type Break struct {
	Seal         int64  // the number of the seal
	Consultation int64  // the id of the row; 0: not one row alone
	What         string // row_changed | rows_missing | rows_added | seal_changed | seal_missing | unlinked | stray_rows
}

// Chain is what a check of all seals found.
type Chain struct {
	Holds    bool
	Breaks   []Break // the first maxBreaks
	Seals    int64
	Rows     int64
	Unsealed int64 // rows the next seal will be over
	First    *Seal // the oldest that is kept; nil: none yet
	Last     *Seal
}

// How much of the chain is read at once, and how many breaks are told.
const (
	sealsAtOnce = 100
	maxBreaks   = 100
)

// checkChain reads the whole chain and recomputes it.
func checkChain(ctx context.Context, store Consultations) (Chain, error) {
	c := checker{Chain: Chain{Breaks: []Break{}}}
	for {
		after := int64(0)
		if c.Last != nil {
			after = c.Last.Number
		}
		seals, err := store.Seals(ctx, after, sealsAtOnce)
		if err != nil {
			return Chain{}, err
		}
		if len(seals) == 0 {
			return c.end(ctx, store, after)
		}
		rows, err := store.SealedConsultations(ctx, after, seals[len(seals)-1].Number)
		if err != nil {
			return Chain{}, err
		}
		bySeal := map[int64][]Consultation{}
		for _, row := range rows {
			bySeal[row.Seal] = append(bySeal[row.Seal], row)
		}
		for _, s := range seals {
			c.check(s, bySeal[s.Number])
			delete(bySeal, s.Number)
		}
		for number := range bySeal {
			c.broken(number, 0, "stray_rows")
		}
	}
}

// checker is a chain while it is walked from its old end.
type checker struct{ Chain }

// end looks for what is beyond the last seal.
func (c *checker) end(ctx context.Context, store Consultations, last int64) (Chain, error) {
	var stray int64
	var err error
	if c.Unsealed, stray, err = store.CountUnsealed(ctx, last); err != nil {
		return Chain{}, err
	}
	if stray > 0 {
		c.broken(last+1, 0, "stray_rows")
	}
	c.Holds = len(c.Breaks) == 0
	return c.Chain, nil
}

func (c *checker) broken(seal, row int64, what string) {
	if len(c.Breaks) < maxBreaks {
		c.Breaks = append(c.Breaks, Break{Seal: seal, Consultation: row, What: what})
	}
}

// check looks at one seal and its rows.
func (c *checker) check(s Seal, rows []Consultation) {
	switch {
	case c.Last == nil:
		c.First = &s
		if s.PrunedAt == nil && (s.Number != 1 || s.Previous != "") {
			c.broken(s.Number, 0, "seal_missing")
		}
	case s.Number != c.Last.Number+1:
		c.broken(c.Last.Number+1, 0, "seal_missing")
	case s.Previous != c.Last.Hash:
		c.broken(s.Number, 0, "unlinked")
	}
	c.Last = &s
	c.Seals++
	c.Rows += int64(len(rows))
	if s.PrunedAt != nil && c.Seals == 1 {
		if len(rows) > 0 {
			c.broken(s.Number, 0, "rows_added")
		}
		return
	}
	changed := false
	for _, row := range rows {
		if row.Digest != row.digest() {
			changed = true
			c.broken(s.Number, row.ID, "row_changed")
		}
	}
	switch {
	case len(rows) < s.Size:
		c.broken(s.Number, 0, "rows_missing")
	case len(rows) > s.Size:
		c.broken(s.Number, 0, "rows_added")
	case s.Hash != s.hash(rows) && !changed:
		c.broken(s.Number, 0, "seal_changed")
	}
}
