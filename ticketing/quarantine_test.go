package ticketing_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email"
	"guichet/ticketing"
)

// quarantine is the hall's, reading e-mail again as the program does.
func (h *hall) quarantine() *ticketing.Quarantine {
	return ticketing.NewQuarantine(h.desk, map[channels.Name]channels.Rereader{channels.Email: email.NewReader(nil)})
}

// hold lets a message wait and gives its id.
func (h *hall) hold(line string, reason channels.Hold, raw string) string {
	h.Helper()
	in := channels.Inbound{
		Channel: channels.Email, Line: line, Key: "key of " + ticketing.NewID(), Raw: []byte(raw), At: h.clock.now(), Quarantine: reason,
		Warnings: []string{"beyond the limits"}, Place: &channels.Place{Mailbox: line, UIDValidity: 1, UID: uint32(len(raw))},
	}
	if filed := h.receive(in); filed[0].Result != channels.Quarantined {
		h.Fatalf("it was %+v", filed)
	}
	page, err := h.quarantine().List(h.Context(), h.actor("admin"), 1, "")
	h.must(err)
	return page.Rows[0].ID
}

const readable = "From: Anne Perrin <anne@example.org>\r\nTo: contact@valmont.example\r\nSubject: Lampadaire\r\nMessage-ID: <held@example.org>\r\n\r\nLe lampadaire est en panne.\r\n"

