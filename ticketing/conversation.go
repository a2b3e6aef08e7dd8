package ticketing

import (
	"context"
	"slices"
	"time"

	"guichet/channels"
)

// Conversation is where a number and one of our lines last spoke: what comes from that number next belongs there.
type Conversation struct {
	Channel  string `gorm:"primaryKey"`
	Line     string `gorm:"primaryKey"` // of missed calls, the department they were for
	Number   string `gorm:"primaryKey"` // E.164
	TicketID *string
	At       time.Time
}

// ConversationKey names one.
type ConversationKey struct{ Channel, Line, Number string }

// Key gives its name.
func (c Conversation) Key() ConversationKey { return ConversationKey{c.Channel, c.Line, c.Number} }

// Refusal is a number that said STOP to a line: nothing goes there by itself any more. What an agent answers still does.
type Refusal struct {
	Channel string `gorm:"primaryKey"`
	Line    string `gorm:"primaryKey"`
	Number  string `gorm:"primaryKey"`
	At      time.Time
}

// ofText tells whether it is of the text messages of a line.
func (r Refusal) ofText(line Line) bool {
	return r.Channel == string(channels.SMS) && r.Line == line.Name
}

// saidStop tells whether a number refuses what a line texts by itself.
func saidStop(ctx context.Context, tx Nouns, line Line, number string) (bool, error) {
	refusals, err := tx.Refusals(ctx, []string{number})
	return slices.ContainsFunc(refusals, func(r Refusal) bool { return r.ofText(line) }), wrap("refusals", err)
}
