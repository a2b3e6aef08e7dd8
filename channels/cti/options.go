// Package cti is told of calls by the town's own telephone exchange, over the push contract PBX vendors speak. It knows no ticket.
package cti

// How an exchange may write numbers.
const (
	International = "international" // E.164 without the plus, unless they begin with 0; the default
	National      = "national"      // as they are dialled in the town's country
)

// Exchange is one PBX that pushes its calls.
type Exchange struct {
	Name       string   `koanf:"name"`
	Token      string   `koanf:"token"`      // in the address it pushes to; a secret
	Numbers    string   `koanf:"numbers"`    // how it writes numbers: "international" (E.164 without the plus, the default) or "national"
	Department string   `koanf:"department"` // whose calls these are when the number called is no line of the town
	Blocked    []string `koanf:"blocked"`    // callers that are turned away, in any spelling
}
