package store

import (
	"context"
	"strings"

	"guichet/ticketing"
)

// HoldCitizens implements ticketing.Merges.
func (n nouns) HoldCitizens(ctx context.Context, ids []string) (citizens []ticketing.Citizen, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = n.locks("KEY SHARE").WithContext(ctx).Where(n.among("id", ids)).Order("id").Find(&citizens).Error
	return citizens, failed(err)
}

// AddMerge implements ticketing.Merges.
func (n nouns) AddMerge(ctx context.Context, m ticketing.Merge) error {
	return insert(ctx, n, []ticketing.Merge{m}, insertion{})
}

// SaveMerge implements ticketing.Merges.
func (n nouns) SaveMerge(ctx context.Context, m ticketing.Merge) error {
	_, err := update(ctx, n, &m, []string{"before", "undone_at", "undone_by", "undo_reason"}, "id = ?", m.ID)
	return err
}

// Merge implements ticketing.Merges.
func (n nouns) Merge(ctx context.Context, id string) (ticketing.Merge, error) {
	return one[ticketing.Merge](ctx, n, "id = ?", id)
}

// MergesInto implements ticketing.Merges.
func (n nouns) MergesInto(ctx context.Context, citizenIDs []string) (merges []ticketing.Merge, err error) {
	err = n.orm.WithContext(ctx).Where(n.among("into_id", citizenIDs)).Where("undone_at IS NULL").Order("id").Find(&merges).Error
	return merges, failed(err)
}

// MergesOf implements ticketing.Merges.
func (n nouns) MergesOf(ctx context.Context, citizenID string) (merges []ticketing.Merge, err error) {
	err = n.orm.WithContext(ctx).Where("into_id = ? OR from_id = ?", citizenID, citizenID).Order("at DESC, id DESC").Limit(200).Find(&merges).Error
	return merges, failed(err)
}

// owned are the columns that say whose a row is. A relation has two ends, which move by themselves.
func owned() []struct{ noun, table, column string } {
	return []struct{ noun, table, column string }{
		{"ticket", "tickets", "citizen_id"},
		{"call", "calls", "citizen_id"},
		{"contact", "contacts", "citizen_id"},
		{"address", "addresses", "citizen_id"},
		{"note", "citizen_notes", "citizen_id"},
		{"relation_from", "relations", "from_id"},
		{"relation_to", "relations", "to_id"},
	}
}

