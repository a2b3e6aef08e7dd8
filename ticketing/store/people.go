package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"guichet/routing/words"
	"guichet/ticketing"
)

// The cost of finding people is bounded: a lot of up to gathered records is read whole and sorted, one of up to sifted if other words
// leave few of them; in a greater one those of the last recent contacts are looked at first, where it is dense.
const (
	gathered = 4000
	sifted   = 25000
	recent   = 20000
)

// seenAt is when a record was last in contact, or made. It is what citizens_recent is sorted by.
const seenAt = "COALESCE(c.last_contact_at, c.created_at)"

// living is a record that can be found.
const living = "c.merged_into IS NULL AND c.anonymised_at IS NULL"

// lot is the records for which every term holds and that are in none of the lots before.
type lot struct {
	stage  int
	terms  []term
	before []lot
}

// term is one condition on a record: what gives those for which it holds, and what tells whether it holds for one.
type term struct {
	rows  conditions // each a SELECT of citizen ids and the words of the records
	holds conditions // any of them; {id} and {record} stand for what the statement calls them
}

// FindCitizens implements ticketing.Searches.
func (n nouns) FindCitizens(ctx context.Context, q ticketing.PeopleQuery) ([]ticketing.PeopleMark, error) {
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	if q.Anybody() {
		return n.walkLot(ctx, lot{}, q.After, q.Limit, 0)
	}
	first := q.After == nil
	var page []ticketing.PeopleMark
	for _, l := range n.lots(q) {
		if q.After != nil && q.After.Stage > l.stage {
			continue
		}
		more, err := n.findLot(ctx, l, q.After, q.Limit-len(page))
		if err != nil {
			return nil, err
		}
		if page = append(page, more...); len(page) == q.Limit {
			return page, nil
		}
		q.After = afterLot(q.After, l.stage)
	}
	further := q.After != nil && q.After.Stage == ticketing.StageNear
	nobody := first && len(page) == 0
	if q.Exact || len(q.Words) == 0 || !nobody && !further {
		return page, nil
	}
	near, err := n.nearLot(ctx, q.Words)
	if err != nil {
		return nil, err
	}
	return n.findLot(ctx, near, q.After, q.Limit)
}

// afterLot is where the lots after a stage begin: at their beginning, unless the mark is in one of them.
func afterLot(after *ticketing.PeopleMark, stage int) *ticketing.PeopleMark {
	if after != nil && after.Stage == stage {
		return nil
	}
	return after
}

func (n nouns) lots(q ticketing.PeopleQuery) (lots []lot) {
	if t, ok := n.identifier(q); ok {
		lots = append(lots, lot{stage: ticketing.StageIdentifier, terms: []term{t}})
	}
	if len(q.Words) == 0 {
		return lots
	}
	names, all := lot{stage: ticketing.StageNames}, lot{stage: ticketing.StageWords}
	for _, w := range q.Words {
		names.terms = append(names.terms, n.wordTerm(w, nil, true))
		all.terms = append(all.terms, n.wordTerm(w, nil, false))
	}
	names.before = slices.Clone(lots)
	lots = append(lots, names)
	all.before = slices.Clone(lots)
	return append(lots, all)
}

// identifier is the term of what names one record, or few.
func (n nouns) identifier(q ticketing.PeopleQuery) (t term, ok bool) {
	if q.Email != "" {
		low, high := beginning(clean(q.Email))
		t.rows.add("SELECT citizen_id, '' AS record FROM contacts WHERE type = 'email' AND value >= ? AND value < ?", low, high)
	}
	if q.Phone != "" {
		t.rows.add("SELECT citizen_id, '' AS record FROM contacts WHERE type = 'phone' AND value = ?", q.Phone)
	}
	if q.Digits != "" {
		low, high := beginning(reversed(q.Digits))
		t.rows.add("SELECT citizen_id, '' AS record FROM contacts WHERE backwards <> '' AND backwards >= ? AND backwards < ?", low, high)
	}
	if q.Number != "" {
		for _, column := range []string{"siren", "siret", "rna"} {
			t.rows.add("SELECT id AS citizen_id, '' AS record FROM citizens WHERE "+column+" <> '' AND "+column+" = ?", clean(q.Number))
		}
	}
	if q.CitizenID != "" {
		t.rows.add("SELECT id AS citizen_id, '' AS record FROM citizens WHERE id = ?", q.CitizenID)
	}
	if len(t.rows.terms) == 0 {
		return t, false
	}
	t.holds.add("{id} IN (SELECT citizen_id FROM ("+strings.Join(t.rows.terms, " UNION ALL ")+") AS named)", t.rows.args...)
	return t, true
}

