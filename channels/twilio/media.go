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
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"guichet/channels"
)

const (
	maxMedia       = 10       // files of one message, as Twilio allows
	maxMediaSize   = 16 << 20 // bytes of one file
	maxMediaTotal  = 25 << 20 // bytes of all files of a message
	mediaBudget    = 8 * time.Second
	mediaRedirects = 3
)

var (
	errMediaPrivate   = errors.New("its address is not a public one")
	errMediaScheme    = errors.New("its address is not https")
	errMediaSize      = errors.New("it is too large")
	errMediaRedirects = errors.New("it was redirected too often")
	errMediaMissing   = errors.New("it has no address")
)

// Media fetches the files of messages from where Twilio says they are. What it is told is checked by signature, and still it reaches
// no private address and gives the account's password to nobody but the provider.
type Media struct {
	o      Options
	base   *url.URL
	client *http.Client
	budget time.Duration
}

// mediaItem is a file that Twilio keeps.
type mediaItem struct{ url, kind string }

// NewMedia returns a fetcher for the files of this account. It uses no proxy: what a proxy resolves could not be checked.
func NewMedia(o Options) *Media {
	m := &Media{o: o, base: o.base(), budget: mediaBudget}
	m.client = &http.Client{
		CheckRedirect: m.redirect,
		Transport:     &http.Transport{DialContext: m.dial, MaxIdleConns: maxMedia, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
	}
	return m
}

// Fetch fetches files side by side, all within 8 seconds, because Twilio waits 15 for its answer. What did not come is in warnings.
func (m *Media) Fetch(ctx context.Context, items []mediaItem) (files []channels.Attachment, warnings []string) {
	if m == nil {
		return nil, []string{fmt.Sprintf("%d files were not fetched: files are not asked for", len(items))}
	}
	if len(items) > maxMedia {
		items = items[:maxMedia]
		warnings = append(warnings, fmt.Sprintf("only the first %d files were fetched", maxMedia))
	}
	ctx, cancel := context.WithTimeout(ctx, m.budget)
	defer cancel()
	var (
		wait  sync.WaitGroup
		total atomic.Int64
		got   = make([]channels.Attachment, len(items))
		errs  = make([]error, len(items))
	)
	for i, item := range items {
		wait.Go(func() { got[i], errs[i] = m.fetch(ctx, item, &total) })
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("file %d was not fetched: %s", i+1, mediaReason(err)))
			continue
		}
		files = append(files, got[i])
	}
	return files, warnings
}

// Recording fetches the sound of a call or a voicemail. Its bounds are those of a message's file; the caller sets the time.
func (m *Media) Recording(ctx context.Context, address string) (channels.Attachment, error) {
	return m.fetch(ctx, mediaItem{url: address, kind: "audio/mpeg"}, new(atomic.Int64))
}

func (m *Media) fetch(ctx context.Context, item mediaItem, total *atomic.Int64) (channels.Attachment, error) {
	if item.url == "" {
		return channels.Attachment{}, errMediaMissing
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, item.url, nil)
	if err != nil {
		return channels.Attachment{}, errMediaMissing
	}
	if err := m.admit(r); err != nil {
		return channels.Attachment{}, err
	}
	response, err := m.client.Do(r)
	if err != nil {
		return channels.Attachment{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return channels.Attachment{}, statusError(response.StatusCode)
	}
	if response.ContentLength > maxMediaSize {
		return channels.Attachment{}, errMediaSize
	}
	data, err := io.ReadAll(&metered{under: io.LimitReader(response.Body, maxMediaSize+1), total: total})
	if err != nil {
		return channels.Attachment{}, err
	}
	if len(data) > maxMediaSize {
		return channels.Attachment{}, errMediaSize
	}
	return channels.Attachment{Type: mediaType(response.Header.Get("Content-Type"), item.kind), Data: data}, nil
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

// metered stops when all files of a message together are too large.
type metered struct {
	under io.Reader
	total *atomic.Int64
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.under.Read(p)
	if r.total.Add(int64(n)) > maxMediaTotal {
		return n, errMediaSize
	}
	return n, err
}

type statusError int

func (e statusError) Error() string { return fmt.Sprintf("its server answered %d", int(e)) }

// mediaReason says why, without the address: it opens the file for whoever reads it.
func mediaReason(err error) string {
	for _, known := range []error{errMediaPrivate, errMediaScheme, errMediaSize, errMediaRedirects, errMediaMissing} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if status, ok := errors.AsType[statusError](err); ok {
		return status.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took too long"
	}
	return "its server could not be reached"
}

// mediaType is what the file's server says, or else what the message said.
func mediaType(candidates ...string) string {
	for _, c := range candidates {
		if kind, _, err := mime.ParseMediaType(c); err == nil {
			return kind
		}
	}
	return "application/octet-stream"
}
