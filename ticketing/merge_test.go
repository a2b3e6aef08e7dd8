package ticketing_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
)

func (h *hall) refused(what string, err error, code ticketing.Code, reason string) {
	h.Helper()
	var e *ticketing.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		h.Errorf("%s: %v, want %s (%s)", what, err, code, reason)
	}
}

func TestMerge(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, agent := h.Context(), h.actor("agent")
		a := h.receive(h.letter("a@example.org", "anne@example.org", "Trou", "Un trou sur la chaussée."))[0].Reference
		b := h.receive(h.letter("b@example.org", "paul@example.net", "Nid-de-poule", "Un trou sur la chaussée, ici."))[0].Reference
		police := h.receive(func() channels.Inbound {
			in := h.letter("p@example.org", "eve@example.net", "Bruit", "texte")
			in.Line = "police"
			return in
		}())[0].Reference
		_, err := h.desk.Claim(ctx, agent, a, 0)
		h.must(err)
		merge := func(from, into string) error {
			_, err := h.desk.Merge(ctx, agent, from, into, "la même", 0)
			return err
		}
		_, err = h.desk.Merge(ctx, agent, a, b, " ", 0)
		h.refused("no reason", err, ticketing.CodeInvalid, "empty")
		h.refused("into itself", merge(a, a), ticketing.CodeInvalid, "itself")
		h.refused("into nothing", merge(a, "2026-99999"), ticketing.CodeInvalid, "unknown")
		h.refused("into a sealed one", merge(a, police), ticketing.CodeInvalid, "unknown")
		_, err = h.desk.Merge(ctx, agent, a, b, "x", 1)
		if !errors.Is(err, ticketing.ErrStale) {
			h.Errorf("an old version: %v", err)
		}
		merged, err := h.desk.Merge(ctx, agent, a, b, "la même", 2)
		h.must(err)
		target := h.dossier(b)
		if merged.Status != ticketing.StatusClosed || merged.Outcome != ticketing.Duplicate || *merged.MergedInto != target.Ticket.ID {
			h.Errorf("merged %+v", merged)
		}
		if load, err := h.router.Load(ctx, agent.ID); err != nil || load != 0 {
			h.Errorf("it still uses capacity: %d, %v", load, err)
		}
		if d := h.dossier(a); len(d.Messages) != 2 || len(d.Participants) != 1 || len(d.Links) != 1 || d.Links[0].Kind != ticketing.LinkMerged || d.Links[0].Reference != b {
			h.Errorf("what was merged: %+v", d)
		}
		if e := target.Events[len(target.Events)-1]; len(target.Links) != 1 || target.Links[0].Reference != a || e.Type != ticketing.EventTicketMerged || e.Data["reason"] != "la même" {
			h.Errorf("the target: links %+v, event %+v", target.Links, e)
		}
		again, err := h.desk.Merge(ctx, agent, a, b, "encore", 0)
		if err != nil || again.Version != merged.Version {
			h.Errorf("again: %v, version %d", err, again.Version)
		}
		c := h.receive(h.letter("c@example.org", "zoe@example.net", "Trou", "Un trou sur la chaussée, là."))[0].Reference
		h.refused("a merged one elsewhere", merge(a, c), ticketing.CodeConflict, "merged")
		h.refused("into a merged one", merge(c, a), ticketing.CodeConflict, "target_closed")
		h.refused("a circle", merge(b, a), ticketing.CodeConflict, "target_closed")
		_, err = h.desk.Reopen(ctx, agent, a, "x", 0)
		h.refused("reopened", err, ticketing.CodeConflict, "merged")

		// Her next mail goes into the target, and she is no stranger there.
		in := h.letter("d@example.org", "anne@example.org", "Re: Trou", "Toujours là.")
		in.References = []string{"a@example.org"}
		filed := h.receive(in)
		d := h.dossier(b)
		if filed[0].Reference != b || d.Messages[len(d.Messages)-1].Stranger {
			h.Errorf("after the merge: %+v, %+v", filed, d.Messages[len(d.Messages)-1])
		}
		_, err = h.desk.Close(ctx, agent, c, ticketing.Answered, "", 0)
		h.must(err)
		h.refused("a closed one", merge(c, b), ticketing.CodeConflict, "closed")
	})
}

