package agentapi

import (
	"context"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// HealthView is how a line, or one of its folders, is doing.
type HealthView struct {
	State        string     `json:"state" enum:"starting,working,failing,listening" doc:"listening: a provider posts what comes in; it can't be asked how it is doing."`
	Alarm        string     `json:"alarm" enum:",not_filing,count,grant_revoked,sign_in,folder,unreachable,silent" doc:"What somebody must see to; empty: nothing."`
	LastContact  *time.Time `json:"last_contact" doc:"When the other side last answered."`
	LastMessage  *time.Time `json:"last_message" doc:"When something was last filed."`
	ServerCount  int        `json:"server_count" doc:"Messages the server holds."`
	StoredCount  int        `json:"stored_count" doc:"Of these, kept here."`
	Pending      int        `json:"pending" doc:"Of these, not filed yet."`
	MissingCount int        `json:"missing_count" doc:"Of these, not found here when both sides were last compared."`
	CountedAt    *time.Time `json:"counted_at" doc:"When both sides were last compared, message by message."`
	LagS         *int       `json:"lag_s" doc:"Seconds since the other side last answered."`
	LastError    string     `json:"last_error"`
}

type folderView struct {
	Folder string `json:"folder"`
	HealthView
	Missing []int64 `json:"missing" nullable:"false" doc:"UIDs of the missing messages, at most the first hundred."`
}

type channelView struct {
	Name       string `json:"name"`
	Channel    string `json:"channel"`
	Address    string `json:"address"`
	Department string `json:"department" doc:"Where its messages go when no rule matches."`
	HealthView
	Folders []folderView `json:"folders" nullable:"false" doc:"Each folder of a mailbox by itself. The line above is all of them together."`
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
			Name: l.Line.Name, Channel: l.Line.Channel, Address: l.Line.Address, Department: l.Line.Department,
			HealthView: s.healthOf(l.Health), Folders: []folderView{},
		}
		for _, f := range l.Folders {
			missing := make([]int64, len(f.Missing))
			for i, uid := range f.Missing {
				missing[i] = int64(uid)
			}
			v.Folders = append(v.Folders, folderView{f.Folder, s.healthOf(f), missing})
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func (s *Server) healthOf(h channels.Health) HealthView {
	v := HealthView{
		State: string(h.State), Alarm: string(h.Alarm), LastContact: utc(h.LastContact), LastMessage: utc(h.LastMessage),
		ServerCount: h.ServerCount, StoredCount: h.StoredCount, Pending: h.Pending, MissingCount: h.MissingCount, CountedAt: utc(h.CountedAt),
		LastError: h.LastError,
	}
	if h.LastContact != nil {
		lag := max(0, int(s.Now().Sub(*h.LastContact)/time.Second))
		v.LagS = &lag
	}
	return v
}
