package outbox_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
	"guichet/routing"
	"guichet/ticketing"
	"guichet/ticketing/outbox"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

// wire answers each attempt with the next verdict, and then with "accepted".
type wire struct {
	mu       sync.Mutex
	verdicts []channels.Verdict
	sent     []channels.Outbound
}

func (w *wire) Send(_ context.Context, m channels.Outbound) channels.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, m)
	v := channels.Verdict{Outcome: channels.Accepted}
	if len(w.verdicts) > 0 {
		v, w.verdicts = w.verdicts[0], w.verdicts[1:]
	}
	return v
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

type noStats struct{}

func (noStats) Attempted(string, string) {}

// desk is a database with one message to send.
type desk struct {
	*testing.T
	db       *store.DB
	router   *routing.Router
	clock    atomic.Int64
	ticket   ticketing.Ticket
	message  ticketing.Message
	delivery ticketing.Delivery
}

func (d *desk) now() time.Time { return time.UnixMicro(d.clock.Load()).UTC() }

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func each(t *testing.T, channel string, do func(d *desk)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := &desk{T: t, db: db}
		d.clock.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMicro())
		router, err := routing.Open(t.Context(), "embedded", routing.Options{Now: d.now})
		d.must(err)
		t.Cleanup(func() { d.must(router.Close()) })
		d.router = router
		ctx, now := t.Context(), d.now()
		d.must(db.SaveDepartments(ctx, []ticketing.Department{{Code: "voirie", NameFR: "Voirie", Visibility: ticketing.Open}}))
		d.ticket = ticketing.Ticket{
			ID: ticketing.NewID(), Year: 2026, Number: 1, Version: 1, Subject: "Trou", Status: ticketing.StatusWaiting, Channel: channel,
			Department: "voirie", Priority: ticketing.Normal, Weight: 1, ReceivedAt: now, RegisteredAt: now, UpdatedAt: now,
		}
		d.message = ticketing.Message{
			ID: ticketing.NewID(), TicketID: d.ticket.ID, Direction: ticketing.Out, Channel: channel, Line: "mairie", ExternalID: "ours@valmont.example",
			To: ticketing.Addresses{{Value: "anne@example.org"}}, References: ticketing.Strings{"ticket-1@valmont.example", "hers@example.org"},
			Text: "Bonjour", HTML: "<p>Bonjour</p>", At: now, CreatedAt: now,
		}
		d.delivery = ticketing.Delivery{
			ID: ticketing.NewID(), MessageID: d.message.ID, TicketID: d.ticket.ID, Channel: channel, State: ticketing.DeliveryQueued, NextAt: now, CreatedAt: now,
		}
		d.must(db.AddTickets(ctx, []ticketing.Ticket{d.ticket}))
		d.must(db.AddMessages(ctx, []ticketing.Message{d.message}))
		d.must(db.AddDeliveries(ctx, []ticketing.Delivery{d.delivery}))
		do(d)
	})
}

func (d *desk) dispatcher(w *wire, owner string) *outbox.Dispatcher {
	return outbox.New(outbox.Parts{
		Store: d.db, Router: d.router, Owner: owner, Now: d.now, Log: slog.New(slog.DiscardHandler), Stats: noStats{},
		Senders: map[channels.Name]channels.Sender{channels.Name(d.delivery.Channel): w},
	})
}

