package console

import (
	"errors"
	"net/http"
	"strings"

	"guichet/ticketing"
)

// mergesBody is what a record was merged with.
type mergesBody struct {
	ticketing.Citizen
	Log []mergeLine
}

// mergeLine is a merge as it reads from one of its two records.
type mergeLine struct {
	ticketing.Merge
	Other  ticketing.Citizen // the record at the other end
	Came   bool              // the other became part of this one, not this one of the other
	Undone bool
	Typed  undoForm
}

// undoForm is the end of a merge as it was filled in.
type undoForm struct {
	ID, Reason string
	Why        string // the reason was refused
}

// Open tells whether the form was handed in and came back.
func (f undoForm) Open() bool { return f.Why != "" }

// mergesPage tells which records became part of one and which it became part of, and undoes merges.
func (c *Console) mergesPage(r *request) error {
	return c.showMerges(r, r.Param("id"), http.StatusOK, nil, undoForm{})
}

func (c *Console) showMerges(r *request, id string, status int, a *alert, typed undoForm) error {
	merges, records, err := c.reader.MergeLog(r.Request.Context(), r.actor, id)
	if err != nil {
		return err
	}
	b := mergesBody{Citizen: records[id]}
	for _, m := range merges {
		line := mergeLine{Merge: m, Other: records[m.IntoID], Undone: m.UndoneAt != nil}
		if m.IntoID == id {
			line.Other, line.Came = records[m.FromID], true
		}
		if m.ID == typed.ID {
			line.Typed = typed
		}
		b.Log = append(b.Log, line)
	}
	return c.show(r, status, "merges", frame{Title: r.voice.say("merges.title"), Class: "wide-page citizen-page", Here: "citizens", Alert: a, Body: b})
}

// undoMerge takes a merge back; the page of the merges it was asked on says so.
func (c *Console) undoMerge(r *request) error {
	record := r.PostForm("record")
	if !ticketing.IsID(record) {
		return ticketing.ErrNotFound
	}
	f := undoForm{ID: r.Param("id"), Reason: strings.TrimSpace(unixLines(r.PostForm("reason")))}
	_, err := c.registry.Undo(r.Request.Context(), r.actor, f.ID, f.Reason)
	if err == nil {
		return r.see("/citizens/" + record + "/merges?done=join_undone")
	}
	status, key, other := pairRefusal(err, record)
	if other != nil {
		return other
	}
	a := r.voice.alert(key)
	if refused, ok := errors.AsType[*ticketing.Error](err); ok && refused.Field == "reason" {
		f.Why = a.Title + " " + a.Detail
	}
	return c.showMerges(r, record, status, a, f)
}
