package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

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
	hash := ""
	if !a.NoPassword {
		if hash, err = readPassword(w); err != nil {
			return err
		}
	}
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	agent, err := town.AddAgent(w.ctx, ticketing.NewAgent{
		Email: a.Email, Name: a.Name, Roles: a.Role, Departments: a.Department, All: a.AllDepartments, Language: a.Language, PasswordHash: hash,
	})
	if err != nil {
		return notMade(a.Email, err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s made: %s\n", agent.Email, strings.Join(agent.Roles, ", "))
	return err
}

// notMade says why an account was not made, and what to do.
func notMade(email string, err error) error {
	var e *ticketing.Error
	todo := "correct it and try again"
	switch {
	case !errors.As(err, &e):
		return fmt.Errorf("agent %s was not made: %w", email, err)
	case e.Code == ticketing.CodeConflict:
		todo = "there is one already; `guichet agent passwd` changes her password"
	case e.Field == "email":
		todo = "that is no e-mail address"
	case e.Field == "roles":
		todo = "the roles are agent, supervisor, admin and dpo"
	case e.Field == "departments":
		todo = "departments are made by `guichet import`"
	}
	return fmt.Errorf("agent %s was not made (%w): %s", email, err, todo)
}

type agentPasswd struct {
	Email string `arg:"" help:"Whose password."`
}

// Run changes a password.
func (a agentPasswd) Run(w world) (err error) {
	hash, err := readPassword(w)
	if err != nil {
		return err
	}
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
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

// readPassword takes the password from one line of standard input and gives its hash. It is no flag, because flags are seen by
// everybody on the machine.
func readPassword(w world) (hash string, err error) {
	if terminal(w.stderr) {
		if _, err := fmt.Fprint(w.stderr, "Password: "); err != nil {
			return "", err
		}
	}
	line, err := bufio.NewReader(w.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", fmt.Errorf("no password; give it on one line of standard input (%w)", errUsage)
	}
	return auth.HashPassword(password)
}
