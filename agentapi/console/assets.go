package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets is the embedded files under one address that changes whenever one of them does, so that a browser may keep them for ever
// and modules may name each other by relative paths.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	kind  string
	plain []byte
	gzip  []byte
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		plain, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		kind := map[string]string{
			".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		}[path.Ext(name)]
		if kind == "" {
			return fmt.Errorf("asset %s: of what type is it?", name)
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(plain); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d ", name, len(plain))
		sum.Write(plain)
		a.files[strings.TrimPrefix(name, "assets/")] = asset{kind: kind, plain: plain, gzip: packed.Bytes()}
		return nil
	})
	a.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

// address gives the URL of an asset.
func (a *assets) address(name string) string { return AssetsPath + a.version + "/" + name }

// ServeHTTP implements http.Handler. A page that was open before an update still finds its files, but must ask each time.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, AssetsPath), "/")
	file, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if version == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	packed := acceptsGzip(r)
	etag := `"` + a.version + `"`
	if packed {
		etag = `"` + a.version + `-gzip"`
	}
	h.Set("ETag", etag)
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := file.plain
	if packed {
		h.Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser has gone: nobody is left to tell
	}
}

// acceptsGzip tells whether the browser reads gzip (RFC 9110 section 12.5.3, without the weights no browser sends).
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(coding, "gzip") && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
