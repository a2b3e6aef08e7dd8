package storetest_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guichet/ticketing"
	"guichet/ticketing/store"
	"guichet/ticketing/store/storetest"
)

func TestUploads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		upload := func(a ticketing.Agent, size int, at time.Time) ticketing.Upload {
			return ticketing.Upload{ID: ticketing.NewID(), AgentID: a.ID, Name: "plan.pdf", Type: "application/pdf", Size: size, SHA256: strings.Repeat("ab", 32), CreatedAt: at}
		}
		mine, other, old := upload(w.Alice, 10, noon()), upload(w.Bruno, 20, noon()), upload(w.Alice, 30, noon().Add(-24*time.Hour))
		must(t, db.AddUploads(w.ctx, []ticketing.Upload{mine, other, old}))
		must(t, db.AddUploads(w.ctx, []ticketing.Upload{mine})) // again: nothing

		size, err := db.UploadedBytes(w.ctx, w.Alice.ID)
		must(t, err)
		equal(t, "bytes", size, 40)
		ids := []string{mine.ID, other.ID, old.ID}
		found, err := db.Uploads(w.ctx, w.Alice.ID, ids)
		must(t, err)
		equal(t, "hers", len(found), 2)

		must(t, db.DeleteExpired(w.ctx, noon().Add(-time.Second)))
		found, err = db.Uploads(w.ctx, w.Alice.ID, ids)
		must(t, err)
		equal(t, "before their day is over", len(found), 2)
		must(t, db.DeleteExpired(w.ctx, noon()))
		taken, err := db.TakeUploads(w.ctx, w.Alice.ID, ids)
		must(t, err)
		equal(t, "taken", len(taken), 1)
		equal(t, "the young one", taken[0].ID, mine.ID)
		taken, err = db.TakeUploads(w.ctx, w.Alice.ID, ids)
		must(t, err)
		equal(t, "taken twice", len(taken), 0)
		found, err = db.Uploads(w.ctx, w.Bruno.ID, ids)
		must(t, err)
		equal(t, "the colleague's", len(found), 1)
	})
}

func TestNamedFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		sum := func(letter string) string { return strings.Repeat(letter, 64) }
		must(t, db.AddUploads(w.ctx, []ticketing.Upload{{ID: ticketing.NewID(), AgentID: w.Alice.ID, SHA256: sum("a"), CreatedAt: noon()}}))
		_, err := db.AddOriginals(w.ctx, []ticketing.Original{{ID: ticketing.NewID(), Channel: "email", Key: "k", SHA256: sum("b"), State: "filed", ReceivedAt: noon(), CreatedAt: noon()}})
		must(t, err)
		ticket := w.ticket("roads", noon())
		must(t, db.AddTickets(w.ctx, []ticketing.Ticket{ticket}))
		m := ticketing.Message{ID: ticketing.NewID(), TicketID: ticket.ID, Direction: ticketing.Out, Channel: "email", At: noon(), CreatedAt: noon()}
		must(t, db.AddMessages(w.ctx, []ticketing.Message{m}))
		must(t, db.AddAttachments(w.ctx, []ticketing.Attachment{{ID: ticketing.NewID(), MessageID: m.ID, SHA256: sum("c")}}))
		all := []string{sum("a"), sum("b"), sum("c"), sum("d")}
		for i := range 1200 { // more than one statement takes
			all = append(all, strings.Repeat("0", 60)+string(rune('a'+i%26))+"xyz")
		}
		named, err := db.NamedFiles(w.ctx, all)
		must(t, err)
		if len(named) != 3 || !named[sum("a")] || !named[sum("b")] || !named[sum("c")] {
			t.Errorf("%v", named)
		}
	})
}

