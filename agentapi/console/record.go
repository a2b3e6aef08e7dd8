package console

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"guichet/channels"
	"guichet/ticketing"
)

// recordForm is a record as it is typed.
type recordForm struct {
	ID      string // empty: a new one
	Key     string
	Version int
	Name    string // of the record that is there

	Kind, Family, Usage, Given, Civility, BirthDate, Organisation, SIREN, SIRET, RNA, Language, Preferred string

	NoDigital bool
	Contacts  []contactRow
	Addresses []addressRow
	Refusals  []string

	Was     []fact // the record as it was when the form was filled in
	Changed []changedFact
	Refused string // the field that was refused
	Row     int    // which of several
	Why     string

	Kinds, Languages, Channels []string
}

type contactRow struct {
	Type, Value, Label string
	Verified           bool
}

type addressRow struct {
	Label, Complement, Street, Postcode, City, Country string
	Verified                                           bool
}

// fact is a field of a record as one text.
type fact struct{ Name, Value string }

// changedFact is a field that somebody else has changed meanwhile.
type changedFact struct{ Name, Was, Now string }

// Mark goes into a field: the one that was refused says so and gets the focus.
func (f recordForm) Mark(field string) template.HTMLAttr {
	if f.Refused == field {
		return `aria-invalid="true" aria-describedby="refused" autofocus`
	}
	return ""
}

// Wrong says, beside a field, why it was refused.
func (f recordForm) Wrong(field string) string {
	if f.Refused == field {
		return f.Why
	}
	return ""
}

// MarkRow and WrongRow are the same for one of several.
func (f recordForm) MarkRow(field string, row int) template.HTMLAttr {
	if f.Row == row {
		return f.Mark(field)
	}
	return ""
}

// WrongRow says why a row was refused.
func (f recordForm) WrongRow(field string, row int) string {
	if f.Row == row {
		return f.Wrong(field)
	}
	return ""
}

// Refuses tells whether a channel is among the refusals.
func (f recordForm) Refuses(channel string) bool { return slices.Contains(f.Refusals, channel) }

// formOf is a record as its form shows it.
func formOf(c ticketing.Citizen) recordForm {
	f := recordForm{
		ID: c.ID, Version: c.Version, Name: ticketing.DisplayName(c), Kind: string(c.Kind), Family: c.FamilyName, Usage: c.UsageName, Given: c.GivenName,
		Civility: c.Civility, BirthDate: c.BirthDate, Organisation: c.Organisation, SIREN: c.SIREN, SIRET: c.SIRET, RNA: c.RNA, Language: c.Language,
		Preferred: c.PreferredChannel, NoDigital: c.NoDigital,
	}
	for _, k := range c.Contacts {
		f.Contacts = append(f.Contacts, contactRow{Type: k.Type, Value: readablePhone(k.Value), Label: k.Label, Verified: k.Verified})
	}
	for _, a := range c.Addresses {
		f.Addresses = append(f.Addresses, addressRow{a.Label, a.Complement, a.Street, a.Postcode, a.City, a.Country, a.Verified})
	}
	for _, r := range c.Refusals {
		f.Refusals = append(f.Refusals, r.Channel)
	}
	f.Was = f.facts()
	return f
}

// readForm reads what was typed, rows that were left empty aside.
func readForm(r *request) recordForm {
	f := recordForm{
		ID: r.Param("id"), Key: r.PostForm("key"), Version: r.seen(), NoDigital: r.PostForm("no_digital") != "", Refusals: r.PostFormArray("refusal"),
	}
	for name, field := range f.texts() {
		*field = strings.TrimSpace(r.PostForm(name))
	}
	list := func(name string) func(int) string {
		values := r.PostFormArray(name)
		return func(i int) string {
			if i < len(values) {
				return strings.TrimSpace(values[i])
			}
			return ""
		}
	}
	kinds, values, labels, proven := list("contact_type"), list("contact_value"), list("contact_label"), r.PostFormArray("contact_verified")
	for i := range min(len(r.PostFormArray("contact_value")), 50) {
		if values(i) != "" {
			f.Contacts = append(f.Contacts, contactRow{kinds(i), values(i), labels(i), slices.Contains(proven, strconv.Itoa(i))})
		}
	}
	label, complement, street, postcode, city, country := list("address_label"), list("address_complement"), list("address_street"), list("address_postcode"), list("address_city"), list("address_country")
	proven = r.PostFormArray("address_verified")
	for i := range min(len(r.PostFormArray("address_street")), 50) {
		if street(i)+city(i)+complement(i) != "" {
			f.Addresses = append(f.Addresses, addressRow{label(i), complement(i), street(i), postcode(i), city(i), country(i), slices.Contains(proven, strconv.Itoa(i))})
		}
	}
	for _, name := range factNames() {
		f.Was = append(f.Was, fact{name, unixLines(r.PostForm("was_" + name))})
	}
	return f
}