// wordTerm is the term of a word that begins with what was typed, or, in a name, is one of the near ones. A word has letters and digits
// only, so none of them is a wildcard.
func (n nouns) wordTerm(word string, near []string, names bool) (t term) {
	low, high := beginning(clean(word))
	kind, end := "", "%"
	if names {
		kind, end = " AND kind = 'name'", "%|%"
	}
	t.rows.add("SELECT citizen_id, record FROM citizen_words WHERE word >= ? AND word < ?"+kind, low, high)
	t.holds.add("{record} LIKE ?", "% "+low+end)
	if len(near) > 0 {
		t.rows.add("SELECT citizen_id, record FROM citizen_words WHERE ?"+kind, n.among("word", near))
		for _, w := range near {
			t.holds.add("{record} LIKE ?", "% "+w+" "+end)
		}
	}
	return t
}

// hold is the condition that the term holds.
func (t term) hold(id, record string) (string, []any) {
	return strings.NewReplacer("{id}", id, "{record}", record).Replace("(" + strings.Join(t.holds.terms, " OR ") + ")"), t.holds.args
}

// nearLot is those whose names nearly have the words: in each of four letters and more one slip is forgiven.
func (n nouns) nearLot(ctx context.Context, typed []string) (lot, error) {
	l := lot{stage: ticketing.StageNear}
	for _, w := range typed {
		var near []string
		if utf8.RuneCountInString(w) >= 4 {
			values := "unnest(?::text[])"
			var arg any = array(words.Near(clean(w)))
			if n.db.engine == SQLite {
				values, arg = "json_each(?)", jsonList(words.Near(clean(w)))
			}
			column := map[string]string{SQLite: "near.value", PostgreSQL: "near"}[n.db.engine]
			err := n.read(ctx, &near, "SELECT "+column+" FROM "+values+" AS near WHERE EXISTS (SELECT 1 FROM citizen_words w WHERE w.word = "+
				column+" AND w.kind = 'name' LIMIT 1 OFFSET 0)", arg)
			if err != nil {
				return l, err
			}
		}
		l.terms = append(l.terms, n.wordTerm(w, near, true))
	}
	return l, nil
}

// findLot reads a page of a lot.
func (n nouns) findLot(ctx context.Context, l lot, after *ticketing.PeopleMark, limit int) ([]ticketing.PeopleMark, error) {
	smallest, size, err := n.smallest(ctx, l.terms, gathered)
	if err == nil && size > gathered && len(l.terms) > 1 {
		smallest, size, err = n.smallest(ctx, l.terms, sifted)
	}
	switch {
	case err != nil || size == 0:
		return nil, err
	case size <= gathered, len(l.terms) > 1 && size <= sifted:
		return n.gatherLot(ctx, l, smallest, after, limit)
	}
	page, err := n.walkLot(ctx, l, after, limit, recent)
	if err != nil || len(page) == limit {
		return page, err
	}
	return n.gatherLot(ctx, l, smallest, after, limit)
}

// smallest finds the term that gives the fewest records, and how many, counting no further than one more than most.
func (n nouns) smallest(ctx context.Context, terms []term, most int) (which, size int, err error) {
	counts, args := make([]string, len(terms)), []any{}
	for i, t := range terms { // one row of as many columns would need a struct of each length
		counts[i] = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM (" + strings.Join(t.rows.terms, " UNION ALL ") + ") AS found LIMIT ?) AS few) AS size"
		args = append(append(args, t.rows.args...), most+1)
	}
	var sizes []int
	err = n.read(ctx, &sizes, strings.Join(counts, " UNION ALL "), args...)
	if err != nil || len(sizes) == 0 {
		return 0, 0, err
	}
	for i := range sizes {
		if sizes[i] < sizes[which] {
			which = i
		}
	}
	return which, sizes[which], nil
}

