package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"guichet/ticketing"
)

const quarantinePath = "/admin/quarantine"

// quarantineBody is what waits for somebody.
type quarantineBody struct {
	Rows []ticketing.Held
	Next string // address of the next page
	Back bool   // this is not the first
}

// quarantinePage lists what could not be filed by itself. Whose business it is not, for her there is no such page.
func (c *Console) quarantinePage(r *request) error {
	ctx := r.Request.Context()
	if _, shown, err := c.quarantine.Count(ctx, r.actor); err != nil || !shown {
		return errors.Join(err, ticketing.ErrNotFound)
	}
	cursor := clean(r.Query("cursor"), 300)
	page, err := c.quarantine.List(ctx, r.actor, 50, cursor)
	if ticketing.CodeOf(err) == ticketing.CodeInvalid { // the cursor of another list: begin again
		cursor = ""
		page, err = c.quarantine.List(ctx, r.actor, 50, "")
	}
	if err != nil {
		return err
	}
	b := quarantineBody{Rows: page.Rows, Back: cursor != ""}
	if page.Next != "" {
		b.Next = quarantinePath + "?cursor=" + url.QueryEscape(page.Next)
	}
	return c.show(r, http.StatusOK, "quarantine", frame{Title: r.voice.say("quarantine.title"), Class: "contact-page", Body: b})
}

// heldBody is one message of the quarantine.
type heldBody struct {
	ticketing.Held
	Source      string // the beginning of the original, as text
	Cut         bool
	Departments []ticketing.Department
	Department  string
}

// shownSource is how much of an original the page shows, in bytes.
const shownSource = 64 << 10

// heldPage shows one, with the beginning of its source.
func (c *Console) heldPage(r *request) error { return c.showHeld(r, http.StatusOK, nil) }

func (c *Console) showHeld(r *request, status int, a *alert) error {
	ctx, id := r.Request.Context(), r.Param("id")
	held, err := c.quarantine.Held(ctx, r.actor, id)
	if err != nil {
		return err
	}
	b := heldBody{Held: held, Departments: c.town.Now().Departments, Department: r.PostForm("department")}
	if held.Readable {
		raw, err := c.quarantine.Raw(ctx, r.actor, id)
		if err != nil {
			return err
		}
		b.Cut = len(raw) > shownSource
		text := string(raw[:min(len(raw), shownSource)])
		b.Source = strings.Map(visible, strings.ToValidUTF8(text, "\uFFFD"))
	}
	return c.show(r, status, "held", frame{Title: r.voice.say("quarantine.message"), Class: "contact-page", Alert: a, Body: b})
}

// visible shows what would do something to a screen instead of standing on it.
func visible(c rune) rune {
	switch {
	case c == '\n' || c == '\t':
		return c
	case c == '\r':
		return -1
	case c < ' ', c == 0x7f, c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069: // the last turn the order of letters round
		return '\uFFFD'
	}
	return c
}

// retryHeld reads a message again and files it.
func (c *Console) retryHeld(r *request) error {
	return c.left(r)(c.quarantine.Retry(r.Request.Context(), r.actor, r.Param("id")))
}

// fileHeld makes a ticket of a message as it is.
func (c *Console) fileHeld(r *request) error {
	return c.left(r)(c.quarantine.File(r.Request.Context(), r.actor, r.Param("id"), r.PostForm("department")))
}

// left goes to the ticket a message has become; to the quarantine when the agent may not see that one; back when it stays.
func (c *Console) left(r *request) func(ticketing.Held, error) error {
	return func(held ticketing.Held, err error) error {
		var refused *ticketing.Error
		switch {
		case errors.As(err, &refused) && !errors.Is(err, ticketing.ErrNotFound):
			status, key := refusal(err)
			return c.showHeld(r, status, r.voice.alert(key))
		case err != nil:
			return err
		case held.Waits():
			return r.see(quarantinePath + "/" + held.ID + "?done=held_stays")
		case held.Reference != "":
			return r.see("/tickets/" + held.Reference + "?done=held_filed")
		}
		return r.see(quarantinePath + "?done=held_filed")
	}
}
