package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"guichet/ticketing"
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
		stdin  string // a good password when it is left out
		code   int
		says   string
	}{
		"no such command": {args: []string{"serv"}, code: exitUsage, says: "--help"},
		"no such flag":    {args: []string{"serve", "--fast"}, code: exitUsage, says: "--fast"},
		"unknown key":     {config: "databse: sqlite://x.db\n", args: []string{"serve"}, code: exitUsage, says: `database`},
		"bad value":       {config: "town: {timezone: Mars/Base}\n", args: []string{"serve"}, code: exitUsage, says: "timezone"},
		"bad database":    {config: "database: mysql://x\n", args: []string{"serve"}, code: exitUsage, says: "database"},
		"PostgreSQL is away": {
			config: "database: postgres://nobody:secret@127.0.0.1:1/x\n", args: []string{"serve"}, code: exitFailed,
			says: "open the database x at 127.0.0.1:1 as nobody: connect: connection refused; check that the server runs and that `database` names it\n",
		},
		"two mistakes": {
			config: "http: {listen: nowhere}\ntown: {timezone: Mars/Base}\n", args: []string{"serve"}, code: exitUsage,
			says: ":8080 for every address | town.timezone: ",
		},
		"Redis is away":      {config: "redis: redis://:secret@127.0.0.1:1/0\n", args: []string{"serve"}, code: exitFailed, says: "127.0.0.1:1"},
		"no such agent":      {args: []string{"token", "create", "--agent", "x@y.z"}, code: exitFailed, says: "agent list"},
		"nobody to change":   {args: []string{"agent", "passwd", "x@y.z"}, stdin: "short\n", code: exitFailed, says: "there is no agent x@y.z"},
		"not an address":     {args: []string{"agent", "add", "marie"}, code: exitUsage, says: "that is no e-mail address"},
		"no such role":       {args: []string{"agent", "add", "x@y.z", "--role", "king"}, code: exitUsage, says: `there is no role "king"; the roles are agent,`},
		"no such language":   {args: []string{"agent", "add", "x@y.z", "--language", "de"}, code: exitUsage, says: "the languages are fr and en"},
		"no such department": {args: []string{"agent", "add", "x@y.z", "--department", "moon"}, code: exitFailed, says: `no department "moon"; there are accueil; `},
		"a short password":   {args: []string{"agent", "add", "x@y.z"}, stdin: "short\n", code: exitFailed, says: "at least 10 characters"},
		"a long password":    {args: []string{"agent", "add", "x@y.z"}, stdin: strings.Repeat("x", 1025), code: exitFailed, says: "at most 1024 bytes"},
		"no password":        {args: []string{"agent", "add", "x@y.z"}, stdin: "\n", code: exitUsage, says: "standard input"},
		"a token of the past": {
			args: []string{"token", "create", "--agent", "x@y.z", "--for=-1h"}, code: exitUsage, says: "--for -1h0m0s: a token can't end before",
		},
		"no such town file": {args: []string{"import", "gone.yaml"}, code: exitFailed, says: "there is no file gone.yaml; "},
		"nowhere to listen": {config: "http: {listen: '256.0.0.1:80'}\n", args: []string{"serve"}, code: exitFailed, says: "http.listen"},
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
			if c.stdin == "" {
				c.stdin = "a long password\n"
			}
			code, _, stderr := cmd.run(c.stdin, c.args...)
			last := strings.Split(strings.TrimSpace(stderr), "\n")
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.HasPrefix(last[len(last)-1], "guichet: ") {
				t.Errorf("exit %d, want %d with %q:\n%s", code, c.code, c.says, stderr)
			}
			if codes := regexp.MustCompile(`\b[a-z]+_[a-z_]+\b`).FindString(last[len(last)-1]); codes != "" {
				t.Errorf("%s is for programs, not for people: %s", codes, stderr)
			}
			if strings.Contains(stderr, "secret") {
				t.Errorf("a password is shown: %s", stderr)
			}
		})
	}
}

// What can't start says why on one line and leaves nothing behind.
func TestNothingIsHalfStarted(t *testing.T) {
	c := newCommand(t)
	folder := filepath.Dir(c.config)
	c.write("redis: redis://127.0.0.1:1/0\ndatabase: sqlite://" + folder + "/guichet.db\nfiles: " + folder + "/files\n")
	code, stdout, stderr := c.run("", "serve")
	if code != exitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
	for _, name := range []string{"guichet.db", "files"} {
		if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made: %v", name, err)
		}
	}
}