// tooDeep is what the reader of e-mail refuses.
func tooDeep() string {
	var b strings.Builder
	b.WriteString("From: Anne Perrin <anne@example.org>\r\nSubject: Poup\xc3\xa9es russes\r\n")
	for range 600 {
		b.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nau fond\r\n")
	return b.String()
}

// What can't be filed waits, in the transaction of the others, whose order stays.
func TestWhatMustWaitIsKeptAmongTheOthers(t *testing.T) {
	eachHall(t, func(h *hall) {
		var group []channels.Inbound
		for i, reason := range []channels.Hold{"", channels.TooComplex, "", channels.TooLarge, channels.NotGiven, ""} {
			id := string(rune('a' + i))
			in := h.letter(id+"@example.org", id+"@example.org", "Sujet "+id, "texte "+id)
			in.Quarantine, in.Place = reason, &channels.Place{Mailbox: "mairie", UIDValidity: 1, UID: uint32(i + 1)}
			in.Attachments = []channels.Attachment{{Name: "x", Data: []byte("x")}}
			if reason == channels.NotGiven {
				in.Raw = nil
			}
			group = append(group, in)
		}
		group[1].Raw = []byte(strings.Repeat("x", ticketing.MaxRowOriginal+1))
		transactions := &counting{Store: h.db}
		h.desk = h.newDesk(transactions)
		filed := h.receive(group...)
		if transactions.n.Load() != 1 {
			h.Errorf("%d transactions", transactions.n.Load())
		}
		var got []string
		for _, f := range filed {
			got = append(got, string(f.Result)+" "+f.Reference)
		}
		if want := []string{
			"created 2026-00001", "quarantined ", "created 2026-00002", "quarantined ", "quarantined ", "created 2026-00003",
		}; !slices.Equal(got, want) {
			h.Errorf("%q", got)
		}
		page, err := h.quarantine().List(h.Context(), h.actor("admin"), 0, "")
		h.must(err)
		reasons := map[channels.Hold]ticketing.Held{}
		for _, held := range page.Rows {
			reasons[held.Reason] = held
			if held.Raw != nil {
				h.Error("a list carries originals")
			}
		}
		large := reasons[channels.TooComplex]
		if len(page.Rows) != 3 || large.SHA256 == "" || large.Size != len(group[1].Raw) {
			h.Errorf("what waits: %+v", page.Rows)
		}
		raw, err := h.quarantine().Raw(h.Context(), h.actor("admin"), large.ID)
		if err != nil || string(raw) != string(group[1].Raw) {
			h.Errorf("its original has %d bytes, %v", len(raw), err)
		}
		for _, f := range h.receive(group...) {
			if f.Result != channels.Duplicate {
				h.Errorf("again: %+v", f)
			}
		}
	})
}

// counting counts the transactions of a store.
type counting struct {
	ticketing.Store
	n atomic.Int64
}

func (c *counting) InTx(ctx context.Context, do func(ticketing.Nouns) error) error {
	c.n.Add(1)
	return c.Store.InTx(ctx, do)
}

// Twenty clicks at once, on both buttons: one ticket, under the one original.
func TestOneTicketLeavesQuarantine(t *testing.T) {
	eachHall(t, func(h *hall) {
		id := h.hold("mairie", channels.TooComplex, readable)
		admin := h.actor("admin")
		var references sync.Map
		var clicks sync.WaitGroup
		for i := range 20 {
			clicks.Go(func() {
				held, err := ticketing.Held{}, error(nil)
				if i%2 == 0 {
					held, err = h.quarantine().Retry(h.Context(), admin, id)
				} else {
					held, err = h.quarantine().File(h.Context(), admin, id, "")
				}
				if err != nil || held.Waits() {
					h.Errorf("%+v, %v", held, err)
				}
				references.Store(held.Reference, true)
			})
		}
		clicks.Wait()
		var reference string
		n := 0
		references.Range(func(k, _ any) bool { reference, _ = k.(string); n++; return true })
		if n != 1 || reference == "" {
			h.Fatalf("%d tickets", n)
		}
		d := h.dossier(reference)
		if d.Ticket.Department != "eclairage" || d.Messages[0].OriginalID == nil || *d.Messages[0].OriginalID != id || d.Messages[0].ExternalID != "held@example.org" {
			h.Errorf("ticket %+v, message %+v", d.Ticket, d.Messages[0])
		}
		if count, shown, err := h.quarantine().Count(h.Context(), admin); err != nil || count != 0 || !shown {
			h.Errorf("%d wait, %v, %v", count, shown, err)
		}
		if e := d.Events[slices.IndexFunc(d.Events, func(e ticketing.Event) bool { return e.Type == ticketing.EventMessageReceived })]; e.AgentID == nil || *e.AgentID != admin.ID {
			h.Errorf("nobody says who filed it: %+v", e)
		}
	})
}

// Filed like any other, it is acknowledged; filed by hand it is not, and says what it lacks.
func TestRetryAndFile(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, admin, q := h.Context(), h.actor("admin"), h.quarantine()
		tried, err := q.Retry(ctx, admin, h.hold("mairie", channels.TooComplex, readable))
		h.must(err)
		if d := h.dossier(tried.Reference); len(d.Messages) != 2 || d.Messages[1].Automatic != "acknowledgement" {
			h.Errorf("filed again: %+v", d.Messages)
		}

		deep := h.hold("mairie", ticketing.HoldFailing, tooDeep())
		again, err := q.Retry(ctx, admin, deep)
		h.must(err)
		if !again.Waits() || again.Reason != channels.TooComplex || again.From.Value != "anne@example.org" || again.Subject != "Poupées russes" {
			h.Errorf("what can't be read: %+v", again)
		}
		if _, err := q.File(ctx, admin, deep, "nowhere"); ticketing.CodeOf(err) != ticketing.CodeInvalid {
			h.Errorf("a department that is none: %v", err)
		}
		filed, err := q.File(ctx, admin, deep, "voirie")
		h.must(err)
		d := h.dossier(filed.Reference)
		if d.Ticket.Department != "voirie" || d.Ticket.Subject != "Poupées russes" || d.Citizen == nil || len(d.Messages) != 1 {
			h.Fatalf("by hand: %+v, %d messages", d.Ticket, len(d.Messages))
		}
		m := d.Messages[0]
		if len(m.Attachments) != 1 || m.Attachments[0].Size != len(tooDeep()) || len(m.Warnings) != 1 || m.Silent != "quarantine" || m.Text == "" {
			h.Errorf("its message: %+v", m)
		}
		if e := d.Events[len(d.Events)-1]; e.Type != ticketing.EventAckWithheld || e.Data["reason"] != "quarantine" {
			h.Errorf("its last event: %+v", e)
		}

		large := h.hold("mairie", channels.TooLarge, "From: b@example.org\r\nSubject: Plan\r\n\r\n")
		for _, id := range []string{large, h.hold("mairie", channels.NotGiven, "")} {
			if held, err := q.Retry(ctx, admin, id); err != nil || !held.Waits() {
				h.Errorf("without its body: %+v, %v", held, err)
			}
			held, err := q.File(ctx, admin, id, "")
			h.must(err)
			d := h.dossier(held.Reference)
			if id == large && (d.Ticket.Subject != "Plan" || !strings.Contains(d.Messages[0].Warnings[0], "only the header")) {
				h.Errorf("a header: %+v", d.Messages[0])
			}
		}
	})
}

