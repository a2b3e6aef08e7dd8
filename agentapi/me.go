package agentapi

import (
	"context"

	"guichet/routing"
	"guichet/ticketing"
)

type meOutput struct{ Body meView }

// meView is who the caller is.
type meView struct {
	ID          string         `json:"id"`
	Email       string         `json:"email"`
	Name        string         `json:"name"`
	Language    string         `json:"language"`
	Roles       []string       `json:"roles" nullable:"false"`
	Departments []standingView `json:"departments" nullable:"false" doc:"Where she works, in the order of the screens."`
	Capacity    int            `json:"capacity" doc:"Open tickets she may hold at once, by weight."`
	Load        *int           `json:"load" doc:"How much of it is used; null while Redis does not answer."`
	Presence    *string        `json:"presence" doc:"available, busy, paused or offline; null while Redis does not answer."`
	ReadOnly    bool           `json:"read_only" doc:"A token that may only read."`
}

type standingView struct {
	Code       string `json:"code"`
	Name       string `json:"name"`
	Member     bool   `json:"member"`
	Supervisor bool   `json:"supervisor"`
}

func (s *Server) me(ctx context.Context, a ticketing.Actor, _ *struct{}) (*meOutput, error) {
	v := meView{
		ID: a.ID, Email: a.Email, Name: a.Name, Language: a.Language, Roles: append([]string{}, a.Roles...),
		Departments: []standingView{}, Capacity: a.Capacity, ReadOnly: a.ReadOnly,
	}
	for _, d := range s.Town.Now().Works(a) {
		st := a.Standing(d.Code)
		v.Departments = append(v.Departments, standingView{Code: d.Code, Name: d.Name(a.Language), Member: st.Member, Supervisor: st.Supervisor})
	}
	states, err := s.Router.Presences(ctx)
	if err == nil {
		state := routing.Offline
		if known, ok := states[a.ID]; ok {
			state = known
		}
		v.Presence = &state
	}
	if load, err := s.Router.Load(ctx, a.ID); err == nil {
		v.Load = &load
	}
	return &meOutput{Body: v}, nil
}

type presenceInput struct {
	Body presenceView
}

type presenceOutput struct {
	Body presenceView
}

type presenceView struct {
	State  string `json:"state" enum:"available,busy,paused,offline"`
	Reason string `json:"reason,omitempty" maxLength:"200" doc:"For colleagues' eyes later; this version does not keep it."`
}

func (s *Server) setPresence(ctx context.Context, a ticketing.Actor, in *presenceInput) (*presenceOutput, error) {
	if err := s.Router.SetPresence(ctx, a.ID, in.Body.State); err != nil {
		return nil, &ticketing.Error{Code: ticketing.CodeUnavailable, Reason: "redis", Err: err}
	}
	return &presenceOutput{Body: in.Body}, nil
}
