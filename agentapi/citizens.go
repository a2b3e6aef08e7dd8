package agentapi

import (
	"context"
	"strconv"
	"time"

	"guichet/ticketing"
)

// citizenDraft describes somebody who is not known yet, or whom her e-mail address will make known.
type citizenDraft struct {
	Kind             string         `json:"kind,omitempty" enum:"person,family,company,association" doc:"person when left out."`
	Name             nameDraft      `json:"name,omitzero"`
	BirthDate        string         `json:"birth_date,omitempty" example:"1961-03-04"`
	SIREN            string         `json:"siren,omitempty"`
	SIRET            string         `json:"siret,omitempty"`
	RNA              string         `json:"rna,omitempty"`
	Contacts         []contactDraft `json:"contacts,omitempty" nullable:"false" maxItems:"20"`
	Addresses        []addressDraft `json:"addresses,omitempty" nullable:"false" maxItems:"10"`
	Language         string         `json:"language,omitempty"`
	PreferredChannel string         `json:"preferred_channel,omitempty" enum:"email,sms,phone,counter,letter,web"`
	NoDigital        bool           `json:"no_digital,omitempty" doc:"She does not use the Internet."`
	Refusals         []string       `json:"refusals,omitempty" nullable:"false" doc:"Channels she does not want to be written to by."`
}

type nameDraft struct {
	Family       string `json:"family,omitempty"`
	Usage        string `json:"usage,omitempty"`
	Given        string `json:"given,omitempty"`
	Civility     string `json:"civility,omitempty"`
	Organisation string `json:"organisation,omitempty"`
}

type contactDraft struct {
	Type     string `json:"type" enum:"email,phone"`
	Value    string `json:"value" maxLength:"320"`
	Label    string `json:"label,omitempty" maxLength:"100"`
	Verified *bool  `json:"verified,omitempty" doc:"An agent saw a proof. Left out: as it is."`
}

type addressDraft struct {
	Label      string `json:"label,omitempty"`
	Complement string `json:"complement,omitempty" doc:"Building, floor, at whose."`
	Street     string `json:"street,omitempty" example:"18 avenue Foch"`
	Postcode   string `json:"postcode,omitempty"`
	City       string `json:"city,omitempty"`
	Country    string `json:"country,omitempty" doc:"ISO 3166-1, two letters; the town's when left out."`
	Verified   *bool  `json:"verified,omitempty" doc:"An agent saw a proof. Left out: as it is."`
}

// draft gives nil for nobody.
func (d *citizenDraft) draft() *ticketing.CitizenDraft {
	if d == nil {
		return nil
	}
	out := &ticketing.CitizenDraft{
		Kind: ticketing.Kind(d.Kind), Family: d.Name.Family, Usage: d.Name.Usage, Given: d.Name.Given, Civility: d.Name.Civility,
		Organisation: d.Name.Organisation, BirthDate: d.BirthDate, SIREN: d.SIREN, SIRET: d.SIRET, RNA: d.RNA, Language: d.Language,
		PreferredChannel: d.PreferredChannel, NoDigital: d.NoDigital, Refusals: d.Refusals,
	}
	out.Contacts = contactsOf(d.Contacts, nil)
	out.Addresses = addressesOf(d.Addresses, nil)
	return out
}

// contactsOf reads contacts; what is not said of their proof is as they had it.
func contactsOf(drafts []contactDraft, had []ticketing.Contact) []ticketing.Contact {
	var list []ticketing.Contact
	for _, d := range drafts {
		k := ticketing.Contact{Type: d.Type, Value: d.Value, Label: d.Label}
		for _, h := range had {
			if h.Type == d.Type && h.Value == d.Value {
				k.Verified = h.Verified
			}
		}
		if d.Verified != nil {
			k.Verified = *d.Verified
		}
		list = append(list, k)
	}
	return list
}

func addressesOf(drafts []addressDraft, had []ticketing.PostalAddress) []ticketing.PostalAddress {
	var list []ticketing.PostalAddress
	for _, d := range drafts {
		a := ticketing.PostalAddress{Label: d.Label, Complement: d.Complement, Street: d.Street, Postcode: d.Postcode, City: d.City, Country: d.Country}
		for _, h := range had {
			if h.Street == d.Street && h.Postcode == d.Postcode && h.City == d.City && h.Complement == d.Complement {
				a.Verified = h.Verified
			}
		}
		if d.Verified != nil {
			a.Verified = *d.Verified
		}
		list = append(list, a)
	}
	return list
}

