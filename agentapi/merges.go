package agentapi

import (
	"context"
	"time"

	"guichet/ticketing"
)

// likenessView is somebody who may be the same person.
type likenessView struct {
	Citizen likeCitizen `json:"citizen"`
	Score   int         `json:"score" minimum:"0" maximum:"100"`
	Reasons []string    `json:"reasons" nullable:"false" doc:"Stable words for what speaks for it and against it: same_email, same_phone, same_name_and_birth_date, same_name, close_name, same_family_name, same_birth_date, same_address, same_siret, same_siren, same_rna, different_name, different_given_name, different_birth_date, different_siren."`
}

// likeCitizen is a record as far as one needs it to tell two apart.
type likeCitizen struct {
	ID          string        `json:"id"`
	Name        string        `json:"name" doc:"Of somebody who left none: a way to reach her."`
	Kind        string        `json:"kind" enum:"person,family,company,association"`
	BirthDate   string        `json:"birth_date,omitempty"`
	Provisional bool          `json:"provisional" doc:"Made from a message or a call; no agent has looked at it."`
	Contacts    []contactView `json:"contacts" nullable:"false"`
	Addresses   []addressView `json:"addresses" nullable:"false"`
}

func (s *Server) viewLikeness(l ticketing.Likeness) likenessView {
	full := viewCitizen(s.Town.Now(), ticketing.CitizenFile{Citizen: l.Citizen.WithoutTwins()})
	reasons := l.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	return likenessView{Score: l.Score, Reasons: reasons, Citizen: likeCitizen{
		ID: full.ID, Name: full.DisplayName, Kind: full.Kind, BirthDate: full.BirthDate, Provisional: full.Provisional,
		Contacts: full.Contacts, Addresses: full.Addresses,
	}}
}

type likenessesOutput struct{ Body page[likenessView] }

func (s *Server) viewLikenesses(list []ticketing.Likeness, err error) (*likenessesOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &likenessesOutput{Body: page[likenessView]{Items: []likenessView{}}}
	for _, l := range list {
		out.Body.Items = append(out.Body.Items, s.viewLikeness(l))
	}
	return out, nil
}

func (s *Server) listDuplicates(ctx context.Context, a ticketing.Actor, in *CitizenPath) (*likenessesOutput, error) {
	return s.viewLikenesses(s.Reader.Duplicates(ctx, a, in.ID))
}

func (s *Server) listCandidates(ctx context.Context, a ticketing.Actor, in *ticketInput) (*likenessesOutput, error) {
	return s.viewLikenesses(s.Reader.TicketCandidates(ctx, a, in.Ref))
}

type distinctInput struct {
	CitizenPath
	Body struct {
		From string `json:"from" doc:"The other record's id."`
	}
}

func (s *Server) distinguish(ctx context.Context, a ticketing.Actor, in *distinctInput) (*likenessesOutput, error) {
	if err := s.Registry.Distinguish(ctx, a, in.ID, in.Body.From); err != nil {
		return nil, err
	}
	return s.viewLikenesses(s.Reader.Duplicates(ctx, a, in.ID))
}

type previewMergeInput struct {
	CitizenPath
	From string `query:"from" required:"true" maxLength:"36" doc:"The record that would become part of this one."`
}

type mergePreviewView struct {
	Into   citizenRef      `json:"into"`
	From   likenessView    `json:"from"`
	Fields []fieldPairView `json:"fields" nullable:"false" doc:"Those in which the two differ."`
	Moves  belongingsView  `json:"moves" doc:"What belongs to from, as far as the caller may see."`
}

type fieldPairView struct {
	Field    string `json:"field"`
	Into     string `json:"into"`
	From     string `json:"from"`
	Survives string `json:"survives" enum:"into,from" doc:"When nobody chooses."`
}

type belongingsView struct {
	Tickets   int `json:"tickets"`
	Calls     int `json:"calls"`
	Contacts  int `json:"contacts"`
	Addresses int `json:"addresses"`
	Relations int `json:"relations"`
	Notes     int `json:"notes"`
	Refusals  int `json:"refusals"`
}

