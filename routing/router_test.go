package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// morning is when things in these tests begin to wait.
func morning(minutes int) time.Time {
	return time.Date(2026, 11, 22, 8, minutes, 0, 0, time.UTC)
}

func enqueue(t testing.TB, r *Router, items ...Item) {
	t.Helper()
	if err := r.Enqueue(t.Context(), items...); err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, r *Router, queue, agent string, capacity int) (string, ClaimResult) {
	t.Helper()
	id, result, err := r.Claim(t.Context(), queue, agent, capacity)
	if err != nil {
		t.Fatal(err)
	}
	return id, result
}

func claimItem(t testing.TB, r *Router, id, agent string, weight, capacity int) ClaimResult {
	t.Helper()
	result, err := r.ClaimItem(t.Context(), id, agent, weight, capacity)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func wantLoad(t testing.TB, r *Router, agent string, want int) {
	t.Helper()
	if got, err := r.Load(t.Context(), agent); err != nil || got != want {
		t.Errorf("Load(%s) = %d, %v, want %d", agent, got, err, want)
	}
}

// drain claims everything of a queue for an agent of its own and returns the ids in order.
func drain(t testing.TB, r *Router, queue string) []string {
	t.Helper()
	var ids []string
	for {
		id, result := claim(t, r, queue, "drain", 1_000_000)
		if result != Claimed {
			return ids
		}
		ids = append(ids, id)
	}
}

func TestHundredAgentsClaimOneThing(t *testing.T) {
	for name, try := range map[string]func(r *Router, agent string) (ClaimResult, error){
		"Claim": func(r *Router, agent string) (ClaimResult, error) {
			_, result, err := r.Claim(context.Background(), "voirie", agent, 5)
			return result, err
		},
		"ClaimItem": func(r *Router, agent string) (ClaimResult, error) {
			return r.ClaimItem(context.Background(), "one", agent, 1, 5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, f *fixture) {
				r := f.open(t)
				enqueue(t, r, Item{ID: "one", Queue: "voirie", Since: morning(0)})
				var won atomic.Int32
				var all sync.WaitGroup
				for i := range 100 {
					all.Go(func() {
						result, err := try(r, fmt.Sprint(i))
						if err != nil {
							t.Error(err)
						}
						if result == Claimed {
							won.Add(1)
						}
					})
				}
				all.Wait()
				if won.Load() != 1 {
					t.Errorf("%d agents have it, want 1", won.Load())
				}
			})
		})
	}
}

func TestClaimOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r,
			Item{ID: "low", Queue: "voirie", Priority: Low, Since: morning(0)},
			Item{ID: "normal, new", Queue: "voirie", Since: morning(9)},
			Item{ID: "normal, old", Queue: "voirie", Since: morning(8)},
			Item{ID: "normal, a millisecond older", Queue: "voirie", Since: morning(8).Add(-time.Millisecond)},
			Item{ID: "high", Queue: "voirie", Priority: High, Since: morning(20)},
			Item{ID: "urgent", Queue: "voirie", Priority: Urgent, Since: morning(30)},
			Item{ID: "beyond urgent", Queue: "voirie", Priority: 9, Since: morning(31)},
			Item{ID: "elsewhere", Queue: "eau", Priority: Urgent, Since: morning(0)},
		)
		want := []string{"urgent", "beyond urgent", "high", "normal, a millisecond older", "normal, old", "normal, new", "low"}
		if got := drain(t, r, "voirie"); !slices.Equal(got, want) {
			t.Errorf("claimed %q, want %q", got, want)
		}
	})
}

func TestCapacityHoldsAgainstConcurrentClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		for i := range 100 {
			enqueue(t, r, Item{ID: fmt.Sprint(i), Queue: "voirie", Since: morning(i)})
		}
		var claimed atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for {
					_, result, err := r.Claim(context.Background(), "voirie", "17", 10)
					if err != nil {
						t.Error(err)
					}
					if result != Claimed {
						return
					}
					claimed.Add(1)
				}
			})
		}
		all.Wait()
		if claimed.Load() != 10 {
			t.Errorf("she was given %d, want 10", claimed.Load())
		}
		wantLoad(t, r, "17", 10)
		if _, result := claim(t, r, "voirie", "17", 10); result != Full {
			t.Errorf("Claim = %v, want full", result)
		}
		if _, result := claim(t, r, "nowhere", "18", 10); result != Empty {
			t.Errorf("Claim = %v, want empty", result)
		}
		if _, result := claim(t, r, "voirie", "18", 0); result != Full {
			t.Errorf("Claim without capacity = %v, want full", result)
		}
	})
}

