package email

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// copied is what the server gave of one mail.
type copied struct {
	uid    uint32
	size   int64     // RFC822.SIZE: what the server says, true or not
	at     time.Time // INTERNALDATE
	body   []byte    // nil when there was none
	larger bool      // the literal was larger than allowed and was not kept
}

// complete is a mail that can be believed: the right one, and as long as announced.
func (c copied) complete(uid uint32) bool {
	return c.uid == uid && c.body != nil && int64(len(c.body)) == c.size
}

// metadata asks for size and date of many mails at once. What the server leaves out is missing from the answer.
func (s *session) metadata(ctx context.Context, uids []uint32) (map[uint32]copied, error) {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	known := make(map[uint32]copied, len(uids))
	err := s.fetch(ctx, set, &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}, 0, s.patience, func(c copied) {
		if c.uid != 0 && c.size > 0 {
			known[c.uid] = c
		}
	})
	if err != nil && !said(err) {
		return nil, fmt.Errorf("fetch sizes: %w", err)
	}
	return known, nil
}

// mail fetches one whole mail. found is false when the server answers but does not give it. meta is what metadata said of it.
func (s *session) mail(ctx context.Context, uid uint32, meta copied, limit int64) (c copied, found bool, err error) {
	c, err = s.byUID(ctx, uid, wholeMail(), meta, limit)
	if err != nil || c.complete(uid) || c.larger {
		return c, err == nil, err
	}
	again, err := s.bySequence(ctx, uid, wholeMail(), meta, limit)
	if err != nil {
		return copied{}, false, err
	}
	if len(again.body) > len(c.body) || again.larger {
		c = again
	}
	return c, len(c.body) > 0 || c.body != nil && c.size == 0 || c.larger, nil // nothing where something was announced is no mail
}

// header fetches the header of a mail too large to be fetched whole.
func (s *session) header(ctx context.Context, uid uint32, meta copied) (c copied, found bool, err error) {
	section := &imap.FetchItemBodySection{
		Specifier: imap.PartSpecifierHeader,
		Peek:      true,
		Partial:   &imap.SectionPartial{Size: maxHeaderBytes},
	}
	c, err = s.byUID(ctx, uid, section, meta, 2*maxHeaderBytes)
	if err == nil && c.body == nil {
		c, err = s.bySequence(ctx, uid, section, meta, 2*maxHeaderBytes)
	}
	return c, err == nil && c.body != nil, err
}

func wholeMail() *imap.FetchItemBodySection { return &imap.FetchItemBodySection{Peek: true} }

// byUID asks for one section in one command. It asks for neither ENVELOPE nor BODYSTRUCTURE: one odd attachment in those ends the
// connection. A tagged NO is no error, it just brings nothing.
func (s *session) byUID(ctx context.Context, uid uint32, section *imap.FetchItemBodySection, meta copied, limit int64) (copied, error) {
	options := &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}
	got := copied{size: meta.size, at: meta.at}
	err := s.fetch(ctx, imap.UIDSetNum(imap.UID(uid)), options, limit, s.allowance(meta.size), func(c copied) {
		if c.uid == uid {
			got = c.or(meta)
		}
	})
	if err != nil && !said(err) {
		return copied{}, fmt.Errorf("fetch UID %d: %w", uid, err)
	}
	return got, nil
}

// bySequence asks a second way. go-imap finds no mail in answers that name the UID after the body, or that come in two pieces, as
// often as it is asked the same way; asked by sequence number for the one section, it does. The number stands for the same mail
// until the next command, because no server may renumber during SEARCH and FETCH (RFC 3501 7.4.1).
func (s *session) bySequence(ctx context.Context, uid uint32, section *imap.FetchItemBodySection, meta copied, limit int64) (copied, error) {
	var data *imap.SearchData
	err := s.step(ctx, func() (err error) {
		data, err = s.client.Search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(imap.UID(uid))}}, nil).Wait()
		return err
	})
	if err != nil && !said(err) {
		return copied{}, fmt.Errorf("search UID %d: %w", uid, err)
	}
	got := copied{uid: uid, size: meta.size, at: meta.at}
	numbers := data.AllSeqNums()
	if err != nil || len(numbers) != 1 {
		return got, nil
	}
	options := &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}}
	err = s.fetch(ctx, imap.SeqSetNum(numbers[0]), options, limit, s.allowance(meta.size), func(c copied) {
		if c.uid == 0 || c.uid == uid {
			c.uid = uid
			got = c.or(meta)
		}
	})
	if err != nil && !said(err) {
		return copied{}, fmt.Errorf("fetch UID %d by number: %w", uid, err)
	}
	return got, nil
}

// or fills what an answer left out with what metadata said.
func (c copied) or(meta copied) copied {
	if c.size == 0 {
		c.size = meta.size
	}
	if c.at.IsZero() {
		c.at = meta.at
	}
	return c
}

// allowance is how long the fetching of size bytes may take: a slow line is no dead one.
func (s *session) allowance(size int64) time.Duration {
	const slowest = 128 << 10 // bytes per second
	return s.patience + time.Duration(size/slowest)*time.Second
}

// fetch runs one FETCH command to its end and hands over each mail of the answer. Bodies larger than limit are read past.
func (s *session) fetch(ctx context.Context, set imap.NumSet, options *imap.FetchOptions, limit int64, patience time.Duration, each func(copied)) error {
	return within(ctx, s.conn, patience, func() error {
		cmd := s.client.Fetch(set, options)
		for data := cmd.Next(); data != nil; data = cmd.Next() {
			c, err := read(data, limit)
			if err != nil {
				// The line fell within a body. go-imap's own reader has gone on to the end of it: to ask for more would be to read
				// beside it.
				s.conn.Close()
				return err
			}
			each(c)
		}
		return cmd.Close()
	})
}

// read takes the items of one mail as they stream in.
func read(data *imapclient.FetchMessageData, limit int64) (copied, error) {
	var c copied
	for item := data.Next(); item != nil; item = data.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			c.uid = uint32(item.UID)
		case imapclient.FetchItemDataRFC822Size:
			c.size = item.Size
		case imapclient.FetchItemDataInternalDate:
			c.at = item.Time
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			if item.Literal.Size() > limit {
				c.larger = true
				continue
			}
			c.body = make([]byte, item.Literal.Size())
			if _, err := io.ReadFull(item.Literal, c.body); err != nil {
				return copied{}, err
			}
		}
	}
	return c, nil
}
