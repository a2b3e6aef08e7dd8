package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"guichet/ticketing"
)

func TestPasswords(t *testing.T) {
	for _, weak := range []string{"", "123456789", "éééééééé9", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(weak); !errors.Is(err, ErrWeakPassword) {
			t.Errorf("%.20q: %v", weak, err)
		}
	}
	hash, err := HashPassword("éééééééé10")
	if err != nil {
		t.Fatal(err)
	}
	p := newPasswords()
	for _, c := range []struct {
		password, hash string
		want           bool
	}{{"éééééééé10", hash, true}, {"éééééééé11", hash, false}, {"", hash, false}, {"", "", false}, {"éééééééé10", "", false}} {
		if got, err := p.match(t.Context(), c.password, c.hash); got != c.want || err != nil {
			t.Errorf("%q against %.10q: %v, %v", c.password, c.hash, got, err)
		}
	}
}

// An account that does not exist costs what one that does costs.
func TestTheDecoyIsAsDear(t *testing.T) {
	got, salt, key, err := argon2id.DecodeHash(decoy)
	want := argon2Params()
	if err != nil || *got != *want || uint32(len(salt)) != want.SaltLength || uint32(len(key)) != want.KeyLength {
		t.Errorf("the decoy is %+v, a hash %+v, %v", got, want, err)
	}
}

func TestHashingWaitsItsTurn(t *testing.T) {
	p := newPasswords()
	for range cap(p.working) {
		p.working <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.match(ctx, "x", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever has gone is hashed for: %v", err)
	}
	for range cap(p.waiting) {
		p.waiting <- struct{}{}
	}
	if _, err := p.match(t.Context(), "x", ""); ticketing.CodeOf(err) != CodeRateLimited {
		t.Errorf("a full queue says %v", err)
	}
}

func TestLimits(t *testing.T) {
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	l := newLimits(func() time.Time { return now })
	for i := range failuresPerAccount {
		if wait := l.attempt("nadia", fmt.Sprintf("192.0.2.%d", i)); wait != 0 {
			t.Fatalf("try %d waits %v", i, wait)
		}
	}
	now = now.Add(5 * time.Minute)
	if wait := l.attempt("nadia", "192.0.2.99"); wait != 10*time.Minute {
		t.Errorf("the account waits %v", wait)
	}
	now = now.Add(10 * time.Minute)
	if wait := l.attempt("nadia", "192.0.2.99"); wait != 0 {
		t.Errorf("a new window waits %v", wait)
	}

	l = newLimits(func() time.Time { return now })
	for i := range failuresPerAddress {
		l.attempt(fmt.Sprint("agent ", i), fmt.Sprintf("2001:db8:1:2::%x", i)) // one customer's network
	}
	if l.attempt("another", "2001:db8:1:2:ffff::1") == 0 || l.attempt("another", "2001:db8:1:3::1") != 0 {
		t.Error("a network is not counted as one")
	}

	l = newLimits(func() time.Time { return now })
	for range failuresPerAccount * 20 {
		if l.attempt("karim", "192.0.2.1") != 0 {
			t.Fatal("who signs in rightly is limited")
		}
		l.succeeded("karim", "192.0.2.1")
	}
}

func TestLimitsAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	l := newLimits(func() time.Time { return now })
	for i := range failureEntries {
		l.attempt(fmt.Sprint("made up ", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	if len(l.windows) > failureEntries {
		t.Errorf("%d entries", len(l.windows))
	}
}
