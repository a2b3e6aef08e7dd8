package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"guichet/routing/words"
	"guichet/ticketing"
)

// The index of what messages say is two tables of our own, the same on both engines, so that a text is found in the same messages on
// both: PostgreSQL's and SQLite's own indexes know neither how often a word stands there nor which message is the newest.

// searchItem is something whose words are not in the index yet.
type searchItem struct {
	ID     string `gorm:"primaryKey"`
	Noun   string
	Number int64 // in the index, of a message that was there before the index; 0: the next one; -1: a record that was there
}

// TableName names the table.
func (searchItem) TableName() string { return "search_queue" }

// searchDocument is a message in the index.
type searchDocument struct {
	Number     int64 `gorm:"primaryKey;autoIncrement:false"`
	MessageID  string
	TicketID   string
	Department string // of a note: where it was written
}

// searchWord says in which messages of a block a stem stands.
type searchWord struct {
	Word   string `gorm:"primaryKey"`
	Block  int    `gorm:"primaryKey;autoIncrement:false"`
	Amount int
	Places string
}

const (
	blockSize   = 2048
	maxIndexed  = 256 << 10 // bytes of a message that are read for their words
	maxStems    = 4000      // of a message
	rememberedW = 50000     // words whose stems are remembered
)

// letters write the place of a message in its block, two for each: 11 bits.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func appendPlace(places []byte, place int) []byte {
	return append(places, letters[place>>6], letters[place&63])
}

// placeSet is a block's messages as bits.
type placeSet [blockSize / 64]uint64

func (s *placeSet) addAll(places string) {
	for i := 0; i+1 < len(places); i += 2 {
		place := strings.IndexByte(letters, places[i])<<6 | strings.IndexByte(letters, places[i+1])
		if place >= 0 && place < blockSize {
			s[place>>6] |= 1 << (place & 63)
		}
	}
}

func (s *placeSet) keep(other *placeSet) {
	for i := range s {
		s[i] &= other[i]
	}
}

// stems remembers what words are looked up by: most words of a text are those of the last one.
type stems struct {
	mu    sync.Mutex
	known map[string][]string
}

func (s *stems) of(word string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys, ok := s.known[word]; ok {
		return keys
	}
	keys := words.Keys(word)
	if s.known == nil || len(s.known) >= rememberedW {
		s.known = make(map[string][]string)
	}
	s.known[strings.Clone(word)] = keys
	return keys
}

// indexed are the stems of a text, each once. The short common words of both languages are left out: they stand everywhere.
func (s *stems) indexed(text string) map[string]bool {
	if len(text) > maxIndexed {
		text = text[:maxIndexed]
	}
	found := map[string]bool{}
	for word := range words.Split(strings.ToValidUTF8(text, " ")) {
		if len(word) > 200 || words.IsCommon(words.Fold(word)) {
			continue
		}
		for _, key := range s.of(word) {
			found[key] = true
		}
		if len(found) >= maxStems {
			break
		}
	}
	return found
}

// queueMessages has messages indexed.
func (n nouns) queueMessages(ctx context.Context, messages []ticketing.Message) error {
	items := make([]searchItem, len(messages))
	for i, m := range messages {
		items[i] = searchItem{ID: m.ID, Noun: "message"}
	}
	return insert(ctx, n, items, insertion{conflict: "DO NOTHING"})
}

// requeueTicket has the messages of a ticket indexed anew when its subject is about to become another.
func (n nouns) requeueTicket(ctx context.Context, t *ticketing.Ticket) error {
	_, err := n.exec(ctx, `INSERT INTO search_queue (id, noun) SELECT m.id, 'message' FROM tickets t JOIN messages m ON m.ticket_id = t.id
		WHERE t.id = ? AND t.subject <> ? ON CONFLICT DO NOTHING`, t.ID, clean(t.Subject))
	return err
}

// IndexQueued implements ticketing.Searches.
func (n nouns) IndexQueued(ctx context.Context, limit int) (done int, err error) {
	var waiting int
	if err := n.read(ctx, &waiting, "SELECT COUNT(*) FROM (SELECT 1 FROM search_queue LIMIT 1) AS few"); err != nil || waiting == 0 {
		return 0, err // without becoming SQLite's one writer
	}
	err = n.together(ctx, func(tx nouns) error {
		items, err := tx.nextQueued(ctx, limit)
		if err != nil {
			return err
		}
		done = len(items)
		numbers := map[string]int64{}
		var citizens []string
		for _, i := range items {
			if i.Noun == "citizen" {
				citizens = append(citizens, i.ID)
			} else {
				numbers[i.ID] = i.Number
			}
		}
		if err := tx.indexMessages(ctx, numbers); err != nil || len(citizens) == 0 {
			return err
		}
		return tx.IndexCitizens(ctx, citizens)
	})
	return done, err
}

