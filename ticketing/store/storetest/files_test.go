package storetest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"guichet/ticketing"
	"guichet/ticketing/store"
)

func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files")
	folder, err := store.OpenFolder(path)
	must(t, err)
	t.Cleanup(func() { must(t, folder.Close()) })

	data := bytes.Repeat([]byte("é\x00"), 1000)
	var all sync.WaitGroup
	hashes := make([]string, 8)
	for i := range hashes {
		all.Go(func() {
			hash, err := folder.Put(t.Context(), data)
			if err != nil {
				t.Error(err)
			}
			hashes[i] = hash
		})
	}
	all.Wait()
	hash := hashes[0]
	got, err := folder.Get(t.Context(), hash)
	must(t, err)
	equal(t, "content", string(got), string(data))
	names, err := filepath.Glob(filepath.Join(path, "*", "*"))
	must(t, err)
	equal(t, "files", strings.Join(names, " "), filepath.Join(path, hash[:2], hash))
	hidden, err := filepath.Glob(filepath.Join(path, "*", ".*"))
	must(t, err)
	equal(t, "unfinished files", len(hidden), 0)

	for _, nonsense := range []string{"", "ab", "../../etc/passwd", strings.ToUpper(hash), strings.Repeat("0", 64)} {
		_, err := folder.Get(t.Context(), nonsense)
		is(t, err, ticketing.ErrNotFound)
	}

	// A file the machine stopped in the middle of never got its name; one whose disk lost its end is noticed, and put again.
	must(t, os.WriteFile(names[0], data[:10], 0o600))
	if _, err := folder.Get(t.Context(), hash); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a damaged file was read: %v", err)
	}
	_, err = folder.Put(t.Context(), data)
	must(t, err)
	got, err = folder.Get(t.Context(), hash)
	must(t, err)
	equal(t, "content put again", string(got), string(data))
	empty, err := folder.Put(t.Context(), nil)
	must(t, err)
	got, err = folder.Get(t.Context(), empty)
	must(t, err)
	equal(t, "empty", len(got), 0)
}
