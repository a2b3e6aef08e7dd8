package ticketing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/routing"
)

// NewContact is a contact an agent writes down: a call, a visit, a letter.
type NewContact struct {
	Channel    channels.Name
	CallID     string        // the call it was, which an exchange told of; empty: none that we know
	CitizenID  string        // empty: Citizen describes her
	Citizen    *CitizenDraft // used when CitizenID is empty; else the record gets those of its contacts it does not have
	Subject    string
	Text       string
	Motive     string
	Department string // empty: the motive's, else what the rules say, else the first department
	ReceivedAt *time.Time
	Answered   bool     // she was given her answer at once: the ticket is closed as answered
	Files      []string // ids of what Attach was given
	Desk       string   // at which counter
	Documents  []string // handed over on paper
	Receipt    Receipt
	Key        string // Idempotency-Key
}

// Log writes a contact down: on the ticket of the call it was, if that has one the actor may see, else as a ticket. Any agent may, for any
// department: who sits at the counter cannot choose who comes. Until somebody takes it she reads it, even in a department she does not
// belong to.
func (d *Desk) Log(ctx context.Context, a Actor, c NewContact) (Ticket, error) {
	s := d.town.Now()
	if !a.Has(RoleAgent) && !a.Has(RoleSupervisor) || a.ReadOnly {
		return Ticket{}, ErrForbidden
	}
	n := noting{desk: d, town: s, actor: a, contact: c, now: d.now(), directed: c.Motive != "" || c.Department != ""}
	var err error
	if n.department, n.priority, n.rule, err = d.route(s, &n.contact); err != nil {
		return Ticket{}, err
	}
	if err := checkPaper(c); err != nil {
		return Ticket{}, err
	}
	if n.received, err = receivedAt(c, n.now); err != nil {
		return Ticket{}, err
	}
	var done noting
	err = d.store.InTx(ctx, func(tx Nouns) error {
		done = n
		done.tx = tx
		return done.run(ctx)
	})
	if err != nil || done.replayed {
		return done.ticket, err
	}
	result := channels.Created
	if done.joined {
		result = channels.Joined
	}
	d.stats.Received(string(c.Channel), string(result), 1)
	d.after(ctx, done.effects)
	return done.ticket, nil
}

// receivedAt is when a contact reached the town hall.
func receivedAt(c NewContact, now time.Time) (time.Time, error) {
	if c.ReceivedAt == nil {
		return now, nil
	}
	received := c.ReceivedAt.UTC()
	switch {
	case received.After(now.Add(5 * time.Minute)):
		return received, invalid("received_at", "in_the_future")
	case received.Year() < 1900: // a slip of the pen, and JSON has no year before 0
		return received, invalid("received_at", "too_long_ago")
	}
	return received, nil
}

// route checks what was written down and says where it goes.
func (d *Desk) route(s *Snapshot, c *NewContact) (department string, priority Priority, rule string, err error) {
	c.Subject = strings.TrimSpace(c.Subject)
	switch {
	case !slices.Contains(channels.Names(), c.Channel):
		return "", "", "", invalid("channel", "unknown")
	case c.Subject == "" && strings.TrimSpace(c.Text) == "":
		return "", "", "", invalid("subject", "empty")
	case len(c.Subject) > 998 || len(c.Text) > MaxText:
		return "", "", "", invalid("text", "too_long")
	case c.CitizenID == "" && c.Citizen.nobody() && !slices.Contains(unnamed(), c.Channel):
		return "", "", "", invalid("citizen", "empty")
	}
	if c.CitizenID == "" && c.CallID == "" && c.Receipt.By != "" && c.Citizen.nobody() { // nothing is sent to nobody
		return "", "", "", invalid("receipt.to", "empty")
	}
	if c.Subject == "" {
		c.Subject = clip(preview(c.Text), 80)
	}
	fallback := ""
	if len(s.Departments) > 0 {
		fallback = s.Departments[0].Code
	}
	decision := s.Rules.Decide(routing.Facts{Channel: string(c.Channel), Fallback: fallback, Subject: c.Subject, Text: c.Text})
	department, priority, rule = decision.Department, priorityOr(decision.Priority), decision.Rule
	if c.Motive != "" {
		m, ok := s.Motive(c.Motive)
		if !ok {
			return "", "", "", invalid("motive", "unknown")
		}
		department, priority, rule = m.Department, m.Priority, ""
	} else if c.Department == "" || c.Department == decision.Department {
		c.Motive = decision.Motive
	}
	if c.Department != "" {
		if _, ok := s.Department(c.Department); !ok {
			return "", "", "", invalid("department", "unknown")
		}
		department, rule = c.Department, ""
	}
	if department == "" {
		return "", "", "", conflict("no_department")
	}
	return department, priority, rule, nil
}

