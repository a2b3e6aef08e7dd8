package email

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"guichet/channels"
)

// Positions keeps how far each mailbox has been read, and knows what is kept of it. SaveCursor fails when epoch is no longer that of the
// lease, so that a puller that was asleep cannot turn the clock back for its successor.
type Positions interface {
	Cursor(ctx context.Context, mailbox string) (channels.Cursor, error)
	SaveCursor(ctx context.Context, mailbox string, epoch int64, c channels.Cursor) error
	CopiesOf(ctx context.Context, mailbox string, uidValidity uint32) ([]uint32, error) // UIDs, ascending
	CopyTimes(ctx context.Context, mailbox string, limit int) ([]time.Time, error)      // when each was kept, the newest first
}

// Leases is single-leader work. Hold takes or renews the named lease for owner; held is false when someone else has it. The epoch
// grows with each new holder and stays the same while one holder renews.
type Leases interface {
	Hold(ctx context.Context, name, owner string, ttl time.Duration) (epoch int64, held bool, err error)
	Drop(ctx context.Context, name, owner string) error
}

// Monitor is told how a mailbox is doing.
type Monitor interface {
	NoteHealth(ctx context.Context, h channels.Health) error
}

// PullerDeps is what a Puller needs besides its mailbox.
type PullerDeps struct {
	Receiver  channels.Receiver
	Positions Positions
	Leases    Leases
	Monitor   Monitor
	Owner     string        // of the lease: this process
	Lease     time.Duration // how long one who died keeps the others waiting; zero: 30 seconds
	Log       *slog.Logger
	Now       func() time.Time
}

// Puller brings the mails of one folder of a mailbox to the Receiver: each at least once, in the order of the folder, and never past
// one that is not filed. Among the processes of an installation one holds the lease and pulls; the others wait.
type Puller struct {
	box     Mailbox
	place   string // the mailbox's name, for a further folder "name/Folder": of places, cursor and lease
	account account
	deps    PullerDeps
	pace    pace
	log     *slog.Logger

	health       channels.Health
	noted        channels.Health // as last told to the Monitor
	failing      failing
	lost         int            // mails the last count found missing, which were no gaps
	fetchedAgain time.Time      // when those were last made gaps
	silent       bool           // nothing new for much longer than usual
	listened     time.Time      // when that was last looked at
	suspects     map[uint32]int // UIDs during whose fetching the connection broke, and how often in a row
	tries        map[uint32]try // of the gaps

	metadataBroke bool // the connection broke when sizes were asked, and no look at the mailbox has gone through since
}

// pace is every duration that is not the business of a protocol.
type pace struct {
	leaseTTL, leaseRenew time.Duration
	firstRetry, maxRetry time.Duration // back-off after a failure, doubled each time
	company              time.Duration // how long a fetched mail waits for others to be filed with
	healthEvery          time.Duration
	step                 time.Duration // for the server's part in one step of the dialogue
	idle                 time.Duration // one IDLE
	alarmAfter           time.Duration // of failing without a break
}

// NewPullers returns the pullers of a mailbox, one for each folder; Run starts each.
func NewPullers(m Mailbox, deps PullerDeps) []*Puller {
	var pullers []*Puller
	for _, f := range m.EachFolder() {
		pullers = append(pullers, newPuller(f, deps))
	}
	return pullers
}

// NewPuller returns the puller of a mailbox's only folder, or of its first.
func NewPuller(m Mailbox, deps PullerDeps) *Puller { return NewPullers(m, deps)[0] }

func newPuller(f Folder, deps PullerDeps) *Puller {
	m := f.Mailbox
	if m.IMAP.Poll <= 0 {
		m.IMAP.Poll = defaultPoll
	}
	if m.IMAP.MaxSize <= 0 {
		m.IMAP.MaxSize = defaultMaxSize
	}
	lease := deps.Lease
	if lease <= 0 {
		lease = 30 * time.Second
	}
	return &Puller{
		box:     m,
		place:   f.Place,
		account: f.account(),
		deps:    deps,
		pace: pace{
			leaseTTL: lease, leaseRenew: lease / 3,
			firstRetry: time.Second, maxRetry: time.Minute,
			company: 5 * time.Millisecond, healthEvery: 10 * time.Second,
			step: stepTimeout, idle: idleCycle, alarmAfter: 5 * time.Minute,
		},
		log: deps.Log.With("channel", channels.Email, "line", m.Name, "folder", m.IMAP.Folder),
		health: channels.Health{
			Line: m.Name, Mailbox: f.Place, Folder: m.IMAP.Folder, Channel: channels.Email, State: channels.Starting,
		},
		suspects: map[uint32]int{},
		tries:    map[uint32]try{},
	}
}

var errLeaseLost = errors.New("another process has taken over the mailbox")

// Run pulls until ctx ends, and then returns nil. Failures are waited out, not returned.
func (p *Puller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		epoch, held, err := p.deps.Leases.Hold(ctx, p.leaseName(), p.deps.Owner, p.pace.leaseTTL)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("lease not taken", "error", err)
		}
		if held && err == nil {
			p.lead(ctx, epoch)
		} else {
			pause(ctx, p.pace.leaseRenew)
		}
	}
	// Whoever waits for the lease should not wait for it to run out; a dead database should not keep us from stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if err := p.deps.Leases.Drop(ctx, p.leaseName(), p.deps.Owner); err != nil {
		p.log.Warn("lease not dropped", "error", err)
	}
	return nil
}

