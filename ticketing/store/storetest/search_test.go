package storetest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// people is a town's records under short names, written as the services write them.
type people struct {
	*world
	byID map[string]string
}

func (p *people) add(tb testing.TB, name string, hours int, c ticketing.Citizen, contacts ...string) string {
	tb.Helper()
	c.ID, c.Version, c.Language, c.CreatedAt, c.UpdatedAt = ticketing.NewID(), 1, "fr", noon(), noon()
	if c.Kind == "" {
		c.Kind = ticketing.Person
	}
	if hours > 0 {
		c.LastContactAt = ptr(noon().Add(time.Duration(hours) * time.Hour))
	}
	for i := range c.Addresses {
		a := &c.Addresses[i]
		a.ID, a.Country, a.CreatedAt = ticketing.NewID(), "FR", noon()
	}
	must(tb, p.db.AddCitizens(p.ctx, []ticketing.Citizen{c}))
	var rows []ticketing.Contact
	for _, value := range contacts {
		kind := "phone"
		if strings.Contains(value, "@") {
			kind = "email"
		}
		rows = append(rows, ticketing.Contact{ID: ticketing.NewID(), CitizenID: c.ID, Type: kind, Value: value, CreatedAt: noon()})
	}
	must(tb, p.db.AddContacts(p.ctx, rows))
	p.byID[c.ID] = name
	return c.ID
}

// find reads a lot page by page, so that a mark which repeats or skips shows.
func (p *people) find(tb testing.TB, q ticketing.PeopleQuery, size int) string {
	tb.Helper()
	var names []string
	q.Limit = size
	for {
		page, err := p.db.FindCitizens(p.ctx, q)
		must(tb, err)
		for _, m := range page {
			names = append(names, p.byID[m.ID])
		}
		if len(page) < size {
			return strings.Join(names, " ")
		}
		q.After = ptr(page[len(page)-1])
	}
}

func newPeople(tb testing.TB, db *store.DB) *people {
	tb.Helper()
	p := &people{world: newWorld(tb, db), byID: map[string]string{}}
	foch := []ticketing.PostalAddress{{Street: "18 avenue Foch", Postcode: "99000", City: "Valmont"}}
	p.add(tb, "anne", 5, ticketing.Citizen{GivenName: "Anne-Marie", FamilyName: "Perrin", UsageName: "Lefèvre", Addresses: foch}, "anne.lefevre@example.org", "+33639980001")
	p.add(tb, "paul", 4, ticketing.Citizen{GivenName: "Paul", FamilyName: "Perrin"}, "paul@example.org", "+33639980002")
	p.add(tb, "obrien", 3, ticketing.Citizen{GivenName: "Séan", FamilyName: "Ô'Brien"})
	p.add(tb, "foch", 2, ticketing.Citizen{GivenName: "Ferdinand", FamilyName: "Foch"})
	p.add(tb, "arab", 1, ticketing.Citizen{FamilyName: "محمد علي"})
	p.add(tb, "cyril", 0, ticketing.Citizen{FamilyName: "Иванов", GivenName: "Пётр"})
	p.add(tb, "judo", 6, ticketing.Citizen{Kind: ticketing.Association, Organisation: "Judo-Club de Valmont", SIREN: "732829320", RNA: "W691234567"})
	gone := p.add(tb, "gone", 9, ticketing.Citizen{FamilyName: "Perrin", GivenName: "Anne"})
	into := p.add(tb, "merged", 9, ticketing.Citizen{FamilyName: "Perrin", GivenName: "Annie"})
	for _, id := range []string{gone, into} {
		c, err := db.Citizen(p.ctx, id)
		must(tb, err)
		if id == gone {
			c.AnonymisedAt = ptr(noon())
		} else {
			c.MergedInto = ptr(gone)
		}
		must(tb, db.SaveCitizen(p.ctx, &c))
	}
	return p
}

func TestPeopleAreFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPeople(t, db)
		words := func(w ...string) ticketing.PeopleQuery { return ticketing.PeopleQuery{Words: w} }
		for _, c := range []struct {
			name string
			q    ticketing.PeopleQuery
			want string
		}{
			{"everybody", ticketing.PeopleQuery{}, "judo anne paul obrien foch arab cyril"},
			{"a name", words("perrin"), "anne paul"},
			{"in any order", words("lefevre", "anne"), "anne"},
			{"the beginnings", words("per", "pa"), "paul"},
			{"the second given name", words("marie"), "anne"},
			{"a name before an address", words("foch"), "foch anne"},
			{"name and address", words("perrin", "avenue", "foch"), "anne"},
			{"an address", words("18", "foch"), "anne"},
			{"a town", words("valmont"), "judo anne"},
			{"a particle of another alphabet", words("o", "brien"), "obrien"},
			{"Arabic", words("علي"), "arab"},
			{"nobody", words("dupont"), ""},
			{"one of them nobody's", words("perrin", "dupont"), ""},
			{"a letter left out", words("perin"), "anne paul"},
			{"a letter too many", words("perrrin"), "anne paul"},
			{"another letter", words("lefebre"), "anne"},
			{"two swapped", words("perirn", "paul"), "paul"},
			{"two slips", words("pirin"), ""},
			{"a slip in three letters", words("pal"), ""},
			{"a slip in Cyrillic", words("ивонов"), "cyril"},
			{"no slips forgiven", ticketing.PeopleQuery{Words: []string{"perin"}, Exact: true}, ""},
			{"wildcards are letters", words("p%", "_"), ""},
			{"an e-mail address", ticketing.PeopleQuery{Email: "paul@example.org"}, "paul"},
			{"its beginning", ticketing.PeopleQuery{Email: "anne.lef"}, "anne"},
			{"a percent in it", ticketing.PeopleQuery{Email: "%@example.org"}, ""},
			{"a number", ticketing.PeopleQuery{Phone: "+33639980002"}, "paul"},
			{"its end", ticketing.PeopleQuery{Digits: "980001"}, "anne"},
			{"the end of none", ticketing.PeopleQuery{Digits: "123456"}, ""},
			{"SIREN", ticketing.PeopleQuery{Number: "732829320"}, "judo"},
			{"RNA", ticketing.PeopleQuery{Number: "W691234567"}, "judo"},
			{"an identifier before a name, once", ticketing.PeopleQuery{Email: "paul@", Words: []string{"perrin"}}, "paul anne"},
			{"what no database keeps", words("a\x00", "\xff"), ""},
		} {
			for _, size := range []int{1, 2, 50} {
				equal(t, fmt.Sprintf("%s, by %d", c.name, size), p.find(t, c.q, size), c.want)
			}
		}
	})
}

// TestWordsFollowTheRecord changes a name and an address: the old words find nobody.
func TestWordsFollowTheRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPeople(t, db)
		page, err := db.FindCitizens(p.ctx, ticketing.PeopleQuery{Words: []string{"lefevre"}})
		must(t, err)
		c, err := db.Citizen(p.ctx, page[0].ID)
		must(t, err)
		c.UsageName, c.Addresses[0].Street = "Durand", "2 rue du Lac"
		must(t, db.SaveCitizen(p.ctx, &c))
		for word, want := range map[string]string{"lefevre": "", "durand": "anne", "foch": "foch", "lac": "anne"} {
			equal(t, word, p.find(t, ticketing.PeopleQuery{Words: []string{word}, Exact: true}, 50), want)
		}
	})
}

// TestAManyOfOneName finds people of a name that more have than are gathered, in order and whole.
func TestAManyOfOneName(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of records")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const many = 6500
		var citizens []ticketing.Citizen
		for i := range many {
			c := ticketing.Citizen{
				ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, FamilyName: "Martin", GivenName: "Jean", Language: "fr",
				CreatedAt: noon(), UpdatedAt: noon(), LastContactAt: ptr(noon().Add(time.Duration(i/3) * time.Second)),
			}
			if i%100 == 0 {
				c.GivenName = "Zoé"
			}
			citizens = append(citizens, c)
		}
		must(t, db.AddCitizens(w.ctx, citizens))
		for _, words := range [][]string{{"martin"}, {"martin", "jean"}, {"martin", "zoe"}} {
			seen := map[string]bool{}
			q := ticketing.PeopleQuery{Words: words, Limit: 1000}
			var last time.Time
			for {
				page, err := db.FindCitizens(w.ctx, q)
				must(t, err)
				for _, m := range page {
					if seen[m.ID] || !last.IsZero() && m.At.After(last) {
						t.Fatalf("%v: %v comes twice or late", words, m)
					}
					seen[m.ID], last = true, m.At
				}
				if len(page) < q.Limit {
					break
				}
				q.After = ptr(page[len(page)-1])
			}
			equal(t, strings.Join(words, " "), len(seen), map[string]int{"martin": many, "jean": many - many/100, "zoe": many / 100}[words[len(words)-1]])
		}
	})
}

// index writes the words of all that waits.
func (w *world) index(tb testing.TB) {
	tb.Helper()
	for {
		done, err := w.db.IndexQueued(w.ctx, 3)
		must(tb, err)
		if done == 0 {
			return
		}
	}
}

