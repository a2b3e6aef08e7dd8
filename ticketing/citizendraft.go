package ticketing

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"guichet/channels"
)

// CitizenDraft describes a citizen as she is typed. Contacts carry Type, Value, Label and Verified; Addresses all but what the record
// gives them; Refusals are channels.
type CitizenDraft struct {
	Kind             Kind
	Family           string
	Usage            string
	Given            string
	Civility         string
	BirthDate        string
	Organisation     string
	SIREN            string
	SIRET            string
	RNA              string
	Language         string
	PreferredChannel string
	NoDigital        bool
	Contacts         []Contact
	Addresses        []PostalAddress
	Refusals         []string
}

// The bounds of a record.
const (
	maxContacts  = 20
	maxAddresses = 10
	maxNames     = 1000 // bytes of all names together
)

// newRecord makes the record of somebody an agent describes.
func newRecord(p Profile, w CitizenDraft, now time.Time) (Citizen, error) {
	c := Citizen{ID: NewID(), Version: 1, CreatedAt: now, UpdatedAt: now, LastContactAt: &now}
	if w.Kind == "" {
		w.Kind = Person
	}
	w.Language = p.Choose(w.Language)
	return c, describe(p, &c, w, nil, now)
}

// describe makes a record what a draft says, all of it. Contacts and addresses that the record has keep their ids, dates and claims.
func describe(p Profile, c *Citizen, w CitizenDraft, by *string, now time.Time) error {
	if err := c.describeNames(w); err != nil {
		return err
	}
	if err := c.describeNumbers(w); err != nil {
		return err
	}
	if w.Language != c.Language && !p.Supports(w.Language) {
		return invalid("citizen.language", "unknown")
	}
	if w.PreferredChannel != "" && !slices.Contains(channels.Names(), channels.Name(w.PreferredChannel)) {
		return invalid("citizen.preferred_channel", "unknown")
	}
	c.Language, c.PreferredChannel, c.NoDigital = w.Language, w.PreferredChannel, w.NoDigital
	if err := c.describeContacts(p, w.Contacts, now); err != nil {
		return err
	}
	if err := c.describeAddresses(p, w.Addresses, now); err != nil {
		return err
	}
	if c.Name() == "" && len(c.Contacts) == 0 {
		return invalid("citizen.name", "empty")
	}
	return c.describeRefusals(w.Refusals, by, now)
}

func (c *Citizen) describeNames(w CitizenDraft) error {
	if !slices.Contains([]Kind{Person, Family, Company, Association}, w.Kind) {
		return invalid("citizen.kind", "unknown")
	}
	c.Kind, c.FamilyName, c.UsageName = w.Kind, trimmed(w.Family), trimmed(w.Usage)
	c.GivenName, c.Civility, c.Organisation = trimmed(w.Given), trimmed(w.Civility), trimmed(w.Organisation)
	if len(c.FamilyName)+len(c.UsageName)+len(c.GivenName)+len(c.Organisation)+len(c.Civility) > maxNames {
		return invalid("citizen.name", "too_long")
	}
	return nil
}

// trimmed is a text on one line without needless spaces.
func trimmed(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\x00", "")), " ")
}

func (c *Citizen) describeNumbers(w CitizenDraft) error {
	if w.BirthDate != "" {
		if day, err := time.Parse(time.DateOnly, w.BirthDate); err != nil || day.Year() < 1850 || day.After(c.UpdatedAt.AddDate(0, 0, 1)) {
			return invalid("citizen.birth_date", "not_a_date")
		}
	}
	c.BirthDate = w.BirthDate
	for _, number := range []struct {
		field, typed string
		clean        func(string) (string, bool)
		to           *string
	}{
		{"citizen.siren", w.SIREN, CleanSIREN, &c.SIREN},
		{"citizen.siret", w.SIRET, CleanSIRET, &c.SIRET},
		{"citizen.rna", w.RNA, CleanRNA, &c.RNA},
	} {
		*number.to = ""
		if strings.TrimSpace(number.typed) == "" {
			continue
		}
		value, ok := number.clean(number.typed)
		if !ok {
			return invalid(number.field, "wrong_number")
		}
		*number.to = value
	}
	if c.SIRET != "" && c.SIREN == "" {
		c.SIREN = c.SIRET[:9]
	}
	if c.SIRET != "" && c.SIRET[:9] != c.SIREN {
		return invalid("citizen.siret", "not_of_this_siren")
	}
	return nil
}

func (c *Citizen) describeContacts(p Profile, typed []Contact, now time.Time) error {
	if len(typed) > max(maxContacts, len(c.Contacts)) { // a merge may have brought more
		return invalid("citizen.contacts", "too_many")
	}
	had := slices.Clone(c.Contacts)
	c.Contacts = nil
	for i, w := range typed {
		value, err := contactValue(p, w)
		if err != nil {
			return inRow(err, i)
		}
		same := func(k Contact) bool { return k.Type == w.Type && k.Value == value }
		k := Contact{ID: NewID(), CitizenID: c.ID, Type: w.Type, Value: value, CreatedAt: now}
		if i := slices.IndexFunc(had, same); i >= 0 {
			k = had[i]
			had = slices.Delete(had, i, i+1)
		} else if slices.ContainsFunc(c.Contacts, same) {
			continue
		}
		k.Label = clip(trimmed(w.Label), 100)
		k.Verified, k.VerifiedHow, k.VerifiedAt = proven(w.Verified, k.Verified, k.VerifiedHow, k.VerifiedAt, now)
		c.Contacts = append(c.Contacts, k)
	}
	for _, twin := range had { // of a record merged into this one: it stays as long as its value does
		if slices.ContainsFunc(c.Contacts, func(k Contact) bool { return k.Type == twin.Type && k.Value == twin.Value }) {
			c.Contacts = append(c.Contacts, twin)
		}
	}
	return nil
}