// citizenView is a record.
type citizenView struct {
	ID               string         `json:"id"`
	Version          int            `json:"version"`
	Kind             string         `json:"kind" enum:"person,family,company,association"`
	Name             nameDraft      `json:"name"`
	DisplayName      string         `json:"display_name" doc:"As it is read aloud; how she can be reached when she left no name."`
	BirthDate        string         `json:"birth_date,omitempty"`
	SIREN            string         `json:"siren,omitempty"`
	SIRET            string         `json:"siret,omitempty"`
	RNA              string         `json:"rna,omitempty"`
	Contacts         []contactView  `json:"contacts" nullable:"false"`
	Addresses        []addressView  `json:"addresses" nullable:"false"`
	Language         string         `json:"language"`
	PreferredChannel string         `json:"preferred_channel,omitempty"`
	NoDigital        bool           `json:"no_digital"`
	Refusals         []refusalView  `json:"refusals" nullable:"false"`
	Relations        []relationView `json:"relations" nullable:"false"`
	Notes            []noteView     `json:"notes" nullable:"false" doc:"Those for all, and those of the caller's departments; newest first."`
	Provisional      bool           `json:"provisional" doc:"Made from a message or a call; no agent has looked at it."`
	RestrictedAt     *time.Time     `json:"restricted_at,omitempty" doc:"Since when it may only be kept (GDPR, article 18)."`
	OpenTickets      int            `json:"open_tickets" doc:"That the caller may see."`
	LastContactAt    *time.Time     `json:"last_contact_at"`
	CreatedAt        time.Time      `json:"created_at"`
	UpdatedAt        time.Time      `json:"updated_at"`
	MergedInto       *string        `json:"merged_into" doc:"The record this one lives on in."`
	AnonymisedAt     *time.Time     `json:"anonymised_at,omitempty"`
}

type contactView struct {
	ID          string     `json:"id"`
	Type        string     `json:"type" enum:"email,phone"`
	Value       string     `json:"value"`
	Label       string     `json:"label"`
	Verified    bool       `json:"verified"`
	VerifiedHow string     `json:"verified_how,omitempty" enum:"use,agent"`
	VerifiedAt  *time.Time `json:"verified_at,omitempty"`
	Refuses     []stopView `json:"refuses,omitempty" nullable:"false" doc:"Lines this number said STOP to: nothing is texted there by itself any more."`
}

type stopView struct {
	Line string    `json:"line"`
	At   time.Time `json:"at,omitzero" doc:"Left out where it would tell of an exchange the caller may not know of."`
}

type addressView struct {
	ID          string     `json:"id"`
	Label       string     `json:"label"`
	Complement  string     `json:"complement"`
	Street      string     `json:"street"`
	Postcode    string     `json:"postcode"`
	City        string     `json:"city"`
	Country     string     `json:"country"`
	Verified    bool       `json:"verified"`
	VerifiedHow string     `json:"verified_how,omitempty" enum:"use,agent"`
	VerifiedAt  *time.Time `json:"verified_at,omitempty"`
}