// gatherLot reads all that one term gives, keeps those for which the others hold, and sorts them.
func (n nouns) gatherLot(ctx context.Context, l lot, from int, after *ticketing.PeopleMark, limit int) ([]ticketing.PeopleMark, error) {
	driver := l.terms[from]
	where, others := conditions{}, conditions{}
	where.add("dated.at IS NOT NULL")
	beyond(&where, l.stage, "dated.at", "dated.id", after)
	others.add("1 = 1")
	l.holds(&others, "source.citizen_id", "source.record", from)
	query := "WITH found AS MATERIALIZED (SELECT DISTINCT citizen_id AS id FROM (" + strings.Join(driver.rows.terms, " UNION ALL ") + ") AS source WHERE " +
		strings.Join(others.terms, " AND ") + "), dated AS MATERIALIZED (SELECT found.id, (SELECT " + seenAt + " FROM citizens c WHERE c.id = found.id AND " +
		living + ") AS at FROM found) SELECT id, at FROM dated WHERE " + strings.Join(where.terms, " AND ") + " ORDER BY at DESC, id DESC LIMIT ?"
	args := slices.Concat(driver.rows.args, others.args, where.args, []any{limit})
	return n.marks(ctx, l.stage, query, args)
}

// walkLot walks the records from the last contact on and keeps those for which all terms hold; it gives up after so many.
func (n nouns) walkLot(ctx context.Context, l lot, after *ticketing.PeopleMark, limit, most int) ([]ticketing.PeopleMark, error) {
	where, wanted := conditions{}, conditions{}
	where.add(living)
	beyond(&where, l.stage, seenAt, "c.id", after)
	l.holds(&wanted, "walked.id", "walked.record", -1)
	inner := "SELECT c.id, " + seenAt + " AS at, c.search AS record FROM citizens c WHERE " + strings.Join(where.terms, " AND ") + " ORDER BY " + seenAt + " DESC, c.id DESC LIMIT ?"
	if len(wanted.terms) == 0 {
		wanted.add("1 = 1")
		most = limit
	}
	query := "SELECT id, at FROM (" + inner + ") AS walked WHERE " + strings.Join(wanted.terms, " AND ") + " ORDER BY at DESC, id DESC LIMIT ?"
	return n.marks(ctx, l.stage, query, slices.Concat(where.args, []any{most}, wanted.args, []any{limit}))
}

// holds adds that all terms but one hold, and those of no lot before do.
func (l lot) holds(c *conditions, id, record string, but int) {
	for i, t := range l.terms {
		if i != but {
			held, args := t.hold(id, record)
			c.add(held, args...)
		}
	}
	for _, b := range l.before {
		var every conditions
		b.withoutBefore().holds(&every, id, record, -1)
		c.add("NOT ("+strings.Join(every.terms, " AND ")+")", every.args...)
	}
}

func (l lot) withoutBefore() lot { return lot{stage: l.stage, terms: l.terms} }

// beyond adds that a record comes after the mark.
func beyond(where *conditions, stage int, at, id string, after *ticketing.PeopleMark) {
	if after != nil && after.Stage == stage {
		where.add("("+at+", "+id+") < (?, ?)", after.At.UTC(), after.ID)
	}
}

// marks reads ids and times.
func (n nouns) marks(ctx context.Context, stage int, query string, args []any) (list []ticketing.PeopleMark, err error) {
	rows, err := n.orm.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // its error is Err's
	for rows.Next() {
		m, at := ticketing.PeopleMark{Stage: stage}, moment{}
		if err := rows.Scan(&m.ID, &at); err != nil {
			return nil, err
		}
		if at.at != nil {
			m.At = *at.at
		}
		list = append(list, m)
	}
	return list, failed(rows.Err())
}

// beginning gives the range of the texts that begin with a text.
func beginning(text string) (low, high string) { return text, text + string(utf8.MaxRune) }

func reversed(text string) string {
	letters := []rune(text)
	slices.Reverse(letters)
	return string(letters)
}

// WholeCitizens implements ticketing.Searches.
func (n nouns) WholeCitizens(ctx context.Context, ids []string) (map[string]ticketing.Citizen, error) {
	var rows []ticketing.Citizen
	if len(ids) == 0 {
		return nil, nil
	}
	oldestFirst := func(db *gorm.DB) *gorm.DB { return db.Order("created_at, id") }
	db := n.orm.WithContext(ctx).Preload("Contacts", oldestFirst).Preload("Addresses", oldestFirst)
	if err := db.Where(n.among("id", ids)).Find(&rows).Error; err != nil {
		return nil, failed(err)
	}
	found := make(map[string]ticketing.Citizen, len(rows))
	for _, c := range rows {
		found[c.ID] = c
	}
	return found, nil
}