// MoveRows implements ticketing.Merges.
func (n nouns) MoveRows(ctx context.Context, m ticketing.Merge) (moved []ticketing.MovedTicket, err error) {
	for _, o := range owned() {
		if _, err := n.exec(ctx, "INSERT INTO merge_moves (merge_id, noun, row_id) SELECT ?, ?, r.id FROM "+o.table+" r WHERE r."+o.column+
			" = ? AND NOT EXISTS (SELECT 1 FROM merge_moves k WHERE k.row_id = r.id AND k.noun = ?)", m.ID, o.noun, m.FromID, o.noun); err != nil {
			return nil, err
		}
		if o.noun == "ticket" {
			moved, err = n.moveTickets(ctx, m.IntoID, "citizen_id = ?", m.FromID)
		} else {
			_, err = n.exec(ctx, "UPDATE "+o.table+" SET "+o.column+" = ? WHERE "+o.column+" = ?", m.IntoID, m.FromID)
		}
		if err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// ReturnRows implements ticketing.Merges.
func (n nouns) ReturnRows(ctx context.Context, m ticketing.Merge, standing []string, holder string) (moved []ticketing.MovedTicket, err error) {
	for _, o := range owned() {
		own := o.column + " = ? AND id IN (SELECT row_id FROM merge_moves WHERE noun = ? AND ?)"
		args := []any{holder, o.noun, n.among("merge_id", standing)}
		if o.noun == "ticket" {
			moved, err = n.moveTickets(ctx, m.FromID, own, args...)
		} else {
			_, err = n.exec(ctx, "UPDATE "+o.table+" SET "+o.column+" = ? WHERE "+own, append([]any{m.FromID}, args...)...)
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = n.exec(ctx, "DELETE FROM merge_moves WHERE merge_id = ?", m.ID)
	return moved, err
}

// moveTickets gives tickets to another record. They are locked in the order of their ids, as everywhere.
func (n nouns) moveTickets(ctx context.Context, to, where string, args ...any) (moved []ticketing.MovedTicket, err error) {
	err = n.read(ctx, &moved, "WITH moving AS (SELECT id FROM tickets WHERE "+where+" ORDER BY id"+n.forUpdate(" FOR NO KEY UPDATE")+
		") UPDATE tickets SET citizen_id = ?, version = version + 1 WHERE id IN (SELECT id FROM moving) RETURNING id, department", append(args, to)...)
	return moved, err
}

// Settle implements ticketing.Merges.
func (n nouns) Settle(ctx context.Context, ticketID string) error {
	_, err := n.exec(ctx, `DELETE FROM merge_moves WHERE row_id = ? AND noun = 'ticket'
		OR row_id IN (SELECT id FROM calls WHERE ticket_id = ?) AND noun = 'call'`, ticketID, ticketID)
	return err
}

// Belongings implements ticketing.Merges.
func (n nouns) Belongings(ctx context.Context, scope ticketing.TicketScope, departments []string, citizenID string) (ticketing.Belongings, error) {
	var b ticketing.Belongings
	where := &conditions{}
	n.visible(where, ticketing.TicketQuery{Scope: scope}, func(name string) string { return "t." + name })
	where.add("t.citizen_id = ?", citizenID)
	for _, c := range []struct {
		into *int
		from string
		args []any
	}{
		{&b.Tickets, "tickets t WHERE " + strings.Join(where.terms, " AND "), where.args},
		{&b.Calls, "calls WHERE citizen_id = ? AND ?", []any{citizenID, n.among("department", scope.Departments)}},
		{&b.Contacts, "contacts WHERE citizen_id = ?", []any{citizenID}},
		{&b.Addresses, "addresses WHERE citizen_id = ?", []any{citizenID}},
		{&b.Relations, "relations WHERE from_id = ? OR to_id = ?", []any{citizenID, citizenID}},
		{&b.Notes, "citizen_notes WHERE citizen_id = ? AND (department = '' OR ?)", []any{citizenID, n.among("department", departments)}},
		{&b.Refusals, "channel_refusals WHERE citizen_id = ?", []any{citizenID}},
	} {
		if err := n.read(ctx, c.into, "SELECT COUNT(*) FROM "+c.from, c.args...); err != nil {
			return b, err
		}
	}
	return b, nil
}

// AddDistinct implements ticketing.Merges.
func (n nouns) AddDistinct(ctx context.Context, d ticketing.Distinct) error {
	d.OneID, d.OtherID = min(d.OneID, d.OtherID), max(d.OneID, d.OtherID)
	return insert(ctx, n, []ticketing.Distinct{d}, insertion{conflict: "DO NOTHING"})
}

// DistinctFrom implements ticketing.Merges.
func (n nouns) DistinctFrom(ctx context.Context, citizenIDs []string) (others []string, err error) {
	err = n.read(ctx, &others, "SELECT other_id FROM distincts WHERE ? UNION SELECT one_id FROM distincts WHERE ?",
		n.among("one_id", citizenIDs), n.among("other_id", citizenIDs))
	return others, err
}

// Alike implements ticketing.Merges. Each trait is looked up in an index of its own, so that a common one cannot hide the others.
func (n nouns) Alike(ctx context.Context, t ticketing.Traits, limit int) (found []ticketing.Citizen, err error) {
	var ids []string
	for _, trait := range []struct {
		id, table, column string
		values            []string
	}{
		{"citizen_id", "contacts", "value", t.Contacts},
		{"id", "citizens", "sounds", t.Sounds},
		{"id", "citizens", "usage_sounds", t.Sounds},
		{"id", "citizens", "birth_date", t.BirthDates},
		{"id", "citizens", "siren", t.SIRENs},
		{"id", "citizens", "rna", t.RNAs},
		{"citizen_id", "addresses", "search", t.Places},
	} {
		if len(trait.values) == 0 {
			continue
		}
		var some []string
		living := ""
		if trait.table == "citizens" {
			living = trait.column + " <> '' AND merged_into IS NULL AND anonymised_at IS NULL AND "
		}
		if err := n.read(ctx, &some, "SELECT "+trait.id+" FROM "+trait.table+" WHERE "+living+"? LIMIT ?", n.among(trait.column, trait.values), limit); err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	err = wholeRecord(n.orm.WithContext(ctx)).Where(n.among("id", ids)).Where("merged_into IS NULL AND anonymised_at IS NULL").Order("id").Find(&found).Error
	return found, failed(err)
}
