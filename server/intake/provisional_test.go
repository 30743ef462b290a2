// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/admission"
	"landed/server/fleet"
	"landed/server/intake"
)

// share is what tests leave to those who do not count.
type share struct {
	reports atomic.Int64
	vouched map[report.Reference]bool
}

// narrow is a world in which those who do not count have so many reports, and so many slots beside.
func narrow(t testing.TB, reports, slots int64, change ...func(*intake.Config)) (*world, *share) {
	t.Helper()
	s := &share{vouched: map[report.Reference]bool{}}
	s.reports.Store(reports)
	return newWorld(t, append(change, func(c *intake.Config) {
		c.Share = intake.Share{Reports: s.reports.Load, Slots: slots,
			Vouched: func(context.Context, fleet.Tx, string, time.Time) (map[report.Reference]bool, error) {
				return s.vouched, nil
			}}
	})...), s
}

// send sends report seq of installation n, and says what became of it.
func (w *world) send(t testing.TB, n int, seq int64) intake.Stored {
	t.Helper()
	r, key := waits(n, seq)
	got, err := w.Receive(ctx, seal(t, r, key))
	if err != nil {
		t.Fatalf("report %d of %d: %v", seq, n, err)
	}
	return got.Stored
}

// member admits an installation to the counted fleet, or takes it out of the figures.
func (w *world) member(t testing.TB, n int, change func(*fleet.Installation)) {
	t.Helper()
	if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
		states, err := tx.Installations().Of(ctx, refOf(n))
		if err != nil {
			return err
		}
		was := states[refOf(n)][0]
		next := was
		change(&next)
		return errors.Join(tx.Installations().Put(ctx, next), tx.Counts().Move(ctx, &was, &next))
	}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) standing(t testing.TB) intake.Uncounted {
	t.Helper()
	u, err := w.Uncounted(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) tick(t testing.TB) {
	t.Helper()
	if err := w.Tick(ctx); err != nil {
		t.Fatal(err)
	}
	w.checkFigures(t)
}

// TestStrangersFillTheirShare: a flood of new keys fills the share and no more; who counts goes on, and so does a handset
// of a lab; a new honest key is kept for now, and counts once there is room, from then on.
func TestStrangersFillTheirShare(t *testing.T) {
	const reports, slots = 30, 50
	w, s := narrow(t, reports, slots)
	for n := 1; n <= 3; n++ {
		if got := w.send(t, n, 1); got != intake.StoredNew {
			t.Fatalf("with room: %s", got)
		}
	}
	w.member(t, 1, func(i *fleet.Installation) { i.Admitted = w.clock.now() })
	s.vouched[refOf(2)] = true
	good, answers := 0, map[intake.Stored]int{}
	for n := 1000; n < 1200; n++ {
		got := w.send(t, n, 1)
		if answers[got]++; got == intake.StoredNew {
			good++
		}
		if u := w.standing(t); u.Used > reports || u.Provisional > slots {
			t.Fatalf("after %d: %+v", n, u)
		}
	}
	u := w.standing(t)
	// of the three that came first one counts, and two have room in the share
	if good != reports-2 || u.Provisional != slots || u.Evicted != int64(200-good-slots) || answers[intake.StoredProvisional] != 200-good {
		t.Errorf("%d stored, %v, %+v", good, answers, u)
	}
	for n, want := range map[int]intake.Stored{1: intake.StoredNew, 2: intake.StoredNew, 3: intake.StoredProvisional} {
		if got := w.send(t, n, 2); got != want {
			t.Errorf("installation %d: %s, want %s", n, got, want)
		}
	}
	if got := w.send(t, 3, 1); got != intake.StoredReplayed { // it was acknowledged, and stays so
		t.Errorf("a replay of what is stored: %s", got)
	}
	before := w.counts(t, "one").Installations
	if want := int64(3 + good); before != want {
		t.Errorf("%d installations in the figures, want %d", before, want)
	}
	if got := w.send(t, 7, 1); got != intake.StoredProvisional {
		t.Errorf("a new key: %s", got)
	}
	if got := w.send(t, 7, 1); got != intake.StoredProvisional || w.standing(t).Provisional != slots {
		t.Errorf("the same again: %s, %+v", got, w.standing(t))
	}
	w.tick(t)
	if u := w.standing(t); u.Provisional != slots || w.counts(t, "one").Installations != before {
		t.Errorf("without room a tick moved something: %+v", u)
	}
	w.clock.advance(20 * 24 * time.Hour)
	came := w.clock.now()
	s.reports.Store(1 << 30) // the disk grew
	w.tick(t)
	if u := w.standing(t); u.Provisional != 0 {
		t.Errorf("with room: %+v", u)
	}
	if i := w.installation(t, 7); !i.First.Equal(came) || i.Reports != 1 {
		t.Errorf("the new key is known since %v, %d reports; want %v", i.First, i.Reports, came)
	}
	if got := w.send(t, 7, 1); got != intake.StoredReplayed {
		t.Errorf("what was taken in, again: %s", got)
	}
}

// TestAdmissionMakesRoomAndQuarantineDoesNot: who is admitted leaves the share to others; who is taken out of the figures
// does not, and one of the counted fleet comes back to it.
func TestAdmissionMakesRoomAndQuarantineDoesNot(t *testing.T) {
	w, s := narrow(t, 1<<30, 50)
	for n := 1; n <= 20; n++ {
		w.send(t, n, 1)
	}
	full := w.standing(t).Used
	s.reports.Store(full)
	for n := 101; n <= 105; n++ {
		if got := w.send(t, n, 1); got != intake.StoredProvisional {
			t.Fatalf("%d: %s", n, got)
		}
	}
	for n := 1; n <= 10; n++ {
		w.member(t, n, func(i *fleet.Installation) { i.Quarantined = true })
	}
	if w.tick(t); w.standing(t).Provisional != 5 || w.standing(t).Used != full {
		t.Errorf("a quarantine: %+v", w.standing(t))
	}
	for n := 11; n <= 13; n++ {
		w.member(t, n, func(i *fleet.Installation) { i.Admitted = w.clock.now() })
	}
	if w.tick(t); w.standing(t).Provisional != 2 {
		t.Errorf("three admitted: %+v", w.standing(t))
	}
	for n := 101; n <= 105; n++ { // the oldest first
		if got := w.installation(t, n).Reports; got != map[bool]int64{true: 1}[n <= 103] {
			t.Errorf("%d has %d reports", n, got)
		}
	}
	for n := 11; n <= 13; n++ {
		w.member(t, n, func(i *fleet.Installation) { i.Quarantined = true })
	}
	if u := w.standing(t); u.Used <= full {
		t.Errorf("members that were quarantined: %+v, was %d", u, full)
	}
	w.checkFigures(t)
}

// TestEvictionIsByChance: a key has at most four, and of the others each is let go of as often, whatever its age.
func TestEvictionIsByChance(t *testing.T) {
	w, _ := narrow(t, 0, 40)
	for seq := int64(1); seq <= 9; seq++ {
		w.send(t, 1, seq)
	}
	if u := w.standing(t); u.Provisional != 4 || u.Evicted != 5 {
		t.Errorf("one key: %+v", u)
	}
	for n := range 400 {
		w.send(t, 100+n, 1)
	}
	var kept []int
	for n := range 400 {
		var have []fleet.ProvisionalReport
		if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
			have, err = tx.Provisional().Of(ctx, refOf(100+n))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for range have {
			kept = append(kept, n)
		}
	}
	old := 0 // older than the newest 40: kept by chance alone
	for _, n := range kept {
		if n < 360 {
			old++
		}
	}
	if len(kept) < 36 || len(kept) > 40 || old < 5 || old > 30 {
		t.Errorf("%d are kept, %d of them old: %v", len(kept), old, kept)
	}
	w.checkFigures(t)
}

// TestWhatCannotHaveBeen: time in the provisional table makes nothing true, and nobody escapes a quarantine by it.
func TestWhatCannotHaveBeen(t *testing.T) {
	w, s := narrow(t, 0, 40)
	w.clock.advance(24 * time.Hour)
	from := w.clock.now()
	w.send(t, 1, 1)
	w.clock.advance(time.Hour)
	w.send(t, 2, 1)
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		return tx.Quarantines().Put(ctx, fleet.Quarantine{ID: "00000001", From: from, To: from.Add(time.Minute), At: w.clock.now(), By: "mei"})
	}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	s.reports.Store(1 << 30)
	w.tick(t)
	if one, two := w.installation(t, 1), w.installation(t, 2); one.Reports != 0 || two.Reports != 1 || two.Quarantined {
		t.Errorf("came in the quarantined time: %+v; came after it: %+v", one, two)
	}
	if u := w.standing(t); u.Provisional != 0 || u.Evicted != 1 {
		t.Errorf("%+v", u)
	}
	if got := w.send(t, 1, 1); got != intake.StoredNew {
		t.Errorf("the handset sends it again: %s", got)
	}
}

