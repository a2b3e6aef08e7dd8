package agentapi_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

func TestSignInAndOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.nobody()
		c.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		in := c.post("/session", body{"email": " Nadia@Valmont.example", "password": password}).is(http.StatusOK)
		cookie := in.header.Get("Set-Cookie")
		for _, want := range []string{"guichet_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("cookie %q lacks %s", cookie, want)
			}
		}
		me := c.get("/me").is(http.StatusOK).object()
		if me["email"] != "nadia@valmont.example" || me["presence"] != "available" || me["load"] != float64(0) || me["capacity"] != float64(3) {
			t.Errorf("me is %v", me)
		}
		if d := me["departments"].([]any); len(d) != 2 || d[1].(body)["code"] != "voirie" || d[1].(body)["member"] != true {
			t.Errorf("departments are %v", d)
		}
		c.put("/me/presence", body{"state": "paused"}).is(http.StatusOK)
		if got := c.get("/me").text("presence"); got != "paused" {
			t.Errorf("presence is %s", got)
		}
		c.put("/me/presence", body{"state": "asleep"}).refused(http.StatusUnprocessableEntity, "invalid")
		c.remove("/session").is(http.StatusNoContent)
		c.remove("/session").is(http.StatusNoContent)
		c.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
	})
}

// A stolen cookie must not survive signing out, nor one that was planted become a session.
func TestCookiesThatAreNotSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		stolen := c.http.Jar.Cookies(c.address("/").URL)
		c.remove("/session").is(http.StatusNoContent)
		for what, value := range map[string]string{"ended": stolen[0].Value, "made up": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "empty": ""} {
			w.nobody().with("Cookie", "guichet_session="+value).get("/me").refused(http.StatusUnauthorized, "unauthenticated")
			if t.Failed() {
				t.Fatalf("a cookie that is %s", what)
			}
		}
		planted := w.nobody().with("Cookie", "guichet_session=planted")
		in := planted.post("/session", body{"email": "nadia@valmont.example", "password": password}).is(http.StatusOK)
		if strings.Contains(in.header.Get("Set-Cookie"), "planted") {
			t.Error("a planted token became the session's")
		}
	})
}

func TestSignInIsRefusedAlike(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		imported := "imported@valmont.example"
		_, err := w.town.AddAgent(ctx, ticketing.NewAgent{Email: imported})
		w.must(err)
		gone, err := w.db.AgentByEmail(ctx, "sonia@valmont.example")
		w.must(err)
		gone.Active = false
		w.must(w.db.SaveAgent(ctx, gone))
		w.must(w.town.Reload(ctx))
		c := w.nobody()
		wrong := c.post("/session", body{"email": "nadia@valmont.example", "password": "not her password"}).refused(http.StatusUnauthorized, "bad_credentials")
		for _, try := range []body{
			{"email": "nobody@valmont.example", "password": password},
			{"email": imported, "password": password},
			{"email": imported, "password": ""},
			{"email": gone.Email, "password": password},
			{"email": "", "password": ""},
		} {
			got := c.post("/session", try).refused(http.StatusUnauthorized, "bad_credentials")
			if string(got.raw) != string(wrong.raw) {
				t.Errorf("%v: %s, a wrong password: %s", try, got.raw, wrong.raw)
			}
		}
		if strings.Contains(w.log.String(), password) || strings.Contains(w.log.String(), "nadia@") {
			t.Error("the log holds a password or an address")
		}
	})
}

func TestSignInIsLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.nobody()
		try := func(secret string) *answer {
			return c.post("/session", body{"email": "nadia@valmont.example", "password": secret})
		}
		for range 10 {
			try("wrong password").refused(http.StatusUnauthorized, "bad_credentials")
		}
		limited := try(password).refused(http.StatusTooManyRequests, "rate_limited")
		if limited.header.Get("Retry-After") == "" || limited.object()["retry_after"] == nil {
			t.Errorf("no time to wait in %s", limited.raw)
		}
		c.post("/session", body{"email": "karim@valmont.example", "password": password}).is(http.StatusOK)
		w.shift.Store(int64(15*time.Minute + time.Second))
		try(password).is(http.StatusOK)
	})
}

