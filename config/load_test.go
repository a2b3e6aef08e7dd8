package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"guichet/channels/cti"
	"guichet/channels/email"
	"guichet/channels/twilio"
)

// inFolder writes files into a folder of the test and works there, so that paths in messages are short.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const mairie = `
mailboxes:
  - name: mairie
    address: contact@valmont.example
    department: accueil
    imap: { host: imap.lan, username: contact, password: one }
    smtp: { host: smtp.lan }
`

const twoLines = `
twilio:
  account_sid: AC1
  auth_token: one
  lines:
    - { name: standard, number: +33939000000, department: accueil }
    - { number: "+33939000001", department: voirie, uses: [sms] }
cti: [{ name: standard, token: pbx-secret }]
`

func TestLoadWithoutAnythingIsTheDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Load("", []string{"HOME=/", "GUICHET_DATABASE=", "GUICHET_TEST_REDIS_URL=x", "GUICHETTE=y"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("Load = %v, want %v", c, Default())
	}
}

// TestLoadExample holds the manual to what it says.
func TestLoadExample(t *testing.T) {
	path := filepath.Join("..", "guichet.example.yaml")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Mailboxes) != 3 {
		t.Fatalf("%d mailboxes", len(c.Mailboxes))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys("", reflect.TypeFor[Config]()) {
		if !strings.Contains(string(text), lastPart(k.path)+":") {
			t.Errorf("the example does not explain %s", k.path)
		}
	}
	want := email.Mailbox{
		Name: "etat-civil", Address: "etat-civil@valmont.example", Department: "etat-civil",
		IMAP: email.IMAP{
			Host: "imap.valmont.example", Port: 993, TLS: email.Implicit, Username: "etat-civil@valmont.example", Password: "change-me",
			Folder: "INBOX", After: "leave", Poll: time.Minute, MaxSize: 40e6,
		},
		SMTP: email.SMTP{Host: "relay.valmont.example", Port: 25, TLS: email.NoTLS},
	}
	if !reflect.DeepEqual(c.Mailboxes[1], want) {
		t.Errorf("the short mailbox is %+v, want %+v", c.Mailboxes[1], want)
	}
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		file  string
		files map[string]string
		env   []string
		check func(Config) bool
	}{
		{name: "an empty file", file: "", check: func(c Config) bool { return reflect.DeepEqual(c, Default()) }},
		{name: "only comments", file: "# nothing\n", check: func(c Config) bool { return reflect.DeepEqual(c, Default()) }},
		{name: "an empty document", file: "---\n", check: func(c Config) bool { return reflect.DeepEqual(c, Default()) }},
		{name: "keys with nothing behind them", file: "database:\nsecret_key_file:\nhttp:\nmailboxes:\ntown:\n  languages:\n", check: func(c Config) bool { return reflect.DeepEqual(c, Default()) }},
		{
			name: "a value keeps its neighbours' defaults", file: "town: { name: Valmont }",
			check: func(c Config) bool { return c.Town.Name == "Valmont" && c.Town.Region == "FR" },
		},
		{
			name: "the environment wins", file: "redis: redis://file:1\nfiles: there", env: []string{"GUICHET_REDIS=redis://env:2"},
			check: func(c Config) bool { return c.Redis == "redis://env:2" && c.Files == "there" },
		},
		{
			name: "a shorter list replaces the default", file: "town: { languages: [de] }",
			check: func(c Config) bool { return reflect.DeepEqual(c.Town.Languages, []string{"de"}) },
		},
		{
			name: "a list as one text", env: []string{"GUICHET_TOWN_LANGUAGES=en, fr"},
			check: func(c Config) bool { return reflect.DeepEqual(c.Town.Languages, []string{"en", "fr"}) },
		},
		{
			name: "the country NO is Norway", file: "town: { region: NO }",
			check: func(c Config) bool { return c.Town.Region == "NO" },
		},
		{
			name: "an anchor", file: "town: { name: &n Valmont }\nfiles: *n",
			check: func(c Config) bool { return c.Files == "Valmont" },
		},
		{
			name: "public_url follows listen", env: []string{"GUICHET_HTTP_LISTEN=:9000"},
			check: func(c Config) bool { return c.HTTP.PublicURL == "http://localhost:9000" },
		},
		{
			name: "public_url loses its last slash", env: []string{"GUICHET_HTTP_PUBLIC_URL=https://g.example/"},
			check: func(c Config) bool { return c.HTTP.PublicURL == "https://g.example" },
		},
		{
			name: "a variable reads a file", files: map[string]string{"redis": "redis://there:1\r\n"}, env: []string{"GUICHET_REDIS_FILE=redis"},
			check: func(c Config) bool { return c.Redis == "redis://there:1" },
		},
		{
			name: "spaces in a secret's file are part of it", file: strings.Replace(mairie, "password: one", "password_file: pw", 1),
			files: map[string]string{"pw": " two \n"},
			check: func(c Config) bool { return c.Mailboxes[0].IMAP.Password == " two " },
		},
		{
			name: "several keys in a file", file: "old_secret_keys_file: old",
			files: map[string]string{"old": strings.Repeat("A", 43) + "=\n" + strings.Repeat("B", 42) + "A=\n"},
			check: func(c Config) bool { return len(c.OldSecretKeys) == 2 && len(c.OldKeys()) == 2 },
		},
		{
			name: "a mailbox by its name", file: strings.Replace(mairie, "name: mairie", "name: État-civil 2", 1),
			env: []string{"GUICHET_MAILBOXES__TAT_CIVIL_2_IMAP_PASSWORD=two", "GUICHET_MAILBOXES__TAT_CIVIL_2_FORM_SENDERS=a@b.fr,c@d.fr"},
			check: func(c Config) bool {
				return c.Mailboxes[0].IMAP.Password == "two" && len(c.Mailboxes[0].FormSenders) == 2
			},
		},
		{
			name: "a mailbox's numbers and switches", file: mairie,
			env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_PORT=1143", "GUICHET_MAILBOXES_MAIRIE_IMAP_POLL=5s", "GUICHET_MAILBOXES_MAIRIE_IMAP_MAX_SIZE=1MiB", "GUICHET_MAILBOXES_MAIRIE_PLUS_ADDRESSES=true"},
			check: func(c Config) bool {
				m := c.Mailboxes[0]
				return m.IMAP.Port == 1143 && m.IMAP.Poll == 5*time.Second && m.IMAP.MaxSize == 1<<20 && m.PlusAddresses
			},
		},
		{
			name: "a mailbox from the environment alone, after those of the file", file: strings.Replace(mairie, "contact@", "mairie@", 1),
			env: []string{
				"GUICHET_MAILBOXES_ETAT_CIVIL_ADDRESS=etat-civil@valmont.example", "GUICHET_MAILBOXES_ETAT_CIVIL_DEPARTMENT=etat-civil",
				"GUICHET_MAILBOXES_ETAT_CIVIL_IMAP_HOST=imap.lan", "GUICHET_MAILBOXES_ETAT_CIVIL_IMAP_USERNAME=ec",
				"GUICHET_MAILBOXES_ETAT_CIVIL_IMAP_PASSWORD=x", "GUICHET_MAILBOXES_ETAT_CIVIL_SMTP_HOST=smtp.lan",
			},
			check: func(c Config) bool {
				return len(c.Mailboxes) == 2 && c.Mailboxes[0].Name == "mairie" && c.Mailboxes[1].Name == "etat-civil" && c.Mailboxes[1].IMAP.Username == "ec"
			},
		},
		{
			name: "starttls follows from its port", file: mairie, env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_PORT=143", "GUICHET_MAILBOXES_MAIRIE_SMTP_PORT=587"},
			check: func(c Config) bool {
				return c.Mailboxes[0].IMAP.TLS == email.StartTLS && c.Mailboxes[0].SMTP.TLS == email.StartTLS
			},
		},
		{
			name: "ports follow from starttls", file: mairie, env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_TLS=starttls", "GUICHET_MAILBOXES_MAIRIE_SMTP_TLS=starttls"},
			check: func(c Config) bool { return c.Mailboxes[0].IMAP.Port == 143 && c.Mailboxes[0].SMTP.Port == 587 },
		},
		{
			name: "nothing is unprotected by itself", file: mairie, env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_PORT=1143", "GUICHET_MAILBOXES_MAIRIE_SMTP_PORT=25"},
			check: func(c Config) bool {
				return c.Mailboxes[0].IMAP.TLS == email.Implicit && c.Mailboxes[0].SMTP.TLS == email.Implicit
			},
		},
		{
			name: "lines", file: twoLines,
			check: func(c Config) bool {
				return reflect.DeepEqual(c.Twilio.Lines, []twilio.Line{
					{Name: "standard", Number: "+33939000000", Department: "accueil"},
					{Name: "+33939000001", Number: "+33939000001", Department: "voirie", Uses: []string{"sms"}},
				}) && reflect.DeepEqual(c.CTI, []cti.Exchange{{Name: "standard", Token: "pbx-secret"}}) &&
					c.Twilio.Enabled() && c.Twilio.APIBase == Default().Twilio.APIBase && c.Twilio.KeepRecordings == 720*time.Hour
			},
		},
		{
			name: "a line by its name or its digits", file: twoLines,
			env: []string{"GUICHET_TWILIO_LINES_STANDARD_USES=voice", "GUICHET_TWILIO_LINES_33939000001_DEPARTMENT=ccas", "GUICHET_CTI_STANDARD_BLOCKED=0639980001,0639980002"},
			check: func(c Config) bool {
				return c.Twilio.Lines[0].Uses[0] == "voice" && c.Twilio.Lines[1].Department == "ccas" && c.Twilio.Lines[1].Name == "+33939000001" && len(c.CTI[0].Blocked) == 2
			},
		},
		{
			name: "lines and exchanges from the environment alone", files: map[string]string{"token": "pbx-secret\n"},
			env: []string{
				"GUICHET_TWILIO_ACCOUNT_SID=AC1", "GUICHET_TWILIO_AUTH_TOKEN=one", "GUICHET_TWILIO_LINES_ETAT_CIVIL_NUMBER=+33939000002",
				"GUICHET_TWILIO_LINES_ETAT_CIVIL_DEPARTMENT=etat-civil", "GUICHET_CTI_STANDARD_TOKEN_FILE=token",
			},
			check: func(c Config) bool {
				return reflect.DeepEqual(c.Twilio.Lines, []twilio.Line{{Name: "etat-civil", Number: "+33939000002", Department: "etat-civil"}}) &&
					reflect.DeepEqual(c.CTI, []cti.Exchange{{Name: "standard", Token: "pbx-secret"}})
			},
		},
		{
			name: "no quiet hours", file: "town: { quiet_hours: \"\" }",
			check: func(c Config) bool { _, _, quiet := c.Town.Quiet(); return !quiet },
		},
		{
			name:  "what Kubernetes adds",
			env:   []string{"KUBERNETES_SERVICE_HOST=10.0.0.1", "GUICHET_SERVICE_HOST=10.0.0.2", "GUICHET_PORT=tcp://10.0.0.2:80", "GUICHET_PORT_80_TCP=tcp://10.0.0.2:80"},
			check: func(c Config) bool { return reflect.DeepEqual(c, Default()) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, c.files)
			if err := os.WriteFile("guichet.yaml", []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load("", append(c.env, "GUICHET_CONFIG=guichet.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(got) {
				t.Errorf("Load = %v", got)
			}
		})
	}
}

func TestLoadTakesThePathBeforeTheVariable(t *testing.T) {
	inFolder(t, map[string]string{"a.yaml": "files: a", "b.yaml": "files: b"})
	c, err := Load("a.yaml", []string{"GUICHET_CONFIG=b.yaml"})
	if err != nil || c.Files != "a" {
		t.Errorf("Load = %v, %v", c, err)
	}
}

// TestEveryValueHasAVariable sets each key of the example to another value by its variable alone.
func TestEveryValueHasAVariable(t *testing.T) {
	account := strings.Replace(mairie, "smtp.lan", "smtp.lan, username: one, password: one", 1)
	account += "twilio: { account_sid: AC1, auth_token: one, lines: [{ name: mairie, number: \"+33939000000\", department: accueil }] }\n" +
		"cti: [{ name: mairie, token: one-secret }]\n"
	tokens := strings.Replace(mairie, ", password: one", "", 1) + "    oauth2: { token_url: https://one.lan, client_id: one, client_secret: one, scope: one }\n"
	inFolder(t, map[string]string{"guichet.yaml": account, "tokens.yaml": tokens})
	other := map[string]string{ // what cannot be any word
		"database": "sqlite://other.db", "redis": "redis://other:1", "secret_key": strings.Repeat("A", 43) + "=", "old_secret_keys": strings.Repeat("A", 43) + "=",
		"listen": ":1", "metrics_listen": ":2", "public_url": "https://other.example", "timezone": "UTC", "region": "BE", "languages": "nl",
		"address": "other@valmont.example", "form_senders": "other@valmont.example", "plus_addresses": "true", "port": "7", "tls": "starttls",
		"after": "seen", "trusted_proxies": "10.0.0.1", "token_url": "https://other.lan", "poll": "7s", "max_size": "7MB", "level": "warn", "quiet_hours": "21:00-07:00",
		"api_base": "https://other.lan", "number": "+33939000001", "uses": "sms", "record_calls": "true", "keep_recordings": "7h", "keep": "1000h", "token": "other-secret",
		"numbers": "national", "blocked": "+33639980001", "format": "json",
	}
	for _, k := range keys("", reflect.TypeFor[Config]()) {
		last, file := lastPart(k.path), "guichet.yaml"
		if strings.Contains(k.path, ".oauth2.") {
			file = "tokens.yaml"
		}
		before, err := Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last == "name" && strings.Contains(k.path, item) {
			continue // addresses the mailbox
		}
		value := other[last]
		if value == "" {
			value = "other"
		}
		env := []string{prefix + variable(strings.Replace(k.path, item, "mairie", 1)) + "=" + value}
		after, err := Load(file, env)
		if err != nil {
			t.Errorf("%v: %v", env, err)
		} else if reflect.DeepEqual(before, after) {
			t.Errorf("%v changed nothing", env)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		file  string
		files map[string]string
		env   []string
		want  string
	}{
		{
			name: "broken YAML", file: "town:\n  name: [",
			want: "guichet.yaml: line 2: did not find expected node content; correct the YAML there",
		},
		{
			name: "two documents", file: "files: a\n---\nfiles: b",
			want: "guichet.yaml: more than one YAML document; keep what stands before the line ---",
		},
		{
			name: "not a mapping", file: "- files",
			want: "guichet.yaml:1: a configuration wants keys and values below it; see guichet.example.yaml",
		},
		{
			name: "a word for a heading", file: "http: 8080",
			want: "guichet.yaml:1: http wants keys and values below it; see guichet.example.yaml",
		},
		{
			name: "a misspelt key", file: "files: a\ndattabase: x",
			want: "guichet.yaml:2: unknown key dattabase; the nearest right one is database",
		},
		{
			name: "a misspelt heading", file: "mailboxs: []",
			want: "guichet.yaml:1: unknown key mailboxs; the nearest right one is mailboxes",
		},
		{
			name: "a key without its heading", file: "timezone: Europe/Paris",
			want: "guichet.yaml:1: unknown key timezone; the nearest right one is town.timezone",
		},
		{
			name: "a misspelt key below", file: "town:\n  region: FR\n  languges: [fr]",
			want: "guichet.yaml:3: unknown key town.languges; the nearest right one is town.languages",
		},
		{
			name: "a misspelt key of a mailbox", file: strings.Replace(mairie, "password: one", "pasword: one", 1),
			want: "guichet.yaml:6: unknown key mailboxes.mairie.imap.pasword; the nearest right one is mailboxes.mairie.imap.password",
		},
		{
			name: "a misspelt secret's file", file: "secret_key_fil: x",
			want: "guichet.yaml:1: unknown key secret_key_fil; the nearest right one is secret_key_file",
		},
		{
			name: "a file for a heading", file: "town_file: x",
			want: "guichet.yaml:1: unknown key town_file; the nearest right one is town.name",
		},
		{
			name: "a list for the name of a file", file: "secret_key_file: [a]",
			want: "guichet.yaml:1: secret_key_file wants the name of a file",
		},
		{
			name: "a merge", file: "<<: { files: x }",
			want: "guichet.yaml:1: unknown key <<; the nearest right one is cti",
		},
		{
			name: "a key twice", file: "files: a\nfiles: b",
			want: "guichet.yaml:2: files: line 1 says it already; keep one of them",
		},
		{
			name: "a secret twice", file: "secret_key_file: a\nsecret_key: b", files: map[string]string{"a": strings.Repeat("A", 43) + "="},
			want: "guichet.yaml:2: secret_key: line 1 says it already; keep one of them",
		},
		{
			name: "a list for a word", file: "files: [a]",
			want: "guichet.yaml:1: files wants one value, not a list or keys below it",
		},
		{
			name: "keys for a word", file: "files: {a: b}",
			want: "guichet.yaml:1: files wants one value, not a list or keys below it",
		},
		{
			name: "a list of lists", file: "town: { languages: [[fr]] }",
			want: "guichet.yaml:1: town.languages wants a list of words",
		},
		{
			name: "a port of letters", file: strings.Replace(mairie, "host: imap.lan", "host: imap.lan, port: imaps", 1),
			want: `guichet.yaml:6: mailboxes.mairie.imap.port: "imaps" is not a whole number`,
		},
		{
			name: "mailboxes by name", file: "mailboxes:\n  mairie: {}",
			want: "guichet.yaml:2: mailboxes wants a list; begin each entry with a dash: - name: …",
		},
		{
			name: "a mailbox without a name", file: "mailboxes:\n  - address: a@b.fr\n  - contact",
			want: "guichet.yaml:2: an entry of mailboxes has no name; give it one: - name: …\n" +
				"guichet.yaml:3: an entry of mailboxes has no name; give it one: - name: …",
		},
		{
			name: "two mailboxes variables cannot tell apart", file: "mailboxes:\n  - name: etat-civil\n  - name: Etat civil",
			want: "guichet.yaml:3: mailboxes.Etat civil is named like mailboxes.etat-civil, which stands above; variables could not tell them apart, rename one",
		},
		{
			name: "a secret's file that is not there", file: "secret_key_file: nowhere",
			want: "guichet.yaml:1: secret_key_file: nowhere: no such file or directory; name a file this user may read",
		},
		{
			name: "a secret's file with nothing in it", file: "secret_key_file: a", files: map[string]string{"a": "\n"},
			want: "guichet.yaml:1: secret_key_file: a is empty; put the value into it",
		},
		{
			name: "a line without a name and a number", file: "twilio:\n  lines: [{ department: accueil }]",
			want: "guichet.yaml:2: an entry of twilio.lines has no name; give it one: - name: …",
		},
		{
			name: "a misspelt key of a line", file: strings.Replace(twoLines, "department: voirie", "departement: voirie", 1),
			want: "guichet.yaml:7: unknown key twilio.lines.33939000001.departement; the nearest right one is twilio.lines.33939000001.department",
		},
		{
			name: "a variable of a line nobody described", env: []string{"GUICHET_TWILIO_LINES_STANDARD_USES=sms"},
			want: "unknown variable GUICHET_TWILIO_LINES_STANDARD_USES; the nearest right one is GUICHET_TWILIO_LINES_STANDARD_NUMBER",
		},
		{
			name: "a misspelt variable", env: []string{"GUICHET_DATTABASE=x"},
			want: "unknown variable GUICHET_DATTABASE; the nearest right one is GUICHET_DATABASE",
		},
		{
			name: "a misspelt variable of a file", env: []string{"GUICHET_SECRETKEY_FILE=x"},
			want: "unknown variable GUICHET_SECRETKEY_FILE; the nearest right one is GUICHET_SECRET_KEY_FILE",
		},
		{
			name: "a variable of a misspelt mailbox", file: mairie, env: []string{"GUICHET_MAILBOXES_MARIE_IMAP_PASSWORD=x"},
			want: "unknown variable GUICHET_MAILBOXES_MARIE_IMAP_PASSWORD; the nearest right one is GUICHET_MAILBOXES_MAIRIE_IMAP_PASSWORD",
		},
		{
			name: "a variable of a mailbox nobody described", env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_HOST=x"},
			want: "unknown variable GUICHET_MAILBOXES_MAIRIE_IMAP_HOST; the nearest right one is GUICHET_MAILBOXES_MAIRIE_ADDRESS",
		},
		{
			name: "the name of a mailbox by variable", file: mairie, env: []string{"GUICHET_MAILBOXES_MAIRIE_NAME=x"},
			want: "unknown variable GUICHET_MAILBOXES_MAIRIE_NAME; the nearest right one is GUICHET_MAILBOXES_MAIRIE_ADDRESS",
		},
		{
			name: "Kubernetes' variables without Kubernetes", env: []string{"GUICHET_PORT=80"},
			want: "unknown variable GUICHET_PORT; the nearest right one is GUICHET_FILES",
		},
		{
			name: "a variable and its file", env: []string{"GUICHET_FILES=x", "GUICHET_FILES_FILE=y"},
			want: "GUICHET_FILES and GUICHET_FILES_FILE are both set; keep one of them",
		},
		{
			name: "a variable's file that is not there", env: []string{"GUICHET_SECRET_KEY_FILE=nowhere"},
			want: "GUICHET_SECRET_KEY_FILE: nowhere: no such file or directory; name a file this user may read",
		},
		{
			name: "a variable's value", file: mairie, env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_POLL=often"},
			want: `GUICHET_MAILBOXES_MAIRIE_IMAP_POLL: "often" is not a duration; write for example 60s or 5m`,
		},
		{
			name: "the value of a variable's file stays in it", file: mairie, files: map[string]string{"a": "confidential"}, env: []string{"GUICHET_MAILBOXES_MAIRIE_IMAP_PORT_FILE=a"},
			want: "GUICHET_MAILBOXES_MAIRIE_IMAP_PORT_FILE: what a holds is not a whole number",
		},
		{
			name: "everything at once", file: "dattabase: x\nfiles: [a]", env: []string{"GUICHET_REDI=x"},
			want: "guichet.yaml:1: unknown key dattabase; the nearest right one is database\n" +
				"guichet.yaml:2: files wants one value, not a list or keys below it\n" +
				"unknown variable GUICHET_REDI; the nearest right one is GUICHET_REDIS",
		},
		{
			name: "a value that cannot be right", file: "log: { level: loud }",
			want: `log.level: "loud" is not a level; choose debug, info, warn or error`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, c.files)
			if err := os.WriteFile("guichet.yaml", []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load("guichet.yaml", c.env)
			if err == nil || err.Error() != c.want {
				t.Errorf("error:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

func TestLoadNamesTheMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load("guichet.yaml", nil)
	want := "configuration guichet.yaml: no such file or directory; give the right path with --config or GUICHET_CONFIG"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
