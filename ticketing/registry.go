package ticketing

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"guichet/routing"
)

// Registry is what is done to the records of citizens: they are made, corrected, related, noted upon. Who a citizen is belongs to all
// who work here; what she asked of a department is that department's, and not here.
type Registry struct {
	store  Store
	town   *Town
	router *routing.Router
	now    Clock
	log    *slog.Logger
}

// NewRegistry makes a Registry.
func NewRegistry(store Store, town *Town, router *routing.Router, now Clock, log *slog.Logger) *Registry {
	return &Registry{store: store, town: town, router: router, now: now, log: log}
}

// mayWrite refuses whoever has no business with citizens, and tokens that only read.
func (g *Registry) mayWrite(a Actor) error {
	if a.ReadOnly || !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return ErrForbidden
	}
	return nil
}

// Record makes a record. An e-mail address that another record claims is kept here too, and says nothing of who writes from it: two
// people may share one. With a key, the same call gives the same record.
func (g *Registry) Record(ctx context.Context, a Actor, w CitizenDraft, key string) (Citizen, error) {
	if err := g.mayWrite(a); err != nil {
		return Citizen{}, err
	}
	var made Citizen
	err := g.store.InTx(ctx, func(tx Nouns) error {
		now := g.now()
		kept, fresh, err := remember(ctx, tx, a, key, now, "citizen", draftKey(&w))
		if err != nil {
			return err
		}
		if !fresh {
			made, err = tx.Citizen(ctx, kept.CitizenID)
			return err
		}
		c, err := newRecord(g.town.Profile, w, now)
		if err != nil {
			return err
		}
		c.LastContactAt = nil // she is written down, she has not spoken
		if err := tx.AddCitizens(ctx, []Citizen{c}); err != nil {
			return err
		}
		if err := addContacts(ctx, tx, c.Contacts); err != nil {
			return err
		}
		if kept.Key != "" {
			kept.CitizenID = c.ID
			if err := tx.SaveRequest(ctx, kept); err != nil {
				return err
			}
		}
		created := Event{At: now, Type: EventCitizenCreated, CitizenID: &c.ID, AgentID: &a.ID}
		if err := tx.AddEvents(ctx, []Event{created}); err != nil {
			return err
		}
		made, err = tx.Citizen(ctx, c.ID)
		return err
	})
	if err == nil {
		g.told(ctx)
	}
	return made, err
}

// addContacts adds contacts of a record. E-mail addresses nobody claims are claimed.
func addContacts(ctx context.Context, tx Nouns, contacts []Contact) error {
	var wanted, others []Contact
	for _, k := range contacts {
		if k.Type == "email" {
			k.Claims = true
			wanted = append(wanted, k)
		} else {
			others = append(others, k)
		}
	}
	won, err := tx.ClaimContacts(ctx, wanted)
	if err != nil {
		return err
	}
	for _, k := range wanted {
		if !won[k.ID] {
			k.Claims = false
			others = append(others, k)
		}
	}
	return tx.AddContacts(ctx, others)
}

// Edit corrects a record: change gets it as it would be typed and makes it what it shall be. ifMatch is the version the agent has
// seen; 0 does not ask.
func (g *Registry) Edit(ctx context.Context, a Actor, id string, ifMatch int, change func(w *CitizenDraft)) (Citizen, error) {
	return g.edit(ctx, a, id, ifMatch, func(ctx context.Context, tx Nouns, c *Citizen) (Data, error) {
		before := *c
		w := draftOf(before)
		change(&w)
		if err := describe(g.town.Profile, c, w, &a.ID, g.now()); err != nil {
			return nil, err
		}
		c.Provisional = false // somebody has looked at it
		if err := g.changeContacts(ctx, tx, before.Contacts, c.Contacts); err != nil {
			return nil, err
		}
		return changes(before, *c), nil
	})
}

