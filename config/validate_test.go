package config

import (
	"strings"
	"testing"
	"time"

	"guichet/channels/cti"
	"guichet/channels/email"
	"guichet/channels/twilio"
)

// valid is a configuration that Validate accepts, with one mailbox.
func valid() Config {
	c := Default()
	c.Mailboxes = []email.Mailbox{withDefaults(email.Mailbox{
		Name: "mairie", Address: "contact@valmont.example", Department: "accueil",
		IMAP: email.IMAP{Host: "imap.lan", Username: "contact", Password: "x"},
		SMTP: email.SMTP{Host: "smtp.lan", Username: "contact", Password: "x"},
	})}
	return c
}

func TestValidate(t *testing.T) {
	key := strings.Repeat("A", 43) + "="
	for _, c := range []struct {
		name   string
		change func(c *Config, m *email.Mailbox)
		want   string // empty: accepted
	}{
		{"as it is", func(*Config, *email.Mailbox) {}, ""},

		{"absolute SQLite", func(c *Config, _ *email.Mailbox) { c.Database = "sqlite:///srv/guichet.db" }, ""},
		{"PostgreSQL", func(c *Config, _ *email.Mailbox) { c.Database = "postgres://u:p%40@host:5432/db?sslmode=require" }, ""},
		{"PostgreSQL by socket", func(c *Config, _ *email.Mailbox) { c.Database = "postgresql:///db?host=/run/postgresql" }, ""},
		{"no database", func(c *Config, _ *email.Mailbox) { c.Database = "" }, "database: is neither sqlite://path nor postgres://user:password@host/name; write one of them"},
		{"SQLite nowhere", func(c *Config, _ *email.Mailbox) { c.Database = "sqlite://" }, "database: is neither sqlite://path nor postgres://user:password@host/name; write one of them"},
		{"MySQL", func(c *Config, _ *email.Mailbox) { c.Database = "mysql://u:secret@host/db" }, "database: is neither sqlite://path nor postgres://user:password@host/name; write one of them"},
		{
			"a password not encoded", func(c *Config, _ *email.Mailbox) { c.Database = "postgres://u:se/cret@host/db" },
			"database: cannot be read as a URL; in a password, write %40 for @, %3A for :, %2F for /, %23 for #, %25 for %",
		},

		{"Redis", func(c *Config, _ *email.Mailbox) { c.Redis = "redis://:p@host:6379/2" }, ""},
		{"Redis with TLS", func(c *Config, _ *email.Mailbox) { c.Redis = "rediss://host" }, ""},
		{"Sentinel", func(c *Config, _ *email.Mailbox) { c.Redis = "redis-sentinel://a:1,b:2/main" }, ""},
		{"Cluster", func(c *Config, _ *email.Mailbox) { c.Redis = "redis-cluster://a:1,b:2" }, ""},
		{
			"another Redis", func(c *Config, _ *email.Mailbox) { c.Redis = "localhost:6379" },
			"redis: is neither embedded nor an address like redis://host:6379; the schemes are redis, rediss, redis-sentinel, redis-cluster",
		},
		{"Redis nowhere", func(c *Config, _ *email.Mailbox) { c.Redis = "redis://" }, "redis: names no host; write for example redis://host:6379"},
		{
			"a Redis password not encoded", func(c *Config, _ *email.Mailbox) { c.Redis = "redis://:100%@host" },
			"redis: cannot be read as a URL; in a password, write %40 for @, %3A for :, %2F for /, %23 for #, %25 for %",
		},

		{"no files", func(c *Config, _ *email.Mailbox) { c.Files = "" }, "files: is empty; name the folder that keeps large originals and attachments"},
		{"a key", func(c *Config, _ *email.Mailbox) { c.SecretKey, c.OldSecretKeys = key, []string{key} }, ""},
		{"a short key", func(c *Config, _ *email.Mailbox) { c.SecretKey = "AAAA" }, "secret_key: is not 32 bytes in base64; make one with: openssl rand -base64 32"},
		{"a passphrase", func(c *Config, _ *email.Mailbox) { c.SecretKey = "correct horse" }, "secret_key: is not 32 bytes in base64; make one with: openssl rand -base64 32"},
		{"an old passphrase", func(c *Config, _ *email.Mailbox) { c.OldSecretKeys = []string{key, "horse"} }, "old_secret_keys[1]: is not 32 bytes in base64; copy it as it was, or remove it"},

		{"every address", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = ":8080" }, ""},
		{"IPv6", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = "[::1]:8080" }, ""},
		{"any port", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = "127.0.0.1:0" }, ""},
		{"no port", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = "127.0.0.1" }, `http.listen: "127.0.0.1" is not an address and a port; write for example 127.0.0.1:8080, or :8080 for every address`},
		{"a port by name", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = ":http" }, `http.listen: ":http" is not an address and a port; write for example 127.0.0.1:8080, or :8080 for every address`},
		{"a port too far", func(c *Config, _ *email.Mailbox) { c.HTTP.Listen = ":70000" }, `http.listen: ":70000" is not an address and a port; write for example 127.0.0.1:8080, or :8080 for every address`},
		{"metrics elsewhere", func(c *Config, _ *email.Mailbox) { c.HTTP.MetricsListen = "127.0.0.1:9090" }, ""},
		{"trusted proxies", func(c *Config, _ *email.Mailbox) { c.HTTP.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8", "::1"} }, ""},
		{
			"a proxy by its name", func(c *Config, _ *email.Mailbox) { c.HTTP.TrustedProxies = []string{"proxy"} },
			`http.trusted_proxies: "proxy" is neither an address nor a network; write for example 127.0.0.1 or 10.0.0.0/8`,
		},
		{"metrics nowhere", func(c *Config, _ *email.Mailbox) { c.HTTP.MetricsListen = "9090" }, `http.metrics_listen: "9090" is not an address and a port; write for example 127.0.0.1:8080, or :8080 for every address`},
		{
			"metrics at the same place", func(c *Config, _ *email.Mailbox) { c.HTTP.MetricsListen = c.HTTP.Listen },
			"http.metrics_listen: is the same as http.listen; choose another port, or leave it empty and use /metrics with a token",
		},
		{"https", func(c *Config, _ *email.Mailbox) { c.HTTP.PublicURL = "https://guichet.valmont.example" }, ""},
		{"no scheme", func(c *Config, _ *email.Mailbox) { c.HTTP.PublicURL = "guichet.example" }, `http.public_url: "guichet.example" is not an address people can open; write for example https://guichet.valmont.example`},
		{"another scheme", func(c *Config, _ *email.Mailbox) { c.HTTP.PublicURL = "ftp://g.example" }, `http.public_url: "ftp://g.example" is not an address people can open; write for example https://guichet.valmont.example`},
		{"no host", func(c *Config, _ *email.Mailbox) { c.HTTP.PublicURL = "https://:80" }, `http.public_url: "https://:80" is not an address people can open; write for example https://guichet.valmont.example`},
		{
			"a path", func(c *Config, _ *email.Mailbox) { c.HTTP.PublicURL = "https://valmont.example/guichet" },
			"http.public_url: has more than a scheme, a host and a port; Guichet answers at the root: write https://valmont.example",
		},

		{"no town", func(c *Config, _ *email.Mailbox) { c.Town.Name = " " }, "town.name: is empty; write the name citizens read, for example Ville de Valmont"},
		{"another zone", func(c *Config, _ *email.Mailbox) { c.Town.Timezone = "Pacific/Tahiti" }, ""},
		{"no zone", func(c *Config, _ *email.Mailbox) { c.Town.Timezone = "" }, `town.timezone: "" is no time zone; write for example Europe/Paris`},
		{"the machine's zone", func(c *Config, _ *email.Mailbox) { c.Town.Timezone = "Local" }, `town.timezone: "Local" is no time zone; write for example Europe/Paris`},
		{"an unknown zone", func(c *Config, _ *email.Mailbox) { c.Town.Timezone = "Europe/Valmont" }, `town.timezone: "Europe/Valmont" is no time zone; write for example Europe/Paris`},
		{"a region in small letters", func(c *Config, _ *email.Mailbox) { c.Town.Region = "fr" }, `town.region: "fr" is not a two-letter country; write for example FR`},
		{"a region's name", func(c *Config, _ *email.Mailbox) { c.Town.Region = "France" }, `town.region: "France" is not a two-letter country; write for example FR`},
		{"no language", func(c *Config, _ *email.Mailbox) { c.Town.Languages = nil }, "town.languages: is empty; write at least one, for example [fr, en]"},
		{"a language's name", func(c *Config, _ *email.Mailbox) { c.Town.Languages = []string{"French"} }, `town.languages: "French" is not a two-letter language; write for example [fr, en]`},
		{"a language twice", func(c *Config, _ *email.Mailbox) { c.Town.Languages = []string{"fr", "fr"} }, `town.languages: "fr" stands there twice; keep one of them`},

		{"a level", func(c *Config, _ *email.Mailbox) { c.Log = Log{Level: "debug", Format: "json"} }, ""},
		{"looks kept for a week", func(c *Config, _ *email.Mailbox) { c.Consultations.Keep = 168 * time.Hour }, `consultations.keep: 168h0m0s is not between 720h, thirty days, and 43800h, five years; 8760h, a year, is a good measure`},
		{"no level", func(c *Config, _ *email.Mailbox) { c.Log.Level = "" }, `log.level: "" is not a level; choose debug, info, warn or error`},
		{"another format", func(c *Config, _ *email.Mailbox) { c.Log.Format = "xml" }, `log.format: "xml" is not a format; choose text or json`},

		{"no mailbox", func(c *Config, _ *email.Mailbox) { c.Mailboxes = nil }, ""},
		{"a mailbox without a name", func(_ *Config, m *email.Mailbox) { m.Name = "" }, "mailboxes[0].name: a mailbox needs a name with a letter or a digit; variables and the journal call it by that"},
		{"a mailbox named by signs", func(_ *Config, m *email.Mailbox) { m.Name = "--é" }, "mailboxes[0].name: a mailbox needs a name with a letter or a digit; variables and the journal call it by that"},
		{"a name that looks like a format", func(_ *Config, m *email.Mailbox) { m.Name, m.Department = "a%d", "" }, "mailboxes.a%d.department: is missing; name the department that gets its mail when no rule matches"},
		{
			"two of one name and address", func(c *Config, m *email.Mailbox) {
				second := *m
				second.Name, second.Address = "Mairie", "Contact@valmont.example"
				c.Mailboxes = append(c.Mailboxes, second)
			},
			"mailboxes.Mairie.name: is also the name of mairie for variables; rename one of them\n" +
				"mailboxes.Mairie.address: Contact@valmont.example is already the address of mairie; each mailbox has its own",
		},
		{"no address", func(_ *Config, m *email.Mailbox) { m.Address = "" }, `mailboxes.mairie.address: "" is not an e-mail address; write for example contact@valmont.example`},
		{"an address with a name", func(_ *Config, m *email.Mailbox) { m.Address = "Mairie <a@b.fr>" }, `mailboxes.mairie.address: "Mairie <a@b.fr>" is not an e-mail address; write for example contact@valmont.example`},
		{"a form's sender", func(_ *Config, m *email.Mailbox) { m.FormSenders = []string{"noreply@b.fr", "noreply"} }, `mailboxes.mairie.form_senders: "noreply" is not an e-mail address; write for example contact@valmont.example`},

		{"a server by number", func(_ *Config, m *email.Mailbox) { m.IMAP.Host = "::1" }, ""},
		{"no server", func(_ *Config, m *email.Mailbox) { m.IMAP.Host, m.SMTP.Host = "", "" }, "mailboxes.mairie.imap.host: is missing; name the server\nmailboxes.mairie.smtp.host: is missing; name the server"},
		{"a server as a URL", func(_ *Config, m *email.Mailbox) { m.IMAP.Host = "imaps://imap.lan" }, `mailboxes.mairie.imap.host: "imaps://imap.lan" is not the name of a server; write it without scheme and port`},
		{"a server with its port", func(_ *Config, m *email.Mailbox) { m.SMTP.Host = "smtp.lan:25" }, `mailboxes.mairie.smtp.host: "smtp.lan:25" is not the name of a server; write it without scheme and port`},
		{"a wrong port", func(_ *Config, m *email.Mailbox) { m.IMAP.Port = 70000 }, "mailboxes.mairie.imap.port: 70000 is not a port; leave it out for the usual one"},
		{"a wrong protection", func(_ *Config, m *email.Mailbox) { m.SMTP.TLS = "ssl" }, `mailboxes.mairie.smtp.tls: "ssl" is not a protection; choose implicit, starttls or none`},
		{"no account", func(_ *Config, m *email.Mailbox) { m.IMAP.Username = "" }, "mailboxes.mairie.imap.username: is missing; often it is the address itself"},
		{"no password", func(_ *Config, m *email.Mailbox) { m.IMAP.Password = "" }, "mailboxes.mairie.imap.password: is missing; give it here, as password_file, or as GUICHET_MAILBOXES_MAIRIE_IMAP_PASSWORD"},
		{"no SMTP account", func(_ *Config, m *email.Mailbox) { m.SMTP.Username, m.SMTP.Password = "", "" }, ""},
		{"half an SMTP account", func(_ *Config, m *email.Mailbox) { m.SMTP.Password = "" }, "mailboxes.mairie.smtp.password: is missing; give it here, as password_file, or as GUICHET_MAILBOXES_MAIRIE_SMTP_PASSWORD"},
		{"the other half", func(_ *Config, m *email.Mailbox) { m.SMTP.Username = "" }, "mailboxes.mairie.smtp.username: is missing beside the password; often it is the address itself"},
		{"no folder", func(_ *Config, m *email.Mailbox) { m.IMAP.Folder = "" }, "mailboxes.mairie.imap.folder: is empty; write INBOX or the folder that is read"},
		{"folders", func(_ *Config, m *email.Mailbox) {
			m.IMAP.Folder, m.IMAP.Folders = "", []string{"INBOX", "Courrier indésirable"}
		}, ""},
		{"folder and folders", func(_ *Config, m *email.Mailbox) { m.IMAP.Folders = []string{"INBOX"} }, "mailboxes.mairie.imap.folders: stands beside folder; keep one of them"},
		{
			"odd folders", func(_ *Config, m *email.Mailbox) { m.IMAP.Folder, m.IMAP.Folders = "", []string{"INBOX", "", "Inbox"} },
			"mailboxes.mairie.imap.folders: one of them is empty; write INBOX or the folder that is read\n" +
				"mailboxes.mairie.imap.folders: Inbox stands there twice; keep one of them",
		},
		{
			"moved in a circle of folders", func(_ *Config, m *email.Mailbox) {
				m.IMAP.Folder, m.IMAP.Folders, m.IMAP.After = "", []string{"INBOX", "Spam"}, "move:Spam"
			},
			"mailboxes.mairie.imap.after: moves mail into Spam, the folder that is read; name another one",
		},
		{"a slash in the name", func(_ *Config, m *email.Mailbox) { m.Name = "mairie/accueil" }, "mailboxes.mairie/accueil.name: has a slash, which stands between a mailbox and its folder; leave it out"},
		{"tokens", func(_ *Config, m *email.Mailbox) {
			byToken(m, email.OAuth2{TokenURL: "https://login.lan/token", ClientID: "x", ClientSecret: "s"})
		}, ""},
		{"tokens by consent", func(_ *Config, m *email.Mailbox) {
			byToken(m, email.OAuth2{TokenURL: "http://127.0.0.1:9/t", ClientID: "x", RefreshToken: "s"})
		}, ""},
		{
			"nothing of tokens", func(_ *Config, m *email.Mailbox) { byToken(m, email.OAuth2{Scope: "mail"}) },
			"mailboxes.mairie.oauth2.token_url: is missing; write for example https://login.microsoftonline.com/TENANT/oauth2/v2.0/token\n" +
				"mailboxes.mairie.oauth2.client_id: is missing; the authorization server gave one when Guichet was registered there\n" +
				"mailboxes.mairie.oauth2.client_secret: is missing; give it here, as client_secret_file, or as GUICHET_MAILBOXES_MAIRIE_OAUTH2_CLIENT_SECRET, or give a refresh_token",
		},
		{
			"tokens in the open", func(_ *Config, m *email.Mailbox) {
				byToken(m, email.OAuth2{TokenURL: "http://login.lan/token", ClientID: "x", ClientSecret: "s"})
			},
			"mailboxes.mairie.oauth2.token_url: is not an https address without a password; secrets are sent there",
		},
		{
			"tokens and a password", func(_ *Config, m *email.Mailbox) {
				m.OAuth2 = email.OAuth2{TokenURL: "https://login.lan/token", ClientID: "x", ClientSecret: "s"}
			},
			"mailboxes.mairie.oauth2: stands beside a password; keep one of them",
		},
		{"seen", func(_ *Config, m *email.Mailbox) { m.IMAP.After = "seen" }, ""},
		{"moved", func(_ *Config, m *email.Mailbox) { m.IMAP.After = "move:Traités" }, ""},
		{"moved nowhere", func(_ *Config, m *email.Mailbox) { m.IMAP.After = "move:" }, `mailboxes.mairie.imap.after: "move:" is not what can be done with a filed mail; choose leave, seen or move:FOLDER`},
		{"deleted", func(_ *Config, m *email.Mailbox) { m.IMAP.After = "delete" }, `mailboxes.mairie.imap.after: "delete" is not what can be done with a filed mail; choose leave, seen or move:FOLDER`},
		{"moved in a circle", func(_ *Config, m *email.Mailbox) { m.IMAP.After = "move:inbox" }, "mailboxes.mairie.imap.after: moves mail into inbox, the folder that is read; name another one"},
		{"too often", func(_ *Config, m *email.Mailbox) { m.IMAP.Poll = time.Millisecond }, "mailboxes.mairie.imap.poll: 1ms is not between 100ms and 24h; 60s is a good measure"},
		{"too seldom", func(_ *Config, m *email.Mailbox) { m.IMAP.Poll = 48 * time.Hour }, "mailboxes.mairie.imap.poll: 48h0m0s is not between 100ms and 24h; 60s is a good measure"},
		{"no size", func(_ *Config, m *email.Mailbox) { m.IMAP.MaxSize = -1 }, "mailboxes.mairie.imap.max_size: would let no mail pass; write for example 40MB"},

		{"quiet hours", func(c *Config, _ *email.Mailbox) { c.Town.QuietHours = "12:00-14:00" }, ""},
		{"no quiet hours", func(c *Config, _ *email.Mailbox) { c.Town.QuietHours = "" }, ""},
		{"quiet hours without an end", func(c *Config, _ *email.Mailbox) { c.Town.QuietHours = "20:00" }, `town.quiet_hours: "20:00" are not two times of day; write for example 20:00-08:00`},
		{"quiet hours of no length", func(c *Config, _ *email.Mailbox) { c.Town.QuietHours = "08:00-08:00" }, `town.quiet_hours: "08:00-08:00" are not two times of day; write for example 20:00-08:00`},

		{
			"everything at once", func(c *Config, m *email.Mailbox) { c.Files, c.Log.Level, m.Department = "", "loud", "" },
			"files: is empty; name the folder that keeps large originals and attachments\n" +
				`log.level: "loud" is not a level; choose debug, info, warn or error` + "\n" +
				"mailboxes.mairie.department: is missing; name the department that gets its mail when no rule matches",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := valid()
			c.change(&config, &config.Mailboxes[0])
			sameProblems(t, config, c.want)
		})
	}
}

