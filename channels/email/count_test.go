package email

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"guichet/channels"
	"guichet/channels/email/mailtest"
)

func TestWithout(t *testing.T) {
	for _, c := range []struct{ a, b, want []uint32 }{
		{nil, nil, nil},
		{[]uint32{1, 2, 3}, nil, []uint32{1, 2, 3}},
		{nil, []uint32{1}, nil},
		{[]uint32{1, 2, 3, 7}, []uint32{2, 3, 5}, []uint32{1, 7}},
		{[]uint32{5}, []uint32{1, 2, 3, 4, 5, 6}, nil},
		{[]uint32{1, 4294967295}, []uint32{1}, []uint32{4294967295}},
	} {
		if got := without(c.a, c.b); !slices.Equal(got, c.want) {
			t.Errorf("%v without %v is %v", c.a, c.b, got)
		}
	}
}

// TestWhatIsMissingIsSeenAndFetchedAgain has a cursor that has passed a mail which is not stored, as after a restore that went wrong.
func TestWhatIsMissingIsSeenAndFetchedAgain(t *testing.T) {
	postOffices(t, func(t *testing.T, o postOffice) {
		w := newTown()
		for n := 1; n <= 5; n++ {
			if err := o.deliver(letterNo(n)); err != nil {
				t.Fatal(err)
			}
		}
		stop := w.pull(t, o.box, "one")
		w.await(t, "the mails and their count", func() bool { return w.cursor.Done == 5 && last(w.health).CountedAt != nil })
		if h := last(w.health); h.ServerCount != 5 || h.StoredCount != 5 || h.MissingCount != 0 || h.Alarm != "" {
			t.Errorf("counted %+v", h)
		}
		stop()
		for p := range w.places {
			if p.UID == 2 || p.UID == 4 {
				delete(w.places, p)
			}
		}
		n, err := CountMails(t.Context(), o.box.EachFolder()[0], w)
		if err != nil || n.OnServer != 5 || n.Stored != 3 || n.Waiting != 0 || !slices.Equal(n.Missing, []uint32{2, 4}) || len(n.Gaps) != 0 {
			t.Errorf("count %+v, %v", n, err)
		}

		w.pull(t, o.box, "one")
		w.await(t, "both to be back", func() bool { return w.offered == 7 && last(w.health).Alarm == "" && last(w.health).MissingCount == 0 })
		alarm := slices.IndexFunc(w.health, func(h channels.Health) bool { return h.Alarm == channels.AlarmCount })
		if alarm < 0 || !slices.Equal(w.health[alarm].Missing, []uint32{2, 4}) || w.health[alarm].MissingCount != 2 || w.health[alarm].CountedAt == nil {
			t.Errorf("no alarm that names them: %+v", w.health)
		}
		if len(w.filed) != 5 || w.cursor.Done != 5 || len(w.cursor.Gaps) != 0 {
			t.Errorf("filed %d, cursor %+v", len(w.filed), w.cursor)
		}
	})
}

// TestCountWithoutAHub counts a mailbox nobody has read yet, and one that is read in part.
func TestCountWithoutAHub(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	w := newTown()
	for n := 1; n <= 3; n++ {
		if err := s.Deliver(testUser, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	n, err := CountMails(t.Context(), box.EachFolder()[0], w)
	if err != nil || n.OnServer != 0 || n.Waiting != 3 || n.Done != 0 {
		t.Errorf("count %+v, %v", n, err)
	}
	w.cursors[box.Name] = channels.Cursor{UIDValidity: n.UIDValidity, Done: 2, Gaps: []uint32{2}}
	w.places[channels.Place{Mailbox: box.Name, UIDValidity: n.UIDValidity, UID: 1}] = true
	n, err = CountMails(t.Context(), box.EachFolder()[0], w)
	if err != nil || n.OnServer != 2 || n.Stored != 1 || n.Waiting != 1 || !slices.Equal(n.Missing, []uint32{2}) || !slices.Equal(n.Gaps, []uint32{2}) {
		t.Errorf("count %+v, %v", n, err)
	}
}

// TestFolders reads two folders, each with a place, a cursor and a health of its own; the first one goes on where the only one was.
func TestFolders(t *testing.T) {
	s, box := servers(t, mailtest.Options{})
	const spam = "Courrier indésirable"
	deliver := func(folder string, n int) {
		t.Helper()
		if err := s.DeliverTo(testUser, folder, letterNo(n), arrived); err != nil {
			t.Fatal(err)
		}
	}
	deliver("INBOX", 1)
	w := newTown()
	stop := w.pull(t, box, "one") // with one folder
	w.await(t, "the mail", func() bool { return w.cursors["mairie"].Done == 1 })
	stop()

	deliver(spam, 2)
	deliver("INBOX", 3)
	box.IMAP.Folder, box.IMAP.Folders = "", []string{"INBOX", spam, "Nowhere"}
	pullers := NewPullers(box, PullerDeps{
		Receiver: w, Positions: w, Leases: w, Monitor: w, Owner: "one", Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	names := []string{"mailbox:mairie", "mailbox:mairie/" + spam, "mailbox:mairie/Nowhere"}
	for i, p := range pullers {
		if p.leaseName() != names[i] {
			t.Errorf("the lease is %s", p.leaseName())
		}
		p.pace.firstRetry = 5 * time.Millisecond
		p.pace.alarmAfter = time.Millisecond
		run(t, p)
	}
	health := func(mailbox string) (h channels.Health) {
		for _, one := range w.health {
			if one.Mailbox == mailbox {
				h = one
			}
		}
		return h
	}
	w.await(t, "both folders", func() bool { return w.cursors["mairie"].Done == 2 && w.cursors["mairie/"+spam].Done == 1 })
	w.await(t, "word of the third", func() bool { return health("mairie/Nowhere").Alarm == channels.AlarmFolder })
	w.await(t, "word of the others", func() bool {
		return health("mairie").ServerCount == 2 && health("mairie").State == channels.Working && health("mairie/"+spam).ServerCount == 1
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.health {
		if h.Line != "mairie" || h.Folder == "" {
			t.Errorf("health of %+v", h)
		}
	}
	if w.offered != 3 || len(w.filed) != 3 {
		t.Errorf("offered %d, filed %d", w.offered, len(w.filed))
	}
	for _, in := range w.filed {
		if in.Line != "mairie" || (in.Subject == "n2") != (in.Place.Mailbox == "mairie/"+spam) {
			t.Errorf("%s is of %s at %+v", in.Subject, in.Line, in.Place)
		}
	}
}
