package auth

import (
	"net/netip"
	"sync"
	"time"

	"guichet/ticketing"
)

// How many sign-ins may fail in a window that begins with the first failure. A town hall often has one public address for
// everybody, so an address may fail more often than an account.
const (
	failureWindow      = 15 * time.Minute
	failuresPerAccount = 10
	failuresPerAddress = 50
	failureEntries     = 20_000
)

// limits counts failed sign-ins by account and by address. It lives in this process: several replicas allow several times as many
// tries, and a restart forgets. That still leaves a guesser some thousand tries a day against ten characters and argon2id. The
// price of a limit per account is that somebody who knows an agent's address can keep her from signing in for as long as he goes
// on; whoever is signed in stays so.
type limits struct {
	now ticketing.Clock

	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	began time.Time
	count int
}

func newLimits(now ticketing.Clock) *limits { return &limits{now: now, windows: map[string]window{}} }

// attempt counts a try as failed before it is made, so that many at once can't slip through, and tells how long to wait if it is
// one too many. succeeded takes it back.
func (l *limits) attempt(account, address string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	byAccount, byAddress := "account "+account, "address "+network(address)
	wait := max(l.wait(byAccount, failuresPerAccount, now), l.wait(byAddress, failuresPerAddress, now))
	if wait > 0 {
		return wait
	}
	l.count(byAccount, now)
	l.count(byAddress, now)
	return 0
}

func (l *limits) wait(key string, most int, now time.Time) time.Duration {
	w := l.windows[key]
	if w.count < most || now.Sub(w.began) >= failureWindow {
		return 0
	}
	return failureWindow - now.Sub(w.began)
}

func (l *limits) count(key string, now time.Time) {
	w, known := l.windows[key]
	if !known {
		l.makeRoom(now)
	}
	if !known || now.Sub(w.began) >= failureWindow {
		w = window{began: now}
	}
	w.count++
	l.windows[key] = w
}

// makeRoom keeps the map bounded: what is over goes first, then whatever comes to hand, a quarter at once so that this is rare.
func (l *limits) makeRoom(now time.Time) {
	if len(l.windows) < failureEntries {
		return
	}
	for key, w := range l.windows {
		if now.Sub(w.began) >= failureWindow {
			delete(l.windows, key)
		}
	}
	for key := range l.windows {
		if len(l.windows) < failureEntries*3/4 {
			return
		}
		delete(l.windows, key)
	}
}

// succeeded forgets the failures of an account and takes the address's try back.
func (l *limits) succeeded(account, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.windows, "account "+account)
	key := "address " + network(address)
	if w, ok := l.windows[key]; ok {
		w.count--
		l.windows[key] = w
	}
}

// network gives what one customer of a provider has: an IPv4 address, or the /64 of an IPv6 address.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}
