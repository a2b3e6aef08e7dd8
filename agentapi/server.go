// Package agentapi is the face of Guichet: the REST API of agents and programs, the live streams, and the console's pages. A
// handler decodes, asks a service, encodes; who may do what is decided by the services, in what words it is refused here.
package agentapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/agentapi/console"
	"guichet/channels"
	"guichet/routing"
	"guichet/ticketing"
)

// Console is the pages of agentapi/console, as far as the server needs them.
type Console interface {
	Routes() []console.Route
	ErrorPage(c *gin.Context, status int, code, title, detail string)
	Assets() http.Handler
}

// Parts is what a Server is made of.
type Parts struct {
	Desk             *ticketing.Desk
	Registry         *ticketing.Registry
	Reader           *ticketing.Reader
	Quarantine       *ticketing.Quarantine
	Ledger           *ticketing.Ledger
	Switchboard      *ticketing.Switchboard
	Mounts           []channels.Mount // webhooks of the channels
	Town             *ticketing.Town
	Journal          *ticketing.Journal
	Router           *routing.Router
	Store            ticketing.Store // for health, metrics and the place of a stream in the journal; never for what is shown
	Guard            *auth.Guard
	Console          Console
	Metrics          *Metrics
	PublicURL        string
	Version          string
	MetricsForAgents bool     // the demo: every agent may read /metrics
	TrustedProxies   []string // addresses whose X-Forwarded-For is believed; none by default
	Log              *slog.Logger
	Now              ticketing.Clock
	Ready            func(context.Context) error // what else must hold to be ready: migrations, clock; may be nil
}

// Server answers every HTTP request.
type Server struct {
	Parts
	engine *gin.Engine
	api    huma.API
	docs   *docs
	live   *live
}

// New makes a Server: it registers every route and renders the API's documentation.
func New(p Parts) (*Server, error) {
	gin.SetMode(gin.ReleaseMode) // otherwise gin writes to standard output by itself
	s := &Server{Parts: p, engine: gin.New(), live: newLive()}
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false // its answer would bypass our headers
	if err := s.engine.SetTrustedProxies(p.TrustedProxies); err != nil {
		return nil, err
	}
	s.engine.Use(s.observe, s.recover, s.harden, s.admit)
	s.api = newAPI(s.engine)
	s.routes()
	describeByHand(s.api.OpenAPI())
	var err error
	if s.docs, err = newDocs(s.api.OpenAPI()); err != nil {
		return nil, err
	}
	return s, p.Metrics.watch(s)
}