func TestWeight(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r,
			Item{ID: "call", Queue: "voirie", Since: morning(0), Weight: 3},
			Item{ID: "mail", Queue: "voirie", Since: morning(1)},
		)
		if _, result := claim(t, r, "voirie", "17", 2); result != Full {
			t.Errorf("Claim of 3 with room for 2 = %v, want full", result)
		}
		if id, result := claim(t, r, "voirie", "17", 3); result != Claimed || id != "call" {
			t.Errorf("Claim = %q, %v", id, result)
		}
		wantLoad(t, r, "17", 3)
		if err := r.Release(t.Context(), "call", "17"); err != nil {
			t.Fatal(err)
		}
		wantLoad(t, r, "17", 0)
	})
}

func TestClaimItem(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r, Item{ID: "one", Queue: "voirie", Since: morning(0)}, Item{ID: "two", Queue: "voirie", Since: morning(1)})
		for _, step := range []struct {
			name, id, agent  string
			weight, capacity int
			want             ClaimResult
			load17, load18   int
		}{
			{"from a queue", "one", "17", 1, 2, Claimed, 1, 0},
			{"again", "one", "17", 1, 2, Claimed, 1, 0},
			{"another's", "one", "18", 1, 2, Taken, 1, 0},
			{"from nowhere", "snoozed", "17", 1, 2, Claimed, 2, 0},
			{"again when full", "one", "17", 1, 2, Claimed, 2, 0},
			{"full", "two", "17", 1, 2, Full, 2, 0},
			{"assigned beyond capacity", "two", "17", 1, 0, Claimed, 3, 0},
			{"assigned to another", "two", "18", 2, 0, Claimed, 2, 2},
		} {
			if got := claimItem(t, r, step.id, step.agent, step.weight, step.capacity); got != step.want {
				t.Errorf("%s: %v, want %v", step.name, got, step.want)
			}
			wantLoad(t, r, "17", step.load17)
			wantLoad(t, r, "18", step.load18)
		}
		if left := drain(t, r, "voirie"); left != nil {
			t.Errorf("%q still in the queue", left)
		}
	})
}

func TestReleaseIsOnlyForTheHolder(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		claimItem(t, r, "one", "17", 1, 1)
		for _, agent := range []string{"18", "17", "17"} {
			if err := r.Release(t.Context(), "one", agent); err != nil {
				t.Fatal(err)
			}
			wantLoad(t, r, "17", map[string]int{"18": 1, "17": 0}[agent])
		}
	})
}

func TestEnqueueIsIdempotentAndMoves(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		item := Item{ID: "one", Queue: "voirie", Since: morning(0)}
		enqueue(t, r, item, item)
		enqueue(t, r, item)
		wantDepths(t, r, map[string]Depth{"voirie": {Waiting: 1, OldestSince: morning(0)}})
		item.Queue, item.Since = "eau", morning(5)
		enqueue(t, r, item)
		wantDepths(t, r, map[string]Depth{"eau": {Waiting: 1, OldestSince: morning(5)}})
		claim(t, r, "eau", "17", 1)
		wantLoad(t, r, "17", 1)
		enqueue(t, r, item)
		wantLoad(t, r, "17", 0)
		wantDepths(t, r, map[string]Depth{"eau": {Waiting: 1, OldestSince: morning(5)}})
		if err := r.Enqueue(t.Context(), Item{ID: "two"}); err == nil {
			t.Error("Enqueue without a queue succeeded")
		}
	})
}

func wantDepths(t testing.TB, r *Router, want map[string]Depth) {
	t.Helper()
	got, err := r.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for queue, depth := range got {
		if depth.NextSince.IsZero() {
			t.Errorf("queue %s does not say since when its next one waits", queue)
		}
		if want[queue].NextSince.IsZero() { // not asked for
			depth.Next, depth.NextSince = 0, time.Time{}
			got[queue] = depth
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Depths = %v, want %v", got, want)
	}
}

func TestRemoveAndDepths(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r,
			Item{ID: "old and low", Queue: "voirie", Priority: Low, Since: morning(0)},
			Item{ID: "new and urgent", Queue: "voirie", Priority: Urgent, Since: morning(9)},
			Item{ID: "other", Queue: "rue: à part", Since: morning(3)},
		)
		wantDepths(t, r, map[string]Depth{"voirie": {Waiting: 2, OldestSince: morning(0), Next: Urgent, NextSince: morning(9)}, "rue: à part": {Waiting: 1, OldestSince: morning(3)}})
		claimItem(t, r, "other", "17", 1, 1)
		if err := r.Remove(t.Context(), "old and low", "other", "unknown"); err != nil {
			t.Fatal(err)
		}
		wantDepths(t, r, map[string]Depth{"voirie": {Waiting: 1, OldestSince: morning(9)}})
		wantLoad(t, r, "17", 1)
	})
}

