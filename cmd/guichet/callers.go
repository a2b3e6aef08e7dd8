package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"guichet/channels/cti"
	"guichet/channels/cti/ctitest"
	"guichet/ticketing"
	"guichet/ticketing/demo"
)

// The number of Valmont's town hall, as its exchange writes it.
const demoSwitchboard = "33261910010"

// How long until the first call, and between two.
const (
	firstCall     = 4 * time.Second
	shortestQuiet = 8 * time.Second
	longestQuiet  = 20 * time.Second
)

// callers telephone the demo town through an exchange that posts to the hub as a real one does.
type callers struct {
	telephone demo.Telephone
	token     string // of the exchange, another one at each start
	log       *slog.Logger
	wait      func(ctx context.Context, d time.Duration) (ended bool)
}

func newCallers(log *slog.Logger) (*callers, error) {
	telephone, err := demo.Calls()
	if err != nil {
		return nil, err
	}
	return &callers{telephone: telephone, token: rand.Text(), log: log, wait: pause}, nil
}

// exchanges is what the configuration says of the demo's exchange.
func (c *callers) exchanges() []cti.Exchange {
	return []cti.Exchange{{Name: "standard", Token: c.token, Department: "accueil"}}
}

// introduce makes the records of those whose numbers the town hall has from before. Whoever is there from another start stays.
func (c *callers) introduce(ctx context.Context, h *hub) error {
	var emails []string
	for _, p := range c.telephone.People {
		emails = append(emails, p.Email)
	}
	err := h.db.InTx(ctx, func(tx ticketing.Nouns) error {
		known, err := tx.CitizensByContacts(ctx, "email", emails)
		if err != nil {
			return err
		}
		for _, p := range c.telephone.People {
			if _, there := known[p.Email]; there {
				continue
			}
			if err := introduce(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("introduce who telephones: %w", err)
	}
	return nil
}

func introduce(ctx context.Context, tx ticketing.Nouns, p demo.Person) error {
	at := now()
	given, family := ticketing.SplitName(p.Name)
	citizen := ticketing.Citizen{
		ID: ticketing.NewID(), Version: 1, Kind: ticketing.Person, GivenName: given, FamilyName: family, Language: "fr", CreatedAt: at, UpdatedAt: at,
	}
	label := ""
	if p.Household {
		label = "foyer"
	}
	if err := tx.AddCitizens(ctx, []ticketing.Citizen{citizen}); err != nil {
		return err
	}
	if _, err := tx.ClaimContacts(ctx, []ticketing.Contact{
		{ID: ticketing.NewID(), CitizenID: citizen.ID, Type: "email", Value: p.Email, Claims: true, CreatedAt: at},
	}); err != nil {
		return err
	}
	return tx.AddContacts(ctx, []ticketing.Contact{
		{ID: ticketing.NewID(), CitizenID: citizen.ID, Type: "phone", Value: "+" + p.Number, Label: label, CreatedAt: at},
	})
}

// call makes one call after the other until ctx ends; one may begin while others go on. addr is where the hub listens.
func (c *callers) call(ctx context.Context, addr string) error {
	exchange := ctitest.Exchange{Base: "http://" + nearest(addr), Token: c.token}
	var lines errgroup.Group
	quiet := firstCall
	for made := 0; !c.wait(ctx, quiet); made++ {
		next := c.telephone.Calls[made%len(c.telephone.Calls)]
		lines.Go(func() error {
			if err := c.make(ctx, exchange, next); err != nil && ctx.Err() == nil {
				c.log.Warn("a call of the demo was cut off", "err", err)
			}
			return nil
		})
		quiet = shortestQuiet + mathrand.N(longestQuiet-shortestQuiet)
	}
	return lines.Wait()
}

// make makes one call from its beginning to its end.
func (c *callers) make(ctx context.Context, exchange ctitest.Exchange, d demo.Call) error {
	call := ctitest.Call{ID: rand.Text(), From: d.Number, To: demoSwitchboard, Users: d.Rings}
	if d.Out {
		call.Out, call.From, call.To = true, demoSwitchboard, d.Number
	}
	if err := told(exchange.Send(ctx, call.Ring())); err != nil || c.wait(ctx, d.RingFor()) {
		return err
	}
	if d.AnsweredBy != "" {
		if err := told(exchange.Send(ctx, call.Answer(d.AnsweredBy))); err != nil || c.wait(ctx, d.TalkFor()) {
			return err
		}
	}
	return told(exchange.Send(ctx, call.Hangup(d.Cause)))
}

// told makes an error of an answer that is none of success.
func told(a ctitest.Answer, err error) error {
	if err == nil && a.Status != 200 {
		return fmt.Errorf("the hub answered %d %s", a.Status, a.Error)
	}
	return err
}

// pause waits, and tells whether ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) (ended bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-timer.C:
		return false
	}
}
