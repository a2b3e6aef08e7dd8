// Package twiliotest is what api.twilio.com is for Guichet, inside the process, for tests and for the demo: it takes messages as
// strictly as the provider does and tells what becomes of them, posts signed texts and calls, and keeps files and recordings. It
// holds everything in memory, and of everything the newest only.
package twiliotest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Account and Token are an account's when the Options name none.
const (
	Account = "AC00000000000000000000000000000000"
	Token   = "0123456789abcdef0123456789abcdef"
)

const (
	apiVersion = "2010-04-01"
	maxKept    = 1000 // of messages and posts
	maxFiles   = 100  // of files and recordings
	maxRequest = 64 << 10
	patience   = 20 * time.Second // with the hub, which is given 15 s by the real provider
)

// Options say whose account it is and how fast it works. The zero Options are a test's.
type Options struct {
	AccountSID string // empty: Account
	AuthToken  string // empty: Token
	Status     string // of the account; empty: "active"

	// OnMessage is called for each message that was accepted, before the client is answered. It may be nil.
	OnMessage func(Message)
	// Pace is how long the provider waits before each news of a message; nil: not at all.
	Pace func() time.Duration
	// Lasting calls ring and talk as long as they say; a test's take no time.
	Lasting bool
	// Now dates what the provider says; nil is time.Now.
	Now func() time.Time
}

// Provider is a running one.
type Provider struct {
	o        Options
	listener net.Listener
	server   *http.Server
	client   *http.Client
	ctx      context.Context // ends with the Provider: what it posts by itself is asked for by no request
	end      context.CancelFunc
	working  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	changed chan struct{} // closed and replaced when something was sent or posted
	hub     string
	asked   int
	sent    []Message
	first   int // how many of sent were forgotten
	posts   []Post
	posted  int
	faults  map[string]*Fault
	news    map[string][]News
	files   []kept
}

// Start starts a provider on a free port of this machine.
func Start(o Options) (*Provider, error) {
	if o.AccountSID == "" {
		o.AccountSID = Account
	}
	if o.AuthToken == "" {
		o.AuthToken = Token
	}
	if o.Status == "" {
		o.Status = "active"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, end := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		end()
		return nil, fmt.Errorf("twiliotest: %w", err)
	}
	p := &Provider{
		o: o, listener: listener, ctx: ctx, end: end, changed: make(chan struct{}), faults: map[string]*Fault{}, news: map[string][]News{},
		client: &http.Client{Transport: &http.Transport{}, Timeout: patience},
	}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second}
	p.working.Go(func() { _ = p.server.Serve(listener) }) // it ends by Close
	return p, nil
}

// URL is where the API is: what twilio.api_base is set to.
func (p *Provider) URL() string { return "http://" + p.listener.Addr().String() }

// Connect says below which address the hub's webhooks are, as an administrator does on the provider's site for each number.
func (p *Provider) Connect(hub string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hub = strings.TrimRight(hub, "/")
}

// Close ends the provider and all that it still had to tell.
func (p *Provider) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	err := p.server.Close()
	p.working.Wait()
	p.client.CloseIdleConnections()
	return err
}

// spawn does something that no request waits for, unless the provider is ending.
func (p *Provider) spawn(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.working.Go(do)
	}
}

// note wakes those who wait for something. The caller holds the lock.
func (p *Provider) note() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns once done says so, which it is asked with the lock held whenever something changed.
func (p *Provider) wait(ctx context.Context, done func() bool) error {
	for {
		p.mu.Lock()
		ok, changed := done(), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ctx.Done():
			return errors.New("twiliotest: the provider has ended")
		}
	}
}

// newest cuts a list to the newest of it.
func newest[T any](list []T, limit int) []T {
	return list[max(0, len(list)-limit):]
}

// NewSID makes an identifier of a kind: "SM", "MM", "CA", "RE". No two are alike, whichever provider made them.
func NewSID(kind string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return kind + hex.EncodeToString(b[:])
}

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	account := "/" + apiVersion + "/Accounts/{account}"
	mux.HandleFunc("POST "+account+"/Messages.json", p.create)
	mux.HandleFunc("GET "+account, p.account) // the name ends in .json
	mux.HandleFunc("GET "+account+"/Messages/{message}/Media/{file}", p.file)
	mux.HandleFunc("GET "+account+"/Recordings/{file}", p.file)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answerError(w, http.StatusNotFound, 20404) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		mux.ServeHTTP(w, r)
	})
}
