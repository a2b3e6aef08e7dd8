package store

import (
	"context"
	"encoding/json"
	"math/bits"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"guichet/routing/words"
	"guichet/ticketing"
)

// What a text search looks at.
const (
	manyMessages  = 10000 // a text found in more of them is answered by the newest
	newestLooked  = 500   // of those
	blocksFirst   = 4     // read to find them, then three times as many, and so on
	peopleLooked  = 100   // whose tickets count
	ticketsLooked = 5000  // of these people
)

// FindText implements ticketing.Searches. Each word must stand, in any of its forms, in one message, its subject, its ticket's subject or
// the name of who wrote it. The tickets of people the text finds count too.
func (n nouns) FindText(ctx context.Context, q ticketing.TextQuery) (ticketing.Found, error) {
	var found ticketing.Found
	numbers, tooMany, err := n.findMessages(ctx, q.Text)
	if err != nil {
		return found, err
	}
	found.TooMany = tooMany
	if found.Tickets, err = n.ticketsSaying(ctx, q.Scope, numbers); err != nil {
		return found, err
	}
	if !q.People.Anybody() {
		more, err := n.ticketsOfPeople(ctx, q.People)
		if err != nil {
			return found, err
		}
		found.Tickets = append(found.Tickets, more...)
	}
	if q.Number > 0 {
		var more []string
		year := n.db.now().Year()
		err := n.read(ctx, &more, "SELECT id FROM tickets WHERE year BETWEEN ? AND ? AND number = ?", year-9, year, q.Number)
		if err != nil {
			return found, err
		}
		found.Tickets = append(found.Tickets, more...)
	}
	slices.Sort(found.Tickets)
	found.Tickets = slices.Compact(found.Tickets)
	return found, nil
}

// ticketsSaying gives the tickets of messages, without those of notes that were written where the scope does not reach, unless the ticket
// is there still.
func (n nouns) ticketsSaying(ctx context.Context, scope ticketing.TicketScope, numbers []int64) (ids []string, err error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	err = n.read(ctx, &ids, `SELECT DISTINCT d.ticket_id FROM search_documents d WHERE ? AND (d.department = '' OR ? OR
		d.department = (SELECT t.department FROM tickets t WHERE t.id = d.ticket_id))`,
		n.amongNumbers("d.number", numbers), n.among("d.department", scope.Departments))
	return ids, err
}

func (n nouns) ticketsOfPeople(ctx context.Context, q ticketing.PeopleQuery) (ids []string, err error) {
	q.Limit, q.Exact = peopleLooked, true
	people, err := n.FindCitizens(ctx, q)
	if err != nil || len(people) == 0 {
		return nil, err
	}
	citizens := make([]string, len(people))
	for i, p := range people {
		citizens[i] = p.ID
	}
	err = n.read(ctx, &ids, "SELECT id FROM tickets WHERE ? LIMIT ?", n.among("citizen_id", citizens), ticketsLooked)
	return ids, err
}

// findMessages gives the numbers of the messages a text is found in.
func (n nouns) findMessages(ctx context.Context, text string) (numbers []int64, tooMany bool, err error) {
	terms, common := n.textTerms(text)
	if len(terms) == 0 {
		if !common {
			return nil, false, nil
		}
		numbers, err = n.newestMessages(ctx)
		return numbers, true, err
	}
	blocks, err := n.sizesOf(ctx, terms)
	if err != nil {
		return nil, false, err
	}
	rarest := 0
	for i := range terms {
		if terms[i].amount == 0 {
			return nil, false, nil
		}
		if terms[i].amount < terms[rarest].amount {
			rarest = i
		}
	}
	terms[0], terms[rarest] = terms[rarest], terms[0]
	if terms[0].amount <= manyMessages {
		numbers, err = n.everyMessage(ctx, terms)
		return numbers, false, err
	}
	numbers, err = n.lastMessages(ctx, terms, blocks)
	return numbers, len(terms) == 1 || len(numbers) == newestLooked, err
}

// textTerm is a word of a search: any of its stems may stand for it.
type textTerm struct {
	keys   []string
	amount int // of messages, at most
}

// textTerms reads a text as messages are read. common tells that it has words, if only those that are in no index.
func (n nouns) textTerms(text string) (terms []textTerm, common bool) {
	for word := range words.Split(clean(text)) {
		if len(word) > 200 || words.IsCommon(words.Fold(word)) {
			common = true
			continue
		}
		keys := n.db.stems.of(word)
		if slices.ContainsFunc(terms, func(t textTerm) bool { return slices.Equal(t.keys, keys) }) {
			continue
		}
		if terms = append(terms, textTerm{keys: keys}); len(terms) == maxWords {
			break
		}
	}
	return terms, common
}

