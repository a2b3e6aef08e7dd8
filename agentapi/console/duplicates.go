package console

import (
	"errors"

	"guichet/ticketing"
)

// likenessLine is a record that may be the same person's, with how likely that is and why.
type likenessLine struct {
	ticketing.Citizen
	Of           string // the record it is like
	Strength     string // one of strengths
	For, Against []string
}

// strengths lists how likely two records are the same person's, in words.
func strengths() []string { return []string{"very_likely", "likely", "possible"} }

// strength is the word for a score: two pieces of evidence that seldom meet by chance, one, or less.
func strength(score int) string {
	switch {
	case score >= 80:
		return "very_likely"
	case score >= 50:
		return "likely"
	}
	return "possible"
}

func lineOf(l ticketing.Likeness, of string) likenessLine {
	line := likenessLine{Citizen: l.Citizen.WithoutTwins(), Of: of, Strength: strength(l.Score)}
	for _, reason := range l.Reasons {
		if ticketing.SpeaksAgainst(reason) {
			line.Against = append(line.Against, reason)
		} else {
			line.For = append(line.For, reason)
		}
	}
	return line
}

// alikeAtOnce is how many possible duplicates a record's page shows unfolded.
const alikeAtOnce = 3

// twins reads which records may be the same person's as this one, and whether some are part of it.
func (c *Console) twins(r *request, b *citizenBody) error {
	ctx := r.Request.Context()
	found, err := c.reader.Duplicates(ctx, r.actor, b.ID)
	if err != nil {
		return err
	}
	for i, l := range found {
		if i < alikeAtOnce {
			b.Alike = append(b.Alike, lineOf(l, b.ID))
		} else {
			b.AlikeMore = append(b.AlikeMore, lineOf(l, b.ID))
		}
	}
	merges, err := c.reader.Merges(ctx, r.actor, b.ID)
	if err != nil {
		return err
	}
	b.Merges = len(merges) > 0
	for _, m := range merges {
		if m.IntoID == b.ID && m.UndoneAt == nil {
			b.Joined++
		}
	}
	if from := r.Query("from"); ticketing.IsID(from) {
		b.Apart = from
	}
	return nil
}

// tellApart remembers that another record is not the same person's.
func (c *Console) tellApart(r *request) error {
	id, from := r.Param("id"), r.PostForm("from")
	err := c.registry.Distinguish(r.Request.Context(), r.actor, id, from)
	if err == nil {
		return r.see("/citizens/" + id + "?done=records_apart&from=" + from)
	}
	return c.refusePair(r, err, id)
}

// refusePair shows the record as it is now and says why nothing can be done with the other: who may be the same person is read anew.
func (c *Console) refusePair(r *request, err error, id string) error {
	status, key, err := pairRefusal(err, id)
	if err != nil {
		return err
	}
	return c.showCitizen(r, id, status, r.voice.alert(key), relateForm{}, noteForm{})
}

// pairRefusal gives the status and the words of what was refused about two records; id is the one that was to live on.
func pairRefusal(err error, id string) (status int, key string, other error) {
	status, key, other = recordRefusal(err)
	refused, ok := errors.AsType[*ticketing.Error](err)
	if other != nil || !ok {
		return status, key, other
	}
	if pair, known := pairKeys()[refused.Field+"/"+refused.Reason]; known {
		key = pair
	}
	if refused.Reason == "record_merged" && refused.Args["into"] == id {
		key = "refuse.pair_joined"
	}
	return status, key, nil
}

// pairKeys are the words of what is refused about two records, by field and reason.
func pairKeys() map[string]string {
	return map[string]string{
		"/record_merged": "refuse.pair_merged", "/erased": "refuse.pair_erased", "/restricted": "refuse.pair_restricted",
		"/too_many_merges": "refuse.too_many_merges", "/already_undone": "refuse.already_undone",
		"from/the_same": "refuse.the_same", "from/unknown": "refuse.no_such_record",
	}
}
