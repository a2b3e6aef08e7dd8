package ticketing

import (
	"slices"
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
	ID               string `gorm:"primaryKey"`
	Version          int
	Kind             Kind
	FamilyName       string // the name at birth, as civil status has it; the display name of a sender we know nothing else of
	UsageName        string // the name used in life, when it is another
	GivenName        string // all given names, the usual one first
	Civility         string
	BirthDate        string // "1961-03-04"; empty: unknown
	Organisation     string
	SIREN            string `gorm:"column:siren"` // of a company or an association, nine digits
	SIRET            string `gorm:"column:siret"` // of its establishment, fourteen digits
	RNA              string `gorm:"column:rna"`   // of an association: "W691234567"
	Language         string
	PreferredChannel string // channels.Name; empty: none
	NoDigital        bool   // she does not use the Internet: nothing is asked of her that needs it
	Provisional      bool   // made from a message or a call; no agent has looked at it
	RestrictedAt     *time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	LastContactAt    *time.Time
	MergedInto       *string
	AnonymisedAt     *time.Time
	Search           string           // the store's own, kept with every write: the words of the names, a bar, those of the addresses
	Sounds           string           // the store's own too: how the name sounds
	UsageSounds      string           // and the name used in life, with the same given name
	Contacts         []Contact        `gorm:"foreignKey:CitizenID"`
	Addresses        []PostalAddress  `gorm:"foreignKey:CitizenID"`
	Refusals         []ChannelRefusal `gorm:"foreignKey:CitizenID"`
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
	ID          string `gorm:"primaryKey"`
	CitizenID   string
	Type        string // email | phone
	Value       string // e-mail in lower case, phone in E.164
	Verified    bool   // it is hers, as far as VerifiedHow says
	VerifiedHow string // VerifiedByUse, VerifiedByAgent; empty with Verified: before this was noted
	VerifiedAt  *time.Time
	Label       string
	Claims      bool   // what comes from this address is hers: at most one record claims a value, though several may have it
	Backwards   string // the store's own: a telephone number's digits, the last first
	CreatedAt   time.Time
}

// WithoutTwins is a record as it is shown: a contact or an address that a merge brought twice is there once. Both are kept, so that each
// record has its own again when the merge is undone.
func (c Citizen) WithoutTwins() Citizen {
	c.Contacts, c.Addresses = once(c.Contacts, Contact.key), once(c.Addresses, PostalAddress.place)
	return c
}

// once keeps the first of those that have the same key.
func once[T any, K comparable](list []T, key func(T) K) []T {
	seen := map[K]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(one T) bool {
		k := key(one)
		twice := seen[k]
		seen[k] = true
		return twice
	})
}

// key is what makes a contact another one.
func (k Contact) key() [2]string { return [2]string{k.Type, k.Value} }

// How a contact or an address was verified.
const (
	VerifiedByUse   = "use"   // she has written, called or answered from it
	VerifiedByAgent = "agent" // an agent saw a proof
)

// PostalAddress is where a citizen lives or has her seat.
type PostalAddress struct {
	ID          string `gorm:"primaryKey"`
	CitizenID   string
	Label       string
	Complement  string // building, floor, "chez M. Perrin"
	Street      string // "18 avenue Foch"
	Postcode    string
	City        string
	Country     string // ISO 3166-1, two letters
	Verified    bool
	VerifiedHow string
	VerifiedAt  *time.Time
	Search      string // the store's own: street, postcode and city, folded
	CreatedAt   time.Time
}

// TableName names the table: GORM would call it postal_addresses.
func (PostalAddress) TableName() string { return "addresses" }

// ChannelRefusal is a channel a citizen does not want to be written to by.
type ChannelRefusal struct {
	CitizenID string `gorm:"primaryKey"`
	Channel   string `gorm:"primaryKey"`
	At        time.Time
	AgentID   *string // who noted it
}
