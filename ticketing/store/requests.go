package store

import (
	"context"
	"database/sql"
	"errors"

	"guichet/ticketing"
)

// AddRequest implements ticketing.Requests.
func (n nouns) AddRequest(ctx context.Context, r ticketing.Request) (kept ticketing.Request, fresh bool, err error) {
	how := insertion{conflict: "(actor, key) DO NOTHING", returning: "actor"}
	for range retries {
		err = insertReturning(ctx, n, []ticketing.Request{r}, how, func(*sql.Rows) error { fresh = true; return nil })
		if err != nil || fresh {
			return r, fresh, err
		}
		kept, err = one[ticketing.Request](ctx, n, "actor = ? AND key = ?", clean(r.Actor), clean(r.Key))
		if !errors.Is(err, ticketing.ErrNotFound) { // it may have been deleted in between: then ours is fresh after all
			break
		}
	}
	return kept, false, err
}

// SaveRequest implements ticketing.Requests.
func (n nouns) SaveRequest(ctx context.Context, r ticketing.Request) error {
	saved, err := update(ctx, n, &r, []string{"ticket_id", "message_id", "citizen_id"}, "actor = ? AND key = ?", clean(r.Actor), clean(r.Key))
	if err == nil && !saved {
		err = &ticketing.Error{Code: ticketing.CodeNotFound}
	}
	return err
}
