package email

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrNotMaildir says that a folder is no Maildir.
var ErrNotMaildir = errors.New("no Maildir: it has neither a folder cur nor a folder new")

// ListMaildir lists the mails of a Maildir, oldest first by the second their names begin with: those of cur and new, and, if recursive,
// of the folders whose names begin with a point (Maildir++). Links are left out; nothing is changed.
func ListMaildir(root *os.Root, recursive bool) ([]string, error) {
	folders := []string{"."}
	if recursive {
		entries, err := fs.ReadDir(root.FS(), ".")
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), ".") {
				folders = append(folders, e.Name())
			}
		}
	}
	var names []string
	found := false
	for _, folder := range folders {
		for _, sub := range []string{"cur", "new"} {
			entries, err := fs.ReadDir(root.FS(), path.Join(folder, sub))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = true
			for _, e := range entries {
				if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
					names = append(names, path.Join(folder, sub, e.Name()))
				}
			}
		}
	}
	if !found {
		return nil, ErrNotMaildir
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(deliverySecond(a), deliverySecond(b)), cmp.Compare(path.Base(a), path.Base(b)), cmp.Compare(a, b))
	})
	return names, nil
}

// deliverySecond is the first number of a name: "1764000000.M1P2.host:2,S".
func deliverySecond(name string) int64 {
	digits, _, _ := strings.Cut(path.Base(name), ".")
	second, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return second
}

// ReadMaildir yields the named mails of a Maildir. Of one larger than limit only the header is kept.
func ReadMaildir(root *os.Root, names []string, limit int64) iter.Seq2[Archived, error] {
	return func(yield func(Archived, error) bool) {
		for i, name := range names {
			a, err := readMaildirFile(root, name, limit)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%s has gone or was renamed while the Maildir was read", name)
			}
			a.End = int64(i + 1)
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

func readMaildirFile(root *os.Root, name string, limit int64) (a Archived, err error) {
	f, err := root.Open(name)
	if err != nil {
		return Archived{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return Archived{}, err
	}
	a = Archived{Size: info.Size(), Seen: info.ModTime()}
	if a.Size > limit {
		begin, err := io.ReadAll(io.LimitReader(f, maxHeaderBytes))
		if err != nil {
			return Archived{}, err
		}
		_, body := readHead(begin)
		a.Raw = withCRLF(begin[:len(begin)-len(body)])
		return a, nil
	}
	raw, err := io.ReadAll(io.LimitReader(f, limit))
	a.Raw = withCRLF(raw)
	a.Size = int64(len(a.Raw))
	return a, err
}

// withCRLF gives every line CRLF for its end. It returns raw itself when nothing changes.
func withCRLF(raw []byte) []byte {
	bare := bytes.Count(raw, []byte("\n")) - bytes.Count(raw, []byte("\r\n"))
	if bare == 0 {
		return raw
	}
	lines := make([]byte, 0, len(raw)+bare)
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') {
			lines = append(lines, '\r')
		}
		lines = append(lines, c)
	}
	return lines
}
