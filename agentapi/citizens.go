package agentapi

import "guichet/ticketing"

// citizenDraft describes somebody who is not known yet, or whom her e-mail address will make known.
type citizenDraft struct {
	Kind     string         `json:"kind,omitempty" enum:"person,family,company,association" doc:"person when left out."`
	Name     nameDraft      `json:"name,omitzero"`
	Contacts []contactDraft `json:"contacts,omitempty" nullable:"false" maxItems:"20"`
	Language string         `json:"language,omitempty"`
}

type nameDraft struct {
	Family       string `json:"family,omitempty"`
	Usage        string `json:"usage,omitempty"`
	Given        string `json:"given,omitempty"`
	Civility     string `json:"civility,omitempty"`
	Organisation string `json:"organisation,omitempty"`
}

type contactDraft struct {
	Type  string `json:"type" enum:"email,phone"`
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// draft gives nil for nobody.
func (d *citizenDraft) draft() *ticketing.CitizenDraft {
	if d == nil {
		return nil
	}
	out := &ticketing.CitizenDraft{
		Kind: ticketing.Kind(d.Kind), Family: d.Name.Family, Usage: d.Name.Usage, Given: d.Name.Given, Civility: d.Name.Civility,
		Organisation: d.Name.Organisation, Language: d.Language,
	}
	for _, c := range d.Contacts {
		out.Contacts = append(out.Contacts, ticketing.Contact{Type: c.Type, Value: c.Value, Label: c.Label})
	}
	return out
}
