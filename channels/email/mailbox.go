// Package email reads the town's mailboxes over IMAP, turns mail into what every channel speaks, and hands answers over by SMTP. It knows
// no ticket: what comes in goes to a Receiver, what goes out is an Outbound.
package email

import "time"

// Mailbox is one of the town's addresses and the two servers behind it, as the configuration describes it.
type Mailbox struct {
	Name          string   `koanf:"name"`
	Address       string   `koanf:"address"`
	Department    string   `koanf:"department"`     // where its mail goes when no rule matches
	FormSenders   []string `koanf:"form_senders"`   // mail from these is a person's: identity and answers go to Reply-To
	PlusAddresses bool     `koanf:"plus_addresses"` // the server delivers name+anything@ to name@: answers carry a reply token
	IMAP          IMAP     `koanf:"imap"`
	SMTP          SMTP     `koanf:"smtp"`
}

// TLS is how a connection is protected.
type TLS string

// The ways to protect a connection.
const (
	Implicit TLS = "implicit"
	StartTLS TLS = "starttls"
	NoTLS    TLS = "none"
)

// IMAP says where mail is read and what happens to it there once it is filed.
type IMAP struct {
	Host     string        `koanf:"host"`
	Port     int           `koanf:"port"`
	TLS      TLS           `koanf:"tls"`
	Username string        `koanf:"username"`
	Password string        `koanf:"password"`
	Folder   string        `koanf:"folder"`
	After    string        `koanf:"after"`    // leave | seen | move:FOLDER
	Poll     time.Duration `koanf:"poll"`     // the truth; IDLE only makes it faster
	MaxSize  int64         `koanf:"max_size"` // bytes; larger mails are quarantined with their header
}

// SMTP says where answers are handed over.
type SMTP struct {
	Host     string `koanf:"host"`
	Port     int    `koanf:"port"`
	TLS      TLS    `koanf:"tls"`
	Username string `koanf:"username"`
	Password string `koanf:"password"`
}
