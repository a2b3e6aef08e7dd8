package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs the command line as a person would.
type command struct {
	*testing.T
	config string
}

func newCommand(t *testing.T) *command {
	t.Helper()
	folder := t.TempDir()
	c := &command{T: t, config: filepath.Join(folder, "guichet.yaml")}
	c.write("database: sqlite://" + folder + "/guichet.db\nfiles: " + folder + "/files\n")
	return c
}

func (c *command) write(config string) {
	c.Helper()
	if err := os.WriteFile(c.config, []byte(config), 0o600); err != nil {
		c.Fatal(err)
	}
}

func (c *command) run(stdin string, args ...string) (code int, stdout, stderr string) {
	c.Helper()
	var out, errs bytes.Buffer
	args = append(args, "--config", c.config)
	code = run(c.Context(), args, nil, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func (c *command) does(stdin string, args ...string) string {
	c.Helper()
	code, stdout, stderr := c.run(stdin, args...)
	if code != exitDone {
		c.Fatalf("%v: %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// What goes wrong is one line that says what to do, and the exit code says whose mistake it is.
func TestMistakesAreOneLine(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		args   []string
		code   int
		says   string
	}{
		"no such command":    {args: []string{"serv"}, code: exitUsage, says: "--help"},
		"no such flag":       {args: []string{"serve", "--fast"}, code: exitUsage, says: "--fast"},
		"unknown key":        {config: "databse: sqlite://x.db\n", args: []string{"serve"}, code: exitUsage, says: `database`},
		"bad value":          {config: "town: {timezone: Mars/Base}\n", args: []string{"serve"}, code: exitUsage, says: "timezone"},
		"bad database":       {config: "database: mysql://x\n", args: []string{"serve"}, code: exitUsage, says: "database"},
		"PostgreSQL is away": {config: "database: postgres://nobody:secret@127.0.0.1:1/x\n", args: []string{"serve"}, code: exitFailed, says: "127.0.0.1"},
		"Redis is away":      {config: "redis: redis://:secret@127.0.0.1:1/0\n", args: []string{"serve"}, code: exitFailed, says: "127.0.0.1:1"},
		"no such agent":      {args: []string{"token", "create", "--agent", "x@y.z"}, code: exitFailed, says: "agent list"},
		"not an address":     {args: []string{"agent", "add", "marie"}, code: exitFailed, says: "e-mail"},
		"no such town file":  {args: []string{"import", "gone.yaml"}, code: exitUsage, says: "gone.yaml"},
		"nowhere to listen":  {config: "http: {listen: '256.0.0.1:80'}\n", args: []string{"serve"}, code: exitFailed, says: "http.listen"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := newCommand(t)
			if c.config != "" {
				folder := filepath.Dir(cmd.config)
				rest := "files: " + folder + "/files\n"
				if !strings.HasPrefix(c.config, "datab") {
					rest += "database: sqlite://" + folder + "/guichet.db\n"
				}
				cmd.write(c.config + rest)
			}
			code, _, stderr := cmd.run("a long password\n", c.args...)
			last := strings.Split(strings.TrimSpace(stderr), "\n")
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.HasPrefix(last[len(last)-1], "guichet: ") {
				t.Errorf("exit %d, want %d with %q:\n%s", code, c.code, c.says, stderr)
			}
			if strings.Contains(stderr, "secret") {
				t.Errorf("a password is shown: %s", stderr)
			}
		})
	}
}

func TestFirstAdminAndTown(t *testing.T) {
	c := newCommand(t)
	c.does("", "migrate")
	c.does("une longue phrase\n", "agent", "add", "marie@mairie.example", "--name", "Marie Curie", "--role", "agent,supervisor,admin", "--all-departments")
	if code, _, _ := c.run("une longue phrase\n", "agent", "add", "Marie@Mairie.example"); code != exitFailed {
		t.Errorf("the same account twice: exit %d", code)
	}
	town := filepath.Join("..", "..", "ticketing", "demo", "valmont.yaml")
	if out := c.does("", "import", "--dry-run", town); !strings.Contains(out, "would be created") {
		t.Errorf("a dry run says %q", out)
	}
	c.does("", "import", town)
	if out := c.does("", "import", town); !strings.HasPrefix(out, "0 changes") {
		t.Errorf("a second import says %q", out)
	}
	c.does("une autre phrase\n", "agent", "passwd", "agent@valmont.example")
	list := c.does("", "user", "list")
	if !strings.Contains(list, "marie@mairie.example") || !strings.Contains(list, "all departments") {
		t.Errorf("list:\n%s", list)
	}
	lines := strings.Split(strings.TrimSpace(c.does("", "token", "create", "--agent", "marie@mairie.example")), "\n")
	if token := lines[len(lines)-1]; !strings.HasPrefix(token, "guichet_") || strings.Contains(token, " ") {
		t.Errorf("the last line is %q", token)
	}
	if out := c.does("", "check"); strings.Contains(out, "FAIL") || !strings.Contains(out, "ok   database") {
		t.Errorf("check:\n%s", out)
	}
	if code, _, stderr := c.run("short\n", "agent", "passwd", "marie@mairie.example"); code != exitFailed {
		t.Errorf("a short password: exit %d, %s", code, stderr)
	}
}

func TestCheckNamesWhatFails(t *testing.T) {
	c := newCommand(t)
	c.write("database: sqlite://" + t.TempDir() + "/g.db\nfiles: " + t.TempDir() + `
redis: redis://127.0.0.1:1/0
mailboxes:
  - name: mairie
    address: contact@valmont.example
    department: accueil
    imap: {host: 127.0.0.1, port: 1, tls: none, username: x, password: hush}
    smtp: {host: 127.0.0.1, port: 1, tls: none}
`)
	code, stdout, stderr := c.run("", "check")
	for _, want := range []string{"ok   database", "FAIL redis: ", "FAIL mailbox mairie: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if code != exitFailed || strings.Contains(stdout+stderr, "hush") {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
}
