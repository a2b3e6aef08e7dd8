package ticketing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// NewAgent is what `guichet agent add` knows of an account.
type NewAgent struct {
	Email        string
	Name         string
	Roles        []string
	Departments  []string
	All          bool // every department
	Language     string
	PasswordHash string
}

// AddAgent makes an account. The first one of a town is how everything else is made.
func (t *Town) AddAgent(ctx context.Context, n NewAgent) (Agent, error) {
	email, err := cleanEmail(n.Email)
	if err != nil {
		return Agent{}, err
	}
	if _, err := t.store.AgentByEmail(ctx, email); err == nil {
		return Agent{}, conflict("agent_exists")
	} else if !errors.Is(err, ErrNotFound) {
		return Agent{}, err
	}
	roles, err := cleanRoles(n.Roles)
	if err != nil {
		return Agent{}, err
	}
	if n.Language != "" && !t.Profile.Supports(n.Language) {
		return Agent{}, invalid("language", "unknown")
	}
	now := t.now()
	a := Agent{
		ID: NewID(), Email: email, Name: strings.TrimSpace(n.Name), Language: t.Profile.Choose(n.Language), Roles: roles,
		AllDepartments: n.All, Capacity: DefaultCapacity, PasswordHash: n.PasswordHash, Active: true, CreatedAt: now, UpdatedAt: now,
	}
	if a.Name == "" {
		a.Name, _, _ = strings.Cut(email, "@")
	}
	for _, code := range n.Departments {
		if _, ok := t.Now().Department(code); !ok {
			return Agent{}, invalid("departments", "unknown_department: "+code)
		}
		a.Memberships = append(a.Memberships, Membership{AgentID: a.ID, Department: code, Supervisor: a.Has(RoleSupervisor)})
	}
	return a, t.change(ctx, func(tx Nouns) error { return tx.SaveAgent(ctx, a) })
}

// DefaultCapacity is how many open tickets an agent may hold when nothing else is said.
const DefaultCapacity = 8

// SetPassword changes an agent's password, given as its hash.
func (t *Town) SetPassword(ctx context.Context, email, hash string) error {
	return t.change(ctx, func(tx Nouns) error {
		a, err := tx.AgentByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
		if err != nil {
			return err
		}
		a.PasswordHash, a.UpdatedAt = hash, t.now()
		return tx.SaveAgent(ctx, a)
	})
}

// CreateToken makes an API token for an agent and gives it in clear, for the only time. expires is nil for a token that lasts.
func (t *Town) CreateToken(ctx context.Context, email, name, scope string, expires *time.Time) (string, error) {
	a, err := t.store.AgentByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	if err != nil {
		return "", err
	}
	if scope != "read" && scope != "write" {
		return "", invalid("scope", "read_or_write")
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", wrap("no randomness", err)
	}
	plain := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	return plain, t.store.AddToken(ctx, Token{
		ID: NewID(), AgentID: a.ID, Name: name, Hash: hashToken(plain), Scope: scope, CreatedAt: t.now(), ExpiresAt: expires,
	})
}

// tokenPrefix lets secret scanners recognise a token that leaked.
const tokenPrefix = "guichet_"

func hashToken(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

// TokenActor gives who a token acts for. An unknown, revoked or expired token is ErrNotFound: they are not told apart. The token is
// random and looked up by its hash, so there is nothing to compare in constant time.
func (t *Town) TokenActor(ctx context.Context, plain string) (Actor, error) {
	if !strings.HasPrefix(plain, tokenPrefix) || len(plain) > 100 {
		return Actor{}, ErrNotFound
	}
	token, err := t.store.TokenByHash(ctx, hashToken(plain))
	if err != nil {
		return Actor{}, err
	}
	now := t.now()
	if token.RevokedAt != nil || token.ExpiresAt != nil && !token.ExpiresAt.After(now) {
		return Actor{}, ErrNotFound
	}
	actor, ok := t.Now().Actor(token.AgentID, token.Scope == "read")
	if !ok {
		return Actor{}, ErrNotFound
	}
	if token.LastUsedAt == nil || now.Sub(*token.LastUsedAt) > time.Minute {
		if err := t.store.TouchToken(ctx, token.ID, now); err != nil {
			t.log.Warn("the last use of a token could not be noted", "token_id", token.ID, "error", err)
		}
	}
	return actor, nil
}

func cleanEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	if a, err := mail.ParseAddress(s); err == nil {
		s = a.Address
	}
	if !reachable(s) {
		return "", invalid("email", "not_an_e_mail_address")
	}
	return strings.ToLower(s), nil
}

// reachable tells whether a mail may reach an address. It is wider than RFC 5322: people have had "jean..dupont@" for twenty years.
func reachable(address string) bool {
	local, host, _ := strings.Cut(address, "@")
	wrong := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`@<>"(),;:\[]`, r) }
	return local != "" && host != "" && len(address) <= 254 && !strings.ContainsFunc(local+host, wrong)
}

func cleanRoles(roles []string) (Strings, error) {
	if len(roles) == 0 {
		return Strings{string(RoleAgent)}, nil
	}
	known := []string{string(RoleAgent), string(RoleSupervisor), string(RoleAdmin), string(RoleDPO)}
	for _, r := range roles {
		if !slices.Contains(known, r) {
			return nil, invalid("roles", "unknown_role: "+r)
		}
	}
	return slices.Clone(roles), nil
}