// nextQueued takes from the queue what is new, in the order in which it came; then records; then messages that were there before the
// index, the newest first. The limit is in the text, because a planner that does not know it reads the whole queue.
func (n nouns) nextQueued(ctx context.Context, limit int) (items []searchItem, err error) {
	for _, lot := range []string{"number = 0 ORDER BY id", "number < 0 ORDER BY id DESC", "number > 0 ORDER BY number DESC"} {
		err = n.read(ctx, &items, "WITH next AS MATERIALIZED (SELECT id FROM search_queue WHERE "+lot+" LIMIT "+strconv.Itoa(limit)+n.forUpdate(" FOR UPDATE SKIP LOCKED")+
			") DELETE FROM search_queue WHERE id IN (SELECT id FROM next) RETURNING id, noun, number")
		if err != nil || len(items) > 0 {
			return items, err
		}
	}
	return nil, nil
}

// readMessage is a message as it is indexed.
type readMessage struct {
	ID         string
	TicketID   string
	Department string
	FromName   string
	Subject    string
	Known      string // the ticket's subject
	Text       string
	At         time.Time
}

// indexMessages writes the words of messages. numbers has those that have one already.
func (n nouns) indexMessages(ctx context.Context, numbers map[string]int64) error {
	if len(numbers) == 0 {
		return nil
	}
	ids := make([]string, 0, len(numbers))
	for id := range numbers {
		ids = append(ids, id)
	}
	var messages []readMessage
	err := n.read(ctx, &messages, `SELECT m.id, m.ticket_id, m.from_name, m.subject, t.subject AS known, m.text, m.at,
			CASE WHEN m.direction = 'note' THEN COALESCE((SELECT e.department FROM events e
				WHERE e.ticket_id = m.ticket_id AND e.message_id = m.id AND e.type = 'note.added' LIMIT 1), t.department) ELSE '' END AS department
		FROM messages m JOIN tickets t ON t.id = m.ticket_id WHERE ?`, n.among("m.id", ids))
	if err != nil {
		return err
	}
	slices.SortFunc(messages, func(a, b readMessage) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	if _, err := n.exec(ctx, "DELETE FROM search_documents WHERE ?", n.among("message_id", ids)); err != nil {
		return err
	}
	var news int64
	said := make([]map[string]bool, len(messages))
	for i, m := range messages {
		said[i] = n.db.stems.indexed(m.words())
		if numbers[m.ID] == 0 {
			news++
		}
	}
	// Who counts makes others wait until the end of the transaction: the rows of a block are written by one at a time.
	last, err := n.count(ctx, "search_documents", news)
	if err != nil {
		return err
	}
	next := last - news + 1
	documents := make([]searchDocument, len(messages))
	for i, m := range messages {
		number := numbers[m.ID]
		if number == 0 {
			number = next
			next++
		}
		documents[i] = searchDocument{Number: number, MessageID: m.ID, TicketID: m.TicketID, Department: m.Department}
	}
	if err := insert(ctx, n, documents, insertion{}); err != nil {
		return err
	}
	return insert(ctx, n, wordRows(said, documents), insertion{
		conflict: "(word, block) DO UPDATE SET amount = search_words.amount + excluded.amount, places = search_words.places || excluded.places",
	})
}

// words is what a message is found by.
func (m readMessage) words() string {
	text := m.Subject + "\n" + m.FromName + "\n" + m.Text
	if m.Known != m.Subject {
		text = m.Known + "\n" + text
	}
	return text
}

// wordRows makes a row of each stem and block.
func wordRows(said []map[string]bool, documents []searchDocument) []searchWord {
	type key struct {
		word  string
		block int
	}
	places := map[key][]byte{}
	for i, d := range documents {
		for stem := range said[i] {
			k := key{stem, int(d.Number / blockSize)}
			places[k] = appendPlace(places[k], int(d.Number%blockSize))
		}
	}
	rows := make([]searchWord, 0, len(places))
	for k, p := range places {
		rows = append(rows, searchWord{Word: k.word, Block: k.block, Amount: len(p) / 2, Places: string(p)})
	}
	slices.SortFunc(rows, func(a, b searchWord) int { return cmp.Or(cmp.Compare(a.Word, b.Word), cmp.Compare(a.Block, b.Block)) })
	return rows
}

// SettleIndex does at once what a database does by itself after much was written: it counts what is in the tables.
func (d *DB) SettleIndex(ctx context.Context) error {
	if d.engine == SQLite {
		_, err := d.sql.ExecContext(ctx, "ANALYZE")
		return err
	}
	db, err := d.patient()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM ANALYZE")
	return errors.Join(err, db.Close())
}
