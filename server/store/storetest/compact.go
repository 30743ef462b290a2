// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store"
)

// RunCompact is the part of the suite that a store passes, too, whose reports become compact right after each commit:
// whoever reads them sees no difference.
func RunCompact(t *testing.T, open func(t *testing.T) store.Database) {
	// What holds one half while it writes the other would wait for itself.
	halves := []string{"what is of the other half is refused", "the halves do not wait for each other",
		"an update of the reports that fails never happened"}
	for _, test := range tests() {
		if !slices.Contains(halves, test.name) {
			t.Run(test.name, func(t *testing.T) { test.run(t, compacting{open(t)}) })
		}
	}
	t.Run("a replay of a compact report", func(t *testing.T) { testCompact(t, open(t)) })
	t.Run("what a cut drops", func(t *testing.T) { testCuts(t, open(t)) })
}

// compacting compacts all that it may after each commit.
type compacting struct{ store.Database }

// UpdateReports implements fleet.Store.
func (c compacting) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := c.Database.UpdateReports(ctx, fn); err != nil {
		return err
	}
	_, err := CompactAll(ctx, c.Database)
	return err
}

// CompactAll seals all reports that are there, and compacts them; it says how many.
func CompactAll(ctx context.Context, db store.Database) (all int, err error) {
	if _, err := Seal(ctx, db); err != nil {
		return 0, err
	}
	for {
		n, err := db.Compact(ctx, time.Unix(1<<40, 0), 100)
		if all += n; err != nil || n == 0 {
			return all, err
		}
	}
}

// Seal puts a head over all reports that are there, and says how many are new under it. It is for the store alone: no
// tree has its root.
func Seal(ctx context.Context, db store.Database) (sealed int, err error) {
	return sealed, db.Update(ctx, func(tx fleet.Tx) error {
		head, _, err := tx.Seals().Latest(ctx, fleet.TreeReports)
		for more := err == nil; more; {
			var leaves []fleet.Leaf
			if leaves, err = tx.Seals().Leaves(ctx, fleet.TreeReports, head.N, 1000); err != nil {
				return err
			}
			if more = len(leaves) > 0; more {
				head.N, sealed = leaves[len(leaves)-1].N, sealed+len(leaves)
			}
		}
		if err != nil || sealed == 0 {
			return err
		}
		head.Size, head.Root = head.Size+int64(sealed), make([]byte, sha256.Size)
		return tx.Seals().Put(ctx, head, [][]byte{head.Root})
	})
}

// testCompact: what is sealed and old enough becomes compact, a bounded number at once, and never the last; the same
// answers come from it, and a report that comes again is left out.
func testCompact(t *testing.T, s store.Database) {
	var all []fleet.StoredReport
	for n := range 6 {
		for seq := int64(1); seq < 4; seq++ {
			r, key := Report(n, seq)
			all = append(all, Stored(t, r, key, later(len(all))))
		}
	}
	whole := all[4]
	whole.Ref, whole.ID, whole.Schema, whole.Release, whole.Envelope = "R", "I", 9, "x", []byte("no envelope at all")
	all = append(all, whole)
	add := func(want int, all ...fleet.StoredReport) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error {
			added, err := tx.Reports().Append(ctx, all...)
			if added != want {
				t.Errorf("added %d, wanted %d", added, want)
			}
			return err
		})
	}
	add(len(all), all...)
	compact := func(before time.Time, limit, want int) {
		t.Helper()
		if n, err := s.Compact(ctx, before, limit); n != want || err != nil {
			t.Errorf("up to %d reports before %s: %d became compact, %v; wanted %d", limit, before, n, err, want)
		}
	}
	compact(later(1000), 100, 0) // nothing is sealed
	update(t, s, func(tx fleet.Tx) error {
		leaves, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 16)
		if err != nil {
			return err
		}
		return tx.Seals().Put(ctx, fleet.Head{Tree: fleet.TreeReports, Size: 16, N: leaves[15].N, Root: make([]byte, 32)}, [][]byte{{1}})
	})
	before := answers(t, s, all)
	compact(later(3), 100, 3)
	compact(later(1000), 5, 5)
	compact(later(1000), 100, 8)
	compact(later(1000), 100, 0) // what is not sealed stays
	same(t, "with some compact", answers(t, s, all), before)
	if n, err := CompactAll(ctx, s); n != 2 || err != nil {
		t.Errorf("%d of the last 3 became compact, %v; wanted all but the last", n, err)
	}
	same(t, "with all but one compact", answers(t, s, all), before)
	other := all[0]
	other.Envelope = []byte("other bytes under one id")
	add(0, append(all, other)...)
	same(t, "after all came again", answers(t, s, all), before)
	r, key := Report(7, 1)
	last := Stored(t, r, key, later(99))
	add(1, last)
	view(t, s, func(tx fleet.Tx) error {
		leaves, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
		if err == nil && (len(leaves) != len(all)+1 || leaves[len(all)].N <= leaves[len(all)-1].N) {
			t.Errorf("%d leaves, the last of number %d", len(leaves), leaves[len(leaves)-1].N)
		}
		return err
	})
}

// answers are all that a store says of these reports.
func answers(t *testing.T, s fleet.Store, all []fleet.StoredReport) (said [][]any) {
	t.Helper()
	view(t, s, func(tx fleet.Tx) error {
		for _, r := range all {
			got, err1 := tx.Reports().Get(ctx, r.Ref, r.ID)
			of, err2 := tx.Reports().Of(ctx, r.Ref)
			arrived, err3 := tx.Reports().Arrived(ctx, r.Ref)
			first, err7 := tx.Reports().First(ctx, r.Ref)
			page, from, err4 := tx.Reports().Page(ctx, r.Ref, 2, 2)
			ids := []fleet.ReportID{{Ref: r.Ref, Seq: r.Seq, ID: r.ID}, {Ref: r.Ref, ID: r.ID}, {Ref: r.Ref, Seq: r.Seq + 1, ID: r.ID}}
			stored, err5 := tx.Reports().Stored(ctx, ids...)
			seqs, err6 := tx.Reports().Sequences(ctx, fleet.ReportSeq{Ref: r.Ref, Seq: r.Seq}, fleet.ReportSeq{Ref: r.Ref, Seq: 9})
			for _, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
				if err != nil {
					return err
				}
			}
			same(t, "as it came", got, r)
			said = append(said, []any{got, first, of, arrived, page, from, stored[ids[0]], stored[ids[1]], len(stored), seqs})
		}
		leaves, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
		said = append(said, []any{leaves})
		some, err1 := tx.Seals().Leaves(ctx, fleet.TreeReports, leaves[2].N, 4)
		said = append(said, []any{some})
		if err == nil {
			err = err1
		}
		return err
	})
	return said
}
