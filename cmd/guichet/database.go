package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"guichet/config"
	"guichet/ticketing"
	"guichet/ticketing/store"
)

type migrateCommand struct{}

// Run applies the migrations.
func (migrateCommand) Run(w world) (err error) {
	c, err := w.loadConfig()
	if err != nil {
		return err
	}
	db, err := store.Open(w.ctx, c.Database, store.Options{Log: newLog(w.stderr, config.Log{Level: "warn"}), Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	applied, err := db.Migrate(w.ctx)
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	have, _, err := db.Current(w.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "%d migrations applied, the schema is at %d\n", applied, have)
	return err
}

type importCommand struct {
	File string `arg:"" optional:"" help:"The town, as YAML."`
	archiveFlags
	DryRun bool `help:"Only say what would change."`
}

// Run imports a town, or an archive of mails.
func (i importCommand) Run(w world) (err error) {
	if i.Mbox != "" || i.Maildir != "" || i.File == "" {
		return i.importArchive(w)
	}
	if i.Mailbox != "" || i.Recursive || i.Open {
		return fmt.Errorf("--mailbox, --recursive and --open belong to --mbox and --maildir (%w)", errUsage)
	}
	raw, err := os.ReadFile(i.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s; name the file that describes the town", i.File)
	case err != nil:
		return fmt.Errorf("%w; name a file that may be read", err)
	}
	file, err := ticketing.ReadTownFile(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", i.File, err)
	}
	db, town, err := w.openForCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	changes, err := town.Import(w.ctx, file, true)
	if err != nil {
		return fmt.Errorf("%s: nothing was imported: %w", i.File, err)
	}
	if !i.DryRun {
		if _, err := town.Import(w.ctx, file, false); err != nil {
			return i.failed(w.ctx, town, file, err)
		}
	}
	for _, c := range changes {
		done := "updated"
		if c.Created {
			done = "created"
		}
		if i.DryRun {
			done = "would be " + done
		}
		if _, err := fmt.Fprintf(w.stdout, "%s %s %s\n", c.Kind, c.Code, done); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w.stdout, "%d changes\n", len(changes))
	return err
}

// failed says what became of an import that ended with an error: the town is read again after it is written, and that may be what
// failed. A second import finds out, because it would change nothing.
func (i importCommand) failed(ctx context.Context, town *ticketing.Town, file ticketing.TownFile, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	left, again := town.Import(ctx, file, true)
	switch {
	case again != nil:
		return fmt.Errorf("%s: %w; whether it was imported is not known: import it again, which changes nothing twice", i.File, err)
	case len(left) == 0:
		return fmt.Errorf("%s was imported, but the town could not be read afterwards: %w; a hub that runs reads it by itself", i.File, err)
	}
	return fmt.Errorf("%s: nothing was imported: %w", i.File, err)
}
