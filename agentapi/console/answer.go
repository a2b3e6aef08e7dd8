package console

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/channels"
	"guichet/ticketing"
)

// ReplyPath is the one route of the console whose body may be large: it carries files.
const ReplyPath = "/tickets/:ref/reply"

// MaxReply is the largest body of ReplyPath, in bytes. It is far more than what may be sent: files that are too large are read to
// their end and left out, so that the page can say so, where a line that is cut says nothing.
const MaxReply = 4 * ticketing.MaxFiles

const (
	maxFields   = 1 << 20         // bytes of all fields of the form but its files
	maxParts    = 100             // fields and files of the form
	replyWithin = 5 * time.Minute // a slow line takes that long
)

// answerForm is what an agent sends with the form to answer: the fields, and those of the files that may be sent.
type answerForm struct {
	values url.Values
	files  []ticketing.NewFile
	kept   []string // ids of files that were handed in before
}

// reply sends an answer. One that is refused comes back whole, under what is new, and with the files that were handed in.
func (c *Console) reply(r *request) error {
	form, err := c.readAnswer(r)
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

// attach hands in the files of a form and gives the ids of all that go with the answer.
func (c *Console) attach(r *request, key string, form answerForm) ([]string, error) {
	ids := form.kept
	if len(form.files) == 0 {
		return ids, nil
	}
	uploads, err := c.desk.Attach(r.Request.Context(), r.actor, key, form.files)
	if err != nil {
		return ids, err
	}
	for _, u := range uploads {
		if !slices.Contains(ids, u.ID) { // the same file picked again
			ids = append(ids, u.ID)
		}
	}
	return ids, nil
}

// readAnswer reads the form. With an error it gives what could be read: the fields stand before the files.
func (c *Console) readAnswer(r *request) (answerForm, error) {
	form := answerForm{values: url.Values{}}
	if kind, _, err := mime.ParseMediaType(r.ContentType()); err != nil || kind != "multipart/form-data" {
		err := r.Request.ParseForm()
		form.values = r.Request.PostForm
		return form, unreadable(err)
	}
	if err := http.NewResponseController(r.Writer).SetReadDeadline(time.Now().Add(replyWithin)); err != nil {
		c.log.DebugContext(r.Request.Context(), "a slow upload will be cut", "error", err)
	}
	parts, err := r.Request.MultipartReader()
	if err != nil {
		return form, unreadable(err)
	}
	var refused error
	fields, size := 0, 0
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, refused
		}
		if err != nil {
			return form, unreadable(err)
		}
		if part.FormName() == "file" {
			err = form.addFile(part, &size)
		} else {
			err = form.addField(part, &fields)
		}
		if e := (*ticketing.Error)(nil); errors.As(err, &e) {
			refused = err // and the rest is read, so that it can be kept
		} else if err != nil {
			return form, unreadable(err)
		}
	}
	return form, fileError("too_many")
}

// addField reads a field. Files that were handed in before are ids, one a field.
func (f *answerForm) addField(part *multipart.Part, size *int) error {
	value, err := io.ReadAll(io.LimitReader(part, maxFields+1))
	if err != nil {
		return err
	}
	if *size += len(value); *size > maxFields {
		return &ticketing.Error{Code: ticketing.CodeInvalid, Field: "text", Reason: "too_long"}
	}
	if part.FormName() != "attachment" {
		f.values.Add(part.FormName(), string(value))
	} else if len(f.kept) < ticketing.MaxFileList {
		f.kept = append(f.kept, string(value))
	}
	return nil
}

// addFile reads a file, or says why it is left out. A browser sends an empty one without a name when none was picked.
func (f *answerForm) addFile(part *multipart.Part, size *int) error {
	if len(f.kept)+len(f.files) >= ticketing.MaxFileList && part.FileName() != "" {
		return fileError("too_many")
	}
	data, err := io.ReadAll(io.LimitReader(part, ticketing.MaxFile+1))
	switch {
	case err != nil:
		return err
	case len(data) == 0 && part.FileName() == "":
		return nil
	case len(data) == 0:
		return fileError("file_empty")
	case len(data) > ticketing.MaxFile:
		return fileError("file_too_large")
	case *size+len(data) > ticketing.MaxFiles:
		return fileError("files_too_large")
	}
	*size += len(data)
	f.files = append(f.files, ticketing.NewFile{Name: part.FileName(), Data: data})
	return nil
}

func fileError(reason string) error {
	return &ticketing.Error{Code: ticketing.CodeInvalid, Field: "file", Reason: reason}
}

// unreadable is a form that is too large, or broke off.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fileError("files_too_large")
	}
	return &ticketing.Error{Code: ticketing.CodeInvalid, Field: "form", Reason: "unreadable", Err: err}
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
