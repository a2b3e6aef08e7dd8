package ticketing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"guichet/channels"
)

// ringFor is how long each telephone of a department rings before the next.
const ringFor = 20 * time.Second

// Welcome implements channels.Switchboard: the greeting, whether the town hall is open, the menu of its departments.
func (b *Switchboard) Welcome(_ context.Context, number string, at time.Time) (channels.Welcome, bool) {
	s := b.desk.town.Now()
	line, ok := s.LineAt(number)
	if !ok {
		return channels.Welcome{}, false
	}
	profile := b.desk.town.Profile
	language := profile.Choose()
	say := func(code string, data TextData) string {
		data.Town = profile.Name
		_, words, err := s.Texts.Fill(language, data, code)
		if err != nil {
			b.desk.log.Error("the telephone has no words for this", "text", code, "error", err)
		}
		return strings.TrimSpace(words)
	}
	w := channels.Welcome{
		Line: line.Name, Language: language, Greeting: say("voice_greeting", TextData{}), Open: s.Hours.Open(at),
		Closed: say("voice_closed", TextData{Opens: b.opens(s, at, language)}), RecordWarning: say("voice_recorded", TextData{}),
		Record:    true, // if the configuration of the provider says so, too
		Voicemail: say("voice_voicemail", TextData{}), CallBack: say("voice_call_back", TextData{}), Bye: say("voice_bye", TextData{}),
	}
	for _, d := range s.Departments {
		if d.Digit != "" && d.Visibility == Open {
			w.Menu = append(w.Menu, channels.MenuChoice{
				Digit: d.Digit, Words: say("voice_choice", TextData{Department: d.Name(language), Digit: d.Digit}),
				Department: d.Code, Numbers: d.Numbers, RingFor: ringFor,
			})
		}
	}
	own, _ := s.Department(line.Department)
	w.Direct = channels.MenuChoice{Department: own.Code, Numbers: own.Numbers, RingFor: ringFor}
	return w, true
}

// LineAt gives the line of a telephone number.
func (s *Snapshot) LineAt(number string) (Line, bool) {
	for _, l := range s.Lines {
		if number != "" && l.Address == number {
			return l, true
		}
	}
	return Line{}, false
}

// opens says when the town hall opens next, as it is spoken; empty when it does not within a week.
func (b *Switchboard) opens(s *Snapshot, at time.Time, language string) string {
	next, ok := s.Hours.Next(at)
	if !ok || next.Sub(at) > 7*24*time.Hour {
		return ""
	}
	next = next.In(b.desk.town.Profile.Zone)
	if language == "en" {
		return fmt.Sprintf("on %s at %s", next.Weekday(), next.Format("15:04"))
	}
	days := [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}
	hour := fmt.Sprintf("%d heures", next.Hour())
	if next.Minute() > 0 {
		hour += fmt.Sprintf(" %d", next.Minute())
	}
	return days[next.Weekday()] + " à " + hour
}
