package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"guichet/ticketing"
)

// reservedBody asks why an agent must read a sealed department's ticket.
type reservedBody struct {
	Token   string
	Citizen string // her id
	Day     time.Time
	Reason  string
}

// reservedPage warns before a reserved exchange is opened, and asks for the reason.
func (c *Console) reservedPage(r *request) error { return c.showReserved(r, http.StatusOK, nil, "") }

func (c *Console) showReserved(r *request, status int, a *alert, reason string) error {
	token := r.Param("token")
	day, citizen, err := c.desk.Reserved(r.Request.Context(), r.actor, token)
	if err != nil {
		return err
	}
	return c.show(r, status, "reserved", frame{
		Title: r.voice.say("reserved.title"), Class: "contact-page", Alert: a,
		Body: reservedBody{Token: token, Citizen: citizen, Day: day, Reason: reason},
	})
}

// breakGlass opens it, and shows the ticket.
func (c *Console) breakGlass(r *request) error {
	reason := unixLines(clean(r.PostForm("reason"), 2000))
	t, _, err := c.desk.BreakGlass(r.Request.Context(), r.actor, r.Param("token"), reason)
	var refused *ticketing.Error
	switch {
	case errors.Is(err, ticketing.ErrNotFound):
		return err
	case errors.As(err, &refused):
		status, key := refusal(err)
		return c.showReserved(r, status, r.voice.alert(key), reason)
	case err != nil:
		return err
	}
	return r.see("/tickets/" + url.PathEscape(t.Reference()) + "?view=all&done=opened")
}
