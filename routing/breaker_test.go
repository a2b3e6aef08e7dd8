package routing

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestASilentRedisIsWaitedForOnce holds all answers back, and counts who had to wait.
func TestASilentRedisIsWaitedForOnce(t *testing.T) {
	server := serverURL(t)
	line := newLine(t, server.Host)
	server.Host = line.address()
	f := &fixture{address: server.String(), line: line, clock: newClock()}
	r := f.open(t)

	line.gate.Lock()
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return r.Ping(ctx)
	}
	if err := ask(); err == nil || errors.Is(err, errNotAsked) {
		t.Fatalf("the first was told %v", err)
	}
	begin := time.Now()
	for range 1000 {
		if err := ask(); !errors.Is(err, errNotAsked) {
			t.Fatalf("who came after her was told %v", err)
		}
	}
	if took := time.Since(begin); took > 200*time.Millisecond {
		t.Errorf("a thousand that came after her waited %v", took)
	}

	f.clock.Advance(breakFor)
	if err := ask(); err == nil || errors.Is(err, errNotAsked) {
		t.Errorf("after a second nobody asked: %v", err)
	}
	if err := ask(); !errors.Is(err, errNotAsked) {
		t.Errorf("while one found out another asked: %v", err)
	}

	line.gate.Unlock()
	f.clock.Advance(breakFor)
	eventually(t, "Redis answers again", func() bool { f.clock.Advance(breakFor); return ask() == nil })
	for range 10 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
}
