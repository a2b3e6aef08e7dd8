// Package routing decides where work goes and who takes it. It knows no ticket: things have an id, a queue and a weight, and belong
// to a Source that tells the truth about them. Redis holds a copy of that truth which makes taking a thing fast and fair, and which
// can be thrown away at any moment: Reconcile builds it again.
package routing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// batch is how many things one script moves at most, so that none holds Redis up for long.
const batch = 500

// Options are what a Router needs besides the address of Redis.
type Options struct {
	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // nil: time.Now
}

// Router hands work out. Its methods may be called from anywhere at any time.
type Router struct {
	client   redis.UniversalClient
	embedded *miniredis.Miniredis // nil when Redis is a server
	scripts  *scripts
	log      *slog.Logger
	now      func() time.Time
	offset   atomic.Int64 // milliseconds to add to our clock to have that of Redis, so that several of us agree
	pace     pace
	advise   sync.Once // to use a real Redis
}

// Open connects to Redis. The address is "embedded" for a Redis inside this process, or one of
//
//	redis://user:password@host:6379/0              rediss:// for TLS, here and below
//	redis-sentinel://user:password@host:26379/0?master_name=main&addr=host2:26379
//	redis-cluster://user:password@host:6379?addr=host2:6379
//
// The error is one line for the person who installs: what is wrong, where, and what to do.
func Open(ctx context.Context, address string, opts Options) (*Router, error) {
	all, err := newScripts()
	if err != nil {
		return nil, fmt.Errorf("routing: read the scripts: %w", err)
	}
	r := &Router{
		scripts: all,
		log:     cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		now:     opts.Now,
		pace:    defaultPace(),
	}
	if r.now == nil {
		r.now = time.Now
	}
	logging.Disable() // go-redis writes to standard error by itself; Run says what matters, once

	where := address
	if address == "embedded" {
		if r.embedded, r.client, err = openEmbedded(); err != nil {
			return nil, fmt.Errorf("the embedded Redis cannot listen on 127.0.0.1: %w; free a port or name a Redis server", err)
		}
	} else if r.client, where, err = dial(address); err != nil {
		return nil, err
	}
	r.client.AddHook(&breaker{now: r.now})
	if err := r.measureOffset(ctx); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("no Redis answers at %s: %w; start it, correct its address, or use %q", where, err, "embedded")
	}
	return r, nil
}

// dial makes the client for an address; it does not connect yet. It also returns the address as it may be shown: without password.
func dial(address string) (client redis.UniversalClient, where string, err error) {
	scheme, rest, _ := strings.Cut(address, "://")
	security, kind, _ := strings.Cut(scheme, "-")
	if security != "redis" && security != "rediss" || rest == "" {
		return nil, "", fmt.Errorf("the address of Redis does not begin with redis://, rediss://, redis-sentinel:// or redis-cluster://; correct it, or use %q", "embedded")
	}
	plain := security + "://" + rest
	switch kind {
	case "":
		var o *redis.Options
		if o, err = redis.ParseURL(plain); err == nil {
			tune(&o.DialerRetries, &o.MaxRetries, &o.DialTimeout, &o.ReadTimeout, &o.ContextTimeoutEnabled)
			return redis.NewClient(o), o.Addr, nil
		}
	case "sentinel":
		var o *redis.FailoverOptions
		if o, err = redis.ParseFailoverURL(plain); err == nil && o.MasterName == "" {
			err = errors.New("master_name is missing")
		}
		if err == nil {
			tune(&o.DialerRetries, &o.MaxRetries, &o.DialTimeout, &o.ReadTimeout, &o.ContextTimeoutEnabled)
			return redis.NewFailoverClient(o), strings.Join(o.SentinelAddrs, ", "), nil
		}
	case "cluster":
		var o *redis.ClusterOptions
		if o, err = redis.ParseClusterURL(plain); err == nil {
			tune(&o.DialerRetries, &o.MaxRetries, &o.DialTimeout, &o.ReadTimeout, &o.ContextTimeoutEnabled)
			return redis.NewClusterClient(o), strings.Join(o.Addrs, ", "), nil
		}
	default:
		err = fmt.Errorf("there is no %q", scheme)
	}
	return nil, "", fmt.Errorf("the address of Redis cannot be read (%w); correct it, or use %q", withoutSecret(err), "embedded")
}

// tune sets what the three kinds of client have in common: a Redis that is down says so at once, and an agent's context counts.
// Retrying a script once is safe: should it have run twice, Reconcile puts back what nobody confirmed.
func tune(dialerRetries, maxRetries *int, dialTimeout, readTimeout *time.Duration, contextTimeout *bool) {
	*dialerRetries = 1
	*maxRetries = cmp.Or(*maxRetries, 1)
	*dialTimeout = cmp.Or(*dialTimeout, 2*time.Second)
	*readTimeout = cmp.Or(*readTimeout, time.Second)
	*contextTimeout = true
}