// comesOut publishes a release now: nobody has seen its builds before.
func (w *world) comesOut(t testing.TB, release string) {
	t.Helper()
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Releases().Get(ctx, release)
		if err != nil {
			return err
		}
		r.Change = "00000000000000000000000000000001"
		role := fleet.Metadata{Role: "armani", Version: 1, Bytes: []byte("{}"), At: w.clock.now()}
		return errors.Join(tx.Metadata().Put(ctx, role), tx.Releases().Save(ctx, r, fleet.ReleasePublished),
			tx.Changes().Create(ctx, fleet.Change{ID: r.Change, Release: release, State: fleet.ChangePublished, At: role.At,
				Roles: []fleet.StagedRole{{Role: role.Role, Version: role.Version, Metadata: role.Bytes}}}))
	}); err != nil {
		t.Fatal(err)
	}
}

// TestImplausibleByThen: what could not be true when it came is let go of; what is not true when it comes in, because a
// clock was ahead when it came, is stored as what it is and proves nothing.
func TestImplausibleByThen(t *testing.T) {
	w, s := narrow(t, 0, 40)
	w.comesOut(t, "one")
	send := func(n int) {
		t.Helper()
		r, key := silent(n, 1)
		if got, err := w.Receive(ctx, seal(t, r, key)); err != nil || got.Stored != intake.StoredProvisional {
			t.Fatal(got, err)
		}
	}
	send(1) // it has watched for days what was published today
	w.clock.advance(90 * 24 * time.Hour)
	send(2)
	w.clock.advance(-90 * 24 * time.Hour) // the clock was ahead
	send(3)
	s.reports.Store(100)
	w.tick(t)
	if w.installation(t, 1).Reports != 0 || w.installation(t, 3).Reports != 0 {
		t.Error("time in the table made it true")
	}
	if i := w.installation(t, 2); i.Reports != 1 || i.Verdict != effect.Implausible || i.Counted {
		t.Errorf("came while the clock was ahead: %+v", i)
	}
	if u := w.standing(t); u.Provisional != 0 || u.Evicted != 2 {
		t.Errorf("%+v", u)
	}
}

