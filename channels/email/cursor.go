package email

import (
	"slices"

	"github.com/emersion/go-imap/v2"

	"guichet/channels"
)

// progress is the cursor of a mailbox while it is read: every UID up to Done is filed or gone, except those in Gaps. UIDs are
// settled in any order that ascends apart from gaps, so the cursor stays one number and a short list whatever the size of the box.
type progress struct {
	channels.Cursor
}

// wanted is the set a search must cover: everything after Done, and the gaps that are due.
func (p *progress) wanted(due []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range due {
		set.AddNum(imap.UID(uid))
	}
	set.AddRange(imap.UID(p.Done+1), 0)
	return set
}

// pending sorts what a search found into the order of filing: new mails ascending, then the gaps that are due. It drops everything
// else, because "n:*" always names the last mail, even when that comes before n (RFC 3501 6.4.8).
func (p *progress) pending(found []imap.UID, due []uint32) []uint32 {
	var fresh, gaps []uint32
	for _, uid := range found {
		switch u := uint32(uid); {
		case u > p.Done:
			fresh = append(fresh, u)
		case slices.Contains(due, u):
			gaps = append(gaps, u)
		}
	}
	slices.Sort(fresh)
	slices.Sort(gaps)
	return append(fresh, gaps...)
}

// dropGone forgets the gaps that a search for them did not find any more. It reports whether there were any.
func (p *progress) dropGone(due []uint32, found []imap.UID) bool {
	before := len(p.Gaps)
	p.Gaps = slices.DeleteFunc(p.Gaps, func(g uint32) bool { return slices.Contains(due, g) && !slices.Contains(found, imap.UID(g)) })
	return len(p.Gaps) != before
}

// done notes that a UID is filed or gone.
func (p *progress) done(uid uint32) {
	p.Gaps = slices.DeleteFunc(p.Gaps, func(g uint32) bool { return g == uid })
	p.Done = max(p.Done, uid)
}

// gap notes that a UID could not be read and is passed for now.
func (p *progress) gap(uid uint32) {
	if !slices.Contains(p.Gaps, uid) {
		p.Gaps = append(p.Gaps, uid)
		slices.Sort(p.Gaps)
	}
	p.Done = max(p.Done, uid)
}

// snapshot is a copy that can be given away.
func (p *progress) snapshot() channels.Cursor {
	c := p.Cursor
	c.Gaps = slices.Clone(c.Gaps)
	return c
}
