package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"guichet/channels/cti"
	"guichet/channels/email"
	"guichet/channels/twilio"
)

// Load reads the configuration: the defaults, over them the file, over both the environment, given as os.Environ gives it. Without
// a path the file is the one GUICHET_CONFIG names; without either there is none, and the defaults are the embedded mode.
// The error says everything that is wrong, one line each.
func Load(path string, env []string) (Config, error) {
	variables := map[string]string{}
	for _, entry := range env {
		// A variable set to nothing counts as not set: that is how compose files pass on what their user left out.
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, prefix) && value != "" {
			variables[name] = value
		}
	}
	if path == "" {
		path = variables["GUICHET_CONFIG"]
	}

	r := reader{file: layer{}, env: layer{}, root: reflect.TypeFor[Config]()}
	if path != "" {
		if err := r.readFile(path); err != nil {
			return Config{}, err
		}
	}
	r.readEnvironment(variables, slices.ContainsFunc(env, func(entry string) bool {
		return strings.HasPrefix(entry, "KUBERNETES_SERVICE_HOST=")
	}))
	if err := errors.Join(r.problems...); err != nil {
		return Config{}, err
	}
	c, err := r.config()
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// layer is what one source says: the path of a key → its value, already of the key's type.
type layer map[string]any

// reader gathers what the sources say, and everything that is wrong with it.
type reader struct {
	file, env layer
	root      reflect.Type
	items     []listItem
	problems  []error
}

// listItem is one entry of a list of structs, such as a mailbox.
type listItem struct {
	list string // "mailboxes"
	name string // as its owner wrote it
}

// path of an item: its name in the form a variable gives it, which has no dots.
func (i listItem) path() string { return join(i.list, variable(i.name)) }

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// set reads a value into a layer.
func (r *reader) set(into layer, path, where, text string, t reflect.Type) {
	value, err := parse(text, t)
	if err != nil {
		r.problem("%s: %q %w", where, text, err)
		return
	}
	into[path] = value
}

// fromFile reads a value that stands in a file of its own, as Docker and Kubernetes hand out secrets.
func (r *reader) fromFile(into layer, path, where, name string, t reflect.Type) {
	text, err := os.ReadFile(name)
	if err != nil {
		r.problem("%s: %s: %w; name a file this user may read", where, name, cause(err))
		return
	}
	trimmed := strings.TrimRight(string(text), "\r\n")
	if trimmed == "" {
		r.problem("%s: %s is empty; put the value into it", where, name)
		return
	}
	value, err := parse(trimmed, t)
	if err != nil {
		r.problem("%s: what %s holds %w", where, name, err) // not the text: files of their own are for secrets
		return
	}
	into[path] = value
}

// item finds an entry of a list by its path.
func (r *reader) item(path string) (listItem, bool) {
	i := slices.IndexFunc(r.items, func(it listItem) bool { return it.path() == path })
	if i < 0 {
		return listItem{}, false
	}
	return r.items[i], true
}

// config lays the environment over the file over the defaults.
func (r *reader) config() (Config, error) {
	k := koanf.New(".")
	for _, source := range []layer{r.file, r.env} {
		if err := k.Load(confmap.Provider(source, "."), nil); err != nil {
			return Config{}, fmt.Errorf("configuration: %w", err)
		}
	}
	c := Default()
	c.HTTP.PublicURL = ""
	for _, it := range r.items {
		var err error
		switch it.list {
		case "mailboxes":
			c.Mailboxes, err = withItem(k, it, c.Mailboxes, withDefaults)
		case "twilio.lines":
			c.Twilio.Lines, err = withItem(k, it, c.Twilio.Lines, named)
		case "cti":
			c.CTI, err = withItem(k, it, c.CTI, func(e cti.Exchange) cti.Exchange { return e })
		}
		if err != nil {
			return Config{}, fmt.Errorf("configuration of %s: %w", it.name, err)
		}
	}
	for _, l := range lists() {
		k.Delete(l.path)
	}
	if err := k.Unmarshal("", &c); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if c.HTTP.PublicURL == "" {
		c.HTTP.PublicURL = PublicURL(c.HTTP.Listen)
	}
	c.HTTP.PublicURL = strings.TrimRight(c.HTTP.PublicURL, "/")
	return c, nil
}

// withItem adds one item to its list, with what it left out.
func withItem[T any](k *koanf.Koanf, it listItem, items []T, complete func(T) T) ([]T, error) {
	var t T
	if err := k.Unmarshal(it.path(), &t); err != nil {
		return nil, err
	}
	return append(items, complete(t)), nil
}

// named gives a line without a name its number.
func named(l twilio.Line) twilio.Line {
	if l.Name == "" {
		l.Name = l.Number
	}
	return l
}

// withDefaults fills in what a mailbox left out. The protection and the port follow from each other, but never to "none": an
// unprotected connection is asked for by name.
func withDefaults(m email.Mailbox) email.Mailbox {
	if m.IMAP.TLS == "" {
		m.IMAP.TLS = tlsOf(m.IMAP.Port, 143)
	}
	if m.IMAP.Port == 0 {
		m.IMAP.Port = portOf(m.IMAP.TLS, 993, 143, 143)
	}
	if m.SMTP.TLS == "" {
		m.SMTP.TLS = tlsOf(m.SMTP.Port, 587)
	}
	if m.SMTP.Port == 0 {
		m.SMTP.Port = portOf(m.SMTP.TLS, 465, 587, 25)
	}
	if m.IMAP.Folder == "" && len(m.IMAP.Folders) == 0 {
		m.IMAP.Folder = "INBOX"
	}
	if m.IMAP.After == "" {
		m.IMAP.After = "leave"
	}
	if m.IMAP.Poll == 0 {
		m.IMAP.Poll = time.Minute
	}
	if m.IMAP.MaxSize == 0 {
		m.IMAP.MaxSize = 40e6
	}
	return m
}

func tlsOf(port, startTLS int) email.TLS {
	if port == startTLS {
		return email.StartTLS
	}
	return email.Implicit
}

func portOf(tls email.TLS, implicit, startTLS, none int) int {
	switch tls {
	case email.StartTLS:
		return startTLS
	case email.NoTLS:
		return none
	default:
		return implicit
	}
}

// cause is an error of the file system without the path, which the sentence names already.
func cause(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
