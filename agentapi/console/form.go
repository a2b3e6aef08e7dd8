package console

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"time"

	"guichet/ticketing"
)

// MaxForm is the largest body of ReplyPath and ContactPath, in bytes. It is far more than what may be sent: files that are too large
// are read to their end and left out, so that the page can say so, where a line that is cut says nothing.
const MaxForm = 4 * ticketing.MaxFiles

const (
	maxFields  = 1 << 20         // bytes of all fields of the form but its files
	maxParts   = 100             // fields and files of the form
	formWithin = 5 * time.Minute // a slow line takes that long
)

// filledForm is what an agent sends with a form that takes files: the fields, and those of the files that may be kept.
type filledForm struct {
	values url.Values
	files  []ticketing.NewFile
	kept   []string // ids of files that were handed in before
}

// attach hands in the files of a form and gives the ids of all that go with it.
func (c *Console) attach(r *request, key string, form filledForm) ([]string, error) {
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

// readForm reads the form. With an error it gives what could be read: the fields stand before the files.
func (c *Console) readForm(r *request) (filledForm, error) {
	form := filledForm{values: url.Values{}}
	if kind, _, err := mime.ParseMediaType(r.ContentType()); err != nil || kind != "multipart/form-data" {
		err := r.Request.ParseForm()
		form.values = r.Request.PostForm
		return form, unreadable(err)
	}
	if err := http.NewResponseController(r.Writer).SetReadDeadline(time.Now().Add(formWithin)); err != nil {
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
func (f *filledForm) addField(part *multipart.Part, size *int) error {
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
func (f *filledForm) addFile(part *multipart.Part, size *int) error {
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
