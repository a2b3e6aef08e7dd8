package ticketing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"guichet/routing"
	"guichet/ticketing/calendar"
)

// Profile is what the configuration says of the town.
type Profile struct {
	Name      string
	Zone      *time.Location
	Region    string   // two letters; how telephone numbers are read
	Languages []string // the first is the town's own
	Quiet     Quiet    // when nobody is texted who has not just written
	Address   string   // of the town hall, for departments that have none of their own
}

// Town is what an administrator edits: departments, motives, agents, rules, texts, lines. It keeps the whole in memory and follows
// the database's revision, so that `import`, `agent` and `token` work beside a running `serve`.
type Town struct {
	Profile Profile
	store   Store
	now     Clock
	log     *slog.Logger
	current atomic.Pointer[Snapshot]
}

// Snapshot is the town at one revision. It does not change.
type Snapshot struct {
	Revision    int64
	Departments []Department // in the order of the screens
	Motives     []Motive
	Lines       []Line
	Agents      []Agent
	Texts       Texts
	Rules       *routing.Book
	Hours       calendar.Hours

	departments map[string]Department
	motives     map[string]Motive
	lines       map[string]Line
	agents      map[string]Agent
	byEmail     map[string]string
}

// OpenTown reads the town.
func OpenTown(ctx context.Context, store Store, profile Profile, now Clock, log *slog.Logger) (*Town, error) {
	t := &Town{Profile: profile, store: store, now: now, log: log}
	return t, t.Reload(ctx)
}

// Reload reads the town again.
func (t *Town) Reload(ctx context.Context) error {
	revision, err := t.store.Revision(ctx) // before the data: a change in between is read again
	if err != nil {
		return wrap("read the town's revision", err)
	}
	data, err := t.store.TownData(ctx)
	if err != nil {
		return wrap("read the town", err)
	}
	s, err := newSnapshot(revision, data, t.Profile.Zone)
	if err != nil {
		return err
	}
	t.current.Store(s)
	return nil
}

// Run follows the revision until ctx ends. A town that can't be read stays as it was.
func (t *Town) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		revision, err := t.store.Revision(ctx)
		if err == nil && revision != t.Now().Revision {
			err = t.Reload(ctx)
		}
		if err != nil && !failing && ctx.Err() == nil {
			t.log.Error("the town's settings can't be read again; the last ones stay", "error", err)
		}
		failing = err != nil
	}
}

// Now gives the town as it was last read.
func (t *Town) Now() *Snapshot { return t.current.Load() }

func newSnapshot(revision int64, data TownData, zone *time.Location) (*Snapshot, error) {
	first, err := FirstTemplates()
	if err != nil {
		return nil, err
	}
	texts, err := ParseTexts(append(first, data.Templates...))
	if err != nil {
		return nil, err
	}
	rules := make([]routing.Rule, len(data.Rules))
	for i, r := range data.Rules {
		rules[i] = routing.Rule{
			Code: r.Code, Position: r.Position, Any: r.AnyWords, All: r.AllWords, None: r.NoneWords, Channel: r.Channel,
			Line: r.Line, Sender: r.Sender, Department: r.Department, Motive: r.Motive, Priority: string(r.Priority),
		}
	}
	book, err := routing.Compile(rules)
	if err != nil {
		return nil, wrap("routing rules", err)
	}
	hours, err := readHours(data.Hours, zone)
	if err != nil {
		return nil, wrap("opening hours", err)
	}
	s := &Snapshot{
		Revision: revision, Hours: hours, Departments: data.Departments, Motives: data.Motives, Lines: data.Lines, Agents: data.Agents,
		Texts: texts, Rules: book,
		departments: map[string]Department{}, motives: map[string]Motive{}, lines: map[string]Line{},
		agents: map[string]Agent{}, byEmail: map[string]string{},
	}
	slices.SortStableFunc(s.Departments, func(a, b Department) int { return a.Position - b.Position })
	slices.SortStableFunc(s.Motives, func(a, b Motive) int { return a.Position - b.Position })
	for _, d := range s.Departments {
		s.departments[d.Code] = d
	}
	for _, m := range s.Motives {
		s.motives[m.Code] = m
	}
	for _, l := range s.Lines {
		s.lines[l.Name] = l
	}
	for _, a := range s.Agents {
		s.agents[a.ID] = a
		s.byEmail[a.Email] = a.ID
	}
	return s, nil
}

