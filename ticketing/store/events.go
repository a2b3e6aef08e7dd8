package store

import (
	"context"

	"guichet/ticketing"
)

// settled is the condition that no transaction still open can put an event before this one. An event that stays behind another
// database's long transaction is late, never lost.
func (n nouns) settled() string {
	if n.db.engine == PostgreSQL {
		return "tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
	}
	return "1 = 1"
}

// AddEvents implements ticketing.Events. The database gives each its ID and its Tx.
func (n nouns) AddEvents(ctx context.Context, events []ticketing.Event) error {
	return insert(ctx, n, events, insertion{without: []string{"id", "tx"}})
}

// EventsAfter implements ticketing.Events.
func (n nouns) EventsAfter(ctx context.Context, after ticketing.Position, limit int) (events []ticketing.Event, err error) {
	err = n.orm.WithContext(ctx).Where("(tx, id) > (?, ?) AND "+n.settled(), after.Tx, after.ID).
		Order("tx, id").Limit(limit).Find(&events).Error
	return events, failed(err)
}

// LastPosition implements ticketing.Events.
func (n nouns) LastPosition(ctx context.Context) (last ticketing.Position, err error) {
	err = n.read(ctx, &last, "SELECT tx, id FROM events WHERE "+n.settled()+" ORDER BY tx DESC, id DESC LIMIT 1")
	return last, err
}

// Restored makes the journal readable after a PostgreSQL database was restored into another server, whose transactions count from
// the beginning: events of "later" transactions would be held back for ever. They all happened, so they come first.
func (d *DB) Restored(ctx context.Context) error {
	if d.engine != PostgreSQL {
		return nil
	}
	_, err := d.exec(ctx, `UPDATE events SET tx = 0 WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint`)
	return err
}

// EventsOfTicket implements ticketing.Events.
func (n nouns) EventsOfTicket(ctx context.Context, ticketID string) (events []ticketing.Event, err error) {
	err = n.orm.WithContext(ctx).Where("ticket_id = ?", ticketID).Order("at, id").Find(&events).Error
	return events, failed(err)
}
