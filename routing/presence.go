package routing

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The states of an agent.
const (
	Available = "available"
	Busy      = "busy"
	Paused    = "paused"
	Offline   = "offline"
)

// presenceLimit is how long an agent counts as there after her last sign of life.
const presenceLimit = 90 * time.Second

// SetPresence notes what an agent says she is. It is a sign of life too.
func (r *Router) SetPresence(ctx context.Context, agent, state string) error {
	switch state {
	case Available, Busy, Paused, Offline:
	default:
		return fmt.Errorf("routing: presence %q is none of available, busy, paused, offline", state)
	}
	_, err := r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, keyPresence, agent, state)
		p.ZAdd(ctx, keyBeats, redis.Z{Score: float64(r.clock()), Member: agent})
		return nil
	})
	return wrap("set presence", err)
}

// Beat notes a sign of life of an agent. One whose state Redis does not know, or no longer, counts as available.
func (r *Router) Beat(ctx context.Context, agent string) error {
	_, err := r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSetNX(ctx, keyPresence, agent, Available)
		p.ZAdd(ctx, keyBeats, redis.Z{Score: float64(r.clock()), Member: agent})
		return nil
	})
	return wrap("beat", err)
}

// Presences returns the state of every agent ever seen. One who gave no sign of life for ninety seconds is offline.
func (r *Router) Presences(ctx context.Context) (map[string]string, error) {
	var states *redis.MapStringStringCmd
	var alive *redis.StringSliceCmd
	_, err := r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		states = p.HGetAll(ctx, keyPresence)
		alive = p.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: keyBeats, ByScore: true, Start: strconv.FormatInt(r.clock()-presenceLimit.Milliseconds(), 10), Stop: "+inf",
		})
		return nil
	})
	if err != nil {
		return nil, wrap("read presences", err)
	}
	presences := make(map[string]string, len(states.Val()))
	for agent := range states.Val() {
		presences[agent] = Offline
	}
	for _, agent := range alive.Val() {
		if state, ok := states.Val()[agent]; ok {
			presences[agent] = state
		}
	}
	return presences, nil
}
