package calendar

import (
	"testing"
	"time"
)

func townHall(t *testing.T) Hours {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	h := Hours{Zone: zone, Holidays: Metropole, Closed: map[string]bool{"2026-12-24": true}}
	for day := time.Monday; day <= time.Friday; day++ {
		if h.Week[day], err = ReadSpans("08:30-12:00, 13:30-17:30"); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestOpen(t *testing.T) {
	h := townHall(t)
	for at, want := range map[string]bool{
		"2026-11-24 08:29:59": false, "2026-11-24 08:30:00": true, "2026-11-24 11:59:59": true, "2026-11-24 12:00:00": false,
		"2026-11-24 17:30:00": false, "2026-11-28 10:00:00": false, "2026-11-11 10:00:00": false, "2026-12-24 10:00:00": false,
		"2026-05-14 10:00:00": false, "2026-05-25 10:00:00": false, "2026-04-06 10:00:00": false, "2026-04-03 10:00:00": true,
	} {
		moment, err := time.ParseInLocation(time.DateTime, at, h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Open(moment); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	if !(Hours{}).Open(time.Now()) {
		t.Error("hours nobody has given close the town hall")
	}
}

func TestNextAndAfter(t *testing.T) {
	h := townHall(t)
	parse := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for at, want := range map[string]string{
		"2026-11-24 10:00": "2026-11-24 10:00", "2026-11-24 12:30": "2026-11-24 13:30", "2026-11-24 19:00": "2026-11-25 08:30",
		"2026-11-27 18:00": "2026-11-30 08:30", "2026-12-23 18:00": "2026-12-28 08:30", "2026-10-24 09:00": "2026-10-26 08:30",
	} {
		if got, ok := h.Next(parse(at)); !ok || !got.Equal(parse(want)) {
			t.Errorf("after %s it opens %v, want %s", at, got, want)
		}
	}
	if got := h.After(parse("2026-11-27 16:30"), 4*time.Hour); !got.Equal(parse("2026-11-30 11:30")) {
		t.Errorf("four hours after Friday 16:30: %v", got)
	}
	if _, ok := (Hours{Zone: h.Zone, Week: h.Week, Closed: always(t)}).Next(parse("2026-01-01 10:00")); ok {
		t.Error("opens although it is closed every day")
	}
}

// always closes every day of two years.
func always(t *testing.T) map[string]bool {
	t.Helper()
	days := map[string]bool{}
	for i := range 800 {
		days[time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)] = true
	}
	return days
}

func TestHolidays(t *testing.T) {
	for _, c := range []struct {
		place Holidays
		day   string
		want  bool
	}{
		{Metropole, "2026-04-06", true}, {Metropole, "2027-03-29", true}, {Metropole, "2026-05-14", true}, {Metropole, "2026-05-25", true},
		{Metropole, "2026-04-03", false}, {AlsaceMoselle, "2026-04-03", true}, {AlsaceMoselle, "2026-12-26", true}, {Reunion, "2026-12-20", true},
		{Martinique, "2026-05-22", true}, {Guadeloupe, "2026-05-27", true}, {Guyane, "2026-06-10", true}, {Mayotte, "2026-04-27", true},
		{SaintMartin, "2026-05-28", true}, {SaintBarthelem, "2026-10-09", true}, {Metropole, "2026-12-26", false}, {NoHolidays, "2026-12-25", false},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.place.Has(day.Year(), day.Month(), day.Day()); got != c.want {
			t.Errorf("%s in %q: %v", c.day, c.place, got)
		}
	}
}

func TestReadSpans(t *testing.T) {
	for _, wrong := range []string{"", "8h-12h", "12:00-08:00", "08:00-12:00, 11:00-13:00", "25:00-26:00", "08:00"} {
		if got, err := ReadSpans(wrong); err == nil {
			t.Errorf("%q is read as %v", wrong, got)
		}
	}
	if got, err := ReadSpans("00:00-24:00"); err != nil || got[0].To != 24*time.Hour {
		t.Errorf("%v, %v", got, err)
	}
}
