package agentapi

import (
	"context"
	_ "embed"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

// contract is the public document. It is generated from the handlers and committed; a test compares.
//
//go:embed openapi.yaml
var contract []byte

// apiPath is where a path of the API is mounted.
func apiPath(path string) string { return "/api/v1" + path }

// newAPI prepares huma: JSON only, no links to schemas in answers, no pages of its own.
func newAPI(e *gin.Engine) huma.API {
	setHumaErrors()
	return humagin.New(e, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Guichet", Version: "1",
				Description: "What an agent can do, programs can do: by a session cookie or an API token. Times are RFC 3339 in UTC, identifiers " +
					"are opaque strings, `department` and `motive` are codes. A list is `{items, next_cursor}`; without `next_cursor` it was the " +
					"last page. What the caller may not know of answers exactly as what does not exist.",
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":  {Type: "http", Scheme: "bearer", Description: "An API token, as `guichet token create` prints it."},
					"cookie": {Type: "apiKey", In: "cookie", Name: "guichet_session", Description: "The session `POST /session` opens; `__Host-guichet_session` over https. Unsafe requests must come from the same site."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	})
}

// schemaName names schemas after their nouns: ticketView is Ticket.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "View"), "Body")
}

// call registers an operation of the API: who may come in, "METHOD /path", with the status of success when it is not 200.
func call[I, O any](s *Server, who door, route, id, summary string, do func(context.Context, ticketing.Actor, *I) (*O, error)) {
	method, rest, _ := strings.Cut(route, " ")
	path, status, _ := strings.Cut(rest, " ")
	op := huma.Operation{
		OperationID: id, Method: method, Path: apiPath(path), Summary: summary, Description: descriptions()[id], Tags: []string{tagOf(path)},
		MaxBodyBytes: maxBody, Middlewares: huma.Middlewares{s.doorkeeper(who)},
	}
	op.DefaultStatus, _ = strconv.Atoi(status)
	if who != anyone {
		op.Security = security()
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		actor, _ := auth.ActorOf(ctx)
		out, err := do(ctx, actor, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// doorkeeper turns away before anything of the request is read.
func (s *Server) doorkeeper(who door) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if _, err := enter(ctx.Context(), who); err != nil {
			s.refuse(humagin.Unwrap(ctx), err)
			return
		}
		next(ctx)
	}
}

func security() []map[string][]string { return []map[string][]string{{"token": {}}, {"cookie": {}}} }

// tagOf groups operations by their noun.
func tagOf(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return noun
}

// descriptions say what a summary has no room for.
func descriptions() map[string]string {
	return map[string]string{
		"signIn": "Sets the session cookie, for twelve hours. A changed password or a closed account ends it. Ten failures of an account " +
			"or fifty of an address within fifteen minutes are answered `429 rate_limited`.",
		"me": "The agent a cookie or token acts for, what she is in each department she works in, and how much of her capacity is used.",
		"listTickets": "Keyset pages: following `next_cursor` costs the same on every page and skips nothing, whatever is filed meanwhile. " +
			"Rows are tickets without their conversation.",
		"logContact": "A call, a visit, a letter. Any agent may, for any department. The citizen is named by `citizen_id`, or described: a record " +
			"that already claims her e-mail address is used, else one is made. Until somebody takes the ticket she reads it, even in a " +
			"department whose tickets she does not see; of one that has left her sight only what she wrote is answered.",
		"getTicket":     "The answer's ETag is the ticket's version, for If-Match.",
		"editTicket":    "Fields left out stay as they are.",
		"claimTicket":   "Refused `409 at_capacity` when she holds as many open tickets as she may, `409 conflict` when somebody has it.",
		"releaseTicket": "Her own, or, for a supervisor, a colleague's. The status stays.",
		"assignTicket":  "For supervisors of the department. Whoever had it before loses it; capacity is the supervisor's to judge.",
		"mergeTicket": "It is closed as a duplicate and what is written to it goes into the other from then on. Who does it must be able to close the " +
			"one and to edit the other. Refused `409 conflict` with `target_closed` when the other is closed, which a merged one is. Again into the same: nothing changes.",
		"splitTicket": "The new ticket is of the same citizen, in the queue of the department, and linked; its address is the answer's Location. Files go with their " +
			"messages. The answer is the ticket that was split.",
		"forwardTicket": "Sends what the citizen wrote and was answered, with her files, by e-mail. The ticket stays as it is, and the citizen is told nothing: " +
			"answer her, and close it as forwarded.",
		"listQuarantine": "Newest first. The departments of the lines the messages came through see them; an administrator sees that something waits and why, " +
			"and not from whom unless she also works with such tickets.",
		"retryHeld": "Answers `filed` with the ticket, or `quarantined` with the reason there is now. Of what is `too_large` or `not_given` there is nothing more to " +
			"read: it stays, and is in the mailbox on the mail server. Twice makes one ticket.",
		"fileHeld": "Of the header what can be read, of the text the beginning, and the original as a file. A message that belongs to a ticket joins it. " +
			"Nothing is acknowledged. Twice makes one ticket.",
		"writeMessage": "A reply leaves by e-mail through the outbox, to where the citizen wants answers unless `to` says otherwise; a ticket nobody " +
			"has becomes the caller's, and moves to `then`. A note never leaves the house and changes no state.",
		"resendMessage": "A mail that was refused, that came back or whose sending waits for a person leaves again, under the same Message-ID. One " +
			"that is on its way or has left stays as it is.",
		"listTimeline": "Newest first, over all channels: messages, calls, and how tickets ended. Notes and what was acknowledged by itself are not there, and of " +
			"tickets the caller may not see nothing, but for a line per ticket with a sealed department. Asked for a channel, a direction, a department or a " +
			"motive, those lines are left out too.",
		"takeNext":     "204 when nothing waits, or when the caller holds as many open tickets as she may.",
		"listQueues":   "Waiting is counted where tickets are taken from, the rest in the database.",
		"listChannels": "Whether mail comes in, per mailbox: when the server last answered, how many messages it holds, how many are not filed yet, and what somebody must see to.",
		"breakGlass": "Of an exchange with a sealed department, of which she knows the day and a token. She reads the ticket for an hour and can change nothing; her " +
			"reason is told to the department and to the data protection officer at once. Tickets of hidden departments can't be opened so.",
		"listConsultations": "For data protection officers alone. Every look at a citizen's record, and at a ticket of a department that is not open, newest first; " +
			"the same look of the same agent within a minute is one. Reading this is a look too.",
		"checkConsultations":   "For data protection officers alone. Recomputes every seal: each is a SHA-256 over the hash of the one before it and the rows in order.",
		"citizenConsultations": "For data protection officers alone.",
	}
}

// describeByHand documents what is not JSON, and what huma can't know of the schemas.
func describeByHand(doc *huma.OpenAPI) {
	file := func(id, path, summary, description, kind string) {
		doc.AddOperation(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: apiPath(path), Summary: summary, Description: description,
			Tags: []string{tagOf(path)}, Security: security(),
			Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
			Responses: map[string]*huma.Response{
				"200":     {Description: "The bytes.", Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
				"default": refusal(),
			},
		})
	}
	file("rawMessage", "/messages/{id}/raw", "The original of a message, byte for byte", "Always a download.", "message/rfc822")
	file("rawHeld", "/quarantine/{id}/raw", "The original of a message in quarantine, byte for byte", "Always a download.", "message/rfc822")
	file("attachment", "/attachments/{id}", "A file of a message", "Always a download, never a page, whatever its type.", "application/octet-stream")
	doc.AddOperation(&huma.Operation{
		OperationID: "upload", Method: http.MethodPost, Path: apiPath(uploadPath), Summary: "Hand in files to be sent",
		Description: "One or several parts named `file`, at most 15 MiB each and 25 MiB together. Only whoever handed them in may use them, within a day. " +
			"`id` is the first one's. With an `Idempotency-Key` the same files get the same ids.",
		Tags: []string{"attachments"}, Security: security(),
		Parameters: []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{
				"file": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			},
		}}}},
		Responses: map[string]*huma.Response{
			"201": {Description: "Kept.", Content: map[string]*huma.MediaType{"application/json": {
				Schema: doc.Components.Schemas.Schema(reflect.TypeFor[uploadedView](), true, "Uploaded"),
			}}},
			"default": refusal(),
		},
	})
	describeExport(doc)
	event := doc.Components.Schemas.Schema(reflect.TypeFor[eventView](), true, "Event")
	doc.AddOperation(&huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: apiPath("/events"), Summary: "What happens, as it happens",
		Description: "Server-sent events, each an Event as JSON whose `id` is also the event's id: a client that comes back with `Last-Event-ID` " +
			"misses nothing. Without it the stream begins now. A comment is sent every fifteen seconds. The stream ends when the session " +
			"or token does. At most twenty at once per agent.",
		Tags: []string{"events"}, Security: security(),
		Parameters: []*huma.Param{{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses: map[string]*huma.Response{
			"200":     {Description: "The stream.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: event}}},
			"default": refusal(),
		},
	})
	if op := doc.Paths[apiPath("/queues/{department}/next")]; op != nil {
		op.Post.Responses["204"] = &huma.Response{Description: "Nothing waits, or the caller is at her capacity."}
	}
	schemas := doc.Components.Schemas.Map()
	for schema, properties := range map[string][]string{
		"Ticket": {"citizen"}, "TicketRow": {"citizen"}, "Message": {"delivery"},
	} {
		for _, name := range properties {
			known := schemas[schema].Properties[name]
			schemas[schema].Properties[name] = &huma.Schema{
				Description: known.Description, AnyOf: []*huma.Schema{{Ref: known.Ref}, {Type: "null"}},
			}
		}
	}
	letAnswersGrow(doc)
}

func describeExport(doc *huma.OpenAPI) {
	text := &huma.Schema{Type: huma.TypeString}
	op := &huma.Operation{
		OperationID: "exportConsultations", Method: http.MethodGet, Path: apiPath("/consultations/export"), Summary: "Who looked at what, as a table",
		Description: "For data protection officers alone. CSV with the filters of the list, newest first, at most 100,000 rows.",
		Tags:        []string{"consultations"}, Security: security(),
		Responses: map[string]*huma.Response{
			"200":     {Description: "The table.", Content: map[string]*huma.MediaType{"text/csv": {Schema: text}}},
			"default": refusal(),
		},
	}
	for _, name := range []string{"citizen", "name", "agent", "ticket", "after", "before"} {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: text})
	}
	doc.AddOperation(op)
}

// letAnswersGrow lets answers have fields their schema does not know: a client made from this document must live with the next
// version. Requests stay strict, so that a misspelt field is told.
func letAnswersGrow(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	sent := map[string]bool{}
	var follow func(*huma.Schema)
	follow = func(s *huma.Schema) {
		if s == nil {
			return
		}
		if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok && !sent[name] {
			sent[name] = true
			follow(schemas[name])
		}
		follow(s.Items)
		for _, p := range s.Properties {
			follow(p)
		}
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			if op != nil && op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
				follow(op.RequestBody.Content["application/json"].Schema)
			}
		}
	}
	for name, schema := range schemas {
		if !sent[name] {
			schema.AdditionalProperties = nil
		}
	}
}

func refusal() *huma.Response {
	return &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
	}}
}

// openAPI serves the committed document.
func (s *Server) openAPI(c *gin.Context) {
	c.Data(http.StatusOK, "application/yaml; charset=utf-8", contract)
}

// OpenAPI writes the document from the handlers, always in the same order.
func (s *Server) OpenAPI() ([]byte, error) { return s.api.OpenAPI().YAML() }
