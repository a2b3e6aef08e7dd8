package twilio

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Why a request is refused, as words for the metrics.
const (
	refusedUnsigned   = "signature_missing"
	refusedSignature  = "signature_wrong"
	refusedAccount    = "account"
	refusedLength     = "too_long"
	refusedUnreadable = "unreadable"
)

// Refusal is why a webhook request is not listened to. Nothing of it was kept.
type Refusal struct {
	Status int    // to answer with: 400, 403 or 413
	Reason string // one word for the metrics
}

// Error tells both, and nothing the other side sent.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the request was refused and nothing of it kept: %s (%d)", r.Reason, r.Status)
}

// Verifier knows whether a request comes from Twilio: it is signed with the account's token over the address Twilio called and what
// it sent (https://www.twilio.com/docs/usage/security, "Validating requests"). The zero Verifier refuses everything.
type Verifier struct {
	token   []byte
	account string
	public  string
}

// NewVerifier returns the Verifier of this account. Twilio signs the address it was given, which is below publicURL; behind a proxy
// that is nothing the request itself shows. What proxies add to a request is not believed.
func NewVerifier(o Options, publicURL string) Verifier {
	return Verifier{token: []byte(o.AuthToken), account: o.AccountSID, public: strings.TrimRight(publicURL, "/")}
}

// Form reads the parameters of a request that Twilio signed, from at most max bytes. The error is a *Refusal: 403 without a right
// signature or from another account, 413 for more bytes, 400 for what can't be read. A JSON body gives its outermost fields.
func (v Verifier) Form(w http.ResponseWriter, r *http.Request, max int64) (url.Values, error) {
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || len(given) == 0 || len(v.token) == 0 {
		return nil, &Refusal{http.StatusForbidden, refusedUnsigned}
	}
	body, err := readBody(w, r, max)
	if err != nil {
		return nil, err
	}
	if isJSON(r) {
		return v.jsonForm(r, body, given)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Refusal{http.StatusBadRequest, refusedUnreadable}
	}
	if !v.signed(r, form, given) {
		return nil, &Refusal{http.StatusForbidden, refusedSignature}
	}
	return v.ours(form)
}

// jsonForm checks a JSON body: the signature covers the address only, and that names the hash of the body.
func (v Verifier) jsonForm(r *http.Request, body, given []byte) (url.Values, error) {
	hash := sha256.Sum256(body)
	want, err := hex.DecodeString(r.URL.Query().Get("bodySHA256"))
	if err != nil || !hmac.Equal(want, hash[:]) || !v.signed(r, nil, given) {
		return nil, &Refusal{http.StatusForbidden, refusedSignature}
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, &Refusal{http.StatusBadRequest, refusedUnreadable}
	}
	form := url.Values{}
	for name, field := range fields {
		switch field.(type) {
		case string, bool, json.Number:
			form.Set(name, fmt.Sprint(field))
		}
	}
	return v.ours(form)
}

// ours refuses what is signed and about another account: one token may be shared by a subaccount of somebody else's.
func (v Verifier) ours(form url.Values) (url.Values, error) {
	for _, account := range form["AccountSid"] {
		if account != v.account {
			return nil, &Refusal{http.StatusForbidden, refusedAccount}
		}
	}
	return form, nil
}

// signed tells whether given is the signature of form sent to one of the addresses the request can have been sent to.
func (v Verifier) signed(r *http.Request, form url.Values, given []byte) bool {
	tail := signedTail(form)
	for _, address := range v.addresses(r) {
		if hmac.Equal(given, signature(v.token, address, tail)) {
			return true
		}
	}
	return false
}

// addresses lists what Twilio may have signed: the public address first, then the one the request was sent to, each with its port,
// without and with the default one, because Twilio leaves the port out for some schemes and kinds of request. Path and query are
// taken as they came: reading and writing them again would spell some characters otherwise.
func (v Verifier) addresses(r *http.Request) []string {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") { // absolute, or a request that never was on the wire
		target = r.URL.RequestURI()
	}
	var all []string
	if u, err := url.Parse(v.public); err == nil && u.Host != "" {
		all = append(all, withPorts(u.Scheme, u.Host, u.EscapedPath()+target)...)
	}
	all = append(all, withPorts("https", r.Host, target)...)
	return append(all, withPorts("http", r.Host, target)...)
}

func withPorts(scheme, host, target string) []string {
	bare := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		bare = host[:i]
	}
	standard := bare + ":443"
	if scheme == "http" {
		standard = bare + ":80"
	}
	var all []string
	for _, h := range []string{host, bare, standard} {
		if address := scheme + "://" + h + target; !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

// signedTail is what follows the address: the parameters by name, each with its values sorted and without repetitions.
func signedTail(form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			b.WriteString(name)
			b.WriteString(value)
		}
	}
	return b.String()
}

func signature(token []byte, address, tail string) []byte {
	mac := hmac.New(sha1.New, token)
	mac.Write([]byte(address))
	mac.Write([]byte(tail))
	return mac.Sum(nil)
}

func readBody(w http.ResponseWriter, r *http.Request, max int64) ([]byte, error) {
	if r.ContentLength > max {
		return nil, &Refusal{http.StatusRequestEntityTooLarge, refusedLength}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, max))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, &Refusal{http.StatusRequestEntityTooLarge, refusedLength}
	}
	if err != nil {
		return nil, &Refusal{http.StatusBadRequest, refusedUnreadable}
	}
	return body, nil
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
