package store

import (
	"context"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// AddMessages implements ticketing.Messages.
func (n nouns) AddMessages(ctx context.Context, messages []ticketing.Message) error {
	return insert(ctx, n, messages, insertion{})
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

// MoveMessages implements ticketing.Messages.
func (n nouns) MoveMessages(ctx context.Context, ids []string, ticketID string) error {
	return n.together(ctx, func(tx nouns) error {
		if _, err := tx.exec(ctx, "UPDATE messages SET ticket_id = ? WHERE ?", ticketID, tx.among("id", ids)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "UPDATE deliveries SET ticket_id = ? WHERE ?", ticketID, tx.among("message_id", ids))
		return err
	})
}
