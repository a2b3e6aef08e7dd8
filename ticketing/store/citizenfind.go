package store

import (
	"context"
	"strings"

	"guichet/routing/words"
	"guichet/ticketing"
)

// SearchCitizens implements ticketing.Citizens.
func (n nouns) SearchCitizens(ctx context.Context, q ticketing.CitizenSearch) (citizens []ticketing.Citizen, err error) {
	search := wholeRecord(n.orm.WithContext(ctx)).Where("merged_into IS NULL AND anonymised_at IS NULL")
	if q.Contact != "" {
		search = search.Where("id IN (SELECT citizen_id FROM contacts WHERE value = ?)", clean(q.Contact))
	} else {
		asked := strings.Fields(words.Fold(clean(q.Words)))
		if len(asked) == 0 {
			return nil, nil
		}
		for _, word := range asked[:min(len(asked), maxWords)] {
			search = search.Where("search LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(word)+"%")
		}
	}
	// Whom nobody has heard of comes last, on both engines.
	err = search.Order("last_contact_at IS NULL, last_contact_at DESC, id DESC").Limit(q.Limit).Find(&citizens).Error
	return citizens, failed(err)
}
