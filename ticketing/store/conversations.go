package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"guichet/ticketing"
)

// LockConversations implements ticketing.Conversations. A row that another transaction is inserting is waited for.
func (n nouns) LockConversations(ctx context.Context, keys []ticketing.ConversationKey, now time.Time) (map[ticketing.ConversationKey]ticketing.Conversation, error) {
	found := make(map[ticketing.ConversationKey]ticketing.Conversation, len(keys))
	rows := make([]ticketing.Conversation, 0, len(keys))
	for _, k := range keys {
		rows = append(rows, ticketing.Conversation{Channel: k.Channel, Line: k.Line, Number: k.Number, At: now})
	}
	slices.SortFunc(rows, func(a, b ticketing.Conversation) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Number, b.Number))
	})
	rows = slices.CompactFunc(rows, func(a, b ticketing.Conversation) bool { return a.Key() == b.Key() })
	if err := insert(ctx, n, rows, insertion{conflict: "DO NOTHING"}); err != nil {
		return nil, err
	}
	names := make([][]any, len(rows))
	for i, r := range rows {
		names[i] = []any{r.Channel, r.Line, r.Number}
	}
	var locked []ticketing.Conversation
	err := n.read(ctx, &locked, `SELECT * FROM conversations WHERE (channel, line, number) IN ?
		ORDER BY channel, line, number`+n.forUpdate(" FOR UPDATE"), names)
	for _, row := range locked {
		found[row.Key()] = row
	}
	return found, err
}

// SaveConversations implements ticketing.Conversations.
func (n nouns) SaveConversations(ctx context.Context, conversations []ticketing.Conversation) error {
	return put(ctx, n, conversations)
}

// PhoneOwners implements ticketing.Conversations.
func (n nouns) PhoneOwners(ctx context.Context, numbers []string) (map[string][]ticketing.PhoneOwner, error) {
	owners := make(map[string][]ticketing.PhoneOwner, len(numbers))
	if len(numbers) == 0 {
		return owners, nil
	}
	var rows []ticketing.PhoneOwner
	err := n.read(ctx, &rows, `SELECT * FROM (SELECT citizens.*, c.value, c.label,
			ROW_NUMBER() OVER (PARTITION BY c.value ORDER BY c.claims DESC, citizens.last_contact_at DESC, citizens.id) AS place
		FROM contacts c JOIN citizens ON citizens.id = c.citizen_id
		WHERE c.type = 'phone' AND citizens.merged_into IS NULL AND citizens.anonymised_at IS NULL AND ?) AS ranked WHERE place <= 10 ORDER BY value, place`,
		n.among("c.value", numbers))
	for _, r := range rows {
		list := owners[r.Value]
		if i := slices.IndexFunc(list, func(o ticketing.PhoneOwner) bool { return o.ID == r.ID }); i >= 0 { // a merge brought it twice
			list[i].Label = cmp.Or(list[i].Label, r.Label)
			continue
		}
		owners[r.Value] = append(list, r)
	}
	return owners, err
}

// SaveRefusals implements ticketing.Conversations.
func (n nouns) SaveRefusals(ctx context.Context, refusals []ticketing.Refusal) error {
	return insert(ctx, n, refusals, insertion{conflict: "DO NOTHING"})
}

// DropRefusal implements ticketing.Conversations.
func (n nouns) DropRefusal(ctx context.Context, channel, line, number string) error {
	_, err := n.exec(ctx, "DELETE FROM refusals WHERE channel = ? AND line = ? AND number = ?", channel, line, number)
	return err
}

// Refusals implements ticketing.Conversations.
func (n nouns) Refusals(ctx context.Context, numbers []string) (refusals []ticketing.Refusal, err error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	err = n.read(ctx, &refusals, "SELECT * FROM refusals WHERE ? ORDER BY number, channel, line", n.among("number", numbers))
	return refusals, err
}
