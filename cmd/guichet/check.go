package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"guichet/channels/email"
	"guichet/config"
	"guichet/routing"
	"guichet/ticketing/store"
)

type checkCommand struct {
	Quick bool `help:"Only ask the running hub whether it is ready, as a health check does."`
}

// Run checks everything the configuration names, one line each.
func (c checkCommand) Run(w world) error {
	conf, err := w.loadConfig()
	if err != nil {
		return err
	}
	if c.Quick {
		return askReady(w.ctx, conf)
	}
	failed := 0
	report := func(what string, err error) error {
		word, detail := "ok  ", ""
		if err != nil {
			failed++
			word, detail = "FAIL", ": "+oneLine(err.Error())
		}
		_, werr := fmt.Fprintf(w.stdout, "%s %s%s\n", word, what, detail)
		return werr
	}
	checks := []struct {
		what string
		do   func(context.Context) error
	}{
		{"configuration", func(context.Context) error { return nil }}, // read above
		{"database", func(ctx context.Context) error { return checkDatabase(ctx, conf) }},
		{"redis", func(ctx context.Context) error { return checkRedis(ctx, conf) }},
		{"files " + conf.Files, func(context.Context) error { return checkFiles(conf.Files) }},
	}
	for _, m := range conf.Mailboxes {
		checks = append(checks, struct {
			what string
			do   func(context.Context) error
		}{"mailbox " + m.Name, func(ctx context.Context) error { return email.Check(ctx, m) }})
	}
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(w.ctx, 15*time.Second)
		err := check.do(ctx)
		cancel()
		if err := report(check.what, err); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed; what to do is on their lines", failed, len(checks))
	}
	return nil
}

func checkDatabase(ctx context.Context, c config.Config) (err error) {
	db, err := store.Open(ctx, c.Database, store.Options{Log: newLog(io.Discard, c.Log), Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	have, want, err := db.Current(ctx)
	switch {
	case err != nil:
		return err
	case have < want && db.Engine() == store.SQLite:
		return nil // serve migrates it
	case have < want:
		return fmt.Errorf("the schema is at %d and this version needs %d; run `guichet migrate`", have, want)
	case have > want:
		return fmt.Errorf("the schema is at %d, newer than this version knows (%d); install the newer version", have, want)
	}
	return nil
}

func checkRedis(ctx context.Context, c config.Config) error {
	r, err := routing.Open(ctx, c.Redis, routing.Options{Log: newLog(io.Discard, c.Log), Now: time.Now})
	if err != nil {
		return err
	}
	return errors.Join(r.Ping(ctx), r.Close())
}

func checkFiles(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("%w; make it writable for the user Guichet runs as", err)
	}
	probe := filepath.Join(folder, ".check")
	if err := os.WriteFile(probe, []byte("guichet"), 0o600); err != nil {
		return fmt.Errorf("%w; make it writable for the user Guichet runs as", err)
	}
	return os.Remove(probe)
}

// askReady asks the hub that runs with this configuration.
func askReady(ctx context.Context, c config.Config) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := config.PublicURL(c.HTTP.Listen) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w; is `guichet serve` running?", url, err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 2000))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s: %s", url, answer.Status, body)
	}
	return nil
}
