package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"guichet/ticketing"
)

// AddOriginals implements ticketing.Originals.
func (n nouns) AddOriginals(ctx context.Context, originals []ticketing.Original) (map[ticketing.OriginalKey]bool, error) {
	sorted := slices.SortedStableFunc(slices.Values(originals), func(a, b ticketing.Original) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Key, b.Key))
	})
	added := make(map[ticketing.OriginalKey]bool, len(sorted))
	how := insertion{conflict: "(channel, key) DO NOTHING", returning: "channel, key"}
	err := insertReturning(ctx, n, sorted, how, func(row *sql.Rows) error {
		var k ticketing.OriginalKey
		if err := row.Scan(&k.Channel, &k.Key); err != nil {
			return err
		}
		added[k] = true
		return nil
	})
	return added, err
}

// AddCopies implements ticketing.Originals.
func (n nouns) AddCopies(ctx context.Context, copies []ticketing.Copy) error {
	sorted := slices.SortedStableFunc(slices.Values(copies), func(a, b ticketing.Copy) int {
		return cmp.Or(cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.UIDValidity, b.UIDValidity), cmp.Compare(a.UID, b.UID))
	})
	return insert(ctx, n, sorted, insertion{conflict: "DO NOTHING"})
}

// CopiesOf implements ticketing.Originals.
func (n nouns) CopiesOf(ctx context.Context, mailbox string, uidValidity uint32) ([]uint32, error) {
	var uids []uint32
	err := n.read(ctx, &uids, "SELECT uid FROM copies WHERE mailbox = ? AND uid_validity = ? ORDER BY uid", mailbox, uidValidity)
	return uids, err
}

// CopyTimes implements ticketing.Originals.
func (n nouns) CopyTimes(ctx context.Context, mailbox string, limit int) ([]time.Time, error) {
	var rows []struct{ At time.Time }
	err := n.read(ctx, &rows, "SELECT at FROM copies WHERE mailbox = ? ORDER BY at DESC LIMIT ?", mailbox, limit)
	times := make([]time.Time, len(rows))
	for i, r := range rows {
		times[i] = r.At
	}
	return times, err
}

// QuarantinedCopies implements ticketing.Originals.
func (n nouns) QuarantinedCopies(ctx context.Context, mailbox string, uidValidity uint32) (map[uint32]string, error) {
	var rows []struct {
		UID    uint32
		Reason string
	}
	err := n.read(ctx, &rows, `SELECT c.uid, o.reason FROM originals o JOIN copies c ON c.channel = o.channel AND c.key = o.key
		WHERE o.state = 'quarantined' AND c.mailbox = ? AND c.uid_validity = ?`, mailbox, uidValidity)
	reasons := make(map[uint32]string, len(rows))
	for _, r := range rows {
		reasons[r.UID] = r.Reason
	}
	return reasons, err
}

// TicketsOfOriginals implements ticketing.Originals.
func (n nouns) TicketsOfOriginals(ctx context.Context, keys []ticketing.OriginalKey) (map[ticketing.OriginalKey]string, error) {
	byChannel := map[string][]string{}
	for _, k := range keys {
		byChannel[k.Channel] = append(byChannel[k.Channel], k.Key)
	}
	filed := make(map[ticketing.OriginalKey]string, len(keys))
	for channel, keys := range byChannel {
		var rows []struct{ Key, TicketID string }
		err := n.read(ctx, &rows, "SELECT o.key, m.ticket_id FROM originals o JOIN messages m ON m.original_id = o.id WHERE o.channel = ? AND ?",
			channel, n.among("o.key", keys))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			filed[ticketing.OriginalKey{Channel: channel, Key: r.Key}] = r.TicketID
		}
	}
	return filed, nil
}

// Original implements ticketing.Originals.
func (n nouns) Original(ctx context.Context, id string) (ticketing.Original, error) {
	return one[ticketing.Original](ctx, n, "id = ?", id)
}

// LockOriginal implements ticketing.Originals.
func (n nouns) LockOriginal(ctx context.Context, id string) (o ticketing.Original, err error) {
	err = failed(n.locking().WithContext(ctx).Where("id = ?", id).Take(&o).Error)
	return o, err
}

// SaveOriginal implements ticketing.Originals.
func (n nouns) SaveOriginal(ctx context.Context, o ticketing.Original) error {
	saved, err := update(ctx, n, &o, []string{"state", "reason", "error"}, "id = ?", o.ID)
	if err == nil && !saved {
		return ticketing.ErrNotFound
	}
	return err
}

// Quarantined implements ticketing.Originals. It walks originals_quarantined.
func (n nouns) Quarantined(ctx context.Context, q ticketing.HeldQuery) (list []ticketing.Original, err error) {
	where := n.held(q)
	if q.After != nil {
		where.add("(received_at, id) < (?, ?)", q.After.At, q.After.ID)
	}
	if q.Limit <= 0 {
		q.Limit = pageSize
	}
	err = n.read(ctx, &list, "SELECT id, channel, key, line, substr(raw, 1, ?) AS raw, sha256, size, state, reason, error, received_at, created_at FROM originals WHERE "+
		strings.Join(where.terms, " AND ")+" ORDER BY received_at DESC, id DESC LIMIT ?",
		append(append([]any{ticketing.HeadSize}, where.args...), q.Limit)...)
	return list, err
}

// CountQuarantined implements ticketing.Originals.
func (n nouns) CountQuarantined(ctx context.Context, q ticketing.HeldQuery) (count int, err error) {
	where := n.held(q)
	err = n.read(ctx, &count, "SELECT COUNT(*) FROM originals WHERE "+strings.Join(where.terms, " AND "), where.args...)
	return count, err
}

// held is the condition of what waits in quarantine.
func (n nouns) held(q ticketing.HeldQuery) *conditions {
	where := &conditions{}
	where.add("state = 'quarantined'")
	if q.Lines != nil {
		where.add("?", n.among("line", q.Lines))
	}
	return where
}
