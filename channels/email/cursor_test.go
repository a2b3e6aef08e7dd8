package email

import (
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"

	"guichet/channels"
)

func TestProgress(t *testing.T) {
	p := progress{channels.Cursor{Done: 10, Gaps: []uint32{4, 7}}}
	if got := p.wanted(nil); got.String() != "11:*" {
		t.Errorf("wanted %s", got.String())
	}
	if got := p.wanted(p.Gaps); got.String() != "4,7,11:*" {
		t.Errorf("wanted with gaps %s", got.String())
	}
	// The server names its last mail although it is done, and a gap.
	if got := p.pending([]imap.UID{12, 10, 4, 7, 11}, []uint32{7}); !slices.Equal(got, []uint32{11, 12, 7}) {
		t.Errorf("pending %v", got)
	}
	if p.dropGone([]uint32{4, 7}, []imap.UID{7, 10}) != true || !slices.Equal(p.Gaps, []uint32{7}) {
		t.Errorf("gaps %v", p.Gaps)
	}
	p.done(11)
	p.gap(12)
	p.done(7)
	if c := p.snapshot(); c.Done != 12 || !slices.Equal(c.Gaps, []uint32{12}) {
		t.Errorf("cursor %+v", c)
	}
}