// draft finds the citizen the agent chose, or who claims an e-mail address she was given and has no other name, or makes a record. A
// telephone number may be a household's: it never decides who somebody is.
func (d *Desk) draft(ctx context.Context, tx Nouns, c NewContact, now time.Time) (Citizen, []Event, error) {
	if c.CitizenID != "" {
		if !IsID(c.CitizenID) {
			return Citizen{}, nil, invalid("citizen_id", "unknown")
		}
		lives, err := livesIn(ctx, tx, c.CitizenID)
		if errors.Is(err, ErrNotFound) {
			return Citizen{}, nil, invalid("citizen_id", "unknown")
		}
		if err != nil {
			return Citizen{}, nil, err
		}
		citizen, err := tx.Citizen(ctx, lives.ID)
		if err != nil {
			return Citizen{}, nil, err
		}
		if c.Citizen != nil && len(c.Citizen.Contacts) > 0 {
			typed, err := newRecord(d.town.Profile, CitizenDraft{Contacts: c.Citizen.Contacts}, now)
			if err != nil {
				return Citizen{}, nil, err
			}
			if citizen, err = d.reach(ctx, tx, citizen.ID, typed.Contacts); err != nil {
				return Citizen{}, nil, err
			}
		}
		return citizen, nil, tx.TouchCitizens(ctx, []string{citizen.ID}, now)
	}
	citizen, err := newRecord(d.town.Profile, *c.Citizen, now)
	if err != nil {
		return Citizen{}, nil, err
	}
	shared := map[string]bool{} // addresses somebody else claims
	for _, contact := range citizen.Contacts {
		if contact.Type != "email" {
			continue
		}
		owners, err := tx.CitizensByContacts(ctx, "email", []string{contact.Value})
		if err != nil {
			return Citizen{}, nil, err
		}
		owner, ok := owners[contact.Value]
		if shared[contact.Value] = ok; ok && !called(owner, citizen) {
			if owner, err = livesIn(ctx, tx, owner.ID); err != nil {
				return Citizen{}, nil, err
			}
			owner, err = d.reach(ctx, tx, owner.ID, citizen.Contacts)
			if err != nil {
				return Citizen{}, nil, err
			}
			return owner, nil, tx.TouchCitizens(ctx, []string{owner.ID}, now)
		}
	}
	if err := tx.AddCitizens(ctx, []Citizen{citizen}); err != nil {
		return Citizen{}, nil, err
	}
	var claims, others []Contact
	for _, contact := range citizen.Contacts {
		contact.Claims = contact.Type == "email" && !shared[contact.Value]
		if contact.Claims {
			claims = append(claims, contact)
		} else {
			others = append(others, contact)
		}
	}
	won, err := tx.ClaimContacts(ctx, claims)
	if err != nil {
		return Citizen{}, nil, err
	}
	if len(won) < len(claims) { // written to us in this very moment: the next try finds the record
		return Citizen{}, nil, conflict("citizen_exists")
	}
	if err := tx.AddContacts(ctx, others); err != nil {
		return Citizen{}, nil, err
	}
	return citizen, []Event{{At: now, Type: EventCitizenCreated, CitizenID: &citizen.ID}}, nil
}

// called tells whether somebody has another name than a record: then the address they share is both theirs, and not who she is.
func called(known, typed Citizen) bool {
	why := likeName(known, typed)
	return why == WhyDifferentName || why == WhyDifferentGiven
}

// reach adds the ways to reach a citizen that her record does not have yet.
func (d *Desk) reach(ctx context.Context, tx Nouns, id string, typed []Contact) (Citizen, error) {
	citizen, err := tx.Citizen(ctx, id)
	if err != nil {
		return Citizen{}, err
	}
	var more []Contact
	for _, c := range typed {
		known := func(have Contact) bool { return have.Type == c.Type && have.Value == c.Value }
		if !slices.ContainsFunc(citizen.Contacts, known) {
			c.CitizenID, c.Claims = citizen.ID, false
			more = append(more, c)
		}
	}
	citizen.Contacts = append(citizen.Contacts, more...)
	return citizen, tx.AddContacts(ctx, more)
}

func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
