package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guichet/config"
	"guichet/ticketing"
	"guichet/ticketing/demo"
)

type benchSearch struct {
	Citizens int    `help:"Records, each with a name, an address, a telephone number and an e-mail address." default:"2000"`
	Messages int    `help:"Messages, three to a ticket." default:"6000"`
	Searches int    `help:"Searches of each kind." default:"200"`
	Scale    int    `help:"Multiplies records and messages." default:"1"`
	Clients  int    `help:"Searches under way at once." default:"8"`
	Database string `help:"sqlite, or postgres://… of an empty database." default:"sqlite"`
	Keep     bool   `help:"Search what an earlier run has left in the database."`
	Redis    string `help:"embedded, or redis://…" default:"embedded"`
	JSON     bool   `help:"One JSON object instead of lines."`
	Profile  string `help:"Write a CPU profile of the searches there." placeholder:"FILE"`
}

// searchFigures is what the benchmark found.
type searchFigures struct {
	Database   string      `json:"database"`
	Citizens   int         `json:"citizens"`
	Messages   int         `json:"messages"`
	Clients    int         `json:"clients"`
	IndexedPer float64     `json:"messages_indexed_per_second"`
	Kinds      []kindTimes `json:"searches"`
	People     waits       `json:"people_ms"` // of all kinds that find people
	Text       waits       `json:"text_ms"`   // of all kinds that find messages
	Bare       waits       `json:"bare_ms"`   // one record by its key, in the same run
	Ratio      float64     `json:"people_ratio"`
	TextRatio  float64     `json:"text_ratio"`
}

// kindTimes is what one kind of search took.
type kindTimes struct {
	Kind    string `json:"kind"`
	Took    waits  `json:"ms"`
	Found   int    `json:"found"`    // searches that found something
	TooMany int    `json:"too_many"` // that were answered by the newest
}

