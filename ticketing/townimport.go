package ticketing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"guichet/channels"
)

// ReadTownFile reads a town; a key it does not know is an error, because it is most often a misspelt one.
func ReadTownFile(raw []byte) (TownFile, error) {
	var f TownFile
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	return f, nil
}

// Change is one line of what an import does.
type Change struct {
	Kind    string // department, motive, rule, agent, template
	Code    string
	Created bool // false: updated
}

// Import creates and updates what a town file names; what it does not name stays. Doing it twice changes nothing. With dryRun it
// only says what it would do. Passwords are never touched.
func (t *Town) Import(ctx context.Context, f TownFile, dryRun bool) ([]Change, error) {
	want, err := t.read(f)
	if err != nil {
		return nil, err
	}
	if dryRun {
		have, err := t.store.TownData(ctx)
		return t.plan(have, want).changes, wrap("read the town", err)
	}
	var plan importPlan
	err = t.change(ctx, func(tx Nouns) error {
		have, err := tx.TownData(ctx)
		if err != nil {
			return wrap("read the town", err)
		}
		plan = t.plan(have, want)
		return plan.write(ctx, tx)
	})
	return plan.changes, err
}

// importPlan is the rows an import writes, and what it says of them.
type importPlan struct {
	rows    TownData
	changes []Change
}

// plan finds what is missing or different.
func (t *Town) plan(have, want TownData) importPlan {
	var p importPlan
	p.rows.Departments = differing(&p, "department", have.Departments, want.Departments, func(d Department) string { return d.Code })
	p.rows.Motives = differing(&p, "motive", have.Motives, want.Motives, func(m Motive) string { return m.Code })
	p.rows.Rules = differing(&p, "rule", have.Rules, want.Rules, func(r Rule) string { return r.Code })
	p.rows.Templates = differing(&p, "template", have.Templates, want.Templates, func(x Template) string { return x.Code + "/" + x.Language })
	agents := make([]Agent, len(want.Agents))
	for i, a := range want.Agents {
		agents[i] = t.keepAccount(a, have.Agents)
	}
	if want.Hours != "" && want.Hours != have.Hours {
		p.rows.Hours = want.Hours
		p.changes = append(p.changes, Change{Kind: "hours", Code: "town", Created: have.Hours == ""})
	}
	p.rows.Agents = differing(&p, "agent", have.Agents, agents, func(a Agent) string { return a.Email })
	return p
}