func TestRequeueDelivery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ticket := w.ticket("roads", noon())
		must(t, db.AddTickets(w.ctx, []ticketing.Ticket{ticket}))
		for state, again := range map[ticketing.DeliveryState]bool{
			ticketing.DeliveryQueued: false, ticketing.DeliverySending: false, ticketing.DeliverySent: false, ticketing.DeliveryDelivered: false,
			ticketing.DeliveryFailed: true, ticketing.DeliveryParked: true, ticketing.DeliveryBounced: true,
		} {
			m := ticketing.Message{ID: ticketing.NewID(), TicketID: ticket.ID, Direction: ticketing.Out, Channel: "email", At: noon(), CreatedAt: noon()}
			done := noon()
			d := ticketing.Delivery{
				ID: ticketing.NewID(), MessageID: m.ID, TicketID: ticket.ID, Channel: "email", State: state, Attempts: 3, Uncertain: 2,
				NextAt: noon(), Error: "550 no", DoneAt: &done, CreatedAt: noon(),
			}
			must(t, db.AddMessages(w.ctx, []ticketing.Message{m}))
			must(t, db.AddDeliveries(w.ctx, []ticketing.Delivery{d}))
			later := noon().Add(time.Hour)
			changed, err := db.RequeueDelivery(w.ctx, d.ID, later)
			must(t, err)
			equal(t, string(state), changed, again)
			got, err := db.Message(w.ctx, m.ID)
			must(t, err)
			if !again {
				equal(t, "state", got.Delivery.State, state)
				continue
			}
			now := *got.Delivery
			if now.State != ticketing.DeliveryQueued || now.Attempts != 3 || now.Uncertain != 0 || now.Error != "" || now.DoneAt != nil || !now.NextAt.Equal(later.Truncate(time.Microsecond)) {
				t.Errorf("%s: %+v", state, now)
			}
			changed, err = db.RequeueDelivery(w.ctx, d.ID, later)
			must(t, err)
			equal(t, "twice", changed, false)
		}
	})
}

func TestSweep(t *testing.T) {
	path := t.TempDir()
	folder, err := store.OpenFolder(path)
	must(t, err)
	t.Cleanup(func() { must(t, folder.Close()) })
	yesterday := time.Now().Add(-25 * time.Hour)
	put := func(data string, old bool) (sum, name string) {
		sum, err := folder.Put(t.Context(), []byte(data))
		must(t, err)
		name = filepath.Join(path, sum[:2], sum)
		if old {
			must(t, os.Chtimes(name, yesterday, yesterday))
		}
		return sum, name
	}
	there := func(name string) bool { _, err := os.Stat(name); return err == nil }

	namedSum, namedFile := put("named", true)
	_, orphan := put("orphan", true)
	_, young := put("young", false)
	_, again := put("put again", true)
	_, diedSum := put("died", true)
	died := filepath.Join(filepath.Dir(diedSum), ".gone-"+filepath.Base(diedSum))
	must(t, os.Rename(diedSum, died))
	unfinished, begun := filepath.Join(filepath.Dir(orphan), ".unfinished"), filepath.Join(filepath.Dir(orphan), ".begun")
	must(t, os.WriteFile(unfinished, nil, 0o600))
	must(t, os.WriteFile(begun, nil, 0o600))
	must(t, os.Chtimes(unfinished, yesterday, yesterday))

	removed, err := folder.Sweep(t.Context(), time.Now().Add(-24*time.Hour), func(ctx context.Context, sums []string) (map[string]bool, error) {
		if slices.Contains(sums, filepath.Base(again)) { // somebody is about to name it, after we have asked
			if _, err := folder.Put(ctx, []byte("put again")); err != nil {
				return nil, err
			}
		}
		return map[string]bool{namedSum: true}, nil
	})
	must(t, err)
	equal(t, "removed", removed, 3)
	for name, want := range map[string]bool{namedFile: true, orphan: false, young: true, again: true, diedSum: false, died: false, unfinished: false, begun: true} {
		if there(name) != want {
			t.Errorf("%s is there: %v", filepath.Base(name), !want)
		}
	}
	if data, err := folder.Get(t.Context(), filepath.Base(again)); err != nil || string(data) != "put again" {
		t.Errorf("%q, %v", data, err)
	}
}