type refusalView struct {
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

type relationView struct {
	ID    string     `json:"id"`
	Kind  string     `json:"kind" enum:"member,guardian,represents,mandated" doc:"What from is to to."`
	From  citizenRef `json:"from"`
	To    citizenRef `json:"to"`
	Since string     `json:"since,omitempty"`
	Until string     `json:"until,omitempty" doc:"The last day; left out: still."`
}

type noteView struct {
	ID         string    `json:"id"`
	Text       string    `json:"text"`
	Department string    `json:"department,omitempty" doc:"Whose agents alone read it."`
	By         string    `json:"by"`
	ByName     string    `json:"by_name"`
	At         time.Time `json:"at"`
}

func viewCitizen(town *ticketing.Snapshot, f ticketing.CitizenFile) *citizenView {
	c := f.Citizen
	v := &citizenView{
		ID: c.ID, Version: c.Version, Kind: string(c.Kind), DisplayName: ticketing.DisplayName(c),
		Name:      nameDraft{Family: c.FamilyName, Usage: c.UsageName, Given: c.GivenName, Civility: c.Civility, Organisation: c.Organisation},
		BirthDate: c.BirthDate, SIREN: c.SIREN, SIRET: c.SIRET, RNA: c.RNA, Language: c.Language, PreferredChannel: c.PreferredChannel,
		NoDigital: c.NoDigital, Provisional: c.Provisional, RestrictedAt: c.RestrictedAt, OpenTickets: f.OpenTickets, LastContactAt: c.LastContactAt,
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), MergedInto: c.MergedInto, AnonymisedAt: c.AnonymisedAt,
		Contacts: []contactView{}, Addresses: []addressView{}, Refusals: []refusalView{}, Relations: []relationView{}, Notes: []noteView{},
	}
	for _, k := range c.Contacts {
		contact := contactView{
			ID: k.ID, Type: k.Type, Value: k.Value, Label: k.Label, Verified: k.Verified, VerifiedHow: k.VerifiedHow, VerifiedAt: k.VerifiedAt,
		}
		for _, stop := range f.StopsOf(k.Value) {
			contact.Refuses = append(contact.Refuses, stopView{Line: stop.Line, At: stop.At.UTC()})
		}
		v.Contacts = append(v.Contacts, contact)
	}
	for _, a := range c.Addresses {
		v.Addresses = append(v.Addresses, addressView{
			ID: a.ID, Label: a.Label, Complement: a.Complement, Street: a.Street, Postcode: a.Postcode, City: a.City, Country: a.Country,
			Verified: a.Verified, VerifiedHow: a.VerifiedHow, VerifiedAt: a.VerifiedAt,
		})
	}
	for _, r := range c.Refusals {
		v.Refusals = append(v.Refusals, refusalView{Channel: r.Channel, At: r.At.UTC()})
	}
	for _, r := range f.Relations {
		v.Relations = append(v.Relations, viewRelation(c, r))
	}
	for _, n := range f.Notes {
		v.Notes = append(v.Notes, viewNote(town, n))
	}
	return v
}

func viewRelation(c ticketing.Citizen, r ticketing.RelatedCitizen) relationView {
	ref := func(c ticketing.Citizen) citizenRef {
		return citizenRef{ID: c.ID, Name: ticketing.DisplayName(c), Kind: string(c.Kind)}
	}
	v := relationView{ID: r.ID, Kind: string(r.Kind), From: ref(c), To: ref(r.Other), Since: r.Since, Until: r.Until}
	if r.ToID == c.ID {
		v.From, v.To = v.To, v.From
	}
	return v
}

func viewNote(town *ticketing.Snapshot, n ticketing.CitizenNote) noteView {
	return noteView{ID: n.ID, Text: n.Text, Department: n.Department, By: n.AgentID, ByName: nameOf(town, n.AgentID), At: n.CreatedAt.UTC()}
}

type citizenOutput struct {
	ETag string `header:"ETag" doc:"The record's version."`
	Body *citizenView
}

// CitizenPath names a record.
type CitizenPath struct {
	ID string `path:"id" maxLength:"36"`
}

// citizenNow answers with what a record is now.
func (s *Server) citizenNow(ctx context.Context, a ticketing.Actor, id string) (*citizenOutput, error) {
	file, err := s.Reader.Citizen(ctx, a, id)
	if err != nil {
		return nil, err
	}
	return &citizenOutput{ETag: strconv.Quote(strconv.Itoa(file.Version)), Body: viewCitizen(s.Town.Now(), file)}, nil
}

func (s *Server) getCitizen(ctx context.Context, a ticketing.Actor, in *CitizenPath) (*citizenOutput, error) {
	return s.citizenNow(ctx, a, in.ID)
}

type recordCitizenInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key answers with the first result for 24 hours."`
	Body citizenDraft
}

func (s *Server) recordCitizen(ctx context.Context, a ticketing.Actor, in *recordCitizenInput) (*citizenOutput, error) {
	c, err := s.Registry.Record(ctx, a, *in.Body.draft(), in.Key)
	if err != nil {
		return nil, err
	}
	return s.citizenNow(ctx, a, c.ID)
}

type editCitizenInput struct {
	CitizenPath
	IfMatch string `header:"If-Match" maxLength:"40" doc:"The version the caller has seen; answered 412 stale when the record has changed since."`
	Body    struct {
		Kind             *string         `json:"kind,omitempty" enum:"person,family,company,association"`
		Name             *nameDraft      `json:"name,omitempty" doc:"All of it."`
		BirthDate        *string         `json:"birth_date,omitempty" doc:"Empty: unknown."`
		SIREN            *string         `json:"siren,omitempty"`
		SIRET            *string         `json:"siret,omitempty"`
		RNA              *string         `json:"rna,omitempty"`
		Contacts         *[]contactDraft `json:"contacts,omitempty" maxItems:"20" doc:"All of them."`
		Addresses        *[]addressDraft `json:"addresses,omitempty" maxItems:"10" doc:"All of them."`
		Language         *string         `json:"language,omitempty"`
		PreferredChannel *string         `json:"preferred_channel,omitempty" doc:"Empty: none."`
		NoDigital        *bool           `json:"no_digital,omitempty"`
		Refusals         *[]string       `json:"refusals,omitempty" doc:"All of them."`
	}
}

