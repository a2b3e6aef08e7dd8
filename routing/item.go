package routing

import (
	"context"
	"time"
)

// The priorities of an Item. What lies beyond them counts as the nearest.
const (
	Low    = -1
	Normal = 0
	High   = 1
	Urgent = 2
)

// Item is a thing that waits in a queue for somebody to take it.
type Item struct {
	ID       string
	Queue    string
	Priority int
	Since    time.Time // the oldest of a priority is taken first
	Weight   int       // how much of an agent's capacity it uses once taken; less than 1 counts as 1
}

// Held is a thing an agent has taken.
type Held struct {
	ID     string
	Agent  string
	Weight int
}

// Source is the owner of the work: what it says is the truth, and Reconcile makes Redis equal to it.
type Source interface {
	// Waiting returns everything that should stand in a queue now.
	Waiting(ctx context.Context) ([]Item, error)
	// Taken returns everything that uses an agent's capacity now.
	Taken(ctx context.Context) ([]Held, error)
}

// band is the room a priority has in a score: milliseconds until the year 2109. Four bands stay far below 2^53, so every score is
// an exact integer in the double Redis keeps.
const band = 1 << 42

// score orders a queue: the smallest is taken first, so the highest priority, then the oldest.
func (i Item) score() int64 {
	since := min(max(i.Since.UnixMilli(), 0), band-1)
	return int64(Urgent-min(max(i.Priority, Low), Urgent))*band + since
}

// sinceOf returns the time a score was made of.
func sinceOf(score int64) time.Time { return time.UnixMilli(score % band).UTC() }
