// Package config reads the configuration of a hub: one YAML file, the environment over it, and secrets from files of their own.
// It knows what the keys are and which values can be right; it opens nothing but the files it is told to read. Only the command
// imports it: every other package takes its options as arguments.
package config

import (
	"encoding/base64"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"guichet/channels/cti"
	"guichet/channels/email"
	"guichet/channels/twilio"
)

// Config is everything a hub needs to know before it starts. Its tags are the keys of the file and, in capitals, the names of
// the variables; guichet.example.yaml explains each of them.
type Config struct {
	Database      string          `koanf:"database"`
	Redis         string          `koanf:"redis"`
	Files         string          `koanf:"files"`
	SecretKey     string          `koanf:"secret_key"`
	OldSecretKeys []string        `koanf:"old_secret_keys"`
	HTTP          HTTP            `koanf:"http"`
	Town          Town            `koanf:"town"`
	Mailboxes     []email.Mailbox `koanf:"mailboxes"`
	Twilio        twilio.Options  `koanf:"twilio"`
	CTI           []cti.Exchange  `koanf:"cti"`
	Consultations Consultations   `koanf:"consultations"`
	Log           Log             `koanf:"log"`
}

// HTTP says where the hub listens and under which address people know it.
type HTTP struct {
	Listen        string `koanf:"listen"`
	PublicURL     string `koanf:"public_url"`     // without a slash at its end; links in mails begin with it
	MetricsListen string `koanf:"metrics_listen"` // empty: /metrics is on Listen and wants an administrator's token
	// TrustedProxies are the addresses or networks of reverse proxies whose X-Forwarded-For is believed. Without them every visitor
	// behind a proxy shares its address, and with it the limit on failed sign-ins.
	TrustedProxies []string `koanf:"trusted_proxies"`
}

// Town is whose hub this is.
type Town struct {
	Name      string   `koanf:"name"`
	Timezone  string   `koanf:"timezone"`
	Region    string   `koanf:"region"`    // country whose telephone numbers need no prefix
	Languages []string `koanf:"languages"` // of answers and pages; the first one when nothing else decides
	Address   string   `koanf:"address"`   // where citizens find the town hall; of every department that has none of its own
	// QuietHours are two times of day in Timezone, "20:00-08:00", between which nothing that is not an answer is texted; empty: none.
	QuietHours string `koanf:"quiet_hours"`
}

// Consultations says how long who looked at whose file is kept.
type Consultations struct {
	Keep time.Duration `koanf:"keep"`
}