func TestFirstAdminAndTown(t *testing.T) {
	c := newCommand(t)
	c.does("", "migrate")
	c.does("une longue phrase\n", "agent", "add", "marie@mairie.example", "--name", "Marie Curie", "--role", "agent,supervisor,admin", "--all-departments")
	if code, _, stderr := c.run("", "agent", "add", "Marie@Mairie.example"); code != exitFailed || !strings.Contains(stderr, "there is one already") {
		t.Errorf("the same account twice: exit %d, %s", code, stderr)
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
	for _, want := range []string{
		"ok   database: will be made by serve\n", "FAIL redis: ", "FAIL mailbox mairie, reading: connect to 127.0.0.1:1: ",
		"FAIL mailbox mairie, sending: connect to 127.0.0.1:1: ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "department") {
		t.Errorf("a department is looked for in no database:\n%s", stdout)
	}
	if code != exitFailed || strings.Contains(stdout+stderr, "hush") {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
}

func TestCheckMakesNothing(t *testing.T) {
	folder := t.TempDir()
	c := newCommand(t)
	c.write("database: sqlite://" + folder + "/var/guichet.db\nfiles: " + folder + "/var/files\n")
	out := c.does("", "check")
	for _, want := range []string{"ok   database: will be made by serve\n", "/var/files: will be made by serve\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("check left %v (%v)", left, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "var"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := c.run("", "check"); code != exitFailed || strings.Count(out, "FAIL ") != 2 {
		t.Errorf("no folder can be made: exit %d\n%s", code, out)
	}
}

func TestCheckLooksForDepartments(t *testing.T) {
	c := newCommand(t)
	c.does("", "import", filepath.Join("..", "..", "ticketing", "demo", "valmont.yaml"))
	config, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	c.write(string(config) + `
mailboxes:
  - name: mairie
    address: contact@valmont.example
    department: acceuil
    imap: {host: 127.0.0.1, port: 1, tls: none, username: x, password: hush}
    smtp: {host: 127.0.0.1, port: 1, tls: none}
cti:
  - {name: standard, token: pbx-secret, department: voiries}
  - {name: annexe, token: second-secret, department: voirie}
  - {name: serres, token: third-secret}
`)
	_, out, _ := c.run("", "check")
	for _, want := range []string{
		`FAIL mailbox mairie, department: there is no department "acceuil"; there are accueil, `,
		`FAIL exchange standard, department: there is no department "voiries"; there are voirie, `,
		"ok   exchange annexe, department\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "serres") {
		t.Errorf("an exchange without a department has nothing to check:\n%s", out)
	}
}

func TestCheckSaysWhatToDoAboutTheDatabase(t *testing.T) {
	c := newCommand(t)
	folder := t.TempDir()
	broken := filepath.Join(folder, "x.db")
	if err := os.WriteFile(broken, bytes.Repeat([]byte("no database at all\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite://" + broken:                      "check that `database` names",
		"postgres://nobody:hush@127.0.0.1:1/town": "FAIL database: open the database town at 127.0.0.1:1 as nobody: connect: connection refused; check that",
	} {
		c.write("database: " + url + "\nfiles: " + folder + "\n")
		if code, out, stderr := c.run("", "check"); code != exitFailed || !strings.Contains(out, want) || strings.Contains(out+stderr, "hush") {
			t.Errorf("exit %d, no %q in\n%s%s", code, want, out, stderr)
		}
	}
}

// A person is asked twice, because she does not see a slip; a script gives one line.
func TestFirstPasswordIsAskedTwice(t *testing.T) {
	for typed, want := range map[string]string{
		"une longue phrase\nune longue phrase\n": "",
		"une longue phrase\nune longue fraise\n": "differ",
		"une longue phrase\n":                    "differ",
		"short\n":                                "at least 10",
	} {
		var asked bytes.Buffer
		hash, err := readPassword(world{ctx: t.Context(), stdin: strings.NewReader(typed), stderr: &asked}, true)
		if want == "" && (err != nil || hash == "" || strings.Count(asked.String(), ": ") != 2) {
			t.Errorf("%q: %v after %q", typed, err, asked.String())
		}
		if want != "" && (err == nil || hash != "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", typed, err, want)
		}
	}
}

// What is written stays written when the town can't be read again, and the error says so.
func TestFirstImportThatFailsLate(t *testing.T) {
	c := newCommand(t)
	db, town, err := world{ctx: t.Context(), stderr: io.Discard, config: c.config}.openForCommand()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it is closed below, unless something fails before
	file := ticketing.TownFile{}
	imported := importCommand{File: "town.yaml"}.failed(t.Context(), town, file, errors.New("disk gone"))
	if !strings.HasPrefix(imported.Error(), "town.yaml was imported, but") {
		t.Error(imported)
	}
	raw, err := os.ReadFile(filepath.Join("..", "..", "ticketing", "demo", "valmont.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if file, err = ticketing.ReadTownFile(raw); err != nil {
		t.Fatal(err)
	}
	if err := (importCommand{File: "town.yaml"}).failed(t.Context(), town, file, errors.New("disk gone")); !strings.Contains(err.Error(), "nothing was imported") {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (importCommand{File: "town.yaml"}).failed(t.Context(), town, file, errors.New("disk gone")); !strings.Contains(err.Error(), "not known") {
		t.Error(err)
	}
}

func TestCheckQuickAsksThisMachine(t *testing.T) {
	for listen, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "127.0.0.1:8080": "127.0.0.1:8080", "hub.lan:1": "hub.lan:1",
	} {
		if got := nearest(listen); got != want {
			t.Errorf("%s is asked at %s, want %s", listen, got, want)
		}
	}
}
