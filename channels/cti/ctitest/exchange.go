// Package ctitest is a telephone exchange as the webhook of package cti sees one: for tests, and for the town of the demo.
package ctitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 64 << 10

// Exchange posts calls to a hub.
type Exchange struct {
	Base   string       // address of the hub: "http://127.0.0.1:8080"
	Token  string       // of this exchange
	JSON   bool         // how it writes; else as a form
	Client *http.Client // nil: one that waits for 10 s
}

// Post is what an exchange tells at one moment.
type Post struct {
	Event           string // "newCall", "answer", "hangup"
	CallID          string
	Direction       string // "in", "out"
	From, To        string
	Users           []string
	AnsweringNumber string
	Cause           string
}

// Answer is what the hub says.
type Answer struct {
	Status int    `json:"-"`
	Action string `json:"action"` // "reject": the caller is turned away
	Reason string `json:"reason"`
	Error  string `json:"error"` // names the field that is wrong
}

// Call is one call through an exchange. Its posts may be sent in any order, and again.
type Call struct {
	ID       string
	Out      bool
	From, To string   // as the exchange writes numbers
	Users    []string // whose telephones ring, or who calls
}

// Ring is the post of a call that begins.
func (c Call) Ring() Post {
	p := c.post("newCall")
	p.Users = c.Users
	return p
}

// Answer is the post of a call that somebody takes; for one out, user is who calls.
func (c Call) Answer(user string) Post {
	p := c.post("answer")
	p.Users = []string{user}
	return p
}

// Hangup is the post of a call that is over; cause is "normalClearing", "busy", "cancel", "noAnswer", "congestion", "notFound" or
// "forwarded".
func (c Call) Hangup(cause string) Post {
	p := c.post("hangup")
	p.Cause = cause
	return p
}

func (c Call) post(event string) Post {
	direction := "in"
	if c.Out {
		direction = "out"
	}
	return Post{Event: event, CallID: c.ID, Direction: direction, From: c.From, To: c.To}
}

// Orders gives every order of posts.
func Orders(posts []Post) [][]Post {
	if len(posts) < 2 {
		return [][]Post{posts}
	}
	var all [][]Post
	for i, first := range posts {
		rest := append(append([]Post{}, posts[:i]...), posts[i+1:]...)
		for _, tail := range Orders(rest) {
			all = append(all, append([]Post{first}, tail...))
		}
	}
	return all
}

// Send posts what is told and reads the answer. An answer that is no JSON is an error.
func (e Exchange) Send(ctx context.Context, p Post) (_ Answer, err error) {
	body, kind := []byte(p.form().Encode()), "application/x-www-form-urlencoded"
	if e.JSON {
		kind = "application/json"
		if body, err = json.Marshal(p.object()); err != nil {
			return Answer{}, err
		}
	}
	address := strings.TrimRight(e.Base, "/") + "/webhooks/cti/" + url.PathEscape(e.Token)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Content-Type", kind)
	client := e.Client
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	got, err := client.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok { // it has the address, and so the token
			err = failed.Err
		}
		return Answer{}, fmt.Errorf("post a call: %w", err)
	}
	defer func() { err = errors.Join(err, got.Body.Close()) }()
	a := Answer{Status: got.StatusCode}
	if err := json.NewDecoder(io.LimitReader(got.Body, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("the hub answered %s, which is no JSON: %w", got.Status, err)
	}
	return a, nil
}

// form writes a post as most exchanges do: a list has its name with brackets.
func (p Post) form() url.Values {
	form := url.Values{}
	for name, value := range p.texts() {
		form.Set(name, value)
	}
	form["user[]"] = p.Users
	return form
}

func (p Post) object() map[string]any {
	object := map[string]any{}
	for name, value := range p.texts() {
		object[name] = value
	}
	if len(p.Users) > 0 {
		object["user"] = p.Users
	}
	return object
}

// texts leaves out what an exchange would: what it does not know at this moment.
func (p Post) texts() map[string]string {
	texts := map[string]string{"event": p.Event, "callId": p.CallID, "direction": p.Direction, "from": p.From, "to": p.To}
	for name, value := range map[string]string{"answeringNumber": p.AnsweringNumber, "cause": p.Cause} {
		if value != "" {
			texts[name] = value
		}
	}
	return texts
}