// sizesOf counts in how many messages each term stands, and gives the last block there is.
func (n nouns) sizesOf(ctx context.Context, terms []textTerm) (last int, err error) {
	var rows []struct {
		Word   string
		Amount int
		Last   int
	}
	err = n.read(ctx, &rows, "SELECT word, SUM(amount) AS amount, MAX(block) AS last FROM search_words WHERE ? GROUP BY word", n.among("word", keysOf(terms)))
	for _, r := range rows {
		last = max(last, r.Last)
		for i := range terms {
			if slices.Contains(terms[i].keys, r.Word) {
				terms[i].amount += r.Amount
			}
		}
	}
	return last, err
}

func keysOf(terms []textTerm) (keys []string) {
	for _, t := range terms {
		keys = append(keys, t.keys...)
	}
	return keys
}

// everyMessage reads all blocks of the rarest term, which is the first, and of the others only those.
func (n nouns) everyMessage(ctx context.Context, terms []textTerm) ([]int64, error) {
	var rows []searchWord
	if err := n.read(ctx, &rows, "SELECT word, block, places FROM search_words WHERE ?", n.among("word", terms[0].keys)); err != nil {
		return nil, err
	}
	if len(terms) > 1 {
		blocks := make([]int64, 0, len(rows))
		for _, r := range rows {
			blocks = append(blocks, int64(r.Block))
		}
		slices.Sort(blocks)
		var others []searchWord
		err := n.read(ctx, &others, "SELECT word, block, places FROM search_words WHERE ? AND ?",
			n.among("word", keysOf(terms[1:])), n.amongNumbers("block", slices.Compact(blocks)))
		if err != nil {
			return nil, err
		}
		rows = append(rows, others...)
	}
	return intersect(terms, rows), nil
}

// lastMessages reads blocks from the last one back until it has enough.
func (n nouns) lastMessages(ctx context.Context, terms []textTerm, last int) (numbers []int64, err error) {
	blocks := blocksFirst
	for end := last; end >= 0 && len(numbers) < newestLooked; end, blocks = end-blocks, min(3*blocks, 100*blocksFirst) {
		var rows []searchWord
		err := n.read(ctx, &rows, "SELECT word, block, places FROM search_words WHERE ? AND block > ? AND block <= ?",
			n.among("word", keysOf(terms)), end-blocks, end)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, intersect(terms, rows)...)
	}
	return numbers[:min(len(numbers), newestLooked)], nil
}

// intersect gives the messages in which every term stands, the newest first.
func intersect(terms []textTerm, rows []searchWord) (numbers []int64) {
	blocks := map[int][]placeSet{}
	for _, r := range rows {
		sets := blocks[r.Block]
		if sets == nil {
			sets = make([]placeSet, len(terms))
			blocks[r.Block] = sets
		}
		for i, t := range terms {
			if slices.Contains(t.keys, r.Word) {
				sets[i].addAll(r.Places)
			}
		}
	}
	for block, sets := range blocks {
		all := sets[0]
		for i := range sets[1:] {
			all.keep(&sets[i+1])
		}
		for i, word := range all {
			for ; word != 0; word &= word - 1 {
				numbers = append(numbers, int64(block)*blockSize+int64(i*64+bits.TrailingZeros64(word)))
			}
		}
	}
	slices.SortFunc(numbers, func(a, b int64) int { return int(b - a) })
	return numbers
}

// newestMessages are those looked at for a text of nothing but common words.
func (n nouns) newestMessages(ctx context.Context) (numbers []int64, err error) {
	err = n.read(ctx, &numbers, "SELECT number FROM search_documents ORDER BY number DESC LIMIT ?", newestLooked)
	return numbers, err
}

// amongNumbers is among for a column of numbers.
func (n nouns) amongNumbers(column string, values []int64) clause.Expr {
	if n.db.engine == PostgreSQL {
		return gorm.Expr(column+" = ANY(?)", pgtype.Array[int64]{
			Elements: values, Dims: []pgtype.ArrayDimension{{Length: int32(len(values)), LowerBound: 1}}, Valid: true, //nolint:gosec // a list in memory
		})
	}
	list, err := json.Marshal(values)
	if err != nil { // a []int64 can always be written
		list = []byte("[]")
	}
	return gorm.Expr(column+" IN (SELECT value FROM json_each(?))", string(list))
}
