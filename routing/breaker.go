package routing

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// breaker spares everybody a wait that somebody has just had: once Redis did not answer in time, it is not asked again for a second,
// and then by one alone until it answers. A Redis that refuses says so at once and needs none of this.
type breaker struct {
	now   func() time.Time
	until atomic.Int64 // Unix microseconds before which Redis is not asked; 0: it answers
}

const breakFor = time.Second

var errNotAsked = errors.New("it did not answer in time a moment ago, and is not asked again at once")

// asking marks the context of a command that was admitted: what it needs, such as greeting Redis on a new connection, is admitted too.
type asking struct{}

// admit tells whether Redis is to be asked, and gives the context to do it with.
func (b *breaker) admit(ctx context.Context) (context.Context, error) {
	if ctx.Value(asking{}) != nil {
		return ctx, nil
	}
	if until := b.until.Load(); until != 0 {
		now := b.now()
		if now.UnixMicro() < until || !b.until.CompareAndSwap(until, now.Add(breakFor).UnixMicro()) {
			return ctx, errNotAsked
		}
	}
	return context.WithValue(ctx, asking{}, true), nil // after a pause, this one finds out for all
}

// heard notes whether Redis answered.
func (b *breaker) heard(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout():
		b.until.Store(b.now().Add(breakFor).UnixMicro())
	case !errors.Is(err, context.Canceled): // who went away knows nothing
		b.until.Store(0)
	}
	return err
}

// DialHook implements redis.Hook.
func (b *breaker) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		ctx, err := b.admit(ctx)
		if err != nil {
			command.SetErr(err)
			return err
		}
		return b.heard(next(ctx, command))
	}
}

// ProcessPipelineHook implements redis.Hook.
func (b *breaker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		ctx, err := b.admit(ctx)
		if err != nil {
			for _, command := range commands {
				command.SetErr(err)
			}
			return err
		}
		return b.heard(next(ctx, commands))
	}
}