// Two agents merge two tickets into each other at once: one of them is told.
func TestMergesMeet(t *testing.T) {
	eachHall(t, func(h *hall) {
		agent := h.actor("agent")
		for range 5 {
			a := h.receive(h.letter(ticketing.NewID(), "anne@example.org", "Trou", "Un trou sur la chaussée."))[0].Reference
			b := h.receive(h.letter(ticketing.NewID(), "anne@example.org", "Trou", "Un trou sur la chaussée."))[0].Reference
			errs := make([]error, 2)
			var both sync.WaitGroup
			for i, pair := range [][2]string{{a, b}, {b, a}} {
				both.Go(func() { _, errs[i] = h.desk.Merge(h.Context(), agent, pair[0], pair[1], "x", 0) })
			}
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ticketing.ErrConflict) {
				h.Errorf("%v", errs)
			}
		}
	})
}

func TestSplit(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, agent := h.Context(), h.actor("agent")
		reference := h.receive(h.letter("a@example.org", "anne@example.org", "Trou", "Un trou sur la chaussée."))[0].Reference
		h.clock.advance(time.Minute)
		second := h.letter("b@example.org", "anne@example.org", "Et le lampadaire", "Le lampadaire est en panne.")
		second.References, second.Attachments = []string{"a@example.org"}, []channels.Attachment{{Name: "photo.jpg", Type: "image/jpeg", Data: []byte("x")}}
		h.receive(second)
		h.clock.advance(time.Minute)
		sent, err := h.desk.Reply(ctx, agent, reference, ticketing.Answer{Text: "Lequel ?"})
		h.must(err)
		d := h.dossier(reference)
		ids := map[string]string{}
		for _, m := range d.Messages {
			ids[m.ExternalID+m.Automatic[:min(len(m.Automatic), 3)]] = m.ID
		}
		first, photo := ids["a@example.org"], ids["b@example.org"]
		split := func(messages ...string) error {
			_, _, err := h.desk.Split(ctx, agent, reference, ticketing.Splitting{Messages: messages, Department: "eclairage"})
			return err
		}
		h.refused("nothing", split(), ticketing.CodeInvalid, "empty")
		h.refused("all that came in", split(first, photo), ticketing.CodeInvalid, "one_must_come_in")
		h.refused("nothing that came in", split(sent.ID), ticketing.CodeInvalid, "one_must_come_in")
		h.refused("a message of another ticket", split(photo, ticketing.NewID()), ticketing.CodeInvalid, "unknown")
		_, _, err = h.desk.Split(ctx, agent, reference, ticketing.Splitting{Messages: []string{photo}, Department: "nowhere"})
		h.refused("to nowhere", err, ticketing.CodeInvalid, "unknown")

		w := ticketing.Splitting{Messages: []string{photo, sent.ID}, Department: "eclairage", Key: "k"}
		from, made, err := h.desk.Split(ctx, agent, reference, w)
		h.must(err)
		if _, again, err := h.desk.Split(ctx, agent, reference, w); err != nil || again.ID != made.ID {
			h.Errorf("the same key: %v, %s", err, again.Reference())
		}
		old, fresh := h.dossier(reference), h.dossier(made.Reference())
		if len(old.Messages) != 2 || from.FirstReplyAt != nil || !strings.Contains(from.Preview, "chaussée") {
			h.Errorf("what stays: %d messages, %+v", len(old.Messages), from)
		}
		if len(fresh.Messages) != 2 || len(fresh.Messages[0].Attachments) != 1 || fresh.Messages[1].Delivery.TicketID != made.ID {
			h.Errorf("what goes: %+v", fresh.Messages)
		}
		f := fresh.Ticket
		if f.Department != "eclairage" || f.Subject != "Et le lampadaire" || f.Status != ticketing.StatusNew || *f.CitizenID != *from.CitizenID ||
			f.FirstReplyAt == nil || !f.ReceivedAt.Equal(fresh.Messages[0].At) || fresh.Links[0].Kind != ticketing.LinkSplit || fresh.Links[0].Reference != reference {
			h.Errorf("the new ticket: %+v, links %+v", f, fresh.Links)
		}
		if depths, err := h.router.Depths(ctx); err != nil || depths["eclairage"].Waiting != 1 {
			h.Errorf("queues %v, %v", depths, err)
		}
		// What she answers to the message that moved, or to her own, goes where it is now.
		for i, cited := range []string{sent.ExternalID, "b@example.org"} {
			in := h.letter(string(rune('m'+i))+"@example.org", "anne@example.org", "Re", "Au 5.")
			in.InReplyTo, in.DeliveredTo = []string{cited}, nil
			if i == 0 {
				in.DeliveredTo = []string{h.keys.ReplyAddress(from.ID, "contact@valmont.example")}
			}
			if filed := h.receive(in); filed[0].Reference != made.Reference() {
				h.Errorf("an answer to %s: %+v", cited, filed)
			}
		}
		h.receive(h.report(sent.ExternalID, "anne@example.org", "failed", "5.1.1"))
		if h.delivery(made.Reference(), sent.ID).State != ticketing.DeliveryBounced {
			h.Error("a bounce of what moved is lost")
		}
	})
}

