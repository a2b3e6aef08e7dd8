package ticketing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Consultation is one look at a citizen's file or at a ticket of a closed department: who, when, on which page, at what, and why when
// she was asked. Rows are never changed, but for the number of their seal.
type Consultation struct {
	ID        int64 `gorm:"primaryKey;autoIncrement"`
	At        time.Time
	AgentID   string
	Page      string // the pattern of the route, "GET /citizens/{id}": never an address, which may hold a name
	CitizenID string // empty: of nobody
	TicketID  string // empty: of none
	Purpose   string // what she said it was for; empty: nobody asked
	Digest    string // lower-case hexadecimal SHA-256 of the fields above but ID
	Seal      int64  // the number of the Seal it is under; 0: not sealed yet
}

// Looking again at the same thing on the same page is the same look for a minute, and for an hour when it is the page that asks again
// by itself because it was left open.
const (
	sameLook = time.Minute
	stayOpen = time.Hour
)

// maxPurpose is the longest reason anybody is asked for, in bytes.
const maxPurpose = 500

// visitKey carries what a request is for.
type visitKey struct{}

// Visit is what a request is for.
type Visit struct {
	Route string // the pattern: "GET /citizens/{id}"
	Again bool   // a page that is open asks for what it shows once more
}

// OnPage says which page a request is for, so that what it shows can be noted.
func OnPage(ctx context.Context, v Visit) context.Context {
	return context.WithValue(ctx, visitKey{}, v)
}

// look notes that an actor is shown a citizen's file, a closed department's ticket, or both. It is written before she is shown it, in
// the same request: what can't be noted is not shown.
func look(ctx context.Context, store Consultations, now time.Time, a Actor, citizenID, ticketID, purpose string) error {
	visit, _ := ctx.Value(visitKey{}).(Visit)
	same := sameLook
	if visit.Again {
		same = stayOpen
	}
	c := Consultation{
		At: now.UTC().Truncate(time.Microsecond), AgentID: a.ID, Page: visit.Route, CitizenID: citizenID, TicketID: ticketID,
		Purpose: strings.ReplaceAll(strings.ToValidUTF8(clip(purpose, maxPurpose), "?"), "\x00", "?"),
	}
	c.Digest = c.digest()
	return wrap("note who looked", store.AddConsultation(ctx, c, c.At.Add(-same)))
}

// digest is the SHA-256 of what a row says, as a JSON array: anybody can compute it from an export.
func (c Consultation) digest() string {
	text, err := json.Marshal([]string{c.At.UTC().Format(time.RFC3339Nano), c.AgentID, c.Page, c.CitizenID, c.TicketID, c.Purpose})
	if err != nil { // strings always marshal
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ConsultationQuery asks for a page of consultations, newest first. Zero fields do not filter.
type ConsultationQuery struct {
	Citizen string // and the records that were merged into it
	Name    string // words of the citizen's name
	Agent   string
	Ticket  string
	After   *time.Time // this moment or later
	Before  *time.Time // earlier than this
	Below   int64      // ids below this one; 0: from the newest
	Limit   int
}
