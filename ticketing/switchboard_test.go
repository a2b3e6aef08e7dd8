package ticketing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

func (h *hall) ring(n channels.CallNews) {
	h.Helper()
	if n.At.IsZero() {
		n.At = h.clock.now()
	}
	n.Exchange = "standard"
	_, err := ticketing.NewSwitchboard(h.desk).Ring(h.Context(), n)
	h.must(err)
}

func (h *hall) phoneTickets() []ticketing.TicketRow {
	h.Helper()
	list, err := h.reader.Tickets(h.Context(), h.actor("admin"), ticketing.TicketQuery{Channel: "phone", Sort: ticketing.SortReceived, Limit: 50}, "")
	h.must(err)
	return list.Rows
}

func rang(id, from string) channels.CallNews {
	return channels.CallNews{ID: id, Step: channels.CallRang, Caller: channels.Address{Value: from, Name: from}, Called: channels.Address{Name: "33261910010"}, Department: "voirie"}
}

// TestEveryOrderOfACall tells a call in every order of its events, each also twice, and finds one call on one ticket.
func TestEveryOrderOfACall(t *testing.T) {
	answered := channels.CallNews{ID: "c1", Step: channels.CallAnswered, Agents: []string{"agent@valmont.example"}}
	over := channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndAnswered}
	missed := channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed}
	for name, c := range map[string]struct {
		events []channels.CallNews
		status []ticketing.Status
	}{
		"taken":  {[]channels.CallNews{rang("c1", anne), answered, over}, []ticketing.Status{ticketing.StatusOpen, ticketing.StatusClosed}},
		"missed": {[]channels.CallNews{rang("c1", anne), missed}, []ticketing.Status{ticketing.StatusNew}},
	} {
		for i, order := range orders(c.events) {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				eachHall(t, func(h *hall) {
					for _, n := range order {
						h.ring(n)
						h.ring(n)
					}
					rows := h.phoneTickets()
					if len(rows) != 1 {
						h.Fatalf("%d tickets", len(rows))
					}
					found := false
					for _, want := range c.status {
						found = found || rows[0].Status == want
					}
					calls, err := h.db.CallsOf(h.Context(), rows[0].ID)
					h.must(err)
					if !found || len(calls) != 1 || calls[0].Answered() != (name == "taken") {
						h.Errorf("ticket %s, calls %+v", rows[0].Status, calls)
					}
				})
			})
		}
	}
}

// orders gives every order of a list.
func orders[T any](list []T) [][]T {
	if len(list) < 2 {
		return [][]T{list}
	}
	var all [][]T
	for i, first := range list {
		rest := append(append([]T{}, list[:i]...), list[i+1:]...)
		for _, tail := range orders(rest) {
			all = append(all, append([]T{first}, tail...))
		}
	}
	return all
}

func TestAMissedCallIsCalledBack(t *testing.T) {
	eachHall(t, func(h *hall) {
		text := h.receive(h.text("SM1", anne, "bonjour"))[0].Reference
		h.ring(rang("c1", anne))
		h.clock.advance(25 * time.Second)
		h.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed})
		h.ring(rang("c2", anne))
		h.ring(channels.CallNews{ID: "c2", Step: channels.CallEnded, End: channels.EndMissed})
		rows := h.phoneTickets()
		if len(rows) != 1 {
			h.Fatalf("%d tickets for two missed calls of one number", len(rows))
		}
		d := h.dossier(rows[0].Reference())
		if d.Citizen == nil || d.Citizen.ID != h.dossier(text).Citizen.ID || d.Ticket.DueAt == nil || len(d.Messages) != 2 || d.Ticket.QueuedAt == nil {
			h.Errorf("ticket %+v of %+v", d.Ticket, d.Citizen)
		}
		calls, err := h.db.CallsOf(h.Context(), d.Ticket.ID)
		h.must(err)
		if waited, ok := calls[0].Waited(); !ok || waited != 25*time.Second || calls[0].Ending != "missed" {
			h.Errorf("%+v waited %v", calls[0], waited)
		}
		h.ring(channels.CallNews{ID: "c3", Step: channels.CallAnswered, Out: true, Called: channels.Address{Value: anne}, Agents: []string{"admin@valmont.example"}})
		if called := h.dossier(rows[0].Reference()); called.Ticket.FirstReplyAt == nil || called.Ticket.AssigneeID == nil {
			h.Errorf("calling back is an answer: %+v", called.Ticket)
		}
	})
}

