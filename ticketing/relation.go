package ticketing

import "time"

// RelationKind says what one citizen is to another.
type RelationKind string

// The kinds, read from From to To: "Anne is a member of the household Perrin", "Anne is the guardian of Léo".
const (
	RelationMember     RelationKind = "member"     // of a household (a record of kind family)
	RelationGuardian   RelationKind = "guardian"   // legal guardian of a minor or a protected adult
	RelationRepresents RelationKind = "represents" // a company or an association
	RelationMandated   RelationKind = "mandated"   // a third party who acts for somebody
)

// RelationKinds lists the kinds.
func RelationKinds() []RelationKind {
	return []RelationKind{RelationMember, RelationGuardian, RelationRepresents, RelationMandated}
}

// Relation is what one citizen is to another, for a time.
type Relation struct {
	ID        string `gorm:"primaryKey"`
	FromID    string
	ToID      string
	Kind      RelationKind
	Since     string // "2024-09-01"; empty: always, as far as we know
	Until     string // the last day; empty: still
	AgentID   *string
	CreatedAt time.Time
}

// CitizenNote is what an agent wrote on a record.
type CitizenNote struct {
	ID         string `gorm:"primaryKey"`
	CitizenID  string
	AgentID    string
	Department string // whose agents alone read it; empty: whoever may read the record
	Text       string
	CreatedAt  time.Time
}
