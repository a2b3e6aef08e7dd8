package routing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func reconcile(t testing.TB, r *Router, src Source) Drift {
	t.Helper()
	drift, err := r.Reconcile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return drift
}

func wantDrift(t testing.TB, got, want Drift) {
	t.Helper()
	if got != want {
		t.Errorf("drift %+v, want %+v", got, want)
	}
}

func TestReconcileBuildsEverythingAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown()
		for i := range 2*batch + 200 {
			id := fmt.Sprint(i)
			src.items[id] = Item{ID: id, Queue: fmt.Sprint("queue ", i%7), Since: morning(i)}
		}
		for i := range 10 {
			src.take(fmt.Sprint(i), "17")
		}
		full := Drift{Added: 2*batch + 190, Claims: 10}
		wantDrift(t, reconcile(t, r, src), full)
		wantDrift(t, reconcile(t, r, src), Drift{})
		wantLoad(t, r, "17", 10)
		flush(t, r)
		wantLoad(t, r, "17", 0)
		wantDrift(t, reconcile(t, r, src), full)
		wantLoad(t, r, "17", 10)
	})
}

func TestReconcilePutsRight(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown(
			Item{ID: "missing", Queue: "voirie", Since: morning(0)},
			Item{ID: "elsewhere", Queue: "voirie", Since: morning(1)},
			Item{ID: "older", Queue: "voirie", Since: morning(2)},
			Item{ID: "heavier", Queue: "voirie", Since: morning(3), Weight: 2},
			Item{ID: "taken", Queue: "voirie", Since: morning(4)},
			Item{ID: "claimed by nobody", Queue: "voirie", Since: morning(5)},
			Item{ID: "hers", Queue: "voirie", Since: morning(6)},
		)
		src.take("taken", "17")
		src.take("hers", "17")
		enqueue(t, r,
			Item{ID: "elsewhere", Queue: "eau", Since: morning(1)},
			Item{ID: "older", Queue: "voirie", Since: morning(9)},
			Item{ID: "heavier", Queue: "voirie", Since: morning(3)},
			Item{ID: "taken", Queue: "voirie", Since: morning(4)},
			Item{ID: "closed", Queue: "voirie", Since: morning(7)},
		)
		claimItem(t, r, "claimed by nobody", "18", 1, 5)
		claimItem(t, r, "hers", "18", 1, 5)
		claimItem(t, r, "given back", "18", 1, 5)
		f.clock.Advance(claimGrace + time.Second)
		wantDrift(t, reconcile(t, r, src), Drift{Added: 2, Removed: 2, Moved: 3, Claims: 4})
		wantDrift(t, reconcile(t, r, src), Drift{})
		wantLoad(t, r, "17", 2)
		wantLoad(t, r, "18", 0)
		wantDepths(t, r, map[string]Depth{"voirie": {Waiting: 5, OldestSince: morning(0)}})
	})
}

// TestReconcileAfterRedisLostAKey takes every key away in turn, as a Redis told to evict would.
func TestReconcileAfterRedisLostAKey(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown()
		for i := range 20 {
			id := fmt.Sprint(i)
			src.items[id] = Item{ID: id, Queue: fmt.Sprint("queue ", i%2), Since: morning(i)}
		}
		src.take("0", "17")
		src.take("1", "17")
		for _, key := range []string{keyPlaces, keyLoads, keyQueues, keyQueue + "queue 1", keyRecent, keyRound} {
			reconcile(t, r, src)
			if err := r.client.Del(t.Context(), key).Err(); err != nil {
				t.Fatal(err)
			}
			reconcile(t, r, src)
			reconcile(t, r, src) // a lost table of places spoils the loads, which the round after that weighs
			wantLoad(t, r, "17", 2)
			wantDepths(t, r, map[string]Depth{"queue 0": {Waiting: 9, OldestSince: morning(2)}, "queue 1": {Waiting: 9, OldestSince: morning(3)}})
			wantDrift(t, reconcile(t, r, src), Drift{})
		}
	})
}

func TestClaimDropsStrays(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r, Item{ID: "stray", Queue: "voirie", Since: morning(0)})
		r.client.Del(t.Context(), keyPlaces)
		enqueue(t, r, Item{ID: "stray", Queue: "eau", Since: morning(0)}, Item{ID: "good", Queue: "voirie", Since: morning(1)})
		if id, result := claim(t, r, "voirie", "17", 5); id != "good" || result != Claimed {
			t.Errorf("Claim = %q, %v, want good", id, result)
		}
	})
}