// A ticket that waits for it draws an answer out of quarantine.
func TestAnAnswerLeavesQuarantineIntoItsTicket(t *testing.T) {
	eachHall(t, func(h *hall) {
		reference := h.receive(h.letter("1@example.org", "anne@example.org", "Nid-de-poule", "Un trou sur la chaussée."))[0].Reference
		id := h.hold("mairie", channels.TooComplex, "References: <1@example.org>\r\n"+readable)
		held, err := h.quarantine().Retry(h.Context(), h.actor("admin"), id)
		if err != nil || held.Reference != reference {
			h.Errorf("%+v, %v", held, err)
		}
	})
}

// The database goes on refusing it: it stays, and says so.
func TestRetryStillRefused(t *testing.T) {
	eachHall(t, func(h *hall) {
		id := h.hold("mairie", channels.TooComplex, strings.Replace(readable, "Le lampadaire est en panne.\r\n", "poison", 1))
		sound := h.desk
		h.desk = h.newDesk(poisoned{h.db, &ticketing.Error{Code: ticketing.CodeRejected}})
		if held, err := h.quarantine().Retry(h.Context(), h.actor("admin"), id); err != nil || !held.Waits() || held.Reason != ticketing.HoldRejected {
			h.Errorf("refused: %+v, %v", held, err)
		}
		h.desk = h.newDesk(poisoned{h.db, errors.New("the connection was cut")})
		if _, err := h.quarantine().Retry(h.Context(), h.actor("admin"), id); err == nil {
			h.Error("a cut connection is nobody's word")
		}
		h.desk = sound
		if held, err := h.quarantine().Retry(h.Context(), h.actor("admin"), id); err != nil || held.Reference == "" {
			h.Errorf("once it works: %+v, %v", held, err)
		}
	})
}

