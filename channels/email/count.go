package email

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"guichet/channels"
)

// countEvery is how often the server's mails are compared with those kept. A process also counts soon after it has started to pull.
const countEvery = 24 * time.Hour

// countChunk is how many UIDs are asked for in one search, so that no answer is larger than about a megabyte.
const countChunk = 100_000

// mostAgain is how many missing mails are fetched again at once, and within one poll.
const mostAgain = 1000

// count compares what the server holds with what is kept of it, up to the cursor. A mail that is missing and no gap is fetched again
// by the next sweep; again is then true.
func (r *round) count(ctx context.Context) (again bool, err error) {
	now := r.p.deps.Now()
	onServer, err := r.s.upTo(ctx, r.progress.Done)
	if err != nil {
		return false, err
	}
	kept, err := r.p.deps.Positions.CopiesOf(ctx, r.p.place, r.s.uidValidity)
	if err != nil {
		return false, fmt.Errorf("%w: read what is kept: %w", errKeeping, err)
	}
	missing := without(onServer, kept)
	lost := without(missing, r.progress.Gaps)
	r.p.health.Missing, r.p.health.MissingCount = missing[:min(len(missing), channels.MaxMissing)], len(missing)
	r.p.health.CountedAt = &now
	r.p.lost = len(lost)
	if len(lost) == 0 {
		return false, nil
	}
	if now.Sub(r.p.fetchedAgain) < r.p.box.IMAP.Poll {
		return false, nil
	}
	r.p.fetchedAgain = now
	r.p.log.Error("mails on the server are not stored, fetching them again", "missing", len(lost), "first_uid", lost[0])
	for _, uid := range lost[:min(len(lost), mostAgain)] {
		r.progress.gap(uid)
	}
	return true, r.save(ctx)
}

// upTo lists the UIDs of the folder that are not above last, ascending.
func (s *session) upTo(ctx context.Context, last uint32) ([]uint32, error) {
	var all []uint32
	for from := uint64(1); from <= uint64(last); from += countChunk {
		var set imap.UIDSet
		set.AddRange(imap.UID(from), imap.UID(min(from+countChunk-1, uint64(last))))
		found, err := s.search(ctx, set)
		if err != nil {
			return nil, err
		}
		for _, uid := range found {
			all = append(all, uint32(uid))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// without gives the numbers of a that are not in b. Both ascend.
func without(a, b []uint32) []uint32 {
	var left []uint32
	for _, n := range a {
		for len(b) > 0 && b[0] < n {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != n {
			left = append(left, n)
		}
	}
	return left
}

// Count is the mails of one folder on both sides.
type Count struct {
	UIDValidity uint32
	Done        uint32   // how far the folder had been read; zero: not at all since the server numbered it so
	OnServer    int      // up to Done
	Stored      int      // of these
	Waiting     int      // on the server after Done: the hub has not come to them yet
	Missing     []uint32 // of those up to Done, not stored
	Gaps        []uint32 // the server did not give them, and is asked again
}

// CountMails compares what the server holds of a folder with what is kept of it. It changes nothing on either side.
func CountMails(ctx context.Context, f Folder, positions Positions) (Count, error) {
	s, err := openIMAP(ctx, f.IMAP, f.account(), stepTimeout)
	if err != nil {
		return Count{}, fmt.Errorf("%w; %s", err, advice(err, "imap"))
	}
	defer s.close()
	c := Count{UIDValidity: s.uidValidity}
	cursor, err := positions.Cursor(ctx, f.Place)
	if err != nil {
		return c, fmt.Errorf("read cursor: %w", err)
	}
	if cursor.UIDValidity == s.uidValidity {
		c.Done, c.Gaps = cursor.Done, cursor.Gaps
	}
	// The cursor first, then the server, then the database: a hub at work in between makes nothing look missing.
	onServer, err := s.upTo(ctx, c.Done)
	if err != nil {
		return c, err
	}
	var rest imap.UIDSet
	rest.AddRange(imap.UID(c.Done)+1, 0)
	waiting, err := s.search(ctx, rest)
	if err != nil {
		return c, err
	}
	for _, uid := range waiting {
		if uint32(uid) > c.Done { // "n:*" always names the last mail
			c.Waiting++
		}
	}
	kept, err := positions.CopiesOf(ctx, f.Place, s.uidValidity)
	if err != nil {
		return c, fmt.Errorf("read what is kept: %w", err)
	}
	c.Missing = without(onServer, kept)
	c.OnServer, c.Stored = len(onServer), len(onServer)-len(c.Missing)
	return c, nil
}