// Handler answers everything. Assets and health checks are not worth the reading of a session.
func (s *Server) Handler() http.Handler {
	guarded := s.Guard.Wrap(s.engine)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz", path == "/readyz", strings.HasPrefix(path, webhooks), strings.HasPrefix(path, console.AssetsPath):
			s.engine.ServeHTTP(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

// MetricsHandler is /metrics for a listener of its own, which asks nobody who she is.
func (s *Server) MetricsHandler() http.Handler { return s.Metrics.handler() }

// webhooks is where providers and exchanges post; they have no session to be read.
const webhooks = "/webhooks/"

// door is who may come in; what she may do there is the services' to say.
type door int

const (
	anyone  door = iota
	agents       // whoever is signed in, by cookie or token
	writers      // the same, without tokens that only read
	browser      // whoever is signed in by cookie
)

// routes is every route and who may call it.
func (s *Server) routes() {
	// For whoever runs the machine.
	for _, method := range []string{http.MethodGet, http.MethodHead} { // some balancers ask without wanting a body
		s.engine.Handle(method, "/healthz", s.healthz)
		s.engine.Handle(method, "/readyz", s.plain(anyone, s.readyz))
	}
	s.engine.GET("/metrics", s.plain(agents, s.metrics)) // administrators; every agent in the demo

	// The API, and its documentation.
	s.engine.GET("/api/openapi.yaml", s.openAPI)
	s.engine.GET("/api/docs", s.docsPage)
	s.engine.GET("/api/docs.css", s.docsStyle)

	call(s, anyone, "POST /session", "signIn", "Sign in with a password", s.signIn)
	call(s, anyone, "DELETE /session", "signOut", "Sign out", s.signOut)
	call(s, agents, "GET /me", "me", "Who I am", s.me)
	call(s, writers, "PUT /me/presence", "setPresence", "Say whether I am there", s.setPresence)

	call(s, agents, "GET /tickets", "listTickets", "List the tickets I may see", s.listTickets)
	call(s, writers, "POST /tickets 201", "logContact", "Write a contact down as a ticket", s.logContact)
	call(s, agents, "GET /tickets/{ref}", "getTicket", "Read a ticket with its conversation", s.getTicket)
	call(s, writers, "PATCH /tickets/{ref}", "editTicket", "Correct a ticket", s.editTicket)
	call(s, writers, "POST /tickets/{ref}/claim", "claimTicket", "Take a ticket", s.claim)
	call(s, writers, "POST /tickets/{ref}/release", "releaseTicket", "Give a ticket back to its queue", s.release)
	call(s, writers, "POST /tickets/{ref}/assign", "assignTicket", "Give a ticket to a colleague", s.assign)
	call(s, writers, "POST /tickets/{ref}/transfer", "transferTicket", "Give a ticket to another department", s.transfer)
	call(s, writers, "POST /tickets/{ref}/close", "closeTicket", "Close a ticket", s.closeTicket)
	call(s, writers, "POST /tickets/{ref}/reopen", "reopenTicket", "Take a closed ticket up again", s.reopen)
	call(s, writers, "POST /tickets/{ref}/merge", "mergeTicket", "Close a ticket as a duplicate of another", s.merge)
	call(s, writers, "POST /tickets/{ref}/split", "splitTicket", "Make some of its messages a ticket of their own", s.split)
	call(s, writers, "POST /tickets/{ref}/forward", "forwardTicket", "Send the conversation to another administration", s.forward)
	call(s, writers, "POST /tickets/{ref}/messages 202", "writeMessage", "Answer the citizen, or write a note", s.writeMessage)
	call(s, writers, "POST /messages/{id}/resend", "resendMessage", "Send again what did not arrive", s.resend)
	s.engine.POST(apiPath(uploadPath), s.plain(writers, s.upload))
	s.engine.GET(apiPath("/messages/:id/raw"), s.plain(agents, s.rawMessage))
	s.engine.GET(apiPath("/attachments/:id"), s.plain(agents, s.attachment))

	call(s, agents, "GET /citizens", "listCitizens", "Find people", s.listCitizens)
	call(s, writers, "POST /citizens 201", "recordCitizen", "Make a record", s.recordCitizen)
	call(s, agents, "GET /citizens/{id}", "getCitizen", "Read a record", s.getCitizen)
	call(s, writers, "PATCH /citizens/{id}", "editCitizen", "Correct a record", s.editCitizen)
	call(s, writers, "POST /citizens/{id}/relations 201", "relateCitizen", "Note what a citizen is to another", s.relateCitizen)
	call(s, writers, "POST /relations/{id}/end", "endRelation", "End a relation", s.endRelation)
	call(s, writers, "POST /citizens/{id}/notes 201", "noteCitizen", "Write a note on a record", s.noteCitizen)
	call(s, agents, "GET /citizens/{id}/timeline", "listTimeline", "All a citizen and the town hall said to each other", s.timeline)
	call(s, agents, "GET /citizens/{id}/duplicates", "listDuplicates", "Who may be the same person", s.listDuplicates)
	call(s, writers, "POST /citizens/{id}/distinct", "distinguishCitizens", "Say that two records are not the same person", s.distinguish)
	call(s, agents, "GET /citizens/{id}/merge", "previewMerge", "What a merge would do", s.previewMerge)
	call(s, writers, "POST /citizens/{id}/merge 201", "mergeCitizens", "Make a record part of this one", s.mergeCitizens)
	call(s, agents, "GET /citizens/{id}/merges", "listMerges", "What was merged with a record, and undone", s.listMerges)
	call(s, writers, "POST /merges/{id}/undo", "undoMerge", "Undo a merge", s.undoMerge)
	call(s, agents, "GET /tickets/{ref}/candidates", "listCandidates", "Who may have written a ticket", s.listCandidates)

	call(s, writers, "POST /tickets/{ref}/break-glass", "breakGlass", "Read a reserved ticket, saying why", s.breakGlass)
	call(s, agents, "GET /consultations", "listConsultations", "Who looked at what", s.listLooks)
	call(s, agents, "GET /consultations/seals", "checkConsultations", "Whether the seals on it hold", s.checkLooks)
	s.engine.GET(apiPath("/consultations/export"), s.plain(agents, s.exportLooks))
	call(s, agents, "GET /citizens/{id}/consultations", "citizenConsultations", "Who saw her file", s.citizenLooks)

	call(s, agents, "GET /queues", "listQueues", "The load of the queues I may see", s.listQueues)
	call(s, writers, "POST /queues/{department}/next", "takeNext", "Take the best ticket of a queue", s.takeNext)
	call(s, agents, "GET /quarantine", "listQuarantine", "What could not be filed by itself", s.listQuarantine)
	call(s, agents, "GET /quarantine/{id}", "getHeld", "One message of the quarantine", s.getHeld)
	s.engine.GET(apiPath("/quarantine/:id/raw"), s.plain(agents, s.rawHeld))
	call(s, writers, "POST /quarantine/{id}/retry", "retryHeld", "Read a message again and file it", s.retryHeld)
	call(s, writers, "POST /quarantine/{id}/file", "fileHeld", "Make a ticket of a message as it is", s.fileHeld)
	call(s, agents, "GET /calls", "listCalls", "Calls under way, and who may be calling", s.listCalls)
	call(s, agents, "GET /calls/{id}", "getCall", "One call, and who may be calling", s.getCall)
	call(s, agents, "POST /text-segments", "countSegments", "What a text message would cost", s.countSegments)
	call(s, agents, "GET /channels", "listChannels", "How each mailbox and line is doing", s.listChannels)
	s.engine.GET(apiPath("/events"), s.plain(agents, s.events))

	// Providers and exchanges: each proves by itself who it is.
	for _, m := range s.Mounts {
		s.engine.Handle(m.Method, m.Path, gin.WrapH(http.MaxBytesHandler(m.Handler, m.MaxBody)))
	}

	// The console. Its pages say themselves which of them are public.
	s.engine.GET("/live", s.plain(browser, s.consoleEvents))
	s.engine.GET(console.AssetsPath+"*name", gin.WrapH(s.Console.Assets()))
	s.engine.HEAD(console.AssetsPath+"*name", gin.WrapH(s.Console.Assets()))
	for _, page := range s.Console.Routes() {
		s.engine.Handle(page.Method, page.Path, s.page(page))
	}
	s.engine.NoRoute(s.plain(anyone, func(*gin.Context, ticketing.Actor) error { return ticketing.ErrNotFound }))
	s.engine.NoMethod(s.plain(anyone, func(*gin.Context, ticketing.Actor) error { return errMethod }))
}

// enter tells who comes through a door, or why she may not.
func enter(ctx context.Context, who door) (ticketing.Actor, error) {
	actor, known := auth.ActorOf(ctx)
	switch {
	case who == anyone:
		return actor, nil
	case !known, who == browser && auth.ByToken(ctx):
		return actor, auth.ErrSignedOut
	case who == writers && actor.ReadOnly:
		return actor, &ticketing.Error{Code: ticketing.CodeForbidden, Reason: "read_only_token"}
	}
	return actor, nil
}

// plain makes a gin handler of one that returns its error.
func (s *Server) plain(who door, do func(*gin.Context, ticketing.Actor) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		actor, err := enter(c.Request.Context(), who)
		if err == nil {
			err = do(c, actor)
		}
		if err != nil {
			s.refuse(c, err)
		}
	}
}

// page makes a gin handler of a page of the console. Whoever must sign in first is brought back to where she wanted to go.
func (s *Server) page(p console.Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		var err error
		if !p.Public {
			_, err = enter(c.Request.Context(), browser)
		}
		if err == nil {
			err = p.Handle(c)
		}
		if errors.Is(err, auth.ErrSignedOut) && !c.Writer.Written() {
			c.Redirect(http.StatusSeeOther, loginFor(c.Request))
			return
		}
		if err != nil {
			s.refuse(c, err)
		}
	}
}
