package agentapi

import (
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/ticketing"
)

// exportRows is the most rows an export has; the filters choose which.
const exportRows = 100_000

type lookView struct {
	ID        int64       `json:"id"`
	At        time.Time   `json:"at"`
	Agent     string      `json:"agent" doc:"Her id."`
	AgentName string      `json:"agent_name"`
	Email     string      `json:"agent_email"`
	Page      string      `json:"page" doc:"The route's pattern." example:"GET /api/v1/citizens/:id"`
	Citizen   *lookedAt   `json:"citizen" doc:"Null when the look was at nobody."`
	Ticket    *lookTicket `json:"ticket" doc:"Null when the look was at no ticket."`
	Purpose   string      `json:"purpose" doc:"What she said it was for, where she was asked."`
	Digest    string      `json:"digest" doc:"SHA-256 of the JSON array [at, agent, page, citizen id, ticket id, purpose], absent ids being empty."`
	Seal      int64       `json:"seal" doc:"The number of its seal; 0: sealed within seconds."`
}

type lookedAt struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type lookTicket struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
}

func viewLook(l ticketing.Look) lookView {
	v := lookView{
		ID: l.ID, At: l.At.UTC(), Agent: l.AgentID, AgentName: l.AgentName, Email: l.AgentEmail, Page: l.Page, Purpose: l.Purpose, Digest: l.Digest,
		Seal: l.Seal,
	}
	if l.CitizenID != "" {
		v.Citizen = &lookedAt{ID: l.CitizenID, Name: l.CitizenName}
	}
	if l.TicketID != "" {
		v.Ticket = &lookTicket{ID: l.TicketID, Reference: l.Reference}
	}
	return v
}

// LookPage is how lists of consultations are paged. It is exported because huma reads embedded parameters only then.
type LookPage struct {
	After  time.Time `query:"after" doc:"This moment or later."`
	Before time.Time `query:"before" doc:"Earlier than this moment."`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string    `query:"cursor" maxLength:"300" doc:"next_cursor of the page before, with the same filters."`
}

type listLooksInput struct {
	LookPage
	Citizen string `query:"citizen" maxLength:"36" doc:"A citizen's id; what was looked at before a merge is found too."`
	Name    string `query:"name" maxLength:"200" doc:"Words of a citizen's name."`
	Agent   string `query:"agent" maxLength:"254" doc:"An agent's id or e-mail address."`
	Ticket  string `query:"ticket" maxLength:"36" doc:"A ticket's id or reference."`
}

type listLooksOutput struct{ Body page[lookView] }

func (s *Server) listLooks(ctx context.Context, a ticketing.Actor, in *listLooksInput) (*listLooksOutput, error) {
	return s.looks(ctx, a, in.LookPage, ticketing.ConsultationQuery{
		Citizen: in.Citizen, Name: in.Name, Agent: in.Agent, Ticket: in.Ticket,
	})
}

type citizenLooksInput struct {
	CitizenPath
	LookPage
}

func (s *Server) citizenLooks(ctx context.Context, a ticketing.Actor, in *citizenLooksInput) (*listLooksOutput, error) {
	return s.looks(ctx, a, in.LookPage, ticketing.ConsultationQuery{Citizen: in.ID})
}

func (s *Server) looks(ctx context.Context, a ticketing.Actor, p LookPage, q ticketing.ConsultationQuery) (*listLooksOutput, error) {
	q.After, q.Before, q.Limit = given(p.After), given(p.Before), p.Limit
	list, err := s.Ledger.Looks(ctx, a, q, p.Cursor)
	if err != nil {
		return nil, err
	}
	out := &listLooksOutput{Body: page[lookView]{Items: make([]lookView, len(list.Rows)), Next: list.Next}}
	for i, l := range list.Rows {
		out.Body.Items[i] = viewLook(l)
	}
	return out, nil
}

type sealView struct {
	Number   int64      `json:"number"`
	At       time.Time  `json:"at"`
	Hash     string     `json:"hash" doc:"Whoever keeps it elsewhere can tell later that nothing before it was changed."`
	PrunedAt *time.Time `json:"pruned_at" doc:"Its rows and all seals before it had had their time then; of the oldest only."`
}

type breakView struct {
	Seal         int64  `json:"seal"`
	Consultation int64  `json:"consultation" doc:"The row; 0: not one alone."`
	What         string `json:"what" enum:"row_changed,rows_missing,rows_added,seal_changed,seal_missing,unlinked,stray_rows"`
}

