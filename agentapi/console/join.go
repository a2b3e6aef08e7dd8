package console

import (
	"errors"
	"net/http"
	"strings"

	"guichet/ticketing"
)

// joinBody is two records side by side, before one becomes part of the other.
type joinBody struct {
	Into, From ticketing.Citizen
	Likeness   likenessLine // of From
	Choices    []pairRow    // the fields in which they differ
	Both       []pairRow    // the rest, of which nothing is lost
	Moves      ticketing.Belongings
	Reason     string
	Refused    bool // the reason
	Why        string
}

// pairRow is a field of two records.
type pairRow struct {
	Name       string // of the vocabulary "record_field"
	Into, From string
	Chosen     string // whose value survives; empty where there is nothing to choose
}

// Nothing tells whether nothing that may be seen belongs to the record that would be merged.
func (b joinBody) Nothing() bool { return b.Moves == ticketing.Belongings{} }

// joinForm is a merge as it was filled in.
type joinForm struct {
	From, Reason string
	Keep         map[string]string // per field, whose value survives
}

// joinPage shows what merging another record into this one would do.
func (c *Console) joinPage(r *request) error {
	return c.showJoin(r, http.StatusOK, nil, joinForm{From: r.Query("from")})
}

func (c *Console) showJoin(r *request, status int, a *alert, f joinForm) error {
	id := r.Param("id")
	p, err := c.reader.PreviewMerge(r.Request.Context(), r.actor, id, f.From)
	if err != nil {
		return c.refusePair(r, err, id)
	}
	b := joinBody{Into: p.Into.WithoutTwins(), From: p.From.WithoutTwins(), Likeness: lineOf(p.Likeness, p.Into.ID), Moves: p.Moves, Reason: f.Reason}
	if a != nil {
		b.Refused, b.Why = true, a.Title+" "+a.Detail
	}
	b.Choices, b.Both = pairRows(b.Into, b.From, p.Fields, f.Keep)
	return c.show(r, status, "join", frame{Title: r.voice.say("join.title"), Class: "wide-page citizen-page", Here: "citizens", Alert: a, Body: b})
}

// pairRows puts two records side by side: the fields somebody may choose between, and the others that either of them has.
func pairRows(into, from ticketing.Citizen, differ []ticketing.FieldDifference, keep map[string]string) (choices, both []pairRow) {
	decided := map[string]bool{}
	for _, d := range differ {
		row := pairRow{Name: d.Field, Into: d.Into, From: d.From, Chosen: d.Survives}
		if side := keep[d.Field]; side == ticketing.FieldInto || side == ticketing.FieldFrom {
			row.Chosen = side
		}
		choices = append(choices, row)
		decided[d.Field] = true
	}
	decided["siret"] = decided["siren"] // the two go together
	x, y := formOf(into).Was, formOf(from).Was
	for i, name := range factNames() {
		if !decided[name] && x[i].Value+y[i].Value != "" {
			both = append(both, pairRow{Name: name, Into: x[i].Value, From: y[i].Value})
		}
	}
	return choices, both
}

// join makes the other record part of this one. A reason that is missing brings the form back with what was chosen.
func (c *Console) join(r *request) error {
	id := r.Param("id")
	f := joinForm{From: r.PostForm("from"), Reason: strings.TrimSpace(unixLines(r.PostForm("reason"))), Keep: r.PostFormMap("keep")}
	_, err := c.registry.Merge(r.Request.Context(), r.actor, id, f.From, f.Reason, f.Keep)
	if err == nil {
		return r.see("/citizens/" + id + "?done=records_joined")
	}
	status, key, other := pairRefusal(err, id)
	if other != nil {
		return other
	}
	if refused, ok := errors.AsType[*ticketing.Error](err); ok && refused.Field == "reason" {
		return c.showJoin(r, status, r.voice.alert(key), f)
	}
	return c.refusePair(r, err, id)
}