// Department gives a department by its code. An unknown one is hidden: what nobody described is shown to nobody.
func (s *Snapshot) Department(code string) (Department, bool) {
	d, ok := s.departments[code]
	if !ok {
		d = Department{Code: code, NameFR: code, Visibility: Hidden}
	}
	return d, ok
}

// Motive gives a motive by its code.
func (s *Snapshot) Motive(code string) (Motive, bool) { m, ok := s.motives[code]; return m, ok }

// Line gives a line by its name.
func (s *Snapshot) Line(name string) (Line, bool) { l, ok := s.lines[name]; return l, ok }

// Agent gives an agent by id.
func (s *Snapshot) Agent(id string) (Agent, bool) { a, ok := s.agents[id]; return a, ok }

// AgentByEmail gives an agent by e-mail address, in any case.
func (s *Snapshot) AgentByEmail(email string) (Agent, bool) {
	return s.Agent(s.byEmail[strings.ToLower(strings.TrimSpace(email))])
}

// MailLine gives the mailbox answers of a ticket leave by.
func (s *Snapshot) MailLine(t Ticket) (Line, bool) { return s.lineFor(t, "email") }

// TextLine gives the line text messages of a ticket leave by.
func (s *Snapshot) TextLine(t Ticket) (Line, bool) { return s.lineFor(t, "sms") }

// lineFor gives the line of a channel a ticket is answered by: its own if it is one, else the department's, else the first.
func (s *Snapshot) lineFor(t Ticket, channel string) (Line, bool) {
	if l, ok := s.lines[t.Line]; ok && l.Channel == channel {
		return l, true
	}
	var first *Line
	for i, l := range s.Lines {
		if l.Channel != channel {
			continue
		}
		if l.Department == t.Department {
			return l, true
		}
		if first == nil {
			first = &s.Lines[i]
		}
	}
	if first == nil {
		return Line{}, false
	}
	return *first, true
}

// Actor makes who acts from an agent. False: there is no such agent, or she no longer works here.
func (s *Snapshot) Actor(agentID string, readOnly bool) (Actor, bool) {
	agent, ok := s.agents[agentID]
	if !ok || !agent.Active {
		return Actor{}, false
	}
	a := Actor{
		ID: agent.ID, Email: agent.Email, Name: agent.Name, Language: agent.Language, Capacity: agent.Capacity,
		Roles: agent.Roles, ReadOnly: readOnly, all: agent.AllDepartments, standings: map[string]Standing{},
	}
	for _, m := range agent.Memberships {
		a.standings[m.Department] = Standing{
			Member: agent.Has(RoleAgent), Supervisor: m.Supervisor && agent.Has(RoleSupervisor),
		}
	}
	for _, d := range s.Departments {
		if a.Sees(d) {
			a.visible = append(a.visible, d.Code)
		}
	}
	slices.Sort(a.visible)
	return a, true
}

// Subject makes what access needs to know of a ticket.
func (s *Snapshot) Subject(t Ticket) Subject {
	d, _ := s.Department(t.Department)
	return Subject{Department: t.Department, Visibility: d.Visibility, LoggedBy: t.LoggedBy, Taken: t.TakenAt != nil}
}

// ours tells whether an address is one of the town's own, with or without a token.
func (s *Snapshot) ours(address string) bool {
	local, host, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	for _, l := range s.Lines {
		if strings.EqualFold(l.Address, local+"@"+host) {
			return true
		}
	}
	return false
}

