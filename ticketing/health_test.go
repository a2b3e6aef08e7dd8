package ticketing_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// TestAnAlarmIsToldOnce writes event and log when an alarm begins, changes and ends, and neither when it goes on.
func TestAnAlarmIsToldOnce(t *testing.T) {
	eachHall(t, func(h *hall) {
		var log strings.Builder
		desk := ticketing.NewDesk(ticketing.DeskParts{
			Store: h.db, Files: h.files, Town: h.town, Router: h.router, Keys: h.keys, Now: h.clock.now,
			Log: slog.New(slog.NewTextHandler(&log, nil)), Stats: noStats{},
		})
		from, err := h.db.LastPosition(h.Context())
		h.must(err)
		for _, a := range []channels.Alarm{"", channels.AlarmSignIn, channels.AlarmSignIn, channels.AlarmGrant, "", ""} {
			for _, mailbox := range []string{"police", "police/Spam"} {
				health := channels.Health{Line: "police", Mailbox: mailbox, Folder: "INBOX", Channel: channels.Email, State: channels.Working, At: h.clock.now()}
				if mailbox == "police" {
					health.Alarm = a
				}
				h.must(desk.NoteHealth(h.Context(), health))
			}
		}
		var told []string
		look, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
		defer look.Stop()
		for waiting := true; waiting && len(told) < 3; { // PostgreSQL holds events back while other tests have transactions open
			events, err := h.db.EventsAfter(h.Context(), from, 100)
			h.must(err)
			told = nil
			for _, e := range events {
				if e.Type == ticketing.EventChannelAlarm {
					told = append(told, fmt.Sprint(e.Department, " ", e.Data["line"], " ", e.Data["before"], ">", e.Data["alarm"]))
				}
			}
			select {
			case <-look.C:
			case <-late:
				waiting = false
			}
		}
		want := []string{"police police >sign_in", "police police sign_in>grant_revoked", "police police grant_revoked>"}
		if !slices.Equal(told, want) {
			h.Errorf("told %q", told)
		}
		if strings.Count(log.String(), "level=ERROR") != 2 || strings.Count(log.String(), "an alarm has ended") != 1 {
			h.Errorf("log:\n%s", log.String())
		}
	})
}

// TestAnAlarmIsForThoseWhoLookAfterTheLine tells an administrator and the department's people, and nobody else.
func TestAnAlarmIsForThoseWhoLookAfterTheLine(t *testing.T) {
	eachHall(t, func(h *hall) {
		town := h.town.Now()
		for _, c := range []struct {
			agent, department string
			want              bool
		}{
			{"admin", "accueil", true}, {"admin", "police", true}, {"admin", "", true},
			{"supervision", "accueil", true}, {"agent", "", false}, {"agent", "police", false}, {"agent", "elections", true},
		} {
			e := ticketing.Event{Type: ticketing.EventChannelAlarm, Department: c.department}
			if got := town.MayFollow(h.actor(c.agent), e); got != c.want {
				h.Errorf("%s of an alarm in %q: %v", c.agent, c.department, got)
			}
		}
		if lines, err := h.reader.Overseen(h.Context(), h.actor("agent")); err != nil || len(lines) != 0 {
			h.Errorf("an agent looks after %+v (%v)", lines, err)
		}
		if lines, err := h.reader.Overseen(h.Context(), h.actor("admin")); err != nil || len(lines) != 3 {
			h.Errorf("an administrator looks after %+v (%v)", lines, err)
		}
	})
}
