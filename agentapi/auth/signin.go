package auth

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"guichet/routing"
	"guichet/ticketing"
)

// SignIn checks a password and ties the browser's session to the agent. Whether there is no such account, it has no password, is
// closed, or the password is wrong is neither told nor to be measured: each takes one comparison. The session's token is a new
// one, so that nobody can have planted it, and she counts as available.
func (g *Guard) SignIn(ctx context.Context, email, password, remoteIP string) (ticketing.Actor, error) {
	if err := Refused(ctx); err != nil {
		return ticketing.Actor{}, err
	}
	email = strings.ToLower(strings.TrimSpace(email))
	if len(email) > 254 { // no address is longer (RFC 5321 section 4.5.3.1.3)
		email = ""
	}
	if wait := g.limits.attempt(email, remoteIP); wait > 0 {
		return ticketing.Actor{}, tooMany(wait)
	}
	agent, err := g.account(ctx, email)
	if err != nil {
		return ticketing.Actor{}, err
	}
	right, err := g.passwords.match(ctx, password, agent.PasswordHash)
	if err != nil {
		return ticketing.Actor{}, err
	}
	actor, works := g.town.Now().Actor(agent.ID, false)
	if !right || !works {
		g.log.InfoContext(ctx, "a sign-in was refused", "agent_id", agent.ID, "remote_ip", remoteIP)
		return ticketing.Actor{}, &ticketing.Error{Code: CodeCredentials}
	}
	g.limits.succeeded(email, remoteIP)
	if err := g.sessions.RenewToken(ctx); err != nil {
		return ticketing.Actor{}, &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
	}
	g.sessions.Put(ctx, keyAgent, agent.ID)
	g.sessions.Put(ctx, keyPrint, fingerprint(agent.PasswordHash))
	v := visitOf(ctx)
	v.actor, v.known = actor, true
	g.present(ctx, agent.ID, routing.Available)
	return actor, nil
}

// SignOut ends the browser's session. Doing it twice is no error.
func (g *Guard) SignOut(ctx context.Context) error {
	v := visitOf(ctx)
	if id := g.sessions.GetString(ctx, keyAgent); id != "" {
		if err := g.sessions.Destroy(ctx); err != nil {
			return &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
		}
		if v.known {
			g.present(ctx, id, routing.Offline)
		}
	}
	v.actor, v.known = ticketing.Actor{}, false
	return nil
}

// account reads an account afresh: a password set a moment ago by `guichet agent passwd` works at once. Nobody is the zero Agent.
func (g *Guard) account(ctx context.Context, email string) (ticketing.Agent, error) {
	agent, err := g.store.AgentByEmail(ctx, email)
	if errors.Is(err, ticketing.ErrNotFound) {
		return ticketing.Agent{}, nil
	}
	if err != nil {
		return ticketing.Agent{}, &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
	}
	if known, ok := g.town.Now().Agent(agent.ID); !ok || known.PasswordHash != agent.PasswordHash {
		if err := g.town.Reload(ctx); err != nil {
			return ticketing.Agent{}, &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "database", Err: err}
		}
	}
	return agent, nil
}

func (g *Guard) present(ctx context.Context, agentID, state string) {
	if err := g.router.SetPresence(ctx, agentID, state); err != nil {
		g.log.Warn("an agent's presence was not noted", "agent_id", agentID, "error", err)
	}
}

func tooMany(wait time.Duration) error {
	return &ticketing.Error{Code: CodeRateLimited, Args: map[string]any{"retry_after": int(math.Ceil(wait.Seconds()))}}
}
