package console

import (
	"net/http"
	"strconv"
	"strings"

	"guichet/channels"
	"guichet/ticketing"
)

// shownUIDs is how many missing mails the page names.
const shownUIDs = 10

// channelsBody is the page of the mailboxes and lines.
type channelsBody struct{ Rows []channelRow }

// channelRow is a folder of a mailbox, or a line that has none.
type channelRow struct {
	Line ticketing.Line
	channels.Health
}

// Posted tells whether a provider posts what comes in: there is nothing to compare with.
func (r channelRow) Posted() bool { return r.State == channels.Listening }

// MissingUIDs names the first missing mails.
func (r channelRow) MissingUIDs() string {
	var names []string
	for _, uid := range r.Missing[:min(len(r.Missing), shownUIDs)] {
		names = append(names, strconv.FormatUint(uint64(uid), 10))
	}
	return strings.Join(names, ", ")
}

// MoreMissing is how many others there are.
func (r channelRow) MoreMissing() int { return r.MissingCount - min(len(r.Missing), shownUIDs) }

// channelsPage shows whoever looks after mailboxes and lines how they are doing. To all others there is no such page.
func (c *Console) channelsPage(r *request) error {
	if !r.overseer() {
		return ticketing.ErrNotFound
	}
	lines, err := c.reader.Overseen(r.Request.Context(), r.actor)
	if err != nil {
		return err
	}
	var body channelsBody
	for _, l := range lines {
		if len(l.Folders) == 0 {
			body.Rows = append(body.Rows, channelRow{l.Line, l.Health})
		}
		for _, f := range l.Folders {
			body.Rows = append(body.Rows, channelRow{l.Line, f})
		}
	}
	return c.show(r, http.StatusOK, "channels", frame{Title: r.voice.say("channels.title"), Class: "wide-page", Here: "channels", Body: body})
}

// overseer tells whether the agent looks after lines.
func (r *request) overseer() bool {
	return r.actor.Has(ticketing.RoleAdmin) || r.actor.Has(ticketing.RoleSupervisor)
}

// alarmed gives what the agent must see to, for the banner of every page.
func (c *Console) alarmed(r *request) ([]channelRow, error) {
	lines, err := c.reader.Alarmed(r.Request.Context(), r.actor)
	if err != nil {
		return nil, err
	}
	var rows []channelRow
	for _, l := range lines {
		for _, f := range l.Folders {
			rows = append(rows, channelRow{l.Line, f})
		}
	}
	return rows, nil
}
