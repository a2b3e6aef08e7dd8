package ticketing

import (
	"context"
	"log/slog"
	"time"

	"guichet/routing"
)

// Indexer writes the words of messages into the index that searches read, behind the filing: a mail is filed as fast as before, and found
// a moment later. What is older than the index comes by the same way, after all that is new. Any number of them may run.
type Indexer struct {
	store  Store
	router *routing.Router
	log    *slog.Logger
}

// NewIndexer makes an Indexer.
func NewIndexer(store Store, router *routing.Router, log *slog.Logger) *Indexer {
	return &Indexer{store: store, router: router, log: log}
}

const (
	indexBatch = 300                    // messages in one transaction: SQLite's one writer is not kept long
	indexPause = 500 * time.Millisecond // between two of them: what comes in a row is written together, and filing goes first
	indexPoll  = 2 * time.Second        // hints may be lost
)

// Run indexes on a hint and every two seconds, until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	hint, ended := x.router.Wake(ctx, HintJournal)
	defer ended()
	tick := time.NewTicker(indexPoll)
	defer tick.Stop()
	pause := time.NewTicker(indexPause)
	defer pause.Stop()
	for {
		done, err := x.store.IndexQueued(ctx, indexBatch)
		if err != nil && ctx.Err() == nil {
			x.log.Error("what was said can't be indexed; searches do not find the newest messages until it can", "error", err)
		}
		more := make(chan struct{})
		if done == indexBatch && err == nil {
			close(more)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-hint:
		case <-more:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}