func TestAVoicemailIsKeptOnce(t *testing.T) {
	eachHall(t, func(h *hall) {
		spoken := channels.CallNews{ID: "c1", Step: channels.CallSaid, Recording: &channels.Spoken{
			ID: "RE1", Voicemail: true, Audio: channels.Attachment{Name: "message.mp3", Type: "audio/mpeg", Data: []byte("hello")},
		}}
		words := channels.CallNews{ID: "c1", Step: channels.CallSaid, Words: "rappelez-moi"}
		h.ring(words) // nothing is known of the call yet
		h.ring(spoken)
		h.ring(spoken)
		h.ring(words)
		h.ring(rang("c1", anne))
		rows := h.phoneTickets()
		if len(rows) != 1 {
			h.Fatalf("%d tickets", len(rows))
		}
		files, texts := 0, 0
		for _, m := range h.dossier(rows[0].Reference()).Messages {
			files += len(m.Attachments)
			if m.Text == "rappelez-moi" {
				texts++
			}
		}
		if files != 1 || texts != 1 {
			h.Errorf("%d recordings, %d transcriptions", files, texts)
		}
	})
}

func TestARecordingIsDeletedByItself(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.ring(channels.CallNews{ID: "c1", Step: channels.CallSaid, Recording: &channels.Spoken{
			ID: "RE1", DeleteAt: h.clock.now().Add(30 * 24 * time.Hour), Audio: channels.Attachment{Name: "call.mp3", Type: "audio/mpeg", Data: []byte("hello")},
		}})
		h.ring(rang("c1", anne))
		recordings := func() (n int) {
			for _, m := range h.dossier(h.phoneTickets()[0].Reference()).Messages {
				n += len(m.Attachments)
			}
			return n
		}
		h.must(h.db.DeleteExpired(h.Context(), h.clock.now().Add(29*24*time.Hour)))
		if recordings() != 1 {
			h.Fatal("the recording of a conversation was not kept")
		}
		h.must(h.db.DeleteExpired(h.Context(), h.clock.now().Add(31*24*time.Hour)))
		if recordings() != 0 {
			h.Error("the recording is still there after its time")
		}
	})
}

func TestWhoMayBeCalling(t *testing.T) {
	eachHall(t, func(h *hall) {
		open := h.receive(h.text("SM1", anne, "trou rue Pasteur"))[0].Reference
		h.ring(rang("c1", anne))
		h.ring(rang("c2", paul))
		h.ring(rang("c3", ""))
		board := ticketing.NewSwitchboard(h.desk)
		cards, err := board.Live(h.Context(), h.actor("admin"))
		h.must(err)
		if len(cards) != 3 || cards[0].Likelihood != ticketing.CallerKnown || len(cards[0].Candidates) != 1 ||
			len(cards[0].Candidates[0].Open) != 1 || cards[0].Candidates[0].Open[0].Reference() != open ||
			cards[1].Likelihood != ticketing.CallerUnknown || cards[2].Likelihood != ticketing.CallerUnknown {
			h.Errorf("%+v", cards)
		}
		h.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed})
		if cards, err = board.Live(h.Context(), h.actor("admin")); err != nil || len(cards) != 2 {
			h.Errorf("a call that is over still rings: %d, %v", len(cards), err)
		}
	})
}

