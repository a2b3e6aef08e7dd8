package email

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The SASL mechanisms that carry a token. XOAUTH2 is Google's, which Microsoft 365 has as the only one; the other is RFC 7628.
const (
	xoauth2     = "XOAUTH2"
	oauthBearer = "OAUTHBEARER"
)

// errGrant says that the authorization server gives no token any more: a person must consent again, or mend the client's secret.
var errGrant = errors.New("the authorization server refused")

// errNoMechanism says that a server takes no token.
var errNoMechanism = errors.New("the server offers neither OAUTHBEARER nor XOAUTH2")

// account is who signs in to a server: by password, or by a token.
type account struct {
	username, password string
	tokens             *tokens // nil: by password
}

// withToken signs in with a token by a mechanism the server offers. A token the server refuses is thrown away and a fresh one tried
// once: it may have been revoked before its time. refused tells a refusal from a broken connection.
func (a account) withToken(ctx context.Context, offers func(mechanism string) bool, auth func(sasl.Client) error, refused func(error) bool) error {
	mechanism := oauthBearer
	if !offers(mechanism) {
		mechanism = xoauth2
	}
	if !offers(mechanism) {
		return errNoMechanism
	}
	token, err := a.tokens.get(ctx, "")
	if err != nil {
		return err
	}
	err = auth(&bearer{mechanism, a.username, token})
	if err == nil || !refused(err) {
		return err
	}
	if token, err = a.tokens.get(ctx, token); err != nil {
		return err
	}
	return auth(&bearer{mechanism, a.username, token})
}

// bearer is the client of both mechanisms.
type bearer struct{ mechanism, username, token string }

// Start gives the whole of the dialogue at once.
func (b *bearer) Start() (mechanism string, initial []byte, err error) {
	if b.mechanism == xoauth2 {
		return xoauth2, []byte("user=" + b.username + "\x01auth=Bearer " + b.token + "\x01\x01"), nil
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.username) // RFC 5801 section 4
	return oauthBearer, []byte("n,a=" + name + ",\x01auth=Bearer " + b.token + "\x01\x01"), nil
}

// Next answers a challenge, which is always the beginning of a refusal: only after an empty answer, or ^A (RFC 7628 section 3.2.3),
// the server says its error.
func (b *bearer) Next([]byte) ([]byte, error) {
	if b.mechanism == xoauth2 {
		return []byte{}, nil
	}
	return []byte{1}, nil
}

// How tokens are fetched.
const (
	tokenTimeout = 20 * time.Second
	tokenMargin  = time.Minute // a token is renewed so long before it expires
)

// tokens gives access tokens by OAuth 2.0 (RFC 6749): by refresh token where there is one (section 6), else by the client's own
// credentials (section 4.4). It keeps the last one. It is safe for concurrent use.
type tokens struct {
	turn   chan struct{} // who holds it may use the rest
	source func(ctx context.Context) (*oauth2.Token, error)
	last   *oauth2.Token
	now    func() time.Time
}

// newTokens returns nil when the mailbox signs in by password.
func newTokens(o OAuth2) *tokens {
	if o.TokenURL == "" {
		return nil
	}
	t := &tokens{turn: make(chan struct{}, 1), now: time.Now}
	scopes := strings.Fields(o.Scope)
	if o.RefreshToken == "" {
		client := &clientcredentials.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, TokenURL: o.TokenURL, Scopes: scopes}
		t.source = client.Token
		return t
	}
	client := &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: oauth2.Endpoint{TokenURL: o.TokenURL}, Scopes: scopes}
	refresh := o.RefreshToken
	t.source = func(ctx context.Context) (*oauth2.Token, error) {
		token, err := client.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
		if err == nil && token.RefreshToken != "" {
			refresh = token.RefreshToken // a server may give a new one each time
		}
		return token, err
	}
	return t
}

// get gives a token that is valid for a while, and never the one a server has refused.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("fetch a token: %w", ctx.Err())
	}
	if t.last != nil && t.last.AccessToken != refused && (t.last.Expiry.IsZero() || t.now().Add(tokenMargin).Before(t.last.Expiry)) {
		return t.last.AccessToken, nil
	}
	t.last = nil
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true} // once an hour: nothing to keep open
	fresh, err := t.source(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport: transport, Timeout: tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // secrets go nowhere else
	}))
	if err != nil {
		return "", fmt.Errorf("fetch a token: %w", withoutSecrets(err))
	}
	t.last = fresh
	return fresh.AccessToken, nil
}

// withoutSecrets says what a failure to fetch a token is, in our words: the library's error repeats the answer, which may hold what
// was sent.
func withoutSecrets(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return err
	}
	status := 0
	if refusal.Response != nil {
		status = refusal.Response.StatusCode
	}
	code := "no error code"
	if known := strings.Trim(refusal.ErrorCode, "abcdefghijklmnopqrstuvwxyz_") == ""; known && refusal.ErrorCode != "" && len(refusal.ErrorCode) <= 40 {
		code = refusal.ErrorCode
	}
	if status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout || refusal.ErrorCode == "invalid_grant" {
		return fmt.Errorf("%w: %s, status %d", errGrant, code, status)
	}
	return fmt.Errorf("the authorization server answered %s, status %d", code, status)
}