func (s *Server) editCitizen(ctx context.Context, a ticketing.Actor, in *editCitizenInput) (*citizenOutput, error) {
	version, err := readVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	c, err := s.Registry.Edit(ctx, a, in.ID, version, func(w *ticketing.CitizenDraft) {
		if b.Kind != nil {
			w.Kind = ticketing.Kind(*b.Kind)
		}
		if n := b.Name; n != nil {
			w.Family, w.Usage, w.Given, w.Civility, w.Organisation = n.Family, n.Usage, n.Given, n.Civility, n.Organisation
		}
		set(&w.BirthDate, b.BirthDate)
		set(&w.SIREN, b.SIREN)
		set(&w.SIRET, b.SIRET)
		set(&w.RNA, b.RNA)
		set(&w.Language, b.Language)
		set(&w.PreferredChannel, b.PreferredChannel)
		set(&w.NoDigital, b.NoDigital)
		set(&w.Refusals, b.Refusals)
		if b.Contacts != nil {
			w.Contacts = contactsOf(*b.Contacts, w.Contacts)
		}
		if b.Addresses != nil {
			w.Addresses = addressesOf(*b.Addresses, w.Addresses)
		}
	})
	if err != nil {
		return nil, err
	}
	return s.citizenNow(ctx, a, c.ID)
}

// set makes a field what was sent, if anything was.
func set[T any](field, sent *T) {
	if sent != nil {
		*field = *sent
	}
}

type relateInput struct {
	CitizenPath
	Body struct {
		To    string `json:"to" doc:"The other record's id."`
		Kind  string `json:"kind" enum:"member,guardian,represents,mandated" doc:"What this citizen is to the other: a member of the household, the legal guardian, the representative, a third party who acts for her."`
		Since string `json:"since,omitempty" example:"2024-09-01"`
		Until string `json:"until,omitempty"`
	}
}

type relationOutput struct {
	Body relationView
}

func (s *Server) relateCitizen(ctx context.Context, a ticketing.Actor, in *relateInput) (*relationOutput, error) {
	b := in.Body
	r, err := s.Registry.Relate(ctx, a, ticketing.Relation{FromID: in.ID, ToID: b.To, Kind: ticketing.RelationKind(b.Kind), Since: b.Since, Until: b.Until})
	if err != nil {
		return nil, err
	}
	return s.relationNow(ctx, a, r)
}

func (s *Server) relationNow(ctx context.Context, a ticketing.Actor, r ticketing.Relation) (*relationOutput, error) {
	file, err := s.Reader.Citizen(ctx, a, r.FromID)
	if err != nil {
		return nil, err
	}
	for _, known := range file.Relations {
		if known.ID == r.ID {
			return &relationOutput{Body: viewRelation(file.Citizen, known)}, nil
		}
	}
	return nil, ticketing.ErrNotFound
}

type endRelationInput struct {
	CitizenPath
	Body *struct {
		Until string `json:"until,omitempty" doc:"The last day; today when left out."`
	} `required:"false"`
}

func (s *Server) endRelation(ctx context.Context, a ticketing.Actor, in *endRelationInput) (*relationOutput, error) {
	until := ""
	if in.Body != nil {
		until = in.Body.Until
	}
	r, err := s.Registry.Part(ctx, a, in.ID, until)
	if err != nil {
		return nil, err
	}
	return s.relationNow(ctx, a, r)
}

type noteCitizenInput struct {
	CitizenPath
	Body struct {
		Text       string `json:"text"`
		Department string `json:"department,omitempty" doc:"One of the caller's, whose agents alone will read it."`
	}
}

type noteOutput struct {
	Body noteView
}

func (s *Server) noteCitizen(ctx context.Context, a ticketing.Actor, in *noteCitizenInput) (*noteOutput, error) {
	n, err := s.Registry.Note(ctx, a, in.ID, in.Body.Department, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return &noteOutput{Body: viewNote(s.Town.Now(), n)}, nil
}
