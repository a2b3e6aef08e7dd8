package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"guichet/ticketing"
)

// dones lists what a notice can confirm after an action.
func dones() []string {
	return []string{
		"taken", "released", "replied", "replied_later", "resent", "noted", "transferred", "assigned", "closed", "reopened", "logged", "logged_answered",
		"nothing", "full", "merged", "split", "tagged", "snoozed", "woken", "held_filed", "held_stays",
		"record_made", "record_saved", "record_merged", "record_noted", "related", "parted", "opened", "records_joined", "records_apart", "join_undone",
	}
}

// finished tells whether an action ended the agent's work on a ticket for now: what comes next is another one.
func finished(done string) bool {
	return slices.Contains([]string{"released", "replied", "replied_later", "transferred", "assigned", "closed", "merged", "snoozed", "logged", "logged_answered"}, done)
}

// doneNotice confirms an action that led to this page. reference names a ticket that the page itself does not show.
func doneNotice(v *voice, done, reference string) string {
	text := v.word("done", done)
	if text == done {
		return "" // somebody's own address
	}
	if _, _, ok := ticketing.ParseReference(reference); ok {
		text = v.say("done.about", "Text", text, "Reference", reference)
	}
	return text
}

// back sends the browser to the ticket, in the list it came from, with a confirmation.
func (r *request) back(done, fragment string) error {
	values := readListValues(r.Request.URL.Query())
	values.Set("done", done)
	target := "/tickets/" + url.PathEscape(r.Param("ref")) + "?" + values.Encode()
	if fragment != "" {
		target += "#" + fragment
	}
	return r.see(target)
}

// readListValues keeps of an address what says which list it hangs in.
func readListValues(values url.Values) url.Values {
	suffix := readList(values).Suffix()
	if suffix == "" {
		return url.Values{}
	}
	kept, err := url.ParseQuery(suffix[1:])
	if err != nil { // it was encoded a moment ago
		return url.Values{}
	}
	return kept
}

// seen is the version of the ticket the form was made from.
func (r *request) seen() int { return versionOf(r.PostForm("version")) }

func versionOf(typed string) int {
	n, err := strconv.Atoi(typed)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// claim gives the ticket to the agent.
func (c *Console) claim(r *request) error {
	if _, err := c.desk.Claim(r.Request.Context(), r.actor, r.Param("ref"), 0); err != nil {
		return c.refuse(r, err, compose{}, moveForm{})
	}
	return r.back("taken", "")
}

// release gives the ticket back to its queue.
func (c *Console) release(r *request) error {
	if _, err := c.desk.Release(r.Request.Context(), r.actor, r.Param("ref"), "", 0); err != nil {
		return c.refuse(r, err, compose{}, moveForm{})
	}
	return r.back("released", "")
}

// note writes an internal note.
func (c *Console) note(r *request) error {
	typed := compose{NoteKey: r.PostForm("key"), Kind: "note", Note: unixLines(r.PostForm("text"))}
	m, err := c.desk.Note(r.Request.Context(), r.actor, r.Param("ref"), typed.Note, typed.NoteKey, 0)
	if err != nil {
		return c.refuse(r, err, typed, moveForm{})
	}
	return r.back("noted", "m-"+m.ID)
}

// transfer gives the ticket to another department. Who does not see that one's tickets is sent to her work instead.
func (c *Console) transfer(r *request) error {
	move := moveForm{Kind: "transfer", Department: r.PostForm("department"), Reason: r.PostForm("reason")}
	t, err := c.desk.Transfer(r.Request.Context(), r.actor, r.Param("ref"), move.Department, move.Reason, r.seen())
	if err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.backOrAway(c, t, "transferred")
}

// assign gives the ticket to a colleague, which a supervisor of its department may.
func (c *Console) assign(r *request) error {
	move := moveForm{Kind: "assign", Agent: r.PostForm("agent"), Reason: r.PostForm("reason")}
	if _, err := c.desk.Assign(r.Request.Context(), r.actor, r.Param("ref"), move.Agent, move.Reason, r.seen()); err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.back("assigned", "")
}

// closeTicket ends the ticket.
func (c *Console) closeTicket(r *request) error {
	move := moveForm{Kind: "close", Outcome: r.PostForm("outcome"), Reason: r.PostForm("reason")}
	_, err := c.desk.Close(r.Request.Context(), r.actor, r.Param("ref"), ticketing.CloseOutcome(move.Outcome), move.Reason, r.seen())
	if err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.back("closed", "")
}

// reopen takes a closed ticket up again.
func (c *Console) reopen(r *request) error {
	move := moveForm{Kind: "reopen", Reason: r.PostForm("reason")}
	if _, err := c.desk.Reopen(r.Request.Context(), r.actor, r.Param("ref"), move.Reason, r.seen()); err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.back("reopened", "")
}

// merge closes the ticket as a duplicate and shows the one that lives on.
func (c *Console) merge(r *request) error {
	move := moveForm{Kind: "merge", Into: r.PostForm("into"), Reason: r.PostForm("reason")}
	if _, err := c.desk.Merge(r.Request.Context(), r.actor, r.Param("ref"), strings.TrimSpace(move.Into), move.Reason, r.seen()); err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.see("/tickets/" + url.PathEscape(strings.TrimSpace(move.Into)) + "?done=merged")
}

// setTags replaces the ticket's tags, which are typed with commas between them.
func (c *Console) setTags(r *request) error {
	move := moveForm{Kind: "tags", Tags: r.PostForm("tags")}
	tags := strings.Split(move.Tags, ",")
	if _, err := c.desk.Edit(r.Request.Context(), r.actor, r.Param("ref"), ticketing.Edit{Tags: &tags}, r.seen()); err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.back("tagged", "")
}

// morning is when a ticket that was put aside until a day comes back.
const morning = 8 * time.Hour

// snooze puts the ticket aside until the morning of a day; without a day it comes back at once.
func (c *Console) snooze(r *request) error {
	move := moveForm{Kind: "snooze", Until: r.PostForm("until")}
	var until time.Time
	done := "woken"
	if move.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, move.Until, c.town.Profile.Zone)
		if err != nil {
			return c.refuse(r, &ticketing.Error{Code: ticketing.CodeInvalid, Field: "snoozed_until", Reason: "unknown"}, compose{}, move)
		}
		until, done = day.Add(morning), "snoozed"
	}
	if _, err := c.desk.Edit(r.Request.Context(), r.actor, r.Param("ref"), ticketing.Edit{Snooze: &until}, r.seen()); err != nil {
		return c.refuse(r, err, compose{}, move)
	}
	return r.back(done, "")
}

// backOrAway goes back to a ticket the agent still sees, and to her work from one she no longer does.
func (r *request) backOrAway(c *Console, t ticketing.Ticket, done string) error {
	if r.actor.Can(ticketing.ActSee, c.town.Now().Subject(t)) {
		return r.back(done, "")
	}
	return r.see("/?done=" + done + "&ref=" + t.Reference())
}
