package store

import (
	"context"
	"time"

	"guichet/ticketing"
)

// CountViews implements ticketing.Tickets.
func (n nouns) CountViews(ctx context.Context, scope ticketing.TicketScope, agentID string, now time.Time) (ticketing.ViewCounts, error) {
	counts := ticketing.ViewCounts{Queued: make(map[string]int, len(scope.Departments))}
	for _, d := range scope.Departments {
		counts.Queued[d] = 0
	}
	var queued []struct {
		Department string
		Count      int
	}
	err := n.read(ctx, &queued, "SELECT department, COUNT(*) AS count FROM tickets WHERE "+inQueue+" AND ? GROUP BY department",
		now, n.among("department", scope.Departments))
	if err != nil {
		return counts, err
	}
	for _, q := range queued {
		counts.Queued[q.Department] = q.Count
	}

	var mine []struct {
		Status ticketing.Status
		Count  int
	}
	err = n.read(ctx, &mine, "SELECT status, COUNT(*) AS count FROM tickets WHERE assignee_id = ? AND status <> 'closed' GROUP BY status", agentID)
	for _, m := range mine {
		switch m.Status {
		case ticketing.StatusOpen:
			counts.Mine = m.Count
		case ticketing.StatusWaiting:
			counts.Waiting = m.Count
		}
	}
	return counts, err
}

// QueueFigures implements ticketing.Tickets. A department without any tickets is not in it.
func (n nouns) QueueFigures(ctx context.Context, now time.Time) (map[string]ticketing.QueueFigures, error) {
	hourAgo := now.Add(-time.Hour)
	figures := map[string]ticketing.QueueFigures{}
	for _, part := range []struct {
		where string
		args  []any
		note  func(f *ticketing.QueueFigures, count int, since *time.Time)
	}{
		{inQueue, []any{now}, func(f *ticketing.QueueFigures, count int, since *time.Time) {
			f.Waiting, f.OldestSince = count, since
		}},
		{open, nil, func(f *ticketing.QueueFigures, count int, _ *time.Time) { f.Claimed = count }},
		{"status <> 'closed' AND due_at < ?", []any{now}, func(f *ticketing.QueueFigures, count int, _ *time.Time) { f.Overdue = count }},
		{"received_at > ?", []any{hourAgo}, func(f *ticketing.QueueFigures, count int, _ *time.Time) { f.Arrivals1h = count }},
		{"closed_at > ?", []any{hourAgo}, func(f *ticketing.QueueFigures, count int, _ *time.Time) { f.Closed1h = count }},
	} {
		var rows []struct {
			Department string
			Count      int
			Since      moment `gorm:"type:time"`
		}
		// The + keeps SQLite from walking a department's tickets to spare itself the grouping.
		err := n.read(ctx, &rows, "SELECT department, COUNT(*) AS count, MIN(queued_at) AS since FROM tickets WHERE "+part.where+
			" GROUP BY "+n.unindexed("department"), part.args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			f := figures[r.Department]
			part.note(&f, r.Count, r.Since.at)
			figures[r.Department] = f
		}
	}
	return figures, nil
}

// unindexed is a column SQLite must not choose an index by.
func (n nouns) unindexed(column string) string {
	if n.db.engine == SQLite {
		return "+" + column
	}
	return column
}