// telephoned is valid with an account at Twilio and an exchange.
func telephoned() Config {
	c := valid()
	c.Twilio.AccountSID, c.Twilio.AuthToken, c.Twilio.Sender = "AC1", "secret", "+33939000000"
	c.Twilio.Lines = []twilio.Line{{Name: "standard", Number: "+33939000000", Department: "accueil", Uses: []string{"sms", "voice"}}}
	c.CTI = []cti.Exchange{{Name: "standard", Token: "pbx-secret"}}
	return c
}

func TestValidateLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *twilio.Options, l *twilio.Line)
		want   string // empty: accepted
	}{
		{"as it is", func(*twilio.Options, *twilio.Line) {}, ""},
		{"a service", func(o *twilio.Options, _ *twilio.Line) { o.Sender, o.MessagingServiceSID = "", "MG1" }, ""},
		{"a name", func(o *twilio.Options, _ *twilio.Line) { o.Sender = "Valmont 27" }, ""},
		{"a short code", func(o *twilio.Options, _ *twilio.Line) { o.Sender = "38600" }, ""},
		{"nothing to leave by", func(o *twilio.Options, _ *twilio.Line) { o.Sender = "" }, ""},
		{"both", func(o *twilio.Options, _ *twilio.Line) { o.MessagingServiceSID = "MG1" }, "twilio.messaging_service_sid: stands beside sender; keep one of them"},
		{"a long name", func(o *twilio.Options, _ *twilio.Line) { o.Sender = "VilleDeValmont" }, `twilio.sender: "VilleDeValmont" is neither a number like +33939000000 nor a name of at most 11 letters and digits`},
		{"a national sender", func(o *twilio.Options, _ *twilio.Line) { o.Sender = "0939000000" }, `twilio.sender: "0939000000" is neither a number like +33939000000 nor a name of at most 11 letters and digits`},
		{"no token", func(o *twilio.Options, _ *twilio.Line) { o.AuthToken = "" }, "twilio.auth_token: is missing; give it here, as auth_token_file, or as GUICHET_TWILIO_AUTH_TOKEN"},
		{"no account", func(o *twilio.Options, _ *twilio.Line) { o.AccountSID = "" }, "twilio.account_sid: is missing; copy it from the console of Twilio, where it stands beside the auth token"},
		{"this machine", func(o *twilio.Options, _ *twilio.Line) { o.APIBase = "http://127.0.0.1:4010" }, ""},
		{"in the open", func(o *twilio.Options, _ *twilio.Line) { o.APIBase = "http://twilio.lan" }, "twilio.api_base: is not an https address without a password; secrets are sent there"},
		{"nowhere", func(o *twilio.Options, _ *twilio.Line) { o.APIBase = "" }, "twilio.api_base: is not an https address without a password; secrets are sent there"},
		{"kept for six months", func(o *twilio.Options, _ *twilio.Line) { o.KeepRecordings = 4464 * time.Hour }, ""},
		{"kept for too long", func(o *twilio.Options, _ *twilio.Line) { o.KeepRecordings = 4465 * time.Hour }, "twilio.keep_recordings: 4465h0m0s is not between 0 and 4464h, six months; 720h is a good measure"},
		{"not kept", func(o *twilio.Options, _ *twilio.Line) { o.KeepRecordings = 0 }, "twilio.keep_recordings: 0s is not between 0 and 4464h, six months; 720h is a good measure"},
		{"a national number", func(_ *twilio.Options, l *twilio.Line) { l.Number = "09 39 00 00 00" }, `twilio.lines.standard.number: "09 39 00 00 00" is not an international number; write for example "+33939000000"`},
		{"a number with spaces", func(_ *twilio.Options, l *twilio.Line) { l.Number = "+33 939000000" }, `twilio.lines.standard.number: "+33 939000000" is not an international number; write for example "+33939000000"`},
		{"no department", func(_ *twilio.Options, l *twilio.Line) { l.Department = "" }, "twilio.lines.standard.department: is missing; name the department that gets its messages and calls when no rule matches"},
		{"another use", func(_ *twilio.Options, l *twilio.Line) { l.Uses = []string{"sms", "fax"} }, `twilio.lines.standard.uses: "fax" is nothing a line is used for; choose sms, voice or both`},
		{"no name", func(_ *twilio.Options, l *twilio.Line) { l.Name = "" }, "twilio.lines[0].name: a line needs a name with a letter or a digit; variables and the journal call it by that"},
		{
			"one number twice", func(o *twilio.Options, l *twilio.Line) { o.Lines = append(o.Lines, *l); o.Lines[1].Name = "other" },
			"twilio.lines.other.number: +33939000000 is already the number of standard; each line has its own",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := telephoned()
			c.change(&config.Twilio, &config.Twilio.Lines[0])
			sameProblems(t, config, c.want)
		})
	}
}

func TestValidateExchanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config, e *cti.Exchange)
		want   string // empty: accepted
	}{
		{"national", func(_ *Config, e *cti.Exchange) { e.Numbers = "national" }, ""},
		{"another way", func(_ *Config, e *cti.Exchange) { e.Numbers = "local" }, `cti.standard.numbers: "local" is no way of writing numbers; choose international or national`},
		{"no token", func(_ *Config, e *cti.Exchange) { e.Token = "" }, "cti.standard.token: is missing; make one with: openssl rand -hex 16, and give it here, as token_file, or as GUICHET_CTI_STANDARD_TOKEN"},
		{"a short token", func(_ *Config, e *cti.Exchange) { e.Token = "secret7" }, "cti.standard.token: has less than 8 characters and could be guessed; make one with: openssl rand -hex 16"},
		{"a token with a slash", func(_ *Config, e *cti.Exchange) { e.Token = "secret/secret" }, "cti.standard.token: has a sign that cannot stand in an address; make one with: openssl rand -hex 16"},
		{"no name", func(_ *Config, e *cti.Exchange) { e.Name = "é" }, "cti[0].name: an exchange needs a name with a letter or a digit; variables and the journal call it by that"},
		{"blocked", func(_ *Config, e *cti.Exchange) { e.Blocked = []string{"06 39 98 00 01", "+32 470 12 34 56"} }, ""},
		{"blocked nobody", func(_ *Config, e *cti.Exchange) { e.Blocked = []string{"0639980001", "06399800"} }, "cti.standard.blocked[1]: is not a telephone number; write it as it is dialled, or with + and the country"},
		{
			"the same twice", func(c *Config, e *cti.Exchange) { c.CTI = append(c.CTI, *e) },
			"cti.standard.name: is also the name of standard for variables; rename one of them\n" +
				"cti.standard.token: is also the token of standard; give each exchange its own",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := telephoned()
			c.change(&config, &config.CTI[0])
			sameProblems(t, config, c.want)
		})
	}
}

func sameProblems(t *testing.T, c Config, want string) {
	t.Helper()
	got := ""
	if err := c.Validate(); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("Validate:\n%s\nwant:\n%s", got, want)
	}
}

// byToken makes a mailbox sign in by token.
func byToken(m *email.Mailbox, o email.OAuth2) {
	m.IMAP.Password, m.SMTP.Password, m.OAuth2 = "", "", o
}
