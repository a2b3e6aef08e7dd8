package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"": "/", "/": "/", "/tickets?view=mine": "/tickets?view=mine", "/tickets/2026-00001#m-1": "/tickets/2026-00001#m-1",
		"tickets": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "/\t/evil.example": "/",
		"https://evil.example": "/", "https:evil.example": "/", "javascript:alert(1)": "/", "//user@evil.example/": "/", "/%2f/evil.example": "/",
		"/login": "/", "/login?next=/": "/", "/logout": "/", "/a\r\nSet-Cookie: x": "/", "http:///evil.example": "/", "/%zz": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestLogin(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		p := b.get("/tickets?view=mine")
		if p.path != "/login?next=%2Ftickets%3Fview%3Dmine" {
			t.Fatalf("a stranger came to %s", p.path)
		}
		w.has(p, `lang="fr"`, "Se connecter", `value="/tickets?view=mine"`)
		b.accept = "de, en;q=0.8, fr;q=0.5"
		w.has(b.get("/login"), `lang="en"`, "Sign in")
		b.accept = ""
		wrong := b.post("/login", url.Values{"email": {"alice@valmont.example"}, "password": {"faux"}, "next": {"//evil.example"}})
		if wrong.status != http.StatusUnauthorized {
			t.Errorf("a wrong password got %d", wrong.status)
		}
		w.has(wrong, "pas le bon", `value="alice@valmont.example"`, `name="next" value="/"`)
		in := b.post("/login", url.Values{"email": {"alice@valmont.example"}, "password": {password}, "next": {"/tickets?view=mine"}})
		if in.path != "/tickets?view=mine" {
			t.Errorf("signing in led to %s", in.path)
		}
		if in.header.Get("Cache-Control") != "no-store" {
			t.Error("a page with citizens' data may be kept by the browser")
		}
		if out := b.post("/logout", nil); out.path != "/login" {
			t.Errorf("signing out led to %s", out.path)
		}
		if p := b.get("/"); !strings.HasPrefix(p.path, "/login") {
			t.Errorf("still signed in at %s", p.path)
		}
		for range 50 {
			wrong = b.post("/login", url.Values{"email": {"alice@valmont.example"}, "password": {"faux"}})
			if wrong.status == http.StatusTooManyRequests {
				break
			}
		}
		w.has(wrong, "Trop d’essais", "Réessayez dans")
	})
}

func TestAnotherSite(t *testing.T) {
	each(t, func(w *world) {
		b := w.signedIn("alice")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/logout", nil)
		w.must(err)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		answer, err := b.client.Do(r)
		w.must(err)
		w.must(answer.Body.Close())
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("another site's form got %d", answer.StatusCode)
		}
		if p := b.get("/"); p.path != "/" {
			t.Error("another site signed her out")
		}
	})
}

func TestAssets(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		for _, path := range []string{"app.js", "icons.svg", "tokens.css"} {
			p := b.get(w.pages.assets.address(path))
			if p.status != http.StatusOK || !strings.Contains(p.header.Get("Cache-Control"), "immutable") || len(p.body) == 0 {
				t.Errorf("%s: %d %q", path, p.status, p.header.Get("Cache-Control"))
			}
			if old := b.get("/assets/0123/" + path); old.status != http.StatusOK || old.header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s of another version: %d %q", path, old.status, old.header.Get("Cache-Control"))
			}
		}
		if p := b.get("/assets/x/../console.go"); p.status != http.StatusNotFound {
			t.Errorf("what is no asset got %d", p.status)
		}
	})
}
