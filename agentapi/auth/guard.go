// Package auth tells who the Actor of a request is: an agent by her session cookie, a program by its API token, or nobody. It has
// no words for people: what it refuses, it refuses with codes that agentapi and the console turn into a problem or a page.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"guichet/routing"
	"guichet/ticketing"
)

// The codes of what this package refuses.
const (
	CodeSignedOut   ticketing.Code = "unauthenticated" // nobody is signed in
	CodeCredentials ticketing.Code = "bad_credentials" // unknown account or wrong password: not told apart
	CodeRateLimited ticketing.Code = "rate_limited"    // too many failed sign-ins; Args["retry_after"] is in seconds
	CodeCrossSite   ticketing.Code = "cross_site"      // another site's page made the browser send this
)

// ErrSignedOut is the refusal of somebody who must sign in first.
var ErrSignedOut = &ticketing.Error{Code: CodeSignedOut}

// beatEvery is how often an agent's requests are reported as a sign of life; the router calls her gone after ninety seconds.
const beatEvery = 15 * time.Second

// Parts is what a Guard is made of.
type Parts struct {
	Store     ticketing.Store
	Town      *ticketing.Town
	Router    *routing.Router
	Now       ticketing.Clock
	Log       *slog.Logger
	Secure    bool   // the public URL is https: the cookie never travels without TLS and no subdomain can set it
	PublicURL string // its origin may post even where a proxy changes Host; may be empty
}

// Guard knows who makes a request, and signs agents in and out.
type Guard struct {
	store     ticketing.Store
	town      *ticketing.Town
	router    *routing.Router
	now       ticketing.Clock
	log       *slog.Logger
	sessions  *scs.SessionManager
	rows      sessionRows
	sameSite  *http.CrossOriginProtection
	passwords *passwords
	limits    *limits

	mu    sync.Mutex
	beats map[string]time.Time // by agent: at most as many as the town has
}

// New makes a Guard.
func New(p Parts) *Guard {
	g := &Guard{
		store: p.Store, town: p.Town, router: p.Router, now: p.Now, log: p.Log, rows: sessionRows{store: p.Store, now: p.Now},
		sameSite: http.NewCrossOriginProtection(), passwords: newPasswords(), limits: newLimits(p.Now), beats: map[string]time.Time{},
	}
	g.sessions = newSessions(g.rows, p.Secure, p.Log)
	g.sameSite.AddInsecureBypassPattern("/webhooks/") // other machines post there, signed in ways of their own
	if err := g.sameSite.AddTrustedOrigin(strings.TrimSuffix(p.PublicURL, "/")); err != nil && p.PublicURL != "" {
		p.Log.Warn("posts are trusted from the host they are sent to only", "error", err)
	}
	return g
}

// visit is what the Guard found out about one request. SignIn and SignOut change it.
type visit struct {
	actor   ticketing.Actor
	known   bool
	program bool // it brought a token
	refused error
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// ActorOf gives who makes the request. False: nobody is signed in.
func ActorOf(ctx context.Context) (ticketing.Actor, bool) {
	v := visitOf(ctx)
	return v.actor, v.known
}

// ByToken tells whether a request brought an API token: it is a program's, and what a browser's cookie opens stays shut.
func ByToken(ctx context.Context) bool { return visitOf(ctx).program }

// Refused gives why a request must not be carried out, whoever makes it: another site sent it, or the sessions can't be read.
// Such a request goes on as nobody's, so that whoever forgets to ask changes nothing; SignIn asks by itself.
func Refused(ctx context.Context) error { return visitOf(ctx).refused }

// Wrap puts who makes a request into its context. A token alone decides when there is one: the cookie beside it is dropped. An
// unsafe request of a browser must come from our own pages, signed in or not; programs with a token and webhooks are exempt.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	withSession := g.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		if v.refused == nil {
			g.identify(r, v)
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		if _, v.program = bearer(r); !v.program && g.sameSite.Check(r) != nil {
			v.refused = &ticketing.Error{Code: CodeCrossSite}
		}
		if v.program || v.refused != nil {
			r.Header = r.Header.Clone()
			r.Header.Del("Cookie")
		}
		withSession.ServeHTTP(w, r)
	})
}

func (g *Guard) identify(r *http.Request, v *visit) {
	ctx := r.Context()
	var err error
	if token, ok := bearer(r); ok {
		v.actor, err = g.town.TokenActor(ctx, token)
	} else {
		v.actor, err = g.holder(g.sessions.GetString(ctx, keyAgent), g.sessions.GetString(ctx, keyPrint))
	}
	if err != nil {
		v.actor = ticketing.Actor{}
		if !errors.Is(err, ticketing.ErrNotFound) {
			v.refused = &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
		}
		return
	}
	v.known = true
	g.Seen(ctx, v.actor)
}

// Again finds out anew who makes a request that is still being answered, for streams that last for hours: her session may have
// ended since, her token been revoked. It returns ErrSignedOut when nobody is signed in any more.
func (g *Guard) Again(r *http.Request) (ticketing.Actor, error) {
	ctx := r.Context()
	if token, ok := bearer(r); ok {
		actor, err := g.town.TokenActor(ctx, token)
		return actor, signedOut(err)
	}
	cookie, err := r.Cookie(g.sessions.Cookie.Name)
	if err != nil {
		return ticketing.Actor{}, ErrSignedOut
	}
	data, found, err := g.rows.FindCtx(ctx, cookie.Value)
	if err != nil {
		return ticketing.Actor{}, err
	}
	if !found {
		return ticketing.Actor{}, ErrSignedOut
	}
	_, values, err := g.sessions.Codec.Decode(data)
	if err != nil {
		return ticketing.Actor{}, err
	}
	id, _ := values[keyAgent].(string)
	print, _ := values[keyPrint].(string)
	actor, err := g.holder(id, print)
	return actor, signedOut(err)
}

func signedOut(err error) error {
	if errors.Is(err, ticketing.ErrNotFound) {
		return ErrSignedOut
	}
	return err
}

// holder gives the agent a session belongs to. One who no longer works here, or whose password has changed since, has none.
func (g *Guard) holder(agentID, print string) (ticketing.Actor, error) {
	town := g.town.Now()
	agent, ok := town.Agent(agentID)
	if !ok || fingerprint(agent.PasswordHash) != print {
		return ticketing.Actor{}, ticketing.ErrNotFound
	}
	actor, ok := town.Actor(agentID, false)
	if !ok {
		return ticketing.Actor{}, ticketing.ErrNotFound
	}
	return actor, nil
}

// Seen reports a sign of life of an agent, at most every fifteen seconds. A token that only reads is a program that watches: it
// does not make her present.
func (g *Guard) Seen(ctx context.Context, a ticketing.Actor) {
	if a.ReadOnly {
		return
	}
	now := g.now()
	g.mu.Lock()
	due := now.Sub(g.beats[a.ID]) >= beatEvery
	if due {
		g.beats[a.ID] = now
	}
	g.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := g.router.Beat(ctx, a.ID); err != nil {
		g.log.Warn("an agent's sign of life was lost", "agent_id", a.ID, "error", err)
	}
}

// bearer gives the API token of a request (RFC 6750 section 2.1). Another scheme, which a proxy may have added, is not ours.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
