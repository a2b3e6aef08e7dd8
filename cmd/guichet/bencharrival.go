package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"guichet/channels/email"
	"guichet/ticketing"
)

// arrivals lets mails arrive one by one and measures, of each, how long the server took to tell a client that does nothing but idle,
// and how long it took until the event came by which browsers and the API's followers learn of it: since the delivery, and since that
// word. Dovecot tells each client in its own time, up to half a second apart; there the first of the two is the one to look at.
func arrivals(ctx context.Context, h *hub, server *benchServer, backlog, paced int, f *intakeFigures) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	words, err := idle(ctx, server.mailbox, backlog)
	if err != nil {
		return fmt.Errorf("the idle client: %w", err)
	}
	running.Go(func() { _ = h.journal.Run(ctx) }) // it ends with ctx
	seen := make(chan shown, paced)
	running.Go(func() {
		_ = h.journal.Follow(ctx, nil, func(e ticketing.Event) error { // it ends with ctx
			if at := time.Now(); e.Type == ticketing.EventMessageReceived && e.MessageID != nil {
				seen <- shown{*e.MessageID, at}
			}
			return nil
		})
	})
	if err := server.pace(); err != nil {
		return err
	}
	var told, arrived, visible []time.Duration
	for range paced {
		var s shown
		select {
		case s = <-seen:
		case <-ctx.Done():
			return fmt.Errorf("the mails did not all come: %w", ctx.Err())
		}
		m, err := h.db.Message(ctx, s.id)
		if err != nil {
			return err
		}
		sent, number, ok := sentAt(m.ExternalID)
		if !ok {
			return fmt.Errorf("an unexpected mail came: %s", m.ExternalID)
		}
		word, err := words.of(ctx, number)
		if err != nil {
			return err
		}
		told = append(told, word.Sub(sent))
		arrived = append(arrived, s.at.Sub(sent))
		visible = append(visible, max(0, s.at.Sub(word))) // it may hear of it before the other client does
	}
	f.Told, f.Arrived, f.Visible = percentiles(told), percentiles(arrived), percentiles(visible)
	return nil
}

// shown is a message and when the journal told of it.
type shown struct {
	id string
	at time.Time
}

// sentAt reads what the bench's mail server writes into a Message-ID: when it delivered, and which mail of the box it is.
func sentAt(id string) (at time.Time, number int, ok bool) {
	text, ok := strings.CutPrefix(id, "at.")
	text, _, _ = strings.Cut(text, "@")
	nanos, n, _ := strings.Cut(text, ".")
	ns, err := strconv.ParseInt(nanos, 10, 64)
	number, nerr := strconv.Atoi(n)
	return time.Unix(0, ns), number, ok && errors.Join(err, nerr) == nil
}

// idleWords is when a server told an idle client of each mail.
type idleWords struct {
	mu     sync.Mutex
	told   map[int]time.Time // by the number of the mail in the box
	failed error
}

// of gives when the server spoke of a mail, waiting for it.
func (w *idleWords) of(ctx context.Context, number int) (time.Time, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		at, ok := w.told[number]
		err := w.failed
		w.mu.Unlock()
		if ok || err != nil {
			return at, err
		}
		select {
		case <-ctx.Done():
			return at, fmt.Errorf("the server did not tell of mail %d: %w", number, ctx.Err())
		case <-tick.C:
		}
	}
}

// idle opens a mailbox that holds as many mails as given, waits in IDLE (RFC 2177) and notes each word of new mail, until ctx ends.
func idle(ctx context.Context, m email.Mailbox, holds int) (*idleWords, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", joinHostPort(m.IMAP.Host, m.IMAP.Port))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	lines := bufio.NewScanner(conn)
	for i, command := range []string{fmt.Sprintf("LOGIN %q %q", m.IMAP.Username, m.IMAP.Password), "EXAMINE INBOX", "IDLE"} {
		if _, err := fmt.Fprintf(conn, "a%d %s\r\n", i, command); err != nil {
			return nil, err
		}
		for lines.Scan() && !strings.HasPrefix(lines.Text(), fmt.Sprintf("a%d ", i)) && !strings.HasPrefix(lines.Text(), "+") {
		}
		if text := lines.Text(); !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, fmt.Sprintf("a%d OK", i)) {
			return nil, errors.Join(fmt.Errorf("%s: %q", strings.Fields(command)[0], text), lines.Err(), conn.Close())
		}
	}
	w := &idleWords{told: map[int]time.Time{}}
	go func() {
		last := holds
		for lines.Scan() {
			at := time.Now()
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "* "), " EXISTS"))
			if err != nil {
				continue
			}
			w.mu.Lock()
			for ; last < n; last++ {
				w.told[last+1] = at
			}
			w.mu.Unlock()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failed = errors.New("the connection of the idle client ended")
	}()
	return w, nil
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
