package routing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// Drift is what a Reconcile had to put right.
type Drift struct {
	Added   int // things that were missing from a queue
	Removed int // things that stood in a queue and should not
	Moved   int // things in the wrong queue, at the wrong rank or of the wrong weight
	Claims  int // things wrongly or not counted as an agent's, and sums of them
}

// Reconcile makes Redis equal to the source. What is touched in Redis after it has begun, and claims younger than fifteen seconds,
// are left to the next round, so nothing that happens meanwhile is undone. Of several rounds at once the last to begin goes on and
// the others end early.
func (r *Router) Reconcile(ctx context.Context, src Source) (Drift, error) {
	round := rand.Text()
	queues, err := r.scripts.begin.Run(ctx, r.client, []string{keyRound, keyRecent, keyQueues}, round, r.clock()).StringSlice()
	if err != nil {
		return Drift{}, wrap("begin to reconcile", err)
	}
	want, err := r.snapshot(ctx, src)
	if err != nil {
		return Drift{}, err
	}
	have, err := r.scan(ctx, queues)
	if err != nil {
		return Drift{}, wrap("read what Redis holds", err)
	}
	drift := Drift{}
	if drift.Claims, err = r.weigh(ctx, have); err != nil {
		return drift, wrap("weigh", err)
	}
	for some := range slices.Chunk(differences(want, have), batch) {
		args := make([]any, 1, 1+4*len(some))
		args[0] = round
		for _, d := range some {
			args = append(args, d.id, string(d.place), d.score, d.stray)
		}
		counts, err := r.scripts.place.Run(ctx, r.client, commonKeys(), args...).Int64Slice()
		if err != nil {
			return drift, wrap("put right", err)
		}
		if len(counts) < 4 {
			return drift, nil // a newer round does it
		}
		drift.Added += int(counts[0])
		drift.Removed += int(counts[1])
		drift.Moved += int(counts[2])
		drift.Claims += int(counts[3])
	}
	return drift, nil
}

// standing is where a thing is, and its rank there if that is a queue.
type standing struct {
	place place
	score int64
}

// snapshot asks the source where everything should be. What changes between the two questions was said second.
func (r *Router) snapshot(ctx context.Context, src Source) (map[string]standing, error) {
	waiting, err := src.Waiting(ctx)
	if err != nil {
		return nil, &sourceError{fmt.Errorf("routing: ask what waits: %w", err)}
	}
	taken, err := src.Taken(ctx)
	if err != nil {
		return nil, &sourceError{fmt.Errorf("routing: ask what is taken: %w", err)}
	}
	if r.embedded != nil && len(waiting) > embeddedLimit {
		r.advise.Do(func() {
			r.log.Warn("the embedded Redis grows slow with so much waiting: name a Redis server", slog.Int("waiting", len(waiting)))
		})
	}
	want := make(map[string]standing, len(waiting)+len(taken))
	for _, item := range waiting {
		want[item.ID] = standing{inQueue(item.Queue, item.Weight), item.score()}
	}
	for _, held := range taken {
		want[held.ID] = standing{place: withAgent(held.Agent, held.Weight)}
	}
	return want, nil
}

// sourceError marks what is the source's fault and not that of Redis.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// holding is what Redis holds. It is read in pieces, so what changes meanwhile may look wrong in it; the scripts check again.
type holding struct {
	loads  map[string]string
	places map[string]place
	queued []queued
}

// queued is one entry of one queue.
type queued struct {
	id, queue string
	score     int64
}

func (r *Router) scan(ctx context.Context, queues []string) (holding, error) {
	have := holding{places: make(map[string]place)}
	var err error
	if have.loads, err = r.client.HGetAll(ctx, keyLoads).Result(); err != nil { // first: weigh relies on it
		return have, err
	}
	pairs := r.client.HScan(ctx, keyPlaces, 0, "", batch).Iterator()
	for pairs.Next(ctx) {
		id := pairs.Val()
		if !pairs.Next(ctx) {
			break
		}
		have.places[id] = place(pairs.Val())
	}
	if err := pairs.Err(); err != nil {
		return have, err
	}
	for _, queue := range queues {
		pairs := r.client.ZScan(ctx, keyQueue+queue, 0, "", batch).Iterator()
		for pairs.Next(ctx) {
			id := pairs.Val()
			if !pairs.Next(ctx) {
				break
			}
			score, err := strconv.ParseFloat(pairs.Val(), 64)
			if err != nil {
				return have, err
			}
			have.queued = append(have.queued, queued{id, queue, int64(score)})
		}
		if err := pairs.Err(); err != nil {
			return have, err
		}
	}
	return have, nil
}

