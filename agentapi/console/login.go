package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

type loginBody struct{ Email, Next string }

// loginPage is the form to sign in with.
func (c *Console) loginPage(g *gin.Context) error {
	next := localPath(g.Query("next"))
	if _, ok := auth.ActorOf(g.Request.Context()); ok {
		g.Redirect(http.StatusSeeOther, next)
		return nil
	}
	return c.showLogin(g, http.StatusOK, loginBody{Next: next}, nil)
}

// signIn opens a session. What was wrong is not said more exactly than "address or password".
func (c *Console) signIn(g *gin.Context) error {
	b := loginBody{Email: strings.TrimSpace(g.PostForm("email")), Next: localPath(g.PostForm("next"))}
	_, err := c.guard.SignIn(g.Request.Context(), b.Email, g.PostForm("password"), g.ClientIP())
	if err == nil {
		g.Redirect(http.StatusSeeOther, b.Next)
		return nil
	}
	var refused *ticketing.Error
	if !errors.As(err, &refused) {
		return err
	}
	v := c.voiceFor(g, "")
	switch refused.Code {
	case auth.CodeRateLimited:
		seconds, _ := refused.Args["retry_after"].(int)
		g.Header("Retry-After", strconv.Itoa(seconds))
		a := &alert{v.say("login.too_many"), v.count("login.too_many_detail", max(1, (seconds+59)/60))}
		return c.showLogin(g, http.StatusTooManyRequests, b, a)
	case auth.CodeCredentials:
		return c.showLogin(g, http.StatusUnauthorized, b, v.alert("login.wrong"))
	case ticketing.CodeUnavailable:
		return c.showLogin(g, http.StatusServiceUnavailable, b, v.alert("refuse.unavailable"))
	}
	return err
}

func (c *Console) showLogin(g *gin.Context, status int, b loginBody, a *alert) error {
	v := c.voiceFor(g, "")
	return v.write(g, status, "login", frame{Title: v.say("login.title"), Class: "plain", Alert: a, Body: b})
}

// signOut ends the session.
func (c *Console) signOut(g *gin.Context) error {
	if err := auth.Refused(g.Request.Context()); err != nil {
		return err
	}
	if err := c.guard.SignOut(g.Request.Context()); err != nil {
		return err
	}
	g.Redirect(http.StatusSeeOther, "/login")
	return nil
}

// localPath gives a path of this site that one may be sent to after signing in, and "/" for anything else: a link to the sign-in
// page must not be a way to somebody else's.
func localPath(next string) string {
	u, err := url.Parse(next)
	switch {
	case err != nil, u.Scheme != "", u.Host != "", u.User != nil, u.Opaque != "":
		return "/"
	case !strings.HasPrefix(next, "/"), strings.HasPrefix(next, "//"), strings.ContainsFunc(next, unsafeInPath):
		return "/"
	case strings.HasPrefix(u.Path, "//"), u.Path == "/login", u.Path == "/logout":
		return "/"
	}
	return next
}

// unsafeInPath finds what browsers read otherwise than Go: a backslash is a slash to them, and controls are skipped.
func unsafeInPath(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }
