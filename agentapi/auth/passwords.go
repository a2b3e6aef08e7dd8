package auth

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"guichet/ticketing"
)

// MinPassword is the fewest characters a password has, MaxPassword the most bytes that are looked at.
const (
	MinPassword = 10
	MaxPassword = 1024
)

// ErrWeakPassword refuses a password that is too short, or longer than anybody types.
var ErrWeakPassword = &ticketing.Error{Code: ticketing.CodeInvalid, Field: "password", Reason: "too_short"}

// argon2Params gives what OWASP's password storage sheet asks of argon2id: 19 MiB, two passes, one lane.
func argon2Params() *argon2id.Params {
	return &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// decoy is compared with where there is no password, so that it takes as long. Its key is all zeros: nothing hashes to it.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$Z3VpY2hldC1kZWNveS4uLg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// HashPassword makes what is kept of a password.
func HashPassword(password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword {
		return "", ErrWeakPassword
	}
	return argon2id.CreateHash(password, argon2Params())
}

// passwords compares passwords, two at a time: each takes 19 MiB and a core for as long as it lasts.
type passwords struct {
	waiting chan struct{}
	working chan struct{}
}

func newPasswords() *passwords {
	return &passwords{waiting: make(chan struct{}, 64), working: make(chan struct{}, 2)}
}

// match tells whether a password is the one of a hash. An empty hash matches nothing and takes as long.
func (p *passwords) match(ctx context.Context, password, hash string) (bool, error) {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default: // a whole town hall signs in within this queue; more is an attack
		return false, tooMany(5 * time.Second)
	}
	select {
	case p.working <- struct{}{}:
		defer func() { <-p.working }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	known := hash != "" && len(password) <= MaxPassword
	if !known {
		hash, password = decoy, ""
	}
	right, err := argon2id.ComparePasswordAndHash(password, hash)
	return right && known, err
}
