package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"guichet/channels/email"
)

// Validate finds every value that cannot be right, without asking anybody: whether a server answers is for `guichet check`. The
// error has one line for each: the key, what is wrong, what to do. No line repeats a secret.
func (c Config) Validate() error {
	var p problems
	c.validateStores(&p)
	c.HTTP.validate(&p)
	c.Town.validate(&p)
	c.Log.validate(&p)
	c.Consultations.validate(&p)

	addresses := map[string]string{} // address → mailbox
	names := map[string]string{}     // as variables spell it → mailbox
	for i, m := range c.Mailboxes {
		at, ok := p.item("mailboxes", "a mailbox", i, m.Name, names)
		if !ok {
			continue
		}
		if strings.Contains(m.Name, "/") {
			p.add(at+".name", "has a slash, which stands between a mailbox and its folder; leave it out")
		}
		if other, taken := addresses[strings.ToLower(m.Address)]; taken && m.Address != "" {
			p.add(at+".address", "%s is already the address of %s; each mailbox has its own", m.Address, other)
		}
		addresses[strings.ToLower(m.Address)] = m.Name
		validateMailbox(&p, at, m)
	}
	c.validateTwilio(&p)
	c.validateCTI(&p)
	return errors.Join(p...)
}

// problems is what is wrong, one line each.
type problems []error

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (c Config) validateStores(p *problems) {
	switch scheme, rest, _ := strings.Cut(c.Database, "://"); {
	case scheme == "sqlite" && rest != "":
	case scheme == "postgres", scheme == "postgresql":
		p.url("database", c.Database, false)
	default:
		p.add("database", "is neither sqlite://path nor postgres://user:password@host/name; write one of them")
	}
	switch scheme, _, _ := strings.Cut(c.Redis, "://"); {
	case c.Redis == "embedded":
	case scheme == "redis", scheme == "rediss", scheme == "redis-sentinel", scheme == "redis-cluster":
		p.url("redis", c.Redis, true)
	default:
		p.add("redis", "is neither embedded nor an address like redis://host:6379; the schemes are redis, rediss, redis-sentinel, redis-cluster")
	}
	if c.Files == "" {
		p.add("files", "is empty; name the folder that keeps large originals and attachments")
	}
	const howTo = "is not 32 bytes in base64; make one with: openssl rand -base64 32"
	if key, err := decodeKey(c.SecretKey); c.SecretKey != "" && (err != nil || len(key) != 32) {
		p.add("secret_key", howTo)
	}
	for i, old := range c.OldSecretKeys {
		if key, err := decodeKey(old); err != nil || len(key) != 32 {
			p.add(fmt.Sprintf("old_secret_keys[%d]", i), "is not 32 bytes in base64; copy it as it was, or remove it")
		}
	}
}

// url tries an address that may hold a password. What net/url has to say about a wrong one quotes it, so we say our own.
func (p *problems) url(key, raw string, wantHost bool) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		p.add(key, "cannot be read as a URL; in a password, write %%40 for @, %%3A for :, %%2F for /, %%23 for #, %%25 for %%")
	case wantHost && u.Host == "":
		p.add(key, "names no host; write for example %s://host:6379", u.Scheme)
	}
}

func (h HTTP) validate(p *problems) {
	p.listen("http.listen", h.Listen)
	if h.MetricsListen != "" {
		p.listen("http.metrics_listen", h.MetricsListen)
		if h.MetricsListen == h.Listen {
			p.add("http.metrics_listen", "is the same as http.listen; choose another port, or leave it empty and use /metrics with a token")
		}
	}
	for _, proxy := range h.TrustedProxies {
		if _, err := netip.ParseAddr(proxy); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(proxy); err != nil {
			p.add("http.trusted_proxies", "%q is neither an address nor a network; write for example 127.0.0.1 or 10.0.0.0/8", proxy)
		}
	}
	u, err := url.Parse(h.PublicURL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		p.add("http.public_url", "%q is not an address people can open; write for example https://guichet.valmont.example", h.PublicURL)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", u.User != nil:
		p.add("http.public_url", "has more than a scheme, a host and a port; Guichet answers at the root: write %s://%s", u.Scheme, u.Host)
	}
}

