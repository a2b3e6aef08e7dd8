package agentapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/agentapi/console"
	"guichet/ticketing"
)

// maxBody is the longest body of a request, in bytes. An agent's text is at most a fifth of it.
const maxBody = 1 << 20

// policy is what a page of ours may load: our own files and nothing else, no inline script or style. A page that shows a
// citizen's HTML sets one of its own.
const policy = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"

// observe measures and logs each request by its route's pattern: an address may hold a name, a token or a search.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	c.Next()
	took := time.Since(began)
	route, status := c.FullPath(), c.Writer.Status()
	if route == "" {
		route = "none"
	}
	s.Metrics.observe(route, c.Request.Method, status, took)
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	ctx := c.Request.Context()
	if !s.Log.Enabled(ctx, level) {
		return
	}
	actor, _ := auth.ActorOf(ctx)
	s.Log.LogAttrs(ctx, level, "request", slog.String("route", route), slog.String("method", c.Request.Method),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("agent_id", actor.ID))
}

// recover turns a panic into a problem or an error page, and puts what happened into the log.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		what := recover()
		if what == nil {
			return
		}
		if what == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
			panic(what)
		}
		s.Log.Error("a request made the program panic", "route", c.FullPath(), "panic", fmt.Sprint(what), "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			s.refuse(c, fmt.Errorf("panic: %v", what))
		}
	}()
	c.Next()
}

// harden bounds the body and sets what browsers are told about every answer.
func (s *Server) harden(c *gin.Context) {
	limit := int64(maxBody)
	switch c.FullPath() {
	case apiPath(uploadPath):
		limit = maxUpload
	case console.ReplyPath, console.ContactPath:
		limit = console.MaxForm
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if strings.HasPrefix(s.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	c.Next()
}

// admit stops what the Guard refused, whoever sent it, and notes what handlers without gin need: the language of the words of the
// answer, and where the request comes from.
func (s *Server) admit(c *gin.Context) {
	ctx := context.WithValue(c.Request.Context(), languageKey{}, s.chooseLanguage(c.Request))
	ctx = context.WithValue(ctx, remoteKey{}, c.ClientIP())
	ctx = ticketing.OnPage(ctx, ticketing.Visit{Route: c.Request.Method + " " + c.FullPath(), Again: c.GetHeader("X-Fragment") != ""})
	c.Request = c.Request.WithContext(ctx)
	if err := auth.Refused(ctx); err != nil {
		c.Abort()
		s.refuse(c, err)
		return
	}
	c.Next()
}

type languageKey struct{}

// languageOf gives the language to answer in.
func languageOf(ctx context.Context) string {
	if l, ok := ctx.Value(languageKey{}).(string); ok {
		return l
	}
	return "fr"
}

// chooseLanguage takes the agent's, else the first of the browser's that the town speaks, else the town's.
func (s *Server) chooseLanguage(r *http.Request) string {
	var wanted []string
	if actor, ok := auth.ActorOf(r.Context()); ok {
		wanted = append(wanted, actor.Language)
	}
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") { // browsers send them best first
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if wanted = append(wanted, strings.ToLower(tag)); len(wanted) > 10 {
			break
		}
	}
	return s.Town.Profile.Choose(wanted...)
}

// loginFor gives the sign-in page that leads back to a page. What a form sent is not sent again: she comes back to where it was.
func loginFor(r *http.Request) string {
	next := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next = r.URL.RequestURI()
	}
	if next == "/" {
		return "/login"
	}
	return "/login?next=" + url.QueryEscape(next)
}
