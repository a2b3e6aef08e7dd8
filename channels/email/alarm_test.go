package email

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

func TestSilentSince(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	// every gives n times, the newest so long ago, with one gap between each two.
	every := func(n int, ago, gap time.Duration) []time.Time {
		var times []time.Time
		for i := range n {
			times = append(times, now.Add(-ago-time.Duration(i)*gap))
		}
		return times
	}
	weekend := append(every(10, 30*time.Hour, time.Hour), every(20, 110*time.Hour, time.Hour)...) // 71 hours between the two
	for _, c := range []struct {
		name  string
		times []time.Time
		want  bool
	}{
		{"never a mail", nil, false},
		{"too few for a rhythm", every(19, 100*time.Hour, time.Hour), false},
		{"too few in the two weeks", every(40, 1000*time.Hour, 24*time.Hour), false},
		{"an hour each", every(100, 3*time.Hour, time.Hour), false},
		{"an hour each, a day of silence", every(100, 24*time.Hour, time.Hour), false},
		{"an hour each, more than a day of silence", every(100, 24*time.Hour+1, time.Hour), true},
		{"twice a day, two days of silence", every(30, 48*time.Hour, 12*time.Hour), false},
		{"twice a day, more than two days of silence", every(30, 48*time.Hour+1, 12*time.Hour), true},
		{"a week-end among them", weekend, false},
		{"a week-end among them, and long ago", shifted(weekend, -300*time.Hour), true},
		{"all at once, when an archive was read", every(5000, 30*time.Hour, 0), true},
		{"the long gap is older than two weeks", append(every(50, 30*time.Hour, 5*time.Hour+59*time.Minute), every(50, 5000*time.Hour, time.Hour)...), true},
		{"a clock that goes back", every(100, -time.Hour, time.Hour), false},
	} {
		if got := silentSince(now, c.times); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func shifted(times []time.Time, by time.Duration) []time.Time {
	var out []time.Time
	for _, at := range times {
		out = append(out, at.Add(by))
	}
	return out
}

func TestFailingBecomesAnAlarm(t *testing.T) {
	at := func(minutes int) time.Time { return time.Unix(0, 0).Add(time.Duration(minutes) * time.Minute) }
	var f failing
	if a := f.alarm(at(100), time.Minute); a != "" {
		t.Errorf("nothing failed: %s", a)
	}
	for _, c := range []struct {
		minute int
		err    error
		want   channels.Alarm
	}{
		{0, errors.New("connection refused"), ""},
		{4, fmt.Errorf("%w: wrong password", errSignIn), ""},
		{5, fmt.Errorf("%w x", errSignIn), channels.AlarmSignIn}, // another kind of trouble is not a new beginning
		{6, fmt.Errorf("%w x", errFolder), channels.AlarmFolder},
		{7, fmt.Errorf("%w: x", errKeeping), channels.AlarmNotFiling},
		{8, errTimeout, channels.AlarmUnreachable},
	} {
		f.met(troubleOf(c.err), at(c.minute))
		if got := f.alarm(at(c.minute), 5*time.Minute); got != c.want {
			t.Errorf("minute %d: %q", c.minute, got)
		}
	}
	f = failing{}
	f.met(troubleOf(fmt.Errorf("x: %w", errGrant)), at(0))
	if got := f.alarm(at(0), 5*time.Minute); got != channels.AlarmGrant {
		t.Errorf("a revoked grant waits: %q", got)
	}
}

// TestAnAlarmBeginsAndEnds has the server away for longer than patience lasts, and a mailbox fall silent.
func TestAnAlarmBeginsAndEnds(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	good := box.IMAP.Password
	box.IMAP.Password = "faux"
	w := newTown()
	stop := w.pull(t, box, "one", func(p *Puller) { p.pace.alarmAfter = 20 * time.Millisecond })
	w.await(t, "the alarm", func() bool { return last(w.health).Alarm == channels.AlarmSignIn })
	if w.health[0].Alarm != "" || w.health[0].State != channels.Failing {
		t.Errorf("the first failure is an alarm already: %+v", w.health[0])
	}
	stop()

	box.IMAP.Password = good
	w.mu.Lock()
	for i := range 50 {
		w.times = append(w.times, time.Now().Add(-40*time.Hour-time.Duration(i)*time.Hour))
	}
	w.mu.Unlock()
	w.pull(t, box, "one")
	w.await(t, "the silence", func() bool {
		h := last(w.health)
		return h.Alarm == channels.AlarmSilent && h.State == channels.Working
	})
	if h := last(w.health); h.LastMessage == nil || time.Since(*h.LastMessage) < 39*time.Hour {
		t.Errorf("last message %v", h.LastMessage)
	}
	if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
		t.Fatal(err)
	}
	w.await(t, "a mail that ends it", func() bool { return w.cursor.Done == 1 && last(w.health).Alarm == "" })
}
