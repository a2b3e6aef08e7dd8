package cti

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"
)

// told remembers what calls it was told of. While err is set it keeps none.
type told struct {
	sync.Mutex
	news    []channels.CallNews
	blocked bool
	err     error
}

func (c *told) Ring(_ context.Context, n channels.CallNews) (channels.CallRuling, error) {
	c.Lock()
	defer c.Unlock()
	if c.err != nil {
		return channels.CallRuling{}, c.err
	}
	c.news = append(c.news, n)
	return channels.CallRuling{Blocked: c.blocked}, nil
}

func (c *told) take() []channels.CallNews {
	c.Lock()
	defer c.Unlock()
	news := c.news
	c.news = nil
	return news
}

type counted struct{ reasons []string }

func (c *counted) Refused(adapter, reason string) { c.reasons = append(c.reasons, adapter+" "+reason) }

// oneLine has one line, +33261910010.
type oneLine struct{}

func (oneLine) Welcome(_ context.Context, number string, _ time.Time) (channels.Welcome, bool) {
	return channels.Welcome{Line: "accueil"}, number == "+33261910010"
}

const token, other = "pbx-secret", "second-secret"

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

type bench struct {
	*Webhook
	calls    *told
	refusals *counted
	log      *bytes.Buffer
}

func newBench() bench {
	b := bench{calls: &told{}, refusals: &counted{}, log: &bytes.Buffer{}}
	b.Webhook = NewWebhook([]Exchange{
		{Name: "standard", Token: token, Department: "accueil", Blocked: []string{"06 39 98 99 99"}},
		{Name: "annexe", Token: other, Numbers: National},
		{Name: "nobody"},
	}, Deps{
		Switchboard: oneLine{}, Calls: b.calls, Refusals: b.refusals, Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Now: func() time.Time { return start }, Region: "FR",
	})
	return b
}

