package twilio

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/twilio/twiliotest"
)

// fetched is a file as the account gets it, and why it never will.
func (h *textHub) fetched(source string) (channels.Attachment, string) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), 10*time.Second)
	defer cancel()
	file, err := NewMedia(providerOptions(h.p)).Fetch(ctx, source)
	if final, ok := errors.AsType[*channels.Unfetchable](err); ok {
		return file, final.Reason
	}
	if err != nil {
		h.Fatalf("%s: %v", source, err)
	}
	return file, ""
}

func TestAPictureIsFiledAndThenFetched(t *testing.T) {
	h := openTexts(t)
	in := h.text(h.p.TextForm(testCitizen, testLine, "voilà", twiliotest.File{Type: "image/png", Data: []byte("PNG 1")},
		twiliotest.File{Type: "text/vcard; charset=utf-8", Data: []byte("BEGIN:VCARD")}))
	if len(in.Warnings) != 0 || len(in.Attachments) != 2 || in.Attachments[0].Type != "image/png" || in.Attachments[1].Type != "text/vcard" {
		t.Fatalf("%+v", in)
	}
	for i, want := range []channels.Attachment{{Type: "image/png", Data: []byte("PNG 1")}, {Type: "text/vcard", Data: []byte("BEGIN:VCARD")}} {
		if len(in.Attachments[i].Data) != 0 {
			t.Error("the provider waited for its own file")
		}
		if got, why := h.fetched(in.Attachments[i].Source); why != "" || got.Type != want.Type || string(got.Data) != string(want.Data) {
			t.Errorf("%+v, %s", got, why)
		}
	}
}

func TestFilesThatAreNeverFetched(t *testing.T) {
	var visits atomic.Int32
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer private.Close()
	h := openTexts(t)
	for name, c := range map[string]struct {
		file twiliotest.File
		says string
	}{
		"too large":                          {twiliotest.File{Data: make([]byte, maxMediaSize+1)}, "it is too large"},
		"sent on to a private address":       {twiliotest.File{Redirect: private.URL}, "its address is not a public one"},
		"sent on to the cloud's own":         {twiliotest.File{Redirect: "http://169.254.169.254/latest/meta-data/"}, "its address is not a public one"},
		"sent on to a private address, TLS":  {twiliotest.File{Redirect: "https://[::1]:1/"}, "its address is not a public one"},
		"sent on to another kind of address": {twiliotest.File{Redirect: "file:///etc/passwd"}, "its address is not https"},
	} {
		t.Run(name, func(t *testing.T) {
			if file, why := h.fetched(h.p.Keep("MM1", c.file)); why != c.says || len(file.Data) != 0 {
				t.Errorf("%q", why)
			}
		})
	}
	if visits.Load() != 0 {
		t.Error("a private address was asked")
	}
}

