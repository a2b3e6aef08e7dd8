package twilio

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"guichet/channels"
)

const (
	voicePath = "/webhooks/twilio/voice"

	// Twilio gives up on a webhook after 15 s. A caller who waits hears nothing meanwhile, so that telling her call gets less.
	webhookBudget = 12 * time.Second
	tellBudget    = 4 * time.Second
)

// forms reads a webhook's form once its signature is found to be genuine.
type forms interface {
	Form(w http.ResponseWriter, r *http.Request, max int64) (url.Values, error)
}

// VoiceDeps is what a Voice works with.
type VoiceDeps struct {
	Switchboard channels.Switchboard
	Calls       channels.Calls
	Refusals    channels.Refusals
	Log         *slog.Logger
	Now         func() time.Time
	Region      string // of numbers without a country: "FR"
	PublicURL   string // where Twilio reaches this server; empty: addresses are given relative to the one it asked
}

// Voice answers the calls to the town's numbers and tells what becomes of them. It keeps nothing between two requests: where a
// caller is in the menu is in the address Twilio asks next, which its signature covers, so that any replica answers and a request
// that is repeated is answered the same.
//
// The status callback of each number must be /webhooks/twilio/voice/status: it alone tells that a caller gave up.
type Voice struct {
	options Options
	forms   forms
	deps    VoiceDeps
	base    string
}

// NewVoice returns a Voice that trusts what f lets through.
func NewVoice(o Options, f forms, d VoiceDeps) *Voice {
	return &Voice{options: o, forms: f, deps: d, base: strings.TrimRight(d.PublicURL, "/")}
}

// Mounts lists the webhooks: those set on the numbers of the account (voice, status) and those the answers lead to.
func (v *Voice) Mounts() []channels.Mount {
	return []channels.Mount{
		v.mount("", v.live(v.rang)),
		v.mount("/menu", v.live(v.pressed)),
		v.mount("/dial", v.live(v.dialled)),
		v.mount("/callback", v.live(v.askedBack)),
		v.mount("/voicemail", v.live(v.spoke)),
		v.mount("/leg", v.news(legNews)),
		v.mount("/recording", v.news(v.recordingNews)),
		v.mount("/transcription", v.news(transcriptionNews)),
		v.mount("/status", v.news(v.statusNews)),
	}
}

func (v *Voice) mount(path string, h http.Handler) channels.Mount {
	return channels.Mount{Method: http.MethodPost, Path: voicePath + path, MaxBody: maxForm, Handler: h}
}

// live answers a caller who is on the line: whatever fails, she hears something.
func (v *Voice) live(answer func(context.Context, call) *twiml) http.Handler {
	return v.handler(func(ctx context.Context, c call) (*twiml, error) { return answer(ctx, c), nil })
}

// news answers a webhook that only tells something. Telling fails loudly: Twilio notes the error, and may be set to repeat it.
func (v *Voice) news(read func(context.Context, call) (n channels.CallNews, ok bool)) http.Handler {
	return v.handler(func(ctx context.Context, c call) (*twiml, error) {
		if n, ok := read(ctx, c); ok {
			if _, err := v.deps.Calls.Ring(ctx, n); err != nil {
				return nil, err
			}
		}
		return &twiml{}, nil
	})
}

func (v *Voice) handler(answer func(context.Context, call) (*twiml, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := v.forms.Form(w, r, maxForm)
		if err != nil {
			refuse(w, err, v.deps.Refusals, v.deps.Log)
			return
		}
		c, err := v.read(form, r.URL.Query())
		if err != nil {
			refuse(w, err, v.deps.Refusals, v.deps.Log)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), webhookBudget)
		defer cancel()
		t, err := answer(ctx, c)
		if err != nil {
			v.deps.Log.Error("a call's news was not kept; the provider was told to send it again", "call_id", c.sid, "err", err)
			http.Error(w, "not kept, send it again", http.StatusServiceUnavailable)
			return
		}
		if err := t.write(w); err != nil {
			v.deps.Log.Warn("the answer to a call was not sent", "call_id", c.sid, "err", err)
		}
	})
}

// tell tells of a call while the caller waits. What could not be told is logged, and she is answered all the same.
func (v *Voice) tell(ctx context.Context, n channels.CallNews) (channels.CallRuling, error) {
	ctx, cancel := context.WithTimeout(ctx, tellBudget)
	defer cancel()
	ruling, err := v.deps.Calls.Ring(ctx, n)
	if err != nil {
		v.deps.Log.Error("a call's news was not kept; the caller was answered all the same", "call_id", n.ID, "step", n.Step, "err", err)
	}
	return ruling, err
}

// url is where Twilio goes on.
func (v *Voice) url(path string, query url.Values) string {
	u := v.base + voicePath + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}