// draft is what was typed, for the Registry.
func (f recordForm) draft() ticketing.CitizenDraft {
	w := ticketing.CitizenDraft{
		Kind: ticketing.Kind(f.Kind), Family: f.Family, Usage: f.Usage, Given: f.Given, Civility: f.Civility, BirthDate: f.BirthDate,
		Organisation: f.Organisation, SIREN: f.SIREN, SIRET: f.SIRET, RNA: f.RNA, Language: f.Language, PreferredChannel: f.Preferred,
		NoDigital: f.NoDigital, Refusals: f.Refusals,
	}
	for _, k := range f.Contacts {
		w.Contacts = append(w.Contacts, ticketing.Contact{Type: k.Type, Value: k.Value, Label: k.Label, Verified: k.Verified})
	}
	for _, a := range f.Addresses {
		w.Addresses = append(w.Addresses, ticketing.PostalAddress{
			Label: a.Label, Complement: a.Complement, Street: a.Street, Postcode: a.Postcode, City: a.City, Country: a.Country, Verified: a.Verified,
		})
	}
	return w
}

// texts gives the fields of one line, by name.
func (f *recordForm) texts() map[string]*string {
	return map[string]*string{
		"kind": &f.Kind, "family": &f.Family, "usage": &f.Usage, "given": &f.Given, "civility": &f.Civility, "birth_date": &f.BirthDate,
		"organisation": &f.Organisation, "siren": &f.SIREN, "siret": &f.SIRET, "rna": &f.RNA, "language": &f.Language, "preferred_channel": &f.Preferred,
	}
}

// factNames lists the fields in the order of the form.
func factNames() []string {
	return []string{
		"kind", "civility", "family", "usage", "given", "birth_date", "organisation", "siren", "siret", "rna", "contacts", "addresses",
		"language", "preferred_channel", "no_digital", "refusals",
	}
}

// facts writes every field as one text.
func (f *recordForm) facts() []fact {
	values := map[string]string{"refusals": strings.Join(slices.Sorted(slices.Values(f.Refusals)), ", ")}
	for name, field := range f.texts() {
		values[name] = *field
	}
	if f.NoDigital {
		values["no_digital"] = "✓"
	}
	line := func(proven bool, words ...string) string {
		if proven {
			words = append(words, "✓")
		}
		return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
	}
	var contacts, addresses []string
	for _, k := range f.Contacts {
		contacts = append(contacts, line(k.Verified, k.Value, k.Label))
	}
	for _, a := range f.Addresses {
		addresses = append(addresses, line(a.Verified, a.Label, a.Complement, a.Street, a.Postcode, a.City, a.Country))
	}
	values["contacts"], values["addresses"] = strings.Join(contacts, "\n"), strings.Join(addresses, "\n")
	list := make([]fact, 0, len(values))
	for _, name := range factNames() {
		list = append(list, fact{name, values[name]})
	}
	return list
}

// catchUp brings a form that was filled in on an older version to the record as it is now: it says what has changed, keeps what was
// typed, and takes over what was not touched.
func (f *recordForm) catchUp(now recordForm) {
	was, typed, is := f.Was, f.facts(), now.facts()
	fields, fresh := f.texts(), now.texts()
	for i, name := range factNames() {
		if was[i].Value == is[i].Value {
			continue
		}
		f.Changed = append(f.Changed, changedFact{Name: name, Was: was[i].Value, Now: is[i].Value})
		if typed[i].Value != was[i].Value {
			continue
		}
		switch name {
		case "contacts":
			f.Contacts = now.Contacts
		case "addresses":
			f.Addresses = now.Addresses
		case "refusals":
			f.Refusals = now.Refusals
		case "no_digital":
			f.NoDigital = now.NoDigital
		default:
			*fields[name] = *fresh[name]
		}
	}
	f.Version, f.Was = now.Version, is
}

