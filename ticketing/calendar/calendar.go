// Package calendar knows days and hours: when the town hall is open, which days nobody works, and when it opens next. It knows no
// ticket and no clock; every moment is given to it.
package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Span is a part of a day, by the clock on the wall: from From until before To.
type Span struct {
	From, To time.Duration // since midnight
}

// Hours is when a town hall is open. The zero value is always open: nobody has said otherwise.
type Hours struct {
	Zone     *time.Location
	Week     [7][]Span       // by time.Weekday
	Holidays Holidays        // which public holidays are kept
	Closed   map[string]bool // further days, "2026-12-24"
}

// Known tells whether anybody has said when it is open.
func (h Hours) Known() bool {
	return slices.ContainsFunc(h.Week[:], func(day []Span) bool { return len(day) > 0 })
}

// Open tells whether it is open at a moment.
func (h Hours) Open(at time.Time) bool {
	if !h.Known() {
		return true
	}
	at = at.In(h.Zone)
	if h.shut(at) {
		return false
	}
	now := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	return slices.ContainsFunc(h.Week[at.Weekday()], func(s Span) bool { return now >= s.From && now < s.To })
}

// Next gives when it opens next, at or after a moment. False: not within a year.
func (h Hours) Next(at time.Time) (time.Time, bool) {
	if h.Open(at) {
		return at, true
	}
	local := at.In(h.Zone)
	for day := range 366 {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, 0, 0, h.Zone)
		if h.shut(date) {
			continue
		}
		for _, s := range h.Week[date.Weekday()] {
			opens := time.Date(date.Year(), date.Month(), date.Day(), int(s.From/time.Hour), int(s.From%time.Hour/time.Minute), 0, 0, h.Zone)
			if !opens.Before(at) {
				return opens, true
			}
		}
	}
	return time.Time{}, false
}

// After gives the moment by which so much opening time has passed since another. It never gives more than a year.
func (h Hours) After(at time.Time, open time.Duration) time.Time {
	if !h.Known() {
		return at.Add(open)
	}
	limit := at.AddDate(1, 0, 0)
	for {
		begins, ok := h.Next(at)
		if !ok || begins.After(limit) {
			return limit
		}
		closes := h.closes(begins)
		if left := closes.Sub(begins); open > left {
			open, at = open-left, closes
			continue
		}
		return begins.Add(open)
	}
}

// closes gives when what is open at a moment closes.
func (h Hours) closes(at time.Time) time.Time {
	local := at.In(h.Zone)
	now := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	for _, s := range h.Week[local.Weekday()] {
		if now >= s.From && now < s.To {
			return time.Date(local.Year(), local.Month(), local.Day(), int(s.To/time.Hour), int(s.To%time.Hour/time.Minute), 0, 0, h.Zone)
		}
	}
	return at
}

func (h Hours) shut(day time.Time) bool {
	return h.Closed[day.Format(time.DateOnly)] || h.Holidays.Has(day.Year(), day.Month(), day.Day())
}

// ReadSpans reads the hours of one day: "08:30-12:00, 13:30-17:30". They are in order and don't overlap.
func ReadSpans(s string) ([]Span, error) {
	var list []Span
	for part := range strings.SplitSeq(s, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "-")
		begin, err1 := clock(from)
		end, err2 := clock(to)
		if !ok || err1 != nil || err2 != nil || begin >= end || len(list) > 0 && list[len(list)-1].To > begin {
			return nil, fmt.Errorf("%q is no hours of a day; write 08:30-12:00, 13:30-17:30", s)
		}
		list = append(list, Span{From: begin, To: end})
	}
	return list, nil
}

// clock reads an hour of the day; 24:00 is its end.
func clock(s string) (time.Duration, error) {
	if s = strings.TrimSpace(s); s == "24:00" {
		return 24 * time.Hour, nil
	}
	at, err := time.Parse("15:04", s)
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err
}