// TestTwoSettlesAtOnce: reports come in for good, by their handsets and by several Ticks at once, while others are kept,
// and each is stored once.
func TestTwoSettlesAtOnce(t *testing.T) {
	const handsets = 60
	w, s := narrow(t, 0, 500, func(c *intake.Config) { c.Batch = 8 })
	for n := range handsets {
		for seq := range int64(3) {
			w.send(t, n, 1+seq)
		}
	}
	s.reports.Store(handsets) // a third has room at first
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 5 {
				if err := w.Tick(ctx); err != nil {
					t.Error(err)
				}
				s.reports.Add(handsets)
			}
		})
	}
	for n := range handsets {
		group.Go(func() {
			for seq := range int64(3) {
				r, key := waits(n, 1+seq)
				if _, err := w.obeys(seal(t, r, key)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	w.tick(t)
	for n := range handsets {
		if got := w.installation(t, n); got.Reports != 3 || got.Cloned {
			t.Errorf("%d: %d reports, cloned %t", n, got.Reports, got.Cloned)
		}
	}
	if u := w.standing(t); u.Provisional != 0 || u.Evicted != 0 || u.Used != 3*handsets {
		t.Errorf("%+v", u)
	}
}

// TestAdmitted: when a person admits some to the counted fleet, they leave the share, and others come in; their own reports
// are stored for good from then on.
func TestAdmitted(t *testing.T) {
	w, _ := narrow(t, 4, 50)
	for n := 1; n <= 2; n++ {
		w.send(t, n, 1)
	}
	w.clock.advance(15 * 24 * time.Hour) // known for two weeks, heard of over one: they may be admitted
	for n := 1; n <= 2; n++ {
		w.send(t, n, 2)
	}
	for n := 3; n <= 6; n++ {
		if got := w.send(t, n, 1); got != intake.StoredProvisional {
			t.Fatalf("%d: %s", n, got)
		}
	}
	w.clock.advance(time.Hour)
	admit := admission.New(admission.Config{Store: w.db, Now: w.clock.now, Random: crand.Reader,
		Apply: func(ctx context.Context) error { _, err := w.Reckon(ctx, nil); return err }})
	done, err := admit.Admit(ctx, admission.Wish{Model: "armani", UpTo: 2, By: "mei", Reason: "two handsets of the lab"})
	if err != nil || done.Admission.Admitted != 2 || !done.Applied {
		t.Fatal(done, err)
	}
	w.tick(t)
	if u := w.standing(t); u.Provisional != 0 || u.Used != 4 {
		t.Errorf("after the admission: %+v", u)
	}
	for n, want := range map[int]intake.Stored{1: intake.StoredNew, 3: intake.StoredProvisional} {
		if got := w.send(t, n, 3); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestBoundsOfTheTable: the table grows to its slots and no further, also when there are fewer of them than before.
func TestBoundsOfTheTable(t *testing.T) {
	var limit atomic.Int64
	w := newWorld(t, func(c *intake.Config) { c.Share.Reports = limit.Load })
	for n := range 10 {
		w.send(t, n, 1)
	}
	w.Share.Slots = 6 // the disk became smaller
	for n := range 20 {
		w.send(t, 100+n, 1)
		if u := w.standing(t); u.Provisional != 10 || u.Evicted != int64(n+1) {
			t.Fatalf("%+v", u)
		}
	}
	w.Share.Slots = 12 // and larger again
	for n := range 20 {
		w.send(t, 200+n, 1)
	}
	if u := w.standing(t); u.Provisional != 12 {
		t.Errorf("%+v", u)
	}
	w.checkFigures(t)
	w.provisionalFollow(t)
}

// TestAcknowledgedIsNeverLost does at random what may happen, and wants of each report that was answered 200 that it is
// stored, once, and of the figures that they are those of a scan. Promotions are cut off half-way.
func TestAcknowledgedIsNeverLost(t *testing.T) {
	for seed := range uint64(4) {
		chance := rand.New(rand.NewPCG(seed, 7))
		cut := &cutStore{}
		w, s := narrow(t, 12, 10, func(c *intake.Config) {
			cut.Store = c.Store
			c.Store, c.Batch = cut, 4
		})
		acknowledged := map[string]int{}
		for range 250 {
			n := 1 + chance.IntN(30)
			switch chance.IntN(12) {
			case 0:
				s.reports.Store(chance.Int64N(40))
			case 1:
				cut.armed.Store(chance.IntN(2) == 0)
				_ = w.Tick(ctx) // what was cut off is undone
				cut.armed.Store(false)
			case 2:
				if w.installation(t, n).Reports > 0 {
					w.member(t, n, func(i *fleet.Installation) { i.Admitted = w.clock.now() })
				}
			case 3:
				w.clock.advance(time.Hour)
			default:
				r, key := waits(n, 1+chance.Int64N(4))
				got, err := w.Receive(ctx, seal(t, r, key))
				if err != nil {
					t.Fatal(err)
				}
				if got.Stored != intake.StoredProvisional {
					acknowledged[got.ID] = n
				}
			}
			if u := w.standing(t); u.Provisional > 10 {
				t.Fatalf("%+v", u)
			}
		}
		w.checkFigures(t)
		for id, n := range acknowledged {
			if err := w.db.View(ctx, func(tx fleet.Tx) error {
				_, err := tx.Reports().Get(ctx, refOf(n), id)
				return err
			}); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
		if len(acknowledged) == 0 || w.standing(t).Evicted == 0 {
			t.Errorf("seed %d tried nothing: %d acknowledged, %+v", seed, len(acknowledged), w.standing(t))
		}
		w.provisionalFollow(t)
	}
}

// provisionalFollow wants each provisional report to be as it was signed.
func (w *world) provisionalFollow(t testing.TB) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) error {
		_, err := intake.VerifyProvisional(ctx, tx, func(words string) { t.Error(words) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// cutStore loses the transactions of the reports at their end, while it is armed.
type cutStore struct {
	fleet.Store
	armed atomic.Bool
}

func (c *cutStore) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return c.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		err := fn(tx)
		if err == nil && c.armed.Load() {
			err = fmt.Errorf("cut off")
		}
		return err
	})
}
