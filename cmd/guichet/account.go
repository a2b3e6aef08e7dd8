package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

type agentCommand struct {
	Add    agentAdd    `cmd:"" help:"Make an account. The first one is usually --role agent,supervisor,admin --all-departments."`
	Passwd agentPasswd `cmd:"" help:"Change a password."`
	List   agentList   `cmd:"" help:"List the accounts."`
}

type agentAdd struct {
	Email          string   `arg:"" help:"E-mail address; it is what she signs in with."`
	Name           string   `help:"Name as citizens read it."`
	Role           []string `help:"agent, supervisor, admin, dpo; several with commas." default:"agent"`
	Department     []string `help:"Codes of her departments, with commas."`
	AllDepartments bool     `help:"Member of every department."`
	Language       string   `help:"Of her screen: fr or en."`
	NoPassword     bool     `help:"Without a password: only tokens work."`
}

// Run makes an account.
func (a agentAdd) Run(w world) (err error) {
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, ok := town.Now().AgentByEmail(a.Email); ok {
		return notMade(a.Email, town, ticketing.ErrConflict)
	}
	hash := ""
	if !a.NoPassword {
		if hash, err = readPassword(w, terminal(w.stdin)); err != nil {
			return err
		}
	}
	agent, err := town.AddAgent(w.ctx, ticketing.NewAgent{
		Email: a.Email, Name: a.Name, Roles: a.Role, Departments: a.Department, All: a.AllDepartments, Language: a.Language, PasswordHash: hash,
	})
	if err != nil {
		return notMade(a.Email, town, err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s made: %s\n", agent.Email, strings.Join(agent.Roles, ", "))
	return err
}

// notMade says why an account was not made, and what to do. What can't be right in any town is wrong usage.
func notMade(email string, town *ticketing.Town, err error) error {
	var e *ticketing.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("agent %s: %w; `guichet agent list` shows whether she was made", email, err)
	}
	_, wrong, _ := strings.Cut(e.Reason, ": ") // "unknown_role: king"
	usage := true
	var why string
	switch {
	case e.Code == ticketing.CodeConflict:
		why, usage = "there is one already; `guichet agent passwd` changes her password", false
	case e.Field == "email":
		why = "that is no e-mail address; write one like marie@mairie.example"
	case e.Field == "roles":
		why = fmt.Sprintf("there is no role %q; the roles are agent, supervisor, admin and dpo", wrong)
	case e.Field == "language":
		why = "there is no such language; the languages are " + strings.Join(town.Profile.Languages, " and ")
	case e.Field == "departments":
		var codes []string
		for _, d := range town.Now().Departments {
			codes = append(codes, d.Code)
		}
		why, usage = fmt.Sprintf("%s; `guichet import` makes others", noDepartment(wrong, codes)), false
	default:
		return fmt.Errorf("agent %s was not made: %w; correct it and try again", email, err)
	}
	if usage {
		return fmt.Errorf("agent %s was not made: %s (%w)", email, why, errUsage)
	}
	return fmt.Errorf("agent %s was not made: %s", email, why)
}

// noDepartment says that there is no department of that code, and which ones there are, those first that begin most like it.
func noDepartment(code string, known []string) string {
	const some = 12
	alike := func(known string) (n int) {
		for n < min(len(known), len(code)) && known[n] == code[n] {
			n++
		}
		return n
	}
	known = slices.SortedStableFunc(slices.Values(known), func(a, b string) int { return alike(b) - alike(a) })
	more := ""
	if len(known) > some {
		known, more = known[:some], " and more"
	}
	return fmt.Sprintf("there is no department %q; there are %s%s", code, strings.Join(known, ", "), more)
}

type agentPasswd struct {
	Email string `arg:"" help:"Whose password."`
}

// Run changes a password.
func (a agentPasswd) Run(w world) (err error) {
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, ok := town.Now().AgentByEmail(a.Email); !ok {
		return noSuchAgent(a.Email, ticketing.ErrNotFound)
	}
	hash, err := readPassword(w, terminal(w.stdin))
	if err != nil {
		return err
	}
	if err := town.SetPassword(w.ctx, a.Email, hash); err != nil {
		return noSuchAgent(a.Email, err)
	}
	_, err = fmt.Fprintf(w.stdout, "password of %s changed; her other sessions have ended\n", a.Email)
	return err
}

type agentList struct{}

// Run lists the accounts.
func (agentList) Run(w world) (err error) {
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	table := tabwriter.NewWriter(w.stdout, 0, 4, 2, ' ', 0)
	for _, a := range town.Now().Agents {
		var in []string
		for _, m := range a.Memberships {
			in = append(in, m.Department)
		}
		if a.AllDepartments {
			in = []string{"all departments"}
		}
		password := "password"
		if a.PasswordHash == "" {
			password = "no password"
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", a.Email, a.Name, strings.Join(a.Roles, ","), password, strings.Join(in, ",")); err != nil {
			return err
		}
	}
	return table.Flush()
}

type tokenCommand struct {
	Create tokenCreate `cmd:"" help:"Make an API token and print it, once, on the last line."`
}

type tokenCreate struct {
	Agent string        `required:"" help:"E-mail address of the agent it acts for."`
	Name  string        `help:"What it is for." default:"cli"`
	Scope string        `help:"read or write." enum:"read,write" default:"write"`
	For   time.Duration `help:"How long it is good for; 0: until it is revoked." default:"0"`
}

// Run makes a token.
func (t tokenCreate) Run(w world) (err error) {
	if t.For < 0 {
		return fmt.Errorf("--for %s: a token can't end before it is made; give a time like 720h, or 0 for one that lasts (%w)", t.For, errUsage)
	}
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var expires *time.Time
	if t.For > 0 {
		at := now().Add(t.For)
		expires = &at
	}
	token, err := town.CreateToken(w.ctx, t.Agent, t.Name, t.Scope, expires)
	if err != nil {
		return noSuchAgent(t.Agent, err)
	}
	_, err = fmt.Fprintln(w.stdout, token)
	return err
}

func noSuchAgent(email string, err error) error {
	if errors.Is(err, ticketing.ErrNotFound) {
		return fmt.Errorf("there is no agent %s; `guichet agent list` shows who there is", email)
	}
	return err
}

// readPassword takes the password from one line of standard input and gives its hash. A person at a terminal is asked, and asked
// again, so that a slip does not lock anybody out. It is no flag, because flags are seen by everybody on the machine.
func readPassword(w world, ask bool) (hash string, err error) {
	in := bufio.NewReader(w.stdin)
	password, err := readLine(w, in, ask, "Password: ")
	if err != nil {
		return "", err
	}
	if password == "" {
		return "", fmt.Errorf("no password; give it on one line of standard input (%w)", errUsage)
	}
	hash, err = auth.HashPassword(password)
	switch {
	case errors.Is(err, auth.ErrWeakPassword) && len(password) > auth.MaxPassword:
		return "", fmt.Errorf("the password is too long; give one of at most %d bytes", auth.MaxPassword)
	case errors.Is(err, auth.ErrWeakPassword):
		return "", fmt.Errorf("the password is too short; give one of at least %d characters", auth.MinPassword)
	case err != nil:
		return "", fmt.Errorf("keep the password: %w", err)
	}
	if !ask {
		return hash, nil
	}
	again, err := readLine(w, in, ask, "The same again: ")
	if err != nil {
		return "", err
	}
	if again != password {
		return "", errors.New("the two passwords differ; nothing was changed, try again")
	}
	return hash, nil
}

// readLine reads one line, unseen when it is typed, and stops waiting for it when the command is stopped.
func readLine(w world, in *bufio.Reader, ask bool, question string) (string, error) {
	read, restore := func() (string, error) { return in.ReadString('\n') }, func() error { return nil }
	if keyboard, ok := w.stdin.(*os.File); ask && ok {
		before, err := term.GetState(int(keyboard.Fd()))
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		restore = func() error { return term.Restore(int(keyboard.Fd()), before) }
		read = func() (string, error) {
			typed, err := term.ReadPassword(int(keyboard.Fd()))
			return string(typed), err
		}
	}
	if ask {
		if _, err := fmt.Fprint(w.stderr, question); err != nil {
			return "", err
		}
		defer func() { _, _ = fmt.Fprintln(w.stderr) }() // what follows begins a line of its own
	}
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := read()
		got <- answer{line, err}
	}()
	select {
	case <-w.ctx.Done():
		return "", errors.Join(errors.New("stopped; nothing was changed"), restore())
	case a := <-got:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", a.err)
		}
		return strings.TrimRight(a.line, "\r\n"), nil
	}
}
