package ticketing_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// gate is a Receiver that holds its first group until it is opened, and remembers the sizes of all.
type gate struct {
	next    channels.Receiver
	arrived chan struct{} // closed when the first group is there
	open    chan struct{}

	mu     sync.Mutex
	groups []int
}

func newGate(next channels.Receiver) *gate {
	return &gate{next: next, arrived: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	g.mu.Lock()
	g.groups = append(g.groups, len(group))
	first := len(g.groups) == 1
	g.mu.Unlock()
	if first {
		close(g.arrived)
		select {
		case <-g.open:
		case <-time.After(time.Minute):
			return nil, errors.New("nobody opened the gate")
		}
	}
	return g.next.Receive(ctx, group)
}

// answer is what one caller was told.
type answer struct {
	filed []channels.Filed
	err   error
}

// crowd lets one message in, waits until it is being filed, lets the others wait behind it, opens and collects what each was told.
func crowd(h *hall, next channels.Receiver, first channels.Inbound, others []channels.Inbound) (told []answer, groups []int) {
	h.Helper()
	g := newGate(next)
	gather := ticketing.NewGather(g)
	told = make([]answer, 1+len(others))
	var callers sync.WaitGroup
	call := func(i int, in channels.Inbound) {
		callers.Go(func() { told[i].filed, told[i].err = gather.Receive(h.Context(), []channels.Inbound{in}) })
	}
	call(0, first)
	<-g.arrived
	for i, in := range others {
		call(i+1, in)
	}
	eventually(h, func() bool { return ticketing.Waiting(gather) == len(others) })
	close(g.open)
	callers.Wait()
	return told, g.groups
}

func eventually(h *hall, is func() bool) {
	h.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.Fatal("it never came to be")
		}
	}
}

func TestWhatComesMeanwhileIsFiledTogether(t *testing.T) {
	eachHall(t, func(h *hall) {
		var others []channels.Inbound
		for i := range 60 {
			others = append(others, h.text(fmt.Sprintf("SM%d", i), fmt.Sprintf("+336399810%02d", i), "lampadaire en panne"))
		}
		others = append(others, others[7]) // posted again before it was answered
		told, groups := crowd(h, h.desk, h.text("first", anne, "bonjour"), others)
		created, references := 0, map[string]bool{}
		for i, a := range told {
			if a.err != nil || len(a.filed) != 1 || a.filed[0].Reference == "" {
				h.Fatalf("caller %d was told %+v", i, a)
			}
			references[a.filed[0].Reference] = true
			if a.filed[0].Result == channels.Created {
				created++
			}
		}
		if created != 61 || len(references) != 61 {
			h.Errorf("61 messages and one again made %d tickets with %d references", created, len(references))
		}
		if fmt.Sprint(groups) != "[1 50 11]" {
			h.Errorf("groups of %v", groups)
		}
	})
}

func TestOneThatFailsInACrowdIsToldSoAlone(t *testing.T) {
	eachHall(t, func(h *hall) {
		desk := h.newDesk(poisoned{h.db, errors.New("the connection was cut")})
		others := []channels.Inbound{h.text("SM1", anne, "lampadaire en panne"), h.text("SM2", paul, "poison"), h.text("SM3", "+33639980003", "trou")}
		told, _ := crowd(h, desk, h.text("first", "+33639980004", "bonjour"), others)
		for i, a := range told {
			if poison := i == 2; (a.err != nil) != poison || !poison && a.filed[0].Result != channels.Created {
				h.Errorf("caller %d was told %+v", i, a)
			}
		}
	})
}

func TestWhoGoesAwayLeavesHersToBeFiled(t *testing.T) {
	eachHall(t, func(h *hall) {
		g := newGate(h.desk)
		gather := ticketing.NewGather(g)
		ctx, leave := context.WithCancel(h.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := gather.Receive(ctx, []channels.Inbound{h.text("SM1", anne, "lampadaire en panne")})
			gone <- err
		}()
		<-g.arrived
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			h.Fatalf("she was told %v", err)
		}
		close(g.open)
		again, err := gather.Receive(h.Context(), []channels.Inbound{h.text("SM1", anne, "lampadaire en panne")})
		if err != nil || again[0].Result != channels.Duplicate {
			h.Errorf("it was not filed: %+v, %v", again, err)
		}
	})
}

func TestACrowdIsBounded(t *testing.T) {
	eachHall(t, func(h *hall) {
		g := newGate(h.desk)
		gather := ticketing.NewGather(g)
		first := make(chan error, 1)
		go func() {
			_, err := gather.Receive(h.Context(), []channels.Inbound{h.text("first", anne, "bonjour")})
			first <- err
		}()
		<-g.arrived
		many := make([]channels.Inbound, 1001)
		if _, err := gather.Receive(h.Context(), many); err == nil {
			h.Error("more than a thousand were let in")
		}
		close(g.open)
		if err := <-first; err != nil {
			h.Error(err)
		}
	})
}
