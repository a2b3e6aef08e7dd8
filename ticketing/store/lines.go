package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// cursor is a channels.Cursor as a row.
type cursor struct {
	Mailbox     string `gorm:"primaryKey"`
	Epoch       int64
	UIDValidity uint32 `gorm:"column:uid_validity"`
	Done        uint32
	Gaps        string // as JSON
}

// health is a channels.Health as a row.
type health struct {
	Line        string `gorm:"primaryKey"` // its Mailbox
	Folder      string
	Channel     channels.Name
	State       channels.State
	LastContact *time.Time
	LastMessage *time.Time
	ServerCount int
	StoredCount int
	Pending     int
	Missing     string // as JSON of missing; empty: none
	CountedAt   *time.Time
	Alarm       channels.Alarm
	LastError   string
	At          time.Time
}

// missing is what a count found on the server and not here.
type missing struct {
	Count int      `json:"count"`
	UIDs  []uint32 `json:"uids"`
}

// Cursor implements ticketing.Lines.
func (n nouns) Cursor(ctx context.Context, mailbox string) (channels.Cursor, error) {
	row, err := one[cursor](ctx, n, "mailbox = ?", mailbox)
	if errors.Is(err, ticketing.ErrNotFound) {
		return channels.Cursor{}, nil
	}
	c := channels.Cursor{UIDValidity: row.UIDValidity, Done: row.Done}
	if err == nil && row.Gaps != "" {
		err = json.Unmarshal([]byte(row.Gaps), &c.Gaps)
	}
	return c, err
}

// SaveCursor implements ticketing.Lines.
func (n nouns) SaveCursor(ctx context.Context, mailbox string, epoch int64, c channels.Cursor) error {
	gaps := []byte(nil)
	if len(c.Gaps) > 0 {
		var err error
		if gaps, err = json.Marshal(c.Gaps); err != nil {
			return err
		}
	}
	saved, err := n.exec(ctx, `INSERT INTO cursors (mailbox, epoch, uid_validity, done, gaps) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (mailbox) DO UPDATE SET epoch = excluded.epoch, uid_validity = excluded.uid_validity, done = excluded.done,
		gaps = excluded.gaps WHERE cursors.epoch <= excluded.epoch`,
		mailbox, epoch, c.UIDValidity, c.Done, string(gaps))
	if err == nil && saved == 0 {
		err = &ticketing.Error{Code: ticketing.CodeConflict, Reason: "epoch"}
	}
	return err
}

// Hold implements ticketing.Lines, by the clock of Options. A row outlives its lease, so that epochs only rise.
func (n nouns) Hold(ctx context.Context, name, owner string, ttl time.Duration) (epoch int64, held bool, err error) {
	now := n.db.now()
	var epochs []int64
	err = n.read(ctx, &epochs, `INSERT INTO leases (name, owner, epoch, held_until) VALUES (?, ?, 1, ?)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until,
		epoch = CASE WHEN leases.owner = excluded.owner THEN leases.epoch ELSE leases.epoch + 1 END
		WHERE leases.owner = excluded.owner OR leases.held_until <= ? RETURNING epoch`, name, owner, now.Add(ttl), now)
	if err != nil || len(epochs) == 0 {
		return 0, false, err
	}
	return epochs[0], true, nil
}

// Drop implements ticketing.Lines.
func (n nouns) Drop(ctx context.Context, name, owner string) error {
	_, err := n.exec(ctx, "UPDATE leases SET owner = '', held_until = ? WHERE name = ? AND owner = ?", n.db.now(), name, owner)
	return err
}

// NoteHealth implements ticketing.Lines.
func (n nouns) NoteHealth(ctx context.Context, h channels.Health) error {
	row := health{
		Line: h.Mailbox, Folder: h.Folder, Channel: h.Channel, State: h.State, LastContact: h.LastContact, LastMessage: h.LastMessage,
		ServerCount: h.ServerCount, StoredCount: h.StoredCount, Pending: h.Pending, CountedAt: h.CountedAt, Alarm: h.Alarm,
		LastError: h.LastError, At: h.At,
	}
	if h.MissingCount > 0 {
		text, err := json.Marshal(missing{h.MissingCount, h.Missing})
		if err != nil {
			return err
		}
		row.Missing = string(text)
	}
	return put(ctx, n, []health{row})
}

// Healths implements ticketing.Lines.
func (n nouns) Healths(ctx context.Context) ([]channels.Health, error) {
	var rows []health
	if err := n.orm.WithContext(ctx).Order("line").Find(&rows).Error; err != nil {
		return nil, failed(err)
	}
	healths := make([]channels.Health, len(rows))
	for i, r := range rows {
		line, _, _ := strings.Cut(r.Line, "/") // no mailbox has one in its name
		h := channels.Health{
			Line: line, Mailbox: r.Line, Folder: r.Folder, Channel: r.Channel, State: r.State, LastContact: r.LastContact,
			LastMessage: r.LastMessage, ServerCount: r.ServerCount, StoredCount: r.StoredCount, Pending: r.Pending, CountedAt: r.CountedAt,
			Alarm: r.Alarm, LastError: r.LastError, At: r.At,
		}
		if r.Missing != "" {
			var m missing
			if err := json.Unmarshal([]byte(r.Missing), &m); err != nil {
				return nil, fmt.Errorf("missing mails of %s: %w", r.Line, err)
			}
			h.Missing, h.MissingCount = m.UIDs, m.Count
		}
		healths[i] = h
	}
	return healths, nil
}

// KeepHealths implements ticketing.Lines.
func (n nouns) KeepHealths(ctx context.Context, mailboxes []string) error {
	_, err := n.exec(ctx, "DELETE FROM healths WHERE NOT (?)", n.among("line", mailboxes))
	return err
}