// The quarantine's column of access.go, by its methods.
func TestWhoMayDoWhatInQuarantine(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, q := h.Context(), h.quarantine()
		open, sealed := h.hold("mairie", channels.TooComplex, readable), h.hold("police", channels.TooComplex, readable)
		boss, err := ticketing.ReadTownFile([]byte("agents:\n  - { email: pure@valmont.example, name: Pure Admin, roles: [admin] }\n" +
			"  - { email: mixed@valmont.example, name: Mixed Admin, roles: [agent, admin], departments: [voirie] }\n" +
			"  - { email: desk@valmont.example, name: At The Desk, departments: [accueil] }\n" +
			"  - { email: outside@valmont.example, name: Out Side, departments: [voirie] }\n"))
		h.must(err)
		_, err = h.town.Import(ctx, boss, false)
		h.must(err)
		// s: sees it, r: reads it, t: tries it again, f: files it; a dash: not found, a dot: forbidden.
		for who, want := range map[string]string{"admin": "srtfsrtf", "pure": "s.t.s.t.", "mixed": "srtfs.t.", "desk": "srtf----", "outside": "--------"} {
			actor := h.actor(who)
			got := ""
			for _, id := range []string{open, sealed} {
				_, see := q.Held(ctx, actor, id)
				_, read := q.Raw(ctx, actor, id)
				probe := ticketing.CodeOf
				can := func(do ticketing.Action) error {
					if !actor.Can(ticketing.ActSeeHeld, h.town.Now().LineSubject(map[string]string{open: "mairie", sealed: "police"}[id])) {
						return ticketing.ErrNotFound
					}
					if !actor.Can(do, h.town.Now().LineSubject(map[string]string{open: "mairie", sealed: "police"}[id])) {
						return ticketing.ErrForbidden
					}
					return nil
				}
				for i, err := range []error{see, read, can(ticketing.ActRetryHeld), can(ticketing.ActFileHeld)} {
					switch probe(err) {
					case "":
						got += string("srtf"[i])
					case ticketing.CodeForbidden:
						got += "."
					default:
						got += "-"
					}
				}
			}
			if got != want {
				h.Errorf("%s: %s, want %s", who, got, want)
			}
			page, err := q.List(ctx, actor, 0, "")
			h.must(err)
			n, shown, err := q.Count(ctx, actor)
			h.must(err)
			sees := strings.Count(got, "s")
			if len(page.Rows) != sees || n != sees || shown != (sees > 0) {
				h.Errorf("%s: list of %d, count %d, shown %v, sees %d", who, len(page.Rows), n, shown, sees)
			}
			for _, row := range page.Rows {
				if row.Readable != (row.Subject != "") || row.Readable != (row.From.Value != "") {
					h.Errorf("%s reads %+v", who, row)
				}
			}
		}
		for name, do := range map[string]func(a ticketing.Actor, id string) error{
			"held":  func(a ticketing.Actor, id string) error { _, err := q.Held(ctx, a, id); return err },
			"raw":   func(a ticketing.Actor, id string) error { _, err := q.Raw(ctx, a, id); return err },
			"retry": func(a ticketing.Actor, id string) error { _, err := q.Retry(ctx, a, id); return err },
			"file":  func(a ticketing.Actor, id string) error { _, err := q.File(ctx, a, id, ""); return err },
		} {
			for _, id := range []string{sealed, ticketing.NewID(), "nonsense"} {
				if err := do(h.actor("outside"), id); !errors.Is(err, ticketing.ErrNotFound) {
					h.Errorf("%s of %s: %v", name, id, err)
				}
			}
		}
		if _, err := q.File(ctx, h.actor("pure"), open, ""); !errors.Is(err, ticketing.ErrForbidden) {
			h.Errorf("an administrator files a citizen's mail: %v", err)
		}
		// What was filed at once is nothing of the quarantine's, whoever knows its id.
		d := h.dossier(h.receive(h.letter("1@example.org", "a@example.org", "Un", "texte"))[0].Reference)
		if _, err := q.Raw(ctx, h.actor("admin"), *d.Messages[0].OriginalID); !errors.Is(err, ticketing.ErrNotFound) {
			h.Errorf("an original that was never held: %v", err)
		}
		// Events reach who may know. PostgreSQL holds them back while another transaction of the server is open.
		eventually(h, func() bool {
			events, err := h.db.EventsAfter(ctx, ticketing.Position{}, 500)
			h.must(err)
			for who, want := range map[string]int{"admin": 2, "pure": 2, "desk": 1, "outside": 0} {
				n := 0
				for _, e := range events {
					if e.Type == ticketing.EventQuarantined && h.town.Now().MayFollow(h.actor(who), e) {
						n++
					}
				}
				if n > want {
					h.Fatalf("%s follows %d events of the quarantine, want %d", who, n, want)
				}
				if n < want {
					return false
				}
			}
			return true
		})
		// An administrator who tries it again learns that it is filed, and of no ticket she may not see.
		if held, err := q.Retry(ctx, h.actor("pure"), sealed); err != nil || held.Waits() || held.Reference != "" || held.Subject != "" {
			h.Errorf("tried again by an administrator: %+v, %v", held, err)
		}
	})
}

func TestQuarantineIsPaged(t *testing.T) {
	eachHall(t, func(h *hall) {
		want := map[string]bool{}
		for range 5 {
			h.clock.advance(time.Second)
			want[h.hold("mairie", channels.TooComplex, readable)] = true
		}
		next, pages := "", 0
		for pages == 0 || next != "" {
			page, err := h.quarantine().List(h.Context(), h.actor("admin"), 2, next)
			h.must(err)
			for _, held := range page.Rows {
				delete(want, held.ID)
			}
			next, pages = page.Next, pages+1
		}
		if len(want) != 0 || pages != 3 {
			h.Errorf("%d pages, %d missing", pages, len(want))
		}
		if _, err := h.quarantine().List(h.Context(), h.actor("admin"), 2, "nonsense"); !errors.Is(err, ticketing.ErrInvalid) && ticketing.CodeOf(err) != ticketing.CodeInvalid {
			h.Errorf("a cursor that is none: %v", err)
		}
	})
}
