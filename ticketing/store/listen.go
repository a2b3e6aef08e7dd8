package store

import (
	"context"
	"errors"
	"fmt"

	"guichet/ticketing"
)

// listened is the setting that says that all records have the sounds of their names.
const listened = "sounds"

// listenOnce gives records that were made before names were looked up by their sound what they lack. One that was stopped goes on with
// the next migration.
func (d *DB) listenOnce(ctx context.Context) error {
	if _, err := d.Setting(ctx, listened); !errors.Is(err, ticketing.ErrNotFound) {
		return err
	}
	if err := d.listen(ctx); err != nil {
		return fmt.Errorf("note how names sound: %w", err)
	}
	_, err := d.SetSetting(ctx, listened, "1")
	return err
}

// listen goes through all records, a thousand at a time.
func (d *DB) listen(ctx context.Context) error {
	for after := ""; ; {
		var rows []ticketing.Citizen
		if err := d.read(ctx, &rows, "SELECT * FROM citizens WHERE id > ? ORDER BY id LIMIT 1000", after); err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		if err := d.together(ctx, func(tx nouns) error {
			for _, c := range rows {
				birth, usage := ticketing.Sounds(c)
				if birth == c.Sounds && usage == c.UsageSounds {
					continue
				}
				if _, err := tx.exec(ctx, "UPDATE citizens SET sounds = ?, usage_sounds = ? WHERE id = ?", clean(birth), clean(usage), c.ID); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
}
