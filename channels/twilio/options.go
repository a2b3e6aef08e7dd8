// Package twilio speaks with Twilio: text messages in and out, telephone calls answered in TwiML, and what becomes of both. It knows
// no ticket; whoever it is told to tells what a line is and what to do with what came in.
package twilio

import (
	"cmp"
	"net/url"
	"time"

	"guichet/channels"
)

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

// base is where the API is. An address that can't be read stands for nowhere, which no connection reaches.
func (o Options) base() *url.URL {
	u, err := url.Parse(cmp.Or(o.APIBase, defaultAPI))
	if err != nil {
		return &url.URL{Scheme: "https", Host: "invalid"}
	}
	return u
}

// numberOf is the number of the line of this name; empty: there is none.
func (o Options) numberOf(name string) string {
	for _, l := range o.Lines {
		if name != "" && cmp.Or(l.Name, l.Number) == name {
			return l.Number
		}
	}
	return ""
}

// lineOf is the name of the line of this number, E.164; empty: it is none of the town's.
func (o Options) lineOf(number, region string) string {
	for _, l := range o.Lines {
		own, ok := channels.ParsePhone(l.Number, region)
		if number != "" && (l.Number == number || ok && own == number) {
			return cmp.Or(l.Name, l.Number)
		}
	}
	return ""
}