func TestForward(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, agent := h.Context(), h.actor("agent")
		in := h.letter("a@example.org", "anne@example.org", "Carte grise", "Le lampadaire, puis ma carte grise.\n> cité")
		in.Folded = strings.Index(in.Text, "> cité")
		in.Attachments = []channels.Attachment{{Name: "carte.pdf", Type: "application/pdf", Data: []byte("pdf")}}
		reference := h.receive(in)[0].Reference
		_, err := h.desk.Note(ctx, agent, reference, "entre nous", "", 0)
		h.must(err)
		before := h.dossier(reference).Ticket
		forward := func(w ticketing.Forwarding) error { _, err := h.desk.Forward(ctx, agent, reference, w); return err }
		h.refused("no reason", forward(ticketing.Forwarding{To: "ants@example.gouv"}), ticketing.CodeInvalid, "empty")
		h.refused("no address", forward(ticketing.Forwarding{To: "ants", Reason: "x"}), ticketing.CodeInvalid, "not_an_e_mail_address")
		h.refused("to ourselves", forward(ticketing.Forwarding{To: "contact+x@valmont.example", Reason: "x"}), ticketing.CodeInvalid, "own_address")
		w := ticketing.Forwarding{To: "Ants@example.gouv", Reason: "Compétence de l’État", Text: "À vous.", Key: "k"}
		h.must(forward(w))
		h.must(forward(w))
		d := h.dossier(reference)
		i := slices.IndexFunc(d.Messages, func(m ticketing.Message) bool { return m.Direction == ticketing.Out && m.Automatic == "" })
		m := d.Messages[i]
		if len(d.Messages) != 4 || m.To[0].Value != "ants@example.gouv" || m.Delivery == nil || len(m.Attachments) != 1 || m.Attachments[0].Name != "carte.pdf" ||
			!strings.Contains(m.Subject, reference) {
			h.Fatalf("%d messages, %+v", len(d.Messages), m)
		}
		for _, want := range []string{"L114-2", "À vous.", "> Le lampadaire, puis ma carte grise.", "anne@example.org"} {
			if !strings.Contains(m.Text, want) {
				h.Errorf("it lacks %q:\n%s", want, m.Text)
			}
		}
		for _, secret := range []string{"entre nous", "cité", "Cet accusé"} {
			if strings.Contains(m.Text, secret) {
				h.Errorf("it tells %q", secret)
			}
		}
		if d.Ticket.Status != before.Status || d.Ticket.FirstReplyAt != nil || d.Ticket.AssigneeID != nil {
			h.Errorf("it moved the ticket: %+v", d.Ticket)
		}
		answer := h.letter("b@example.gouv", "ants@example.gouv", "Re", "Reçu.")
		answer.InReplyTo = []string{m.ExternalID}
		h.receive(answer)
		d = h.dossier(reference)
		if got := ticketing.Recipient(d.Citizen, d.Messages).Value; got != "anne@example.org" || d.Messages[len(d.Messages)-1].Stranger {
			h.Errorf("after their answer: %s, %+v", got, d.Messages[len(d.Messages)-1])
		}
	})
}

