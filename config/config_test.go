package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"guichet/channels/cti"
	"guichet/channels/email"
	"guichet/channels/twilio"
)

func TestPublicURL(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080":    "http://127.0.0.1:8080",
		":8080":             "http://localhost:8080",
		"0.0.0.0:80":        "http://localhost:80",
		"[::]:8080":         "http://localhost:8080",
		"[::1]:8080":        "http://[::1]:8080",
		"guichet.lan:8080":  "http://guichet.lan:8080",
		"not a listen port": "http://not a listen port",
	} {
		if got := PublicURL(listen); got != want {
			t.Errorf("PublicURL(%q) = %q, want %q", listen, got, want)
		}
	}
}

func TestDefaultIsValidAndEmbedded(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.Redis != "embedded" || !strings.HasPrefix(c.Database, "sqlite://") || !strings.HasPrefix(c.HTTP.Listen, "127.0.0.1:") {
		t.Errorf("the default needs something installed, or listens to others: %v", c)
	}
}

func TestTownLocation(t *testing.T) {
	if got := (Town{Timezone: "Indian/Reunion"}).Location().String(); got != "Indian/Reunion" {
		t.Errorf("Location() = %s", got)
	}
	if got := (Town{Timezone: "Valmont/Centre"}).Location(); got != time.UTC {
		t.Errorf("Location() of an unknown zone = %s, want UTC", got)
	}
}

func TestTownQuiet(t *testing.T) {
	for _, c := range []struct {
		hours       string
		from, until time.Duration // both 0: there are none
	}{
		{"20:00-08:00", 20 * time.Hour, 8 * time.Hour},
		{"00:30 - 13:45", 30 * time.Minute, 13*time.Hour + 45*time.Minute},
		{"", 0, 0},
		{"20:00", 0, 0},
		{"08:00-08:00", 0, 0},
		{"20-8", 0, 0},
		{"20:00-24:00", 0, 0},
		{"20:00-08:00-09:00", 0, 0},
	} {
		from, until, ok := Town{QuietHours: c.hours}.Quiet()
		if ok != (c.until > 0) || ok && (from != c.from || until != c.until) {
			t.Errorf("Quiet() of %q = %s, %s, %v", c.hours, from, until, ok)
		}
	}
}

