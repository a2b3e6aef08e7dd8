package agentapi

import (
	"context"

	"guichet/ticketing"
)

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func (s *Server) signIn(ctx context.Context, _ ticketing.Actor, in *signInInput) (*meOutput, error) {
	actor, err := s.Guard.SignIn(ctx, in.Body.Email, in.Body.Password, remoteIP(ctx))
	if err != nil {
		return nil, err
	}
	return s.me(ctx, actor, nil)
}

func (s *Server) signOut(ctx context.Context, _ ticketing.Actor, _ *struct{}) (*struct{}, error) {
	return nil, s.Guard.SignOut(ctx)
}

type remoteKey struct{}

// remoteIP gives the address a request comes from, as gin reads it past the trusted proxies.
func remoteIP(ctx context.Context) string {
	ip, _ := ctx.Value(remoteKey{}).(string)
	return ip
}
