package ticketing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// Upload is a file an agent has handed in to be sent. Only she may use it, within 24 hours.
type Upload struct {
	ID        string `gorm:"primaryKey"`
	AgentID   string
	Name      string
	Type      string
	Size      int
	SHA256    string `gorm:"column:sha256"`
	CreatedAt time.Time
}

// The bounds of what is sent, in bytes before the third that base64 adds. Many servers refuse a mail beyond 35 MB.
const (
	MaxFile     = 15 << 20 // one file
	MaxFiles    = 25 << 20 // all files of a message
	MaxFileList = 20       // files of a message

	maxUploaded = 200 << 20 // what one agent may have handed in and not sent
)

// NewFile is a file as an agent hands it in.
type NewFile struct {
	Name string
	Data []byte
}

// Attach keeps files to be sent later. With a key, handing the same files in again gives the same ids.
func (d *Desk) Attach(ctx context.Context, a Actor, key string, files []NewFile) ([]Upload, error) {
	if a.ReadOnly || !a.Has(RoleAgent) && !a.Has(RoleSupervisor) {
		return nil, ErrForbidden
	}
	switch {
	case len(key) > 200:
		return nil, invalid("Idempotency-Key", "too_long")
	case len(files) == 0:
		return nil, invalid("file", "empty")
	case len(files) > MaxFileList:
		return nil, invalid("file", "too_many")
	}
	total := 0
	for _, f := range files {
		switch {
		case len(f.Data) == 0:
			return nil, invalid("file", "file_empty")
		case len(f.Data) > MaxFile:
			return nil, invalid("file", "file_too_large")
		}
		total += len(f.Data)
	}
	if total > MaxFiles {
		return nil, invalid("file", "files_too_large")
	}
	waiting, err := d.store.UploadedBytes(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if waiting+int64(total) > maxUploaded {
		return nil, conflict("too_many_files")
	}
	uploads := make([]Upload, len(files))
	for i, f := range files {
		sum, err := d.files.Put(ctx, f.Data) // before the row that names it
		if err != nil {
			return nil, err
		}
		uploads[i] = Upload{
			ID: uploadID(a, key, i, f.Name, sum), AgentID: a.ID, Name: cleanFileName(f.Name), Type: d.sniff(f.Data), Size: len(f.Data),
			SHA256: sum, CreatedAt: d.now(),
		}
	}
	return uploads, d.store.AddUploads(ctx, uploads)
}

// uploadID names a file by who handed it in, with which key and as which of them, so that a form sent twice hands in nothing new.
func uploadID(a Actor, key string, i int, name, sum string) string {
	if key == "" {
		return NewID()
	}
	h := sha256.New()
	for _, part := range []string{a.ID, key, strconv.Itoa(i), name, sum} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(hex.EncodeToString(h.Sum(nil)))).String()
}

// Uploads gives the files of these ids that the actor has handed in and not sent, in the order of the ids.
func (d *Desk) Uploads(ctx context.Context, a Actor, ids []string) ([]Upload, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !IsID(id) })
	if len(ids) == 0 || len(ids) > MaxFileList {
		return nil, nil
	}
	found, err := d.store.Uploads(ctx, a.ID, ids)
	return inOrder(ids, found), err
}

// attach makes the files of a message of those that were handed in. They are the message's from then on.
func attach(ctx context.Context, tx Nouns, a Actor, messageID string, ids []string) ([]Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > MaxFileList {
		return nil, invalid("attachments", "too_many")
	}
	for _, id := range ids {
		if !IsID(id) {
			return nil, invalid("attachments", "file_unknown")
		}
	}
	taken, err := tx.TakeUploads(ctx, a.ID, ids)
	if err != nil {
		return nil, err
	}
	if len(taken) != len(ids) { // also when one is named twice
		return nil, invalid("attachments", "file_unknown")
	}
	total := 0
	var list []Attachment
	for i, u := range inOrder(ids, taken) {
		total += u.Size
		list = append(list, Attachment{ID: NewID(), MessageID: messageID, Position: i, Name: u.Name, Type: u.Type, Size: u.Size, SHA256: u.SHA256})
	}
	if total > MaxFiles {
		return nil, invalid("attachments", "files_too_large")
	}
	return list, nil
}

// inOrder sorts files as they were asked for.
func inOrder(ids []string, uploads []Upload) []Upload {
	slices.SortStableFunc(uploads, func(a, b Upload) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return uploads
}

// cleanFileName keeps of a file's name what a citizen's machine can save it under: no folder, no control, nothing that turns the
// order of its letters (it would make "exe.pdf" of "fdp.exe").
func cleanFileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "_"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r), strings.ContainsRune(`:*?"<>|`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(strings.TrimSpace(name), ".")
	if name == "" || name == "/" {
		return "document"
	}
	const longest = 200
	if len(name) > longest {
		end := path.Ext(name)
		if len(end) > 20 {
			end = ""
		}
		name = clip(strings.TrimSuffix(name, path.Ext(name)), longest-len(end)) + end
	}
	return name
}