// edit changes one record in one transaction and notes in the journal which fields changed.
func (g *Registry) edit(ctx context.Context, a Actor, id string, ifMatch int, do func(context.Context, Nouns, *Citizen) (Data, error)) (Citizen, error) {
	if err := g.mayWrite(a); err != nil {
		return Citizen{}, err
	}
	var edited Citizen
	err := g.store.InTx(ctx, func(tx Nouns) error {
		c, err := livingRecord(ctx, tx, id)
		if err != nil {
			return err
		}
		if ifMatch > 0 && ifMatch != c.Version {
			return &Error{Code: CodeStale, Args: map[string]any{"version": c.Version}}
		}
		now := g.now()
		changed, err := do(ctx, tx, &c)
		if err != nil {
			return err
		}
		if len(changed) > 0 {
			c.UpdatedAt = now
			if err := tx.SaveCitizen(ctx, &c); err != nil {
				return err
			}
			e := Event{At: now, Type: EventCitizenChanged, CitizenID: &c.ID, AgentID: &a.ID, Data: changed}
			if err := tx.AddEvents(ctx, []Event{e}); err != nil {
				return err
			}
		}
		edited, err = tx.Citizen(ctx, c.ID)
		return err
	})
	if err == nil {
		g.told(ctx)
	}
	return edited, err
}

// livingRecord locks a record that can be changed. One that was merged is to be changed where it lives on.
func livingRecord(ctx context.Context, tx Nouns, id string) (Citizen, error) {
	if !IsID(id) {
		return Citizen{}, ErrNotFound
	}
	records, err := tx.LockCitizens(ctx, []string{id})
	if err != nil {
		return Citizen{}, err
	}
	switch {
	case len(records) == 0:
		return Citizen{}, ErrNotFound
	case records[0].MergedInto != nil:
		return records[0], recordMerged(records[0])
	case records[0].AnonymisedAt != nil:
		return records[0], conflict("erased")
	}
	return records[0], nil
}

// changeContacts writes the difference between what a record had and what it shall have.
func (g *Registry) changeContacts(ctx context.Context, tx Nouns, had, shall []Contact) error {
	var gone []string
	var kept, added []Contact
	for _, k := range had {
		if !slices.ContainsFunc(shall, func(s Contact) bool { return s.ID == k.ID }) {
			gone = append(gone, k.ID)
		}
	}
	for _, k := range shall {
		if slices.ContainsFunc(had, func(h Contact) bool { return h.ID == k.ID }) {
			kept = append(kept, k)
		} else {
			added = append(added, k)
		}
	}
	if err := tx.DropContacts(ctx, gone); err != nil {
		return err
	}
	if err := tx.SaveContacts(ctx, kept); err != nil {
		return err
	}
	return addContacts(ctx, tx, added)
}

// changes names the fields in which two versions of a record differ.
func changes(was, is Citizen) Data {
	changed := Data{}
	note := func(field string, differs bool) {
		if differs {
			changed[field] = "changed"
		}
	}
	names := func(c Citizen) string {
		return strings.Join([]string{c.FamilyName, c.UsageName, c.GivenName, c.Civility, c.Organisation}, "\x00")
	}
	numbers := func(c Citizen) string { return c.SIREN + " " + c.SIRET + " " + c.RNA }
	note("kind", was.Kind != is.Kind)
	note("name", names(was) != names(is))
	note("birth_date", was.BirthDate != is.BirthDate)
	note("numbers", numbers(was) != numbers(is))
	note("language", was.Language != is.Language)
	note("preferred_channel", was.PreferredChannel != is.PreferredChannel || was.NoDigital != is.NoDigital)
	note("provisional", was.Provisional != is.Provisional)
	note("contacts", !slices.EqualFunc(was.Contacts, is.Contacts, func(x, y Contact) bool {
		return x.ID == y.ID && x.Label == y.Label && x.Verified == y.Verified
	}))
	note("addresses", !slices.EqualFunc(was.Addresses, is.Addresses, func(x, y PostalAddress) bool {
		return x.ID == y.ID && x.Label == y.Label && x.Verified == y.Verified
	}))
	note("refusals", !slices.EqualFunc(was.Refusals, is.Refusals, func(x, y ChannelRefusal) bool { return x.Channel == y.Channel }))
	return changed
}

