package store

import (
	"context"
	"time"

	"guichet/ticketing"
)

// AgentByEmail implements ticketing.Agents.
func (n nouns) AgentByEmail(ctx context.Context, email string) (a ticketing.Agent, err error) {
	err = n.agents(ctx).Where("email = ?", clean(email)).Take(&a).Error
	return a, failed(err)
}

// SaveAgent implements ticketing.Agents. An address another agent has is a conflict.
func (n nouns) SaveAgent(ctx context.Context, a ticketing.Agent) error {
	memberships := make([]ticketing.Membership, len(a.Memberships))
	for i, m := range a.Memberships {
		memberships[i] = ticketing.Membership{AgentID: a.ID, Department: m.Department, Supervisor: m.Supervisor}
	}
	return n.together(ctx, func(tx nouns) error {
		if err := put(ctx, tx, []ticketing.Agent{a}); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM memberships WHERE agent_id = ?", a.ID); err != nil {
			return err
		}
		return insert(ctx, tx, memberships, insertion{})
	})
}

// AddToken implements ticketing.Agents.
func (n nouns) AddToken(ctx context.Context, t ticketing.Token) error {
	return insert(ctx, n, []ticketing.Token{t}, insertion{})
}

// TokenByHash implements ticketing.Agents. It also gives one that is revoked or has expired.
func (n nouns) TokenByHash(ctx context.Context, hash string) (ticketing.Token, error) {
	return one[ticketing.Token](ctx, n, "hash = ?", clean(hash))
}

// TouchToken implements ticketing.Agents.
func (n nouns) TouchToken(ctx context.Context, id string, at time.Time) error {
	_, err := n.exec(ctx, "UPDATE tokens SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)", at, id, at)
	return err
}

// SessionByHash implements ticketing.Agents.
func (n nouns) SessionByHash(ctx context.Context, hash string, now time.Time) (ticketing.Session, error) {
	return one[ticketing.Session](ctx, n, "hash = ? AND expires_at > ?", clean(hash), now)
}

// SaveSession implements ticketing.Agents.
func (n nouns) SaveSession(ctx context.Context, s ticketing.Session) error {
	return put(ctx, n, []ticketing.Session{s})
}

// DeleteSession implements ticketing.Agents.
func (n nouns) DeleteSession(ctx context.Context, hash string) error {
	_, err := n.exec(ctx, "DELETE FROM sessions WHERE hash = ?", clean(hash))
	return err
}

// requestLife is how long a creating call is remembered.
const requestLife = 24 * time.Hour

// DeleteExpired implements ticketing.Agents.
func (n nouns) DeleteExpired(ctx context.Context, now time.Time) error {
	if _, err := n.exec(ctx, "DELETE FROM sessions WHERE expires_at <= ?", now); err != nil {
		return err
	}
	if _, err := n.exec(ctx, "DELETE FROM requests WHERE created_at <= ?", now.Add(-requestLife)); err != nil {
		return err
	}
	if _, err := n.exec(ctx, "DELETE FROM attachments WHERE expires_at <= ?", now); err != nil { // its bytes go with the sweep of files
		return err
	}
	_, err := n.exec(ctx, "DELETE FROM uploads WHERE created_at <= ?", now.Add(-uploadLife))
	return err
}
