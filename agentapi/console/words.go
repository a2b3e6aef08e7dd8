package console

import (
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"

	"guichet/channels"
	"guichet/ticketing"
)

//go:embed locales
var localeFiles embed.FS

// languages lists those of the screens, the first being the one for whoever speaks none of them.
func languages() []string { return []string{"fr", "en"} }

// voice is the console in one language: its words, and its templates, which are bound to them.
type voice struct {
	language  string
	localizer *i18n.Localizer
	pages     map[string]*template.Template
}

// loadVoices reads the locales and binds the templates to each.
func (c *Console) loadVoices() (map[string]*voice, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	voices := map[string]*voice{}
	for _, lang := range languages() {
		if _, err := bundle.LoadMessageFileFS(localeFiles, "locales/"+lang+".yaml"); err != nil {
			return nil, fmt.Errorf("locale %s: %w", lang, err)
		}
		v := &voice{language: lang, localizer: i18n.NewLocalizer(bundle, lang)}
		var err error
		if v.pages, err = parsePages(c.functions(v)); err != nil {
			return nil, err
		}
		voices[lang] = v
	}
	return voices, nil
}

// chooseLanguage gives the language of a screen: the agent's, else the first her browser asks for that there is.
func chooseLanguage(profile, accept string) string {
	if slices.Contains(languages(), profile) {
		return profile
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err == nil {
		for _, tag := range wanted {
			base, _ := tag.Base()
			if slices.Contains(languages(), base.String()) {
				return base.String()
			}
		}
	}
	return languages()[0]
}

// say gives the words of a key. args are names and values to fill in, in turn.
func (v *voice) say(key string, args ...any) string {
	return v.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: pairs(args)})
}

// count gives the words of a key for a number, which they know as {{.Count}}.
func (v *voice) count(key string, n int, args ...any) string {
	data := pairs(args)
	data["Count"] = n
	return v.localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: data})
}

func (v *voice) localize(config *i18n.LocalizeConfig) string {
	text, err := v.localizer.Localize(config)
	if err != nil { // a test keeps keys and templates together; should one be missing, the key says more than nothing
		return config.MessageID
	}
	return text
}

func pairs(args []any) map[string]any {
	data := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		data[fmt.Sprint(args[i])] = args[i+1]
	}
	return data
}

// word gives the word of a value of one of the vocabularies; a value that is in none, such as another program's, stands for itself.
func (v *voice) word(group string, value any) string {
	text := fmt.Sprint(value)
	if !slices.Contains(vocabularies()[group], text) {
		return text
	}
	return v.say(wordKey(group, text))
}

// wordKey makes the key of a value: ("event", "ticket.taken") is "event.ticket_taken".
func wordKey(group, value string) string {
	return group + "." + strings.NewReplacer(".", "_", " ", "_", "-", "_").Replace(value)
}

// vocabularies lists, by group, the values that have a word in the locales.
func vocabularies() map[string][]string {
	return map[string][]string{
		"channel":  texts(channels.Names()),
		"via":      texts(channels.Names()),
		"reach":    {"email", "phone"},
		"status":   texts(ticketing.Statuses()),
		"outcome":  texts(ticketing.Outcomes()),
		"priority": texts(ticketing.Priorities()),
		"kind":     texts([]ticketing.Kind{ticketing.Person, ticketing.Family, ticketing.Company, ticketing.Association}),
		"delivery": texts([]ticketing.DeliveryState{
			ticketing.DeliveryQueued, ticketing.DeliverySending, ticketing.DeliverySent, ticketing.DeliveryDelivered,
			ticketing.DeliveryFailed, ticketing.DeliveryParked, ticketing.DeliveryBounced,
		}),
		"language":     languages(),
		"likelihood":   texts([]ticketing.Likelihood{ticketing.CallerKnown, ticketing.CallerPerhaps, ticketing.CallerUnknown}),
		"state":        texts([]channels.State{channels.Starting, channels.Working, channels.Failing, channels.Listening}),
		"alarm":        texts(channels.Alarms()),
		"alarm_remedy": texts(channels.Alarms()),
		"view":         views(),
		"empty":        views(),
		"letter":       views(),
		"sort":         texts(sorts()),
		"then":         texts(thens()),
		"field":        {"subject", "motive", "priority", "language", "tags", "snoozed_until", "citizen", "due_at"},
		"link":         {ticketing.LinkQuoted, ticketing.LinkFollows, ticketing.LinkMerged, ticketing.LinkSplit},
		"hold":         texts(ticketing.Holds()),
		"remedy":       texts(ticketing.Holds()),
		"undelivered":  texts(ticketing.UndeliveredReasons()),
		"text_trouble": textTroubles(),
		"receipt_by":   {printed, "sms", "email"},
		"done":         dones(),
		"ending":       endings(),
		"relation":     relationWords(),
		"direction":    directions(),
		"proof":        {ticketing.VerifiedByUse, ticketing.VerifiedByAgent},
		"record_field": factNames(),
		"likeness":     strengths(),
		"why":          ticketing.LikenessReasons(),
		"break":        {"row_changed", "rows_missing", "rows_added", "seal_changed", "seal_missing", "unlinked", "stray_rows"},
		"automatic": {
			"acknowledgement", "bounce", "delivery-report", "read-receipt", "auto-submitted", "receipt", "transcription", "text_help", "text_contact",
		},
		"withheld": {
			"no_sender", "no_mailbox", "own_address", "too_many", "mailing list", "automatic answers unwanted",
			"no address to answer", "from this mailbox itself", "no-reply sender", "spam",
			"bounced", "quarantine", "archive", "no_line", "refused",
		},
	}
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
