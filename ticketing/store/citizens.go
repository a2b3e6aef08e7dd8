package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"guichet/routing/words"
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
	sorted := slices.SortedStableFunc(slices.Values(contacts), func(a, b ticketing.Contact) int {
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
	for i, c := range citizens {
		citizens[i].Search = words.Fold(strings.Join([]string{c.GivenName, c.FamilyName, c.UsageName, c.Organisation}, " "))
	}
	return insert(ctx, n, citizens, insertion{})
}

// AddContacts implements ticketing.Citizens.
func (n nouns) AddContacts(ctx context.Context, contacts []ticketing.Contact) error {
	return insert(ctx, n, contacts, insertion{})
}

// Citizen implements ticketing.Citizens.
func (n nouns) Citizen(ctx context.Context, id string) (c ticketing.Citizen, err error) {
	oldestFirst := func(db *gorm.DB) *gorm.DB { return db.Order("created_at, id") }
	err = n.orm.WithContext(ctx).Preload("Contacts", oldestFirst).Where("id = ?", id).Take(&c).Error
	return c, failed(err)
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
