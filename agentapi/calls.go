package agentapi

import (
	"context"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// callView is a telephone call.
type callView struct {
	ID         string     `json:"id"`
	Direction  string     `json:"direction" enum:"in,out"`
	Line       string     `json:"line"`
	Department string     `json:"department" doc:"Asked for, or the line's."`
	Number     string     `json:"number" doc:"The citizen's, E.164; empty when it is withheld or unreadable."`
	Message    *string    `json:"message" doc:"Its place among the ticket's messages."`
	Agent      *string    `json:"agent" doc:"Who took it, by id."`
	AgentName  *string    `json:"agent_name"`
	AnsweredBy string     `json:"answered_by" doc:"The same in the exchange's words."`
	Ending     string     `json:"ending" enum:",answered,missed,busy,failed,forwarded,rejected,voicemail" doc:"Empty while it goes on."`
	CallBack   bool       `json:"call_back" doc:"The caller asked to be called back."`
	RangAt     *time.Time `json:"rang_at"`
	AnsweredAt *time.Time `json:"answered_at"`
	EndedAt    *time.Time `json:"ended_at"`
	WaitedS    *int       `json:"waited_s" doc:"Seconds it rang before it was taken or over; null: the exchange has not told."`
	TalkedS    *int       `json:"talked_s"`
}

func viewCall(town *ticketing.Snapshot, c ticketing.Call) callView {
	v := callView{
		ID: c.ID, Direction: string(c.Direction), Line: c.Line, Department: c.Department, Number: c.Number, Message: c.MessageID, Agent: c.AgentID,
		AnsweredBy: c.AnsweredBy, Ending: c.Ending, CallBack: c.CallBack, RangAt: utc(c.RangAt), AnsweredAt: utc(c.AnsweredAt), EndedAt: utc(c.EndedAt),
		WaitedS: seconds(c.Waited()), TalkedS: seconds(c.Talk()),
	}
	if c.AgentID != nil {
		v.AgentName = orNull(nameOf(town, *c.AgentID))
	}
	return v
}

// seconds gives null for what is not known.
func seconds(d time.Duration, known bool) *int {
	if !known {
		return nil
	}
	s := int(d / time.Second)
	return &s
}

type candidateView struct {
	Citizen citizenRef  `json:"citizen"`
	Open    []TicketRow `json:"open_tickets" nullable:"false" doc:"That the caller of the API may see."`
}

type callerCardView struct {
	Call       callView        `json:"call"`
	Likelihood string          `json:"likelihood" enum:"known,perhaps,unknown" doc:"known: one record has the number. perhaps: several, or a household."`
	Candidates []candidateView `json:"candidates" nullable:"false" doc:"The likeliest first."`
}

func viewCard(town *ticketing.Snapshot, c ticketing.CallerCard) callerCardView {
	v := callerCardView{Call: viewCall(town, c.Call), Likelihood: string(c.Likelihood), Candidates: []candidateView{}}
	for _, candidate := range c.Candidates {
		who := candidate.Citizen
		row := candidateView{Citizen: citizenRef{ID: who.ID, Name: ticketing.DisplayName(who), Kind: string(who.Kind)}, Open: []TicketRow{}}
		for _, t := range candidate.Open {
			row.Open = append(row.Open, viewRow(t))
		}
		v.Candidates = append(v.Candidates, row)
	}
	return v
}

type listCallsOutput struct{ Body page[callerCardView] }

func (s *Server) listCalls(ctx context.Context, a ticketing.Actor, _ *struct{}) (*listCallsOutput, error) {
	cards, err := s.Switchboard.Live(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &listCallsOutput{Body: page[callerCardView]{Items: []callerCardView{}}}
	for _, c := range cards {
		out.Body.Items = append(out.Body.Items, viewCard(s.Town.Now(), c))
	}
	return out, nil
}

type callInput struct {
	ID string `path:"id" maxLength:"36"`
}

type callOutput struct{ Body callerCardView }

func (s *Server) getCall(ctx context.Context, a ticketing.Actor, in *callInput) (*callOutput, error) {
	card, err := s.Switchboard.Call(ctx, a, in.ID)
	if err != nil {
		return nil, err
	}
	return &callOutput{Body: viewCard(s.Town.Now(), card)}, nil
}

type segmentsInput struct {
	Body struct {
		Text string `json:"text" maxLength:"5000"`
	}
}

type segmentsOutput struct {
	Body struct {
		Encoding string `json:"encoding" enum:"GSM-7,UCS-2" doc:"One character outside GSM-7 makes every segment shorter."`
		Units    int    `json:"units"`
		Segments int    `json:"segments"`
		Left     int    `json:"left" doc:"Units that still fit into the last segment."`
	}
}

func (s *Server) countSegments(_ context.Context, _ ticketing.Actor, in *segmentsInput) (*segmentsOutput, error) {
	counted := channels.CountSegments(in.Body.Text)
	out := &segmentsOutput{}
	out.Body.Encoding, out.Body.Units, out.Body.Segments, out.Body.Left = counted.Encoding, counted.Units, counted.Count, counted.Left
	return out, nil
}