// run runs a dispatcher until the delivery is as wanted.
func (d *desk) run(w *wire, owner string, wanted func(ticketing.Delivery) bool) ticketing.Delivery {
	d.Helper()
	ctx, stop := context.WithCancel(d.Context())
	dispatcher := d.dispatcher(w, owner)
	var running sync.WaitGroup
	running.Go(func() {
		if err := dispatcher.Run(ctx); err != nil {
			d.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(30 * time.Second)
	for {
		m, err := d.db.Message(d.Context(), d.message.ID)
		d.must(err)
		if wanted(*m.Delivery) {
			return *m.Delivery
		}
		select {
		case <-look.C:
		case <-late:
			d.Fatalf("waited in vain; the delivery is %+v", *m.Delivery)
		}
	}
}

func in(state ticketing.DeliveryState) func(ticketing.Delivery) bool {
	return func(d ticketing.Delivery) bool { return d.State == state && d.AttemptingSince == nil }
}

func tried(times int) func(ticketing.Delivery) bool {
	return func(d ticketing.Delivery) bool { return d.Attempts == times && in(ticketing.DeliveryQueued)(d) }
}

func (d *desk) outcomes() []channels.Outcome {
	d.Helper()
	list, err := d.db.Attempts(d.Context(), []string{d.delivery.ID})
	d.must(err)
	var all []channels.Outcome
	for _, a := range list {
		all = append(all, a.Outcome)
	}
	return all
}

func TestAMessageIsSent(t *testing.T) {
	each(t, "email", func(d *desk) {
		w := &wire{}
		got := d.run(w, "one", in(ticketing.DeliverySent))
		if got.Attempts != 1 || got.DoneAt == nil || !slices.Equal(d.outcomes(), []channels.Outcome{channels.Accepted}) {
			d.Errorf("%+v, attempts %v", got, d.outcomes())
		}
		if m := w.sent[0]; m.ID != "ours@valmont.example" || m.InReplyTo != "hers@example.org" || m.To[0].Value != "anne@example.org" || m.Text != "Bonjour" || m.HTML != "<p>Bonjour</p>" {
			d.Errorf("sent %+v", m)
		}
		events, err := d.db.EventsOfTicket(d.Context(), d.ticket.ID)
		d.must(err)
		if len(events) != 1 || events[0].Type != ticketing.EventDeliveryChanged || events[0].Data["state"] != "sent" {
			d.Errorf("events %+v", events)
		}
	})
}

func TestWhatIsDeferredIsTriedAgainLater(t *testing.T) {
	each(t, "email", func(d *desk) {
		w := &wire{verdicts: []channels.Verdict{{Outcome: channels.Deferred, Code: "451", Reason: "later"}}}
		got := d.run(w, "one", tried(1))
		if got.Error != "451 later" || !got.NextAt.After(d.now()) {
			d.Errorf("%+v", got)
		}
		d.clock.Store(got.NextAt.UnixMicro())
		d.run(w, "one", in(ticketing.DeliverySent))
		if w.count() != 2 {
			d.Errorf("%d attempts", w.count())
		}
	})
}

func TestWhatIsRefusedFails(t *testing.T) {
	each(t, "email", func(d *desk) {
		w := &wire{verdicts: []channels.Verdict{{Outcome: channels.Refused, Code: "550", Reason: "no such user"}}}
		if got := d.run(w, "one", in(ticketing.DeliveryFailed)); got.Error != "550 no such user" || w.count() != 1 {
			d.Errorf("%+v after %d attempts", got, w.count())
		}
	})
}

// An e-mail that may have been accepted goes out once more, under the same Message-ID; then a person must look.
func TestAnUncertainMailRepeatsOnce(t *testing.T) {
	each(t, "email", func(d *desk) {
		cut := channels.Verdict{Outcome: channels.Uncertain, Reason: "the line fell"}
		w := &wire{verdicts: []channels.Verdict{cut, cut}}
		got := d.run(w, "one", tried(1))
		d.clock.Store(got.NextAt.UnixMicro())
		d.run(w, "one", in(ticketing.DeliveryParked))
		if w.count() != 2 || w.sent[0].ID != w.sent[1].ID {
			d.Errorf("sent %+v", w.sent)
		}
	})
}

// A text message has no name by which a repeat could be recognised.
func TestAnUncertainTextWaitsForAPerson(t *testing.T) {
	each(t, "sms", func(d *desk) {
		w := &wire{verdicts: []channels.Verdict{{Outcome: channels.Uncertain}}}
		d.run(w, "one", in(ticketing.DeliveryParked))
		if w.count() != 1 {
			d.Errorf("sent %d times", w.count())
		}
	})
}

// A process dies between the first byte and the answer. Another takes over when its lease has run out, and the attempt is told.
func TestAnAttemptThatDiedIsTakenOver(t *testing.T) {
	each(t, "email", func(d *desk) {
		leased, err := d.db.LeaseDeliveries(d.Context(), "dead", []string{"email"}, d.now(), d.now().Add(time.Minute), 10)
		d.must(err)
		since := d.now()
		leased[0].State, leased[0].Attempts, leased[0].AttemptingSince = ticketing.DeliverySending, 1, &since
		held, err := d.db.SaveDelivery(d.Context(), "dead", leased[0], nil)
		if err != nil || !held {
			d.Fatal(held, err)
		}
		d.clock.Add((2 * time.Minute).Microseconds())
		w := &wire{}
		got := d.run(w, "alive", in(ticketing.DeliverySent))
		want := []channels.Outcome{channels.Uncertain, channels.Accepted}
		if got.Attempts != 2 || w.count() != 1 || !slices.Equal(d.outcomes(), want) {
			d.Errorf("%+v, attempts %v", got, d.outcomes())
		}
	})
}

func TestTwoDispatchersSendEachMessageOnce(t *testing.T) {
	each(t, "email", func(d *desk) {
		const n = 60
		for i := range n {
			m, delivery := d.message, d.delivery
			m.ID, m.ExternalID = ticketing.NewID(), strconv.Itoa(i)
			delivery.ID, delivery.MessageID = ticketing.NewID(), m.ID
			d.must(d.db.AddMessages(d.Context(), []ticketing.Message{m}))
			d.must(d.db.AddDeliveries(d.Context(), []ticketing.Delivery{delivery}))
		}
		w := &wire{}
		ctx, stop := context.WithCancel(d.Context())
		var running sync.WaitGroup
		for _, owner := range []string{"one", "two"} {
			running.Go(func() {
				if err := d.dispatcher(w, owner).Run(ctx); err != nil {
					d.Error(err)
				}
			})
		}
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for range look.C {
			figures, err := d.db.OutboxFigures(d.Context())
			d.must(err)
			if figures.ByState[ticketing.DeliveryQueued]+figures.ByState[ticketing.DeliverySending] == 0 {
				break
			}
		}
		stop()
		running.Wait()
		times := map[string]int{}
		for _, m := range w.sent {
			times[m.ID]++
		}
		if len(times) != n+1 || w.count() != n+1 {
			d.Errorf("%d messages in %d sendings", len(times), w.count())
		}
	})
}

// A text message is not sent before the one that was written before it on the same ticket, even when that one has to be tried again.
func TestTextsLeaveInTheirOrder(t *testing.T) {
	each(t, "sms", func(d *desk) {
		second := d.message
		second.ID, second.Text, second.CreatedAt = ticketing.NewID(), "second", d.now().Add(time.Second)
		duty := d.delivery
		duty.ID, duty.MessageID, duty.CreatedAt = ticketing.NewID(), second.ID, second.CreatedAt
		d.must(d.db.AddMessages(d.Context(), []ticketing.Message{second}))
		d.must(d.db.AddDeliveries(d.Context(), []ticketing.Delivery{duty}))
		w := &wire{verdicts: []channels.Verdict{{Outcome: channels.Deferred, Code: "429"}}}
		got := d.run(w, "one", tried(1))
		if w.count() != 1 {
			d.Fatalf("%d attempts although the first must wait", w.count())
		}
		d.clock.Store(got.NextAt.UnixMicro())
		d.run(w, "one", in(ticketing.DeliverySent))
		d.message = second
		d.clock.Add((10 * time.Minute).Microseconds()) // the dispatcher that was stopped may have leased it
		d.run(w, "one", in(ticketing.DeliverySent))
		if len(w.sent) != 3 || w.sent[1].Text != "Bonjour" || w.sent[2].Text != "second" {
			d.Errorf("sent %+v", w.sent)
		}
	})
}
