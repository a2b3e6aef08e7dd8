package email

import (
	"context"
	"errors"
	"time"

	"guichet/channels"
)

// errKeeping is in every error of our own side: a mail or the cursor that could not be kept.
var errKeeping = errors.New("not kept")

// troubleOf names the alarm that an error raises when it lasts.
func troubleOf(err error) channels.Alarm {
	switch {
	case errors.Is(err, errKeeping):
		return channels.AlarmNotFiling
	case errors.Is(err, errGrant):
		return channels.AlarmGrant
	case errors.Is(err, errSignIn):
		return channels.AlarmSignIn
	case errors.Is(err, errFolder):
		return channels.AlarmFolder
	}
	return channels.AlarmUnreachable
}

// failing is a trouble and since when it lasts without a break.
type failing struct {
	what  channels.Alarm // empty: none
	since time.Time
}

// met notes a trouble. That it changes its kind does not make it a new one.
func (f *failing) met(what channels.Alarm, now time.Time) {
	if f.what == "" {
		f.since = now
	}
	f.what = what
}

// alarm is what a person must see to now. A revoked grant does not mend itself; servers restart and lines fall, so everything else
// has time.
func (f *failing) alarm(now time.Time, patience time.Duration) channels.Alarm {
	if f.what == channels.AlarmGrant || f.what != "" && now.Sub(f.since) >= patience {
		return f.what
	}
	return ""
}

// alarm of the mailbox as a whole: what fails, else mail that is lost, else silence.
func (p *Puller) alarm(now time.Time) channels.Alarm {
	if a := p.failing.alarm(now, p.pace.alarmAfter); a != "" {
		return a
	}
	switch {
	case p.lost > 0:
		return channels.AlarmCount
	case p.silent:
		return channels.AlarmSilent
	}
	return ""
}

// The normal rhythm of a mailbox.
const (
	rhythmWindow = 14 * 24 * time.Hour
	rhythmMails  = 20     // fewer in the window make no rhythm
	rhythmMost   = 20_000 // mails of the window that are looked at
	quietAtLeast = 24 * time.Hour
	quietTimes   = 4
	quietEvery   = time.Hour // how often it is looked at
)

// silentSince tells whether a mailbox has been quiet for much longer than it ever is: without a mail for more than a day, and for more
// than four times the longest gap between two mails of the 14 days before the last one. times are those of its mails, the newest first.
func silentSince(now time.Time, times []time.Time) bool {
	if len(times) < rhythmMails || now.Sub(times[0]) <= quietAtLeast {
		return false
	}
	longest, mails := time.Duration(0), 1
	for i := 1; i < len(times) && times[0].Sub(times[i]) <= rhythmWindow; i++ {
		longest = max(longest, times[i-1].Sub(times[i]))
		mails++
	}
	return mails >= rhythmMails && now.Sub(times[0]) > quietTimes*longest
}

// listen looks once an hour whether the mailbox is silent. It reads nothing while mail comes.
func (p *Puller) listen(ctx context.Context, now time.Time) error {
	if last := p.health.LastMessage; last != nil && now.Sub(*last) <= quietAtLeast {
		p.silent = false
		return nil
	}
	if now.Sub(p.listened) < quietEvery {
		return nil
	}
	times, err := p.deps.Positions.CopyTimes(ctx, p.place, rhythmMost)
	if err != nil {
		return err
	}
	p.listened, p.silent = now, silentSince(now, times)
	if p.health.LastMessage == nil && len(times) > 0 {
		p.health.LastMessage = &times[0]
	}
	return nil
}
