package agentapi

import (
	"context"
	"time"

	"guichet/ticketing"
)

type listCitizensInput struct {
	Q      string `query:"q" maxLength:"200" doc:"Words of names and addresses in any order, whole or only begun; an e-mail address or its beginning; a telephone number in any spelling or its last digits; SIREN, SIRET, RNA; a ticket's reference. Left out: whoever was last in contact."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"300" doc:"next_cursor of the page before, with the same q."`
}

type listCitizensOutput struct{ Body page[citizenRow] }

// citizenRow is a record in a list.
type citizenRow struct {
	ID            string        `json:"id"`
	Version       int           `json:"version"`
	Kind          string        `json:"kind" enum:"person,family,company,association"`
	Name          nameDraft     `json:"name"`
	DisplayName   string        `json:"display_name" doc:"As it is read aloud; how she can be reached when she left no name."`
	BirthDate     string        `json:"birth_date,omitempty"`
	SIREN         string        `json:"siren,omitempty"`
	SIRET         string        `json:"siret,omitempty"`
	RNA           string        `json:"rna,omitempty"`
	Contacts      []contactView `json:"contacts" nullable:"false"`
	Addresses     []addressView `json:"addresses" nullable:"false"`
	Language      string        `json:"language"`
	Provisional   bool          `json:"provisional" doc:"Made from a message or a call; no agent has looked at it."`
	OpenTickets   int           `json:"open_tickets" doc:"That the caller may see."`
	LastContactAt *time.Time    `json:"last_contact_at"`
}

func (s *Server) listCitizens(ctx context.Context, a ticketing.Actor, in *listCitizensInput) (*listCitizensOutput, error) {
	people, err := s.Reader.Citizens(ctx, a, in.Q, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &listCitizensOutput{Body: page[citizenRow]{Items: make([]citizenRow, len(people.Rows)), Next: people.Next}}
	for i, c := range people.Rows {
		v := viewCitizen(s.Town.Now(), ticketing.CitizenFile{Citizen: c.Citizen})
		out.Body.Items[i] = citizenRow{
			ID: v.ID, Version: v.Version, Kind: v.Kind, Name: v.Name, DisplayName: v.DisplayName, BirthDate: v.BirthDate, SIREN: v.SIREN, SIRET: v.SIRET,
			RNA: v.RNA, Contacts: v.Contacts, Addresses: v.Addresses, Language: v.Language, Provisional: v.Provisional, OpenTickets: c.OpenTickets,
			LastContactAt: v.LastContactAt,
		}
	}
	return out, nil
}
