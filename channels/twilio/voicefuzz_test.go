package twilio

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// openForms lets everything through, so that the fuzzer reaches what is behind the signature.
type openForms struct{}

func (openForms) Form(_ http.ResponseWriter, r *http.Request, _ int64) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	return r.PostForm, nil
}

// Whatever comes, the answer is TwiML that Twilio takes or a refusal, and what is told can be stored.
func FuzzVoice(f *testing.F) {
	f.Add(0, "", "CallSid=CA1&From=%2B33639980001&To=%2B33939000000")
	f.Add(1, "try=1", "CallSid=CA1&Digits=9&To=%2B33939000000")
	f.Add(2, "choice=1&at=0", "CallSid=CA1&DialCallStatus=busy&To=%2B33939000000")
	f.Add(3, "choice=1", "CallSid=CA1&Digits=1&To=%2B33939000000&From=anonymous")
	f.Add(5, "", "CallSid=CA2&ParentCallSid=CA1&CallStatus=in-progress&To=%00%ff")
	f.Add(6, "voicemail=1", "CallSid=CA1&RecordingSid=%ff&RecordingDuration=99999999999999999999")
	f.Add(7, "", "CallSid=CA1&TranscriptionText=%00%ffa")
	f.Add(8, "", "CallSid=CA1&CallStatus=completed&DialCallDuration=-1")
	calls, refusals := &toldCalls{}, &countedRefusals{}
	v := NewVoice(Options{}, openForms{}, VoiceDeps{
		Switchboard: fixedBoard{openDay()}, Calls: calls, Refusals: refusals, Log: slog.New(slog.DiscardHandler), Now: voiceNow, Region: "FR",
	})
	mounts := v.Mounts()
	checker := newTwiMLChecker(func(s string) bool { return strings.HasPrefix(s, voicePath+"/") })
	f.Fuzz(func(t *testing.T, mount int, query, body string) {
		m := mounts[uint(mount)%uint(len(mounts))]
		r := httptest.NewRequest(m.Method, m.Path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		m.Handler.ServeHTTP(w, r)
		news := calls.take()
		refusals.reasons = nil
		if w.Code == http.StatusBadRequest {
			if len(news) != 0 {
				t.Errorf("refused and told %+v", news)
			}
			return
		}
		if _, err := checker.check(w.Body.String()); w.Code != http.StatusOK || err != nil {
			t.Errorf("%d %v", w.Code, err)
		}
		for _, n := range news {
			texts := []string{n.ID, n.Caller.Name, n.Caller.Value, n.Called.Name, n.Called.Value, n.Department, n.Words}
			if n.Recording != nil {
				texts = append(texts, n.Recording.ID)
			}
			if s := strings.Join(append(texts, n.Agents...), ""); !utf8.ValidString(s) || strings.Contains(s, "\x00") || n.Talked < 0 || n.ID == "" {
				t.Errorf("told %+v", n)
			}
		}
	})
}
