package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// claimant is a citizen and the value she claims.
type claimant struct {
	ticketing.Citizen
	Value string
}

// CitizensByContacts implements ticketing.Citizens.
func (n nouns) CitizensByContacts(ctx context.Context, contactType string, values []string) (map[string]ticketing.Citizen, error) {
	var rows []claimant
	err := n.read(ctx, &rows, "SELECT citizens.*, c.value FROM contacts c JOIN citizens ON citizens.id = c.citizen_id WHERE c.type = ? AND c.claims AND ?",
		contactType, n.among("c.value", values))
	if err != nil {
		return nil, err
	}
	claimed := make(map[string]ticketing.Citizen, len(rows))
	for _, r := range rows {
		claimed[r.Value] = r.Citizen
	}
	return claimed, nil
}

// ClaimContacts implements ticketing.Citizens.
func (n nouns) ClaimContacts(ctx context.Context, contacts []ticketing.Contact) (map[string]bool, error) {
	sorted := slices.SortedStableFunc(slices.Values(keptContacts(contacts)), func(a, b ticketing.Contact) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Type, b.Type))
	})
	won := make(map[string]bool, len(sorted))
	how := insertion{conflict: "(type, value) WHERE claims DO NOTHING", returning: "id"}
	err := insertReturning(ctx, n, sorted, how, func(row *sql.Rows) error {
		var id string
		if err := row.Scan(&id); err != nil {
			return err
		}
		won[id] = true
		return nil
	})
	return won, err
}

