// Package ticketing is the domain: what a ticket, a citizen, an agent and a department are, and what may be done with them by
// whom. Desk does things to tickets, Reader shows them, Town is what an administrator edits; each asks a Store for its rows. It
// knows no database library, no protocol and no page.
package ticketing

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Clock tells the time. It is injected, so that a test can move it.
type Clock func() time.Time

// NewID makes an identifier that sorts by its time of making (UUID version 7, RFC 9562 section 5.7).
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil { // the system has no randomness: nothing can be named safely any more
		return uuid.NewString()
	}
	return id.String()
}

// IsID tells whether s can be an identifier at all, so that nonsense never reaches the database.
func IsID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil
}

// clip cuts s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