func TestSlogLevel(t *testing.T) {
	for level, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "loud": slog.LevelInfo} {
		if got := (Log{Level: level}).SlogLevel(); got != want {
			t.Errorf("SlogLevel(%s) = %s, want %s", level, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	raw := []byte(strings.Repeat("\xfb\xff", 16)) // + and / in the usual alphabet, - and _ in the other
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		c := Config{SecretKey: encoding.EncodeToString(raw), OldSecretKeys: []string{encoding.EncodeToString(raw), "?"}}
		if got := c.Key(); string(got) != string(raw) {
			t.Errorf("Key() = %x", got)
		}
		if got := c.OldKeys(); len(got) != 1 || string(got[0]) != string(raw) {
			t.Errorf("OldKeys() = %x", got)
		}
	}
	if got := (Config{}).Key(); len(got) != 0 {
		t.Errorf("Key() of no key = %x", got)
	}
	if got := (Config{SecretKey: "?"}).Key(); got != nil {
		t.Errorf("Key() of a wrong key = %x", got)
	}
}

// TestNothingShowsASecret fills every text of a configuration with a word of its own and looks for the secret ones in every way
// of printing it.
func TestNothingShowsASecret(t *testing.T) {
	c := Config{
		Database: "postgres://guichet:SECRET1@db/guichet?sslpassword=SECRET2", Redis: "redis://:SECRET3@cache:6379/1",
		SecretKey: "SECRET4", OldSecretKeys: []string{"SECRET5"}, Files: "/srv/files",
		Town: Town{Name: "Valmont", Languages: []string{"fr"}},
		Mailboxes: []email.Mailbox{{
			Name: "mairie", Address: "contact@valmont.example",
			IMAP: email.IMAP{Host: "imap.lan", Username: "contact", Password: "SECRET6"}, SMTP: email.SMTP{Host: "smtp.lan", Password: "SECRET7"},
			OAuth2: email.OAuth2{TokenURL: "https://login.lan/token?key=SECRET8", ClientSecret: "SECRET9", RefreshToken: "SECRET10"},
		}},
		Twilio: twilio.Options{
			AccountSID: "SECRET11", AuthToken: "SECRET12", APIBase: "https://u:SECRET13@twilio.lan", Sender: "+33639980001", MessagingServiceSID: "SECRET14",
			Lines: []twilio.Line{{Name: "+33639980001", Number: "+33639980001", Department: "accueil"}},
		},
		CTI: []cti.Exchange{{Name: "standard", Token: "SECRET15", Department: "voirie", Blocked: []string{"+33639980002"}}},
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("started", "config", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("started", "config", &c)
	for _, shown := range []string{
		c.String(), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, &c), fmt.Sprintf("%#v", &c), logged.String(),
	} {
		if strings.Contains(shown, "SECRET") {
			t.Errorf("shows a secret: %s", shown)
		}
		if strings.Contains(shown, "contact") {
			t.Errorf("shows an address, which no log may: %s", shown)
		}
		if strings.Contains(shown, "3998") {
			t.Errorf("shows a telephone number, which no log may: %s", shown)
		}
		for _, useful := range []string{"postgres://***@db/guichet", "redis://***@cache:6379", "/srv/files", "Valmont", "imap.lan", "smtp.lan", "twilio.lan", "standard", "voirie"} {
			if !strings.Contains(shown, useful) {
				t.Errorf("hides %s: %s", useful, shown)
			}
		}
	}
	if strings.Contains(Default().String(), hidden) {
		t.Errorf("speaks of secrets where there are none: %v", Default())
	}
}

func TestHideInURL(t *testing.T) {
	for raw, want := range map[string]string{
		"embedded":                             "embedded",
		"sqlite:///srv/guichet.db":             "sqlite:///srv/guichet.db",
		"postgres://db/guichet":                "postgres://db/guichet",
		"postgres://u:p@db:5432/guichet":       "postgres://***@db:5432/guichet",
		"postgres://u:p@db/guichet?password=p": "postgres://***@db/guichet",
		"postgres:///guichet?password=p":       "postgres:///guichet",
		"postgres://u:p/q@db/guichet":          hidden, // port "p" is none
		"postgres://u:12/q@db/guichet":         hidden, // looks like port 12
		"postgres://u:%zz@db/guichet":          hidden,
	} {
		if got := hideInURL(raw); got != want {
			t.Errorf("hideInURL(%s) = %s, want %s", raw, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"database", "DATABASE", 0}, {"dattabase", "database", 1},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"état", "etat", 1},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	text, number, size, yes := reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int64](), reflect.TypeFor[bool]()
	words, duration := reflect.TypeFor[[]string](), reflect.TypeFor[time.Duration]()
	for _, c := range []struct {
		text string
		kind reflect.Type
		want any // an error by its text
	}{
		{"0123", text, "0123"},
		{"993", number, 993},
		{"imaps", number, "is not a whole number"},
		{"60s", duration, time.Minute},
		{"60", duration, "is not a duration; write for example 60s or 5m"},
		{"true", yes, true}, {"Yes", yes, true}, {"on", yes, true}, {"1", yes, true},
		{"false", yes, false}, {"No", yes, false}, {"off", yes, false}, {"0", yes, false},
		{"perhaps", yes, "is neither true nor false"},
		{"fr,en", words, []string{"fr", "en"}}, {" fr\nen ,\n", words, []string{"fr", "en"}}, {"", words, []string{}},
		{"40MB", size, int64(40e6)}, {"40 mb", size, int64(40e6)}, {"1KB", size, int64(1000)}, {"2GB", size, int64(2e9)},
		{"1KiB", size, int64(1024)}, {"4MiB", size, int64(4 << 20)}, {"1GiB", size, int64(1 << 30)},
		{"512", size, int64(512)}, {"512B", size, int64(512)},
		{"", size, "is not a size; write for example 40MB"}, {"big", size, "is not a size; write for example 40MB"},
		{"-1", size, "is not a size; write for example 40MB"}, {"1.5MB", size, "is not a size; write for example 40MB"},
		{"40M", size, "is not a size; write for example 40MB"}, {"9223372036854775807GB", size, "is not a size; write for example 40MB"},
	} {
		got, err := parse(c.text, c.kind)
		if err != nil {
			got = err.Error()
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("parse(%q, %s) = %v, want %v", c.text, c.kind, got, c.want)
		}
	}
}
