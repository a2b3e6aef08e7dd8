package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"guichet/channels/email"
	"guichet/config"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/store"
)

type checkCommand struct {
	Quick bool `xor:"what" help:"Only ask the running hub whether it is ready, as a health check does."`
	Mail  bool `xor:"what" help:"Only compare the mails of each folder on the server with those that are stored."`
	Seals bool `xor:"what" help:"Only recompute the seals on who looked at which record, and print the newest hash to be kept elsewhere."`
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
	checks, limit := checksOf(conf), 15*time.Second
	if c.Seals {
		seals := oneCheck{"consultations", func(ctx context.Context) (string, error) { return checkSeals(ctx, conf) }}
		return c.report(w, []oneCheck{seals}, 10*time.Minute) // a year of a large town is millions of rows
	}
	if c.Mail {
		note, _, err := checkDatabase(w.ctx, conf)
		if err == nil && note != "" { // it is not there yet, or old
			err = fmt.Errorf("there is nothing to compare with, the database %s; start `guichet serve` first", note)
		}
		if err != nil {
			return err
		}
		db, err := store.Open(w.ctx, conf.Database, store.Options{Log: newLog(io.Discard, conf.Log), Now: now})
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()                  // nothing was written
		checks, limit = countsOf(conf, db), 10*time.Minute // a folder may hold a hundred thousand mails
	}
	return c.report(w, checks, limit)
}

// report does the checks and prints a line for each.
func (checkCommand) report(w world, checks []oneCheck, limit time.Duration) error {
	done, failed := 0, 0
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(w.ctx, limit)
		note, err := check.do(ctx)
		cancel()
		if errors.Is(err, errNothing) {
			continue
		}
		done++
		word := "ok  "
		if err != nil {
			failed++
			word, note = "FAIL", oneLine(err.Error())
		}
		if note != "" {
			note = ": " + note
		}
		if _, err := fmt.Fprintf(w.stdout, "%s %s%s\n", word, check.what, note); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed; what to do is on their lines", failed, done)
	}
	return nil
}

// errNothing is of a check that has nothing to look at yet; it prints no line.
var errNothing = errors.New("there is nothing to check yet")

// oneCheck is one line of what `guichet check` prints. do gives a remark, or what is wrong and what to do. It leaves nothing behind.
type oneCheck struct {
	what string
	do   func(context.Context) (note string, err error)
}

// checksOf lists what the configuration names, in the order of its printing.
func checksOf(c config.Config) []oneCheck {
	var departments []ticketing.Department // of the database; none when it has none yet
	checks := []oneCheck{
		{"configuration", func(context.Context) (string, error) { return "", nil }}, // it has been read
		{"database", func(ctx context.Context) (note string, err error) {
			note, departments, err = checkDatabase(ctx, c)
			return note, err
		}},
		{"redis", func(ctx context.Context) (string, error) { return "", checkRedis(ctx, c) }},
		{"files " + c.Files, func(context.Context) (string, error) { return checkFiles(c.Files) }},
		{"address under answers", func(context.Context) (string, error) { return checkAddress(c.Town.Address, departments) }},
	}
	if c.Twilio.Enabled() {
		checks = append(checks, oneCheck{"twilio account", func(ctx context.Context) (string, error) {
			return "", checkTwilio(ctx, c.Twilio, c.HTTP.PublicURL)
		}})
	}
	department := func(of, code string) oneCheck {
		return oneCheck{of + ", department", func(context.Context) (string, error) { return "", checkDepartment(code, departments) }}
	}
	for _, e := range c.CTI {
		if e.Department != "" {
			checks = append(checks, department("exchange "+e.Name, e.Department))
		}
	}
	for _, m := range c.Mailboxes {
		checks = append(checks,
			department("mailbox "+m.Name, m.Department),
			oneCheck{"mailbox " + m.Name + ", reading", func(ctx context.Context) (string, error) { return "", email.CheckReading(ctx, m) }},
			oneCheck{"mailbox " + m.Name + ", sending", func(ctx context.Context) (string, error) { return "", email.CheckSending(ctx, m) }},
		)
	}
	return checks
}