// newRecordPage is the form of a new record; what a search was for may be filled in.
func (c *Console) newRecordPage(r *request) error {
	f := recordForm{Kind: string(ticketing.Person), Language: c.town.Profile.Choose(), Family: clean(r.Query("family"), 200)}
	if phone := clean(r.Query("phone"), 40); phone != "" {
		f.Contacts = []contactRow{{Type: "phone", Value: phone}}
	}
	return c.showRecord(r, http.StatusOK, nil, f)
}

// makeRecord makes a record of what was typed.
func (c *Console) makeRecord(r *request) error {
	f := readForm(r)
	made, err := c.registry.Record(r.Request.Context(), r.actor, f.draft(), f.Key)
	if err != nil {
		return c.refuseRecord(r, err, f)
	}
	return r.see("/citizens/" + made.ID + "?done=record_made")
}

// editRecordPage is the form of a record that is there.
func (c *Console) editRecordPage(r *request) error {
	file, err := c.reader.Citizen(r.Request.Context(), r.actor, r.Param("id"))
	if err != nil {
		return err
	}
	if file.MergedInto != nil {
		return r.see("/citizens/" + *file.MergedInto + "?done=record_merged")
	}
	return c.showRecord(r, http.StatusOK, nil, formOf(file.Citizen))
}

// saveRecord corrects a record. When somebody else has done so since, the form comes back with what has changed and what was typed.
func (c *Console) saveRecord(r *request) error {
	f := readForm(r)
	_, err := c.registry.Edit(r.Request.Context(), r.actor, f.ID, max(f.Version, 1), func(w *ticketing.CitizenDraft) { *w = f.draft() })
	if err != nil {
		return c.refuseRecord(r, err, f)
	}
	return r.see("/citizens/" + url.PathEscape(f.ID) + "?done=record_saved")
}

// refuseRecord shows the form again with what was refused beside its field.
func (c *Console) refuseRecord(r *request, err error, f recordForm) error {
	if r.mergedElsewhere(err) {
		return nil
	}
	status, key, other := recordRefusal(err)
	if other != nil {
		return other
	}
	if errors.Is(err, ticketing.ErrStale) {
		file, again := c.reader.Citizen(r.Request.Context(), r.actor, f.ID)
		if again != nil {
			return errors.Join(err, again)
		}
		f.catchUp(formOf(file.Citizen))
		status, key = http.StatusPreconditionFailed, "refuse.record_stale"
	}
	if key == "refuse.key_reused" {
		f.Key = ""
	}
	a := r.voice.alert(key)
	var refused *ticketing.Error
	if errors.As(err, &refused) && strings.HasPrefix(refused.Field, "citizen.") {
		f.Refused, f.Why = strings.TrimPrefix(refused.Field, "citizen."), a.Title+" "+a.Detail
		f.Row, _ = refused.Args["row"].(int)
	}
	return c.showRecord(r, status, a, f)
}

// blankRows is how many empty rows a form ends with.
const blankRows = 2

func (c *Console) showRecord(r *request, status int, a *alert, f recordForm) error {
	if f.Key == "" {
		f.Key = ticketing.NewID()
	}
	f.Kinds, f.Channels, f.Languages = vocabularies()["kind"], texts(channels.Names()), c.town.Profile.Languages
	if f.Language != "" && !slices.Contains(f.Languages, f.Language) {
		f.Languages = append(slices.Clone(f.Languages), f.Language)
	}
	for range blankRows {
		f.Contacts = append(f.Contacts, contactRow{Type: "phone"})
	}
	f.Contacts[len(f.Contacts)-1].Type = "email"
	f.Addresses = append(f.Addresses, addressRow{Country: c.town.Profile.Region})
	if f.Name == "" {
		typed := f.draft()
		f.Name = ticketing.Citizen{Kind: typed.Kind, FamilyName: typed.Family, UsageName: typed.Usage, GivenName: typed.Given, Organisation: typed.Organisation}.Name()
	}
	title := r.voice.say("record.new")
	if f.ID != "" {
		title = r.voice.say("record.edit_title", "Name", f.Name)
	}
	return c.show(r, status, "record", frame{Title: title, Class: "contact-page", Here: "citizens", Alert: a, Body: f})
}

// factValue writes the value of a field for a person.
func (v *voice) factValue(name, value string) string {
	switch name {
	case "kind", "language":
		return v.word(name, value)
	case "preferred_channel":
		return v.word("channel", value)
	case "birth_date":
		return v.date(value)
	case "refusals":
		list := strings.Split(value, ", ")
		for i := range list {
			list[i] = v.word("channel", list[i])
		}
		return strings.Join(list, ", ")
	}
	return value
}
