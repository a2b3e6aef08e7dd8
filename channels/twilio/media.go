package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"guichet/channels"
)

const (
	maxMedia       = 10       // files of one message, as Twilio allows
	maxMediaSize   = 16 << 20 // bytes of one file
	mediaRedirects = 3
)

var (
	errMediaPrivate   = errors.New("its address is not a public one")
	errMediaScheme    = errors.New("its address is not https")
	errMediaSize      = errors.New("it is too large")
	errMediaRedirects = errors.New("it was redirected too often")
	errMediaMissing   = errors.New("it has no address")
)

// Media fetches what Twilio keeps, the files of messages and the sound of calls, from where it says it is. What it is told is checked by
// signature, and still it reaches no private address and gives the account's password to nobody but the provider.
type Media struct {
	o      Options
	base   *url.URL
	client *http.Client
}

// NewMedia returns a fetcher for the files of this account. It uses no proxy: what a proxy resolves could not be checked.
func NewMedia(o Options) *Media {
	m := &Media{o: o, base: o.base()}
	m.client = &http.Client{
		CheckRedirect: m.redirect,
		Transport:     &http.Transport{DialContext: m.dial, MaxIdleConns: maxMedia, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
	}
	return m
}

// Fetch implements channels.Fetcher.
func (m *Media) Fetch(ctx context.Context, source string) (channels.Attachment, error) {
	file, err := m.fetch(ctx, source)
	for _, final := range []error{errMediaPrivate, errMediaScheme, errMediaSize, errMediaRedirects, errMediaMissing} {
		if errors.Is(err, final) {
			return channels.Attachment{}, &channels.Unfetchable{Reason: final.Error()}
		}
	}
	return file, err
}

func (m *Media) fetch(ctx context.Context, source string) (channels.Attachment, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil || r.URL.Host == "" {
		return channels.Attachment{}, errMediaMissing
	}
	if err := m.admit(r); err != nil {
		return channels.Attachment{}, err
	}
	response, err := m.client.Do(r)
	if err != nil {
		return channels.Attachment{}, err
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	if response.StatusCode != http.StatusOK {
		return channels.Attachment{}, fmt.Errorf("its server answered %d", response.StatusCode)
	}
	if response.ContentLength > maxMediaSize {
		return channels.Attachment{}, errMediaSize
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxMediaSize+1))
	if err != nil {
		return channels.Attachment{}, err
	}
	if len(data) > maxMediaSize {
		return channels.Attachment{}, errMediaSize
	}
	return channels.Attachment{Type: mediaType(response.Header.Get("Content-Type")), Data: data}, nil
}

// admit refuses an address that is not to be asked, and adds the account's credentials where they belong only.
func (m *Media) admit(r *http.Request) error {
	r.Header.Del("Authorization")
	r.URL.User = nil
	own := r.URL.Scheme == m.base.Scheme && r.URL.Host == m.base.Host
	if r.URL.Scheme != "https" && (r.URL.Scheme != "http" || m.base.Scheme != "http") {
		return errMediaScheme
	}
	host := strings.ToLower(r.URL.Hostname())
	if own || r.URL.Scheme == "https" && (host == "twilio.com" || strings.HasSuffix(host, ".twilio.com")) {
		r.SetBasicAuth(m.o.AccountSID, m.o.AuthToken)
	}
	return nil
}

func (m *Media) redirect(r *http.Request, via []*http.Request) error {
	if len(via) > mediaRedirects {
		return errMediaRedirects
	}
	r.Header.Del("Referer")
	return m.admit(r)
}

// dial connects to public addresses only, decided on the address that is dialled, not on a name that may change. The configured API
// alone may be elsewhere: the administrator named it.
func (m *Media) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Control: publicOnly}
	if address == hostPort(m.base) {
		d.Control = nil
	}
	return d.DialContext(ctx, network, address)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(at.Addr()) {
		return errMediaPrivate
	}
	return nil
}

// isPublic tells the addresses of the Internet from those of special purpose (RFC 6890).
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(a) {
			return false
		}
	}
	return true
}

// mediaType is a media type without its parameters; empty for what is none.
func mediaType(said string) string {
	kind, _, err := mime.ParseMediaType(said)
	if err != nil {
		return ""
	}
	return kind
}