type chainView struct {
	Holds    bool        `json:"holds"`
	Breaks   []breakView `json:"breaks" nullable:"false" doc:"The first hundred."`
	Seals    int64       `json:"seals"`
	Rows     int64       `json:"rows"`
	Unsealed int64       `json:"unsealed" doc:"Rows the next seal will be over."`
	First    *sealView   `json:"first" doc:"The oldest that is kept; its rows may have had their time. Null before the first."`
	Last     *sealView   `json:"last"`
}

type chainOutput struct{ Body chainView }

func (s *Server) checkLooks(ctx context.Context, a ticketing.Actor, _ *struct{}) (*chainOutput, error) {
	c, err := s.Ledger.Check(ctx, a)
	if err != nil {
		return nil, err
	}
	v := chainView{
		Holds: c.Holds, Breaks: make([]breakView, len(c.Breaks)), Seals: c.Seals, Rows: c.Rows, Unsealed: c.Unsealed, First: viewSeal(c.First),
		Last: viewSeal(c.Last),
	}
	for i, b := range c.Breaks {
		v.Breaks[i] = breakView(b)
	}
	return &chainOutput{Body: v}, nil
}

func viewSeal(s *ticketing.Seal) *sealView {
	if s == nil {
		return nil
	}
	return &sealView{Number: s.Number, At: s.At.UTC(), Hash: s.Hash, PrunedAt: s.PrunedAt}
}

// exportLooks gives consultations as a table, newest first.
func (s *Server) exportLooks(c *gin.Context, a ticketing.Actor) error {
	q := ticketing.ConsultationQuery{
		Citizen: c.Query("citizen"), Name: c.Query("name"), Agent: c.Query("agent"), Ticket: c.Query("ticket"), Limit: ticketing.MaxPage,
	}
	var err error
	if q.After, err = moment("after", c.Query("after")); err != nil {
		return err
	}
	if q.Before, err = moment("before", c.Query("before")); err != nil {
		return err
	}
	list, err := s.Ledger.Looks(c.Request.Context(), a, q, "")
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="consultations.csv"`)
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Status(http.StatusOK)
	out := csv.NewWriter(c.Writer)
	if err := out.Write([]string{
		"id", "at", "agent", "agent_name", "agent_email", "page", "citizen", "citizen_name", "ticket", "reference", "purpose", "digest", "seal",
	}); err != nil {
		return err
	}
	for rows := 0; ; {
		for _, l := range list.Rows {
			if err := out.Write(lookRow(l)); err != nil {
				return err
			}
		}
		if rows += len(list.Rows); list.Next == "" || rows >= exportRows {
			break
		}
		if list, err = s.Ledger.Looks(c.Request.Context(), a, q, list.Next); err != nil {
			panic(http.ErrAbortHandler) // what was sent looks whole; the connection must say that it is not
		}
	}
	out.Flush()
	return out.Error()
}

// lookRow is a line of the export. What agents and citizens typed can't become a formula in a spreadsheet.
func lookRow(l ticketing.Look) []string {
	return []string{
		strconv.FormatInt(l.ID, 10), l.At.UTC().Format(time.RFC3339Nano), l.AgentID, plainCell(l.AgentName), plainCell(l.AgentEmail), l.Page, l.CitizenID,
		plainCell(l.CitizenName), l.TicketID, l.Reference, plainCell(l.Purpose), l.Digest, strconv.FormatInt(l.Seal, 10),
	}
}

// plainCell puts an apostrophe before what a spreadsheet would compute (OWASP, CSV injection).
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// moment reads a time of a query.
func moment(field, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // not given
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, wrong(field, "not_a_time")
	}
	return given(at), nil
}

type breakGlassInput struct {
	Token string `path:"ref" maxLength:"100" doc:"The token of a reserved line of a citizen's timeline, in place of a reference."`
	Body  struct {
		Reason string `json:"reason" doc:"Why she must read it: the department and the data protection officer will."`
	}
}

func (s *Server) breakGlass(ctx context.Context, a ticketing.Actor, in *breakGlassInput) (*ticketOutput, error) {
	t, _, err := s.Desk.BreakGlass(ctx, a, in.Token, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return s.full(ctx, a, t)
}