// said adds a ticket of a department with messages.
func (w *world) said(tb testing.TB, department string, texts ...string) ticketing.Ticket {
	tb.Helper()
	ticket := w.ticket(department, noon())
	w.add(tb, ticket)
	for i, text := range texts {
		w.number++
		must(tb, w.db.AddMessages(w.ctx, []ticketing.Message{w.message(ticket.ID, noon().Add(time.Duration(w.number)*time.Minute), func(m *ticketing.Message) {
			m.Text, m.Subject = text, fmt.Sprint("Demande ", i)
			if strings.HasPrefix(text, "note:") {
				m.Direction = ticketing.Note
			}
		})}))
	}
	return ticket
}

func TestTextsAreFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		name := map[string]string{}
		for key, texts := range map[string][]string{
			"lamp":   {"Le lampadaire devant l'école est éteint.", "Merci, l'éclairage est réparé."},
			"flood":  {"Ma cave est inondée depuis l'inondation de mardi 🌊."},
			"hole":   {"There is a deep pothole: flooding everywhere."},
			"arab":   {"الشارع مظلم"},
			"joker":  {"100 % des lampes_rouges"},
			"nobody": {"", "…"},
		} {
			name[w.said(t, "roads", texts...).ID] = key
		}
		find := func(text string) string {
			found, err := db.FindText(w.ctx, ticketing.TextQuery{Scope: scopeOfAll(), Text: text})
			must(t, err)
			var keys []string
			for _, id := range found.Tickets {
				keys = append(keys, name[id])
			}
			slices.Sort(keys)
			return strings.Join(keys, " ")
		}
		equal(t, "before it is indexed", find("lampadaire"), "")
		w.index(t)
		for text, want := range map[string]string{
			"lampadaires":                 "lamp",
			"ECOLE":                       "lamp",
			"lampadaire éteinte":          "lamp",
			"inondations":                 "flood",
			"inonde":                      "flood",
			"potholes":                    "hole",
			"flooded":                     "hole",
			"lampadaire inondé":           "",
			"lampadaire réparé":           "", // two messages
			"le lampadaire":               "lamp",
			"مظلم":                        "arab",
			"100%":                        "joker",
			"%":                           "",
			"_":                           "",
			"lampe_":                      "joker",
			"🌊":                           "",
			"’!?":                         "",
			"\x00lampadaire\x00":          "lamp",
			"\xff":                        "",
			strings.Repeat("absent ", 28): "",
			"le les des":                  "arab flood hole joker lamp nobody",
		} {
			equal(t, fmt.Sprintf("%q", text), find(text), want)
		}

		lamp := ""
		for id, key := range name {
			if key == "lamp" {
				lamp = id
			}
		}
		tickets, err := db.TicketsByIDs(w.ctx, []string{lamp})
		must(t, err)
		tickets[0].Subject = "Candélabre"
		must(t, db.SaveTicket(w.ctx, &tickets[0]))
		w.index(t)
		equal(t, "a new subject", find("candelabre lampadaire"), "lamp")
		equal(t, "the rest still", find("lampadaires"), "lamp")
	})
}

// TestNotesStayWhereTheyWere writes a note in a sealed department, and transfers its ticket.
func TestNotesStayWhereTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.said(t, "social", "Une aide, s'il vous plaît", "note: surendettement")
		w.index(t)
		tickets, err := db.TicketsByIDs(w.ctx, []string{ticket.ID})
		must(t, err)
		hits := func(text string, departments ...string) int {
			found, err := db.FindText(w.ctx, ticketing.TextQuery{Scope: ticketing.TicketScope{Departments: departments}, Text: text})
			must(t, err)
			return len(found.Tickets)
		}
		equal(t, "there", hits("surendettement", "social"), 1)
		tickets[0].Department = "roads"
		must(t, db.SaveTicket(w.ctx, &tickets[0]))
		equal(t, "elsewhere", hits("surendettement", "roads", "civil"), 0)
		equal(t, "what the citizen wrote", hits("aide", "roads", "civil"), 1)
		equal(t, "to who was there", hits("surendettement", "roads", "social"), 1)
	})
}

