package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"guichet/ticketing"
)

// sessionLife is how long a sign-in lasts, whatever is done with it: a working day.
const sessionLife = 12 * time.Hour

// What a session holds: who, and under which password she signed in. Names, roles and departments are looked up each time.
const (
	keyAgent = "agent"
	keyPrint = "print"
)

// newSessions makes scs keep its sessions in our rows. A request of somebody signed in costs one indexed SELECT and no write.
func newSessions(rows sessionRows, secure bool, log *slog.Logger) *scs.SessionManager {
	m := scs.New()
	m.Store = rows
	m.Lifetime = sessionLife
	m.Cookie.Name = "guichet_session"
	if secure { // the prefix makes browsers refuse it from any other host, path, or without TLS (RFC 6265bis section 4.1.3.2)
		m.Cookie.Name = "__Host-guichet_session"
	}
	m.Cookie.Secure = secure
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		log.Error("a session could not be kept", "error", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}
	return m
}

// fingerprint tells one password of an agent from the next. It is of the hash, so it says nothing about the password.
func fingerprint(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return hex.EncodeToString(sum[:8])
}

// sessionRows is scs.CtxStore over ticketing.Agents. The cookie's value is hashed before it touches the database: who reads a
// backup can't sign in with it.
type sessionRows struct {
	store ticketing.Agents
	now   ticketing.Clock
}

func hashCookie(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// FindCtx implements scs.CtxStore. A database that does not answer is a refusal of the request, not a session that has ended.
func (s sessionRows) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	row, err := s.store.SessionByHash(ctx, hashCookie(token), s.now())
	switch {
	case err == nil:
		return row.Data, true, nil
	case errors.Is(err, ticketing.ErrNotFound):
		return nil, false, nil
	}
	if v, ok := ctx.Value(visitKey{}).(*visit); ok && ctx.Err() == nil {
		v.refused = &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
		return nil, false, nil
	}
	return nil, false, err
}

// CommitCtx implements scs.CtxStore.
func (s sessionRows) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.store.SaveSession(ctx, ticketing.Session{Hash: hashCookie(token), Data: b, ExpiresAt: expiry.UTC()})
}

// DeleteCtx implements scs.CtxStore.
func (s sessionRows) DeleteCtx(ctx context.Context, token string) error {
	return s.store.DeleteSession(ctx, hashCookie(token))
}

// Find, Commit and Delete complete scs.Store; scs calls those with a context when there are any.

func (s sessionRows) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessionRows) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

func (s sessionRows) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