// TestACallGoesFromTelephoneToTelephone rings for a department, then at one telephone after another, and is told to the pages each time;
// it is near to whom it rings at that moment.
func TestACallGoesFromTelephoneToTelephone(t *testing.T) {
	eachHall(t, func(h *hall) {
		board := ticketing.NewSwitchboard(h.desk)
		near := func(who string, want int) {
			h.Helper()
			cards, others, err := board.Near(h.Context(), h.actor(who))
			h.must(err)
			if len(cards)+others != want {
				h.Errorf("%d calls are near to %s, wanted %d", len(cards)+others, who, want)
			}
		}
		events := func() (types []ticketing.EventType) {
			h.Helper()
			list, err := h.db.EventsAfter(h.Context(), ticketing.Position{}, 500)
			h.must(err)
			for _, e := range list {
				if e.Data["call"] != "" {
					types = append(types, e.Type)
				}
			}
			return types
		}
		told := func(want ...ticketing.EventType) { // PostgreSQL holds events back while an older transaction of the server is open
			h.Helper()
			deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
			defer tick.Stop()
			for got := events(); !slices.Equal(got, want); got = events() {
				select {
				case <-tick.C:
				case <-deadline:
					h.Fatalf("told %v, wanted %v", got, want)
				}
			}
		}
		at := func(name string) channels.CallNews {
			n := rang("c1", anne)
			n.Agents = []string{name + "@valmont.example"}
			return n
		}
		h.ring(rang("c1", anne))
		near("agent", 1)
		near("admin", 1)
		h.ring(at("agent"))
		near("agent", 1)
		near("admin", 0)
		h.ring(at("agent")) // told again: nothing new
		h.ring(at("admin"))
		near("agent", 0)
		near("admin", 1)
		told(ticketing.EventCallRang, ticketing.EventCallRang, ticketing.EventCallRang)
		h.ring(channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndForwarded})
		near("admin", 0)
		told(ticketing.EventCallRang, ticketing.EventCallRang, ticketing.EventCallRang, ticketing.EventCallEnded)
	})
}

// TestWhichNewsIsOfOneCall tells of a call over midnight, which is one, and of another of the same name weeks later.
func TestWhichNewsIsOfOneCall(t *testing.T) {
	eachHall(t, func(h *hall) {
		h.clock.advance(13*time.Hour + 58*time.Minute) // 23:58 in the town
		over := channels.CallNews{ID: "c1", Step: channels.CallEnded, End: channels.EndMissed, Caller: channels.Address{Value: anne}, Department: "voirie"}
		h.ring(rang("c1", anne))
		h.clock.advance(5 * time.Minute)
		h.ring(over)
		calls, err := h.db.CallsOf(h.Context(), h.phoneTickets()[0].ID)
		h.must(err)
		if len(calls) != 1 || calls[0].Day != "2026-11-20" || calls[0].RangAt == nil || calls[0].EndedAt == nil {
			h.Fatalf("%+v", calls)
		}
		h.clock.advance(3 * 7 * 24 * time.Hour)
		h.ring(rang("c1", anne))
		h.ring(over)
		if calls, err = h.db.CallsOf(h.Context(), h.phoneTickets()[0].ID); err != nil || len(calls) != 2 {
			h.Errorf("%d calls, %v: %+v", len(calls), err, calls)
		}
	})
}

// TestACallIsNamedLate tells the end of a call before who called: its ticket becomes that citizen's.
func TestACallIsNamedLate(t *testing.T) {
	eachHall(t, func(h *hall) {
		text := h.receive(h.text("SM1", anne, "bonjour"))[0].Reference
		for i, caller := range []string{anne, paul, ""} {
			id := fmt.Sprintf("c%d", i)
			h.ring(channels.CallNews{ID: id, Step: channels.CallEnded, End: channels.EndMissed, Department: "voirie"})
			h.ring(rang(id, caller))
			h.ring(rang(id, caller))
		}
		rows := h.phoneTickets()
		if len(rows) != 3 {
			h.Fatalf("%d tickets", len(rows))
		}
		owners := map[string]string{}
		for _, r := range rows {
			d := h.dossier(r.Reference())
			if d.Citizen == nil {
				continue
			}
			for _, c := range d.Citizen.Contacts {
				owners[c.Value] = d.Citizen.ID
			}
			if !strings.Contains(d.Ticket.Subject, d.Citizen.Contacts[0].Value) {
				h.Errorf("the subject %q of %+v", d.Ticket.Subject, d.Citizen.Contacts)
			}
		}
		if len(owners) != 2 || owners[anne] != h.dossier(text).Citizen.ID || owners[paul] == "" {
			h.Errorf("%v", owners)
		}
	})
}