// Run measures searches among records and messages it makes first.
func (b benchSearch) Run(w world) (err error) {
	b.Citizens, b.Messages = b.Citizens*b.Scale, b.Messages*b.Scale
	if b.Citizens < 1 || b.Messages < 1 || b.Clients < 1 || b.Searches < 1 {
		return fmt.Errorf("--citizens, --messages, --searches and --clients must be above zero (%w)", errUsage)
	}
	folder, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ctx, cancel := context.WithTimeout(w.ctx, 3*time.Hour)
	defer cancel()
	c := config.Default()
	c.Database, c.Redis, c.Files = b.Database, b.Redis, filepath.Join(folder, "files")
	if b.Database == "sqlite" {
		c.Database = "sqlite://" + filepath.Join(folder, "guichet.db")
	}
	if err := migrateFor(ctx, c); err != nil {
		return err
	}
	h, err := openHub(ctx, c, newLog(w.stderr, config.Log{Level: "error"}), hubOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	town, err := demo.Town()
	if err != nil {
		return err
	}
	if _, err := h.town.Import(ctx, town, false); err != nil {
		return err
	}
	engine, _, _ := strings.Cut(b.Database, ":")
	figures := searchFigures{Database: engine, Citizens: b.Citizens, Messages: b.Messages, Clients: b.Clients}
	said := func(what string, done, of int) {
		if done%100000 < 8*fillGroup && of > 100000 {
			_, _ = fmt.Fprintf(w.stderr, "%s: %d of %d\n", what, done, of) // a word on the way
		}
	}
	if !b.Keep {
		if err := b.fill(ctx, h, said); err != nil {
			return err
		}
	}
	if err := b.index(ctx, h, said, &figures); err != nil {
		return err
	}
	if err := b.measure(ctx, h, &figures); err != nil {
		return err
	}
	return b.print(w.stdout, figures)
}

// How the records and messages are written: groups of whole tickets, some at once.
const (
	fillGroup = 2040
	fillers   = 4
)

// fill makes the records and messages, through the store that the services write by.
func (b benchSearch) fill(ctx context.Context, h *hub, said func(what string, done, of int)) error {
	ids := make([]string, b.Citizens)
	err := atOnce(ctx, fillers, (b.Citizens+fillGroup-1)/fillGroup, func(ctx context.Context, g int) error {
		var citizens []ticketing.Citizen
		var contacts []ticketing.Contact
		for i := g * fillGroup; i < min((g+1)*fillGroup, b.Citizens); i++ {
			c, k := benchCitizen(i, b.Citizens)
			citizens, contacts, ids[i] = append(citizens, c), append(contacts, k...), c.ID
		}
		said("citizens", g*fillGroup, b.Citizens)
		return h.db.InTx(ctx, func(tx ticketing.Nouns) error {
			if err := tx.AddCitizens(ctx, citizens); err != nil {
				return err
			}
			return tx.AddContacts(ctx, contacts)
		})
	})
	if err != nil {
		return err
	}
	tickets, messages := benchTickets(b.Messages, ids, h.town.Now().Departments)
	err = atOnce(ctx, fillers, (b.Messages+fillGroup-1)/fillGroup, func(ctx context.Context, g int) error {
		from, to := g*fillGroup, min((g+1)*fillGroup, b.Messages)
		said("messages", from, b.Messages)
		return h.db.InTx(ctx, func(tx ticketing.Nouns) error {
			if err := tx.AddTickets(ctx, tickets(from, to)); err != nil {
				return err
			}
			return tx.AddMessages(ctx, messages(from, to))
		})
	})
	if err != nil {
		return err
	}
	return nil
}

// index writes the words of what waits for it.
func (b benchSearch) index(ctx context.Context, h *hub, said func(what string, done, of int), figures *searchFigures) error {
	begin, indexed := time.Now(), atomic.Int64{}
	err := atOnce(ctx, 2, 2, func(ctx context.Context, _ int) error {
		for {
			done, err := h.db.IndexQueued(ctx, 8*fillGroup) // whole blocks are written once
			if err != nil || done == 0 {
				return err
			}
			said("indexed", int(indexed.Add(int64(done))), b.Messages)
		}
	})
	if err != nil {
		return err
	}
	figures.IndexedPer = float64(indexed.Load()) / time.Since(begin).Seconds()
	return h.db.SettleIndex(ctx)
}

// benchKinds are the kinds of searches, first those that find people.
func benchKinds() (people, texts []string) {
	return []string{"name", "typo", "phone", "email", "address"}, []string{"rare word", "common word", "two words"}
}

// benchedSearch is one search and what came of it.
type benchedSearch struct {
	kind, text string
	took       time.Duration
	found      bool
	tooMany    bool
}

// do searches as the API does.
func (s *benchedSearch) do(ctx context.Context, reader *ticketing.Reader, actor ticketing.Actor) error {
	begin := time.Now()
	defer func() { s.took = time.Since(begin) }()
	if people, _ := benchKinds(); slices.Contains(people, s.kind) {
		page, err := reader.Citizens(ctx, actor, s.text, 20, "")
		s.found = len(page.Rows) > 0
		return err
	}
	page, err := reader.Tickets(ctx, actor, ticketing.TicketQuery{Text: s.text}, "")
	s.found, s.tooMany = len(page.Rows) > 0, page.TooMany
	return err
}

// measure makes the searches, all kinds mixed, and the bare query that stands beside them.
func (b benchSearch) measure(ctx context.Context, h *hub, figures *searchFigures) error {
	reader := ticketing.NewReader(h.db, h.files, h.town, h.router, now)
	admin, _ := h.town.Now().AgentByEmail("admin@valmont.example")
	actor, _ := h.town.Now().Actor(admin.ID, false)
	people, texts := benchKinds()
	var all []*benchedSearch
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same searches each time
	for range b.Searches {
		for _, kind := range slices.Concat(people, texts) {
			all = append(all, &benchedSearch{kind: kind, text: benchQuery(kind, random, b.Citizens, b.Messages)})
		}
	}
	for _, s := range all[:min(len(all), 400)] { // the first ones find nothing in memory
		if err := s.do(ctx, reader, actor); err != nil {
			return err
		}
	}
	endProfile, err := profile(b.Profile)
	if err != nil {
		return err
	}
	err = atOnce(ctx, b.Clients, len(all), func(ctx context.Context, i int) error { return all[i].do(ctx, reader, actor) })
	if err = errors.Join(err, endProfile()); err != nil {
		return err
	}
	bare := make([]time.Duration, len(all))
	err = atOnce(ctx, b.Clients, len(all), func(ctx context.Context, i int) error {
		begin := time.Now()
		_, err := h.db.PhoneOwners(ctx, []string{benchPhone(i % b.Citizens)})
		bare[i] = time.Since(begin)
		return err
	})
	figures.sum(all, bare)
	return err
}

// sum puts what was measured in its place.
func (f *searchFigures) sum(all []*benchedSearch, bare []time.Duration) {
	people, texts := benchKinds()
	var ofPeople, ofTexts []time.Duration
	for _, kind := range slices.Concat(people, texts) {
		k := kindTimes{Kind: kind}
		var took []time.Duration
		for _, s := range all {
			if s.kind != kind {
				continue
			}
			took = append(took, s.took)
			if s.found {
				k.Found++
			}
			if s.tooMany {
				k.TooMany++
			}
		}
		if slices.Contains(people, kind) {
			ofPeople = append(ofPeople, took...)
		} else {
			ofTexts = append(ofTexts, took...)
		}
		k.Took = percentiles(took)
		f.Kinds = append(f.Kinds, k)
	}
	f.People, f.Text, f.Bare = percentiles(ofPeople), percentiles(ofTexts), percentiles(bare)
	f.Ratio, f.TextRatio = f.People.P50/f.Bare.P50, f.Text.P50/f.Bare.P50
}

// atOnce does something n times, so many at once, until the first error.
func atOnce(ctx context.Context, clients, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	working.Wait()
	return context.Cause(ctx)
}

func (b benchSearch) print(out io.Writer, f searchFigures) error {
	if b.JSON {
		return json.NewEncoder(out).Encode(f)
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "search, %d citizens, %d messages, %d clients, %s\n", f.Citizens, f.Messages, f.Clients, f.Database)
	if f.IndexedPer > 0 {
		fmt.Fprintf(&lines, "  %8.0f messages/s indexed\n", f.IndexedPer)
	}
	line := func(name string, w waits, more string) {
		fmt.Fprintf(&lines, "  %-12s p50 %7.2f ms, p95 %7.2f, p99 %7.2f%s\n", name, w.P50, w.P95, w.P99, more)
	}
	for _, k := range f.Kinds {
		line(k.Kind, k.Took, fmt.Sprintf("; %d found, %d by the newest", k.Found, k.TooMany))
	}
	line("people", f.People, fmt.Sprintf("; ratio %.1f", f.Ratio))
	line("text", f.Text, fmt.Sprintf("; ratio %.1f", f.TextRatio))
	line("bare query", f.Bare, "")
	_, err := io.WriteString(out, lines.String())
	return err
}