// OpenTickets implements ticketing.Searches.
func (n nouns) OpenTickets(ctx context.Context, scope ticketing.TicketScope, citizenIDs []string) (map[string]int, error) {
	if len(citizenIDs) == 0 {
		return nil, nil
	}
	where := &conditions{}
	n.visible(where, ticketing.TicketQuery{Scope: scope}, func(name string) string {
		if n.db.engine == SQLite { // by the citizens, not by the departments
			return "+t." + name
		}
		return "t." + name
	})
	var rows []struct {
		CitizenID string
		Open      int
	}
	err := n.read(ctx, &rows, "SELECT t.citizen_id, COUNT(*) AS open FROM tickets t WHERE ? AND t.status <> 'closed' AND "+
		strings.Join(where.terms, " AND ")+" GROUP BY t.citizen_id", append([]any{n.among("t.citizen_id", citizenIDs)}, where.args...)...)
	open := make(map[string]int, len(rows))
	for _, r := range rows {
		open[r.CitizenID] = r.Open
	}
	return open, err
}

// citizenWord is a word a record is found by.
type citizenWord struct {
	Word      string `gorm:"primaryKey"`
	Kind      string `gorm:"primaryKey"`
	CitizenID string `gorm:"primaryKey"`
	Record    string
}

// wordsOf gives the words a record is found by.
func wordsOf(c *ticketing.Citizen) (names, places []string) {
	var where []string
	for _, a := range c.Addresses {
		where = append(where, a.Complement, a.Street, a.Postcode, a.City)
	}
	return words.Folded(strings.Join([]string{c.GivenName, c.FamilyName, c.UsageName, c.Organisation}, " ")), words.Folded(strings.Join(where, " "))
}

// addWords writes the words of new records. In the order of the words, so that two groups never wait for one another in turn.
func (n nouns) addWords(ctx context.Context, citizens []ticketing.Citizen) error {
	var rows []citizenWord
	for _, c := range citizens {
		if c.MergedInto != nil || c.AnonymisedAt != nil {
			continue
		}
		names, places := wordsOf(&c)
		for _, w := range names {
			rows = append(rows, citizenWord{w, "name", c.ID, c.Search})
		}
		for _, w := range places {
			rows = append(rows, citizenWord{w, "address", c.ID, c.Search})
		}
	}
	slices.SortStableFunc(rows, func(a, b citizenWord) int { return strings.Compare(a.Word, b.Word) })
	return insert(ctx, n, rows, insertion{conflict: "DO NOTHING"})
}

// changeWords writes the words of a record anew.
func (n nouns) changeWords(ctx context.Context, citizens ...ticketing.Citizen) error {
	ids := make([]string, len(citizens))
	for i, c := range citizens {
		ids[i] = c.ID
	}
	if _, err := n.exec(ctx, "DELETE FROM citizen_words WHERE ?", n.among("citizen_id", ids)); err != nil {
		return err
	}
	return n.addWords(ctx, citizens)
}

// IndexCitizens implements ticketing.Searches.
func (n nouns) IndexCitizens(ctx context.Context, ids []string) error {
	return n.together(ctx, func(tx nouns) error {
		var citizens []ticketing.Citizen
		err := tx.locking().WithContext(ctx).Preload("Contacts").Preload("Addresses").Where(tx.among("id", ids)).Order("id").Find(&citizens).Error
		if err != nil {
			return failed(err)
		}
		for i := range citizens {
			keepCitizen(&citizens[i])
			if _, err := tx.exec(ctx, "UPDATE citizens SET search = ? WHERE id = ?", citizens[i].Search, citizens[i].ID); err != nil {
				return err
			}
			for _, k := range citizens[i].Contacts {
				if wanted := backwards(k); wanted != k.Backwards {
					if _, err := tx.exec(ctx, "UPDATE contacts SET backwards = ? WHERE id = ?", wanted, k.ID); err != nil {
						return err
					}
				}
			}
		}
		return tx.changeWords(ctx, citizens...)
	})
}

// keptContacts are contacts with the store's own column up to date.
func keptContacts(contacts []ticketing.Contact) []ticketing.Contact {
	contacts = slices.Clone(contacts)
	for i := range contacts {
		contacts[i].Backwards = backwards(contacts[i])
	}
	return contacts
}

func backwards(k ticketing.Contact) string {
	if k.Type != "phone" {
		return ""
	}
	return strings.TrimSuffix(reversed(k.Value), "+")
}

// jsonList makes a list one value of SQLite.
func jsonList(values []string) string {
	list, err := json.Marshal(values)
	if err != nil { // a []string can always be written
		return "[]"
	}
	return string(list)
}