func (b bench) post(address, kind, body string) (status int, answer string) {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/cti/"+address, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

const (
	asJSON = "application/json; charset=utf-8"
	asForm = "application/x-www-form-urlencoded"
)

func TestTheSameIsToldAsJSONAsFormAndInTheQuery(t *testing.T) {
	anne, town := channels.Address{Name: "33639980001", Value: "+33639980001"}, channels.Address{Name: "33261910010", Value: "+33261910010"}
	base := channels.CallNews{Exchange: "standard", ID: "c1", Caller: anne, Called: town, Line: "accueil", At: start}
	with := func(change func(*channels.CallNews)) channels.CallNews {
		n := base
		change(&n)
		return n
	}
	for name, c := range map[string]struct {
		form, json string
		want       channels.CallNews
	}{
		"it rings": {
			"event=newCall&callId=c1&direction=in&from=33639980001&to=33261910010&user[]=Nadia&user[]=101&queue=voirie&hardware=x",
			`{"event":"newCall","callId":"c1","direction":"in","from":"33639980001","to":33261910010,"user":["Nadia",101],"queue":null,"hardware":{"a":[1]}}`,
			with(func(n *channels.CallNews) { n.Step, n.Agents = channels.CallRang, []string{"Nadia", "101"} }),
		},
		"it is taken": {
			"event=answer&call_id=c1&direction=in&from=33639980001&to=33261910010&user=Nadia&answeringNumber=101",
			`{"event":"answer","call_id":"c1","direction":"in","from":"33639980001","to":"33261910010","user":"Nadia","answeringNumber":"101"}`,
			with(func(n *channels.CallNews) { n.Step, n.Agents = channels.CallAnswered, []string{"Nadia", "101"} }),
		},
		"it is over": {
			"event=hangup&callId=c1&direction=in&from=33639980001&to=33261910010&cause=cancel",
			`{"event":"hangup","callId":"c1","direction":"in","from":"33639980001","to":"33261910010","cause":"cancel"}`,
			with(func(n *channels.CallNews) { n.Step, n.End = channels.CallEnded, channels.EndMissed }),
		},
		"the town hall calls": {
			"event=newCall&callId=c1&direction=out&from=33261910010&to=33639980001&user=101",
			`{"event":"newCall","callId":"c1","direction":"out","from":"33261910010","to":"33639980001","user":["101"]}`,
			with(func(n *channels.CallNews) {
				n.Step, n.Out, n.Agents, n.Caller, n.Called = channels.CallRang, true, []string{"101"}, town, anne
			}),
		},
		"another line": {
			"event=newCall&callId=c1&direction=in&from=33639980001&to=33261919999",
			`{"event":"newCall","callId":"c1","direction":"in","from":"33639980001","to":"33261919999"}`,
			with(func(n *channels.CallNews) {
				n.Step, n.Called, n.Line, n.Department = channels.CallRang, channels.Address{Name: "33261919999", Value: "+33261919999"}, "", "accueil"
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			for _, post := range []struct{ address, kind, body string }{
				{token, asForm, c.form}, {token, asJSON, c.json}, {token + "?" + c.form, "", ""}, {token + "?event=nothing", asForm, c.form},
			} {
				status, answer := b.post(post.address, post.kind, post.body)
				if news := b.calls.take(); status != http.StatusOK || answer != "{}" || len(news) != 1 || !reflect.DeepEqual(news[0], c.want) {
					t.Errorf("%s: answered %d %s and told\n%+v, not\n%+v", post.kind, status, answer, news, c.want)
				}
			}
		})
	}
}

func TestNumbersAsTheExchangeWritesThem(t *testing.T) {
	for _, c := range []struct{ token, number, want string }{
		{token, "33639980001", "+33639980001"},
		{token, "0639980001", "+33639980001"},
		{token, "0033639980001", "+33639980001"},
		{token, "+33639980001", "+33639980001"},
		{token, "32470123456", "+32470123456"},
		{token, "0692123456", "+262692123456"},
		{other, "0639980001", "+33639980001"},
		{other, "06 39 98 00 01", "+33639980001"},
		{other, "0032470123456", "+32470123456"},
		{other, "+32470123456", "+32470123456"},
		{token, "anonymous", ""}, {other, "anonymous", ""}, {token, "", ""}, {other, "", ""}, {token, " ", ""},
		{token, "266696687", ""}, {other, "+266696687", ""}, {token, "unknown", ""},
		{token, "112", ""}, {other, "112", ""}, {token, "3949", ""}, {other, "3949", ""}, {token, "36180", ""}, {token, "118218", ""},
		{token, "101", ""}, {other, "101", ""}, {token, "sip:33639980001@pbx", ""}, {token, "Anne", ""},
	} {
		b := newBench()
		body := url.Values{"event": {"newCall"}, "callId": {"c1"}, "direction": {"in"}, "from": {c.number}, "to": {"0261910010"}}
		status, _ := b.post(c.token, asForm, body.Encode())
		news := b.calls.take()
		if status != http.StatusOK || len(news) != 1 || news[0].Caller.Value != c.want || news[0].Caller.Name == "" {
			t.Errorf("%s from %q: %d, told %+v, want %q", c.token, c.number, status, news, c.want)
		}
	}
}

func TestEveryCause(t *testing.T) {
	for cause, want := range map[string]channels.CallEnd{
		"normalClearing": channels.EndAnswered, "busy": channels.EndBusy, "cancel": channels.EndMissed, "noAnswer": channels.EndMissed,
		"congestion": channels.EndFailed, "notFound": channels.EndFailed, "forwarded": channels.EndForwarded,
		"": "", "somethingElse": "", "NORMALCLEARING": channels.EndAnswered,
	} {
		b := newBench()
		status, _ := b.post(token, asForm, "event=hangup&callId=c1&cause="+cause)
		if news := b.calls.take(); status != http.StatusOK || len(news) != 1 || news[0].Step != channels.CallEnded || news[0].End != want {
			t.Errorf("%q: %d, told %+v", cause, status, news)
		}
	}
}

func TestWhoAnswered(t *testing.T) {
	for form, want := range map[string][]string{
		"event=newCall&from=&to=&user=a&user=b&user=a":              {"a", "b"},
		"event=newCall&from=&to=&user[]=a&user[]=b":                 {"a", "b"},
		"event=newCall&from=&to=&user[1]=b&user[0]=a&user[2]=":      {"a", "b"},
		"event=newCall&from=&to=&user%5B%5D=a&answeringNumber=b":    {"a"},
		"event=newCall&from=&to=&username=a":                        nil,
		"event=answer&user=a":                                       {"a"},
		"event=answer&user=a&answeringNumber=101":                   {"a", "101"},
		"event=answer&user=a&user=b&answeringNumber=101":            {"101", "a", "b"},
		"event=answer&user=a&user=101&answeringNumber=101":          {"a", "101"},
		"event=answer&answeringNumber=101":                          {"101"},
		"event=hangup&cause=normalClearing&user=a&user=b":           nil,
		"event=hangup&cause=normalClearing&user=a":                  {"a"},
		"event=hangup&answeringNumber=101&user=a&user=b&cause=busy": {"101"},
	} {
		b := newBench()
		status, answer := b.post(token, asForm, form+"&callId=c1")
		if news := b.calls.take(); status != http.StatusOK || len(news) != 1 || !slices.Equal(news[0].Agents, want) {
			t.Errorf("%s: %d %s, told %+v", form, status, answer, news)
		}
	}
}

// TestWhatIsRefused posts what is wrong: a clear answer, nothing told, counted, and no token or number in the log.
func TestWhatIsRefused(t *testing.T) {
	const good = "event=newCall&callId=c1&direction=in&from=33639980001&to=33261910010"
	long := strings.Repeat("9", 300)
	for name, c := range map[string]struct {
		address, kind, body string
		status              int
		says, reason        string
	}{
		"a wrong token":           {"wrong-secret", asForm, good, 401, "token", "token"},
		"no token":                {"", asForm, good, 401, "token", "token"},
		"another type":            {token, "text/xml", "<call/>", 415, "Content-Type", "type"},
		"no type":                 {token, "", good, 415, "Content-Type", "type"},
		"parts":                   {token, "multipart/form-data; boundary=x", "--x--", 415, "Content-Type", "type"},
		"too long":                {token, asForm, good + "&x=" + strings.Repeat("x", 10<<20), 413, "body", "too_long"},
		"nothing":                 {token, asForm, "", 422, "event", "field"},
		"no event":                {token, asForm, "callId=c1", 422, "event", "field"},
		"an event of lists":       {token, asJSON, `{"event":[["newCall"]]}`, 422, "event", "field"},
		"a long event":            {token, asForm, "callId=c1&event=" + long, 422, "event", "field"},
		"no call":                 {token, asForm, "event=newCall&direction=in&from=1&to=2", 422, "callId", "field"},
		"an empty call":           {token, asForm, "event=newCall&callId=+&direction=in&from=1&to=2", 422, "callId", "field"},
		"a long call":             {token, asForm, good[:14] + "callId=" + long, 422, "callId", "field"},
		"a long call, otherwise":  {token, asForm, "event=hangup&call_id=" + long, 422, "call_id", "field"},
		"a call of truth":         {token, asJSON, `{"event":"hangup","callId":true}`, 422, "callId", "field"},
		"no number":               {token, asForm, "event=newCall&callId=c1&direction=in&to=33261910010", 422, "from", "field"},
		"no number called":        {token, asForm, "event=newCall&callId=c1&direction=in&from=33639980001", 422, "to", "field"},
		"a long number":           {token, asForm, "event=newCall&callId=c1&to=1&from=" + long, 422, "from", "field"},
		"a long number called":    {token, asForm, "event=newCall&callId=c1&from=1&to=" + long, 422, "to", "field"},
		"a number of two lines":   {token, asForm, "event=newCall&callId=c1&to=1&from=1%0A2", 422, "from", "field"},
		"a number of no text":     {token, asForm, "event=newCall&callId=c1&to=1&from=%ff%fe", 422, "from", "field"},
		"a number that is object": {token, asJSON, `{"event":"newCall","callId":"c1","from":{"n":1},"to":"1"}`, 422, "from", "field"},
		"sideways":                {token, asForm, "event=newCall&callId=c1&from=1&to=2&direction=sideways", 422, "direction", "field"},
		"a long user":             {token, asForm, good + "&user[]=" + long, 422, "user", "field"},
		"a user that is object":   {token, asJSON, `{"event":"hangup","callId":"c1","user":[{}]}`, 422, "user", "field"},
		"a long cause":            {token, asForm, "event=hangup&callId=c1&cause=" + long, 422, "cause", "field"},
		"a long telephone":        {token, asForm, "event=answer&callId=c1&answeringNumber=" + long, 422, "answeringNumber", "field"},
		"no JSON":                 {token, asJSON, good, 422, "body", "field"},
		"a list":                  {token, asJSON, "[]", 422, "body", "field"},
		"null":                    {token, asJSON, "null", 422, "body", "field"},
		"truncated":               {token, asJSON, `{"event":"newCall","callId":"c1`, 422, "body", "field"},
		"two objects":             {token, asJSON, `{"event":"hangup","callId":"c1"}{}`, 422, "body", "field"},
		"no form":                 {token, asForm, "event=%zz", 422, "body", "field"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			status, body := b.post(c.address, c.kind, c.body)
			var answer struct {
				Error string `json:"error"`
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || status != c.status || !strings.HasPrefix(answer.Error, c.says+":") {
				t.Errorf("answered %d %s", status, body)
			}
			if news := b.calls.take(); len(news) != 0 {
				t.Errorf("told %+v", news)
			}
			if want := []string{"cti " + c.reason}; !slices.Equal(b.refusals.reasons, want) {
				t.Errorf("counted %v, want %v", b.refusals.reasons, want)
			}
			for _, secret := range []string{token, "wrong-secret", "33639980001", long} {
				if strings.Contains(b.log.String(), secret) {
					t.Errorf("the log has %q", secret)
				}
			}
		})
	}
}

func TestAnUnknownEventChangesNothing(t *testing.T) {
	b := newBench()
	status, answer := b.post(token, asForm, "event=dtmf&digit=1")
	if news := b.calls.take(); status != http.StatusOK || answer != "{}" || len(news) != 0 || len(b.refusals.reasons) != 0 {
		t.Errorf("%d %s, told %+v, counted %v", status, answer, news, b.refusals.reasons)
	}
	if !strings.Contains(b.log.String(), "exchange=standard") {
		t.Errorf("log %q", b.log)
	}
}

func TestABlockedCallerIsTurnedAwayAndKept(t *testing.T) {
	const reject = `{"action":"reject","reason":"busy"}`
	post := func(b bench, event, direction, from string) (string, []channels.CallNews) {
		_, answer := b.post(token, asForm, "event="+event+"&callId=c1&direction="+direction+"&to=33639989999&cause=busy&from="+from)
		return answer, b.calls.take()
	}
	b := newBench()
	for _, from := range []string{"33639989999", "0639989999", "0033639989999", "%2B33639989999"} {
		answer, news := post(b, "newCall", "in", from)
		if answer != reject || len(news) != 1 || news[0].Step != channels.CallEnded || news[0].End != channels.EndRejected {
			t.Errorf("%s: %s, told %+v", from, answer, news)
		}
	}
	if answer, news := post(b, "hangup", "in", "33639989999"); answer != "{}" || news[0].End != channels.EndRejected {
		t.Errorf("a blocked caller's hangup: %s, told %+v: it is no missed call", answer, news)
	}
	if answer, news := post(b, "answer", "in", "33639989999"); answer != "{}" || news[0].Step != channels.CallAnswered {
		t.Errorf("an exchange that did not turn her away: %s, told %+v", answer, news)
	}
	if answer, news := post(b, "newCall", "out", "33261910010"); answer != "{}" || news[0].Step != channels.CallRang {
		t.Errorf("the town hall calls her: %s, told %+v", answer, news)
	}
	if answer, _ := post(b, "newCall", "in", "33639980001"); answer != "{}" {
		t.Errorf("somebody else: %s", answer)
	}
	b.calls.blocked = true
	answer, news := post(b, "newCall", "in", "33639980001")
	if answer != reject || len(news) != 2 || news[1].End != channels.EndRejected {
		t.Errorf("blocked by the hub: %s, told %+v", answer, news)
	}
	for _, quiet := range [][2]string{{"newCall", "out"}, {"hangup", "in"}, {"answer", "in"}} {
		if answer, _ := post(b, quiet[0], quiet[1], "33639980001"); answer != "{}" {
			t.Errorf("%v: %s", quiet, answer)
		}
	}
}

func TestWhatIsNotKeptIsPostedAgain(t *testing.T) {
	b := newBench()
	b.calls.err = errors.New("the disk is full")
	for _, from := range []string{"33639980001", "33639989999"} {
		status, answer := b.post(token, asForm, "event=newCall&callId=c1&direction=in&to=33261910010&from="+from)
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "again") {
			t.Errorf("%d %s", status, answer)
		}
	}
}

func TestEachExchangeSpeaksForItself(t *testing.T) {
	b := newBench()
	if mounts := b.Mounts(); len(mounts) != 1 || mounts[0].Path != "/webhooks/cti/:token" || mounts[0].Method != http.MethodPost {
		t.Errorf("%+v", mounts)
	}
	if mounts := NewWebhook(nil, Deps{}).Mounts(); mounts != nil {
		t.Errorf("no exchange, and %+v", mounts)
	}
	for address, name := range map[string]string{token: "standard", other: "annexe"} {
		status, _ := b.post(address, asForm, "event=hangup&callId=c1&from=0639989999&direction=in")
		if news := b.calls.take(); status != http.StatusOK || len(news) != 1 || news[0].Exchange != name {
			t.Errorf("%s: %d, told %+v", name, status, news)
		}
	}
}

// FuzzNews posts anything: what is told can be stored, and what is not told is a clear answer.
func FuzzNews(f *testing.F) {
	f.Add(false, "event=newCall&callId=c1&direction=in&from=33639980001&to=33261910010&user[]=a&user[0]=b")
	f.Add(false, "event=hangup&call_id=%00&cause=%ff&answeringNumber=+")
	f.Add(true, `{"event":"answer","callId":1e400,"user":["a",null,{}],"from":"anonymous"}`)
	f.Add(true, `{"event":"newCall","callId":"c1","from":"","to":"00","direction":"out"}`)
	f.Add(true, `{"a":`+strings.Repeat("[", 200))
	b := newBench()
	b.deps.Log = slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, inJSON bool, body string) {
		kind, address := asForm, token
		if inJSON {
			kind, address = asJSON, other
		}
		status, answer := b.post(address, kind, body)
		news := b.calls.take()
		b.refusals.reasons = nil
		if !json.Valid([]byte(answer)) || !slices.Contains([]int{200, 413, 415, 422}, status) || status != 200 && len(news) > 0 {
			t.Fatalf("answered %d %s, told %+v", status, answer, news)
		}
		for _, n := range news {
			texts := append([]string{n.ID, n.Caller.Name, n.Caller.Value, n.Called.Name, n.Called.Value}, n.Agents...)
			for _, text := range texts {
				if len(text) > maxID || strings.ToValidUTF8(text, "") != text || strings.ContainsAny(text, "\x00\n\r") {
					t.Errorf("told %q", text)
				}
			}
			if n.ID == "" || n.Step == "" || len(n.Agents) > maxUsers+1 {
				t.Errorf("told %+v", n)
			}
		}
	})
}