// told hints that the journal has grown.
func (g *Registry) told(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterWithin)
	defer cancel()
	if err := g.router.Publish(ctx, HintJournal); err != nil {
		g.log.Warn("live views learn of a change a little later", "error", err)
	}
}

// Relate notes what one citizen is to another.
func (g *Registry) Relate(ctx context.Context, a Actor, r Relation) (Relation, error) {
	if !slices.Contains(RelationKinds(), r.Kind) {
		return Relation{}, invalid("kind", "unknown")
	}
	if r.FromID == r.ToID {
		return Relation{}, invalid("to", "the_same")
	}
	if err := checkDays(r); err != nil {
		return Relation{}, err
	}
	_, err := g.edit(ctx, a, r.FromID, 0, func(ctx context.Context, tx Nouns, c *Citizen) (Data, error) {
		if _, err := livingRecord(ctx, tx, r.ToID); err != nil {
			if errors.Is(err, ErrNotFound) {
				return nil, invalid("to", "unknown")
			}
			return nil, err
		}
		known, err := tx.RelationsOf(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(known, func(k Relation) bool {
			return k.FromID == r.FromID && k.ToID == r.ToID && k.Kind == r.Kind && k.Until == ""
		}) {
			return nil, conflict("already_related")
		}
		if len(known) >= 200 {
			return nil, conflict("too_many_relations")
		}
		r.ID, r.AgentID, r.CreatedAt = NewID(), &a.ID, g.now()
		return Data{"relations": "added"}, tx.AddRelation(ctx, r)
	})
	return r, err
}

// Part ends a relation on a day, or today when none is given. What was stays known.
func (g *Registry) Part(ctx context.Context, a Actor, id, day string) (Relation, error) {
	var r Relation
	if !IsID(id) {
		return r, ErrNotFound
	}
	r, err := g.store.Relation(ctx, id)
	if err != nil {
		return r, err
	}
	if day == "" {
		day = g.now().In(g.town.Profile.Zone).Format(time.DateOnly)
	}
	r.Until = day
	if err := checkDays(r); err != nil {
		return r, err
	}
	_, err = g.edit(ctx, a, r.FromID, 0, func(ctx context.Context, tx Nouns, _ *Citizen) (Data, error) {
		return Data{"relations": "ended"}, tx.SaveRelation(ctx, r)
	})
	return r, err
}

func checkDays(r Relation) error {
	for field, day := range map[string]string{"since": r.Since, "until": r.Until} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return invalid(field, "not_a_date")
		}
	}
	if r.Since != "" && r.Until != "" && r.Until < r.Since {
		return invalid("until", "before_since")
	}
	return nil
}

// Note writes on a record, for whoever may read it or, with a department, for that one's agents alone.
func (g *Registry) Note(ctx context.Context, a Actor, citizenID, department, text string) (CitizenNote, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return CitizenNote{}, invalid("text", "empty")
	case len(text) > MaxText:
		return CitizenNote{}, invalid("text", "too_long")
	}
	if _, ok := g.town.Now().Department(department); department != "" && (!ok || !a.belongs(department)) {
		return CitizenNote{}, invalid("department", "unknown")
	}
	note := CitizenNote{ID: NewID(), CitizenID: citizenID, AgentID: a.ID, Department: department, Text: text}
	_, err := g.edit(ctx, a, citizenID, 0, func(ctx context.Context, tx Nouns, _ *Citizen) (Data, error) {
		note.CreatedAt = g.now()
		return nil, tx.AddCitizenNote(ctx, note) // no event: that a department wrote something is its own affair
	})
	return note, err
}
