package console

import (
	"html/template"
	"net/http"
	"strings"

	"guichet/ticketing"
)

// messagePolicy lets a citizen's mail do nothing but be looked at. It is shown in a sandboxed frame of our own pages; opened by
// itself it is sandboxed all the same.
const messagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; base-uri 'none'; " +
	"frame-ancestors 'self'; sandbox allow-same-origin allow-popups"

type messageBody struct{ HTML template.HTML }

// messageView is a mail's HTML as it was sent, made safe, as a document of its own.
func (c *Console) messageView(r *request) error {
	m, err := c.reader.Message(r.Request.Context(), r.actor, r.Param("id"))
	if err != nil {
		return err
	}
	if m.HTML == "" {
		return ticketing.ErrNotFound
	}
	safe := withPictures(c.safeHTML(m.HTML), m.Attachments)
	h := r.Writer.Header()
	h.Set("Content-Security-Policy", messagePolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	return r.voice.write(r.Context, http.StatusOK, "message", frame{
		Title: m.Subject, Body: messageBody{HTML: template.HTML(safe)}, // SafeHTML made it safe, and the policy lets no script run
	})
}

// withPictures shows the pictures that came with a mail where its HTML names them (RFC 2392).
func withPictures(html string, files []ticketing.Attachment) string {
	var pairs []string
	for _, f := range files {
		if f.ContentID != "" && strings.HasPrefix(f.Type, "image/") {
			id := template.HTMLEscapeString(f.ContentID)
			pairs = append(pairs, `src="cid:`+id+`"`, `src="/api/v1/attachments/`+f.ID+`"`)
		}
	}
	return strings.NewReplacer(pairs...).Replace(html)
}
