package console

import (
	"fmt"
	"strings"
	"time"
)

// ago says how long ago at was, as short as a list wants it. Both times are in the town's zone.
func (v *voice) ago(at, now time.Time) string {
	since := now.Sub(at)
	switch {
	case since < time.Minute:
		return v.say("time.now")
	case since < time.Hour:
		return v.say("time.minutes", "N", int(since/time.Minute))
	case since < 24*time.Hour && sameDay(at, now), since < 6*time.Hour:
		return v.say("time.hours", "N", int(since/time.Hour))
	case sameDay(at, now.AddDate(0, 0, -1)):
		return v.say("time.yesterday")
	case since < 7*24*time.Hour:
		return v.count("time.days", max(2, int(since/(24*time.Hour))))
	case at.Year() == now.Year():
		return at.Format(v.say("format.short_day"))
	}
	return at.Format(v.say("format.day"))
}

// clock writes the moment of an exchange: the time alone today, else with the day.
func (v *voice) clock(at, now time.Time) string {
	hour := at.Format(v.say("format.hour"))
	switch {
	case sameDay(at, now):
		return v.say("time.today_at", "Hour", hour)
	case sameDay(at, now.AddDate(0, 0, -1)):
		return v.say("time.yesterday_at", "Hour", hour)
	}
	return v.exact(at)
}

func (v *voice) exact(at time.Time) string {
	return v.say("time.at", "Day", at.Format(v.say("format.day")), "Hour", at.Format(v.say("format.hour")))
}

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}

// size writes a number of bytes for a person.
func (v *voice) size(bytes int) string {
	switch {
	case bytes < 1000:
		return v.count("size.bytes", bytes)
	case bytes < 1000_000:
		return v.say("size.kilobytes", "N", (bytes+500)/1000)
	}
	n := fmt.Sprintf("%.1f", float64(bytes)/1e6)
	return v.say("size.megabytes", "N", strings.Replace(n, ".", v.say("format.decimal"), 1))
}

// date writes a day kept as "2026-11-24".
func (v *voice) date(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.Format(v.say("format.day"))
}

// about says the how manyth contact about one matter something is.
func (v *voice) about(n int) string {
	switch {
	case n == 1:
		return v.say("about.first", "N", n)
	case n%10 == 1 && n%100 != 11:
		return v.say("about.st", "N", n)
	case n%10 == 2 && n%100 != 12:
		return v.say("about.nd", "N", n)
	case n%10 == 3 && n%100 != 13:
		return v.say("about.rd", "N", n)
	}
	return v.say("about.th", "N", n)
}
