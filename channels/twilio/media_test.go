package twilio

import (
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

func TestAPictureIsFiled(t *testing.T) {
	h := openTexts(t)
	in := h.text(h.p.TextForm(testCitizen, testLine, "voilà", twiliotest.File{Type: "image/png", Data: []byte("PNG 1")},
		twiliotest.File{Type: "text/vcard; charset=utf-8", Data: []byte("BEGIN:VCARD")}))
	want := []channels.Attachment{{Type: "image/png", Data: []byte("PNG 1")}, {Type: "text/vcard", Data: []byte("BEGIN:VCARD")}}
	same := func(a, b channels.Attachment) bool { return a.Type == b.Type && string(a.Data) == string(b.Data) }
	if len(in.Warnings) != 0 || !slices.EqualFunc(in.Attachments, want, same) {
		t.Errorf("%+v", in)
	}
}

// A message is filed whatever becomes of its files, and says what did.
func TestFilesThatCanNotBeHad(t *testing.T) {
	var visits atomic.Int32
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer private.Close()
	large := make([]byte, maxMediaSize+1)
	for name, c := range map[string]struct {
		file twiliotest.File
		says string
	}{
		"it hangs":                           {twiliotest.File{Hang: true}, "it took too long"},
		"too large":                          {twiliotest.File{Data: large}, "it is too large"},
		"sent on to a private address":       {twiliotest.File{Redirect: private.URL}, "its address is not a public one"},
		"sent on to the cloud's own":         {twiliotest.File{Redirect: "http://169.254.169.254/latest/meta-data/"}, "its address is not a public one"},
		"sent on to a private address, TLS":  {twiliotest.File{Redirect: "https://[::1]:1/"}, "its address is not a public one"},
		"sent on to another kind of address": {twiliotest.File{Redirect: "file:///etc/passwd"}, "its address is not https"},
	} {
		t.Run(name, func(t *testing.T) {
			h := openTexts(t, func(m *Media) {
				if c.file.Hang {
					m.budget = 100 * time.Millisecond
				}
			})
			c.file.Type = "image/png"
			files := []twiliotest.File{{Type: "image/jpeg", Data: []byte("JPEG")}, c.file}
			in := h.text(h.p.TextForm(testCitizen, testLine, "voilà", files...))
			if in.Text != "voilà" || len(in.Attachments) != 1 || len(in.Warnings) != 1 || in.Warnings[0] != "file 2 was not fetched: "+c.says {
				t.Errorf("%q with %d files, %v", in.Text, len(in.Attachments), in.Warnings)
			}
		})
	}
	if visits.Load() != 0 {
		t.Error("a private address was asked")
	}
}

// What a signed request says of its files may still be wrong.
func TestAddressesOfFiles(t *testing.T) {
	h := openTexts(t)
	kept := h.p.Keep("MM1", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for address, says := range map[string]string{
		kept:                  "",
		kept + "9":            "its server answered 404",
		"":                    "it has no address",
		"http://[::1":         "it has no address",
		"ftp://a.example/x":   "its address is not https",
		"http://127.0.0.1:1/": "its address is not a public one",
		"https://10.0.0.3/x":  "its address is not a public one",
		strings.Replace(kept, "http://", "http://zoe:guessed@", 1): "", // whose it is, is not for the address to say
	} {
		form := h.p.TextForm(testCitizen, testLine, "voilà")
		form.Set("NumMedia", "1")
		form.Set("MediaUrl0", address)
		in := h.text(form)
		if says == "" && len(in.Attachments) != 1 || says != "" && !slices.Equal(in.Warnings, []string{"file 1 was not fetched: " + says}) {
			t.Errorf("%q: %d files, %v", address, len(in.Attachments), in.Warnings)
		}
	}
	form := h.p.TextForm(testCitizen, testLine, "voilà", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	for _, lie := range []string{"0", "", "une"} {
		form.Set("NumMedia", lie)
		if in := h.text(form); len(in.Attachments) != 1 {
			t.Errorf("said to have %q files: %d", lie, len(in.Attachments))
		}
	}
}

// A redirect is followed some times, and the account's password goes to nobody else.
func TestRedirects(t *testing.T) {
	h := openTexts(t)
	at := h.p.Keep("MM1", twiliotest.File{Type: "image/png", Data: []byte("PNG")})
	media := NewMedia(providerOptions(h.p))
	for n := range mediaRedirects + 2 {
		files, warnings := media.Fetch(t.Context(), []mediaItem{{url: at}})
		if n <= mediaRedirects && len(files) != 1 || n > mediaRedirects && (len(warnings) != 1 || !strings.Contains(warnings[0], "redirected too often")) {
			t.Errorf("%d redirects: %d files, %v", n, len(files), warnings)
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

func TestFilesOfAMessageAreBoundedTogether(t *testing.T) {
	h := openTexts(t)
	big := twiliotest.File{Type: "image/png", Data: make([]byte, 13<<20)}
	items := []mediaItem{{url: h.p.Keep("MM1", big)}, {url: h.p.Keep("MM1", big)}}
	files, warnings := NewMedia(providerOptions(h.p)).Fetch(t.Context(), items)
	if len(files) > 1 || !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "too large") }) {
		t.Errorf("%d files, %v", len(files), warnings)
	}
	small := twiliotest.File{Type: "image/png", Data: []byte("PNG")}
	items = nil
	for range maxMedia + 1 {
		items = append(items, mediaItem{url: h.p.Keep("MM1", small)})
	}
	files, warnings = NewMedia(providerOptions(h.p)).Fetch(t.Context(), items)
	if len(files) != maxMedia || len(warnings) != 1 {
		t.Errorf("%d files, %v", len(files), warnings)
	}
	var none *Media
	if files, warnings = none.Fetch(t.Context(), items); len(files) != 0 || len(warnings) != 1 {
		t.Errorf("where none are asked for: %d files, %v", len(files), warnings)
	}
}

func TestMediaTypes(t *testing.T) {
	for want, candidates := range map[string][]string{
		"image/png": {"image/png; q=1", "text/html"}, "image/jpeg": {";;", "image/jpeg"}, "application/octet-stream": {"", "<b>"},
	} {
		if got := mediaType(candidates...); got != want {
			t.Errorf("%q are %s, want %s", candidates, got, want)
		}
	}
}

func TestRecordingIsFetchedByTheAccountOnly(t *testing.T) {
	p := startProvider(t, twiliotest.Options{})
	_, address := p.Record([]byte("MP3"))
	audio, err := NewMedia(providerOptions(p)).Recording(t.Context(), address+".mp3")
	if err != nil || audio.Type != "audio/mpeg" || string(audio.Data) != "MP3" {
		t.Errorf("%+v, %v", audio, err)
	}
	o := providerOptions(p)
	o.AuthToken = "guessed"
	if _, err := NewMedia(o).Recording(t.Context(), address+".mp3"); err == nil {
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