// Close ends the connection, and the embedded Redis with all it holds.
func (r *Router) Close() error {
	err := r.client.Close()
	if r.embedded != nil {
		r.embedded.Close()
	}
	return err
}

// Ping reports whether Redis answers.
func (r *Router) Ping(ctx context.Context) error { return wrap("ping", r.client.Ping(ctx).Err()) }

// Enqueue puts things into their queues, or moves them there from wherever they are, an agent's hands included. Saying it twice
// changes nothing.
func (r *Router) Enqueue(ctx context.Context, items ...Item) error {
	for _, item := range items {
		if item.ID == "" || item.Queue == "" {
			return fmt.Errorf("routing: enqueue %q into %q: both must be named", item.ID, item.Queue)
		}
	}
	for some := range slices.Chunk(items, batch) {
		args := make([]any, 1, 1+4*len(some))
		args[0] = "" // no round: this has just happened
		for _, item := range some {
			args = append(args, item.ID, string(inQueue(item.Queue, item.Weight)), item.score(), "")
		}
		if err := r.scripts.place.Run(ctx, r.client, commonKeys(), args...).Err(); err != nil {
			return wrap("enqueue", err)
		}
	}
	return nil
}

// Remove takes things out of whatever queue they stand in. What an agent holds stays hers until Release.
func (r *Router) Remove(ctx context.Context, ids ...string) error {
	for some := range slices.Chunk(ids, batch) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		if err := r.scripts.remove.Run(ctx, r.client, commonKeys(), args...).Err(); err != nil {
			return wrap("remove", err)
		}
	}
	return nil
}

// Depth is how much waits in a queue.
type Depth struct {
	Waiting     int
	OldestSince time.Time // of all priorities
	Next        int       // priority of what is taken next
	NextSince   time.Time // and since when it waits
}

// Depths returns what waits, by queue. A queue that is empty is not in it.
func (r *Router) Depths(ctx context.Context) (map[string]Depth, error) {
	queues, err := r.client.SMembers(ctx, keyQueues).Result()
	if err != nil {
		return nil, wrap("read the queues", err)
	}
	type question struct {
		waiting *redis.IntCmd
		oldest  []*redis.ZSliceCmd // of every priority
	}
	asked := make(map[string]question, len(queues))
	_, err = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, queue := range queues {
			q := question{waiting: p.ZCard(ctx, keyQueue+queue)}
			for priority := Low; priority <= Urgent; priority++ {
				first := int64(Urgent-priority) * band
				q.oldest = append(q.oldest, p.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
					Key: keyQueue + queue, ByScore: true, Start: first, Stop: first + band - 1, Count: 1,
				}))
			}
			asked[queue] = q
		}
		return nil
	})
	if err != nil {
		return nil, wrap("read the queues", err)
	}
	depths := make(map[string]Depth, len(queues))
	for queue, q := range asked {
		if q.waiting.Val() == 0 {
			continue
		}
		depth := Depth{Waiting: int(q.waiting.Val())}
		for priority, oldest := range q.oldest {
			for _, z := range oldest.Val() {
				since := sinceOf(int64(z.Score))
				depth.Next, depth.NextSince = priority+Low, since // the last one is the highest
				if depth.OldestSince.IsZero() || since.Before(depth.OldestSince) {
					depth.OldestSince = since
				}
			}
		}
		depths[queue] = depth
	}
	return depths, nil
}

// clock returns the time of Redis in milliseconds, as far as our own clock and the last comparison tell.
func (r *Router) clock() int64 { return r.now().UnixMilli() + r.offset.Load() }

// measureOffset compares our clock with that of Redis. The embedded one has ours.
func (r *Router) measureOffset(ctx context.Context) error {
	before := r.now()
	theirs, err := r.client.Time(ctx).Result()
	if err != nil {
		return err
	}
	if r.embedded == nil {
		ours := before.Add(r.now().Sub(before) / 2)
		r.offset.Store(theirs.UnixMilli() - ours.UnixMilli())
	}
	return nil
}

// wrap says what failed. It returns nil for nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("routing: %s: %w", doing, err)
}

// withoutSecret returns an error of a URL parser without the pieces of the URL it quotes, which may be those of a password.
func withoutSecret(err error) error {
	if _, quotes := errors.AsType[*url.Error](err); quotes {
		return errors.New("it is not a URL")
	}
	return err
}