// weigh puts loads right that are not the sum of what the agents hold.
func (r *Router) weigh(ctx context.Context, have holding) (int, error) {
	sums := make(map[string]int, len(have.loads))
	for agent := range have.loads {
		sums[agent] = 0
	}
	for _, place := range have.places {
		if kind, weight, agent := place.split(); kind == 'a' {
			sums[agent] += weight
		}
	}
	var args []any
	for agent, sum := range sums {
		if have.loads[agent] != strconv.Itoa(sum) {
			args = append(args, agent, have.loads[agent], sum)
		}
	}
	righted := 0
	for some := range slices.Chunk(args, 3*batch) {
		n, err := r.scripts.weigh.Run(ctx, r.client, []string{keyLoads}, some...).Int()
		if err != nil {
			return righted, err
		}
		righted += n
	}
	return righted, nil
}

// difference is one thing to put right.
type difference struct {
	id    string
	place place
	score any    // "" outside a queue
	stray string // a queue it stands in besides its place, or ""
}

// differences compares what should be with what is. Every thing is named once for its place, and once more for each queue it strayed
// into because Redis lost a key.
func differences(want map[string]standing, have holding) []difference {
	var found []difference
	differ := func(id, stray string) {
		d := difference{id: id, place: nowhere, score: "", stray: stray}
		if w, ok := want[id]; ok {
			d.place = w.place
			if kind, _, _ := w.place.split(); kind == 'q' {
				d.score = w.score
			}
		}
		found = append(found, d)
	}
	ranks := make(map[string]int64, len(have.queued)) // of the things that stand in the queue their place names
	for _, q := range have.queued {
		if kind, _, queue := have.places[q.id].split(); kind == 'q' && queue == q.queue {
			ranks[q.id] = q.score
		} else {
			differ(q.id, q.queue)
		}
	}
	for id, w := range want {
		rank, ranked := ranks[id]
		kind, _, _ := w.place.split()
		if have.places[id] != w.place || kind == 'q' && (!ranked || rank != w.score) {
			differ(id, "")
		}
	}
	for id := range have.places {
		if _, ok := want[id]; !ok {
			differ(id, "")
		}
	}
	return found
}

// pace is how often Run looks.
type pace struct {
	every  time.Duration // without a hint
	rest   time.Duration // at least, between two rounds
	wait   time.Duration // after the first failure; doubles
	most   time.Duration // up to this
	offset time.Duration // between two comparisons of the clocks
}

func defaultPace() pace {
	return pace{every: 3 * time.Second, rest: time.Second / 2, wait: time.Second, most: 15 * time.Second, offset: time.Minute}
}

// Run keeps Redis equal to the source until ctx ends, which is not an error: at once, on a hint (TopicWork), and every three
// seconds. When Redis or the source fails it says so once, goes on trying, and says once that it is back.
func (r *Router) Run(ctx context.Context, src Source) error {
	ctx, cancel := context.WithCancel(ctx)
	hints := make(chan struct{}, 1)
	subscribed := make(chan error, 1)
	go func() {
		subscribed <- r.Subscribe(ctx, func(topic string) {
			if topic == TopicWork || topic == TopicAll {
				select {
				case hints <- struct{}{}:
				default:
				}
			}
		})
	}()
	defer func() { cancel(); <-subscribed }()

	var failing error
	wait, measured := r.pace.wait, r.now()
	for {
		drift, err := r.round(ctx, src, &measured)
		if ctx.Err() != nil {
			return nil
		}
		r.report(drift, err, failing)
		failing = err
		next := r.pace.every
		if err != nil {
			next, wait = wait, min(2*wait, r.pace.most)
		} else {
			wait = r.pace.wait
		}
		if !pause(ctx, min(r.pace.rest, next), nil) || !pause(ctx, next-r.pace.rest, hints) {
			return nil
		}
	}
}

// round reconciles, and compares the clocks when it is time to.
func (r *Router) round(ctx context.Context, src Source, measured *time.Time) (Drift, error) {
	if now := r.now(); now.Sub(*measured) >= r.pace.offset {
		if err := r.measureOffset(ctx); err != nil {
			return Drift{}, wrap("compare the clocks", err)
		}
		*measured = now
	}
	return r.Reconcile(ctx, src)
}

// report logs what changed between two rounds.
func (r *Router) report(drift Drift, err, before error) {
	switch {
	case err != nil && before == nil:
		what := "Redis is lost: queues stand still until it is back"
		if _, theirs := errors.AsType[*sourceError](err); theirs {
			what = "the queues cannot be compared with the database"
		}
		r.log.Error(what, slog.Any("error", err))
	case err == nil && before != nil:
		r.log.Info("routing works again", slog.Int("added", drift.Added), slog.Int("removed", drift.Removed),
			slog.Int("moved", drift.Moved), slog.Int("claims", drift.Claims))
	}
}

// pause waits for a time or a hint and reports whether to go on.
func pause(ctx context.Context, d time.Duration, hints <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-hints:
	}
	return true
}
