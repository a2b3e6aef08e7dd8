package ticketing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// Switchboard is the telephone: it is told of calls as they ring, are taken and end, keeps each on a ticket of its citizen, and says
// who may be calling. A call nobody took becomes a ticket to call back.
type Switchboard struct {
	desk *Desk
}

// NewSwitchboard makes a Switchboard that files through a Desk.
func NewSwitchboard(desk *Desk) *Switchboard { return &Switchboard{desk: desk} }

// sameCall is how long what an exchange tells under one name is of one call: some count their calls from the start again each day.
const sameCall = 12 * time.Hour

// Ring implements channels.Calls, in one transaction.
func (b *Switchboard) Ring(ctx context.Context, n channels.CallNews) (channels.CallRuling, error) {
	if n.Exchange == "" || n.ID == "" {
		return channels.CallRuling{}, invalid("call", "empty")
	}
	voice, err := b.keepVoice(ctx, n) // files are safe before a row names them
	if err != nil {
		return channels.CallRuling{}, err
	}
	var h *hearing
	err = b.desk.store.InTx(ctx, func(tx Nouns) error {
		h = &hearing{desk: b.desk, tx: tx, town: b.desk.town.Now(), now: b.desk.now(), news: n, voice: voice}
		return h.run(ctx)
	})
	if err != nil {
		return channels.CallRuling{}, err
	}
	b.desk.after(ctx, h.effects)
	return channels.CallRuling{}, nil
}

// keepVoice puts a recording into the file store. What could not be fetched from the provider is said in the message instead.
func (b *Switchboard) keepVoice(ctx context.Context, n channels.CallNews) (*Attachment, error) {
	if n.Recording == nil || len(n.Recording.Audio.Data) == 0 && n.Recording.Audio.Source == "" {
		return nil, nil //nolint:nilnil // no recording is no error
	}
	kept, err := b.desk.keepFile(ctx, n.Recording.Audio)
	if err != nil {
		return nil, fmt.Errorf("%w: a recording: %w", errFiles, err)
	}
	return &kept, nil
}

// agentAt finds the agent an exchange speaks of: by her extension or her e-mail address.
func (s *Snapshot) agentAt(name string) *Agent {
	if name == "" {
		return nil
	}
	i := slices.IndexFunc(s.Agents, func(a Agent) bool {
		return a.Active && (strings.EqualFold(a.Extension, name) || strings.EqualFold(a.Email, name))
	})
	if i < 0 {
		return nil
	}
	return &s.Agents[i]
}

// agentsAt lists the ids of the agents whose telephones ring.
func (s *Snapshot) agentsAt(names []string) []string {
	var ids []string
	for _, name := range names[:min(len(names), 50)] {
		if a := s.agentAt(name); a != nil {
			ids = append(ids, a.ID)
		}
	}
	return ids
}
