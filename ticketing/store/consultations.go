package store

import (
	"context"
	"strings"
	"time"

	"guichet/routing/words"
	"guichet/ticketing"
)

// AddConsultation implements ticketing.Consultations.
func (n nouns) AddConsultation(ctx context.Context, c ticketing.Consultation, since time.Time) error {
	_, err := n.exec(ctx, `INSERT INTO consultations (at, agent_id, page, citizen_id, ticket_id, purpose, digest)
		SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM consultations WHERE agent_id = ? AND at > ? AND at <= ?
			AND page = ? AND citizen_id = ? AND ticket_id = ? AND purpose = ?)`,
		c.At, c.AgentID, c.Page, c.CitizenID, c.TicketID, c.Purpose, c.Digest, c.AgentID, since, c.At, c.Page, c.CitizenID, c.TicketID, c.Purpose)
	return err
}

// ListConsultations implements ticketing.Consultations.
func (n nouns) ListConsultations(ctx context.Context, q ticketing.ConsultationQuery) (rows []ticketing.Consultation, err error) {
	where := &conditions{terms: []string{"1 = 1"}}
	if q.Citizen != "" {
		where.add(`citizen_id IN (WITH RECURSIVE whole (id) AS (SELECT id FROM citizens WHERE id = ? UNION
			SELECT c.id FROM citizens c JOIN whole w ON c.merged_into = w.id) SELECT id FROM whole)`, q.Citizen)
	}
	for i, word := range strings.Fields(words.Fold(clean(q.Name))) {
		if i == maxWords {
			break
		}
		where.add("citizen_id IN (SELECT id FROM citizens WHERE search LIKE ? ESCAPE '!')",
			"%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(word)+"%")
	}
	if q.Agent != "" {
		where.add("agent_id = ?", q.Agent)
	}
	if q.Ticket != "" {
		where.add("ticket_id = ?", q.Ticket)
	}
	if q.After != nil {
		where.add("at >= ?", *q.After)
	}
	if q.Before != nil {
		where.add("at < ?", *q.Before)
	}
	if q.Below > 0 {
		where.add("id < ?", q.Below)
	}
	err = n.read(ctx, &rows, "SELECT * FROM consultations WHERE "+strings.Join(where.terms, " AND ")+" ORDER BY id DESC LIMIT ?",
		append(where.args, q.Limit)...)
	return rows, err
}

// LastSeal implements ticketing.Consultations.
func (n nouns) LastSeal(ctx context.Context) (s ticketing.Seal, err error) {
	lock := ""
	if n.tx {
		lock = n.forUpdate(" FOR UPDATE")
	}
	err = n.read(ctx, &s, "SELECT * FROM seals ORDER BY number DESC LIMIT 1"+lock)
	return s, err
}

// PutUnderSeal implements ticketing.Consultations. A row of a transaction that is still open is not seen, and has its turn later.
func (n nouns) PutUnderSeal(ctx context.Context, number int64, limit int) (rows []ticketing.Consultation, err error) {
	_, err = n.exec(ctx, "UPDATE consultations SET seal = ? WHERE id IN (SELECT id FROM consultations WHERE seal = 0 ORDER BY id LIMIT ?)",
		number, limit)
	if err != nil {
		return nil, err
	}
	return n.SealedConsultations(ctx, number-1, number)
}

// AddSeal implements ticketing.Consultations.
func (n nouns) AddSeal(ctx context.Context, s ticketing.Seal) error {
	return insert(ctx, n, []ticketing.Seal{s}, insertion{})
}

// Seals implements ticketing.Consultations.
func (n nouns) Seals(ctx context.Context, after int64, limit int) (seals []ticketing.Seal, err error) {
	err = n.orm.WithContext(ctx).Where("number > ?", after).Order("number").Limit(limit).Find(&seals).Error
	return seals, failed(err)
}

// SealedConsultations implements ticketing.Consultations.
func (n nouns) SealedConsultations(ctx context.Context, after, upTo int64) (rows []ticketing.Consultation, err error) {
	err = n.orm.WithContext(ctx).Where("seal > ? AND seal <= ?", after, upTo).Order("seal, id").Find(&rows).Error
	return rows, failed(err)
}

// CountUnsealed implements ticketing.Consultations.
func (n nouns) CountUnsealed(ctx context.Context, last int64) (unsealed, stray int64, err error) {
	if err = n.read(ctx, &unsealed, "SELECT COUNT(*) FROM consultations WHERE seal = 0"); err != nil {
		return 0, 0, err
	}
	err = n.read(ctx, &stray, "SELECT COUNT(*) FROM consultations WHERE seal > ? OR seal < 0", last)
	return unsealed, stray, err
}

// PruneSeals implements ticketing.Consultations.
func (n nouns) PruneSeals(ctx context.Context, upTo int64, now time.Time) error {
	return n.together(ctx, func(tx nouns) error {
		if _, err := tx.exec(ctx, "DELETE FROM consultations WHERE seal > 0 AND seal <= ?", upTo); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM seals WHERE number < ?", upTo); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "UPDATE seals SET pruned_at = ? WHERE number = ?", now, upTo)
		return err
	})
}

// AddOpening implements ticketing.Consultations.
func (n nouns) AddOpening(ctx context.Context, o ticketing.Opening) error {
	return insert(ctx, n, []ticketing.Opening{o}, insertion{})
}

// DropOpenings implements ticketing.Consultations.
func (n nouns) DropOpenings(ctx context.Context, before time.Time) error {
	_, err := n.exec(ctx, "DELETE FROM openings WHERE until <= ?", before)
	return err
}

// OpenedBy implements ticketing.Consultations.
func (n nouns) OpenedBy(ctx context.Context, agentID string, now time.Time) (openings []ticketing.Opening, err error) {
	err = n.orm.WithContext(ctx).Where("agent_id = ? AND until > ?", agentID, now).Order("at, id").Find(&openings).Error
	return openings, failed(err)
}

// OpeningsSince implements ticketing.Consultations.
func (n nouns) OpeningsSince(ctx context.Context, departments []string, since time.Time, limit int) (openings []ticketing.Opening, err error) {
	err = n.orm.WithContext(ctx).Where("at >= ? AND ?", since, n.among("department", departments)).Order("at DESC, id").Limit(limit).Find(&openings).Error
	return openings, failed(err)
}