// AddCitizens implements ticketing.Citizens.
func (n nouns) AddCitizens(ctx context.Context, citizens []ticketing.Citizen) error {
	citizens = slices.Clone(citizens)
	for i := range citizens {
		keepCitizen(&citizens[i])
	}
	if err := insert(ctx, n, citizens, insertion{}); err != nil {
		return err
	}
	if err := n.addWords(ctx, citizens); err != nil {
		return err
	}
	for _, c := range citizens {
		if len(c.Addresses)+len(c.Refusals) == 0 {
			continue
		}
		if err := n.saveParts(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// keepCitizen brings the store's own columns of a record up to date.
func keepCitizen(c *ticketing.Citizen) {
	names, places := wordsOf(c)
	c.Search = " " + strings.Join(names, " ") + " | " + strings.Join(places, " ") + " "
	c.Sounds, c.UsageSounds = ticketing.Sounds(*c)
}

// recordColumns are the columns SaveCitizen writes: all but what a record is born with.
func recordColumns() []string {
	return []string{
		"version", "kind", "family_name", "usage_name", "given_name", "civility", "birth_date", "organisation", "siren", "siret", "rna", "language",
		"preferred_channel", "no_digital", "provisional", "restricted_at", "updated_at", "last_contact_at", "merged_into", "anonymised_at", "search", "sounds", "usage_sounds",
	}
}

// SaveCitizen implements ticketing.Citizens.
func (n nouns) SaveCitizen(ctx context.Context, c *ticketing.Citizen) error {
	next := *c
	next.Version++
	keepCitizen(&next)
	err := n.together(ctx, func(tx nouns) error {
		saved, err := update(ctx, tx, &next, recordColumns(), "id = ? AND version = ?", c.ID, c.Version)
		if err != nil {
			return err
		}
		if !saved {
			return &ticketing.Error{Code: ticketing.CodeStale}
		}
		if err := tx.saveParts(ctx, next); err != nil {
			return err
		}
		return tx.changeWords(ctx, next)
	})
	if err == nil {
		*c = next
	}
	return err
}

// saveParts writes the addresses and refusals of a record as they are now.
func (n nouns) saveParts(ctx context.Context, c ticketing.Citizen) error {
	kept := make([]string, len(c.Addresses))
	for i := range c.Addresses {
		a := &c.Addresses[i]
		a.CitizenID, a.Search, kept[i] = c.ID, ticketing.FoldPlace(*a), a.ID
	}
	if _, err := n.exec(ctx, "DELETE FROM addresses WHERE citizen_id = ? AND NOT (?)", c.ID, n.among("id", kept)); err != nil {
		return err
	}
	if err := put(ctx, n, c.Addresses); err != nil {
		return err
	}
	if _, err := n.exec(ctx, "DELETE FROM channel_refusals WHERE citizen_id = ?", c.ID); err != nil {
		return err
	}
	for i := range c.Refusals {
		c.Refusals[i].CitizenID = c.ID
	}
	return insert(ctx, n, c.Refusals, insertion{})
}

// SaveContacts implements ticketing.Citizens.
func (n nouns) SaveContacts(ctx context.Context, contacts []ticketing.Contact) error {
	return put(ctx, n, keptContacts(contacts))
}

// DropContacts implements ticketing.Citizens.
func (n nouns) DropContacts(ctx context.Context, ids []string) error {
	_, err := n.exec(ctx, "DELETE FROM contacts WHERE ?", n.among("id", ids))
	return err
}

// AddRelation implements ticketing.Citizens.
func (n nouns) AddRelation(ctx context.Context, r ticketing.Relation) error {
	return insert(ctx, n, []ticketing.Relation{r}, insertion{})
}

// SaveRelation implements ticketing.Citizens.
func (n nouns) SaveRelation(ctx context.Context, r ticketing.Relation) error {
	_, err := update(ctx, n, &r, []string{"until"}, "id = ?", r.ID) // whose it is may have changed since it was read
	return err
}

// Relation implements ticketing.Citizens.
func (n nouns) Relation(ctx context.Context, id string) (ticketing.Relation, error) {
	return one[ticketing.Relation](ctx, n, "id = ?", id)
}

// RelationsOf implements ticketing.Citizens.
func (n nouns) RelationsOf(ctx context.Context, citizenID string) (relations []ticketing.Relation, err error) {
	err = n.orm.WithContext(ctx).Where("from_id = ? OR to_id = ?", citizenID, citizenID).Order("created_at, id").Find(&relations).Error
	return relations, failed(err)
}

// AddCitizenNote implements ticketing.Citizens.
func (n nouns) AddCitizenNote(ctx context.Context, note ticketing.CitizenNote) error {
	return insert(ctx, n, []ticketing.CitizenNote{note}, insertion{})
}

// CitizenNotes implements ticketing.Citizens.
func (n nouns) CitizenNotes(ctx context.Context, citizenID string) (notes []ticketing.CitizenNote, err error) {
	err = n.orm.WithContext(ctx).Where("citizen_id = ?", citizenID).Order("created_at DESC, id DESC").Find(&notes).Error
	return notes, failed(err)
}

// AddContacts implements ticketing.Citizens.
func (n nouns) AddContacts(ctx context.Context, contacts []ticketing.Contact) error {
	return insert(ctx, n, keptContacts(contacts), insertion{})
}

// Citizen implements ticketing.Citizens.
func (n nouns) Citizen(ctx context.Context, id string) (c ticketing.Citizen, err error) {
	err = wholeRecord(n.orm.WithContext(ctx)).Where("id = ?", id).Take(&c).Error
	return c.WithoutTwins(), failed(err)
}

// CitizensByIDs implements ticketing.Citizens.
func (n nouns) CitizensByIDs(ctx context.Context, ids []string) (map[string]ticketing.Citizen, error) {
	var rows []ticketing.Citizen
	if err := n.orm.WithContext(ctx).Where(n.among("id", ids)).Find(&rows).Error; err != nil {
		return nil, failed(err)
	}
	found := make(map[string]ticketing.Citizen, len(rows))
	for _, c := range rows {
		found[c.ID] = c
	}
	return found, nil
}

// CountOpen implements ticketing.Citizens.
func (n nouns) CountOpen(ctx context.Context, scope ticketing.TicketScope, citizenID string) (open int, err error) {
	where := &conditions{}
	n.visible(where, ticketing.TicketQuery{Scope: scope}, func(name string) string { return "t." + name })
	where.add("t.citizen_id = ?", citizenID)
	where.add("t.status <> 'closed'")
	err = n.read(ctx, &open, "SELECT COUNT(*) FROM tickets t WHERE "+strings.Join(where.terms, " AND "), where.args...)
	return open, err
}

// LastContact implements ticketing.Citizens.
func (n nouns) LastContact(ctx context.Context, scope ticketing.TicketScope, citizenID string) (hides bool, last *time.Time, err error) {
	where := &conditions{}
	n.visible(where, ticketing.TicketQuery{Scope: scope}, func(name string) string { return "t." + name })
	seen := strings.Join(where.terms, " AND ")
	var outside []string
	err = n.read(ctx, &outside, "SELECT t.id FROM tickets t WHERE t.citizen_id = ? AND NOT COALESCE(("+seen+"), FALSE) LIMIT 1",
		append([]any{citizenID}, where.args...)...)
	if err != nil || len(outside) == 0 {
		return false, nil, err
	}
	var at []time.Time
	err = n.read(ctx, &at, "SELECT m.at FROM tickets t JOIN messages m ON m.ticket_id = t.id WHERE t.citizen_id = ? AND m.direction = 'in' AND ("+seen+
		") ORDER BY m.at DESC LIMIT 1", append([]any{citizenID}, where.args...)...)
	if err != nil || len(at) == 0 {
		return true, nil, err
	}
	return true, &at[0], nil
}

// LockCitizens implements ticketing.Citizens.
func (n nouns) LockCitizens(ctx context.Context, ids []string) (citizens []ticketing.Citizen, err error) {
	err = wholeRecord(n.locks("UPDATE").WithContext(ctx)).Where(n.among("id", ids)).Order("id").Find(&citizens).Error
	return citizens, failed(err)
}

func wholeRecord(db *gorm.DB) *gorm.DB {
	oldestFirst := func(db *gorm.DB) *gorm.DB { return db.Order("created_at, id") }
	return db.Preload("Contacts", oldestFirst).Preload("Addresses", oldestFirst).
		Preload("Refusals", func(db *gorm.DB) *gorm.DB { return db.Order("channel") })
}

// TouchCitizens implements ticketing.Citizens.
func (n nouns) TouchCitizens(ctx context.Context, ids []string, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	// Locked in the order of their ids: two groups with the same citizens wait for each other, and never for one another in turn.
	_, err := n.exec(ctx, "WITH touched AS (SELECT id FROM citizens WHERE ? AND (last_contact_at IS NULL OR last_contact_at < ?) ORDER BY id"+
		n.forUpdate(" FOR NO KEY UPDATE")+") UPDATE citizens SET last_contact_at = ? WHERE id IN (SELECT id FROM touched)",
		n.among("id", ids), at, at)
	return err
}
