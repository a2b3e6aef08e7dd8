package twilio

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guichet/channels"
)

const (
	maxForm    = 64 << 10 // bytes of a webhook's body; Twilio's own are below 8 KiB
	maxText    = 16 << 10 // bytes of a message that are kept; Twilio carries 1600 characters
	maxName    = 100      // bytes of a sender's name
	maxSID     = 64       // bytes of an identifier; Twilio's have 34
	emptyTwiML = "<Response/>"
	adapter    = "twilio" // in the metrics, and as the exchange of calls
)

// SMSDeps is what the text messages are handed to and read with.
type SMSDeps struct {
	Receiver channels.Receiver
	Tracker  channels.Tracker
	Refusals channels.Refusals
	Log      *slog.Logger
	Now      func() time.Time
	Region   string // two letters, for numbers written without a country
}

// SMS answers the webhooks of text messages.
type SMS struct {
	o Options
	v Verifier
	d SMSDeps
}

// NewSMS returns the webhooks of this account.
func NewSMS(o Options, v Verifier, d SMSDeps) *SMS { return &SMS{o: o, v: v, d: d} }

// Mounts lists the addresses Twilio is told to call.
func (s *SMS) Mounts() []channels.Mount {
	return []channels.Mount{
		{Method: http.MethodPost, Path: "/webhooks/twilio/sms", MaxBody: maxForm, Handler: http.HandlerFunc(s.receive)},
		{Method: http.MethodPost, Path: statusPath, MaxBody: maxForm, Handler: http.HandlerFunc(s.status)},
	}
}

// receive files one message. Twilio calls again after a 5xx, which changes nothing when it was filed after all.
func (s *SMS) receive(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	in := readSMS(s.o, s.d.Region, form, s.d.Now())
	if _, err := s.d.Receiver.Receive(r.Context(), []channels.Inbound{in}); err != nil {
		s.unavailable(w, "a text message could not be filed; the provider is asked to send it again", err)
		return
	}
	s.done(w)
}

// form reads a signed request about a message and answers it when it is none.
func (s *SMS) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	form, err := s.v.Form(w, r, maxForm)
	if err == nil && !isSID(form.Get("MessageSid")) {
		err = &Refusal{http.StatusBadRequest, refusedUnreadable}
	}
	if err != nil {
		refuse(w, err, s.d.Refusals, s.d.Log)
		return nil, false
	}
	return form, true
}

func (s *SMS) unavailable(w http.ResponseWriter, what string, err error) {
	s.d.Log.Error(what, "channel", channels.SMS, "error", err)
	http.Error(w, "try again", http.StatusServiceUnavailable)
}

func (s *SMS) done(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	if _, err := io.WriteString(w, emptyTwiML); err != nil {
		s.d.Log.Debug("the provider left before its answer", "channel", channels.SMS, "error", err)
	}
}

// readSMS reads what Twilio posts of one message (https://www.twilio.com/docs/messaging/guides/webhook-request). Parameters it does
// not know are in Raw.
func readSMS(o Options, region string, form url.Values, at time.Time) channels.Inbound {
	in := channels.Inbound{
		Channel: channels.SMS,
		Key:     form.Get("MessageSid"),
		ID:      form.Get("MessageSid"),
		Raw:     []byte(form.Encode()),
		From:    senderOf(form.Get("From"), region),
		At:      at,
	}
	to := senderOf(form.Get("To"), region)
	in.Line = o.lineOf(to.Value, region)
	in.To = []channels.Address{to}

	text, whole := clean(form.Get("Body"), maxText)
	in.Text, in.Word = text, wordOf(text)
	if !whole {
		in.Warnings = append(in.Warnings, fmt.Sprintf("the text was cut after %d bytes; the original has it all", maxText))
	}
	if !utf8.ValidString(form.Get("Body")) {
		in.Warnings = append(in.Warnings, "the text held bytes that are no characters")
	}
	files, warnings := filesOf(form)
	in.Attachments, in.Warnings = files, append(in.Warnings, warnings...)
	if word := wordOf(form.Get("OptOutType")); word != "" {
		in.Word, in.Silent = word, "opt-out answered by the provider"
	}
	return in
}

// senderOf is an end of a message: its number, or only what is to be shown of it. Withheld numbers, names and short codes are nobody.
func senderOf(raw, region string) channels.Address {
	name, _ := clean(raw, maxName)
	if channels.Withheld(name) {
		return channels.Address{}
	}
	if !strings.ContainsFunc(name, unicode.IsLetter) {
		if number, ok := channels.ParsePhone(name, region); ok {
			return channels.Address{Value: number}
		}
	}
	return channels.Address{Name: name}
}

// wordOf is what a message that is a single word asks of the line. Inside a sentence they are a citizen's words; "yes", which Twilio
// takes for START by default, is an answer.
func wordOf(text string) channels.Word {
	folded := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
	folded = strings.TrimFunc(folded, unicode.IsSpace)
	folded = strings.TrimRightFunc(folded, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) })
	switch folded {
	case "stop", "arret", "arreter", "unsubscribe", "end", "quit", "stopall", "cancel", "revoke", "optout":
		return channels.WordStop
	case "start", "unstop", "reprise":
		return channels.WordStart
	case "aide", "help", "info":
		return channels.WordHelp
	case "contact":
		return channels.WordContact
	}
	return ""
}

// filesOf lists the files of a message: all that Twilio counts, and all it gives an address of. They are fetched once the message is filed.
func filesOf(form url.Values) (files []channels.Attachment, warnings []string) {
	counted, err := strconv.Atoi(form.Get("NumMedia"))
	if err != nil {
		counted = 0
	}
	for i := range maxMedia + 1 { // one more than is fetched, so that it is said
		number := strconv.Itoa(i)
		address := form.Get("MediaUrl" + number)
		switch {
		case i >= counted && !form.Has("MediaUrl"+number):
		case i == maxMedia:
			warnings = append(warnings, fmt.Sprintf("only the first %d files are kept", maxMedia))
		case address == "":
			warnings = append(warnings, fmt.Sprintf("file %d: %s", i+1, errMediaMissing))
		default:
			files = append(files, channels.Attachment{Type: cmp.Or(mediaType(form.Get("MediaContentType"+number)), "application/octet-stream"), Source: address})
		}
	}
	return files, warnings
}

// refuse answers a request that can't be taken; the metrics and the log know why, and nothing of what was sent.
func refuse(w http.ResponseWriter, err error, metrics channels.Refusals, log *slog.Logger) {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		refusal = &Refusal{http.StatusBadRequest, refusedUnreadable}
	}
	metrics.Refused(adapter, refusal.Reason)
	log.Warn("a webhook was refused", "reason", refusal.Reason, "status", refusal.Status)
	http.Error(w, refusal.Reason, refusal.Status)
}

// isSID tells an identifier of Twilio's from anything else; it becomes a key.
func isSID(s string) bool {
	return s != "" && len(s) <= maxSID && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// clean makes text from outside harmless: valid, without control characters or space around it, at most limit bytes. whole tells
// whether all of it is there.
func clean(s string, limit int) (text string, whole bool) {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s))
	if len(s) <= limit {
		return s, true
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit], false
}
