package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"guichet/config"
	"guichet/ticketing"
	"guichet/ticketing/store"
)

// checkSeals recomputes the seals on who looked at what. The newest hash is printed: kept elsewhere, it proves later that nobody who has
// the database has made all seals anew.
func checkSeals(ctx context.Context, c config.Config) (string, error) {
	if note, _, err := checkDatabase(ctx, c); err != nil || note != "" { // it is not there yet, or old
		return note, err
	}
	log := newLog(io.Discard, c.Log)
	db, err := store.Open(ctx, c.Database, store.Options{Log: log, Now: now})
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // nothing was written
	chain, err := ticketing.NewLedger(db, nil, c.Consultations.Keep, now, log).CheckSeals(ctx)
	if err != nil {
		return "", err
	}
	if !chain.Holds {
		b := chain.Breaks[0]
		where := fmt.Sprintf("at seal %d", b.Seal)
		if b.Consultation != 0 {
			where = fmt.Sprintf("in row %d, under seal %d", b.Consultation, b.Seal)
		}
		return "", fmt.Errorf("they were changed behind Guichet's back, first %s (%s), %d places in all; tell the data protection officer, and compare with a backup",
			where, strings.ReplaceAll(b.What, "_", " "), len(chain.Breaks))
	}
	if chain.Last == nil {
		return "none is sealed yet", nil
	}
	return fmt.Sprintf("%d under %d seals, the last is no. %d, %s", chain.Rows, chain.Seals, chain.Last.Number, chain.Last.Hash), nil
}
