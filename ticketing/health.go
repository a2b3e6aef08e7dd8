package ticketing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"guichet/channels"
)

// LineHealth is a line and how it is doing: as a whole, and each of its folders.
type LineHealth struct {
	Line    Line
	Health  channels.Health   // of all folders together: the worst state, the most urgent alarm, the sums
	Folders []channels.Health // in the order of their names; empty until the line has been looked at
}

// Channels gives the health of the lines of departments the actor sees, and of all of them to an administrator, who keeps them
// running.
func (r *Reader) Channels(ctx context.Context, a Actor) ([]LineHealth, error) {
	return r.heard(ctx, func(_ Line, d Department) bool { return a.Sees(d) || a.Has(RoleAdmin) })
}

// Overseen gives the health of the lines the actor looks after: those of departments she supervises, all of them to an administrator.
func (r *Reader) Overseen(ctx context.Context, a Actor) ([]LineHealth, error) {
	if !a.Has(RoleAdmin) && !a.Has(RoleSupervisor) {
		return nil, nil
	}
	return r.heard(ctx, func(l Line, _ Department) bool { return a.oversees(l.Department) })
}

// Alarmed gives what the actor must see to: the folders with an alarm of the lines she looks after, each with its line.
func (r *Reader) Alarmed(ctx context.Context, a Actor) ([]LineHealth, error) {
	if !a.Has(RoleAdmin) && !a.Has(RoleSupervisor) {
		return nil, nil
	}
	lines, err := r.lines(ctx, func(l Line, _ Department) bool { return a.oversees(l.Department) })
	for i := range lines {
		lines[i].Folders = slices.DeleteFunc(lines[i].Folders, func(f channels.Health) bool { return f.Alarm == "" })
	}
	return lines, err
}

// heardFor is how far back a line's last call or text message is looked for.
const heardFor = 90 * 24 * time.Hour

// heard gives the health of lines, and of those a provider posts to, when it last did.
func (r *Reader) heard(ctx context.Context, shown func(Line, Department) bool) ([]LineHealth, error) {
	list, err := r.lines(ctx, shown)
	if err != nil || !slices.ContainsFunc(list, func(l LineHealth) bool { return l.Line.pushed() }) {
		return list, err
	}
	last, err := r.store.LastHeard(ctx, r.now().Add(-heardFor))
	if err != nil {
		return nil, wrap("lines", err)
	}
	for i, l := range list {
		if at, ok := last[l.Line.Name]; ok && l.Line.pushed() {
			list[i].Health.LastContact, list[i].Health.LastMessage = &at, &at
		}
	}
	return list, nil
}

// pushed tells whether a provider posts what comes in through the line; of any other we fetch it.
func (l Line) pushed() bool {
	return l.Channel == string(channels.SMS) || l.Channel == string(channels.Phone)
}

// Lines gives the health of all lines, for whoever watches over the installation itself.
func (r *Reader) Lines(ctx context.Context) ([]LineHealth, error) {
	return r.lines(ctx, func(Line, Department) bool { return true })
}

func (r *Reader) lines(ctx context.Context, shown func(Line, Department) bool) ([]LineHealth, error) {
	healths, err := r.store.Healths(ctx)
	if err != nil {
		return nil, err
	}
	byLine := map[string][]channels.Health{}
	for _, h := range healths {
		byLine[h.Line] = append(byLine[h.Line], h)
	}
	var list []LineHealth
	s := r.town.Now()
	for _, l := range s.Lines {
		if d, _ := s.Department(l.Department); shown(l, d) {
			list = append(list, LineHealth{Line: l, Health: together(l, byLine[l.Name]), Folders: byLine[l.Name]})
		}
	}
	return list, nil
}

// together is the health of a line as a whole.
func together(l Line, folders []channels.Health) channels.Health {
	whole := channels.Health{Line: l.Name, Mailbox: l.Name, Channel: channels.Name(l.Channel), State: channels.Starting}
	if l.pushed() {
		whole.State = channels.Listening
	}
	for i, f := range folders {
		if i == 0 || stateRank(f.State) > stateRank(whole.State) {
			whole.State = f.State
		}
		if f.Alarm != "" && (whole.Alarm == "" || alarmRank(f.Alarm) < alarmRank(whole.Alarm)) {
			whole.Alarm = f.Alarm
		}
		if i == 0 {
			whole.LastContact, whole.CountedAt = f.LastContact, f.CountedAt
		}
		whole.LastContact, whole.CountedAt = earlier(whole.LastContact, f.LastContact), earlier(whole.CountedAt, f.CountedAt)
		if f.LastMessage != nil && (whole.LastMessage == nil || f.LastMessage.After(*whole.LastMessage)) {
			whole.LastMessage = f.LastMessage
		}
		whole.ServerCount += f.ServerCount
		whole.StoredCount += f.StoredCount
		whole.Pending += f.Pending
		whole.MissingCount += f.MissingCount
		whole.LastError = cmp.Or(whole.LastError, f.LastError)
	}
	return whole
}

func stateRank(s channels.State) int {
	return slices.Index([]channels.State{channels.Working, channels.Listening, channels.Starting, channels.Failing}, s)
}

func alarmRank(a channels.Alarm) int { return slices.Index(channels.Alarms(), a) }

// earlier gives the earlier of two times; one that never was is earlier than all.
func earlier(a, b *time.Time) *time.Time {
	if a == nil || b == nil {
		return nil
	}
	if b.Before(*a) {
		return b
	}
	return a
}

// oversees tells whether the actor looks after the lines of a department.
func (a Actor) oversees(department string) bool {
	return a.Has(RoleAdmin) || a.Standing(department).Supervisor
}

// NoteHealth keeps how a line is doing. An alarm that begins or ends is written into the journal and the log, once for all processes.
func (d *Desk) NoteHealth(ctx context.Context, h channels.Health) error {
	line, _ := d.town.Now().Line(h.Line)
	var before channels.Alarm
	err := d.store.InTx(ctx, func(tx Nouns) error {
		before = ""
		healths, err := tx.Healths(ctx)
		if err != nil {
			return err
		}
		for _, known := range healths {
			if known.Mailbox == h.Mailbox {
				before = known.Alarm
			}
		}
		if err := tx.NoteHealth(ctx, h); err != nil || before == h.Alarm {
			return err
		}
		return tx.AddEvents(ctx, []Event{{
			At: d.now(), Type: EventChannelAlarm, Department: line.Department,
			Data: Data{"line": h.Line, "folder": h.Folder, "alarm": string(h.Alarm), "before": string(before)},
		}})
	})
	if err != nil || before == h.Alarm {
		return err
	}
	log := d.log.With("channel", h.Channel, "line", h.Line, "folder", h.Folder)
	if h.Alarm == "" {
		log.Warn("an alarm has ended", "alarm", before)
	} else {
		log.Error("an alarm has begun; guichet check says what to do", "alarm", h.Alarm, "error", h.LastError, "missing", h.MissingCount)
	}
	d.after(ctx, effects{})
	return nil
}
