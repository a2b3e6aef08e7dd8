package cti

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"time"

	"guichet/channels"
)

const (
	adapter = "cti" // as refusals are counted

	maxBody = 64 << 10 // bytes; a real post has a few hundred

	// budget is how long keeping one post may take. Exchanges wait for some seconds before they post again.
	budget = 8 * time.Second
)

// Deps is what a Webhook works with.
type Deps struct {
	Switchboard channels.Switchboard // knows which numbers are lines of the town
	Calls       channels.Calls
	Refusals    channels.Refusals
	Log         *slog.Logger
	Now         func() time.Time
	Region      string // of numbers without a country: "FR"
}

// Webhook is what exchanges post their calls to. It keeps nothing between two posts, so that they may come in any order, repeatedly
// and to any replica.
type Webhook struct {
	exchanges []exchange
	deps      Deps
}

// exchange is an Exchange made ready to be compared with.
type exchange struct {
	Exchange
	token   [sha256.Size]byte
	blocked map[string]bool // E.164
}

// NewWebhook returns a Webhook for exchanges whose configuration has been found right.
func NewWebhook(exchanges []Exchange, d Deps) *Webhook {
	h := &Webhook{deps: d}
	for _, e := range exchanges {
		ready := exchange{Exchange: e, token: sha256.Sum256([]byte(e.Token)), blocked: map[string]bool{}}
		for _, number := range e.Blocked {
			if e164, ok := channels.ParsePhone(number, d.Region); ok {
				ready.blocked[e164] = true
			}
		}
		h.exchanges = append(h.exchanges, ready)
	}
	return h
}

// Mounts gives the one address of all exchanges; none without an exchange.
func (h *Webhook) Mounts() []channels.Mount {
	if len(h.exchanges) == 0 {
		return nil
	}
	return []channels.Mount{{Method: http.MethodPost, Path: "/webhooks/cti/:token", MaxBody: maxBody, Handler: h}}
}

// answer is what an exchange is told. It hangs up a call when Action is "reject", and reads nothing else.
type answer struct {
	Action string `json:"action,omitempty"`
	Reason string `json:"reason,omitempty"` // "busy": the caller hears that
	Error  string `json:"error,omitempty"`  // for who sets up the exchange: names the field
}

// ServeHTTP answers one post: 200 once what it tells is kept, 401 for a wrong token, 413 and 415 for a body that is not read, 422 for
// a field that is wrong, and 503 when nothing could be kept, so that the exchange posts again.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, ok := h.known(path.Base(r.URL.Path))
	if !ok {
		h.refuse(w, "", &refusal{status: http.StatusUnauthorized, reason: "token", words: "token: is none of an exchange"})
		return
	}
	n, err := h.read(w, r, e)
	if err != nil {
		h.refuse(w, e.Name, err)
		return
	}
	if n.Step == "" {
		h.write(w, e.Name, http.StatusOK, answer{})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), budget)
	defer cancel()
	blocked, err := h.tell(ctx, e, n)
	switch {
	case err != nil:
		h.deps.Log.Error("a call's news was not kept; the exchange was told to post it again", "exchange", e.Name, "call_id", n.ID, "step", n.Step, "err", err)
		h.write(w, e.Name, http.StatusServiceUnavailable, answer{Error: "not kept, post it again"})
	case blocked:
		h.write(w, e.Name, http.StatusOK, answer{Action: "reject", Reason: "busy"})
	default:
		h.write(w, e.Name, http.StatusOK, answer{})
	}
}

// known finds the exchange of a token. All are compared, each in the same time, so that how long it takes tells nothing.
func (h *Webhook) known(token string) (found exchange, ok bool) {
	given := sha256.Sum256([]byte(token))
	for _, e := range h.exchanges {
		if subtle.ConstantTimeCompare(given[:], e.token[:]) == 1 && e.Token != "" {
			found, ok = e, true
		}
	}
	return found, ok
}

// read reads a post. A news without a step says nothing that matters here.
func (h *Webhook) read(w http.ResponseWriter, r *http.Request, e exchange) (channels.CallNews, error) {
	f, err := readFields(w, r)
	if err != nil {
		return channels.CallNews{}, err
	}
	n, err := newsOf(f, e.Exchange, h.deps.Region)
	if err != nil {
		return channels.CallNews{}, err
	}
	if n.Step == "" {
		h.deps.Log.Info("an exchange tells of something that is no call's beginning, answer or end; nothing was kept", "exchange", e.Name)
		return n, nil
	}
	n.At = h.deps.Now()
	ours := n.Called
	if n.Out {
		ours = n.Caller
	}
	if welcome, ok := h.deps.Switchboard.Welcome(r.Context(), ours.Value, n.At); ok && ours.Value != "" {
		n.Line = welcome.Line
	} else {
		n.Department = e.Department
	}
	return n, nil
}

// tell tells of a call. One from a blocked caller rings nowhere: it is told as rejected, whichever of its posts comes first.
func (h *Webhook) tell(ctx context.Context, e exchange, n channels.CallNews) (blocked bool, err error) {
	rings := n.Step == channels.CallRang
	if !n.Out && e.blocked[n.Caller.Value] && n.Step != channels.CallAnswered {
		_, err := h.deps.Calls.Ring(ctx, rejected(n))
		return rings, err
	}
	ruling, err := h.deps.Calls.Ring(ctx, n)
	if err != nil || !rings || n.Out || !ruling.Blocked {
		return false, err
	}
	_, err = h.deps.Calls.Ring(ctx, rejected(n))
	return true, err
}

func rejected(n channels.CallNews) channels.CallNews {
	n.Step, n.End = channels.CallEnded, channels.EndRejected
	return n
}

// refuse counts and answers a post that is not taken. The address is never logged: it has the token.
func (h *Webhook) refuse(w http.ResponseWriter, exchange string, err error) {
	why, ok := errors.AsType[*refusal](err)
	if !ok {
		why = &refusal{status: http.StatusBadRequest, reason: "unreadable", words: "body: can't be read"}
	}
	h.deps.Refusals.Refused(adapter, why.reason)
	h.deps.Log.Warn("a post of an exchange was refused", "exchange", exchange, "reason", why.reason, "err", why)
	h.write(w, exchange, why.status, answer{Error: why.words})
}

func (h *Webhook) write(w http.ResponseWriter, exchange string, status int, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(a); err != nil {
		h.deps.Log.Warn("the answer to an exchange was not sent", "exchange", exchange, "err", err)
	}
}

// refusal is why a post is not taken. Its words name the field and never what was in it.
type refusal struct {
	status int
	reason string // as it is counted
	words  string
}

func (r *refusal) Error() string { return r.words }

// badField refuses a field.
func badField(name, words string) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, reason: "field", words: name + ": " + words}
}