type mergePreviewOutput struct{ Body mergePreviewView }

func (s *Server) previewMerge(ctx context.Context, a ticketing.Actor, in *previewMergeInput) (*mergePreviewOutput, error) {
	p, err := s.Reader.PreviewMerge(ctx, a, in.ID, in.From)
	if err != nil {
		return nil, err
	}
	v := mergePreviewView{
		Into: citizenRef{ID: p.Into.ID, Name: ticketing.DisplayName(p.Into), Kind: string(p.Into.Kind)}, From: s.viewLikeness(p.Likeness),
		Fields: []fieldPairView{}, Moves: belongingsView(p.Moves),
	}
	for _, f := range p.Fields {
		v.Fields = append(v.Fields, fieldPairView(f))
	}
	return &mergePreviewOutput{Body: v}, nil
}

type mergeCitizensInput struct {
	CitizenPath
	Body struct {
		From   string            `json:"from" doc:"The id of the record that becomes part of this one."`
		Reason string            `json:"reason" doc:"Why they are the same person."`
		Fields map[string]string `json:"fields,omitempty" doc:"Per field, whose value survives: into or from. A field left out keeps into's unless it has none. Fields: kind, family, usage, given, civility, organisation, birth_date, siren (with siret), rna, language, preferred_channel, no_digital."`
	}
}

type mergeView struct {
	ID         string     `json:"id"`
	Into       string     `json:"into" doc:"The record that lives on."`
	From       string     `json:"from" doc:"The one that points at it."`
	Reason     string     `json:"reason"`
	By         string     `json:"by"`
	ByName     string     `json:"by_name"`
	At         time.Time  `json:"at"`
	UndoneAt   *time.Time `json:"undone_at,omitempty"`
	UndoneBy   string     `json:"undone_by,omitempty"`
	UndoReason string     `json:"undo_reason,omitempty"`
}

type mergeOutput struct{ Body mergeView }

func (s *Server) viewMerge(m ticketing.Merge) mergeView {
	v := mergeView{
		ID: m.ID, Into: m.IntoID, From: m.FromID, Reason: m.Reason, By: m.AgentID, ByName: nameOf(s.Town.Now(), m.AgentID), At: m.At.UTC(),
		UndoneAt: m.UndoneAt, UndoReason: m.UndoReason,
	}
	if m.UndoneBy != nil {
		v.UndoneBy = *m.UndoneBy
	}
	return v
}

func (s *Server) mergeCitizens(ctx context.Context, a ticketing.Actor, in *mergeCitizensInput) (*mergeOutput, error) {
	m, err := s.Registry.Merge(ctx, a, in.ID, in.Body.From, in.Body.Reason, in.Body.Fields)
	if err != nil {
		return nil, err
	}
	return &mergeOutput{Body: s.viewMerge(m)}, nil
}

type mergesOutput struct{ Body page[mergeView] }

func (s *Server) listMerges(ctx context.Context, a ticketing.Actor, in *CitizenPath) (*mergesOutput, error) {
	merges, err := s.Reader.Merges(ctx, a, in.ID)
	if err != nil {
		return nil, err
	}
	out := &mergesOutput{Body: page[mergeView]{Items: []mergeView{}}}
	for _, m := range merges {
		out.Body.Items = append(out.Body.Items, s.viewMerge(m))
	}
	return out, nil
}

type undoMergeInput struct {
	ID   string `path:"id" maxLength:"36"`
	Body struct {
		Reason string `json:"reason" doc:"Why they are not the same person."`
	}
}

func (s *Server) undoMerge(ctx context.Context, a ticketing.Actor, in *undoMergeInput) (*mergeOutput, error) {
	m, err := s.Registry.Undo(ctx, a, in.ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &mergeOutput{Body: s.viewMerge(m)}, nil
}
