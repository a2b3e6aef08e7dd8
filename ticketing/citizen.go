package ticketing

import (
	"strings"
	"time"
)

// Kind of a citizen record.
type Kind string

// The kinds.
const (
	Person      Kind = "person"
	Family      Kind = "family"
	Company     Kind = "company"
	Association Kind = "association"
)

// Citizen is the one record of somebody who contacts the town hall. Nothing is deleted softly: MergedInto and AnonymisedAt say
// what happened to it.
type Citizen struct {
	ID            string `gorm:"primaryKey"`
	Version       int
	Kind          Kind
	FamilyName    string // as written by herself; the display name of a sender we know nothing else of
	UsageName     string
	GivenName     string
	Civility      string
	Organisation  string
	Language      string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	LastContactAt *time.Time
	MergedInto    *string
	AnonymisedAt  *time.Time
	Search        string    // the store's own, kept with every write: the names, folded
	Contacts      []Contact `gorm:"foreignKey:CitizenID"`
}

// Name gives the citizen's name as it is read aloud. It is empty for somebody who left none.
func (c Citizen) Name() string {
	if c.Organisation != "" && c.Kind != Person {
		return c.Organisation
	}
	family := c.FamilyName
	if c.UsageName != "" {
		family = c.UsageName
	}
	return strings.TrimSpace(c.GivenName + " " + family)
}

// Contact is a way to reach a citizen.
type Contact struct {
	ID        string `gorm:"primaryKey"`
	CitizenID string
	Type      string // email | phone
	Value     string // e-mail in lower case, phone in E.164
	Verified  bool   // she has written or answered from it
	Label     string
	Claims    bool // what comes from this address is hers: at most one record claims a value, though several may have it
	CreatedAt time.Time
}
