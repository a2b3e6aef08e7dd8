package email

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"guichet/channels"
)

// maxTries is how often a gap is tried again before the mail is given up. The waits between the tries double, so that with a poll of a
// minute the last one is after a quarter of an hour.
const maxTries = 5

// try is how often a gap has been tried, and when it is due again.
type try struct {
	times int
	due   time.Time
}

// dueGaps gives those of the gaps that it is time to try again.
func (p *Puller) dueGaps(gaps []uint32) []uint32 {
	now := p.deps.Now()
	var due []uint32
	for _, uid := range gaps {
		if !now.Before(p.tries[uid].due) {
			due = append(due, uid)
		}
	}
	return due
}

// tryGap counts a try of a gap, before it is made: it may break the connection. False: there have been enough.
func (p *Puller) tryGap(uid uint32) bool {
	t := p.tries[uid]
	if t.times >= maxTries {
		return false
	}
	t.due = p.deps.Now().Add(p.box.IMAP.Poll << t.times)
	if t.times++; t.times == maxTries {
		t.due = p.deps.Now()
	}
	p.tries[uid] = t
	return true
}

func (r *round) placeOf(uid uint32) *channels.Place {
	return &channels.Place{Mailbox: r.p.place, UIDValidity: r.s.uidValidity, UID: uid}
}

// notGiven stands for a mail that cannot be had: there is nothing to show but where it is. Its key is that of its place.
func (r *round) notGiven(uid uint32) *channels.Inbound {
	key := sha256.Sum256(fmt.Appendf(nil, "not given\n%s\n%d\n%d", r.p.place, r.s.uidValidity, uid))
	return &channels.Inbound{
		Channel: channels.Email, Line: r.p.box.Name, Key: hex.EncodeToString(key[:]), Place: r.placeOf(uid), At: r.p.deps.Now(),
		Quarantine: channels.NotGiven,
		Warnings:   []string{fmt.Sprintf("the server lists this mail and does not give it: folder %s, UID %d", r.p.box.IMAP.Folder, uid)},
	}
}

// partial tells whether the server has more of a mail than we keep. Such a mail stays as it is there, whatever is done to filed ones.
func partial(in *channels.Inbound) bool {
	return in.Quarantine == channels.TooLarge || in.Quarantine == channels.NotGiven
}
