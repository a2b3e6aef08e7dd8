package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"guichet/routing/words"
	"guichet/ticketing"
)

// The records and messages of `bench search`: as many names, streets and words as a town has, spread as they are in one. Each is made from
// its number alone, so that a search knows what there is to be found.

// spread gives a rank below n as often as Zipf's law would: the first name is the most frequent.
func spread(random *rand.Rand, n int) int {
	return min(int(math.Exp(random.Float64()*math.Log(float64(n+1))))-1, n-1)
}

func ofNumber(i int, what uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(i), what)) //nolint:gosec // the same each time
}

// spelt makes a pronounceable word of a number, another one for each.
func spelt(n, syllables int) string {
	const consonants, vowels = "bcdfglmnprstv", "aeiou"
	var b strings.Builder
	for range syllables {
		b.WriteByte(consonants[n%len(consonants)])
		n /= len(consonants)
		b.WriteByte(vowels[n%len(vowels)])
		n /= len(vowels)
	}
	return b.String()
}

// benchFamily gives one of 40,000 family names. The most frequent is that of one in three hundred, as Martin is.
func benchFamily(random *rand.Rand) string { return spelt(spread(random, 4e4)+random.IntN(30)*977, 4) }

func benchGiven(random *rand.Rand) string {
	given := []string{"Jean", "Marie", "Nicolas", "Nathalie", "Philippe", "Isabelle", "Céline", "Éric", "Anne-Marie", "Yann", "Hélène", "Loïc"}
	if random.IntN(3) > 0 {
		return given[random.IntN(len(given))]
	}
	return spelt(spread(random, 2000), 3)
}

func benchPhone(i int) string { return fmt.Sprintf("+336%08d", i) }

// benchStreet gives one of some 10,000 streets. In the longest lives one citizen in three hundred.
func benchStreet(random *rand.Rand) string {
	kind := []string{"rue", "avenue", "impasse", "place"}
	return kind[random.IntN(len(kind))] + " " + spelt(spread(random, 900)+random.IntN(30)*331, 4)
}

// benchNames are the names of one record and where it lives.
func benchNames(i int) (given, family, street string, number int) {
	random := ofNumber(i, 1)
	return benchGiven(random), benchFamily(random), benchStreet(random), 1 + random.IntN(150)
}

func benchEmail(i int) string {
	given, family, _, _ := benchNames(i)
	return words.Fold(given) + "." + family + fmt.Sprint(i) + "@example.org"
}

// benchBegan is when the first message was written; the last one is ten years later.
func benchBegan() time.Time { return time.Date(2016, 1, 4, 8, 0, 0, 0, time.UTC) }

func benchCitizen(i, of int) (ticketing.Citizen, []ticketing.Contact) {
	given, family, street, number := benchNames(i)
	at := benchBegan().Add(time.Duration(float64(10*365*24*time.Hour) * float64((i*7919)%of) / float64(of)))
	c := ticketing.Citizen{
		ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, FamilyName: family, GivenName: given, Language: "fr", CreatedAt: at, UpdatedAt: at, LastContactAt: &at,
	}
	c.Addresses = []ticketing.PostalAddress{{
		ID: ticketing.NewID(), CitizenID: c.ID, Street: fmt.Sprint(number, " ", street), Postcode: "99000", City: "Valmont", Country: "FR", CreatedAt: at,
	}}
	contact := func(kind, value string) ticketing.Contact {
		return ticketing.Contact{ID: ticketing.NewID(), CitizenID: c.ID, Type: kind, Value: value, CreatedAt: at}
	}
	return c, []ticketing.Contact{contact("email", benchEmail(i)), contact("phone", benchPhone(i))}
}

// benchWord is a word of a message by its rank: one of 200,000.
func benchWord(rank int) string { return spelt(rank, 4) + "on" }

// benchSaid is what a message says: thirty words, spread as words are.
func benchSaid(i int) string {
	random := ofNumber(i, 2)
	said := []string{"Bonjour,"}
	for range 30 {
		said = append(said, benchWord(spread(random, 2e5)))
	}
	return strings.Join(said, " ")
}

// benchTickets makes tickets of three messages each, of groups of messages.
func benchTickets(of int, citizens []string, departments []ticketing.Department) (func(from, to int) []ticketing.Ticket, func(from, to int) []ticketing.Message) {
	ids := make([]string, (of+2)/3)
	for i := range ids {
		ids[i] = ticketing.NewID()
	}
	at := func(i int) time.Time {
		return benchBegan().Add(time.Duration(float64(10*365*24*time.Hour) * float64(i) / float64(of)))
	}
	tickets := func(from, to int) (rows []ticketing.Ticket) {
		for i := (from + 2) / 3; i*3 < to; i++ {
			random, when := ofNumber(i, 3), at(i*3)
			t := ticketing.Ticket{
				ID: ids[i], Year: when.Year(), Number: i + 1, Version: 1, Subject: benchWord(spread(random, 2e5)), Status: ticketing.StatusClosed, Outcome: "answered",
				Channel: "email", Department: departments[random.IntN(len(departments))].Code, Priority: ticketing.Normal, Language: "fr", Weight: 1,
				CitizenID: &citizens[random.IntN(len(citizens))], ReceivedAt: when, RegisteredAt: when, UpdatedAt: when, ClosedAt: &when, Preview: "Bonjour,",
			}
			if i >= len(ids)*99/100 {
				t.Status, t.Outcome, t.ClosedAt, t.QueuedAt = ticketing.StatusNew, "", nil, &when
			}
			rows = append(rows, t)
		}
		return rows
	}
	messages := func(from, to int) (rows []ticketing.Message) {
		for i := from; i < to; i++ {
			rows = append(rows, ticketing.Message{
				ID: ticketing.NewID(), TicketID: ids[i/3], Direction: ticketing.In, Channel: "email", FromValue: "x@example.org", Subject: "Demande", Text: benchSaid(i),
				At: at(i), CreatedAt: at(i),
			})
		}
		return rows
	}
	return tickets, messages
}

// benchQuery is what is typed to find something that is there.
func benchQuery(kind string, random *rand.Rand, citizens, messages int) string {
	i := random.IntN(citizens)
	given, family, street, number := benchNames(i)
	said := strings.Fields(benchSaid(random.IntN(messages)))
	switch kind {
	case "name":
		return []string{given + " " + family, family + " " + given[:min(len(given), 3)], family}[random.IntN(3)]
	case "typo":
		at := 1 + random.IntN(len(family)-2)
		return given + " " + family[:at] + "x" + family[at+1:]
	case "phone":
		national := "0" + benchPhone(i)[3:]
		return []string{national, national[:2] + " " + national[2:6] + " " + national[6:], national[4:]}[random.IntN(3)]
	case "email":
		return []string{benchEmail(i), strings.TrimSuffix(benchEmail(i), "@example.org")}[random.IntN(2)]
	case "address":
		return fmt.Sprint(number, " ", street)
	case "common word":
		return benchWord(random.IntN(100))
	case "two words":
		return said[1+random.IntN(len(said)-1)] + " " + said[1+random.IntN(len(said)-1)]
	}
	return benchWord(1000 + random.IntN(1e5)) // a rare one
}
