package email

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"

	"guichet/channels"
)

// metadataBatch is for how many mails size and date are asked at once.
const metadataBatch = 200

// tooManyMissing in a row is no bad mail but a server in trouble.
const tooManyMissing = 3

// round looks at one mailbox again and again within one session. It owns the connection and the cursor; filing goes on beside it,
// at most one group in work and as much again waiting.
type round struct {
	p        *Puller
	s        *session
	desk     *filing
	epoch    int64
	progress progress

	flying      int // letters given to desk and not heard of
	flyingBytes int
	missing     int  // mails in a row that the server did not give
	filed       bool // something has been
	stuck       bool // the Receiver failed and has not taken anything since
}

// sweep fetches and files all that is new. When it returns nil, everything found is filed or a gap, and the cursor is saved.
func (r *round) sweep(ctx context.Context) error {
	due := r.p.dueGaps(r.progress.Gaps)
	found, err := r.s.search(ctx, r.progress.wanted(due))
	if err != nil {
		return err
	}
	if r.progress.dropGone(due, found) {
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	todo := r.progress.pending(found, due)
	left := len(todo)
	for batch := range slices.Chunk(todo, metadataBatch) {
		known, err := r.metadata(ctx, batch)
		if err != nil {
			return err
		}
		for _, uid := range batch {
			if err := r.makeRoom(ctx, 2*maxGroup, 2*maxGroupBytes); err != nil {
				return err
			}
			l, err := r.take(ctx, uid, known[uid])
			if err != nil {
				return errors.Join(err, r.makeRoom(ctx, 1, 1))
			}
			r.flying++
			r.flyingBytes += l.size()
			r.desk.in <- l
			left--
			if !r.stuck {
				r.p.work(ctx, r.s.held(), left+r.flying)
			}
		}
	}
	r.p.metadataBroke = false
	return r.makeRoom(ctx, 1, 1)
}

// metadata asks for sizes and dates, except after a connection broke over that: one mail may be what the server cannot describe,
// and each then has to speak for itself.
func (r *round) metadata(ctx context.Context, uids []uint32) (map[uint32]copied, error) {
	if r.p.metadataBroke {
		return nil, nil
	}
	known, err := r.s.metadata(ctx, uids)
	if err != nil && ctx.Err() == nil {
		r.p.metadataBroke = true
	}
	return known, err
}

// makeRoom settles what has been filed, and waits for more of it while as many letters or bytes as given are in flight.
func (r *round) makeRoom(ctx context.Context, letters, bytes int) error {
	for {
		full := r.flying > 0 && (r.flying >= letters || r.flyingBytes >= bytes)
		if !full {
			select {
			case res := <-r.desk.out:
				if err := r.settle(ctx, res); err != nil {
					return err
				}
			default:
				return nil
			}
			continue
		}
		select {
		case res := <-r.desk.out:
			if err := r.settle(ctx, res); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle takes note of a filed group: on the server as configured, then in the cursor.
func (r *round) settle(ctx context.Context, res result) error {
	if res.err != nil {
		r.stuck = true
		r.p.log.Warn("mail not filed, offering it again", "error", res.err)
		r.p.fail(ctx, fmt.Errorf("%w: filing: %w", errKeeping, res.err))
		return nil
	}
	r.stuck = false
	var filed []uint32
	for _, l := range res.group {
		r.flying--
		r.flyingBytes -= l.size()
		switch {
		case l.mail != nil:
			if !partial(l.mail) {
				filed = append(filed, l.uid)
			}
			r.progress.done(l.uid)
			delete(r.p.tries, l.uid)
		case l.gap:
			r.progress.gap(l.uid)
		default:
			r.progress.done(l.uid)
		}
	}
	if err := r.s.settle(ctx, filed); said(err) {
		r.p.log.Warn("filed mail could not be moved or marked on the server", "after", r.s.box.After, "error", err)
	} else if err != nil {
		return fmt.Errorf("mark filed mail: %w", err)
	}
	if len(filed) > 0 {
		r.filed = true
		now := r.p.deps.Now()
		r.p.health.LastMessage = &now
		r.p.silent = false
	}
	return r.save(ctx)
}

func (r *round) save(ctx context.Context) error {
	if err := r.p.deps.Positions.SaveCursor(ctx, r.p.place, r.epoch, r.progress.snapshot()); err != nil {
		return fmt.Errorf("%w: save cursor: %w", errKeeping, err)
	}
	return nil
}

// review is what is looked at now and then, after a sweep: whether all is there, and whether mail still comes. again is true when there
// is something to fetch at once.
func (r *round) review(ctx context.Context) (again bool, err error) {
	now := r.p.deps.Now()
	if err := r.p.listen(ctx, now); err != nil {
		return false, fmt.Errorf("%w: read the mailbox's rhythm: %w", errKeeping, err)
	}
	if counted := r.p.health.CountedAt; counted != nil && now.Sub(*counted) < countEvery && r.p.lost == 0 {
		return false, nil
	}
	return r.count(ctx)
}

// take brings one UID to a letter. An error ends the session; a mail that cannot be had does not.
func (r *round) take(ctx context.Context, uid uint32, meta copied) (letter, error) {
	const twice = 2
	if uid <= r.progress.Done && !r.p.tryGap(uid) {
		r.p.log.Error("mail given up, the server lists it and does not give it: it is in quarantine without its content", "uid", uid)
		return letter{uid: uid, mail: r.notGiven(uid)}, nil
	}
	if r.p.suspects[uid] >= twice && uid > r.progress.Done {
		// The connection broke over this one each time: it becomes a gap, tried again later, and the post behind it gets through.
		delete(r.p.suspects, uid)
		r.p.log.Warn("mail passed over, it breaks the connection", "uid", uid)
		return letter{uid: uid, gap: true}, nil
	}
	in, err := r.read(ctx, uid, meta)
	if err != nil {
		if ctx.Err() == nil {
			r.p.suspects[uid]++
		}
		return letter{}, err
	}
	delete(r.p.suspects, uid)
	if in != nil {
		r.missing = 0
		return letter{uid: uid, mail: in}, nil
	}
	return r.absent(ctx, uid)
}

// read fetches and parses one mail; nil when the server does not give it.
func (r *round) read(ctx context.Context, uid uint32, meta copied) (*channels.Inbound, error) {
	limit := r.p.box.IMAP.MaxSize
	place := r.placeOf(uid)
	if meta.size <= limit {
		c, found, err := r.s.mail(ctx, uid, meta, limit)
		if err != nil || !found {
			return nil, err
		}
		if !c.larger {
			if int64(len(c.body)) != c.size {
				r.p.log.Warn("the server announced another size than it gave", "uid", uid, "announced", c.size, "given", len(c.body))
			}
			return r.parse(c, place), nil
		}
		meta = c
	}
	c, found, err := r.s.header(ctx, uid, meta)
	if err != nil || !found {
		return nil, err
	}
	in := r.parse(c, place)
	in.Quarantine = channels.TooLarge
	// Mails of one machine may differ in nothing but a body we have not seen; the whole header tells them apart.
	in.Key = head{}.key(c.body)
	in.Warnings = append(in.Warnings, fmt.Sprintf("larger than %d bytes (%d): only the header was fetched, the mail is on the server", limit, meta.size))
	return in, nil
}

func (r *round) parse(c copied, place *channels.Place) *channels.Inbound {
	at := c.at
	if at.IsZero() {
		at = r.p.deps.Now()
	}
	in, err := Parse(c.body, at, r.p.box, place)
	if err != nil {
		r.p.log.Warn("mail not wholly readable", "uid", place.UID, "error", err)
	}
	return &in
}

// absent decides what a mail is that was listed and not given: gone meanwhile, or a gap.
func (r *round) absent(ctx context.Context, uid uint32) (letter, error) {
	found, err := r.s.search(ctx, imap.UIDSetNum(imap.UID(uid)))
	if err != nil {
		return letter{}, err
	}
	if !slices.Contains(found, imap.UID(uid)) {
		return letter{uid: uid}, nil
	}
	if uid > r.progress.Done { // not a gap, of which there may be several
		r.missing++
	}
	if r.missing >= tooManyMissing {
		return letter{}, fmt.Errorf("the server lists mails and does not give them, UID %d the last of %d", uid, r.missing)
	}
	r.p.log.Warn("the server lists a mail and does not give it, trying again later", "uid", uid)
	return letter{uid: uid, gap: true}, nil
}