// LineSubject makes what access needs to know of what waits in quarantine: the department of the line it came through.
func (s *Snapshot) LineSubject(line string) Subject {
	l := s.lines[line]
	d, _ := s.Department(l.Department)
	return Subject{Department: d.Code, Visibility: d.Visibility}
}

// Visible lists the departments whose tickets the actor sees, in the order of the screens.
func (s *Snapshot) Visible(a Actor) []Department {
	var list []Department
	for _, d := range s.Departments {
		if a.Sees(d) {
			list = append(list, d)
		}
	}
	return list
}

// Works lists the departments the actor takes tickets of, in the order of the screens.
func (s *Snapshot) Works(a Actor) []Department {
	var list []Department
	for _, d := range s.Departments {
		if st := a.Standing(d.Code); st.Member || st.Supervisor {
			list = append(list, d)
		}
	}
	return list
}

// KeepLines makes the lines named in the configuration rows of the town.
func (t *Town) KeepLines(ctx context.Context, lines []Line) error {
	known := t.Now()
	for _, l := range lines {
		if _, ok := known.Department(l.Department); !ok && len(known.Departments) > 0 {
			return fmt.Errorf("line %s: there is no department %q; departments are made by `guichet import`", l.Name, l.Department)
		}
	}
	return t.change(ctx, func(tx Nouns) error { return tx.SaveLines(ctx, lines) })
}

// SigningKeys gives the keys that sign our Message-IDs and tokens: the configured ones, or the one kept in the database since
// the first start.
func (t *Town) SigningKeys(ctx context.Context, configured []byte, old [][]byte, fresh func() string) (Keys, error) {
	kept, err := t.store.Setting(ctx, "signing_key")
	if errors.Is(err, ErrNotFound) && len(configured) == 0 {
		kept, err = t.store.SetSetting(ctx, "signing_key", fresh())
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Keys{}, wrap("read the signing key", err)
	}
	if len(configured) == 0 {
		return NewKeys([]byte(kept), old...), nil
	}
	if kept != "" {
		old = append(slices.Clone(old), []byte(kept))
	}
	return NewKeys(configured, old...), nil
}

// change writes settings in one transaction, moves the revision and reads the town again.
func (t *Town) change(ctx context.Context, do func(tx Nouns) error) error {
	err := t.store.InTx(ctx, func(tx Nouns) error {
		if err := tx.BumpRevision(ctx); err != nil { // first: it makes every other change wait for the end of this one
			return err
		}
		return do(tx)
	})
	if err != nil {
		return err
	}
	return wrap("it was saved, and could not be read again", t.Reload(ctx))
}

// Supports tells whether citizens are answered in a language.
func (p Profile) Supports(language string) bool { return slices.Contains(p.Languages, language) }

// Choose gives the first of the wanted languages the town speaks, else its own.
func (p Profile) Choose(wanted ...string) string {
	for _, l := range wanted {
		if p.Supports(l) {
			return l
		}
	}
	if len(p.Languages) > 0 {
		return p.Languages[0]
	}
	return "fr"
}

// Day writes a moment as a date of the town's zone, as a person reads it.
func (p Profile) Day(at time.Time, language string) string {
	if language == "en" {
		return at.In(p.Zone).Format("2 January 2006")
	}
	return at.In(p.Zone).Format("02/01/2006")
}

// keysOf lists the keys of a set in order, for words in errors.
func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Begin gives a town that has none its first department, so that a mail always has somewhere to go.
func (t *Town) Begin(ctx context.Context) error {
	if len(t.Now().Departments) > 0 {
		return nil
	}
	first := Department{Code: "accueil", NameFR: "Accueil", NameEN: "Front desk", Visibility: Open, Position: 1, ReopenWithin: 30}
	return t.change(ctx, func(tx Nouns) error { return tx.SaveDepartments(ctx, []Department{first}) })
}