// What may come later is asked for again: it is no final word.
func TestFilesThatMayComeLater(t *testing.T) {
	h := openTexts(t)
	kept := h.p.Keep("MM1", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for what, address := range map[string]string{
		"not there yet": kept + "9", "hangs": h.p.Keep("MM1", twiliotest.File{Hang: true}),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := NewMedia(providerOptions(h.p)).Fetch(ctx, address)
		cancel()
		if _, final := errors.AsType[*channels.Unfetchable](err); err == nil || final {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a signed request says of its files may still be wrong.
func TestAddressesOfFiles(t *testing.T) {
	h := openTexts(t)
	kept := h.p.Keep("MM1", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for address, says := range map[string]string{
		kept:                  "",
		"http://[::1":         "it has no address",
		"nowhere":             "it has no address",
		"ftp://a.example/x":   "its address is not https",
		"http://127.0.0.1:1/": "its address is not a public one",
		"https://10.0.0.3/x":  "its address is not a public one",
		strings.Replace(kept, "http://", "http://zoe:guessed@", 1): "", // whose it is, is not for the address to say
	} {
		form := h.p.TextForm(testCitizen, testLine, "voilà")
		form.Set("NumMedia", "1")
		form.Set("MediaUrl0", address)
		in := h.text(form)
		if len(in.Attachments) != 1 || in.Attachments[0].Source != address {
			t.Fatalf("%q: %+v", address, in.Attachments)
		}
		if _, why := h.fetched(address); why != says {
			t.Errorf("%q: %q", address, why)
		}
	}
	form := h.p.TextForm(testCitizen, testLine, "voilà")
	form.Set("NumMedia", "1")
	if in := h.text(form); len(in.Attachments) != 0 || !slices.Equal(in.Warnings, []string{"file 1: it has no address"}) {
		t.Errorf("without its address: %+v, %v", in.Attachments, in.Warnings)
	}
	form = h.p.TextForm(testCitizen, testLine, "voilà", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for _, lie := range []string{"0", "", "une"} {
		form.Set("NumMedia", lie)
		if in := h.text(form); len(in.Attachments) != 1 {
			t.Errorf("said to have %q files: %d", lie, len(in.Attachments))
		}
	}
	var many []twiliotest.File
	for range maxMedia + 1 {
		many = append(many, twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	}
	if in := h.text(h.p.TextForm(testCitizen, testLine, "voilà", many...)); len(in.Attachments) != maxMedia || len(in.Warnings) != 1 {
		t.Errorf("%d files, %v", len(in.Attachments), in.Warnings)
	}
}

// A redirect is followed some times, and the account's password goes to nobody else.
func TestRedirects(t *testing.T) {
	h := openTexts(t)
	at := h.p.Keep("MM1", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for n := range mediaRedirects + 2 {
		file, why := h.fetched(at)
		if n <= mediaRedirects && string(file.Data) != "PNG" || n > mediaRedirects && why != "it was redirected too often" {
			t.Errorf("%d redirects: %d bytes, %q", n, len(file.Data), why)
		}
		at = h.p.Keep("MM1", twiliotest.File{Redirect: at})
	}
	for address, known := range map[string]bool{
		"https://api.twilio.com/x": true, "https://media.twiliocdn.com/x": false, "https://mcs.us1.twilio.com/x": true, "https://nottwilio.com/x": false,
		"https://twilio.com.evil.example/x": false, "https://evil.example/api.twilio.com": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		r.SetBasicAuth("of", "another")
		if err := NewMedia(Options{AccountSID: testAccount, AuthToken: testToken}).admit(r); err != nil {
			t.Error(err)
		}
		if _, _, told := r.BasicAuth(); told != known {
			t.Errorf("%s is told the password: %v", address, told)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for said, want := range map[string]string{"image/png; q=1": "image/png", ";;": "", "": "", "<b>": ""} {
		if got := mediaType(said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

func TestRecordingIsFetchedByTheAccountOnly(t *testing.T) {
	p := startProvider(t, twiliotest.Options{})
	_, address := p.Record([]byte("MP3"))
	audio, err := NewMedia(providerOptions(p)).Fetch(t.Context(), address+".mp3")
	if err != nil || audio.Type != "audio/mpeg" || string(audio.Data) != "MP3" {
		t.Errorf("%+v, %v", audio, err)
	}
	o := providerOptions(p)
	o.AuthToken = "guessed"
	if _, err := NewMedia(o).Fetch(t.Context(), address+".mp3"); err == nil {
		t.Error("fetched with another token")
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2a00:1450::1": true, "10.0.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "192.168.1.1": false, "0.0.0.0": false,
		"100.64.0.1": false, "224.0.0.1": false, "::1": false, "fe80::1": false, "fd00::1": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false,
		"2002:a00:1::": false, "255.255.255.255": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v", address, got)
		}
	}
	if got := hostPort(&url.URL{Scheme: "https", Host: "api.twilio.com"}); got != "api.twilio.com:443" {
		t.Error(got)
	}
}
