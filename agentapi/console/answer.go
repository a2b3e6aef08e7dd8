package console

import (
	"errors"
	"strings"

	"github.com/gin-gonic/gin"

	"guichet/channels"
	"guichet/ticketing"
)

// ReplyPath and ContactPath are the routes of the console whose bodies may be large: they carry files.
const (
	ReplyPath   = "/tickets/:ref/reply"
	ContactPath = "/contacts/new"
)

// reply sends an answer. One that is refused comes back whole, under what is new, and with the files that were handed in.
func (c *Console) reply(r *request) error {
	form, err := c.readForm(r)
	typed := compose{
		Key: form.values.Get("key"), Kind: "reply", Channel: form.values.Get("channel"), Text: unixLines(form.values.Get("text")),
		To: form.values.Get("to"), Cc: form.values.Get("cc"), Then: form.values.Get("then"), ToText: form.values.Get("to_text"),
		OtherText: form.values.Get("other_text"),
	}
	ids, attachErr := c.attach(r, typed.Key, form)
	var m ticketing.Message
	if err = errors.Join(err, attachErr); err == nil {
		m, err = c.desk.Reply(r.Request.Context(), r.actor, r.Param("ref"), ticketing.Answer{
			Channel: channels.Name(typed.Channel), Text: typed.Text, To: typed.recipient(), Cc: addresses(typed.Cc), Files: ids,
			Then: ticketing.Status(typed.Then), Key: typed.Key, IfMatch: versionOf(form.values.Get("version")),
		})
	}
	if err != nil {
		kept, listErr := c.desk.Uploads(r.Request.Context(), r.actor, ids)
		if listErr != nil {
			return errors.Join(err, listErr)
		}
		typed.Kept = kept
		return c.refuse(r, err, typed, moveForm{})
	}
	if m.Delivery != nil && m.Delivery.NextAt.After(c.now()) {
		return r.back("replied_later", "m-"+m.ID)
	}
	return r.back("replied", "m-"+m.ID)
}

// recipient is whom the answer goes to. The list to choose from stands for another number with a word that is none, which an empty
// field leaves in its place: nobody is texted whom the agent did not choose.
func (f compose) recipient() string {
	switch {
	case f.Channel != string(channels.SMS):
		return f.To
	case f.ToText == otherNumber && strings.TrimSpace(f.OtherText) != "":
		return f.OtherText
	}
	return f.ToText
}

// addresses takes apart what was typed with commas between.
func addresses(typed string) []string {
	var list []string
	for _, address := range strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if address = strings.TrimSpace(address); address != "" {
			list = append(list, address)
		}
	}
	return list
}

// resend sends again what did not arrive, and goes back to the ticket the form stood on.
func (c *Console) resend(r *request) error {
	r.Params = append(r.Params, gin.Param{Key: "ref", Value: r.PostForm("ticket")})
	m, err := c.desk.Resend(r.Request.Context(), r.actor, r.Param("id"), r.PostForm("key"))
	if err != nil {
		return c.refuse(r, err, compose{}, moveForm{})
	}
	return r.back("resent", "m-"+m.ID)
}