// listen tries an address to listen on.
func (p *problems) listen(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if n, notNumber := strconv.Atoi(port); err != nil || notNumber != nil || n < 0 || n > 65535 {
		p.add(key, "%q is not an address and a port; write for example 127.0.0.1:8080, or :8080 for every address", address)
	}
}

// A region as libphonenumber knows it, a language as ISO 639 does.
var (
	regionForm   = regexp.MustCompile(`^[A-Z]{2}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2}$`)
)

func (t Town) validate(p *problems) {
	if strings.TrimSpace(t.Name) == "" {
		p.add("town.name", "is empty; write the name citizens read, for example Ville de Valmont")
	}
	// Local would make legal dates depend on the machine.
	if _, err := time.LoadLocation(t.Timezone); err != nil || t.Timezone == "" || t.Timezone == "Local" {
		p.add("town.timezone", "%q is no time zone; write for example Europe/Paris", t.Timezone)
	}
	if !regionForm.MatchString(t.Region) {
		p.add("town.region", "%q is not a two-letter country; write for example FR", t.Region)
	}
	if len(t.Languages) == 0 {
		p.add("town.languages", "is empty; write at least one, for example [fr, en]")
	}
	seen := map[string]bool{}
	for _, language := range t.Languages {
		if !languageForm.MatchString(language) {
			p.add("town.languages", "%q is not a two-letter language; write for example [fr, en]", language)
		} else if seen[language] {
			p.add("town.languages", "%q stands there twice; keep one of them", language)
		}
		seen[language] = true
	}
	if _, _, ok := t.Quiet(); t.QuietHours != "" && !ok {
		p.add("town.quiet_hours", "%q are not two times of day; write for example 20:00-08:00", t.QuietHours)
	}
}

// How long consultations may be kept: long enough to be asked for, and not for ever.
const (
	leastKept = 30 * 24 * time.Hour
	mostKept  = 5 * 365 * 24 * time.Hour
)

func (c Consultations) validate(p *problems) {
	if c.Keep < leastKept || c.Keep > mostKept {
		p.add("consultations.keep", "%s is not between 720h, thirty days, and 43800h, five years; 8760h, a year, is a good measure", c.Keep)
	}
}

func (l Log) validate(p *problems) {
	switch l.Level {
	case "debug", "info", "warn", "error":
	default:
		p.add("log.level", "%q is not a level; choose debug, info, warn or error", l.Level)
	}
	switch l.Format {
	case "text", "json":
	default:
		p.add("log.format", "%q is not a format; choose text or json", l.Format)
	}
}

func validateMailbox(p *problems, at string, m email.Mailbox) {
	p.address(at+".address", m.Address)
	for _, sender := range m.FormSenders {
		p.address(at+".form_senders", sender)
	}
	if m.Department == "" {
		p.add(at+".department", "is missing; name the department that gets its mail when no rule matches")
	}

	imap := at + ".imap"
	p.server(imap, m.IMAP.Host, m.IMAP.Port, m.IMAP.TLS)
	if m.IMAP.Username == "" {
		p.add(imap+".username", "is missing; often it is the address itself")
	}
	byToken := m.OAuth2 != (email.OAuth2{})
	if m.IMAP.Password == "" && !byToken {
		p.password(imap)
	}
	p.folders(imap, m.IMAP)
	folder, moves := strings.CutPrefix(m.IMAP.After, "move:")
	switch {
	case moves && folder == "", !moves && m.IMAP.After != "leave" && m.IMAP.After != "seen":
		p.add(imap+".after", "%q is not what can be done with a filed mail; choose leave, seen or move:FOLDER", m.IMAP.After)
	case moves && slices.ContainsFunc(append(m.IMAP.Folders, m.IMAP.Folder), func(f string) bool { return strings.EqualFold(f, folder) }):
		p.add(imap+".after", "moves mail into %s, the folder that is read; name another one", folder)
	}
	if m.IMAP.Poll < 100*time.Millisecond || m.IMAP.Poll > 24*time.Hour {
		p.add(imap+".poll", "%s is not between 100ms and 24h; 60s is a good measure", m.IMAP.Poll)
	}
	if m.IMAP.MaxSize <= 0 {
		p.add(imap+".max_size", "would let no mail pass; write for example 40MB")
	}

	smtp := at + ".smtp"
	p.server(smtp, m.SMTP.Host, m.SMTP.Port, m.SMTP.TLS)
	// A relay inside the town hall often wants no account. Half of one is a mistake.
	switch {
	case m.SMTP.Username != "" && m.SMTP.Password == "" && !byToken:
		p.password(smtp)
	case m.SMTP.Username == "" && m.SMTP.Password != "":
		p.add(smtp+".username", "is missing beside the password; often it is the address itself")
	}
	if byToken {
		p.oauth2(at, m)
	}
}

