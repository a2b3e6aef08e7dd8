package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// AddDeliveries implements ticketing.Deliveries.
func (n nouns) AddDeliveries(ctx context.Context, deliveries []ticketing.Delivery) error {
	return insert(ctx, n, deliveries, insertion{})
}

// LeaseDeliveries implements ticketing.Deliveries. A text message waits for those of its ticket that were written before it and that
// have been tried or are due: nobody can tell on a telephone that the second came first.
func (n nouns) LeaseDeliveries(ctx context.Context, owner string, names []string, now, until time.Time, limit int) ([]ticketing.Delivery, error) {
	var leased []ticketing.Delivery
	err := n.read(ctx, &leased, `WITH due AS MATERIALIZED (
			SELECT id FROM deliveries
			WHERE state IN ('queued', 'sending') AND next_at <= ? AND (leased_until IS NULL OR leased_until <= ?) AND ?
				AND (channel <> 'sms' OR NOT EXISTS (SELECT 1 FROM deliveries AS before
					WHERE before.ticket_id = deliveries.ticket_id AND before.channel = 'sms' AND before.state IN ('queued', 'sending')
						AND (before.next_at <= ? OR before.attempts > 0)
						AND (before.created_at < deliveries.created_at OR before.created_at = deliveries.created_at AND before.id < deliveries.id)))
			ORDER BY next_at, id LIMIT ?`+n.forUpdate(" FOR UPDATE SKIP LOCKED")+`)
		UPDATE deliveries SET lease_owner = ?, leased_until = ? WHERE id IN (SELECT id FROM due) RETURNING *`,
		now, now, n.among("channel", names), now, limit, owner, until)
	slices.SortFunc(leased, func(a, b ticketing.Delivery) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	return leased, err
}

// SaveDelivery implements ticketing.Deliveries. A lease that has run out and that nobody has taken since is still held: what became
// of the attempt is better known than lost.
func (n nouns) SaveDelivery(ctx context.Context, owner string, d ticketing.Delivery, attempt *ticketing.Attempt) (saved bool, err error) {
	columns := []string{
		"state", "attempts", "uncertain", "next_at", "lease_owner", "leased_until", "attempting_since", "error", "external_id", "done_at",
	}
	err = n.together(ctx, func(tx nouns) error {
		var err error
		saved, err = update(ctx, tx, &d, columns, "id = ? AND lease_owner = ?", d.ID, owner)
		if err != nil || !saved || attempt == nil {
			return err
		}
		return insert(ctx, tx, []ticketing.Attempt{*attempt}, insertion{})
	})
	return saved && err == nil, err
}

// RequeueDelivery implements ticketing.Deliveries.
func (n nouns) RequeueDelivery(ctx context.Context, id string, now time.Time) (bool, error) {
	changed, err := n.exec(ctx, `UPDATE deliveries SET state = 'queued', next_at = ?, uncertain = 0, error = '', done_at = NULL,
			lease_owner = '', leased_until = NULL, attempting_since = NULL
		WHERE id = ? AND state IN ('failed', 'parked', 'bounced')`, now, id)
	return changed > 0, err
}

// DropLeases implements ticketing.Deliveries.
func (n nouns) DropLeases(ctx context.Context, owner string) error {
	_, err := n.exec(ctx, "UPDATE deliveries SET lease_owner = '', leased_until = NULL WHERE lease_owner <> '' AND lease_owner <> ?", owner)
	if err != nil {
		return err
	}
	_, err = n.exec(ctx, "UPDATE leases SET owner = '', held_until = ? WHERE owner <> '' AND owner <> ?", n.db.now(), owner)
	return err
}

// Attempts implements ticketing.Deliveries.
func (n nouns) Attempts(ctx context.Context, deliveryIDs []string) (attempts []ticketing.Attempt, err error) {
	err = n.orm.WithContext(ctx).Where(n.among("delivery_id", deliveryIDs)).Order("delivery_id, number").Find(&attempts).Error
	return attempts, failed(err)
}

// Acknowledgements implements ticketing.Deliveries. A machine writes to one address at a time: the first of To counts. SQLite has one
// writer; on PostgreSQL each address has a lock, taken in one order.
func (n nouns) Acknowledgements(ctx context.Context, addresses []string, since time.Time) (map[string][]ticketing.Acknowledgement, error) {
	sent := make(map[string][]ticketing.Acknowledgement, len(addresses))
	if len(addresses) == 0 {
		return sent, nil
	}
	recipient := `json_extract(nullif(m."to", ''), '$[0].value')` // as messages_acknowledged has it
	if n.db.engine == PostgreSQL {
		recipient = `(nullif(m."to", '')::jsonb -> 0 ->> 'value')`
		if n.tx {
			_, err := n.exec(ctx, `SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(address, ?) AS key
				FROM unnest(?::text[]) AS address ORDER BY 1) AS keys`, acknowledgementLocks, array(addresses))
			if err != nil {
				return sent, err
			}
		}
	}
	var rows []struct {
		Address string
		ticketing.Acknowledgement
	}
	err := n.read(ctx, &rows, "SELECT "+recipient+` AS address, m.at, COALESCE(d.state, '') AS state, COALESCE(d.error, '') AS error
		FROM messages m LEFT JOIN deliveries d ON d.message_id = m.id
		WHERE m.direction = 'out' AND m.automatic <> '' AND m.at >= ? AND ? ORDER BY m.at, m.id`, since, n.among(recipient, addresses))
	for _, r := range rows {
		sent[r.Address] = append(sent[r.Address], r.Acknowledgement)
	}
	return sent, err
}

// acknowledgementLocks keeps the locks of addresses apart from other advisory locks.
const acknowledgementLocks = 112_11

// Bounce implements ticketing.Deliveries. It takes the lease of whoever may be sending: what he has to say came before.
func (n nouns) Bounce(ctx context.Context, messageID, words string, at time.Time) (bool, error) {
	changed, err := n.exec(ctx, `UPDATE deliveries SET state = 'bounced', error = ?, done_at = ?, lease_owner = '', leased_until = NULL, attempting_since = NULL
		WHERE message_id = ? AND state <> 'bounced'`, clean(words), at, messageID)
	return changed > 0, err
}

// Progress implements ticketing.Deliveries. What the provider says may come before the sender has written down that it was accepted,
// so it ends the lease: the sender has nothing newer to say.
func (n nouns) Progress(ctx context.Context, p channels.Progress) (ticketing.Delivery, bool, error) {
	lower := map[channels.ProgressState]string{
		channels.ProgressSent:      "state IN ('queued', 'sending', 'parked')",
		channels.ProgressFailed:    "state IN ('queued', 'sending', 'parked', 'sent')",
		channels.ProgressDelivered: "state IN ('queued', 'sending', 'parked', 'sent')",
	}[p.State]
	if lower == "" || p.MessageID == "" && p.ExternalID == "" {
		return ticketing.Delivery{}, false, nil
	}
	which, name := "external_id = ?", p.ExternalID
	if p.MessageID != "" {
		which, name = "message_id = ?", p.MessageID
	}
	var rows []ticketing.Delivery
	err := n.read(ctx, &rows, `UPDATE deliveries SET state = ?, error = ?, external_id = CASE WHEN external_id = '' THEN ? ELSE external_id END,
			done_at = ?, lease_owner = '', leased_until = NULL, attempting_since = NULL
		WHERE channel = ? AND `+which+` AND `+lower+` RETURNING *`,
		string(p.State), clean(strings.TrimSpace(p.Code+" "+p.Reason)), p.ExternalID, p.At, string(p.Channel), name)
	if err != nil || len(rows) == 0 {
		return ticketing.Delivery{}, false, err
	}
	return rows[0], true, nil
}

// OutboxFigures implements ticketing.Deliveries.
func (n nouns) OutboxFigures(ctx context.Context) (ticketing.OutboxFigures, error) {
	figures := ticketing.OutboxFigures{ByState: map[ticketing.DeliveryState]int{}}
	var rows []struct {
		State ticketing.DeliveryState
		Count int
	}
	err := n.read(ctx, &rows, "SELECT state, COUNT(*) AS count FROM deliveries WHERE state IN ('queued', 'sending', 'failed', 'parked') GROUP BY state")
	if err != nil {
		return figures, err
	}
	for _, r := range rows {
		figures.ByState[r.State] = r.Count
	}
	var next []ticketing.Delivery
	err = n.read(ctx, &next, "SELECT next_at FROM deliveries WHERE state IN ('queued', 'sending') ORDER BY next_at, id LIMIT 1")
	if len(next) > 0 {
		figures.OldestDue = &next[0].NextAt
	}
	return figures, err
}
