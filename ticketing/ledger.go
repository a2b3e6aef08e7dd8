package ticketing

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Ledger is who looked at whose file: sealed so that nobody can change it unseen, and shown to data protection officers alone.
type Ledger struct {
	store Store
	town  *Town
	keep  time.Duration
	now   Clock
	log   *slog.Logger

	pruned, told time.Time // when Run last did so
}

// KeepConsultations is how long consultations are kept when nothing else is said.
const KeepConsultations = 365 * 24 * time.Hour

// NewLedger makes a Ledger that keeps consultations for so long; 0 is KeepConsultations.
func NewLedger(store Store, town *Town, keep time.Duration, now Clock, log *slog.Logger) *Ledger {
	if keep == 0 {
		keep = KeepConsultations
	}
	return &Ledger{store: store, town: town, keep: keep, now: now, log: log}
}

// Look is a Consultation with the names of what it speaks of.
type Look struct {
	Consultation
	AgentName   string
	AgentEmail  string
	CitizenName string
	Reference   string // of the ticket
}

// LookPage is a page of looks. Next is the cursor of the next one; empty: this was the last.
type LookPage struct {
	Rows []Look
	Next string
}

// May tells whether an actor reads the ledger: data protection officers do, and nobody else, whatever else she may do.
func (l *Ledger) May(a Actor) bool { return a.Has(RoleDPO) }

// Looks lists consultations, newest first. That she looked is noted too.
func (l *Ledger) Looks(ctx context.Context, a Actor, q ConsultationQuery, cursor string) (LookPage, error) {
	if !l.May(a) {
		return LookPage{}, ErrForbidden
	}
	if err := l.prepare(ctx, &q, cursor); err != nil {
		return LookPage{}, err
	}
	if err := look(ctx, l.store, l.now(), a, q.Citizen, q.Ticket, ""); err != nil {
		return LookPage{}, err
	}
	limit := q.Limit
	q.Limit++
	rows, err := l.store.ListConsultations(ctx, q)
	if err != nil {
		return LookPage{}, err
	}
	var page LookPage
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = strconv.FormatInt(rows[limit-1].ID, 10)
	}
	page.Rows, err = l.named(ctx, rows)
	return page, err
}

// prepare makes of what was typed what the database is asked.
func (l *Ledger) prepare(ctx context.Context, q *ConsultationQuery, cursor string) error {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, MaxPage)
	if q.Citizen != "" && !IsID(q.Citizen) {
		return invalid("citizen", "unknown")
	}
	if len(q.Name) > 200 {
		return invalid("name", "too_long")
	}
	if strings.Contains(q.Agent, "@") {
		agent, _ := l.town.Now().AgentByEmail(q.Agent)
		q.Agent = agent.ID
		if q.Agent == "" {
			return invalid("agent", "unknown")
		}
	}
	if q.Agent != "" && !IsID(q.Agent) {
		return invalid("agent", "unknown")
	}
	if q.Ticket != "" && !IsID(q.Ticket) {
		year, number, ok := ParseReference(q.Ticket)
		if !ok {
			return invalid("ticket", "unknown")
		}
		t, err := l.store.Ticket(ctx, year, number)
		if err != nil {
			return invalid("ticket", "unknown")
		}
		q.Ticket = t.ID
	}
	if cursor != "" {
		below, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || below <= 0 {
			return invalid("cursor", "unknown")
		}
		q.Below = below
	}
	return nil
}

// named adds the names. Subjects, departments and texts of tickets are nothing a data protection officer needs here.
func (l *Ledger) named(ctx context.Context, rows []Consultation) ([]Look, error) {
	citizens, tickets := map[string]bool{}, map[string]bool{}
	for _, c := range rows {
		citizens[c.CitizenID], tickets[c.TicketID] = true, true
	}
	people, err := l.store.CitizensByIDs(ctx, keysOf(citizens))
	if err != nil {
		return nil, err
	}
	found, err := l.store.TicketsByIDs(ctx, keysOf(tickets))
	if err != nil {
		return nil, err
	}
	references := map[string]string{}
	for _, t := range found {
		references[t.ID] = t.Reference()
	}
	s := l.town.Now()
	looks := make([]Look, len(rows))
	for i, c := range rows {
		agent, _ := s.Agent(c.AgentID)
		looks[i] = Look{
			Consultation: c, AgentName: agent.Name, AgentEmail: agent.Email, CitizenName: people[c.CitizenID].Name(), Reference: references[c.TicketID],
		}
	}
	return looks, nil
}

// Check recomputes the chain of seals.
func (l *Ledger) Check(ctx context.Context, a Actor) (Chain, error) {
	if !l.May(a) {
		return Chain{}, ErrForbidden
	}
	return l.CheckSeals(ctx)
}

// CheckSeals recomputes the chain of seals, for whoever runs the machine. Seals made or pruned while it reads may look like a break, so
// one that is found is looked for again.
func (l *Ledger) CheckSeals(ctx context.Context) (Chain, error) {
	c, err := checkChain(ctx, l.store)
	if err != nil || c.Holds {
		return c, err
	}
	return checkChain(ctx, l.store)
}