// folders tries what is read: one folder, or a list of them.
func (p *problems) folders(imap string, m email.IMAP) {
	switch {
	case m.Folder != "" && len(m.Folders) > 0:
		p.add(imap+".folders", "stands beside folder; keep one of them")
	case m.Folder == "" && len(m.Folders) == 0:
		p.add(imap+".folder", "is empty; write INBOX or the folder that is read")
	}
	seen := map[string]bool{}
	for _, f := range m.Folders {
		switch {
		case f == "":
			p.add(imap+".folders", "one of them is empty; write INBOX or the folder that is read")
		case seen[strings.ToLower(f)]:
			p.add(imap+".folders", "%s stands there twice; keep one of them", f)
		}
		seen[strings.ToLower(f)] = true
	}
}

// oauth2 tries how tokens are had. Secrets go to the token endpoint: over https, or to this machine.
func (p *problems) oauth2(at string, m email.Mailbox) {
	o, at := m.OAuth2, at+".oauth2"
	if o.TokenURL == "" {
		p.add(at+".token_url", "is missing; write for example https://login.microsoftonline.com/TENANT/oauth2/v2.0/token")
	} else {
		p.secretsTo(at+".token_url", o.TokenURL)
	}
	if o.ClientID == "" {
		p.add(at+".client_id", "is missing; the authorization server gave one when Guichet was registered there")
	}
	if o.ClientSecret == "" && o.RefreshToken == "" {
		p.add(at+".client_secret", "is missing; give it here, as client_secret_file, or as %s%s_CLIENT_SECRET, or give a refresh_token", prefix, variable(at))
	}
	if m.IMAP.Password != "" || m.SMTP.Password != "" {
		p.add(at, "stands beside a password; keep one of them")
	}
}

// secretsTo tries an address that secrets are sent to.
func (p *problems) secretsTo(key, raw string) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		p.add(key, "is not an https address without a password; secrets are sent there")
	}
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// password says that one is missing, and every place it may come from.
func (p *problems) password(at string) {
	p.add(at+".password", "is missing; give it here, as password_file, or as %s%s_PASSWORD", prefix, variable(at))
}

// address tries an e-mail address without a name.
func (p *problems) address(key, address string) {
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		p.add(key, "%q is not an e-mail address; write for example contact@valmont.example", address)
	}
}

// server tries one end of a connection.
func (p *problems) server(at, host string, port int, tls email.TLS) {
	switch {
	case host == "":
		p.add(at+".host", "is missing; name the server")
	case strings.ContainsAny(host, "/ ") || net.ParseIP(host) == nil && strings.Contains(host, ":"):
		p.add(at+".host", "%q is not the name of a server; write it without scheme and port", host)
	}
	if port < 1 || port > 65535 {
		p.add(at+".port", "%d is not a port; leave it out for the usual one", port)
	}
	switch tls {
	case email.Implicit, email.StartTLS, email.NoTLS:
	default:
		p.add(at+".tls", "%q is not a protection; choose implicit, starttls or none", tls)
	}
}