func TestPresence(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		check := func(want map[string]string) {
			t.Helper()
			got, err := f.replica(t, r).Presences(t.Context())
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("Presences = %v, %v, want %v", got, err, want)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(map[string]string{})
		must(r.SetPresence(t.Context(), "17", Available))
		must(r.SetPresence(t.Context(), "18", Paused))
		must(r.Beat(t.Context(), "19"))
		check(map[string]string{"17": Available, "18": Paused, "19": Available})
		if err := r.SetPresence(t.Context(), "17", "asleep"); err == nil {
			t.Error("a state of one's own was accepted")
		}

		f.clock.Advance(60 * time.Second)
		must(r.Beat(t.Context(), "18"))
		f.clock.Advance(31 * time.Second)
		presences, err := r.Presences(t.Context())
		if want := (map[string]string{"17": Offline, "18": Paused, "19": Offline}); err != nil || fmt.Sprint(presences) != fmt.Sprint(want) {
			t.Errorf("after 91 s: %v, %v, want %v", presences, err, want)
		}

		must(r.Beat(t.Context(), "17"))
		must(r.SetPresence(t.Context(), "18", Offline))
		must(r.Beat(t.Context(), "18"))
		presences, err = r.Presences(t.Context())
		if want := (map[string]string{"17": Available, "18": Offline, "19": Offline}); err != nil || fmt.Sprint(presences) != fmt.Sprint(want) {
			t.Errorf("back again: %v, %v, want %v", presences, err, want)
		}
	})
}

func TestOpenSaysWhatToDo(t *testing.T) {
	for _, test := range []struct{ address, want string }{
		{"", `the address of Redis does not begin with redis://, rediss://, redis-sentinel:// or redis-cluster://; correct it, or use "embedded"`},
		{"localhost:6379", "does not begin with redis://"},
		{"redis-herd://localhost", `there is no "redis-herd"`},
		{"redis://:s3cret/@localhost:6379", "it is not a URL"},
		{"redis-sentinel://localhost:1", "master_name is missing"},
		{"redis://:s3cret@127.0.0.1:1", "no Redis answers at 127.0.0.1:1"},
		{"redis-cluster://:s3cret@127.0.0.1:1?addr=127.0.0.1:2", "no Redis answers at 127.0.0.1:1, 127.0.0.1:2"},
		{"redis-sentinel://:s3cret@127.0.0.1:1?master_name=main", "no Redis answers at 127.0.0.1:1"},
	} {
		t.Run(test.address, func(t *testing.T) {
			r, err := Open(t.Context(), test.address, Options{})
			if err == nil {
				_ = r.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not hold %q", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %q has two lines or a password", err)
			}
		})
	}
}

func TestCommandsFailAndHeal(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		enqueue(t, r, Item{ID: "one", Queue: "voirie", Since: morning(0)})
		f.cut(r)
		if _, result, err := r.Claim(t.Context(), "voirie", "17", 1); err == nil {
			t.Errorf("Claim without Redis = %v", result)
		}
		if err := r.Ping(t.Context()); err == nil {
			t.Error("Ping without Redis succeeded")
		}
		f.heal(t, r)
		eventually(t, "Redis answers again", func() bool { return r.Ping(t.Context()) == nil })
		if id, result := claim(t, r, "voirie", "17", 1); result != Claimed || id != "one" {
			t.Errorf("Claim after that = %q, %v", id, result)
		}
	})
}

func TestHintsReachEveryReplicaAndSurviveACut(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		r := f.open(t)
		other := f.replica(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan string, 100)
		ended := make(chan error, 1)
		go func() { ended <- other.Subscribe(ctx, func(topic string) { heard <- topic }) }()
		hear := func(want string) {
			t.Helper()
			select {
			case got := <-heard:
				if got != want {
					t.Fatalf("heard %q, want %q", got, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("never heard %q", want)
			}
		}
		publish := func(topic string) {
			t.Helper()
			if err := r.Publish(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
		}
		hear(TopicAll)
		publish("ticket 42")
		hear("ticket 42")
		f.cut(r)
		f.heal(t, r)
		hear(TopicAll)
		eventually(t, "Redis answers again", func() bool { return r.Ping(t.Context()) == nil })
		publish(TopicWork)
		hear(TopicWork)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestScoresAreExact(t *testing.T) {
	for _, item := range []Item{
		{Priority: Low, Since: time.Date(2109, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Priority: Urgent, Since: time.UnixMilli(0)},
		{Priority: Normal, Since: morning(0).Add(time.Millisecond)},
	} {
		score := item.score()
		if score < 0 || score >= 1<<53 || int64(float64(score)) != score {
			t.Errorf("score %d of %v is not exact", score, item)
		}
		if got := sinceOf(score); !got.Equal(item.Since) {
			t.Errorf("sinceOf = %v, want %v", got, item.Since)
		}
	}
}