// TestReconcileLeavesAloneWhatIsTouchedMeanwhile lets things happen between the snapshot and its use.
func TestReconcileLeavesAloneWhatIsTouchedMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown(
			Item{ID: "claimed", Queue: "voirie", Since: morning(0)},
			Item{ID: "closed", Queue: "voirie", Since: morning(1)},
			Item{ID: "moved", Queue: "voirie", Since: morning(2)},
			Item{ID: "released", Queue: "voirie", Since: morning(3)},
		)
		src.take("released", "17")
		reconcile(t, r, src)
		src.between = func() {
			claimItem(t, r, "claimed", "18", 1, 5)
			enqueue(t, r, Item{ID: "new", Queue: "eau", Since: morning(9)}, Item{ID: "moved", Queue: "eau", Since: morning(2)})
			if err := errors.Join(r.Remove(t.Context(), "closed"), r.Release(t.Context(), "released", "17")); err != nil {
				t.Error(err)
			}
		}
		wantDrift(t, reconcile(t, r, src), Drift{})
		wantDepths(t, r, map[string]Depth{"eau": {Waiting: 2, OldestSince: morning(2)}})
		wantLoad(t, r, "18", 1)
		wantLoad(t, r, "17", 0)

		// The source never learns of any of it but the claim, so the next round undoes the rest.
		src.take("claimed", "18")
		wantDrift(t, reconcile(t, r, src), Drift{Added: 1, Removed: 1, Moved: 1, Claims: 1})
	})
}

func TestUnconfirmedClaimGoesBackAfterItsGrace(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown(Item{ID: "one", Queue: "voirie", Since: morning(0)})
		reconcile(t, r, src)
		claim(t, r, "voirie", "17", 1)
		wantDrift(t, reconcile(t, r, src), Drift{})
		f.clock.Advance(claimGrace - time.Second)
		wantDrift(t, reconcile(t, r, src), Drift{})
		f.clock.Advance(2 * time.Second)
		wantDrift(t, reconcile(t, r, src), Drift{Added: 1, Claims: 1})
		wantLoad(t, r, "17", 0)
	})
}

func TestOlderRoundGivesWay(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		other := f.replica(t, r)
		src := newTown(Item{ID: "closed meanwhile", Queue: "voirie", Since: morning(0)})
		src.between = func() {
			wantDrift(t, reconcile(t, other, newTown(Item{ID: "one", Queue: "eau", Since: morning(0)})), Drift{Added: 1})
		}
		wantDrift(t, reconcile(t, r, src), Drift{})
		wantDepths(t, r, map[string]Depth{"eau": {Waiting: 1, OldestSince: morning(0)}})
	})
}

func TestFlushDuringARoundEndsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown(Item{ID: "one", Queue: "voirie", Since: morning(0)})
		src.between = func() { flush(t, r) }
		wantDrift(t, reconcile(t, r, src), Drift{})
		wantDrift(t, reconcile(t, r, src), Drift{Added: 1})
	})
}

// TestReconcileRacingWithClaims has agents claim and confirm while two replicas reconcile without pause and a third empties Redis
// now and then.
func TestReconcileRacingWithClaims(t *testing.T) {
	for name, flushes := range map[string]bool{"quiet": false, "emptied": true} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, f *fixture) { raceClaims(t, f, flushes) })
		})
	}
}

