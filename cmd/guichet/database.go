package main

import (
	"errors"
	"fmt"
	"os"

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
	File   string `arg:"" help:"The town, as YAML." type:"existingfile"`
	DryRun bool   `help:"Only say what would change."`
}

// Run imports a town.
func (i importCommand) Run(w world) (err error) {
	raw, err := os.ReadFile(i.File)
	if err != nil {
		return err
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
	changes, err := town.Import(w.ctx, file, i.DryRun)
	if err != nil {
		return fmt.Errorf("%s: nothing was imported: %w", i.File, err)
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