func (p *Puller) leaseName() string { return "mailbox:" + p.place }

// lead pulls, session after session, for as long as the lease is held.
func (p *Puller) lead(ctx context.Context, epoch int64) {
	ctx, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		cancel(p.renew(ctx, epoch))
	}()
	defer func() {
		cancel(nil)
		<-renewed
	}()

	wait := p.pace.firstRetry
	for ctx.Err() == nil {
		worked, err := p.session(ctx, epoch)
		if ctx.Err() != nil {
			break
		}
		if worked {
			wait = p.pace.firstRetry
		}
		p.fail(ctx, err)
		p.log.Warn("mailbox not readable, trying again", "error", err, "wait", wait)
		pause(ctx, wait/2+rand.N(wait/2+1))
		wait = min(2*wait, p.pace.maxRetry)
	}
	if errors.Is(context.Cause(ctx), errLeaseLost) {
		p.log.Info("lease lost")
	}
}

// renew keeps the lease and returns when it is lost, or has not been renewed for so long that it may be.
func (p *Puller) renew(ctx context.Context, epoch int64) error {
	last := time.Now()
	for {
		if !pause(ctx, p.pace.leaseRenew) {
			return ctx.Err()
		}
		now, held, err := p.deps.Leases.Hold(ctx, p.leaseName(), p.deps.Owner, p.pace.leaseTTL)
		switch {
		case err != nil && time.Since(last)+p.pace.leaseRenew < p.pace.leaseTTL:
			p.log.Warn("lease not renewed", "error", err)
		case err != nil || !held || now != epoch:
			return errLeaseLost
		default:
			last = time.Now()
		}
	}
}

// session connects once and pulls until something fails. worked is true when at least one look at the mailbox went through, or mail was
// filed: while a line that falls again and again brings mail, the waits do not grow.
func (p *Puller) session(ctx context.Context, epoch int64) (worked bool, err error) {
	cursor, err := p.deps.Positions.Cursor(ctx, p.place)
	if err != nil {
		return false, fmt.Errorf("%w: read cursor: %w", errKeeping, err)
	}
	s, err := openIMAP(ctx, p.box.IMAP, p.account, p.pace.step)
	if err != nil {
		return false, err
	}
	defer s.close()
	if cursor.UIDValidity != s.uidValidity {
		if cursor.UIDValidity != 0 {
			p.log.Warn("the server has renumbered the mailbox: reading it anew", "was", cursor.UIDValidity, "is", s.uidValidity)
		}
		cursor = channels.Cursor{UIDValidity: s.uidValidity}
		p.suspects, p.tries, p.lost, p.health.CountedAt = map[uint32]int{}, map[uint32]try{}, 0, nil
	}

	ctx, cancel := context.WithCancel(ctx)
	desk := newFiling(ctx, p)
	defer func() {
		cancel()
		<-desk.stopped
	}()
	r := &round{p: p, s: s, desk: desk, epoch: epoch, progress: progress{cursor}}
	for {
		select {
		case <-s.wake: // whatever this told of, the search below sees
		default:
		}
		if err := r.sweep(ctx); err != nil {
			return worked || r.filed, err
		}
		worked = true
		again, err := r.review(ctx)
		if err != nil {
			return worked, err
		}
		p.work(ctx, s.held(), len(r.progress.Gaps))
		if again {
			continue
		}
		if err := s.rest(ctx, min(p.box.IMAP.Poll, p.pace.idle)); err != nil {
			return worked, err
		}
	}
}

// work notes that the server answered.
func (p *Puller) work(ctx context.Context, held, pending int) {
	now := p.deps.Now()
	p.failing = failing{}
	p.health.State, p.health.LastError = channels.Working, ""
	p.health.LastContact = &now
	p.health.ServerCount, p.health.Pending = held, pending
	p.health.StoredCount = max(0, held-pending-p.lost)
	p.note(ctx)
}

// fail notes that something went wrong and is being tried again.
func (p *Puller) fail(ctx context.Context, err error) {
	p.failing.met(troubleOf(err), p.deps.Now())
	p.health.State, p.health.LastError = channels.Failing, err.Error()
	p.note(ctx)
}

// note tells the Monitor when something changed that a person waits for, and otherwise now and then.
func (p *Puller) note(ctx context.Context) {
	now := p.deps.Now()
	p.health.Alarm = p.alarm(now)
	changed := p.health.State != p.noted.State || p.health.LastError != p.noted.LastError ||
		p.health.Alarm != p.noted.Alarm || (p.health.Pending == 0) != (p.noted.Pending == 0) || p.health.CountedAt != p.noted.CountedAt
	if !changed && now.Sub(p.noted.At) < p.pace.healthEvery {
		return
	}
	p.health.At = now
	p.noted = p.health
	if err := p.deps.Monitor.NoteHealth(ctx, p.health); err != nil && ctx.Err() == nil {
		p.log.Warn("health not noted", "error", err)
	}
}

// pause waits and reports whether it was not cut short by the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