func (p importPlan) write(ctx context.Context, tx Nouns) error {
	if err := tx.SaveDepartments(ctx, p.rows.Departments); err != nil {
		return err
	}
	if err := tx.SaveMotives(ctx, p.rows.Motives); err != nil {
		return err
	}
	if err := tx.SaveRules(ctx, p.rows.Rules); err != nil {
		return err
	}
	if err := tx.SaveTemplates(ctx, p.rows.Templates); err != nil {
		return err
	}
	if p.rows.Hours != "" {
		if err := tx.SaveHours(ctx, p.rows.Hours); err != nil {
			return err
		}
	}
	for _, a := range p.rows.Agents {
		if err := tx.SaveAgent(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// differing gives the wanted rows that are missing or different, and notes each in the plan.
func differing[T any](plan *importPlan, kind string, have, want []T, code func(T) string) []T {
	known := map[string]T{}
	for _, h := range have {
		known[code(h)] = h
	}
	var rows []T
	for _, w := range want {
		h, ok := known[code(w)]
		if ok && reflect.DeepEqual(h, w) {
			continue
		}
		rows = append(rows, w)
		plan.changes = append(plan.changes, Change{Kind: kind, Code: code(w), Created: !ok})
	}
	return rows
}

// keepAccount gives an imported agent what the file does not say: her id, her password, and when she came.
func (t *Town) keepAccount(a Agent, have []Agent) Agent {
	i := slices.IndexFunc(have, func(h Agent) bool { return h.Email == a.Email })
	now := t.now()
	if i < 0 {
		a.ID, a.CreatedAt, a.UpdatedAt = NewID(), now, now
	} else {
		h := have[i]
		a.ID, a.PasswordHash, a.Active, a.CreatedAt, a.UpdatedAt = h.ID, h.PasswordHash, h.Active, h.CreatedAt, h.UpdatedAt
		if len(a.Memberships) == 0 && len(h.Memberships) == 0 {
			a.Memberships = h.Memberships
		}
	}
	for j := range a.Memberships {
		a.Memberships[j].AgentID = a.ID
	}
	return a
}

// read checks a town file and turns it into rows. It names every mistake at once.
func (t *Town) read(f TownFile) (TownData, error) {
	r := townReader{departments: map[string]bool{}, motives: map[string]Motive{}, digits: map[string]string{}}
	for _, d := range t.Now().Departments {
		r.departments[d.Code] = true
	}
	for _, m := range t.Now().Motives {
		r.motives[m.Code] = m
	}
	for i, e := range f.Departments {
		r.department(i, e, t.Profile)
	}
	for i, e := range f.Motives {
		r.motive(i, e)
	}
	for i, e := range f.Rules {
		r.rule(i, e)
	}
	for _, e := range f.Agents {
		r.agent(e, t.Profile)
	}
	for _, e := range f.Templates {
		r.template(e)
	}
	if f.Hours != nil {
		r.hours(*f.Hours)
	}
	if len(r.problems) == 0 { // words and placeholders are read the way they will be used
		if _, err := newSnapshot(0, r.data, t.Profile.Zone); err != nil {
			r.problems = append(r.problems, err)
		}
	}
	return r.data, errors.Join(r.problems...)
}

// maxAddress is the longest address of a department, in bytes.
const maxAddress = 1000

type townReader struct {
	data        TownData
	departments map[string]bool
	motives     map[string]Motive
	digits      map[string]string // department by digit
	problems    []error
}

func (r *townReader) wrong(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *townReader) department(i int, e DepartmentEntry, p Profile) {
	d := Department{
		Code: e.Code, NameFR: e.Name.FR, NameEN: e.Name.EN, Visibility: e.Visibility, Position: i + 1, ReopenWithin: e.ReopenWithin,
		Address: strings.TrimSpace(e.Address), CallBackWithin: e.CallBack, Digit: e.Digit,
	}
	for _, written := range e.Numbers {
		number, ok := channels.ParsePhone(written, p.Region)
		if !ok {
			r.wrong("department %s: %q is not a telephone number", d.Code, written)
		}
		d.Numbers = append(d.Numbers, number)
	}
	if d.CallBackWithin == 0 {
		d.CallBackWithin = 8
	}
	if d.Digit != "" && (len(d.Digit) != 1 || d.Digit < "1" || d.Digit > "9" || r.digits[d.Digit] != "") {
		r.wrong("department %s: digit is one of 1 to 9 that no other department has, not %q", d.Code, d.Digit)
	}
	r.digits[d.Digit] = d.Code
	delete(r.digits, "")
	if d.CallBackWithin < 0 {
		r.wrong("department %s: call_back is a number of hours above zero", d.Code)
	}
	if d.Visibility == "" {
		d.Visibility = Open
	}
	if d.ReopenWithin == 0 {
		d.ReopenWithin = 30
	}
	if d.Code == "" || d.NameFR == "" {
		r.wrong("department %d (%q): code and name.fr are needed", i+1, d.Code)
	}
	if d.Visibility != Open && d.Visibility != Sealed && d.Visibility != Hidden {
		r.wrong("department %s: visibility is open, sealed or hidden, not %q", d.Code, d.Visibility)
	}
	if len(d.Address) > maxAddress {
		r.wrong("department %s: its address is longer than %d bytes", d.Code, maxAddress)
	}
	r.departments[d.Code] = true
	r.data.Departments = append(r.data.Departments, d)
}

func (r *townReader) motive(i int, e MotiveEntry) {
	m := Motive{
		Code: e.Code, Department: e.Department, NameFR: e.Name.FR, NameEN: e.Name.EN, Priority: e.Priority, Position: i + 1,
	}
	if m.Priority == "" {
		m.Priority = Normal
	}
	if m.Code == "" || m.NameFR == "" {
		r.wrong("motive %d (%q): code and name.fr are needed", i+1, m.Code)
	}
	r.knownDepartment("motive "+m.Code, m.Department)
	r.knownPriority("motive "+m.Code, m.Priority)
	r.motives[m.Code] = m
	r.data.Motives = append(r.data.Motives, m)
}

func (r *townReader) rule(i int, e RuleEntry) {
	rule := Rule{
		Code: e.Code, Position: i + 1, AnyWords: e.Any, AllWords: e.All, NoneWords: e.None, Channel: e.Channel, Line: e.Line,
		Sender: e.Sender, Department: e.Department, Motive: e.Motive, Priority: e.Priority,
	}
	if rule.Code == "" {
		r.wrong("rule %d: a code is needed", i+1)
	}
	if rule.Motive != "" {
		m, ok := r.motives[rule.Motive]
		if !ok {
			r.wrong("rule %s: there is no motive %q", rule.Code, rule.Motive)
		}
		if rule.Department == "" {
			rule.Department = m.Department
		}
		if rule.Priority == "" {
			rule.Priority = m.Priority
		}
	}
	if rule.Priority == "" {
		rule.Priority = Normal
	}
	r.knownDepartment("rule "+rule.Code, rule.Department)
	r.knownPriority("rule "+rule.Code, rule.Priority)
	r.data.Rules = append(r.data.Rules, rule)
}

func (r *townReader) agent(e AgentEntry, p Profile) {
	email, err := cleanEmail(e.Email)
	if err != nil {
		r.wrong("agent %q: %v", e.Email, err)
		return
	}
	roles, err := cleanRoles(e.Roles)
	if err != nil {
		r.wrong("agent %s: %v", email, err)
	}
	a := Agent{
		Email: email, Name: e.Name, Signature: e.Signature, Language: p.Choose(e.Language), Roles: roles, AllDepartments: e.All,
		Capacity: e.Capacity, Extension: strings.TrimSpace(e.Extension), Active: true,
	}
	if a.Capacity == 0 {
		a.Capacity = DefaultCapacity
	}
	if a.Capacity < 0 || a.Name == "" {
		r.wrong("agent %s: a name and a capacity above zero are needed", email)
	}
	all := slices.Concat(e.Departments, e.Supervises)
	slices.Sort(all)
	for _, code := range slices.Compact(all) {
		r.knownDepartment("agent "+email, code)
		a.Memberships = append(a.Memberships, Membership{Department: code, Supervisor: slices.Contains(e.Supervises, code)})
	}
	r.data.Agents = append(r.data.Agents, a)
}

func (r *townReader) template(e TemplateEntry) {
	if e.Code == "" || e.Language == "" || e.Body == "" {
		r.wrong("template %q: code, language and body are needed", e.Code)
	}
	if department, ok := strings.CutPrefix(e.Code, replyTemplate+"."); ok {
		r.knownDepartment("template "+e.Code, department)
	}
	r.data.Templates = append(r.data.Templates, Template(e))
}

func (r *townReader) knownDepartment(what, code string) {
	if !r.departments[code] {
		r.wrong("%s: there is no department %q (there are: %v)", what, code, keysOf(r.departments))
	}
}

func (r *townReader) knownPriority(what string, p Priority) {
	if !slices.Contains(Priorities(), p) {
		r.wrong("%s: priority is one of %v, not %q", what, Priorities(), p)
	}
}
