package ticketing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// remember keeps an Idempotency-Key in the transaction of what it is for. When the key was used before, fresh is false and kept says
// what it made; used for something else it is refused. Without a key everything is fresh.
func remember(ctx context.Context, tx Nouns, a Actor, key string, now time.Time, content ...string) (kept Request, fresh bool, err error) {
	if key == "" {
		return Request{}, true, nil
	}
	if len(key) > 200 {
		return Request{}, false, invalid("Idempotency-Key", "too_long")
	}
	h := sha256.New()
	for _, c := range content {
		fmt.Fprintf(h, "%d:%s", len(c), c)
	}
	r := Request{Actor: a.ID, Key: key, Fingerprint: hex.EncodeToString(h.Sum(nil)), CreatedAt: now}
	kept, fresh, err = tx.AddRequest(ctx, r)
	if err == nil && !fresh && kept.Fingerprint != r.Fingerprint {
		return kept, false, &Error{Code: CodeReused}
	}
	if err == nil && fresh {
		kept = r
	}
	return kept, fresh, err
}

// complete notes what a remembered call has made.
func complete(ctx context.Context, tx Nouns, r Request, ticketID, messageID string) error {
	if r.Key == "" {
		return nil
	}
	r.TicketID, r.MessageID = ticketID, messageID
	return tx.SaveRequest(ctx, r)
}
