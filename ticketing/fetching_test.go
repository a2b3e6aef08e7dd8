package ticketing_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

// shelf is a provider that keeps files: each address gives what is next in its list, and the last for ever.
type shelf struct {
	mu    sync.Mutex
	gives map[string][]any // channels.Attachment or error
	asked []string
}

func (s *shelf) Fetch(ctx context.Context, source string) (channels.Attachment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, source)
	next := s.gives[source][0]
	if len(s.gives[source]) > 1 {
		s.gives[source] = s.gives[source][1:]
	}
	if err, ok := next.(error); ok {
		return channels.Attachment{}, err
	}
	return next.(channels.Attachment), nil
}

// picture is a text message with files a provider keeps.
func (h *hall) picture(id, from string, sources ...string) channels.Inbound {
	in := h.text(id, from, "photo du trou")
	for _, s := range sources {
		in.Attachments = append(in.Attachments, channels.Attachment{Name: s + ".jpg", Type: "image/jpeg", Source: "https://provider.example/" + s})
	}
	return in
}

// fetch does one round, and expects that nothing more is due.
func (h *hall) fetch(s *shelf) {
	h.Helper()
	more, err := ticketing.NewFetching(h.desk, s, slog.New(slog.DiscardHandler)).Round(h.Context())
	h.must(err)
	if more {
		h.Fatal("there is more to fetch")
	}
}

func TestFilesAreFetchedOnceTheirMessageIsFiled(t *testing.T) {
	eachHall(t, func(h *hall) {
		s := &shelf{gives: map[string][]any{
			"https://provider.example/a": {errors.New("503"), channels.Attachment{Type: "image/png", Data: []byte("png!")}},
			"https://provider.example/b": {&channels.Unfetchable{Reason: "it is too large"}},
		}}
		ref := h.receive(h.picture("SM1", anne, "a", "b"))[0].Reference
		files := h.dossier(ref).Messages[0].Attachments
		if len(files) != 2 || files[0].Here() || files[1].Here() || len(s.asked) != 0 {
			h.Fatalf("before: %+v, asked %v", files, s.asked)
		}
		if _, _, err := h.reader.Attachment(h.Context(), h.actor("admin"), files[0].ID); ticketing.CodeOf(err) != ticketing.CodeConflict {
			h.Errorf("a file that is not here gives %v", err)
		}

		h.fetch(s)
		m := h.dossier(ref).Messages[0]
		if len(m.Attachments) != 1 || m.Attachments[0].Here() || len(m.Warnings) != 1 || m.Warnings[0] != "file: it is too large" {
			h.Fatalf("after a failure and a refusal: %+v, warnings %q", m.Attachments, m.Warnings)
		}
		h.fetch(s)
		if len(s.asked) != 2 {
			h.Errorf("it was asked for again at once: %v", s.asked)
		}

		h.clock.advance(11 * time.Second)
		h.fetch(s)
		m = h.dossier(ref).Messages[0]
		got, data, err := h.reader.Attachment(h.Context(), h.actor("admin"), m.Attachments[0].ID)
		if err != nil || string(data) != "png!" || got.Type != "image/png" || got.Size != 4 || got.Source != "" || got.Name != "a.jpg" {
			h.Errorf("%+v %q %v", got, data, err)
		}
		var told int
		for _, e := range h.dossier(ref).Events {
			if e.Type == ticketing.EventFileFetched {
				told++
			}
		}
		if told != 2 {
			h.Errorf("%d events tell of 2 files", told)
		}
		h.clock.advance(time.Hour)
		h.fetch(s)
		if len(s.asked) != 3 {
			h.Errorf("what is here was asked for again: %v", s.asked)
		}
	})
}

func TestAFileThatNeverComesIsGivenUp(t *testing.T) {
	eachHall(t, func(h *hall) {
		s := &shelf{gives: map[string][]any{"https://provider.example/a": {errors.New("no answer")}}}
		ref := h.receive(h.picture("SM1", anne, "a"))[0].Reference
		for range 20 {
			h.fetch(s)
			h.clock.advance(13 * time.Hour)
		}
		m := h.dossier(ref).Messages[0]
		if len(s.asked) != 7 || len(m.Attachments) != 0 || !slices.Equal(m.Warnings, []string{"file: the provider did not give it"}) {
			h.Errorf("asked %d times, then %+v %q", len(s.asked), m.Attachments, m.Warnings)
		}
	})
}

func TestATryWhoseProcessDiedIsMadeAgain(t *testing.T) {
	eachHall(t, func(h *hall) {
		ref := h.receive(h.picture("SM1", anne, "a"))[0].Reference
		dead, err := h.db.LeaseFetches(h.Context(), h.clock.now(), h.clock.now().Add(2*time.Minute), 8)
		h.must(err)
		s := &shelf{gives: map[string][]any{"https://provider.example/a": {channels.Attachment{Data: []byte("png!")}}}}
		h.fetch(s)
		if len(dead) != 1 || len(s.asked) != 0 {
			h.Fatalf("leased %d, and asked for beside it: %v", len(dead), s.asked)
		}
		h.clock.advance(3 * time.Minute)
		h.fetch(s)
		if m := h.dossier(ref).Messages[0]; len(m.Attachments) != 1 || !m.Attachments[0].Here() {
			h.Fatalf("%+v", m.Attachments)
		}
		late := dead[0]
		late.FetchAt, late.SHA256 = nil, "other"
		if saved, err := h.db.SaveFetch(h.Context(), late); err != nil || saved {
			h.Errorf("the dead one came back and won: %v %v", saved, err)
		}
		if dropped, err := h.db.DropFetch(h.Context(), late, "late"); err != nil || dropped {
			h.Errorf("the dead one came back and dropped it: %v %v", dropped, err)
		}
	})
}
