package storetest_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"guichet/channels"
	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func TestQuarantine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var all []ticketing.Original
		for i := range 5 {
			o := original(fmt.Sprint("held ", i))
			o.State, o.Reason, o.Error, o.ReceivedAt = ticketing.OriginalQuarantined, channels.TooComplex, "why", noon().Add(time.Duration(i)*time.Minute)
			all = append(all, o)
		}
		all[0].Line, all[1].Raw, all[2].Raw = "voirie", bytes.Repeat([]byte{0, 0xff}, ticketing.HeadSize), nil
		_, err := db.AddOriginals(w.ctx, append(all, original("filed")))
		must(t, err)

		page, err := db.Quarantined(w.ctx, ticketing.HeldQuery{Limit: 2})
		must(t, err)
		equal(t, "newest first", len(page) == 2 && page[0].ID == all[4].ID && page[1].ID == all[3].ID, true)
		equal(t, "reason", page[0].Reason, channels.TooComplex)
		page, err = db.Quarantined(w.ctx, ticketing.HeldQuery{Limit: 10, After: &ticketing.HeldMark{At: page[1].ReceivedAt, ID: page[1].ID}})
		must(t, err)
		equal(t, "the rest", len(page), 3)
		equal(t, "a part of the original", len(page[1].Raw), ticketing.HeadSize)
		equal(t, "no original", len(page[0].Raw), 0)
		for _, c := range []struct {
			lines []string
			want  int
		}{{nil, 5}, {[]string{}, 0}, {[]string{"voirie"}, 1}, {[]string{"mairie", "voirie"}, 5}} {
			page, err := db.Quarantined(w.ctx, ticketing.HeldQuery{Lines: c.lines})
			must(t, err)
			equal(t, fmt.Sprint(c.lines), len(page), c.want)
			n, err := db.CountQuarantined(w.ctx, ticketing.HeldQuery{Lines: c.lines})
			must(t, err)
			equal(t, fmt.Sprint("count ", c.lines), n, c.want)
		}

		o := all[1]
		o.State, o.Reason, o.Error, o.Line = ticketing.OriginalFiled, "failing", "other", "not written"
		must(t, db.SaveOriginal(w.ctx, o))
		got, err := db.LockOriginal(w.ctx, o.ID)
		must(t, err)
		equal(t, "saved", got.State+string(got.Reason)+got.Error+got.Line, "filedfailingothermairie")
		equal(t, "whole", len(got.Raw), 2*ticketing.HeadSize)
		o.ID = ticketing.NewID()
		is(t, db.SaveOriginal(w.ctx, o), ticketing.ErrNotFound)
		_, err = db.LockOriginal(w.ctx, o.ID)
		is(t, err, ticketing.ErrNotFound)
	})
}

// Of all who take one message out of quarantine at once, one finds it there.
func TestLockOriginalRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := original("a")
		o.State, o.Reason = ticketing.OriginalQuarantined, channels.TooComplex
		_, err := db.AddOriginals(t.Context(), []ticketing.Original{o})
		must(t, err)
		var found atomic.Int32
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			o, err := tx.LockOriginal(ctx, o.ID)
			if err != nil || o.State != ticketing.OriginalQuarantined {
				return err
			}
			found.Add(1)
			o.State = ticketing.OriginalFiled
			return tx.SaveOriginal(ctx, o)
		})
		equal(t, "found it there", found.Load(), 1)
	})
}

func TestMoveMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		old, made := w.ticket("roads", noon()), w.ticket("civil", noon())
		w.add(t, old, made)
		stays := w.message(old.ID, noon())
		goes := w.message(old.ID, noon().Add(time.Minute), func(m *ticketing.Message) { m.Direction = ticketing.Out })
		must(t, db.AddMessages(w.ctx, []ticketing.Message{stays, goes}))
		must(t, db.AddAttachments(w.ctx, []ticketing.Attachment{{ID: ticketing.NewID(), MessageID: goes.ID}}))
		must(t, db.AddDeliveries(w.ctx, []ticketing.Delivery{delivery(goes, noon())}))
		must(t, db.MoveMessages(w.ctx, []string{goes.ID}, made.ID))
		must(t, db.MoveMessages(w.ctx, nil, made.ID))
		for id, want := range map[string]string{old.ID: stays.ID, made.ID: goes.ID} {
			messages, err := db.MessagesOf(w.ctx, id)
			must(t, err)
			equal(t, "messages", len(messages) == 1 && messages[0].ID == want, true)
			if want == goes.ID {
				equal(t, "its file and its delivery", len(messages[0].Attachments) == 1 && messages[0].Delivery.TicketID == made.ID, true)
			}
		}
	})
}

// A bounce takes a delivery from whoever is sending it, once; lists say so until something later is sent.
func TestBounce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.ticket("roads", noon())
		w.add(t, ticket)
		out := func(at time.Time) ticketing.Message {
			return w.message(ticket.ID, at, func(m *ticketing.Message) { m.Direction, m.Automatic = ticketing.Out, "acknowledgement" })
		}
		sent, never := out(noon()), out(noon().Add(-time.Minute))
		must(t, db.AddMessages(w.ctx, []ticketing.Message{sent, never}))
		must(t, db.AddDeliveries(w.ctx, []ticketing.Delivery{delivery(sent, noon())}))
		undelivered := func() bool {
			t.Helper()
			rows, err := db.ListTickets(w.ctx, ticketing.TicketQuery{Scope: scopeOfAll()})
			must(t, err)
			return rows[0].Undelivered
		}
		equal(t, "before", undelivered(), false)
		held, err := db.LeaseDeliveries(w.ctx, "one", []string{"email"}, noon(), noon().Add(time.Minute), 1)
		must(t, err)
		for _, want := range []bool{true, false} {
			changed, err := db.Bounce(w.ctx, sent.ID, "5.1.1 unknown\x00", noon())
			must(t, err)
			equal(t, "bounced", changed, want)
		}
		changed, err := db.Bounce(w.ctx, never.ID, "5.1.1", noon())
		must(t, err)
		equal(t, "what was never to be sent", changed, false)
		saved, err := db.SaveDelivery(w.ctx, "one", held[0], nil)
		must(t, err)
		equal(t, "saved by who was sending it", saved, false)
		m, err := db.Message(w.ctx, sent.ID)
		must(t, err)
		equal(t, "state", m.Delivery.State, ticketing.DeliveryBounced)
		equal(t, "reason", m.Delivery.Reason(), ticketing.NoSuchAddress)
		acks, err := db.Acknowledgements(w.ctx, []string{sent.To[0].Value}, noon().Add(-time.Second))
		must(t, err)
		equal(t, "acknowledgement", len(acks[sent.To[0].Value]) == 1 && acks[sent.To[0].Value][0].State == ticketing.DeliveryBounced, true)
		equal(t, "after", undelivered(), true)
		must(t, db.AddMessages(w.ctx, []ticketing.Message{out(noon().Add(time.Hour))}))
		equal(t, "something later was sent", undelivered(), false)
	})
}

// Two transactions that acknowledge to one address don't count at the same time.
func TestAcknowledgementsRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.ticket("roads", noon())
		w.add(t, ticket)
		race(t, db, 8, func(ctx context.Context, tx ticketing.Nouns) error {
			acks, err := tx.Acknowledgements(ctx, []string{"b@x", "a@x"}, noon().Add(-time.Hour))
			if err != nil || len(acks["a@x"]) >= 3 {
				return err
			}
			return tx.AddMessages(ctx, []ticketing.Message{w.message(ticket.ID, noon(), func(m *ticketing.Message) {
				m.Direction, m.Automatic, m.To = ticketing.Out, "acknowledgement", ticketing.Addresses{{Value: "a@x"}}
			})})
		})
		acks, err := db.Acknowledgements(w.ctx, []string{"a@x"}, noon().Add(-time.Hour))
		must(t, err)
		equal(t, "sent", len(acks["a@x"]), 3)
	})
}
