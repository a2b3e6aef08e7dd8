package calendar

import "time"

// Holidays says which public holidays are kept: those of the Code du travail, art. L3133-1, and further ones of some places.
type Holidays string

// The places.
const (
	NoHolidays     Holidays = ""
	Metropole      Holidays = "metropole"
	AlsaceMoselle  Holidays = "alsace-moselle" // Good Friday, in communes with a Protestant church, and 26 December (Code du travail, art. L3134-13)
	Guadeloupe     Holidays = "guadeloupe"     // end of slavery: 27 May (loi 83-550 and décret 83-1003)
	Martinique     Holidays = "martinique"     // 22 May
	Guyane         Holidays = "guyane"         // 10 June
	Reunion        Holidays = "reunion"        // 20 December
	Mayotte        Holidays = "mayotte"        // 27 April
	SaintMartin    Holidays = "saint-martin"   // 28 May
	SaintBarthelem Holidays = "saint-barthelemy"
)

// Places lists every place whose holidays are known.
func Places() []Holidays {
	return []Holidays{NoHolidays, Metropole, AlsaceMoselle, Guadeloupe, Martinique, Guyane, Reunion, Mayotte, SaintMartin, SaintBarthelem}
}

// Has tells whether a day is a public holiday there.
func (p Holidays) Has(year int, month time.Month, day int) bool {
	if p == NoHolidays {
		return false
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	month, day = date.Month(), date.Day()
	switch {
	case month == 1 && day == 1, month == 5 && day == 1, month == 5 && day == 8, month == 7 && day == 14, month == 8 && day == 15,
		month == 11 && day == 1, month == 11 && day == 11, month == 12 && day == 25:
		return true
	}
	switch int(date.Sub(easter(year)).Hours() / 24) {
	case 1, 39, 50: // Easter Monday, Ascension, Whit Monday
		return true
	case -2:
		return p == AlsaceMoselle
	}
	return p.own(month, day)
}

// own tells whether a place keeps a day that others don't.
func (p Holidays) own(month time.Month, day int) bool {
	switch p {
	case AlsaceMoselle:
		return month == 12 && day == 26
	case Guadeloupe:
		return month == 5 && day == 27
	case Martinique:
		return month == 5 && day == 22
	case Guyane:
		return month == 6 && day == 10
	case Reunion:
		return month == 12 && day == 20
	case Mayotte:
		return month == 4 && day == 27
	case SaintMartin:
		return month == 5 && day == 28
	case SaintBarthelem:
		return month == 10 && day == 9
	}
	return false
}

// easter is Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	month, day := (h+l-7*m+114)/31, (h+l-7*m+114)%31+1
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}
