package ticketing_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guichet/ticketing"
)

func (h *hall) registry() *ticketing.Registry {
	return ticketing.NewRegistry(h.db, h.town, h.router, h.clock.now, slog.New(slog.DiscardHandler))
}

// family is some records and all that belongs to them.
type family struct {
	people    []ticketing.Citizen
	contacts  []ticketing.Contact
	notes     []ticketing.CitizenNote
	relations []ticketing.Relation
	tickets   []ticketing.Ticket
	calls     []ticketing.Call

	homes map[string]string // of each row, the record it belongs to when nothing is merged
	into  map[string]string // of each merged record, the one it points at
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// makeFamily describes three to six records that share much with each other.
func makeFamily(h *hall, r *rand.Rand, number *int) *family {
	c := &family{homes: map[string]string{}, into: map[string]string{}}
	agent := h.actor("agent").ID
	now := h.clock.now()
	for range 3 + r.IntN(4) {
		id := ticketing.NewID()
		p := ticketing.Citizen{
			ID: id, Version: 1, Kind: pick(r, ticketing.Person, ticketing.Company), FamilyName: pick(r, "", "Perrin", "Lefèvre"), UsageName: pick(r, "", "", "Roux"),
			GivenName: pick(r, "", "Anne", "Zoé"), Civility: pick(r, "", "Mme"), BirthDate: pick(r, "", "1961-03-04", "1970-01-01"), SIREN: pick(r, "", "", "732829320"),
			Language: pick(r, "fr", "en"), NoDigital: pick(r, true, false), Provisional: pick(r, true, false), CreatedAt: now, UpdatedAt: now,
		}
		if r.IntN(2) == 0 {
			at := now.Add(-time.Duration(r.IntN(1000)) * time.Hour)
			p.LastContactAt = &at
		}
		for _, channel := range []string{"sms", "email"} {
			if r.IntN(3) == 0 {
				p.Refusals = append(p.Refusals, ticketing.ChannelRefusal{CitizenID: id, Channel: channel, At: now.Add(-time.Duration(r.IntN(9)) * time.Hour), AgentID: pick(r, nil, &agent)})
			}
		}
		for range r.IntN(3) {
			p.Addresses = append(p.Addresses, ticketing.PostalAddress{ID: ticketing.NewID(), CitizenID: id, Street: pick(r, "18 avenue Foch", "2 rue Basse"), City: "Valmont", Country: "FR", CreatedAt: now})
		}
		for range r.IntN(3) {
			c.contacts = append(c.contacts, ticketing.Contact{ID: ticketing.NewID(), CitizenID: id, Type: "phone", Value: pick(r, "+33639980001", "+33639980002"), CreatedAt: now})
		}
		for range r.IntN(3) {
			*number++
			c.tickets = append(c.tickets, someTicket(id, *number, now))
		}
		if r.IntN(2) == 0 {
			c.notes = append(c.notes, ticketing.CitizenNote{ID: ticketing.NewID(), CitizenID: id, AgentID: agent, Text: "x", CreatedAt: now})
			key := ticketing.NewID()
			c.calls = append(c.calls, ticketing.Call{ID: key, Exchange: "x", Key: key, CitizenID: &id, Direction: ticketing.In, CreatedAt: now})
		}
		c.people = append(c.people, p)
	}
	for range r.IntN(4) {
		one, other := pick(r, c.people...), pick(r, c.people...)
		if one.ID != other.ID {
			c.relations = append(c.relations, ticketing.Relation{ID: ticketing.NewID(), FromID: one.ID, ToID: other.ID, Kind: ticketing.RelationGuardian, CreatedAt: now})
		}
	}
	return c
}

func someTicket(citizen string, number int, now time.Time) ticketing.Ticket {
	return ticketing.Ticket{
		ID: ticketing.NewID(), Year: 2020, Number: number, Version: 1, Subject: "x", Status: ticketing.StatusNew, Channel: "counter", Department: "accueil",
		Priority: ticketing.Normal, CitizenID: &citizen, Language: "fr", Weight: 1, ReceivedAt: now, RegisteredAt: now, UpdatedAt: now, QueuedAt: &now,
	}
}

// add writes the families down.
func addFamilies(h *hall, families []*family) {
	h.must(h.db.InTx(h.Context(), func(tx ticketing.Nouns) error {
		for _, c := range families {
			for _, step := range []error{
				tx.AddCitizens(h.Context(), c.people), tx.AddContacts(h.Context(), c.contacts), tx.AddTickets(h.Context(), c.tickets),
			} {
				if step != nil {
					return step
				}
			}
			for _, n := range c.notes {
				h.must(tx.AddCitizenNote(h.Context(), n))
			}
			for _, r := range c.relations {
				h.must(tx.AddRelation(h.Context(), r))
			}
			for _, call := range c.calls {
				h.must(tx.SaveCall(h.Context(), call))
			}
		}
		return nil
	}))
}

// owners reads whose each row is now, and what each record says.
func (c *family) owners(h *hall) (rows, records map[string]string) {
	ctx := h.Context()
	rows, records = map[string]string{}, map[string]string{}
	var ids, tickets []string
	for _, p := range c.people {
		ids = append(ids, p.ID)
	}
	people, err := h.db.LockCitizens(ctx, ids)
	h.must(err)
	for _, p := range people {
		for _, k := range p.Contacts {
			rows["contact "+k.ID] = p.ID
		}
		for _, a := range p.Addresses {
			rows["address "+a.ID] = p.ID
		}
		notes, err := h.db.CitizenNotes(ctx, p.ID)
		h.must(err)
		for _, n := range notes {
			rows["note "+n.ID] = p.ID
		}
		relations, err := h.db.RelationsOf(ctx, p.ID)
		h.must(err)
		for _, r := range relations {
			rows["from "+r.ID], rows["to "+r.ID] = r.FromID, r.ToID
		}
		var says strings.Builder
		fmt.Fprintln(&says, p.Kind, p.FamilyName, p.UsageName, p.GivenName, p.Civility, p.BirthDate, p.SIREN, p.Language, p.NoDigital, p.Provisional)
		if p.LastContactAt != nil {
			fmt.Fprintln(&says, p.LastContactAt.UTC())
		}
		for _, r := range p.Refusals {
			fmt.Fprintln(&says, r.Channel, r.At.UTC(), r.AgentID == nil)
		}
		if p.MergedInto != nil {
			fmt.Fprintln(&says, "into", *p.MergedInto)
		}
		records[p.ID] = says.String()
	}
	for _, t := range c.tickets {
		tickets = append(tickets, t.ID)
	}
	found, err := h.db.TicketsByIDs(ctx, tickets)
	h.must(err)
	for _, t := range found {
		rows["ticket "+t.ID] = *t.CitizenID
	}
	for _, call := range c.calls {
		now, err := h.db.Call(ctx, call.ID)
		h.must(err)
		rows["call "+call.ID] = *now.CitizenID
	}
	return rows, records
}

// root is the record another lives on in.
func (c *family) root(id string) string {
	for c.into[id] != "" {
		id = c.into[id]
	}
	return id
}

// expected is whose each row must be: the record its own lives on in.
func (c *family) expected() map[string]string {
	rows := map[string]string{}
	for row, home := range c.homes {
		rows[row] = c.root(home)
	}
	return rows
}

// TestAnySequenceOfMergesUndoneInAnyOrderEqualsTheStart merges, undoes and files tickets at random, then undoes what still stands, in any
// order. Between the steps each row is where its own record lives on; at the end every record says what it said.
func TestAnySequenceOfMergesUndoneInAnyOrderEqualsTheStart(t *testing.T) {
	const sequences = 200
	eachHall(t, func(h *hall) {
		seed := uint64(time.Now().UnixNano())
		h.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		number := 0
		families := make([]*family, sequences)
		for i := range families {
			families[i] = makeFamily(h, r, &number)
		}
		addFamilies(h, families)
		for i, c := range families {
			before := c.play(h, r, &number)
			_, after := c.owners(h)
			if diff := cmp.Diff(before, after); diff != "" {
				h.Fatalf("sequence %d: what the records say, -start +end:\n%s", i, diff)
			}
			if h.Failed() {
				return
			}
		}
	})
}

// play does a sequence and gives what the records said at the start.
func (c *family) play(h *hall, r *rand.Rand, number *int) (start map[string]string) {
	ctx, registry, emma := h.Context(), h.registry(), h.actor("agent")
	c.homes, start = c.owners(h)
	var story []string
	var standing []ticketing.Merge
	undo := func(i int) {
		m := standing[i]
		standing = slices.Delete(standing, i, i+1)
		_, err := registry.Undo(ctx, emma, m.ID, "erreur")
		h.must(err)
		delete(c.into, m.FromID)
		story = append(story, "undo "+m.FromID)
	}
	check := func() {
		rows, _ := c.owners(h)
		if diff := cmp.Diff(c.expected(), rows); diff != "" {
			h.Fatalf("after %q: -want +got:\n%s", story, diff)
		}
	}
	for range 3 + r.IntN(6) {
		switch living := c.living(); {
		case r.IntN(4) == 0 && len(standing) > 0:
			undo(r.IntN(len(standing)))
		case r.IntN(4) == 0:
			*number++
			ticket := someTicket(pick(r, living...), *number, h.clock.now())
			h.must(h.db.AddTickets(ctx, []ticketing.Ticket{ticket}))
			c.tickets = append(c.tickets, ticket)
			c.homes["ticket "+ticket.ID] = *ticket.CitizenID
		case len(living) > 1:
			i := r.IntN(len(living))
			j := (i + 1 + r.IntN(len(living)-1)) % len(living)
			m, err := registry.Merge(ctx, emma, living[i], living[j], "même personne", someChoices(r))
			h.must(err)
			standing = append(standing, m)
			c.into[living[j]] = living[i]
			story = append(story, living[j]+" into "+living[i])
		}
		if r.IntN(3) == 0 { // reading all of it takes longer than the steps
			check()
		}
	}
	for len(standing) > 0 {
		undo(r.IntN(len(standing)))
	}
	check()
	return start
}

func (c *family) living() (ids []string) {
	for _, p := range c.people {
		if c.into[p.ID] == "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func someChoices(r *rand.Rand) map[string]string {
	chosen := map[string]string{}
	for _, field := range []string{"kind", "family", "usage", "given", "birth_date", "siren", "language", "no_digital"} {
		if r.IntN(3) == 0 {
			chosen[field] = pick(r, ticketing.FieldInto, ticketing.FieldFrom)
		}
	}
	return chosen
}