// TestMovedMessagesAreFoundWhereTheyAre follows a message into another ticket.
func TestMovedMessagesAreFoundWhereTheyAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		from, to := w.said(t, "roads", "Un nid-de-poule"), w.said(t, "civil", "Un acte")
		w.index(t)
		messages, err := db.MessagesOf(w.ctx, from.ID)
		must(t, err)
		must(t, db.MoveMessages(w.ctx, []string{messages[0].ID}, to.ID))
		found, err := db.FindText(w.ctx, ticketing.TextQuery{Scope: scopeOfAll(), Text: "poule"})
		must(t, err)
		equal(t, "found in", strings.Join(found.Tickets, " "), to.ID)
	})
}

// TestAWordInVeryManyMessages is answered by the newest, and says so; with a rarer word it is not.
func TestAWordInVeryManyMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of messages")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const many = 10100
		tickets, messages := make([]ticketing.Ticket, many/100), make([]ticketing.Message, 0, many)
		for i := range tickets {
			tickets[i] = w.ticket("roads", noon().Add(time.Duration(i)*time.Hour))
		}
		for i := range many {
			messages = append(messages, w.message(tickets[i/100].ID, noon().Add(time.Duration(i)*time.Minute), func(m *ticketing.Message) {
				m.Text = "lampadaire"
				if i == 0 || i == many-1 {
					m.Text = "lampadaires clignotants"
				}
			}))
		}
		w.add(t, tickets...)
		must(t, db.AddMessages(w.ctx, messages))
		for done := 1; done > 0; {
			var err error
			done, err = db.IndexQueued(w.ctx, 3000)
			must(t, err)
		}
		everywhere, err := db.FindText(w.ctx, ticketing.TextQuery{Scope: scopeOfAll(), Text: "lampadaire"})
		must(t, err)
		newest := map[string]bool{}
		for _, t := range tickets[len(tickets)-5:] {
			newest[t.ID] = true
		}
		for _, id := range everywhere.Tickets {
			if !newest[id] {
				t.Errorf("%s is not of the newest", id)
			}
		}
		if !everywhere.TooMany || len(everywhere.Tickets) != 5 {
			t.Errorf("%d tickets, too many: %v", len(everywhere.Tickets), everywhere.TooMany)
		}
		rarely, err := db.FindText(w.ctx, ticketing.TextQuery{Scope: scopeOfAll(), Text: "lampadaire clignotant"})
		must(t, err)
		if rarely.TooMany || len(rarely.Tickets) != 2 {
			t.Errorf("with a rarer word: %d tickets, too many: %v", len(rarely.Tickets), rarely.TooMany)
		}
	})
}

// TestWhatWasThereIsIndexed queues records and messages as the migration does that makes the index.
func TestWhatWasThereIsIndexed(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			url := storetest.URL(t, engine)
			db := storetest.OpenEmpty(t, url, store.Options{})
			_, err := db.Migrate(t.Context())
			must(t, err)
			p := newPeople(t, db)
			old, last := p.said(t, "roads", "le plus vieux lampadaire"), p.said(t, "civil", "le dernier lampadaire")
			other := raw(t, "pgx", url)
			if engine == store.SQLite {
				other = rawSQLite(t, url)
			}
			migration, err := os.ReadFile("../migrations/" + engine + "/0013_search.sql")
			must(t, err)
			_, queue, _ := strings.Cut(string(migration), "INSERT INTO search_queue")
			for statement := range strings.SplitSeq("DELETE FROM counters; DELETE FROM search_queue; DELETE FROM citizen_words; UPDATE contacts SET backwards = ''; INSERT INTO search_queue"+queue, ";") {
				if strings.TrimSpace(statement) != "" {
					_, err := other.ExecContext(t.Context(), statement)
					must(t, err)
				}
			}
			equal(t, "before", p.find(t, ticketing.PeopleQuery{Words: []string{"lefevre"}}, 50), "")
			new := p.said(t, "roads", "un nouveau lampadaire")
			p.index(t)
			equal(t, "a name", p.find(t, ticketing.PeopleQuery{Words: []string{"lefevre", "foch"}}, 50), "anne")
			equal(t, "a number", p.find(t, ticketing.PeopleQuery{Digits: "0002"}, 50), "paul")
			found, err := db.FindText(t.Context(), ticketing.TextQuery{Scope: scopeOfAll(), Text: "lampadaires"})
			must(t, err)
			equal(t, "tickets", strings.Join(found.Tickets, " "), strings.Join(slices.Sorted(slices.Values([]string{old.ID, last.ID, new.ID})), " "))
			order := facts(t, other, "SELECT number, ticket_id FROM search_documents")
			equal(t, "in the order of time", strings.Join(order, " "), strings.Join([]string{"1 " + old.ID, "2 " + last.ID, "3 " + new.ID}, " "))
		})
	}
}
