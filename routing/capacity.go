package routing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// claimGrace is how long a claim stands that the source has not confirmed. After it the thing goes back to its queue, for whoever
// claimed it died before saying so.
const claimGrace = 15 * time.Second

// ClaimResult says how a claim ended.
type ClaimResult int

// The ends of a claim.
const (
	Empty   ClaimResult = iota // nothing waits
	Claimed                    // it is the agent's
	Full                       // the agent has no room for it
	Taken                      // another agent has it (only ClaimItem says so)
)

// String returns the result in lower case, for logs.
func (c ClaimResult) String() string {
	switch c {
	case Empty:
		return "empty"
	case Claimed:
		return "claimed"
	case Full:
		return "full"
	case Taken:
		return "taken"
	}
	return fmt.Sprintf("ClaimResult(%d)", int(c))
}

// Claim gives an agent the first thing of a queue: the highest priority, then the oldest. However many agents ask at once, only one
// gets it. A first thing too heavy for the room she has left is not passed over: the result is Full. The caller confirms a claim in
// the source within fifteen seconds, or gives it back with Release.
func (r *Router) Claim(ctx context.Context, queue, agent string, capacity int) (id string, result ClaimResult, err error) {
	keys := []string{keyQueue + queue, keyPlaces, keyLoads, keyRecent}
	reply, err := r.scripts.claim.Run(ctx, r.client, keys, queue, agent, capacity, r.graceEnd()).Result()
	if err != nil {
		return "", Empty, wrap("claim", err)
	}
	switch reply := reply.(type) {
	case string:
		return reply, Claimed, nil
	case int64:
		if reply == 1 {
			return "", Full, nil
		}
	}
	return "", Empty, nil
}

// ClaimItem gives an agent one named thing, whether it waits in a queue or not; claiming what she already has is Claimed again. A
// capacity of zero or less means no limit: a supervisor assigns, and then it may also be taken out of another agent's hands.
func (r *Router) ClaimItem(ctx context.Context, id, agent string, weight, capacity int) (ClaimResult, error) {
	reply, err := r.scripts.claimItem.Run(ctx, r.client, commonKeys(), id, agent, max(weight, 1), capacity, r.graceEnd()).Int()
	if err != nil {
		return Empty, wrap("claim "+id, err)
	}
	switch reply {
	case 1:
		return Full, nil
	case 2:
		return Taken, nil
	}
	return Claimed, nil
}

// Release gives back the capacity a thing uses, if the agent holds it. It does not put the thing back into a queue: the caller
// does, or the next Reconcile.
func (r *Router) Release(ctx context.Context, id, agent string) error {
	return wrap("release "+id, r.scripts.release.Run(ctx, r.client, commonKeys(), id, agent).Err())
}

// Load returns how much capacity an agent uses.
func (r *Router) Load(ctx context.Context, agent string) (int, error) {
	load, err := r.client.HGet(ctx, keyLoads, agent).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return load, wrap("read a load", err)
}

func (r *Router) graceEnd() int64 { return r.clock() + claimGrace.Milliseconds() }
