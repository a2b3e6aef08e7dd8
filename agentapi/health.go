package agentapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/ticketing"
)

// healthz says that the process answers.
func (s *Server) healthz(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "alive"}) }

// readyz says whether requests can be served, or the first reason why not.
func (s *Server) readyz(c *gin.Context, _ ticketing.Actor) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
	defer cancel()
	if err := s.whyNotReady(ctx); err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
	return nil
}

func (s *Server) whyNotReady(ctx context.Context) error {
	if _, err := s.Store.Revision(ctx); err != nil {
		return s.notReady("database", "the database does not answer", err)
	}
	if err := s.Router.Ping(ctx); err != nil {
		return s.notReady("redis", "Redis does not answer", err)
	}
	if s.Ready == nil {
		return nil
	}
	if err := s.Ready(ctx); err != nil {
		return s.notReady("start", err.Error(), err)
	}
	return nil
}

// notReady is read by machines and by whoever runs them, so its detail is in English, as the log is.
func (s *Server) notReady(reason, detail string, cause error) error {
	s.Log.Warn("not ready", "reason", reason, "error", cause)
	p := newProblem("en", &ticketing.Error{Code: codeNotReady, Reason: reason})
	p.Detail = detail
	return p
}
