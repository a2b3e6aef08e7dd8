package store

import (
	"context"
	"time"

	"guichet/ticketing"
)

// LockCall implements ticketing.Calls.
func (n nouns) LockCall(ctx context.Context, c ticketing.Call, since time.Time) (ticketing.Call, error) {
	const known = "SELECT * FROM calls WHERE exchange = ? AND key = ? AND created_at >= ? ORDER BY created_at DESC, id LIMIT 1"
	for range 2 {
		var rows []ticketing.Call
		if err := n.read(ctx, &rows, known+n.forUpdate(" FOR UPDATE"), c.Exchange, c.Key, since); err != nil || len(rows) > 0 {
			return first(rows), err
		}
		if err := insert(ctx, n, []ticketing.Call{c}, insertion{conflict: "(exchange, key, day) DO NOTHING"}); err != nil {
			return c, err
		}
	}
	return one[ticketing.Call](ctx, n, "exchange = ? AND key = ? AND day = ?", c.Exchange, c.Key, c.Day) // of the same day, and long over
}

func first[T any](rows []T) (row T) {
	if len(rows) > 0 {
		row = rows[0]
	}
	return row
}

// SaveCall implements ticketing.Calls.
func (n nouns) SaveCall(ctx context.Context, c ticketing.Call) error {
	return put(ctx, n, []ticketing.Call{c})
}

// Call implements ticketing.Calls.
func (n nouns) Call(ctx context.Context, id string) (ticketing.Call, error) {
	return one[ticketing.Call](ctx, n, "id = ?", id)
}

// CallsOf implements ticketing.Calls.
func (n nouns) CallsOf(ctx context.Context, ticketID string) (calls []ticketing.Call, err error) {
	err = n.read(ctx, &calls, "SELECT * FROM calls WHERE ticket_id = ? ORDER BY created_at, id", ticketID)
	return calls, err
}

// LiveCalls implements ticketing.Calls.
func (n nouns) LiveCalls(ctx context.Context, since time.Time) (calls []ticketing.Call, err error) {
	err = n.read(ctx, &calls, "SELECT * FROM calls WHERE ended_at IS NULL AND ending = '' AND created_at >= ? ORDER BY created_at, id LIMIT 200", since)
	return calls, err
}
