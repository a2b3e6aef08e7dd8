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
	OAuth2        OAuth2   `koanf:"oauth2"` // instead of the passwords; empty: by password
}

// OAuth2 is how access tokens for both servers are had (RFC 6749): with a refresh token those of a person who has consented, without
// one those of the client itself.
type OAuth2 struct {
	TokenURL     string `koanf:"token_url"`
	ClientID     string `koanf:"client_id"`
	ClientSecret string `koanf:"client_secret"`
	Scope        string `koanf:"scope"` // one or several, with spaces between them
	RefreshToken string `koanf:"refresh_token"`
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
	Folders  []string      `koanf:"folders"`  // instead of Folder: several
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

// Folder is one folder of a mailbox, which is read by itself.
type Folder struct {
	Mailbox        // with this IMAP.Folder alone
	Place   string // the mailbox's name as channels.Place, cursor and lease have it

	tokens *tokens // shared by the folders; nil: by password
}

// EachFolder gives the folders of a mailbox. The first one has the mailbox's plain name as its place, so that what was read before
// there were others stays read.
func (m Mailbox) EachFolder() []Folder {
	names := m.IMAP.Folders
	if len(names) == 0 {
		names = []string{m.IMAP.Folder}
	}
	t := newTokens(m.OAuth2)
	var all []Folder
	for i, name := range names {
		f := Folder{Mailbox: m, Place: m.Name, tokens: t}
		if name == "" {
			name = defaultFolder
		}
		f.IMAP.Folder, f.IMAP.Folders = name, nil
		if i > 0 {
			f.Place += "/" + name
		}
		all = append(all, f)
	}
	return all
}

// account is who reads the folder.
func (f Folder) account() account { return account{f.IMAP.Username, f.IMAP.Password, f.tokens} }
