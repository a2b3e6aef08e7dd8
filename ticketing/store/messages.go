package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// AddMessages implements ticketing.Messages.
func (n nouns) AddMessages(ctx context.Context, messages []ticketing.Message) error {
	if err := insert(ctx, n, messages, insertion{}); err != nil {
		return err
	}
	return n.queueMessages(ctx, messages)
}

// AddAttachments implements ticketing.Messages.
func (n nouns) AddAttachments(ctx context.Context, attachments []ticketing.Attachment) error {
	return insert(ctx, n, attachments, insertion{})
}

// TicketsOfMessages implements ticketing.Messages.
func (n nouns) TicketsOfMessages(ctx context.Context, channel string, externalIDs []string) (filed []ticketing.FiledUnder, err error) {
	if len(externalIDs) == 0 {
		return nil, nil
	}
	err = n.read(ctx, &filed, "SELECT external_id, ticket_id, id AS message_id, direction FROM messages WHERE external_id <> '' AND ? AND channel = ? ORDER BY id",
		n.among("external_id", externalIDs), channel)
	return filed, err
}

// MessagesOf implements ticketing.Messages.
func (n nouns) MessagesOf(ctx context.Context, ticketID string) (messages []ticketing.Message, err error) {
	err = n.wholeMessages(ctx).Where("ticket_id = ?", ticketID).Order("at, id").Find(&messages).Error
	return messages, failed(err)
}

// Message implements ticketing.Messages.
func (n nouns) Message(ctx context.Context, id string) (m ticketing.Message, err error) {
	err = n.wholeMessages(ctx).Where("id = ?", id).Take(&m).Error
	return m, failed(err)
}

func (n nouns) wholeMessages(ctx context.Context) *gorm.DB {
	inOrder := func(db *gorm.DB) *gorm.DB { return db.Order("position, id") }
	return n.orm.WithContext(ctx).Preload("Attachments", inOrder).Preload("Delivery")
}

// Attachment implements ticketing.Messages.
func (n nouns) Attachment(ctx context.Context, id string) (ticketing.Attachment, error) {
	return one[ticketing.Attachment](ctx, n, "id = ?", id)
}

// LeaseFetches implements ticketing.Messages.
func (n nouns) LeaseFetches(ctx context.Context, now, until time.Time, limit int) (leased []ticketing.Attachment, err error) {
	err = n.read(ctx, &leased, `WITH due AS MATERIALIZED (
			SELECT id FROM attachments WHERE fetch_at <= ? ORDER BY fetch_at LIMIT ?`+n.forUpdate(" FOR UPDATE SKIP LOCKED")+`)
		UPDATE attachments SET fetch_at = ?, fetches = fetches + 1 WHERE id IN (SELECT id FROM due) RETURNING *`, now, limit, until)
	return leased, err
}

// SaveFetch implements ticketing.Messages.
func (n nouns) SaveFetch(ctx context.Context, a ticketing.Attachment) (bool, error) {
	columns := []string{"name", "type", "size", "sha256", "source", "fetch_at"}
	return update(ctx, n, &a, columns, "id = ? AND fetch_at IS NOT NULL AND fetches = ?", a.ID, a.Fetches)
}

// DropFetch implements ticketing.Messages.
func (n nouns) DropFetch(ctx context.Context, a ticketing.Attachment, warning string) (dropped bool, err error) {
	err = n.together(ctx, func(tx nouns) error {
		changed, err := tx.exec(ctx, "DELETE FROM attachments WHERE id = ? AND fetch_at IS NOT NULL AND fetches = ?", a.ID, a.Fetches)
		if dropped = changed > 0; err != nil || !dropped {
			return err
		}
		var m ticketing.Message
		if err := tx.read(ctx, &m, "SELECT * FROM messages WHERE id = ?"+n.forUpdate(" FOR UPDATE"), a.MessageID); err != nil {
			return err
		}
		m.Warnings = append(m.Warnings, warning)
		_, err = update(ctx, tx, &m, []string{"warnings"}, "id = ?", m.ID)
		return err
	})
	return dropped && err == nil, err
}

// MoveMessages implements ticketing.Messages.
func (n nouns) MoveMessages(ctx context.Context, ids []string, ticketID string) error {
	return n.together(ctx, func(tx nouns) error {
		if _, err := tx.exec(ctx, "UPDATE messages SET ticket_id = ? WHERE ?", ticketID, tx.among("id", ids)); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "UPDATE search_documents SET ticket_id = ? WHERE ?", ticketID, tx.among("message_id", ids)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "UPDATE deliveries SET ticket_id = ? WHERE ?", ticketID, tx.among("message_id", ids))
		return err
	})
}
