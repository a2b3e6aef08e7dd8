package console

import (
	"html"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"guichet/ticketing"
)

// messagePolicy lets a citizen's mail do nothing but be looked at. It is shown in a sandboxed frame of our own pages; opened by
// itself it is sandboxed all the same.
const messagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; base-uri 'none'; " +
	"frame-ancestors 'self'; sandbox allow-same-origin allow-popups"

type messageBody struct {
	HTML   template.HTML
	Remote int // pictures that were not loaded
}

// messageView is a mail's HTML as it was sent, made safe, as a document of its own.
func (c *Console) messageView(r *request) error {
	m, err := c.reader.Message(r.Request.Context(), r.actor, r.Param("id"))
	if err != nil {
		return err
	}
	if m.HTML == "" {
		return ticketing.ErrNotFound
	}
	safe := withPictures(c.foldHTML(c.safeHTML(m.HTML), m.Subject, r.voice.say("as_sent.folded")), m.Attachments)
	h := r.Writer.Header()
	h.Set("Content-Security-Policy", messagePolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	return r.voice.write(r.Context, http.StatusOK, "message", frame{
		Title: m.Subject,
		// SafeHTML made it safe, and the policy lets no script run.
		Body: messageBody{HTML: template.HTML(safe), Remote: c.remote(m.HTML)},
	})
}

// contentURL is a picture as SafeHTML leaves it: named by its content id.
var contentURL = regexp.MustCompile(`(?i)src="cid:([^"]*)"`)

// withPictures shows the pictures that came with a mail where its HTML names them (RFC 2392). Mailers change the case of the names
// and escape them as addresses. One that did not come with this mail is shown as missing.
func withPictures(markup string, files []ticketing.Attachment) string {
	addresses := map[string]string{}
	for _, f := range files {
		if f.ContentID != "" && strings.HasPrefix(f.Type, "image/") {
			addresses[strings.ToLower(f.ContentID)] = "/api/v1/attachments/" + f.ID
		}
	}
	return contentURL.ReplaceAllStringFunc(markup, func(src string) string {
		id := html.UnescapeString(contentURL.FindStringSubmatch(src)[1])
		if plain, err := url.PathUnescape(id); err == nil && addresses[strings.ToLower(id)] == "" {
			id = plain
		}
		if address := addresses[strings.ToLower(id)]; address != "" {
			return `src="` + template.HTMLEscapeString(address) + `"`
		}
		return src
	})
}
