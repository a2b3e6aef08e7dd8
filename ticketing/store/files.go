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
	"time"

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
	if !f.renew(name, len(data)) {
		if err := f.keep(folder, name, data); err != nil {
			return "", fmt.Errorf("keep a file: %w", err)
		}
	}
	// Also when it was there: whoever put it a moment ago may not have come this far.
	return hash, errors.Join(f.sync(folder), f.sync("."))
}

// renew tells whether a file is there whole, and makes it young again, so that Sweep leaves it to whoever is about to name it.
func (f *Folder) renew(name string, size int) bool {
	info, err := f.root.Stat(name)
	if err != nil || info.Size() != int64(size) {
		return false
	}
	now := time.Now()
	return f.root.Chtimes(name, now, now) == nil
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

// gone begins the name of a file that Sweep is removing.
const gone = ".gone-"

// Sweep removes the files last put before a time that named does not know, and what Put left unfinished before it. A file is moved
// aside before it is looked at for the last time: whoever puts the same content meanwhile either made it young again, and it goes
// back, or no longer finds it and writes it anew.
func (f *Folder) Sweep(ctx context.Context, before time.Time, named func(ctx context.Context, sha256 []string) (map[string]bool, error)) (removed int, err error) {
	folders, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return 0, err
	}
	for _, folder := range folders {
		if !folder.IsDir() || len(folder.Name()) != 2 {
			continue
		}
		n, err := f.sweepFolder(ctx, folder.Name(), before, named)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", folder.Name(), err)
		}
	}
	return removed, nil
}

func (f *Folder) sweepFolder(ctx context.Context, folder string, before time.Time, named func(context.Context, []string) (map[string]bool, error)) (removed int, err error) {
	entries, err := fs.ReadDir(f.root.FS(), folder)
	if err != nil {
		return 0, err
	}
	var sums []string
	for _, e := range entries {
		name := folder + "/" + e.Name()
		sum, aside := strings.CutPrefix(e.Name(), gone)
		switch {
		case aside: // the process that was removing it died
			if err := f.putBack(name, folder+"/"+sum); err != nil {
				return removed, err
			}
		case strings.HasPrefix(e.Name(), "."):
			if f.older(name, before) {
				if err := f.forget(name); err != nil {
					return removed, err
				}
				removed++
			}
			continue
		}
		if f.older(folder+"/"+sum, before) {
			sums = append(sums, sum)
		}
	}
	if len(sums) == 0 {
		return removed, nil
	}
	known, err := named(ctx, sums)
	if err != nil {
		return removed, err
	}
	for _, sum := range sums {
		if known[sum] {
			continue
		}
		name, aside := folder+"/"+sum, folder+"/"+gone+sum
		if err := f.root.Rename(name, aside); errors.Is(err, fs.ErrNotExist) { // another replica was faster
			continue
		} else if err != nil {
			return removed, err
		}
		if !f.older(aside, before) {
			if err := f.putBack(aside, name); err != nil {
				return removed, err
			}
			continue
		}
		if err := f.forget(aside); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, f.sync(folder)
}

// older tells whether a file is there and was last put before a time.
func (f *Folder) older(name string, before time.Time) bool {
	info, err := f.root.Stat(name)
	return err == nil && info.ModTime().Before(before)
}

// putBack gives a file that was moved aside its name again. Where that has been written anew, it is the same content.
func (f *Folder) putBack(aside, name string) error {
	if _, err := f.root.Stat(name); err == nil {
		return f.forget(aside)
	}
	if err := f.root.Rename(aside, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
