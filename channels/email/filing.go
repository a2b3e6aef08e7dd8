package email

import (
	"context"
	"time"

	"guichet/channels"
)

// How much is filed in one transaction, and as much again may be waiting behind it.
const (
	maxGroup      = 50
	maxGroupBytes = 4 << 20
)

// letter is one UID on its way: a mail to file, or word that there is none. Both kinds take the same way, because the cursor must
// not pass a mail that is not filed.
type letter struct {
	uid  uint32
	mail *channels.Inbound // nil: nothing to file
	gap  bool              // with no mail: it exists but could not be read; otherwise it is gone
}

func (l letter) size() int {
	if l.mail == nil {
		return 0
	}
	return len(l.mail.Raw)
}

// result is what became of a group: filed, or not yet and why.
type result struct {
	group []letter
	err   error
}

// filing hands mails to the Receiver, in groups and in order, beside the goroutine that fetches them.
type filing struct {
	in      chan letter
	out     chan result
	stopped chan struct{}
}

// newFiling starts filing; it ends with ctx.
func newFiling(ctx context.Context, p *Puller) *filing {
	f := &filing{
		in:      make(chan letter, 2*maxGroup), // never full: round counts what is in flight
		out:     make(chan result, 2*maxGroup), // the next group does not wait until round has heard of this one
		stopped: make(chan struct{}),
	}
	go func() {
		defer close(f.stopped)
		for {
			group, ok := f.gather(ctx, p.pace.company)
			if !ok || !f.file(ctx, p, group) {
				return
			}
		}
	}()
	return f
}

// gather waits for a letter, and then a moment for company.
func (f *filing) gather(ctx context.Context, company time.Duration) ([]letter, bool) {
	var group []letter
	select {
	case l := <-f.in:
		group = append(group, l)
	case <-ctx.Done():
		return nil, false
	}
	size := group[0].size()
	timer := time.NewTimer(company)
	defer timer.Stop()
	for len(group) < maxGroup && size < maxGroupBytes {
		select {
		case l := <-f.in:
			group = append(group, l)
			size += l.size()
		case <-timer.C:
			return group, true
		case <-ctx.Done():
			return nil, false
		}
	}
	return group, true
}

// file offers a group until the Receiver takes it. It returns false when ctx ended first.
func (f *filing) file(ctx context.Context, p *Puller, group []letter) bool {
	var mails []channels.Inbound
	for _, l := range group {
		if l.mail != nil {
			mails = append(mails, *l.mail)
		}
	}
	for wait := p.pace.firstRetry; len(mails) > 0; wait = min(2*wait, p.pace.maxRetry) {
		_, err := p.deps.Receiver.Receive(ctx, mails)
		if err == nil {
			break
		}
		if !f.tell(ctx, result{err: err}) || !pause(ctx, wait) {
			return false
		}
	}
	return f.tell(ctx, result{group: group})
}

func (f *filing) tell(ctx context.Context, r result) bool {
	select {
	case f.out <- r:
		return true
	case <-ctx.Done():
		return false
	}
}
