package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"guichet/ticketing"
)

// TownData implements ticketing.Towns.
func (n nouns) TownData(ctx context.Context) (town ticketing.TownData, err error) {
	for _, list := range []struct {
		into  any
		order string
	}{
		{&town.Departments, "position, code"},
		{&town.Motives, "position, code"},
		{&town.Rules, "position, code"},
		{&town.Templates, "code, language"},
		{&town.Lines, "position, name"},
	} {
		if err := n.orm.WithContext(ctx).Order(list.order).Find(list.into).Error; err != nil {
			return town, failed(err)
		}
	}
	if town.Hours, err = n.Setting(ctx, hoursSetting); err != nil && !errors.Is(err, ticketing.ErrNotFound) {
		return town, err
	}
	err = n.agents(ctx).Order("email").Find(&town.Agents).Error
	return town, failed(err)
}

// revision is the counter every change of the town raises.
const revision = "revision"

// Revision implements ticketing.Towns.
func (n nouns) Revision(ctx context.Context) (value int64, err error) {
	err = n.read(ctx, &value, "SELECT COALESCE(SUM(value), 0) FROM counters WHERE name = ?", revision)
	return value, err
}

// BumpRevision implements ticketing.Towns.
func (n nouns) BumpRevision(ctx context.Context) error {
	_, err := n.count(ctx, revision, 1)
	return err
}

// SaveDepartments implements ticketing.Towns.
func (n nouns) SaveDepartments(ctx context.Context, departments []ticketing.Department) error {
	return put(ctx, n, departments)
}

// SaveMotives implements ticketing.Towns.
func (n nouns) SaveMotives(ctx context.Context, motives []ticketing.Motive) error {
	return put(ctx, n, motives)
}

// SaveRules implements ticketing.Towns.
func (n nouns) SaveRules(ctx context.Context, rules []ticketing.Rule) error {
	return put(ctx, n, rules)
}

// SaveTemplates implements ticketing.Towns.
func (n nouns) SaveTemplates(ctx context.Context, templates []ticketing.Template) error {
	return put(ctx, n, templates)
}

// SaveLines implements ticketing.Towns.
func (n nouns) SaveLines(ctx context.Context, lines []ticketing.Line) error {
	return n.together(ctx, func(tx nouns) error {
		if err := put(ctx, tx, lines); err != nil {
			return err
		}
		names := make([]string, len(lines))
		for i, l := range lines {
			names[i] = l.Name
		}
		return failed(tx.orm.WithContext(ctx).Not(tx.among("name", names)).
			Where("NOT EXISTS (SELECT 1 FROM leases WHERE leases.name = 'mailbox:' || lines.name AND leases.held_until > ?)", n.db.now()).
			Delete(&ticketing.Line{}).Error)
	})
}

// hoursSetting keeps the opening hours.
const hoursSetting = "hours"

// SaveHours implements ticketing.Towns.
func (n nouns) SaveHours(ctx context.Context, hours string) error {
	return put(ctx, n, []setting{{Key: hoursSetting, Value: hours}})
}

// setting is a value kept for the town.
type setting struct {
	Key   string `gorm:"primaryKey"`
	Value string
}

// Setting implements ticketing.Towns.
func (n nouns) Setting(ctx context.Context, key string) (string, error) {
	s, err := one[setting](ctx, n, "key = ?", key)
	return s.Value, err
}

// SetSetting implements ticketing.Towns.
func (n nouns) SetSetting(ctx context.Context, key, value string) (string, error) {
	if err := insert(ctx, n, []setting{{Key: key, Value: value}}, insertion{conflict: "(key) DO NOTHING"}); err != nil {
		return "", err
	}
	return n.Setting(ctx, key)
}

func (n nouns) agents(ctx context.Context) *gorm.DB {
	inOrder := func(db *gorm.DB) *gorm.DB { return db.Order("agent_id, department") }
	return n.orm.WithContext(ctx).Preload("Memberships", inOrder)
}
