package ticketing

import (
	"database/sql/driver"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Merge is a record that became part of another, because an agent said that they are the same person. Nothing is copied and nothing
// lost: rows change their owner, and the merge says which of them are the merged record's own.
type Merge struct {
	ID         string `gorm:"primaryKey"`
	IntoID     string // the record that lives on
	FromID     string // the one that now only points at it
	Reason     string
	AgentID    string
	At         time.Time
	Changes    MergeChanges `gorm:"column:before"`
	UndoneAt   *time.Time
	UndoneBy   *string
	UndoReason string
}

// MergeChanges is what a merge changed in the fields of the record that lives on.
type MergeChanges struct {
	Seq    int                    `json:"seq"` // its version then: the order of the merges into one record
	Fields map[string]FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field before and after a merge, as text.
type FieldChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Value implements driver.Valuer.
func (c MergeChanges) Value() (driver.Value, error) { return jsonColumn(1, c) }

// Scan implements sql.Scanner.
func (c *MergeChanges) Scan(src any) error { return scanJSON(src, c) }

// MergeMove is a row whose owner a merge changed: its own record is the one merged.
type MergeMove struct {
	MergeID string `gorm:"primaryKey"`
	Noun    string `gorm:"primaryKey"`
	RowID   string `gorm:"primaryKey"`
}

// Distinct is a pair of records that an agent said are not the same person.
type Distinct struct {
	OneID   string `gorm:"primaryKey"` // the smaller id
	OtherID string `gorm:"primaryKey"`
	AgentID *string
	At      time.Time
}

// Belongings counts what belongs to a record, as far as somebody may see.
type Belongings struct {
	Tickets, Calls, Contacts, Addresses, Relations, Notes, Refusals int
}

// FieldDifference is a field that two records have and not with the same value.
type FieldDifference struct {
	Field      string
	Into, From string
	Survives   string // FieldInto or FieldFrom, when nobody chooses
}

// Whose value of a field survives a merge.
const (
	FieldInto = "into"
	FieldFrom = "from"
)

// mergeField is a field of a record as text; an empty text is no value.
type mergeField struct {
	name   string
	chosen bool // an agent may choose whose value survives
	latest bool // the later text survives
	get    func(Citizen) string
	set    func(*Citizen, string)
}

// mergeFields lists the fields a merge decides about, in the order of a form.
func mergeFields() []mergeField {
	text := func(name string, at func(*Citizen) *string) mergeField {
		return mergeField{
			name: name, chosen: true,
			get: func(c Citizen) string { return *at(&c) },
			set: func(c *Citizen, v string) { *at(c) = v },
		}
	}
	return []mergeField{
		{
			name: "kind", chosen: true,
			get: func(c Citizen) string { return string(c.Kind) },
			set: func(c *Citizen, v string) { c.Kind = Kind(v) },
		},
		text("family", func(c *Citizen) *string { return &c.FamilyName }),
		text("usage", func(c *Citizen) *string { return &c.UsageName }),
		text("given", func(c *Citizen) *string { return &c.GivenName }),
		text("civility", func(c *Citizen) *string { return &c.Civility }),
		text("organisation", func(c *Citizen) *string { return &c.Organisation }),
		text("birth_date", func(c *Citizen) *string { return &c.BirthDate }),
		{ // the two numbers go together: a SIRET begins with its SIREN
			name: "siren", chosen: true,
			get: func(c Citizen) string { return strings.TrimSpace(c.SIREN + " " + c.SIRET) },
			set: func(c *Citizen, v string) { c.SIREN, c.SIRET, _ = strings.Cut(v, " ") },
		},
		text("rna", func(c *Citizen) *string { return &c.RNA }),
		text("language", func(c *Citizen) *string { return &c.Language }),
		text("preferred_channel", func(c *Citizen) *string { return &c.PreferredChannel }),
		{
			name: "no_digital", chosen: true,
			get: func(c Citizen) string { return yes(c.NoDigital) },
			set: func(c *Citizen, v string) { c.NoDigital = v != "" },
		},
		{ // somebody has looked at one of them, so somebody has looked at both
			name: "checked",
			get:  func(c Citizen) string { return yes(!c.Provisional) },
			set:  func(c *Citizen, v string) { c.Provisional = v == "" },
		},
		{
			name: "last_contact_at", latest: true,
			get: func(c Citizen) string {
				if c.LastContactAt == nil {
					return ""
				}
				return c.LastContactAt.UTC().Format(sortable)
			},
			set: func(c *Citizen, v string) {
				c.LastContactAt = nil
				if at, err := time.Parse(sortable, v); err == nil {
					c.LastContactAt = &at
				}
			},
		},
	}
}

// sortable is a time of which the later text is the later time, as exact as a database keeps it.
const sortable = "2006-01-02T15:04:05.000000Z07:00"

// yes writes a flag as a field: not set is no value.
func yes(set bool) string {
	if set {
		return "yes"
	}
	return ""
}

// refusalField is a channel a record refuses, as a field: since when and noted by whom.
func refusalField(channel string) mergeField {
	return mergeField{
		name: refusalPrefix + channel,
		get: func(c Citizen) string {
			for _, r := range c.Refusals {
				if r.Channel == channel {
					by := ""
					if r.AgentID != nil {
						by = *r.AgentID
					}
					return strconv.FormatInt(r.At.UnixMicro(), 10) + " " + by
				}
			}
			return ""
		},
		set: func(c *Citizen, v string) {
			c.Refusals = slices.DeleteFunc(slices.Clone(c.Refusals), func(r ChannelRefusal) bool { return r.Channel == channel })
			at, by, ok := strings.Cut(v, " ")
			micros, err := strconv.ParseInt(at, 10, 64)
			if !ok || err != nil {
				return
			}
			r := ChannelRefusal{CitizenID: c.ID, Channel: channel, At: time.UnixMicro(micros).UTC()}
			if by != "" {
				r.AgentID = &by
			}
			c.Refusals = append(c.Refusals, r)
		},
	}
}

const refusalPrefix = "refusal:"

// fieldNamed finds a field of a merge by its name.
func fieldNamed(name string) (mergeField, bool) {
	if channel, ok := strings.CutPrefix(name, refusalPrefix); ok {
		return refusalField(channel), true
	}
	for _, f := range mergeFields() {
		if f.name == name {
			return f, true
		}
	}
	return mergeField{}, false
}

// survivor tells whose value of a field lives on: the one the agent chose, else into's unless it has none.
func survivor(f mergeField, into, from Citizen, chosen map[string]string) string {
	if choice := chosen[f.name]; choice != "" && f.chosen {
		return choice
	}
	if x, y := f.get(into), f.get(from); x == "" && y != "" || f.latest && y > x {
		return FieldFrom
	}
	return FieldInto
}

// join makes into what it is once from is part of it, and says what that changed.
func join(into *Citizen, from Citizen, chosen map[string]string) map[string]FieldChange {
	fields := mergeFields()
	for _, r := range from.Refusals {
		fields = append(fields, refusalField(r.Channel))
	}
	was := *into
	changes := map[string]FieldChange{}
	for _, f := range fields {
		before, after := f.get(was), f.get(from)
		if survivor(f, was, from, chosen) == FieldFrom && before != after {
			f.set(into, after)
			changes[f.name] = FieldChange{Before: before, After: after}
		}
	}
	return changes
}

// differences lists the fields an agent may choose between.
func differences(into, from Citizen) (list []FieldDifference) {
	for _, f := range mergeFields() {
		if x, y := f.get(into), f.get(from); f.chosen && x != y {
			list = append(list, FieldDifference{Field: f.name, Into: x, From: y, Survives: survivor(f, into, from, nil)})
		}
	}
	return list
}

// checkChoices refuses a choice between what is no field or no side.
func checkChoices(chosen map[string]string) error {
	for name, side := range chosen {
		f, ok := fieldNamed(name)
		if !ok || !f.chosen || side != FieldInto && side != FieldFrom {
			return invalid("fields", "unknown")
		}
	}
	return nil
}
