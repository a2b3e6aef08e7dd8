// Package outbox sends what the Desk has decided to send. A Delivery is written in the same transaction as its message; the
// Dispatcher leases it, says that it is attempting, sends outside any transaction and records what came of it. It knows no protocol:
// a channels.Sender does the sending.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"guichet/channels"
	"guichet/routing"
	"guichet/ticketing"
)

// Stats counts attempts, for the metrics.
type Stats interface {
	Attempted(channel, outcome string)
}

// Parts is what a Dispatcher is made of.
type Parts struct {
	Store   ticketing.Store
	Files   ticketing.Files
	Router  *routing.Router
	Senders map[channels.Name]channels.Sender
	Owner   string        // of the leases: one per process
	Lease   time.Duration // 0: two minutes
	Now     ticketing.Clock
	Log     *slog.Logger
	Stats   Stats
}

// Dispatcher sends deliveries until it is stopped.
type Dispatcher struct {
	Parts
	channels []string
}

// New makes a Dispatcher.
func New(p Parts) *Dispatcher {
	if p.Lease == 0 {
		p.Lease = 2 * time.Minute
	}
	d := &Dispatcher{Parts: p}
	for name := range p.Senders {
		d.channels = append(d.channels, string(name))
	}
	return d
}

const (
	batch   = 20              // deliveries leased at once
	workers = 4               // sent at once
	poll    = 2 * time.Second // hints may be lost

	sendWithin = 20 * time.Second // one attempt; less than a service manager waits before it kills
)

// Run sends on a hint and every two seconds, until ctx ends. What is being sent then is finished.
func (d *Dispatcher) Run(ctx context.Context) error {
	hint, ended := d.Router.Wake(ctx, ticketing.HintOutbox)
	defer ended()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		full, err := d.round(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the outbox can't be read; nothing is sent until it can", "error", err)
		}
		if full && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-hint:
		}
	}
}

// round sends what is due, and tells whether there is probably more.
func (d *Dispatcher) round(ctx context.Context) (full bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	now := d.Now()
	due, err := d.Store.LeaseDeliveries(ctx, d.Owner, d.channels, now, now.Add(d.Lease), batch)
	if err != nil || len(due) == 0 {
		return false, err
	}
	queue := make(chan ticketing.Delivery)
	var sending sync.WaitGroup
	for range min(workers, len(due)) {
		sending.Go(func() {
			for delivery := range queue {
				d.deliver(ctx, delivery)
			}
		})
	}
	for _, delivery := range due {
		queue <- delivery
	}
	close(queue)
	sending.Wait()
	return len(due) == batch, nil
}

// deliver makes one attempt. Whatever fails here leaves the delivery leased; it is found again when the lease runs out.
func (d *Dispatcher) deliver(ctx context.Context, delivery ticketing.Delivery) {
	if ctx.Err() != nil {
		return
	}
	log := d.Log.With("delivery_id", delivery.ID, "ticket_id", delivery.TicketID, "channel", delivery.Channel)
	message, err := d.Store.Message(ctx, delivery.MessageID)
	if err != nil {
		log.Error("a message to send can't be read", "error", err)
		return
	}
	var lost *ticketing.Attempt
	if delivery.AttemptingSince != nil { // the process died between the first byte and the answer
		lost = &ticketing.Attempt{
			DeliveryID: delivery.ID, Number: delivery.Attempts, At: *delivery.AttemptingSince, Outcome: channels.Uncertain,
			Reason: "interrupted; it may have been sent",
		}
		delivery.Uncertain++
		if parks(delivery) {
			d.record(ctx, log, delivery, message, lost, channels.Verdict{Outcome: channels.Uncertain, Reason: lost.Reason})
			return
		}
	}
	out, err := d.outbound(ctx, message)
	if err != nil {
		delivery.Attempts++
		d.record(ctx, log, delivery, message, &ticketing.Attempt{
			DeliveryID: delivery.ID, Number: delivery.Attempts, At: d.Now(), Outcome: channels.Deferred, Reason: clip(err.Error()),
		}, channels.Verdict{Outcome: channels.Deferred, Reason: err.Error()})
		return
	}
	now := d.Now()
	if delivery.LeasedUntil != nil && !delivery.LeasedUntil.After(now) {
		return // it waited here too long for its turn: it may be another process's by now
	}
	until := now.Add(d.Lease) // from here on, the lease must outlive the attempt
	delivery.State, delivery.Attempts = ticketing.DeliverySending, delivery.Attempts+1
	delivery.AttemptingSince, delivery.LeasedUntil = &now, &until
	// A stop lets it finish from here on: an attempt that was noted and not made could not be told from one whose answer was lost.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(sendWithin, d.Lease/2))
	defer cancel()
	held, err := d.Store.SaveDelivery(sending, d.Owner, delivery, lost)
	if err != nil || !held {
		log.Warn("a delivery was left to another process", "held", held, "error", err)
		return
	}
	verdict := d.Senders[channels.Name(delivery.Channel)].Send(sending, out)
	attempt := &ticketing.Attempt{
		DeliveryID: delivery.ID, Number: delivery.Attempts, At: now, Outcome: verdict.Outcome, Code: verdict.Code, Reason: clip(verdict.Reason),
	}
	if verdict.Outcome == channels.Uncertain {
		delivery.Uncertain++
	}
	d.record(context.WithoutCancel(ctx), log, delivery, message, attempt, verdict)
}

