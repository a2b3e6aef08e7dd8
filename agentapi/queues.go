package agentapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"guichet/ticketing"
)

type queueView struct {
	Department  string     `json:"department"`
	Waiting     int        `json:"waiting"`
	OldestWaitS int        `json:"oldest_wait_s" doc:"Seconds the oldest ticket has waited; 0 when none waits."`
	Claimed     int        `json:"claimed" doc:"Open tickets somebody has."`
	Overdue     int        `json:"overdue"`
	Arrivals1h  int        `json:"arrivals_1h"`
	Closed1h    int        `json:"closed_1h"`
	Agents      agentsView `json:"agents" doc:"Who works in it and is there."`
}

type agentsView struct {
	Available int `json:"available"`
	Busy      int `json:"busy"`
	Paused    int `json:"paused"`
}

type listQueuesOutput struct{ Body page[queueView] }

func (s *Server) listQueues(ctx context.Context, a ticketing.Actor, _ *struct{}) (*listQueuesOutput, error) {
	queues, err := s.Reader.Queues(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &listQueuesOutput{Body: page[queueView]{Items: []queueView{}}}
	for _, q := range queues {
		v := queueView{
			Department: q.Department.Code, Waiting: q.Waiting, Claimed: q.Claimed, Overdue: q.Overdue, Arrivals1h: q.Arrivals1h,
			Closed1h: q.Closed1h, Agents: agentsView{Available: q.Available, Busy: q.Busy, Paused: q.Paused},
		}
		if q.OldestSince != nil {
			v.OldestWaitS = max(0, int(s.Now().Sub(*q.OldestSince)/time.Second))
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

type takeNextInput struct {
	Department string `path:"department" maxLength:"100"`
}

type takeNextOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The ticket's version."`
	Body   *ticketView
}

func (s *Server) takeNext(ctx context.Context, a ticketing.Actor, in *takeNextInput) (*takeNextOutput, error) {
	t, err := s.Desk.Take(ctx, a, in.Department)
	if t == nil && err == nil || errors.Is(err, ticketing.ErrFull) {
		return &takeNextOutput{Status: http.StatusNoContent}, nil
	}
	if err != nil {
		return nil, err
	}
	out, err := s.full(ctx, a, *t)
	if err != nil {
		return nil, err
	}
	return &takeNextOutput{Status: http.StatusOK, ETag: out.ETag, Body: out.Body}, nil
}
