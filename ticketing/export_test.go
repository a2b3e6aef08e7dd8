package ticketing

import (
	"context"
	"time"
)

// Waiting tells how many messages wait to be filed.
func Waiting(g *Gather) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// NoteLook notes a look as services do.
func NoteLook(ctx context.Context, store Consultations, now time.Time, a Actor, citizenID, ticketID, purpose string) error {
	return look(ctx, store, now, a, citizenID, ticketID, purpose)
}

// TakeTurn does once what Run does every few seconds.
func TakeTurn(ctx context.Context, l *Ledger, owner string) error { return l.turn(ctx, owner) }