// parks tells whether a delivery whose outcome nobody knows waits for a person. An e-mail is sent once more, because the same
// Message-ID lets the reader's server recognise it; nothing else has such a name.
func parks(d ticketing.Delivery) bool {
	return d.Channel != string(channels.Email) || d.Uncertain > 1
}

// record writes down what came of an attempt and what follows.
func (d *Dispatcher) record(ctx context.Context, log *slog.Logger, delivery ticketing.Delivery, m ticketing.Message, attempt *ticketing.Attempt, v channels.Verdict) {
	now := d.Now()
	delivery.AttemptingSince, delivery.LeasedUntil, delivery.LeaseOwner = nil, nil, ""
	delivery.Error = strings.TrimSpace(v.Code + " " + clip(v.Reason))
	if v.ExternalID != "" {
		delivery.ExternalID = v.ExternalID
	}
	switch {
	case v.Outcome == channels.Accepted:
		delivery.State, delivery.DoneAt, delivery.Error = ticketing.DeliverySent, &now, clip(v.Reason)
	case v.Outcome == channels.Refused:
		delivery.State, delivery.DoneAt = ticketing.DeliveryFailed, &now
	case v.Outcome == channels.Uncertain && parks(delivery), delivery.Attempts >= len(retries()):
		delivery.State = ticketing.DeliveryParked
	default:
		delivery.State = ticketing.DeliveryQueued
		delivery.NextAt = now.Add(retries()[delivery.Attempts])
	}
	d.Stats.Attempted(delivery.Channel, string(v.Outcome))
	err := d.insist(ctx, func(tx ticketing.Nouns) error {
		held, err := tx.SaveDelivery(ctx, d.Owner, delivery, attempt)
		if err != nil {
			return err
		}
		if !held {
			return errTakenOver
		}
		tickets, err := tx.TicketsByIDs(ctx, []string{delivery.TicketID})
		if err != nil || len(tickets) == 0 {
			return err
		}
		t := tickets[0]
		return tx.AddEvents(ctx, []ticketing.Event{{
			At: now, Type: ticketing.EventDeliveryChanged, TicketID: &t.ID, CitizenID: t.CitizenID, Department: t.Department,
			MessageID: &m.ID, Data: ticketing.Data{"state": string(delivery.State)},
		}})
	})
	if errors.Is(err, errTakenOver) {
		log.Info("a delivery was left as another process or the provider has it meanwhile", "outcome", v.Outcome)
		return
	}
	if err != nil {
		log.Error("what came of a delivery could not be written down; it will be tried again", "outcome", v.Outcome, "error", err)
		return
	}
	if err := d.Router.Publish(ctx, ticketing.HintJournal); err != nil {
		log.Debug("no hint", "error", err)
	}
	switch delivery.State {
	case ticketing.DeliveryFailed, ticketing.DeliveryParked:
		log.Error("a message was not delivered; an agent must look at it", "state", delivery.State, "code", v.Code)
	default:
		log.Info("delivery", "state", delivery.State, "attempts", delivery.Attempts)
	}
}

var errTakenOver = errors.New("another process has taken it over")

// insist writes down what came of an attempt, again and again for some seconds: what is known now would otherwise be found out by
// sending once more.
func (d *Dispatcher) insist(ctx context.Context, do func(tx ticketing.Nouns) error) error {
	pause := 100 * time.Millisecond
	for {
		err := d.Store.InTx(ctx, do)
		if err == nil || errors.Is(err, errTakenOver) || pause > 4*time.Second {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause *= 2
	}
}

// retries are the pauses after each attempt: about two days in all, as mail servers do (RFC 5321 section 4.5.4.1 asks for 4–5 days
// of the last server; an agent should know sooner).
func retries() []time.Duration {
	return []time.Duration{
		0, 10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
		8 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
}

// outbound puts a message together as its channel sends it; the same message gives the same bytes.
func (d *Dispatcher) outbound(ctx context.Context, m ticketing.Message) (channels.Outbound, error) {
	out := channels.Outbound{
		Channel: channels.Name(m.Channel), Line: m.Line, ID: m.ExternalID, References: m.References,
		From: channels.Address{Name: m.FromName, Value: m.FromValue}, ReplyTo: m.ReplyTo, To: m.To, Cc: m.Cc, Subject: m.Subject,
		Text: m.Text, HTML: m.HTML, Automatic: m.IsAutomatic(), At: m.At,
	}
	if n := len(m.References); n > 1 { // the first is the ticket's pseudo-reference, which nobody sent
		out.InReplyTo = m.References[n-1]
	}
	for _, a := range m.Attachments {
		data, err := d.Files.Get(ctx, a.SHA256)
		if err != nil {
			return out, err
		}
		out.Attachments = append(out.Attachments, channels.Attachment{Name: a.Name, Type: a.Type, ContentID: a.ContentID, Inline: a.Inline, Data: data})
	}
	return out, nil
}

// clip keeps the other side's words short enough for a row.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 500)], "") }
