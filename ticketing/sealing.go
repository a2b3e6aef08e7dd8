package ticketing

import (
	"context"
	"time"
)

// How the leader works.
const (
	sealEvery   = 5 * time.Second
	sealLease   = 20 * time.Second
	sealAtMost  = 1000 // rows under one seal
	pruneEvery  = time.Hour
	sealsLease  = "consultations"
	tellEvery   = time.Hour // the newest hash goes into the log, where whoever has the database can't change it
	sealsPruned = 1000      // at once
)

// Run seals what was looked at, every few seconds, for as long as this process holds the lease; another takes over when it is gone.
func (l *Ledger) Run(ctx context.Context, owner string) error {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := l.store.Drop(gone, sealsLease, owner); err != nil {
				l.log.Warn("the next to seal consultations waits for this lease to end", "error", err)
			}
			return nil
		case <-tick.C:
		}
		if err := l.turn(ctx, owner); err != nil && ctx.Err() == nil {
			l.log.Error("consultations are kept and not sealed; it will be tried again", "error", err)
		}
	}
}

// turn does what there is to do, if this process holds the lease.
func (l *Ledger) turn(ctx context.Context, owner string) error {
	epoch, held, err := l.store.Hold(ctx, sealsLease, owner, sealLease)
	if err != nil || !held {
		return err
	}
	if err := l.sealAll(ctx, epoch); err != nil {
		return err
	}
	if l.now().Sub(l.pruned) < pruneEvery {
		return nil
	}
	l.pruned = l.now()
	return l.Prune(ctx)
}

// sealAll seals until nothing is left.
func (l *Ledger) sealAll(ctx context.Context, epoch int64) error {
	for {
		s, err := l.Seal(ctx, epoch)
		if err != nil || s.Size == 0 {
			return err
		}
		if l.now().Sub(l.told) >= tellEvery {
			l.told = l.now()
			l.log.Info("consultations sealed", "seal", s.Number, "hash", s.Hash)
		}
		if s.Size < sealAtMost {
			return nil
		}
	}
}

// Seal puts the rows that are under no seal yet under the next one. A row whose transaction commits late comes under a later one, so
// none is skipped. It fails with ErrConflict when somebody has sealed under a later epoch. A Seal of no rows: there was nothing.
func (l *Ledger) Seal(ctx context.Context, epoch int64) (Seal, error) {
	var s Seal
	err := l.store.InTx(ctx, func(tx Nouns) error {
		last, err := tx.LastSeal(ctx)
		if err != nil {
			return err
		}
		if last.Epoch > epoch {
			return conflict("epoch")
		}
		s = Seal{Number: last.Number + 1, At: l.now().UTC().Truncate(time.Microsecond), Epoch: epoch, Previous: last.Hash}
		rows, err := tx.PutUnderSeal(ctx, s.Number, sealAtMost)
		if err != nil || len(rows) == 0 {
			return err
		}
		s.Size, s.Hash = len(rows), s.hash(rows)
		return tx.AddSeal(ctx, s)
	})
	return s, err
}

// Prune removes the seals that have had their time, with their rows, from the old end. The newest of them stays without its rows, as
// the hash the chain goes on from.
func (l *Ledger) Prune(ctx context.Context) error {
	before := l.now().Add(-l.keep)
	if err := l.store.DropOpenings(ctx, before); err != nil {
		return err
	}
	for {
		more := false
		err := l.store.InTx(ctx, func(tx Nouns) error {
			seals, err := tx.Seals(ctx, 0, sealsPruned)
			if err != nil {
				return err
			}
			var last *Seal
			for _, s := range seals {
				if !s.At.Before(before) {
					break
				}
				last = &s
			}
			if last == nil || last.PrunedAt != nil {
				return nil
			}
			more = last.Number == seals[len(seals)-1].Number && len(seals) == sealsPruned
			return tx.PruneSeals(ctx, last.Number, l.now())
		})
		if err != nil || !more {
			return err
		}
	}
}
