package ticketing

import "time"

// Quiet is the hours of the day in which nobody is texted who has not just written. The zero value is none.
type Quiet struct {
	From, To time.Duration // since midnight; From later than To: over midnight
}

// Until gives the end of the quiet hours a moment lies in, by the clock on its wall; zero: it lies in none.
func (q Quiet) Until(at time.Time) time.Time {
	now := sinceMidnight(at)
	end := time.Date(at.Year(), at.Month(), at.Day(), int(q.To/time.Hour), int(q.To%time.Hour/time.Minute), 0, 0, at.Location())
	switch {
	case q.From < q.To && now >= q.From && now < q.To, q.From > q.To && now < q.To:
		return end
	case q.From > q.To && now >= q.From:
		return end.AddDate(0, 0, 1)
	}
	return time.Time{}
}

func sinceMidnight(at time.Time) time.Duration {
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
}
