package console

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// keysOf lists the keys of a locale: a message's plural forms are one key.
func keysOf(t *testing.T, lang string) map[string]map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(localeFiles, "locales/"+lang+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]map[string]any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	keys := map[string]map[string]string{}
	for section, messages := range tree {
		for name, value := range messages {
			forms := map[string]string{}
			switch v := value.(type) {
			case string:
				forms["other"] = v
			case map[string]any:
				for form, text := range v {
					forms[form] = fmt.Sprint(text)
				}
			default:
				t.Errorf("%s: %s.%s is a %T: quote it", lang, section, name, value)
			}
			keys[section+"."+name] = forms
		}
	}
	return keys
}

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

func placeholders(text string) string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

func TestLocalesAgree(t *testing.T) {
	fr, en := keysOf(t, "fr"), keysOf(t, "en")
	for key, forms := range fr {
		other, ok := en[key]
		if !ok {
			t.Errorf("%s is in fr.yaml only", key)
			continue
		}
		if len(forms) != len(other) {
			t.Errorf("%s has a plural in one language only", key)
		}
		for form, text := range forms {
			if a, b := placeholders(text), placeholders(other[form]); a != b {
				t.Errorf("%s fills in %q in French and %q in English", key, a, b)
			}
			if strings.TrimSpace(text) == "" || strings.TrimSpace(other[form]) == "" {
				t.Errorf("%s is empty", key)
			}
		}
	}
	for key := range en {
		if _, ok := fr[key]; !ok {
			t.Errorf("%s is in en.yaml only", key)
		}
	}
}

// TestEveryKeyIsUsed reads the templates and the sources for keys.
func TestEveryKeyIsUsed(t *testing.T) {
	used := map[string]string{}
	inTemplate := regexp.MustCompile(`\b[tn] "([a-z_]+\.[a-z_]+)"`)
	groups := regexp.MustCompile(`word "([a-z_]+)"`)
	inGo := regexp.MustCompile(`"((?:refuse|login)\.[a-z_]+)"|(?:say|count|line|alert)\((?:"[a-z]+", )?"([a-z_]+\.[a-z_]+)"`)
	named := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	templates, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, templates...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pattern := inGo
		if strings.HasSuffix(file, ".html") {
			pattern = inTemplate
		}
		for _, m := range pattern.FindAllStringSubmatch(string(raw), -1) {
			used[strings.Join(m[1:], "")] = file
		}
		for _, m := range groups.FindAllStringSubmatch(string(raw), -1) {
			named[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`word\("([a-z]+)"`).FindAllStringSubmatch(string(raw), -1) {
			named[m[1]] = true
		}
	}
	for key, file := range used { // a refusal has a title and a detail
		if strings.HasPrefix(key, "refuse.") && key != "refuse.kept" && !strings.HasSuffix(key, "_detail") || key == "login.wrong" {
			used[key+"_detail"] = file
		}
	}
	for group, values := range vocabularies() {
		if !named[group] {
			t.Errorf("nobody asks for the words of %s", group)
		}
		for _, value := range values {
			used[wordKey(group, value)] = "vocabularies"
		}
	}
	for group := range named {
		if _, ok := vocabularies()[group]; !ok {
			t.Errorf("there is no vocabulary %s", group)
		}
	}
	keys := keysOf(t, "fr")
	for key, file := range used {
		if _, ok := keys[key]; !ok {
			t.Errorf("%s uses %s, which is in no locale", file, key)
		}
	}
	for key := range keys {
		if _, ok := used[key]; !ok {
			t.Errorf("nobody uses %s", key)
		}
	}
}

func TestAgo(t *testing.T) {
	voices, err := (&Console{assets: &assets{}}).loadVoices()
	if err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 10, 30, 0, 0, paris)
	for _, c := range []struct {
		at     time.Time
		fr, en string
	}{
		{now.Add(-20 * time.Second), "à l’instant", "just now"},
		{now.Add(-12 * time.Minute), "12 min", "12 min"},
		{now.Add(-3 * time.Hour), "3 h", "3 h"},
		{now.Add(-20 * time.Hour), "hier", "yesterday"},
		{now.Add(-72 * time.Hour), "3 j", "3 days"},
		{now.Add(-20 * 24 * time.Hour), "31/10", "31 Oct"},
		{now.AddDate(-1, 0, 0), "20/11/2025", "20 Nov 2025"},
	} {
		if got := voices["fr"].ago(c.at, now); got != c.fr {
			t.Errorf("%s: %q, want %q", c.at, got, c.fr)
		}
		if got := voices["en"].ago(c.at, now); got != c.en {
			t.Errorf("%s: %q, want %q", c.at, got, c.en)
		}
	}
	if got := voices["fr"].exact(now); got != "20/11/2026 à 10:30" {
		t.Error(got)
	}
	for bytes, want := range map[int]string{1: "1 octet", 900: "900 octets", 84_000: "84 ko", 1_240_000: "1,2 Mo"} {
		if got := voices["fr"].size(bytes); got != want {
			t.Errorf("%d bytes: %q, want %q", bytes, got, want)
		}
	}
}
