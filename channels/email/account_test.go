package email

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

// tokenServers starts mail servers that take nothing but tokens, and who gives them.
func tokenServers(t *testing.T, refresh string, mechanisms ...string) (*mailtest.Authority, *mailtest.Server, Mailbox) {
	t.Helper()
	a, err := mailtest.StartAuthority()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	s, box := servers(t, mailtest.Options{Mechanisms: mechanisms, Good: a.Good})
	box.IMAP.Password, box.SMTP.Password = "", ""
	box.OAuth2 = OAuth2{TokenURL: a.URL(), ClientID: "guichet", ClientSecret: "client-secret", Scope: "mail", RefreshToken: refresh}
	return a, s, box
}

func TestTokensSignIn(t *testing.T) {
	for _, mechanism := range []string{xoauth2, oauthBearer} {
		for _, refresh := range []string{"", "refresh-secret"} {
			t.Run(mechanism+" "+refresh, func(t *testing.T) {
				a, s, box := tokenServers(t, refresh, mechanism)
				if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
					t.Fatal(err)
				}
				w := newTown()
				stop := w.pull(t, box, "one")
				w.await(t, "the mail", func() bool { return w.cursor.Done == 1 })
				if v := testSender(t, box).Send(t.Context(), answerMail()); v.Outcome != channels.Accepted {
					t.Errorf("verdict %+v", v)
				}
				if a.Given() != 2 { // one for reading, one for sending
					t.Errorf("%d tokens", a.Given())
				}

				// The token is revoked before its time: it is thrown away, and a new one fetched once.
				a.Revoke()
				s.CutIMAP()
				if err := s.Deliver(testUser, letterNo(2), arrived); err != nil {
					t.Fatal(err)
				}
				w.await(t, "the next mail", func() bool { return w.cursor.Done == 2 })
				stop()
				if a.Given() != 3 {
					t.Errorf("%d tokens after one was revoked", a.Given())
				}
				if err := errors.Join(CheckReading(t.Context(), box), CheckSending(t.Context(), box)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestTokensAreKeptAndRenewed fetches a token when there is none, and again shortly before it expires.
func TestTokensAreKeptAndRenewed(t *testing.T) {
	a, _, box := tokenServers(t, "refresh-secret", xoauth2)
	tokens, now := newTokens(box.OAuth2), time.Now()
	tokens.now = func() time.Time { return now }
	get := func(refused string) string {
		t.Helper()
		token, err := tokens.get(t.Context(), refused)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := get("")
	now = now.Add(time.Hour - 2*tokenMargin)
	if again := get(""); again != first {
		t.Errorf("a token that is good was not kept")
	}
	now = now.Add(tokenMargin + time.Second)
	second := get("")
	if second == first {
		t.Errorf("a token about to expire was not renewed")
	}
	now = time.Now() // the new one counts from here
	if third := get(second); third == second || get(second) != third {
		t.Errorf("a refused token was not replaced once")
	}
	if a.Given() != 3 {
		t.Errorf("%d tokens", a.Given())
	}
}

// TestRefusedTokensAreAskedForOnce does not ask again and again for a mailbox whose server takes no token.
func TestRefusedTokensAreAskedForOnce(t *testing.T) {
	a, _, box := tokenServers(t, "", xoauth2)
	box.IMAP.Username = "nobody@valmont.example"
	err := CheckReading(t.Context(), box)
	if !errors.Is(err, errSignIn) || troubleOf(err) != channels.AlarmSignIn || a.Given() != 2 {
		t.Errorf("%d tokens, %v", a.Given(), err)
	}
	box.SMTP.Username = "nobody@valmont.example"
	if v := testSender(t, box).Send(t.Context(), answerMail()); v.Outcome != channels.Deferred || v.Code != "535 5.7.8" || a.Given() != 4 {
		t.Errorf("%d tokens, verdict %+v", a.Given(), v)
	}
	_, _, plain := tokenServers(t, "", "PLAIN")
	if err := CheckReading(t.Context(), plain); !errors.Is(err, errNoMechanism) || troubleOf(err) != channels.AlarmSignIn {
		t.Errorf("a server without tokens: %v", err)
	}
}

// TestARevokedGrantIsAnAlarm raises it at once, ends it when the grant is given again, and shows no secret.
func TestARevokedGrantIsAnAlarm(t *testing.T) {
	a, s, box := tokenServers(t, "refresh-secret", oauthBearer)
	var log strings.Builder
	a.Refuse(http.StatusBadRequest, "invalid_grant")
	w := newTown()
	w.pull(t, box, "one", func(p *Puller) { p.log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.await(t, "the alarm", func() bool { return last(w.health).Alarm == channels.AlarmGrant })
	if said := last(w.health).LastError; !strings.Contains(said, "invalid_grant, status 400") || strings.Contains(said, "-secret") {
		t.Errorf("error %q", said)
	}
	if v := testSender(t, box).Send(t.Context(), answerMail()); v.Outcome != channels.Deferred || strings.Contains(v.Reason, "-secret") {
		t.Errorf("verdict %+v", v)
	}
	err := CheckReading(t.Context(), box)
	if err == nil || !strings.Contains(err.Error(), "check oauth2.client_id") || strings.Contains(err.Error(), "-secret") {
		t.Errorf("check says %v", err)
	}
	a.Refuse(0, "")
	if err := s.Deliver(testUser, letterNo(1), arrived); err != nil {
		t.Fatal(err)
	}
	w.await(t, "the end of it", func() bool { return w.cursor.Done == 1 && last(w.health).Alarm == "" })
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := 0
	for i := 1; i < len(w.health); i++ {
		if w.health[i].Alarm != w.health[i-1].Alarm {
			changes++
		}
	}
	if changes > 1 || strings.Contains(log.String(), "-secret") { // the first word of the puller has the alarm already
		t.Errorf("the alarm changed %d times; log:\n%s", changes, log.String())
	}
}

func TestTokenFailures(t *testing.T) {
	a, _, box := tokenServers(t, "", xoauth2)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, c := range []struct {
		name   string
		status int
		code   string
		grant  bool
		says   string
	}{
		{"a client unknown", http.StatusUnauthorized, "invalid_client", true, "invalid_client, status 401"},
		{"an odd success", http.StatusOK, "invalid_grant", true, "invalid_grant, status 200"},
		{"busy", http.StatusTooManyRequests, "slow_down", false, "slow_down, status 429"},
		{"down", http.StatusBadGateway, "", false, "no error code, status 502"},
		{"another host", http.StatusTemporaryRedirect, "", false, "no error code, status 307"},
		{"an error that speaks", http.StatusBadRequest, "client-secret is wrong", true, "no error code, status 400"},
	} {
		a.Refuse(c.status, c.code)
		_, err := newTokens(box.OAuth2).get(t.Context(), "")
		if err == nil || errors.Is(err, errGrant) != c.grant || !strings.HasSuffix(err.Error(), c.says) || strings.Contains(err.Error(), "-secret") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newTokens(box.OAuth2).get(ctx, ""); err == nil {
		t.Error("a token although nobody waits")
	}
	if err := withoutSecrets(&oauth2.RetrieveError{Body: []byte("x-secret")}); strings.Contains(err.Error(), "-secret") {
		t.Error(err)
	}
}

// TestBearer speaks both mechanisms as they are written down (RFC 7628 section 4.1).
func TestBearer(t *testing.T) {
	for mechanism, want := range map[string][]string{
		xoauth2:     {"user=a=b,c@d.fr\x01auth=Bearer T\x01\x01", ""},
		oauthBearer: {"n,a=a=3Db=2Cc@d.fr,\x01auth=Bearer T\x01\x01", "\x01"},
	} {
		b := &bearer{mechanism, "a=b,c@d.fr", "T"}
		name, initial, err := b.Start()
		answer, err2 := b.Next([]byte(`{"status":"400"}`))
		if err := errors.Join(err, err2); err != nil || name != mechanism || !slices.Equal([]string{string(initial), string(answer)}, want) || answer == nil {
			t.Errorf("%s: %q %q %v", name, initial, answer, err)
		}
	}
}