// inRow adds to a refusal which of several was wrong, counted from 0.
func inRow(err error, row int) error {
	var refused *Error
	if errors.As(err, &refused) {
		refused.Args = map[string]any{"row": row}
	}
	return err
}

// contactValue is a contact as it is kept and compared.
func contactValue(p Profile, w Contact) (string, error) {
	switch w.Type {
	case "email":
		email, err := cleanEmail(w.Value)
		if err != nil {
			return "", invalid("citizen.contacts", "not_an_e_mail_address")
		}
		return email, nil
	case "phone":
		number, ok := channels.ParsePhone(w.Value, p.Region)
		if !ok {
			return "", invalid("citizen.contacts", "not_a_telephone_number")
		}
		return number, nil
	}
	return "", invalid("citizen.contacts", "email_or_phone")
}

// proven keeps how something was verified; what an agent says of it now counts from now.
func proven(said, was bool, how string, at *time.Time, now time.Time) (bool, string, *time.Time) {
	switch {
	case said == was:
		return was, how, at
	case said:
		return true, VerifiedByAgent, &now
	}
	return false, "", nil
}

func (c *Citizen) describeAddresses(p Profile, typed []PostalAddress, now time.Time) error {
	if len(typed) > max(maxAddresses, len(c.Addresses)) {
		return invalid("citizen.addresses", "too_many")
	}
	had := slices.Clone(c.Addresses)
	c.Addresses = nil
	for i, w := range typed {
		a := PostalAddress{
			CitizenID: c.ID, Label: trimmed(w.Label), Complement: trimmed(w.Complement), Street: trimmed(w.Street), Postcode: strings.ToUpper(trimmed(w.Postcode)),
			City: trimmed(w.City), Country: strings.ToUpper(trimmed(w.Country)), CreatedAt: now,
		}
		if a.Country == "" {
			a.Country = p.Region
		}
		switch {
		case a.Street == "" && a.City == "" && a.Complement == "":
			continue
		case len(a.Label)+len(a.Complement)+len(a.Street)+len(a.City) > maxNames || len(a.Postcode) > 12:
			return inRow(invalid("citizen.addresses", "too_long"), i)
		case len(a.Country) != 2:
			return inRow(invalid("citizen.addresses", "country"), i)
		}
		same := func(h PostalAddress) bool { return h.place() == a.place() }
		if i := slices.IndexFunc(had, same); i >= 0 {
			a.ID, a.CreatedAt, a.Verified, a.VerifiedHow, a.VerifiedAt = had[i].ID, had[i].CreatedAt, had[i].Verified, had[i].VerifiedHow, had[i].VerifiedAt
			had = slices.Delete(had, i, i+1)
		} else if slices.ContainsFunc(c.Addresses, same) {
			continue
		} else {
			a.ID = NewID()
		}
		a.Verified, a.VerifiedHow, a.VerifiedAt = proven(w.Verified, a.Verified, a.VerifiedHow, a.VerifiedAt, now)
		c.Addresses = append(c.Addresses, a)
	}
	for _, twin := range had { // as with contacts
		if slices.ContainsFunc(c.Addresses, func(h PostalAddress) bool { return h.place() == twin.place() }) {
			c.Addresses = append(c.Addresses, twin)
		}
	}
	return nil
}

// place is what makes an address another one.
func (a PostalAddress) place() [5]string {
	return [5]string{a.Complement, a.Street, a.Postcode, a.City, a.Country}
}

func (c *Citizen) describeRefusals(typed []string, by *string, now time.Time) error {
	had := c.Refusals
	c.Refusals = nil
	for _, name := range slices.Compact(slices.Sorted(slices.Values(typed))) {
		if !slices.Contains(channels.Names(), channels.Name(name)) {
			return invalid("citizen.refusals", "unknown")
		}
		r := ChannelRefusal{CitizenID: c.ID, Channel: name, At: now, AgentID: by}
		if i := slices.IndexFunc(had, func(h ChannelRefusal) bool { return h.Channel == name }); i >= 0 {
			r = had[i]
		}
		c.Refusals = append(c.Refusals, r)
	}
	return nil
}

// draftOf is a record as somebody would have typed it.
func draftOf(c Citizen) CitizenDraft {
	w := CitizenDraft{
		Kind: c.Kind, Family: c.FamilyName, Usage: c.UsageName, Given: c.GivenName, Civility: c.Civility, BirthDate: c.BirthDate,
		Organisation: c.Organisation, SIREN: c.SIREN, SIRET: c.SIRET, RNA: c.RNA, Language: c.Language, PreferredChannel: c.PreferredChannel,
		NoDigital: c.NoDigital, Contacts: c.Contacts, Addresses: c.Addresses,
	}
	for _, r := range c.Refusals {
		w.Refusals = append(w.Refusals, r.Channel)
	}
	return w
}

// draftKey is a draft as one text, to tell a request that is repeated from another.
func draftKey(d *CitizenDraft) string {
	if d == nil {
		return ""
	}
	key, err := json.Marshal(d)
	if err != nil { // plain fields always marshal
		return ""
	}
	return string(key)
}
