package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"guichet/ticketing"
)

// Folder is a ticketing.Files in a folder: the content abcd… is the file ab/abcd…. A file that is there is whole, whenever the
// machine stopped; what Put had not finished is left under a name that begins with a point.
type Folder struct{ root *os.Root }

var _ ticketing.Files = (*Folder)(nil)

// ErrDamaged says that a file's content is not what its name says.
var ErrDamaged = errors.New("the file is damaged")

// OpenFolder opens a folder of files, and makes it if it is not there.
func OpenFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root}, nil
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements ticketing.Files.
func (f *Folder) Put(ctx context.Context, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	folder, name := place(hash)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if info, err := f.root.Stat(name); err != nil || info.Size() != int64(len(data)) {
		if err := f.keep(folder, name, data); err != nil {
			return "", fmt.Errorf("keep a file: %w", err)
		}
	}
	// Also when it was there: whoever put it a moment ago may not have come this far.
	return hash, errors.Join(f.sync(folder), f.sync("."))
}

// keep writes data under a name of its own and gives it its real name when it is on disk.
func (f *Folder) keep(folder, name string, data []byte) error {
	if err := f.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	unfinished := folder + "/." + ticketing.NewID()
	err := f.write(unfinished, data)
	if err == nil {
		err = f.root.Rename(unfinished, name)
	}
	if err != nil {
		return errors.Join(err, f.forget(unfinished))
	}
	return nil
}

// Get implements ticketing.Files.
func (f *Folder) Get(_ context.Context, hash string) ([]byte, error) {
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size || hash != strings.ToLower(hash) {
		return nil, &ticketing.Error{Code: ticketing.CodeNotFound, Field: "sha256"}
	}
	_, name := place(hash)
	data, err := f.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &ticketing.Error{Code: ticketing.CodeNotFound, Field: "sha256", Err: err}
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, hash)
	}
	return data, nil
}

func place(hash string) (folder, name string) { return hash[:2], hash[:2] + "/" + hash }

func (f *Folder) write(name string, data []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// sync makes the names in a folder survive a crash.
func (f *Folder) sync(folder string) error {
	d, err := f.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *Folder) forget(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
