package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "guichet"

// rooms says what each room may import of ours: imports run down only. The longest name that fits a package is its room; packages
// of the same room may import each other. "x/..." is x and everything below it. Tests may look up, because they join real parts.
var rooms = map[string][]string{
	"cmd":                {"agentapi/...", "ticketing/...", "routing/...", "channels/...", "config"},
	"config":             {"channels/..."}, // option structs only
	"agentapi":           {"agentapi/auth", "agentapi/console", "ticketing", "ticketing/calendar", "ticketing/legal", "routing/...", "channels"},
	"agentapi/auth":      {"ticketing", "routing"},
	"agentapi/console":   {"agentapi/auth", "ticketing", "ticketing/calendar", "ticketing/legal", "routing/...", "channels"},
	"ticketing":          {"ticketing/calendar", "ticketing/legal", "routing/...", "channels"},
	"ticketing/calendar": nil,
	"ticketing/legal":    {"ticketing/calendar"},
	"ticketing/store":    {"ticketing", "ticketing/calendar", "ticketing/legal", "routing/...", "channels"},
	"ticketing/outbox":   {"ticketing", "ticketing/calendar", "ticketing/legal", "routing/...", "channels"},
	"ticketing/demo":     {"ticketing", "channels"},
	"routing":            {"routing/words"},
	"routing/words":      nil,
	"channels":           nil,
	// An adapter knows the words of channels and no other adapter.
	"channels/email":   {"channels"},
	"channels/twilio":  {"channels"},
	"channels/cti":     {"channels"},
	"channels/counter": {"channels"},
}

// lives says in which room a foreign library is used, and so where to read before replacing it.
var lives = map[string]string{
	"gorm.io":                            "ticketing/store/...",
	"github.com/glebarez":                "ticketing/store/...",
	"github.com/jackc/pgx":               "ticketing/store/...",
	"modernc.org/sqlite":                 "ticketing/store/...",
	"github.com/pressly/goose":           "ticketing/store/...",
	"github.com/redis/go-redis":          "routing/...",
	"github.com/alicebob/miniredis":      "routing/...",
	"github.com/gin-gonic":               "agentapi/...",
	"github.com/danielgtaylor/huma":      "agentapi/...",
	"github.com/alexedwards/scs":         "agentapi/...",
	"github.com/prometheus":              "agentapi/...",
	"github.com/alexedwards/argon2id":    "agentapi/auth/...",
	"github.com/emersion":                "channels/email/...",
	"github.com/microcosm-cc/bluemonday": "channels/email/...",
	"github.com/yuin/goldmark":           "channels/email/...",
	"golang.org/x/oauth2":                "channels/email/...",
	"github.com/twilio":                  "channels/twilio/...",
	"github.com/kljensen/snowball":       "routing/words",
	"github.com/nyaruka/phonenumbers":    "channels",
	"github.com/alecthomas/kong":         "cmd/...",
	"github.com/knadh/koanf":             "config",
}

// TestImportsRunDown holds the direction of imports, and one foreign library to one room.
func TestImportsRunDown(t *testing.T) {
	for _, p := range packages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module+"/")
		room := roomOf(pkg)
		if room == "" {
			t.Errorf("%s stands in no room of the house; add it to rooms, with what it may import", pkg)
			continue
		}
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			switch {
			case ours && roomOf(imported) != room && !slices.ContainsFunc(rooms[room], within(imported)):
				t.Errorf("%s imports %s: %s may import only %v of ours", pkg, imported, room, rooms[room])
			case !ours:
				for library, home := range lives {
					if (path == library || strings.HasPrefix(path, library+"/")) && !within(pkg)(home) {
						t.Errorf("%s imports %s, which lives in %s", pkg, path, home)
					}
				}
			}
		}
	}
}

// TestTopFolders keeps the house at six folders, so that a newcomer has six doors to look behind.
func TestTopFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, entry := range entries {
		// var and bin are what running and building leave behind; git ignores both.
		if name := entry.Name(); entry.IsDir() && !strings.HasPrefix(name, ".") && name != "var" && name != "bin" {
			folders = append(folders, name)
		}
	}
	want := []string{"agentapi", "channels", "cmd", "config", "routing", "ticketing"}
	if !slices.Equal(folders, want) {
		t.Errorf("top folders are %v, want %v", folders, want)
	}
}

// root of the repository, seen from this package.
var root = filepath.Join("..", "..")

// listed is what `go list` says of a package: Imports are those of the program, without its tests'. What does not compile is for
// the compiler to say, hence -e.
type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	list.Dir = root
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// roomOf finds the room a package stands in.
func roomOf(pkg string) string {
	for room := pkg; room != "."; room = filepath.ToSlash(filepath.Dir(room)) {
		if _, known := rooms[room]; known {
			return room
		}
	}
	return ""
}

// within tells whether a package is meant by a pattern.
func within(pkg string) func(pattern string) bool {
	return func(pattern string) bool {
		below, tree := strings.CutSuffix(pattern, "/...")
		return pkg == below || tree && strings.HasPrefix(pkg, below+"/")
	}
}
