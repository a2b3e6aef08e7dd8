// Command guichet is the contact hub of a town hall: citizens write, call or come, and each of them has one record.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is what the build was told it is.
var version = "dev"

func main() {
	if os.Getenv("GOGC") == "" { // a hub is idle most of its life: a tenth less memory is worth a tenth more CPU for each mail
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes: 0 done, 1 failed, 2 wrong usage.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage marks an error of whoever typed the command.
var errUsage = errors.New("wrong usage")

// world is what a command may touch beside its arguments.
type world struct {
	ctx    context.Context
	env    []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	config string
}

type commandLine struct {
	Config string `help:"Configuration file. Without one: embedded mode, data under ./var." env:"GUICHET_CONFIG" placeholder:"FILE"`

	Serve   serveCommand   `cmd:"" help:"Run everything."`
	Demo    demoCommand    `cmd:"" help:"Run a demo town, with its own mail server and citizens who write."`
	Migrate migrateCommand `cmd:"" help:"Apply the database's migrations."`
	Check   checkCommand   `cmd:"" help:"Check configuration, database, Redis, files and mailboxes, and say what to fix."`
	Import  importCommand  `cmd:"" help:"Create or update departments, motives, rules, agents and texts from a file, or file an archive of mails."`
	Agent   agentCommand   `cmd:"" aliases:"user" help:"Accounts of the people who work here."`
	Token   tokenCommand   `cmd:"" help:"API tokens."`
	Bench   benchCommand   `cmd:"" help:"The project's own benchmarks."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// run is the whole command, without the process around it.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var line commandLine
	exit := -1
	parser, err := kong.New(&line, kong.Name("guichet"), kong.Description("The contact hub of a town hall."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }))
	if err != nil {
		return fail(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // help was asked for and shown
		return exit
	}
	if err != nil {
		return fail(stderr, fmt.Errorf("%w; `guichet --help` lists what there is (%w)", err, errUsage))
	}
	w := world{ctx: ctx, env: env, stdin: stdin, stdout: stdout, stderr: stderr, config: line.Config}
	if err := parsed.Run(w); err != nil {
		return fail(stderr, err)
	}
	return exitDone
}

// fail says on one line what happened.
func fail(stderr io.Writer, err error) int {
	text, code := err.Error(), exitFailed
	if errors.Is(err, errUsage) {
		code = exitUsage
	}
	fmt.Fprintln(stderr, "guichet: "+oneLine(text))
	return code
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(w world) error {
	_, err := fmt.Fprintln(w.stdout, version)
	return err
}
