package agentapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

// Codes that only HTTP knows.
const (
	codeMalformed ticketing.Code = "malformed"
	codeTooLarge  ticketing.Code = "too_large"
	codeMediaType ticketing.Code = "unsupported_media_type"
	codeMethod    ticketing.Code = "method_not_allowed"
	codeSlow      ticketing.Code = "request_timeout"
	codeStreams   ticketing.Code = "too_many_streams"
	codeNotReady  ticketing.Code = "not_ready"
	codeInternal  ticketing.Code = "internal"
)

var errMethod = &ticketing.Error{Code: codeMethod}

// statusOf is the one table from codes to HTTP. What is not in it is a 500.
func statusOf(code ticketing.Code) int {
	switch code {
	case ticketing.CodeNotFound: // also: may not know that it exists
		return http.StatusNotFound
	case ticketing.CodeForbidden, auth.CodeCrossSite:
		return http.StatusForbidden
	case ticketing.CodeConflict, ticketing.CodeFull:
		return http.StatusConflict
	case ticketing.CodeStale:
		return http.StatusPreconditionFailed
	case ticketing.CodeInvalid, ticketing.CodeReused:
		return http.StatusUnprocessableEntity
	case ticketing.CodeUnavailable, codeNotReady:
		return http.StatusServiceUnavailable
	case auth.CodeSignedOut, auth.CodeCredentials:
		return http.StatusUnauthorized
	case auth.CodeRateLimited, codeStreams:
		return http.StatusTooManyRequests
	case codeMalformed:
		return http.StatusBadRequest
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeMediaType:
		return http.StatusUnsupportedMediaType
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeSlow:
		return http.StatusRequestTimeout
	}
	return http.StatusInternalServerError
}

// problem is every refusal of the API (RFC 9457). Programs read code and reason, people title and detail.
type problem struct {
	Type       string            `json:"type" enum:"about:blank" doc:"Always about:blank: the kind of problem is its code."`
	Title      string            `json:"title" doc:"The code in words of the caller's language."`
	Status     int               `json:"status" doc:"The HTTP status again."`
	Code       string            `json:"code" doc:"What went wrong, stable, for programs." example:"not_found"`
	Reason     string            `json:"reason,omitempty" doc:"Which sort of it, stable, for programs." example:"already_taken"`
	Detail     string            `json:"detail,omitempty" doc:"What happened and what to do, in words of the caller's language."`
	Errors     []fieldError      `json:"errors,omitempty" nullable:"false" doc:"With invalid: what is wrong with which field."`
	Current    *current          `json:"current,omitempty" doc:"With stale: what the ticket is now."`
	Changes    []ticketEventView `json:"changes,omitempty" nullable:"false" doc:"With stale: what happened to the ticket since that version, oldest first, as far as the caller may know."`
	RetryAfter int               `json:"retry_after,omitempty" doc:"With rate_limited: seconds to wait; also the Retry-After header."`
	ID         string            `json:"id,omitempty" doc:"With internal: what to look for in the log."`
}

type fieldError struct {
	Field  string `json:"field" example:"citizen.contacts"`
	Detail string `json:"detail"`
}

type current struct {
	Version int    `json:"version"`
	Status  string `json:"status"`
}

// Error, GetStatus, GetHeaders and ContentType make a problem an error huma sends as it is.

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func (p *problem) GetStatus() int { return p.Status }

func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Code == string(auth.CodeSignedOut) {
		h.Set("WWW-Authenticate", `Bearer realm="guichet"`)
	}
	return h
}

func (p *problem) ContentType(string) string { return "application/problem+json" }

// problem turns any error into what the caller may know of it. The cause goes to the log; what nobody foresaw gets an id there.
func (s *Server) problem(ctx context.Context, err error) *problem {
	language := languageOf(ctx)
	var known *problem
	if errors.As(err, &known) {
		return known
	}
	var e *ticketing.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e) && statusOf(e.Code) != http.StatusInternalServerError:
	case errors.As(err, &tooLarge):
		e = &ticketing.Error{Code: codeTooLarge}
	case ctx.Err() != nil: // she has gone; nobody reads this
		e = &ticketing.Error{Code: ticketing.CodeUnavailable}
	default:
		p := newProblem(language, &ticketing.Error{Code: codeInternal})
		p.ID = ticketing.NewID()
		s.Log.ErrorContext(ctx, "a request failed", "error_id", p.ID, "error", err)
		return p
	}
	if e.Err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "a request was refused", "code", string(e.Code), "error", e.Err)
	}
	return newProblem(language, e)
}

