// Package twilio speaks with Twilio: text messages in and out, telephone calls answered in TwiML, and what becomes of both. It knows
// no ticket; whoever it is told to tells what a line is and what to do with what came in.
package twilio

import "time"

// Options is an account and the numbers Guichet answers for.
type Options struct {
	AccountSID          string        `koanf:"account_sid"`
	AuthToken           string        `koanf:"auth_token"`
	APIBase             string        `koanf:"api_base"`              // https://api.twilio.com unless a test or a proxy stands in for it
	Sender              string        `koanf:"sender"`                // E.164 number or alphanumeric name of what leaves without a line's own number
	MessagingServiceSID string        `koanf:"messaging_service_sid"` // instead of Sender
	Lines               []Line        `koanf:"lines"`
	RecordCalls         bool          `koanf:"record_calls"`    // off: conversations are never recorded
	KeepRecordings      time.Duration `koanf:"keep_recordings"` // how long a recording is kept; at most 6 months
}

// Line is one number of the account.
type Line struct {
	Name       string   `koanf:"name"`       // in the journal and in variables; the number when left out
	Number     string   `koanf:"number"`     // E.164
	Department string   `koanf:"department"` // where messages go when no rule matches
	Uses       []string `koanf:"uses"`       // sms, voice; both when left out
}

// Enabled tells whether there is an account at all.
func (o Options) Enabled() bool { return o.AccountSID != "" }
