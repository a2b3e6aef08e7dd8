package twilio

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	testAccount = "AC0123456789abcdef0123456789abcdef"
	testToken   = "12345"
)

// The example of the provider's own documentation.
func TestSignatureOfTheDocumentation(t *testing.T) {
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
		"From": {"+14158675309"}, "To": {"+18005551212"},
	}
	got := base64.StdEncoding.EncodeToString(signature([]byte("12345"), "https://mycompany.com/myapp.php?foo=1&bar=2", signedTail(form)))
	if want := "RSOYDt4T1cUTdK1PDd93/VVr8B8="; got != want {
		t.Fatalf("signature %q, want %q", got, want)
	}
}

func TestForm(t *testing.T) {
	plain := url.Values{"MessageSid": {"SM1"}, "From": {"+33639980001"}, "AccountSid": {testAccount}}
	json := `{"MessageSid":"SM1","From":"+33639980001","N":12,"Deep":{"a":1}}`
	hash := sha256.Sum256([]byte(json))
	sum := hex.EncodeToString(hash[:])

	cases := []struct {
		name    string
		public  string     // of the Verifier; none: it has none
		signed  string     // address Twilio signed
		target  string     // what the request line says
		host    string     // what the request's Host says
		form    url.Values // signed and sent; nil: plain
		body    string     // sent instead of the form
		json    bool
		token   string // of Twilio; empty: the right one
		header  string // instead of the signature
		forward string // X-Forwarded-Host
		max     int64
		status  int // 0: let in
		reason  string
	}{
		{name: "public address", signed: "https://mairie.example/hook"},
		{name: "public address, other host inside", signed: "https://mairie.example/hook", host: "10.0.0.3:8080"},
		{name: "public address with a path", public: "https://mairie.example/guichet/", signed: "https://mairie.example/guichet/hook"},
		{name: "public address with a port, signed without", public: "https://mairie.example:8443", signed: "https://mairie.example/hook"},
		{name: "public address with a port, signed with", public: "https://mairie.example:8443", signed: "https://mairie.example:8443/hook"},
		{name: "signed with the default port", signed: "https://mairie.example:443/hook"},
		{name: "plain http with its default port", public: "http://mairie.example", signed: "http://mairie.example:80/hook"},
		{name: "IPv6", public: "http://[2001:db8::1]:8080", signed: "http://[2001:db8::1]/hook"},
		{name: "the request's host over a proxy's TLS", public: "https://other.example", signed: "https://mairie.example/hook", host: "mairie.example"},
		{name: "the request's host", public: "none", signed: "http://127.0.0.1:8080/hook", host: "127.0.0.1:8080"},
		{name: "the request's host without its port", public: "none", signed: "http://localhost/hook", host: "localhost:8080"},
		{name: "a host the proxy only names is not believed", signed: "https://elsewhere.example/hook", forward: "elsewhere.example",
			status: 403, reason: refusedSignature},
		{name: "query", signed: "https://mairie.example/hook?m=%3Ca%40b%3E&x=1+2", target: "/hook?m=%3Ca%40b%3E&x=1+2"},
		{name: "query in another order", signed: "https://mairie.example/hook?x=1&m=2", target: "/hook?m=2&x=1", status: 403, reason: refusedSignature},
		{name: "quote in the path", signed: "https://mairie.example/l'accueil", target: "/l'accueil"},
		{name: "quote in the query", signed: "https://mairie.example/hook?m=l'un", target: "/hook?m=l'un"},
		{name: "repeated parameter", signed: "https://mairie.example/hook", form: url.Values{"Digits": {"2", "1", "2"}, "A": {"x"}}},
		{name: "empty value and accents", signed: "https://mairie.example/hook", form: url.Values{"Body": {"Été à l’école 🏫"}, "Empty": {""}}},
		{name: "no parameters", signed: "https://mairie.example/hook", form: url.Values{}},
		{name: "a parameter added", signed: "https://mairie.example/hook", body: plain.Encode() + "&Body=x", status: 403, reason: refusedSignature},
		{name: "a value repeated on the way", signed: "https://mairie.example/hook", body: plain.Encode() + "&From=%2B33639980001"},
		{name: "another token", signed: "https://mairie.example/hook", token: "54321", status: 403, reason: refusedSignature},
		{name: "another address", signed: "https://mairie.example/other", status: 403, reason: refusedSignature},
		{name: "no signature", header: "-", status: 403, reason: refusedUnsigned},
		{name: "no base64", header: "!!!", status: 403, reason: refusedUnsigned},
		{name: "too short a signature", header: "AAAA", status: 403, reason: refusedSignature},
		{name: "another account", signed: "https://mairie.example/hook", form: url.Values{"AccountSid": {"AC9"}}, status: 403, reason: refusedAccount},
		{name: "a second account", signed: "https://mairie.example/hook", form: url.Values{"AccountSid": {testAccount, "AC9"}}, status: 403, reason: refusedAccount},
		{name: "no form", signed: "https://mairie.example/hook", body: "a=%zz", status: 400, reason: refusedUnreadable},
		{name: "too long", signed: "https://mairie.example/hook", max: 10, status: 413, reason: refusedLength},
		{name: "JSON", signed: "https://mairie.example/hook?bodySHA256=" + sum, target: "/hook?bodySHA256=" + sum, form: url.Values{}, body: json, json: true},
		{name: "JSON with another hash", signed: "https://mairie.example/hook?bodySHA256=00", target: "/hook?bodySHA256=00", form: url.Values{}, body: json,
			json: true, status: 403, reason: refusedSignature},
		{name: "JSON without a hash", signed: "https://mairie.example/hook", form: url.Values{}, body: json, json: true, status: 403, reason: refusedSignature},
		{name: "JSON signed for elsewhere", signed: "https://mairie.example/x?bodySHA256=" + sum, target: "/hook?bodySHA256=" + sum, form: url.Values{},
			body: json, json: true, status: 403, reason: refusedSignature},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.form == nil {
				c.form = plain
			}
			public := strings.TrimPrefix(cmp.Or(c.public, "https://mairie.example"), "none")
			body := c.body
			if body == "" {
				body = c.form.Encode()
			}
			r := httptest.NewRequest(http.MethodPost, cmp.Or(c.target, "/hook"), strings.NewReader(body))
			r.Host = cmp.Or(c.host, "hub.internal:8080")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			if c.json {
				r.Header.Set("Content-Type", "application/json")
			}
			if c.forward != "" {
				r.Header.Set("X-Forwarded-Host", c.forward)
			}
			switch c.header {
			case "":
				sign := signature([]byte(cmp.Or(c.token, testToken)), c.signed, signedTail(c.form))
				r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(sign))
			case "-":
			default:
				r.Header.Set("X-Twilio-Signature", c.header)
			}
			max := c.max
			if max == 0 {
				max = 64 << 10
			}
			form, err := NewVerifier(Options{AccountSID: testAccount, AuthToken: testToken}, public).Form(httptest.NewRecorder(), r, max)
			if c.status == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if c.json && (form.Get("MessageSid") != "SM1" || form.Get("N") != "12" || form.Has("Deep")) {
					t.Fatalf("read %v", form)
				}
				return
			}
			refusal, ok := errors.AsType[*Refusal](err)
			if !ok || refusal.Status != c.status || refusal.Reason != c.reason || form != nil {
				t.Fatalf("got %v and %v, want %d %s", form, err, c.status, c.reason)
			}
		})
	}
}

// A body whose length nobody announced is cut off all the same.
func TestFormBoundsWhatHasNoLength(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("Body="), &repeat{left: 10 << 20})
	r := httptest.NewRequest(http.MethodPost, "/hook", endless)
	r.ContentLength = -1
	r.Header.Set("X-Twilio-Signature", "AAAA")
	_, err := NewVerifier(Options{AccountSID: testAccount, AuthToken: testToken}, "https://mairie.example").Form(httptest.NewRecorder(), r, 64<<10)
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Status != http.StatusRequestEntityTooLarge {
		t.Fatal(err)
	}
}

// Without a token anybody could sign.
func TestFormWithoutToken(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/hook", nil)
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(signature(nil, "http://example.com/hook", "")))
	if _, err := (Verifier{}).Form(httptest.NewRecorder(), r, 100); err == nil {
		t.Fatal("let in")
	}
}

type repeat struct{ left int }

func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	for i := range p[:n] {
		p[i] = 'a'
	}
	r.left -= n
	return n, nil
}
