package agentapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// stream is an open stream of events.
type stream struct {
	w     *world
	lines *bufio.Scanner
	last  string // id
	close func()
}

func (c *client) follow(path, lastID string) *stream {
	c.w.tb.Helper()
	ctx, cancel := context.WithCancel(c.w.tb.Context())
	c.w.tb.Cleanup(cancel)
	r := c.request(http.MethodGet, path, nil).WithContext(ctx)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := c.http.Do(r) //nolint:bodyclose // closed when the test ends
	c.w.must(err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		c.w.tb.Fatalf("the stream is %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	s := &stream{w: c.w, lines: bufio.NewScanner(res.Body), close: func() { cancel(); _ = res.Body.Close() }}
	c.w.tb.Cleanup(func() { _ = res.Body.Close() })
	for s.lines.Scan() && s.lines.Text() != "" { // where the stream begins
		s.note(s.lines.Text())
	}
	return s
}

func (s *stream) note(line string) {
	if id, ok := strings.CutPrefix(line, "id: "); ok {
		s.last = id
	}
}

// next waits for an event.
func (s *stream) next() body {
	s.w.tb.Helper()
	for s.lines.Scan() {
		s.note(s.lines.Text())
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			var e body
			s.w.must(json.Unmarshal([]byte(data), &e))
			return e
		}
	}
	s.w.tb.Fatalf("the stream ended: %v", s.lines.Err())
	return nil
}

// until reads on to an event of a type and gives the tickets of all before it.
func (s *stream) until(kind, ref string) (passed []body) {
	s.w.tb.Helper()
	for {
		e := s.next()
		if e["type"] == kind && e["ticket"] == ref {
			return passed
		}
		passed = append(passed, e)
	}
}

func TestEventsAreFollowedAndResumed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia := w.signedIn("nadia")
		s := nadia.follow("/api/v1/events", "")
		begin := s.last
		first := w.mail("voirie", "Trou")
		s.until("ticket.transferred", first)
		reached := s.last
		s.close()

		second := w.mail("accueil", "Horaires") // while nobody listens
		nadia.post("/tickets/"+first+"/claim", body{}).is(http.StatusOK)
		again := nadia.follow("/api/v1/events", reached)
		seen := again.until("ticket.taken", first)
		found := false
		for _, e := range seen {
			found = found || e["type"] == "ticket.created" && e["ticket"] == second && e["department"] == "accueil" && e["citizen"] != nil && e["id"] != nil
		}
		if !found {
			t.Errorf("what happened meanwhile is not in %v", seen)
		}
		nadia.post("/tickets/"+second+"/claim", body{}).is(http.StatusOK) // and live again
		again.until("ticket.taken", second)
		nadia.follow("/api/v1/events", begin).until("ticket.created", first)
		nadia.with("Last-Event-ID", "yesterday").get("/events").refused(http.StatusUnprocessableEntity, "invalid")
	})
}

func TestEventsOfClosedDepartmentsAreNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, sonia := w.signedIn("nadia"), w.signedIn("sonia")
		from := nadia.follow("/api/v1/events", "").last
		hidden := w.mail("ccas", "Aide") // came in at the front desk and went
		sonia.post("/tickets/"+hidden+"/messages", body{"kind": "note", "text": "x"}).is(http.StatusAccepted)
		last := w.mail("voirie", "Trou")
		for _, path := range []string{"/api/v1/events", "/live"} {
			for _, e := range nadia.follow(path, from).until("ticket.transferred", last) {
				if e["ticket"] == hidden && (e["type"] != "ticket.left" || e["citizen"] != nil || e["department"] != "accueil") || e["department"] == "ccas" {
					t.Errorf("%s tells %v", path, e)
				}
			}
		}
		sonia.follow("/api/v1/events", from).until("note.added", hidden)
	})
}

func TestLiveSaysWhatIsMine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nadia, karim := w.signedIn("nadia"), w.signedIn("karim")
		ref := w.mail("voirie", "Trou")
		hers, his := nadia.follow("/live", ""), karim.follow("/live", "")
		nadia.post("/tickets/"+ref+"/claim", body{}).is(http.StatusOK)
		taken := func(s *stream) body { // a long transaction in any database of the server makes what came before it late
			for {
				if e := s.next(); e["type"] == "ticket.taken" {
					return e
				}
			}
		}
		if e := taken(hers); e["mine"] != true || e["department"] != "voirie" {
			t.Errorf("she is told %v", e)
		}
		if e := taken(his); e["mine"] != false {
			t.Errorf("he is told %v", e)
		}
	})
}

func TestStreamsAreCounted(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, store.Options{}))
	c := w.program("nadia", "read")
	streams := make([]*stream, 20)
	for i := range streams {
		streams[i] = c.follow("/api/v1/events", "")
	}
	c.get("/events").refused(http.StatusTooManyRequests, "too_many_streams")
	w.program("karim", "read").follow("/api/v1/events", "")
}
