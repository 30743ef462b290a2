// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store"
)

func testRetentions(t *testing.T, s fleet.Store) {
	one := fleet.Retention{Release: "one", Keep: 180 * 24 * time.Hour, At: Now, By: "mei", Reason: "the disk"}
	two := fleet.Retention{Release: "b", Keep: 90 * 24 * time.Hour, At: later(1), By: "bo", Reason: "as asked"}
	for _, r := range []fleet.Retention{one, two} {
		update(t, s, func(tx fleet.Tx) error { return tx.Retentions().Put(ctx, r) })
	}
	one.Keep, one.By = 0, "bo"
	update(t, s, func(tx fleet.Tx) error { return tx.Retentions().Put(ctx, one) })
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Retentions().List(ctx)
		same(t, "the rules", all, []fleet.Retention{two, one})
		return err
	})
}

func hashed(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:]
}

// dropping is a store with five compact reports of an installation and one of another, and a cut over those that came first.
type dropping struct {
	s    store.Database
	all  []fleet.StoredReport
	ref  report.Reference
	rows []int64
	cut  fleet.Cut
}

func newDropping(t *testing.T, s store.Database) *dropping {
	t.Helper()
	d := &dropping{s: s}
	for seq := int64(1); seq < 6; seq++ {
		r, key := Report(1, seq)
		d.all = append(d.all, Stored(t, r, key, later(int(seq))))
	}
	r, key := Report(2, 1)
	d.all, d.ref = append(d.all, Stored(t, r, key, later(9))), d.all[0].Ref
	updateReports(t, s, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, d.all...)
		i := fleet.Installation{
			Ref:     d.ref,
			Release: "one",
			Current: true,
			Model:   "armani",
			Channel: "stable",
			Seq:     5,
			Reports: 5,
			Drawn:   -1,
			First:   Now,
			Last:    Now,
		}
		i.Newest.ID = d.all[4].ID
		return errors.Join(err, tx.Installations().Put(ctx, i))
	})
	if n, err := CompactAll(ctx, s); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	view(t, s, func(tx fleet.Tx) error {
		arrived, err := tx.Reports().Arrived(ctx, d.ref)
		for _, r := range arrived {
			d.rows = append(d.rows, r.N)
		}
		return err
	})
	d.cut = fleet.Cut{Number: 1, Release: "one", UpTo: d.rows[3], Before: later(5)}
	return d
}

func (d *dropping) drop(number int64, rows ...int64) (n int, err error) {
	return n, d.s.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
		n, err = tx.Cuts().Drop(ctx, number, d.ref, hashed, rows...)
		return err
	})
}

// refused wants what another hand would do to be refused.
func (d *dropping) refused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "append-only") && !strings.Contains(err.Error(), "cut") &&
		!strings.Contains(err.Error(), "settled") {
		t.Errorf("%s: got %v, wanted a refusal", what, err)
	}
}

// LeaveCuts leaves what the suite does of cuts: two, with bodies that are gone.
func LeaveCuts(t *testing.T, s store.Database) { testCuts(t, s) }

// testCuts: bodies go once a cut is closed, never that of the newest report, and what is left of them is known and sealed as
// it was; a closed cut and what it settled stay.
func testCuts(t *testing.T, s store.Database) {
	d := newDropping(t, s)
	before := d.leaves(t)
	_, err := d.drop(1, d.rows[1])
	d.refused(t, "without a cut", err)
	put := func(c fleet.Cut) error {
		return s.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Cuts().Put(ctx, c) })
	}
	settle := func(number int64, text string) error {
		return s.UpdateReports(ctx, func(tx fleet.Tx) error {
			return tx.Cuts().Settle(ctx, fleet.Settled{Cut: number, Ref: d.ref, State: []byte(text)})
		})
	}
	d.refused(t, "to settle what no cut has", settle(1, "x"))
	closed := d.cut
	closed.At, closed.States, closed.Root, closed.Closed = Now, 1, make([]byte, 32), later(99)
	d.refused(t, "a cut that begins closed", put(closed))
	if err := errors.Join(put(d.cut), settle(1, "as it stood")); err != nil {
		t.Fatal(err)
	}
	_, err = d.drop(1, d.rows[1])
	d.refused(t, "an open cut", err)
	d.holds(t, nil)
	if err := put(closed); err != nil {
		t.Fatal(err)
	}
	d.refused(t, "to settle more", settle(1, "y"))
	changed := closed
	changed.UpTo = d.rows[4]
	d.refused(t, "to change a closed cut", put(changed))
	_, err = d.drop(1, d.rows[4])
	d.refused(t, "the newest report", err)
	d.holds(t, &fleet.Settled{Cut: 1, UpTo: d.rows[3], Ref: d.ref, State: []byte("as it stood")})
	if n, err := d.drop(1, d.rows[1], d.rows[2]); n != 2 || err != nil {
		t.Errorf("%d were dropped, %v", n, err)
	}
	if n, err := d.drop(1, d.rows[1], d.rows[2]); n != 0 || err != nil {
		t.Errorf("once more: %d were dropped, %v", n, err)
	}
	same(t, "leaves", d.leaves(t), before)
	d.left(t)
	d.later(t, put, settle)
}

