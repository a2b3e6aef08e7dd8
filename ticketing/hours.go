package ticketing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"guichet/ticketing/calendar"
)

// HoursEntry is when the town hall is open, in a town file: the hours of each day as "08:30-12:00, 13:30-17:30", nothing for a day it
// stays closed.
type HoursEntry struct {
	Holidays  string   `yaml:"holidays"  json:"holidays"` // whose public holidays are kept: metropole, alsace-moselle, reunion…; none when left out
	Monday    string   `yaml:"monday"    json:"monday"`
	Tuesday   string   `yaml:"tuesday"   json:"tuesday"`
	Wednesday string   `yaml:"wednesday" json:"wednesday"`
	Thursday  string   `yaml:"thursday"  json:"thursday"`
	Friday    string   `yaml:"friday"    json:"friday"`
	Saturday  string   `yaml:"saturday"  json:"saturday"`
	Sunday    string   `yaml:"sunday"    json:"sunday"`
	Closed    []string `yaml:"closed"    json:"closed"` // further days, "2026-12-24"
}

// hours checks the opening hours and keeps them as they were written.
func (r *townReader) hours(e HoursEntry) {
	text, err := json.Marshal(e)
	if err == nil {
		_, err = readHours(string(text), time.UTC)
	}
	if err != nil {
		r.wrong("hours: %v", err)
		return
	}
	r.data.Hours = string(text)
}

// readHours reads opening hours as they are kept. None: always open.
func readHours(text string, zone *time.Location) (calendar.Hours, error) {
	h := calendar.Hours{Zone: zone, Closed: map[string]bool{}}
	if text == "" {
		return h, nil
	}
	var e HoursEntry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return h, err
	}
	h.Holidays = calendar.Holidays(e.Holidays)
	if !slices.Contains(calendar.Places(), h.Holidays) {
		return h, fmt.Errorf("holidays are those of one of %v", calendar.Places())
	}
	week := [7]string{e.Sunday, e.Monday, e.Tuesday, e.Wednesday, e.Thursday, e.Friday, e.Saturday}
	for day, spans := range week {
		if strings.TrimSpace(spans) == "" {
			continue
		}
		var err error
		if h.Week[day], err = calendar.ReadSpans(spans); err != nil {
			return h, err
		}
	}
	for _, day := range e.Closed {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return h, fmt.Errorf("%q is no day; write 2026-12-24", day)
		}
		h.Closed[day] = true
	}
	return h, nil
}
