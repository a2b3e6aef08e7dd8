package ticketing

import (
	"context"
	"errors"
	"sync"
	"time"

	"guichet/channels"
)

// Gather files what comes in one message at a time, from many at once: while one transaction runs, those that come wait for the next,
// which takes them all. Nobody waits for company, and each is told what became of its own. It stands before a Receiver where posts
// come over HTTP; a mailbox brings groups of its own.
type Gather struct {
	next channels.Receiver

	mu      sync.Mutex
	waiting []*brought
	filing  bool
}

// brought is one message and, once done is closed, what became of it.
type brought struct {
	in    channels.Inbound
	done  chan struct{}
	filed channels.Filed
	err   error
}

// What one transaction takes, and how many may wait for theirs.
const (
	gatherMessages = 50
	gatherBytes    = 4 << 20
	gatherWaiting  = 1000
	gatherTime     = 30 * time.Second // what a transaction and its files may take
)

var errCrowded = errors.New("more messages wait to be filed than are kept waiting")

// NewGather stands before a Receiver.
func NewGather(next channels.Receiver) *Gather { return &Gather{next: next} }

// Receive is Receiver's. Each message of the group stands for itself. A caller who goes away leaves hers to be filed.
func (g *Gather) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	mine := make([]*brought, len(group))
	for i, in := range group {
		mine[i] = &brought{in: in, done: make(chan struct{})}
	}
	if !g.join(ctx, mine) {
		return nil, errCrowded
	}
	filed, errs := make([]channels.Filed, len(group)), make([]error, len(group))
	for i, b := range mine {
		select {
		case <-b.done:
			filed[i], errs[i] = b.filed, b.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return filed, errors.Join(errs...)
}

// join lets messages wait, and sees to it that somebody files them.
func (g *Gather) join(ctx context.Context, mine []*brought) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting)+len(mine) > gatherWaiting {
		return false
	}
	g.waiting = append(g.waiting, mine...)
	if !g.filing {
		g.filing = true
		go g.work(context.WithoutCancel(ctx)) // ends when nobody waits any more
	}
	return true
}

// work files groups until nobody waits.
func (g *Gather) work(ctx context.Context) {
	for batch := g.take(); len(batch) > 0; batch = g.take() {
		g.file(ctx, batch)
	}
}

// take is the next group, in the order they came. Without one the work is over.
func (g *Gather) take() []*brought {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, bytes := 0, 0
	for n < min(len(g.waiting), gatherMessages) && bytes < gatherBytes {
		bytes += sizeOf(g.waiting[n].in)
		n++
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.filing = n > 0
	return batch
}

func sizeOf(in channels.Inbound) int {
	size := len(in.Raw)
	for _, a := range in.Attachments {
		size += len(a.Data)
	}
	return size
}

// file files a group. Where it fails as a whole, what was filed of it is told so and the others the error.
func (g *Gather) file(ctx context.Context, batch []*brought) {
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	group := make([]channels.Inbound, len(batch))
	for i, b := range batch {
		group[i] = b.in
	}
	filed, err := g.next.Receive(ctx, group)
	for i, b := range batch {
		if i < len(filed) && filed[i].Result != "" {
			b.filed = filed[i]
		} else {
			b.err = err
		}
		close(b.done)
	}
}