func (d *dropping) leaves(t *testing.T) (all []fleet.Leaf) {
	t.Helper()
	view(t, d.s, func(tx fleet.Tx) (err error) {
		all, err = tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
		return err
	})
	return all
}

func (d *dropping) holds(t *testing.T, want *fleet.Settled) {
	t.Helper()
	view(t, d.s, func(tx fleet.Tx) error {
		got, err := tx.Cuts().Holding(ctx, d.ref, "nobody")
		wanted := map[report.Reference]fleet.Settled{}
		if want != nil {
			wanted[d.ref] = *want
		}
		same(t, "what holds", got, wanted)
		return err
	})
}

// left: what is left of a dropped report answers for it.
func (d *dropping) left(t *testing.T) {
	t.Helper()
	gone := d.all[1]
	want := gone
	want.Sum, want.ID, want.Envelope, want.Schema, want.Release = hashed(gone.Envelope), gone.ID[:16], nil, 0, ""
	updateReports(t, d.s, func(tx fleet.Tx) error {
		got, err := tx.Reports().Get(ctx, d.ref, gone.ID)
		same(t, "what is left", got, want)
		if !got.Same(gone.Envelope) || got.Same(d.all[0].Envelope) {
			t.Error("the envelope that it was is not known")
		}
		id := fleet.ReportID{Ref: d.ref, Seq: 2, ID: gone.ID}
		stored, err2 := tx.Reports().Stored(ctx, id, fleet.ReportID{Ref: d.ref, Seq: 2, ID: d.all[0].ID})
		same(t, "by its id", stored, map[fleet.ReportID]fleet.StoredReport{id: want})
		taken, err3 := tx.Reports().Sequences(ctx, fleet.ReportSeq{Ref: d.ref, Seq: 2})
		page, from, err4 := tx.Reports().Page(ctx, d.ref, 2, 1)
		added, err5 := tx.Reports().Append(ctx, gone)
		if len(taken) != 1 || from != 1 || added != 0 {
			t.Errorf("taken %v, a page from %d, %d added again", taken, from, added)
		}
		same(t, "a page", page, []fleet.StoredReport{want})
		return errors.Join(err, err2, err3, err4, err5)
	})
}

// later is a second cut, over what the first settled, and one that is given up.
func (d *dropping) later(t *testing.T, put func(fleet.Cut) error, settle func(int64, string) error) {
	t.Helper()
	second := fleet.Cut{Number: 2, Release: "one", UpTo: d.rows[4], Before: later(50)}
	if err := errors.Join(put(second), settle(2, "later"), put(fleet.Cut{Number: 3, Release: "two"}), settle(3, "z")); err != nil {
		t.Fatal(err)
	}
	updateReports(t, d.s, func(tx fleet.Tx) error {
		more, err := tx.Cuts().Abandon(ctx, 3, 1)
		gone, err2 := tx.Cuts().Abandon(ctx, 3, 1)
		if more || !gone {
			t.Errorf("given up: %t, then %t", more, gone)
		}
		return errors.Join(err, err2)
	})
	second.At, second.States, second.Root, second.Closed = Now, 1, make([]byte, 32), Now
	if err := put(second); err != nil {
		t.Fatal(err)
	}
	d.holds(t, &fleet.Settled{Cut: 2, UpTo: d.rows[4], Ref: d.ref, State: []byte("later")})
	if n, err := d.drop(2, d.rows[3]); n != 1 || err != nil {
		t.Errorf("%d were dropped, %v", n, err)
	}
	second.Done = later(100)
	if err := put(second); err != nil {
		t.Error(err)
	}
	view(t, d.s, func(tx fleet.Tx) error {
		all, err := tx.Cuts().List(ctx)
		if len(all) != 2 || !bytes.Equal(all[1].Root, second.Root) {
			t.Errorf("%+v", all)
		}
		same(t, "the second", all[1], second)
		of, err2 := tx.Cuts().States(ctx, 1, "", 9)
		was := fleet.Settled{Cut: 1, UpTo: d.rows[3], Ref: d.ref, State: hashed([]byte(d.ref + " as it stood"))}
		same(t, "what the first settled", of, []fleet.Settled{was})
		none, err3 := tx.Cuts().States(ctx, 1, d.ref, 9)
		if len(none) > 0 {
			t.Errorf("after the last: %v", none)
		}
		for n, before := range map[int]time.Time{0: later(1), 1: later(2), 4: later(5), 5: later(6)} {
			row, err := tx.Cuts().Last(ctx, before)
			if want := append([]int64{0}, d.rows...)[n]; row < want || n < 5 && row >= append(d.rows, 1<<40)[n] || err != nil {
				t.Errorf("before %s: row %d, %v; wanted %d", before, row, err, want)
			}
		}
		return errors.Join(err, err2, err3)
	})
}