func TestTagsAndSnooze(t *testing.T) {
	eachHall(t, func(h *hall) {
		ctx, agent := h.Context(), h.actor("agent")
		reference := h.receive(h.letter("a@example.org", "anne@example.org", "Lampadaire", "Le lampadaire est en panne."))[0].Reference
		edit := func(e ticketing.Edit) (ticketing.Ticket, error) { return h.desk.Edit(ctx, agent, reference, e, 0) }
		tags := func(list ...string) ticketing.Edit { return ticketing.Edit{Tags: &list} }
		got, err := edit(tags(" Été  2026", "été 2026", "", "Voirie"))
		h.must(err)
		if !slices.Equal(got.Tags, ticketing.Strings{"été 2026", "voirie"}) {
			h.Errorf("tags %q", got.Tags)
		}
		if same, err := edit(tags("été 2026", "VOIRIE")); err != nil || same.Version != got.Version {
			h.Errorf("the same tags: %v, version %d", err, same.Version)
		}
		_, err = edit(tags(strings.Repeat("é", 51)))
		h.refused("a long tag", err, ticketing.CodeInvalid, "too_long")
		_, err = edit(tags("a,b"))
		h.refused("a comma", err, ticketing.CodeInvalid, "not_text")
		var many []string
		for i := range 21 {
			many = append(many, string(rune('a'+i)))
		}
		_, err = edit(tags(many...))
		h.refused("many tags", err, ticketing.CodeInvalid, "too_many")
		if none, err := edit(tags()); err != nil || len(none.Tags) != 0 {
			h.Errorf("no tags: %q, %v", none.Tags, err)
		}

		waiting := func() int {
			h.Helper()
			depths, err := h.router.Depths(ctx)
			h.must(err)
			return depths["eclairage"].Waiting
		}
		snooze := func(d time.Duration) error {
			at := h.clock.now().Add(d)
			_, err := edit(ticketing.Edit{Snooze: &at})
			return err
		}
		h.refused("in the past", snooze(0), ticketing.CodeInvalid, "in_the_past")
		h.refused("in two years", snooze(2*366*24*time.Hour), ticketing.CodeInvalid, "too_far")
		h.must(snooze(time.Hour))
		if waiting() != 0 {
			h.Error("a snoozed ticket is in its queue")
		}
		awake, err := edit(ticketing.Edit{Snooze: &time.Time{}})
		if err != nil || awake.SnoozedUntil != nil || waiting() != 1 {
			h.Errorf("woken: %+v, %v", awake, err)
		}
		h.must(snooze(time.Hour))
		in := h.letter("b@example.org", "anne@example.org", "Re", "C'est urgent.")
		in.References = []string{"a@example.org"}
		h.receive(in)
		if h.dossier(reference).Ticket.SnoozedUntil != nil || waiting() != 1 {
			h.Error("her message does not wake it")
		}
		h.must(snooze(time.Hour))
		moved, err := h.desk.Transfer(ctx, agent, reference, "voirie", "x", 0)
		if err != nil || moved.SnoozedUntil != nil {
			h.Errorf("in another department it still sleeps: %v", err)
		}
		_, err = h.desk.Close(ctx, agent, reference, "", "", 0)
		h.must(err)
		h.refused("a closed one", snooze(time.Hour), ticketing.CodeConflict, "closed")
	})
}
