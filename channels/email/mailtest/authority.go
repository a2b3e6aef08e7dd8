package mailtest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Authority is an authorization server inside the process: it gives access tokens for client credentials or a refresh token (RFC 6749),
// and knows which of them are good. Its clients are "guichet" with the secret "client-secret", and whoever has "refresh-secret".
type Authority struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup

	mu      sync.Mutex
	lasts   time.Duration
	given   int
	good    map[string]bool
	failure *refusal
}

// refusal is how the next requests are answered instead.
type refusal struct {
	status int
	code   string
}

// StartAuthority starts one whose tokens last for an hour.
func StartAuthority() (*Authority, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("mailtest: authority: %w", err)
	}
	a := &Authority{listener: l, lasts: time.Hour, good: map[string]bool{}}
	a.server = &http.Server{Handler: http.HandlerFunc(a.give), ReadHeaderTimeout: 5 * time.Second}
	a.serving.Go(func() { _ = a.server.Serve(l) })
	return a, nil
}

// URL is the token endpoint.
func (a *Authority) URL() string { return "http://" + a.listener.Addr().String() + "/token" }

// Close stops it.
func (a *Authority) Close() error {
	err := a.server.Close()
	a.serving.Wait()
	return err
}

// Lasts says for how long the next tokens are good, as told to the client.
func (a *Authority) Lasts(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lasts = d
}

// Revoke makes every token given so far worth nothing.
func (a *Authority) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.good = map[string]bool{}
}

// Refuse answers every request with a status and an error code, as after a consent was taken back; zero ends that.
func (a *Authority) Refuse(status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = nil
	if status != 0 {
		a.failure = &refusal{status, code}
	}
}

// Given is how many tokens were given.
func (a *Authority) Given() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.given
}

// Good tells whether a token opens a mailbox.
func (a *Authority) Good(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.good[token]
}

func (a *Authority) give(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	answer, status := map[string]any{}, http.StatusOK
	switch grant := r.PostFormValue("grant_type"); {
	case a.failure != nil:
		// A careless server repeats what it was sent.
		status, answer["error"] = a.failure.status, a.failure.code
		answer["error_description"] = "refused: " + secret + r.PostFormValue("refresh_token")
	case id != "guichet" || secret != "client-secret":
		status, answer["error"] = http.StatusUnauthorized, "invalid_client"
	case grant == "client_credentials", grant == "refresh_token" && strings.HasPrefix(r.PostFormValue("refresh_token"), "refresh-secret"):
		a.given++
		token := fmt.Sprintf("%s-%d", grant, a.given)
		a.good[token] = true
		answer = map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(a.lasts / time.Second)}
		if grant == "refresh_token" {
			answer["refresh_token"] = fmt.Sprintf("refresh-secret-%d", a.given)
		}
	default:
		status, answer["error"] = http.StatusBadRequest, "invalid_grant"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone needs no answer
}