// Log says how much is logged and in which form.
type Log struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Default is the embedded mode: everything in one process and one folder, reachable from this machine only.
func Default() Config {
	return Config{
		Database: "sqlite://var/guichet.db",
		Redis:    "embedded",
		Files:    "var/files",
		HTTP:     HTTP{Listen: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080"},
		Town:     Town{Name: "Mairie", Timezone: "Europe/Paris", Region: "FR", Languages: []string{"fr", "en"}, QuietHours: "20:00-08:00"},
		Twilio:   twilio.Options{APIBase: "https://api.twilio.com", KeepRecordings: 720 * time.Hour},
		// The CNIL's recommendation on logging (délibération 2021-122) is six months to a year.
		Consultations: Consultations{Keep: 365 * 24 * time.Hour},
		Log:           Log{Level: "info", Format: "text"},
	}
}

// PublicURL is the address of a hub that listens there and was given no other. One that listens on every address of the machine
// is called by the name that works on the machine itself, because no other can be known.
func PublicURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Location is the zone of the town's legal dates. Validate has tried it; a zone that cannot be loaded is UTC.
func (t Town) Location() *time.Location {
	zone, err := time.LoadLocation(t.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Quiet is when the quiet hours begin and end, as time since midnight; the end may be smaller, on the next day. ok is false when
// there are none, and when they cannot be read, which Validate has tried.
func (t Town) Quiet() (from, until time.Duration, ok bool) {
	begin, end, _ := strings.Cut(t.QuietHours, "-")
	from, okFrom := timeOfDay(begin)
	until, okUntil := timeOfDay(end)
	return from, until, okFrom && okUntil && from != until
}

// timeOfDay reads "20:00" as time since midnight.
func timeOfDay(text string) (time.Duration, bool) {
	at, err := time.Parse("15:04", strings.TrimSpace(text))
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err == nil
}

// SlogLevel is the least important level that is logged.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// Key is the secret key itself, nil when there is none.
func (c Config) Key() []byte {
	key, err := decodeKey(c.SecretKey)
	if err != nil {
		return nil
	}
	return key
}

// OldKeys are the keys that still verify what they signed.
func (c Config) OldKeys() [][]byte {
	var keys [][]byte
	for _, text := range c.OldSecretKeys {
		if key, err := decodeKey(text); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// decodeKey reads a key as `openssl rand -base64 32` prints it; the URL-safe alphabet is the same key.
func decodeKey(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
}

// hidden stands for a secret wherever a configuration is shown.
const hidden = "***"

// String shows the configuration without its secrets.
func (c Config) String() string { return c.LogValue().String() }

// GoString is String, so that not even %#v shows a secret.
func (c Config) GoString() string { return c.String() }

// LogValue shows the configuration without its secrets. It names what may be seen, so that a key added later is hidden until
// somebody decides otherwise.
func (c Config) LogValue() slog.Value {
	var mailboxes []slog.Attr
	for _, m := range c.Mailboxes {
		mailboxes = append(mailboxes, slog.Group(m.Name,
			slog.String("department", m.Department),
			slog.Group("imap", slog.String("host", m.IMAP.Host), slog.Int("port", m.IMAP.Port), slog.String("tls", string(m.IMAP.TLS)),
				slog.String("password", hide(m.IMAP.Password)), slog.String("folder", m.IMAP.Folder), slog.Any("folders", m.IMAP.Folders), slog.String("after", m.IMAP.After),
				slog.Duration("poll", m.IMAP.Poll), slog.Int64("max_size", m.IMAP.MaxSize)),
			slog.Group("smtp", slog.String("host", m.SMTP.Host), slog.Int("port", m.SMTP.Port), slog.String("tls", string(m.SMTP.TLS)),
				slog.String("password", hide(m.SMTP.Password))),
			slog.Group("oauth2", slog.String("token_url", hideInURL(m.OAuth2.TokenURL)), slog.String("client_secret", hide(m.OAuth2.ClientSecret)),
				slog.String("refresh_token", hide(m.OAuth2.RefreshToken))),
		))
	}
	var exchanges []slog.Attr
	for _, e := range c.CTI {
		exchanges = append(exchanges, slog.Group(e.Name, slog.String("token", hide(e.Token)), slog.String("numbers", e.Numbers),
			slog.String("department", e.Department), slog.Int("blocked", len(e.Blocked))))
	}
	return slog.GroupValue(
		slog.String("database", hideInURL(c.Database)),
		slog.String("redis", hideInURL(c.Redis)),
		slog.String("files", c.Files),
		slog.String("secret_key", hide(c.SecretKey)),
		slog.Int("old_secret_keys", len(c.OldSecretKeys)),
		slog.Group("http", slog.String("listen", c.HTTP.Listen), slog.String("public_url", c.HTTP.PublicURL),
			slog.String("metrics_listen", c.HTTP.MetricsListen)),
		slog.Group("town", slog.String("name", c.Town.Name), slog.String("timezone", c.Town.Timezone),
			slog.String("region", c.Town.Region), slog.Any("languages", c.Town.Languages), slog.String("address", c.Town.Address),
			slog.String("quiet_hours", c.Town.QuietHours)),
		slog.Attr{Key: "mailboxes", Value: slog.GroupValue(mailboxes...)},
		slog.Group("twilio", slog.String("account_sid", hide(c.Twilio.AccountSID)), slog.String("auth_token", hide(c.Twilio.AuthToken)),
			slog.String("api_base", hideInURL(c.Twilio.APIBase)), slog.Int("lines", len(c.Twilio.Lines)), // their names may be numbers
			slog.Bool("record_calls", c.Twilio.RecordCalls), slog.Duration("keep_recordings", c.Twilio.KeepRecordings)),
		slog.Attr{Key: "cti", Value: slog.GroupValue(exchanges...)},
		slog.Group("consultations", slog.Duration("keep", c.Consultations.Keep)),
		slog.Group("log", slog.String("level", c.Log.Level), slog.String("format", c.Log.Format)),
	)
}

// hide replaces a secret, and leaves it visible that there is none.
func hide(secret string) string {
	if secret == "" {
		return ""
	}
	return hidden
}

// hideInURL keeps what helps an operator: scheme, server, name of the database. A password may stand before the @ and among the
// parameters; one with a character that should have been encoded may stand anywhere, and then nothing is shown.
func hideInURL(raw string) string {
	if !strings.ContainsAny(raw, "@?") {
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || strings.Contains(u.Path, "@") {
		return hidden
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += hidden + "@"
	}
	return shown + u.Host + u.Path
}
