package agentapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"guichet/ticketing"
)

// uploadPath is where programs hand files in: the one route of the API whose body may be large.
const uploadPath = "/attachments"

const (
	maxUpload    = ticketing.MaxFiles + maxBody // the body around the files
	uploadWithin = 5 * time.Minute              // a slow line takes that long
)

type uploadedView struct {
	ID    string           `json:"id" doc:"Of the first."`
	Items []attachmentView `json:"items" nullable:"false"`
}

// upload keeps files to be sent later.
func (s *Server) upload(c *gin.Context, a ticketing.Actor) error {
	if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(uploadWithin)); err != nil {
		s.Log.DebugContext(c.Request.Context(), "a slow upload will be cut", "error", err)
	}
	files, err := filesOf(c.Request)
	if err != nil {
		return err
	}
	uploads, err := s.Desk.Attach(c.Request.Context(), a, c.GetHeader("Idempotency-Key"), files)
	if err != nil {
		return err
	}
	v := uploadedView{ID: uploads[0].ID}
	for _, u := range uploads {
		v.Items = append(v.Items, attachmentView{ID: u.ID, Name: u.Name, Type: u.Type, Size: u.Size})
	}
	c.JSON(http.StatusCreated, v)
	return nil
}

// filesOf reads the parts named file, each up to one byte more than it may have, which is told by whoever judges it.
func filesOf(r *http.Request) ([]ticketing.NewFile, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &ticketing.Error{Code: codeMediaType, Err: err}
	}
	var files []ticketing.NewFile
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if part.FormName() != "file" || len(files) > ticketing.MaxFileList {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(part, ticketing.MaxFile+1))
		if err != nil {
			return nil, unreadable(err)
		}
		files = append(files, ticketing.NewFile{Name: part.FileName(), Data: data})
	}
}

// unreadable is a body that is too large or no form.
func unreadable(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	return &ticketing.Error{Code: codeMalformed, Err: err}
}
