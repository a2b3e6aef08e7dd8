package routing

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// BenchmarkClaim hands out things of queues of 500 to 50 agents at once, and sets the rate against two measures taken in the same
// run: a script that does nothing, and the four commands the ideal program of the design needs.
func BenchmarkClaim(b *testing.B) {
	b.Run("embedded", func(b *testing.B) {
		benchmarkClaim(b, &fixture{address: "embedded", clock: newClock()})
	})
	b.Run("server", func(b *testing.B) {
		benchmarkClaim(b, &fixture{address: serverURL(b).String(), clock: newClock()})
	})
}

func benchmarkClaim(b *testing.B, f *fixture) {
	const perQueue = 500
	r := f.open(b)
	items := make([]Item, b.N)
	ideal := make([]redis.Z, b.N)
	for i := range items {
		items[i] = Item{ID: fmt.Sprint(i), Queue: fmt.Sprint(i / perQueue), Since: morning(0).Add(time.Duration(i) * time.Millisecond)}
		ideal[i] = redis.Z{Score: float64(i), Member: items[i].ID}
	}
	enqueue(b, r, items...)
	for from := 0; from < b.N; from += perQueue {
		if err := r.client.ZAdd(b.Context(), fmt.Sprint("{guichet}:ideal:", from/perQueue), ideal[from:min(from+perQueue, b.N)]...).Err(); err != nil {
			b.Fatal(err)
		}
	}
	bare := redis.NewScript("return 1")
	four := redis.NewScript(`
		local id = redis.call('ZPOPMIN', KEYS[1])[1]
		redis.call('HSET', KEYS[2], id, ARGV[1])
		redis.call('ZADD', KEYS[3], ARGV[2], id)
		redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
		return id`)
	keys := []string{"{guichet}:ideal:owner", "{guichet}:ideal:lease", "{guichet}:ideal:load"}

	b.ResetTimer()
	claims := hammer(b, func(ctx context.Context, i int, agent string) error {
		_, result, err := r.Claim(ctx, fmt.Sprint(i/perQueue), agent, 1_000_000)
		if err == nil && result != Claimed {
			err = fmt.Errorf("claim %d: %v", i, result)
		}
		return err
	})
	b.StopTimer()
	nothing := hammer(b, func(ctx context.Context, i int, agent string) error {
		return bare.Run(ctx, r.client, []string{keyPlaces}, agent).Err()
	})
	ideally := hammer(b, func(ctx context.Context, i int, agent string) error {
		queue := fmt.Sprint("{guichet}:ideal:", i/perQueue)
		return four.Run(ctx, r.client, append([]string{queue}, keys...), agent, i).Err()
	})
	b.ReportMetric(float64(b.N)/claims.Seconds(), "claims/s")
	b.ReportMetric(100*nothing.Seconds()/claims.Seconds(), "%of-bare-evalsha")
	b.ReportMetric(100*ideally.Seconds()/claims.Seconds(), "%of-ideal-claim")
}

// hammer calls do b.N times from 50 goroutines and returns how long that took.
func hammer(b *testing.B, do func(ctx context.Context, i int, agent string) error) time.Duration {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for worker := range 50 {
		all.Go(func() {
			agent := fmt.Sprint(worker)
			for i := int(next.Add(1) - 1); i < b.N; i = int(next.Add(1) - 1) {
				if err := do(context.Background(), i, agent); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}