func raceClaims(t *testing.T, f *fixture, flushes bool) {
	const things = 400
	r := f.open(t)
	src := newTown()
	for i := range things {
		id := fmt.Sprint(i)
		src.items[id] = Item{ID: id, Queue: "voirie", Since: morning(i)}
	}
	reconcile(t, r, src)

	var taken, twice atomic.Int32
	var agents, rounds sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 8 {
		agents.Go(func() {
			agent := fmt.Sprint(i)
			for taken.Load() < things && ctx.Err() == nil {
				id, result, err := r.Claim(ctx, "voirie", agent, things)
				switch {
				case err != nil:
					t.Error(err)
					return
				case result != Claimed:
				case src.take(id, agent):
					if n := taken.Add(1); flushes && n%100 == 50 {
						flush(t, r)
					}
				default:
					twice.Add(1)
					if err := r.Release(ctx, id, agent); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	for _, replica := range []*Router{r, f.replica(t, r)} {
		rounds.Go(func() {
			for {
				if _, err := replica.Reconcile(ctx, src); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	agents.Wait()
	close(stop)
	rounds.Wait()
	if taken.Load() != things {
		t.Fatalf("%d of %d things taken: some are lost", taken.Load(), things)
	}
	if !flushes && twice.Load() > 0 {
		t.Errorf("%d things were handed out twice", twice.Load())
	}
	f.clock.Advance(claimGrace + time.Second)
	reconcile(t, r, src)
	wantDrift(t, reconcile(t, r, src), Drift{})
	wantDepths(t, r, map[string]Depth{})
	held, _ := src.Taken(ctx)
	sum := 0
	for i := range 8 {
		load, _ := r.Load(t.Context(), fmt.Sprint(i))
		sum += load
	}
	if len(held) != things || sum != things {
		t.Errorf("the source knows %d claims, Redis %d, want %d", len(held), sum, things)
	}
}

func TestReconcileSaysWhatFails(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		src := newTown(Item{ID: "one", Queue: "voirie", Since: morning(0)})
		reconcile(t, r, src)
		broken := errors.New("no such table")
		src.fail(broken)
		if _, err := r.Reconcile(t.Context(), src); !errors.Is(err, broken) {
			t.Errorf("Reconcile = %v, want %v", err, broken)
		}
		wantDepths(t, r, map[string]Depth{"voirie": {Waiting: 1, OldestSince: morning(0)}})
	})
}

// lines collects what is logged.
type lines struct {
	slog.Handler
	mu   sync.Mutex
	said []string
}

func newLines() *lines { return &lines{Handler: slog.DiscardHandler} }

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, record slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, record.Message)
	return nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.said...)
}

func TestRun(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		said := newLines()
		r := f.openLogging(t, said)
		hurry := pace{every: 20 * time.Millisecond, rest: time.Millisecond, wait: 5 * time.Millisecond, most: 20 * time.Millisecond, offset: time.Minute}
		r.pace = hurry
		src := newTown(Item{ID: "one", Queue: "voirie", Since: morning(0)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx, src) }()
		built := func() bool {
			depths, err := r.Depths(t.Context())
			return err == nil && depths["voirie"].Waiting == 1
		}
		eventually(t, "the queue is built", built)
		flush(t, r)
		eventually(t, "the queue is built again", built)

		f.cut(r)
		eventually(t, "the loss is said", func() bool { return len(said.all()) == 1 })
		f.heal(t, r)
		eventually(t, "the return is said", func() bool { return len(said.all()) == 2 })
		eventually(t, "the queue is there", built)

		src.fail(errors.New("no such table"))
		eventually(t, "the trouble is said", func() bool { return len(said.all()) == 3 })
		src.fail(nil)
		eventually(t, "its end is said", func() bool { return len(said.all()) == 4 })

		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []string{
			"Redis is lost: queues stand still until it is back", "routing works again",
			"the queues cannot be compared with the database", "routing works again",
		}
		if got := said.all(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("logged %q, want %q", got, want)
		}
	})
}

// TestRunOnAHint makes Run so slow by itself that only a hint can explain the second round.
func TestRunOnAHint(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		r.pace = pace{every: time.Hour, rest: time.Millisecond, wait: time.Hour, most: time.Hour, offset: time.Hour}
		src := newTown()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx, src) }()
		eventually(t, "Run listens", func() bool {
			n, err := r.client.PubSubNumSub(t.Context(), keyHints).Result()
			return err == nil && n[keyHints] == 1
		})
		src.mu.Lock()
		src.items["one"] = Item{ID: "one", Queue: "voirie", Since: morning(0)}
		src.mu.Unlock()
		if err := f.replica(t, r).Publish(t.Context(), TopicWork); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the hint is followed", func() bool {
			depths, err := r.Depths(t.Context())
			return err == nil && depths["voirie"].Waiting == 1
		})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestEmbeddedSaysWhenItIsTimeForAServer(t *testing.T) {
	said := newLines()
	f := &fixture{address: "embedded", clock: newClock()}
	r := f.openLogging(t, said)
	src := newTown()
	for i := range embeddedLimit + 1 {
		id := fmt.Sprint(i)
		src.items[id] = Item{ID: id, Queue: "voirie", Since: morning(i)}
	}
	reconcile(t, r, src)
	reconcile(t, r, src)
	if got := said.all(); len(got) != 1 {
		t.Errorf("logged %q, want one line", got)
	}
}