func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.signedIn("nadia")
		c.get("/me").is(http.StatusOK)
		hash, err := auth.HashPassword("un autre mot de passe")
		w.must(err)
		w.must(w.town.SetPassword(ctx, "nadia@valmont.example", hash))
		c.get("/me").refused(http.StatusUnauthorized, "unauthenticated")

		k, token := w.signedIn("karim"), w.program("karim", "write")
		karim, err := w.db.AgentByEmail(ctx, "karim@valmont.example")
		w.must(err)
		karim.Active = false
		w.must(w.db.SaveAgent(ctx, karim))
		w.must(w.town.Reload(ctx))
		k.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		token.get("/me").refused(http.StatusUnauthorized, "unauthenticated")

		s := w.signedIn("sonia")
		w.shift.Store(int64(12*time.Hour + time.Minute))
		s.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestOtherSitesCanNotPost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		ref := w.mail("voirie", "Trou")
		for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
			c.with(name, value).post("/tickets/"+ref+"/claim", body{}).refused(http.StatusForbidden, "cross_site")
			w.nobody().with(name, value).post("/session", body{"email": "nadia@valmont.example", "password": password}).
				refused(http.StatusForbidden, "cross_site")
			page := c.with(name, value).do(http.MethodPost, "/tickets/"+ref+"/claim", nil)
			if page.is(http.StatusForbidden); !strings.Contains(page.header.Get("Content-Type"), "text/html") {
				t.Errorf("a page's refusal is %s", page.header.Get("Content-Type"))
			}
		}
		if got := c.get("/tickets/" + ref).object()["assignee"]; got != nil {
			t.Fatalf("another site made her take it: %v", got)
		}
		w.program("nadia", "write").with("Origin", "https://integrator.example").post("/tickets/"+ref+"/claim", body{}).is(http.StatusOK)
		c.with("Sec-Fetch-Site", "same-origin").post("/tickets/"+ref+"/release", body{}).is(http.StatusOK)
	})
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ref := w.mail("voirie", "Trou")
		w.nobody().with("Authorization", "Bearer guichet_unknown").get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		reader := w.program("nadia", "read")
		reader.get("/tickets/" + ref).is(http.StatusOK)
		for _, write := range []string{"/tickets/" + ref + "/claim", "/tickets/" + ref + "/messages", "/queues/voirie/next", "/tickets"} {
			p := reader.post(write, body{}).refused(http.StatusForbidden, "forbidden")
			if p.text("reason") != "read_only_token" {
				t.Errorf("%s: %s", write, p.raw)
			}
		}
		reader.patch("/tickets/"+ref, body{"subject": "x"}).refused(http.StatusForbidden, "forbidden")
		reader.put("/me/presence", body{"state": "busy"}).refused(http.StatusForbidden, "forbidden")

		// A token alone decides: the cookie beside it counts for nothing, and what browsers open stays shut.
		c := w.signedIn("nadia")
		c.with("Authorization", "Bearer guichet_unknown").get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		w.program("nadia", "write").do(http.MethodGet, "/live", nil).refused(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestPagesLeadToSigningIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		page := w.nobody().do(http.MethodGet, "/tickets?status=open", nil).is(http.StatusSeeOther)
		if got := page.header.Get("Location"); got != "/login?next="+url.QueryEscape("/tickets?status=open") {
			t.Errorf("leads to %s", got)
		}
		w.nobody().do(http.MethodGet, "/login", nil).is(http.StatusOK)
		w.signedIn("nadia").do(http.MethodGet, "/", nil).is(http.StatusOK)
	})
}

// A stream asks again and again whether its session or token still holds.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.signedIn("nadia")
		asked := c.address("/live")
		for _, cookie := range c.http.Jar.Cookies(asked.URL) {
			asked.AddCookie(cookie)
		}
		if actor, err := w.guard.Again(asked); err != nil || actor.Email != "nadia@valmont.example" {
			t.Fatalf("while signed in: %v, %v", actor.Email, err)
		}
		c.remove("/session").is(http.StatusNoContent)
		for what, r := range map[string]*http.Request{
			"after signing out": asked, "without a cookie": w.nobody().address("/live"),
			"with an unknown token": w.nobody().with("Authorization", "Bearer guichet_x").address("/live"),
		} {
			if _, err := w.guard.Again(r); !errors.Is(err, auth.ErrSignedOut) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if actor, err := w.guard.Again(w.program("karim", "read").address("/live")); err != nil || !actor.ReadOnly {
			t.Errorf("with a token: %+v, %v", actor, err)
		}
	})
}
