package ticketing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"guichet/channels"
	"guichet/routing/words"
)

// PeopleQuery asks for a page of citizens: first those an identifier names, then those whose names have all the words, then those whose
// names and addresses together have them, and, when there is nobody, those whose names nearly have them; each lot by the time of the
// last contact, newest first. A query without anything gives everybody.
type PeopleQuery struct {
	Email     string // the beginning of an address
	Phone     string // in E.164
	Digits    string // the last digits of a telephone number
	Number    string // SIREN, SIRET or RNA
	CitizenID string // whose ticket was named
	Words     []string
	Exact     bool        // no typing errors are forgiven
	After     *PeopleMark // where the page before ended
	Limit     int
}

// Anybody tells whether the query asks for nobody in particular.
func (q PeopleQuery) Anybody() bool {
	return q.Email+q.Phone+q.Digits+q.Number+q.CitizenID == "" && len(q.Words) == 0
}

// PeopleMark is the last record of a page.
type PeopleMark struct {
	Stage int       `json:"s"` // of the order above
	At    time.Time `json:"t"` // of the last contact, or of the record when there was none
	ID    string    `json:"i"`
}

// Found is what a text was found in.
type Found struct {
	Tickets []string // ids
	TooMany bool     // only the newest messages were looked at
}

// TextQuery asks in which tickets a text is found.
type TextQuery struct {
	Scope  TicketScope
	Text   string
	People PeopleQuery // whose tickets count too; nobody's when it asks for anybody
	Number int         // of tickets of the last ten years; 0: none
}

const (
	maxQuery = 200 // bytes of a search
	maxWords = 6   // of a search that count
	minTail  = 4   // digits that can be the end of a telephone number
)

// readPeople reads what was typed to find people. The ticket a reference names is the caller's to find.
func readPeople(text, region string) PeopleQuery {
	var q PeopleQuery
	text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", " "))
	if e164, ok := channels.ParsePhone(text, region); ok && phoneLike(text) {
		q.Phone = e164
	}
	if digits := onlyDigits(text); phoneLike(text) && len(digits) >= minTail {
		q.Digits = strings.TrimLeft(digits, "0")
		if len(q.Digits) < minTail {
			q.Digits = digits
		}
	}
	for _, read := range []func(string) (string, bool){CleanSIREN, CleanSIRET, CleanRNA} {
		if number, ok := read(text); ok {
			q.Number = number
		}
	}
	if !strings.ContainsFunc(text, unicode.IsSpace) && strings.ContainsAny(text, "@.") && len(text) > 2 {
		q.Email = strings.ToLower(text)
	}
	if !strings.Contains(text, "@") && q.Phone == "" {
		q.Words = words.Folded(text)
		q.Words = q.Words[:min(len(q.Words), maxWords)]
	}
	return q
}

// phoneLike tells a text that has nothing but what telephone numbers are written with.
func phoneLike(text string) bool {
	return text != "" && strings.Trim(text, "+0123456789 \u00a0\u202f.-/()") == ""
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// People is a page of records. Next is the cursor of the next one; empty: this was the last.
type People struct {
	Rows []FoundCitizen
	Next string
}

// FoundCitizen is a record in a list, with the number of its open tickets the actor may see.
type FoundCitizen struct {
	Citizen
	OpenTickets int
}

// Citizens finds people: by words of names and addresses in any order, each whole or only begun, accents and case aside; by an e-mail
// address or its beginning; by a telephone number in any spelling or its last digits; by SIREN, SIRET or RNA; by the reference of a
// ticket the actor sees. An empty text gives those last in contact. Records merged into others or anonymised are not found.
func (r *Reader) Citizens(ctx context.Context, a Actor, text string, limit int, cursor string) (People, error) {
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return People{}, ErrForbidden
	}
	if len(text) > maxQuery {
		return People{}, invalid("q", "too_long")
	}
	q, err := r.people(ctx, a, text)
	if err != nil {
		return People{}, err
	}
	if cursor != "" {
		if q.After, err = readPeopleCursor(cursor); err != nil {
			return People{}, invalid("cursor", "unknown")
		}
	}
	if strings.TrimSpace(text) != "" && q.Anybody() { // nothing but signs
		return People{}, nil
	}
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, MaxPage)
	q.Limit = limit + 1 // one more tells whether there is a next page
	marks, err := r.store.FindCitizens(ctx, q)
	if err != nil {
		return People{}, err
	}
	var page People
	if len(marks) > limit {
		marks = marks[:limit]
		page.Next = writePeopleCursor(marks[limit-1])
	}
	page.Rows, err = r.records(ctx, a, marks)
	return page, err
}

// people reads a query and finds whose ticket it names, if it names one the actor may see.
func (r *Reader) people(ctx context.Context, a Actor, text string) (PeopleQuery, error) {
	q := readPeople(text, r.town.Profile.Region)
	if _, _, ok := ParseReference(text); !ok {
		return q, nil
	}
	t, err := findTicket(ctx, r.store, r.town.Now(), a, strings.TrimSpace(text))
	if CodeOf(err) == CodeNotFound {
		return q, nil
	}
	if err == nil && t.CitizenID != nil {
		q.CitizenID = *t.CitizenID
	}
	return q, err
}

func (r *Reader) records(ctx context.Context, a Actor, marks []PeopleMark) ([]FoundCitizen, error) {
	ids := make([]string, len(marks))
	for i, m := range marks {
		ids[i] = m.ID
	}
	whole, err := r.store.WholeCitizens(ctx, ids)
	if err != nil {
		return nil, err
	}
	open, err := r.store.OpenTickets(ctx, a.Scope(), ids)
	if err != nil {
		return nil, err
	}
	var rows []FoundCitizen
	for _, id := range ids {
		if c, ok := whole[id]; ok {
			rows = append(rows, FoundCitizen{Citizen: c, OpenTickets: open[id]})
		}
	}
	return rows, nil
}

// findListed looks a text up for a list of tickets.
func (r *Reader) findListed(ctx context.Context, q TicketQuery) (*Found, error) {
	t := TextQuery{Scope: q.Scope, Text: q.Text, People: readPeople(q.Text, r.town.Profile.Region)}
	t.People.Exact = true
	if digits := strings.TrimSpace(q.Text); digitsOnly(digits) && len(digits) < 10 {
		for _, d := range digits {
			t.Number = t.Number*10 + int(d-'0')
		}
	}
	found, err := r.store.FindText(ctx, t)
	return &found, err
}

func writePeopleCursor(m PeopleMark) string {
	b, err := json.Marshal(m)
	if err != nil { // three plain fields always marshal
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readPeopleCursor(s string) (*PeopleMark, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	var m PeopleMark
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if !IsID(m.ID) || !slices.Contains([]int{StageIdentifier, StageNames, StageWords, StageNear}, m.Stage) {
		return nil, invalid("cursor", "unknown")
	}
	return &m, nil
}

// The lots of PeopleQuery, in their order.
const (
	StageIdentifier = iota
	StageNames
	StageWords
	StageNear
)