// checkDepartment tells whether what a mailbox or an exchange names is there.
func checkDepartment(code string, departments []ticketing.Department) error {
	switch {
	case len(departments) == 0:
		return errNothing
	case !slices.Contains(codes(departments), code):
		return fmt.Errorf("%s; name one of them, or make it with `guichet import`", noDepartment(code, codes(departments)))
	}
	return nil
}

func codes(departments []ticketing.Department) []string {
	var list []string
	for _, d := range departments {
		list = append(list, d.Code)
	}
	return list
}

// checkAddress tells which departments answer without an address: each answer must give the office of whoever wrote it (CRPA, art.
// L111-2).
func checkAddress(town string, departments []ticketing.Department) (note string, err error) {
	var without []string
	for _, d := range departments {
		if d.Address == "" && strings.TrimSpace(town) == "" {
			without = append(without, d.Code)
		}
	}
	switch {
	case len(departments) == 0:
		return "", errNothing
	case len(without) == 0:
		return "", nil
	}
	const some = 3
	names := strings.Join(without[:min(len(without), some)], ", ")
	if more := len(without) - some; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return "missing for " + names + "; set town.address, or give these departments an address with `guichet import`", nil
}

// checkDatabase looks at the schema, and gives the departments when there is one that this version can read.
func checkDatabase(ctx context.Context, c config.Config) (note string, departments []ticketing.Department, err error) {
	if path, ok := strings.CutPrefix(c.Database, "sqlite://"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := writableAbove(path); err != nil {
				return "", nil, err
			}
			return "will be made by serve", nil, nil
		}
	}
	db, err := store.Open(ctx, c.Database, store.Options{Log: newLog(io.Discard, c.Log), Now: now})
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const todo = "check that `database` names Guichet's own and that its user may read and write everything in it"
	have, want, err := db.Current(ctx)
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("read the version of its schema: %w; %s", err, todo)
	case have < want && db.Engine() == store.SQLite:
		return "its schema will be brought up to date by serve", nil, nil
	case have < want:
		return "", nil, fmt.Errorf("the schema is at %d and this version needs %d; run `guichet migrate`", have, want)
	case have > want:
		return "", nil, fmt.Errorf("the schema is at %d, newer than this version knows (%d); install the newer version", have, want)
	}
	town, err := db.TownData(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("read the town: %w; %s", err, todo)
	}
	return "", town.Departments, nil
}

func checkRedis(ctx context.Context, c config.Config) error {
	r, err := routing.Open(ctx, c.Redis, routing.Options{Log: newLog(io.Discard, c.Log), Now: time.Now})
	if err != nil {
		return err
	}
	return errors.Join(r.Ping(ctx), r.Close())
}

func checkFiles(folder string) (note string, err error) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "will be made by serve", writableAbove(folder)
	case err != nil:
		return "", fmt.Errorf("%w; make it readable for the user Guichet runs as", err)
	case !info.IsDir():
		return "", errors.New("it is a file; name a folder in `files`")
	}
	return "", writable(folder)
}

// writableAbove tells whether what is missing can be made: the nearest folder above it that exists must be writable.
func writableAbove(path string) error {
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(folder):
			continue
		case err != nil:
			return fmt.Errorf("it does not exist and can't be made: %w; make the folder, writable for the user Guichet runs as", err)
		case !info.IsDir():
			return fmt.Errorf("it does not exist and can't be made: %s is a file; name another folder", folder)
		}
		return writable(folder)
	}
}

// writable tries whether a folder takes files, and leaves none there.
func writable(folder string) error {
	probe, err := os.CreateTemp(folder, ".guichet-check-*")
	if err != nil {
		return fmt.Errorf("%w; make %s writable for the user Guichet runs as", err, folder)
	}
	_, err = probe.WriteString("guichet")
	if err = errors.Join(err, probe.Close(), os.Remove(probe.Name())); err != nil {
		return fmt.Errorf("%w; make room on the disk of %s", err, folder)
	}
	return nil
}

// askReady asks the hub that runs with this configuration.
func askReady(ctx context.Context, c config.Config) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := "http://" + nearest(c.HTTP.Listen) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the hub does not answer: %w; check that `guichet serve` runs with this configuration", err) // it names the address
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

// nearest is where this machine reaches what listens there. Every address becomes a number: a container may have nobody who knows
// "localhost".
func nearest(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}