// newProblem puts an error into words.
func newProblem(language string, e *ticketing.Error) *problem {
	w := wordsFor(language)
	p := &problem{Type: "about:blank", Status: statusOf(e.Code), Code: string(e.Code), Reason: slug(e.Reason)}
	p.Title, p.Detail = w.title(p.Code), w.detail(p.Code, p.Reason)
	if e.Code == ticketing.CodeInvalid && e.Field != "" {
		p.Errors = []fieldError{{Field: e.Field, Detail: p.Detail}}
		p.Detail = e.Field + w.colon + p.Detail
	}
	if seconds, ok := e.Args["retry_after"].(int); ok {
		p.RetryAfter = seconds
		p.Detail = w.wait(seconds)
	}
	if version, ok := e.Args["version"].(int); ok {
		status, _ := e.Args["status"].(string)
		p.Current = &current{Version: version, Status: status}
	}
	if changes, ok := e.Args[ticketing.ArgChanges].([]ticketing.Event); ok {
		for _, c := range changes {
			p.Changes = append(p.Changes, viewEvent(c))
		}
	}
	return p
}

// slug makes a stable word of a reason: "not an e-mail address" is not_an_e_mail_address.
func slug(reason string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(reason), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "_")
}

// refuse answers a gin request with an error: as a problem in the API, as a page anywhere else.
func (s *Server) refuse(c *gin.Context, err error) {
	p := s.problem(c.Request.Context(), err)
	if c.Writer.Written() {
		return // a stream or a download broke off; there is no other answer to give any more
	}
	for name, values := range p.GetHeaders() {
		c.Header(name, values[0])
	}
	if !isProgram(c.Request.URL.Path) {
		detail := p.Detail
		if p.ID != "" {
			detail += " (" + p.ID + ")"
		}
		s.Console.ErrorPage(c, p.Status, p.Code, p.Title, detail)
		return
	}
	c.Header("Content-Type", p.ContentType(""))
	c.Status(p.Status)
	_ = json.NewEncoder(c.Writer).Encode(p) // the client has gone: nobody is left to tell
}

// isProgram tells whether a path is for programs: they get problems, people get pages.
func isProgram(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/metrics" || path == "/readyz" || path == "/live"
}

// setHumaErrors makes our problems huma's errors. Their constructor is a variable of that package, so it is set once for the process.
//
//nolint:gochecknoglobals // it holds nothing but whether that was done
var setHumaErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = newHumaError
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return newHumaError(nil, status, message, errs...)
	}
})

// newHumaError is huma's error constructor: what it finds wrong before a handler is asked. The value at fault is not echoed: it may
// be a password.
func newHumaError(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
	code := codeInternal
	switch status {
	case http.StatusBadRequest:
		code = codeMalformed
	case http.StatusRequestTimeout:
		code = codeSlow
	case http.StatusRequestEntityTooLarge:
		code = codeTooLarge
	case http.StatusUnsupportedMediaType:
		code = codeMediaType
	case http.StatusUnprocessableEntity:
		code = ticketing.CodeInvalid
	}
	language := "fr"
	if ctx != nil {
		language = languageOf(ctx.Context())
	}
	p := newProblem(language, &ticketing.Error{Code: code})
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, fieldError{Field: fieldOf(detail.Location), Detail: detail.Message})
		}
	}
	return p
}

// fieldOf drops where in the request a field stands: callers know their own fields.
func fieldOf(location string) string {
	for _, where := range []string{"body.", "query.", "path.", "header."} {
		if field, ok := strings.CutPrefix(location, where); ok {
			return field
		}
	}
	return location
}
