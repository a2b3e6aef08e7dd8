package demo

import (
	"bytes"
	"time"

	"go.yaml.in/yaml/v3"
)

// Telephone is who calls Valmont, and whose numbers it knows from before.
type Telephone struct {
	People []Person `yaml:"people"`
	Calls  []Call   `yaml:"calls"` // in the order they are made
}

// Person is somebody whose number the town hall has.
type Person struct {
	Name      string `yaml:"name"`
	Email     string `yaml:"email"`
	Number    string `yaml:"number"`    // E.164 without the plus
	Household bool   `yaml:"household"` // others answer the number, too
}

// Call is one call to the town hall, or out of it.
type Call struct {
	Number     string   `yaml:"number"` // the citizen's: E.164 without the plus, or "anonymous"
	Out        bool     `yaml:"out"`
	Rings      []string `yaml:"rings"`       // whose telephones ring, by extension; who calls when Out
	AnsweredBy string   `yaml:"answered_by"` // extension; empty: nobody
	Ring       int      `yaml:"ring"`        // seconds until it is taken or over
	Talk       int      `yaml:"talk"`        // seconds after that
	Cause      string   `yaml:"cause"`       // why it ends, in the words of the exchange
}

// RingFor is how long it rings.
func (c Call) RingFor() time.Duration { return time.Duration(c.Ring) * time.Second }

// TalkFor is how long they talk.
func (c Call) TalkFor() time.Duration { return time.Duration(c.Talk) * time.Second }

// Calls gives who telephones.
func Calls() (Telephone, error) {
	raw, err := files.ReadFile("calls.yaml")
	if err != nil {
		return Telephone{}, err
	}
	var t Telephone
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return t, d.Decode(&t)
}
