package ticketing

import "time"

// Role is what an agent is trusted with beyond her own departments' tickets. Roles are a set.
type Role string

// The roles.
const (
	RoleAgent      Role = "agent"      // reads open departments, works in her own
	RoleSupervisor Role = "supervisor" // assigns and watches in the departments she supervises
	RoleAdmin      Role = "admin"      // edits the town; sees no citizen's data by itself
	RoleDPO        Role = "dpo"        // data protection officer: reads the audit, exports and erases a person's data
)

// Agent is a person who works with Guichet.
type Agent struct {
	ID             string `gorm:"primaryKey"`
	Email          string // lower case
	Name           string
	Signature      string // what her answers are signed with, under her name: "chargée d’accueil, Voirie"
	Language       string // of her screen
	Roles          Strings
	AllDepartments bool   // member (and supervisor, when she is one) of every department
	Capacity       int    // open tickets she may hold at once
	Extension      string // what the telephone exchange calls her: a user name or a number; empty: it does not know her
	PasswordHash   string
	Active         bool
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Memberships    []Membership `gorm:"foreignKey:AgentID"`
}

// Membership is an agent's place in a department.
type Membership struct {
	AgentID    string `gorm:"primaryKey"`
	Department string `gorm:"primaryKey"`
	Supervisor bool
}

// Has tells whether the agent has a role.
func (a Agent) Has(r Role) bool { return a.Roles.Has(string(r)) }

// Token lets a program act for an agent. Only the SHA-256 of the token is kept.
type Token struct {
	ID         string `gorm:"primaryKey"`
	AgentID    string
	Name       string
	Hash       string // lower-case hexadecimal SHA-256
	Scope      string // read | write
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	LastUsedAt *time.Time // noted at most once a minute
	RevokedAt  *time.Time
}

// Session is a browser's sign-in. Only the SHA-256 of the cookie is kept.
type Session struct {
	Hash      string `gorm:"primaryKey"`
	Data      []byte
	ExpiresAt time.Time
}
