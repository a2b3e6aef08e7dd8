package ticketing

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"guichet/channels"
)

// Fetching gets the files that providers keep, after the messages that name them were filed: the answer to a provider never waits for
// its own files, and one that does not come at once is asked for again.
type Fetching struct {
	desk    *Desk
	fetcher channels.Fetcher
	log     *slog.Logger
}

// NewFetching makes a Fetching that files through a Desk.
func NewFetching(desk *Desk, fetcher channels.Fetcher, log *slog.Logger) *Fetching {
	return &Fetching{desk: desk, fetcher: fetcher, log: log}
}

const (
	fetchBatch  = 8                // files fetched side by side
	fetchPoll   = 5 * time.Second  // hints may be lost
	fetchWithin = 30 * time.Second // one try
	fetchLease  = 2 * time.Minute  // after which another process tries
)

// fetchAfter is how long after each try that failed the next one comes. A file that has not come after the last is given up: the
// provider's word was that it was there.
func fetchAfter() []time.Duration {
	return []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 3 * time.Hour, 12 * time.Hour}
}

// Run fetches on a hint and every five seconds, until ctx ends.
func (f *Fetching) Run(ctx context.Context) error {
	hint, ended := f.desk.router.Wake(ctx, HintFiles)
	defer ended()
	tick := time.NewTicker(fetchPoll)
	defer tick.Stop()
	for {
		more, err := f.Round(ctx)
		if err != nil && ctx.Err() == nil {
			f.log.Error("the files to fetch can't be read; none is fetched until they can", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-hint:
		}
	}
}

// Round fetches what is due, and tells whether there is probably more.
func (f *Fetching) Round(ctx context.Context) (more bool, err error) {
	now := f.desk.now()
	due, err := f.desk.store.LeaseFetches(ctx, now, now.Add(fetchLease), fetchBatch)
	if err != nil {
		return false, err
	}
	var fetching sync.WaitGroup
	for _, a := range due {
		fetching.Go(func() {
			if err := f.one(ctx, a); err != nil && ctx.Err() == nil {
				f.log.Error("what became of a file is not known; it is fetched again", "attachment_id", a.ID, "error", err)
			}
		})
	}
	fetching.Wait()
	return len(due) == fetchBatch, nil
}

// one makes a try at one file.
func (f *Fetching) one(ctx context.Context, a Attachment) error {
	trying, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	got, err := f.fetcher.Fetch(trying, a.Source)
	if ctx.Err() != nil {
		return ctx.Err() // we stop; the lease runs out
	}
	if err == nil {
		return f.keep(ctx, a, got)
	}
	final, ok := errors.AsType[*channels.Unfetchable](err)
	pauses := fetchAfter()
	switch {
	case ok:
		return f.giveUp(ctx, a, final.Reason)
	case a.Fetches > len(pauses):
		return f.giveUp(ctx, a, "the provider did not give it")
	}
	next := f.desk.now().Add(pauses[a.Fetches-1])
	a.FetchAt = &next
	f.log.Warn("a file could not be fetched from its provider; it is tried again", "attachment_id", a.ID, "tries", a.Fetches, "next", next)
	_, err = f.desk.store.SaveFetch(ctx, a)
	return err
}

// keep puts a file where it belongs.
func (f *Fetching) keep(ctx context.Context, a Attachment, got channels.Attachment) error {
	sum, err := f.desk.files.Put(ctx, got.Data) // before the row that names it
	if err != nil {
		return err
	}
	a.SHA256, a.Size, a.Source, a.FetchAt = sum, len(got.Data), "", nil
	if got.Type != "" {
		a.Type = clip(got.Type, 255)
	}
	return f.told(ctx, a, func(tx Nouns) (bool, error) { return tx.SaveFetch(ctx, a) })
}

// giveUp says in the message that a file will never come.
func (f *Fetching) giveUp(ctx context.Context, a Attachment, reason string) error {
	f.log.Warn("a file is given up; its message says so", "attachment_id", a.ID, "message_id", a.MessageID, "reason", reason)
	return f.told(ctx, a, func(tx Nouns) (bool, error) { return tx.DropFetch(ctx, a, "file: "+reason) })
}

// told does something to a file and tells those who look at its ticket.
func (f *Fetching) told(ctx context.Context, a Attachment, do func(tx Nouns) (bool, error)) error {
	err := f.desk.store.InTx(ctx, func(tx Nouns) error {
		done, err := do(tx)
		if err != nil || !done {
			return err
		}
		m, err := tx.Message(ctx, a.MessageID)
		if err != nil {
			return err
		}
		tickets, err := tx.TicketsByIDs(ctx, []string{m.TicketID})
		if err != nil || len(tickets) == 0 {
			return err
		}
		e := event(EventFileFetched, tickets[0], f.desk.now, nil, nil)
		e.MessageID = &m.ID
		return tx.AddEvents(ctx, []Event{e})
	})
	if err == nil {
		f.desk.after(ctx, effects{})
	}
	return err
}
