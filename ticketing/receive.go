package ticketing

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"guichet/channels"
)

// Receive files a group of messages in order, in one transaction; if that fails, each alone. A message the database can't keep, or
// that has failed alone for minutes while others were filed, is put into quarantine, whole; anything else that fails is the database's trouble, and the
// error asks the channel to offer the group again. It is the Receiver of every channel.
func (d *Desk) Receive(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	if len(group) == 0 {
		return nil, nil
	}
	filed, err := d.file(ctx, group, nil)
	switch {
	case err == nil:
		d.failing.succeeded(group, d.now())
		return filed, nil
	case ctx.Err() != nil:
		return nil, err
	case len(group) > 1:
		d.log.Warn("a group could not be filed at once; each is filed alone", "messages", len(group), "error", err)
		return d.fileEach(ctx, group)
	case errors.Is(err, errFiles): // a full disk is no message's fault
		return nil, err
	case errors.Is(err, ErrRejected):
		return d.quarantine(ctx, group[0], HoldRejected, err)
	case d.failing.tooLong(group[0], d.now()):
		return d.quarantine(ctx, group[0], HoldFailing, err)
	}
	return nil, err
}

// failures remembers since when messages have failed alone, and when another was last filed: only then is it their own fault.
type failures struct {
	mu    sync.Mutex
	since map[OriginalKey]time.Time
	filed time.Time
}

const (
	failingFor  = 5 * time.Minute // how long a message is offered again before it is put aside
	maxFailures = 1000            // remembered at once; more than that is no message's own fault
)

// tooLong notes a failure and tells whether the message has failed for long enough while others were filed.
func (f *failures) tooLong(in channels.Inbound, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := OriginalKey{string(in.Channel), in.Key}
	first, known := f.since[key]
	if !known {
		if len(f.since) >= maxFailures {
			clear(f.since)
		}
		f.since[key] = now
		return false
	}
	return now.Sub(first) >= failingFor && f.filed.After(first)
}

// succeeded notes that a group was filed.
func (f *failures) succeeded(group []channels.Inbound, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filed = now
	for _, in := range group {
		delete(f.since, OriginalKey{string(in.Channel), in.Key})
	}
}

// fileEach files one by one. One that fails has no result and does not hold up the others.
func (d *Desk) fileEach(ctx context.Context, group []channels.Inbound) ([]channels.Filed, error) {
	all, errs := make([]channels.Filed, len(group)), make([]error, len(group))
	for i := range group {
		var filed []channels.Filed
		if filed, errs[i] = d.Receive(ctx, group[i:i+1]); errs[i] == nil {
			all[i] = filed[0]
		}
	}
	return all, errors.Join(errs...)
}

// quarantine keeps a message that could not be filed, whole, with the reason. It fails only when the database does, and then the
// channel offers the message again.
func (d *Desk) quarantine(ctx context.Context, in channels.Inbound, reason channels.Hold, cause error) ([]channels.Filed, error) {
	d.log.Error("a message can't be filed; it is kept in quarantine", "channel", in.Channel, "line", in.Line, "reason", reason, "error", cause)
	in.Quarantine, in.Warnings = reason, []string{cause.Error()}
	in.Attachments = nil // its original has them
	return d.file(ctx, []channels.Inbound{in}, nil)
}

// file files a group in one transaction, or the one message that leaves quarantine. What must wait for a person is kept for her in the
// same transaction. A bug that one message meets must not stop the mailbox: a panic is that message's.
func (d *Desk) file(ctx context.Context, group []channels.Inbound, held *release) (_ []channels.Filed, err error) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("filing panicked", "panic", p, "stack", string(debug.Stack()))
			err = &Error{Code: CodeRejected, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	originals := make([]Original, len(group))
	blobs := make([][]Attachment, len(group))
	for i, in := range group { // files are safe before a row names them
		var err error
		if held != nil {
			originals[i] = held.original
		} else if originals[i], err = d.original(ctx, in); err != nil {
			return nil, err
		}
		if in.Quarantine != "" {
			continue
		}
		if blobs[i], err = d.keepAttachments(ctx, in); err != nil {
			return nil, err
		}
	}
	onDuty := d.onDuty(ctx)
	var f *filing
	err = d.store.InTx(ctx, func(tx Nouns) error {
		f = &filing{desk: d, tx: tx, town: d.town.Now(), now: d.now(), onDuty: onDuty, held: held}
		return f.run(ctx, group, originals, blobs)
	})
	if err != nil {
		return nil, err
	}
	for i, r := range f.filed {
		d.stats.Received(string(group[0].Channel), string(r.Result), 1)
		if r.Result == channels.Quarantined {
			o := originals[i]
			d.log.Error("a message waits in quarantine; somebody must look at it", "original_id", o.ID, "channel", o.Channel, "line", o.Line, "reason", o.Reason)
		}
	}
	for _, reason := range f.withheld {
		d.log.Info("an acknowledgement was not sent", "reason", reason)
	}
	d.after(ctx, f.effects)
	return f.filed, nil
}

// onDuty is who is there; nil: without a router that answers at once nobody is known to be away.
func (d *Desk) onDuty(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, presenceWithin)
	defer cancel()
	states, err := d.router.Presences(ctx)
	if err != nil {
		return nil
	}
	return states
}

var errFiles = errors.New("the file store can't keep it")

func (d *Desk) original(ctx context.Context, in channels.Inbound) (Original, error) {
	o := Original{
		ID: NewID(), Channel: string(in.Channel), Key: in.Key, Line: in.Line, Size: len(in.Raw), State: OriginalFiled,
		ReceivedAt: in.At, CreatedAt: d.now(),
	}
	if in.Quarantine != "" {
		o.State, o.Reason, o.Error = OriginalQuarantined, in.Quarantine, clip(strings.Join(in.Warnings, "; "), 500)
	}
	if len(in.Raw) <= MaxRowOriginal {
		o.Raw = in.Raw
		return o, nil
	}
	var err error
	o.SHA256, err = d.files.Put(ctx, in.Raw)
	if err != nil {
		return o, fmt.Errorf("%w: a large original: %w", errFiles, err)
	}
	if in.Quarantine != "" {
		o.Raw = in.Raw[:HeadSize] // for the list of what waits
	}
	return o, nil
}

func (d *Desk) keepAttachments(ctx context.Context, in channels.Inbound) ([]Attachment, error) {
	var list []Attachment
	for i, a := range in.Attachments {
		kept, err := d.keepFile(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("%w: an attachment: %w", errFiles, err)
		}
		kept.Position = i
		list = append(list, kept)
	}
	return list, nil
}

// keepFile puts a file into the file store, or notes where it is to be fetched from.
func (d *Desk) keepFile(ctx context.Context, a channels.Attachment) (Attachment, error) {
	kept := Attachment{
		ID: NewID(), Name: clip(a.Name, 255), Type: clip(a.Type, 255), Size: len(a.Data), ContentID: clip(a.ContentID, 255), Inline: a.Inline,
	}
	if a.Source != "" {
		now := d.now()
		kept.Source, kept.FetchAt = clip(a.Source, 2000), &now
		return kept, nil
	}
	var err error
	kept.SHA256, err = d.files.Put(ctx, a.Data)
	return kept, err
}

func copiesOf(group []channels.Inbound, now time.Time) []Copy {
	var list []Copy
	for _, in := range group {
		if p := in.Place; p != nil {
			list = append(list, Copy{
				Mailbox: p.Mailbox, UIDValidity: int64(p.UIDValidity), UID: int64(p.UID), Channel: string(in.Channel), Key: in.Key, At: now,
			})
		}
	}
	return list
}
