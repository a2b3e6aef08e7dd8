package agentapi

import (
	"context"
	"time"

	"guichet/ticketing"
)

type channelView struct {
	Name        string     `json:"name"`
	Channel     string     `json:"channel"`
	Address     string     `json:"address"`
	Department  string     `json:"department" doc:"Where its messages go when no rule matches."`
	State       string     `json:"state" enum:"starting,working,failing"`
	LastContact *time.Time `json:"last_contact" doc:"When the other side last answered."`
	LastMessage *time.Time `json:"last_message" doc:"When something was last filed."`
	ServerCount int        `json:"server_count" doc:"Messages the server holds."`
	StoredCount int        `json:"stored_count" doc:"Of these, filed."`
	Pending     int        `json:"pending" doc:"Of these, not filed yet."`
	LagS        *int       `json:"lag_s" doc:"Seconds since the other side last answered."`
	LastError   string     `json:"last_error"`
}

type listChannelsOutput struct{ Body page[channelView] }

func (s *Server) listChannels(ctx context.Context, a ticketing.Actor, _ *struct{}) (*listChannelsOutput, error) {
	lines, err := s.Reader.Channels(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &listChannelsOutput{Body: page[channelView]{Items: []channelView{}}}
	for _, l := range lines {
		v := channelView{
			Name: l.Line.Name, Channel: l.Line.Channel, Address: l.Line.Address, Department: l.Line.Department, State: string(l.Health.State),
			LastContact: utc(l.Health.LastContact), LastMessage: utc(l.Health.LastMessage), ServerCount: l.Health.ServerCount,
			StoredCount: max(0, l.Health.ServerCount-l.Health.Pending), Pending: l.Health.Pending, LastError: l.Health.LastError,
		}
		if l.Health.LastContact != nil {
			lag := max(0, int(s.Now().Sub(*l.Health.LastContact)/time.Second))
			v.LagS = &lag
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}
