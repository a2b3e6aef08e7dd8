package ticketing

import "time"

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
