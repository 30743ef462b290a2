// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"errors"
	"strings"
	"testing"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/intake"
)

// spoil has the stored release two in a state that this program cannot read, or mends it.
func (w *world) spoil(t *testing.T, to []byte) {
	t.Helper()
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Releases().Get(ctx, "two")
		r.Source = to
		return errors.Join(err, tx.Releases().Save(ctx, r, fleet.ReleasePublished))
	}); err != nil {
		t.Fatal(err)
	}
	w.Rules.Invalidate()
}

// TestUnreadableRelease: whoever reports about it is told to keep the report, which counts once it can be read; all others
// are judged, aged and counted as ever.
func TestUnreadableRelease(t *testing.T) {
	w := newWorld(t)
	w.spoil(t, []byte("schema: 9\n"))
	about := func(release string, n int, seq int64) []byte {
		r, key := waits(n, seq)
		r.Release = release
		return seal(t, r, key)
	}
	_, err := w.Receive(ctx, about("two", 1, 1))
	if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Kind != fleet.Unsupported || e.Code != "release_unreadable" {
		t.Errorf("about the unreadable one: %v", err)
	}
	if _, err := w.Receive(ctx, about("three", 2, 1)); !fleet.Is(err, fleet.Invalid) {
		t.Errorf("about one that is not published: %v", err)
	}
	later, key := waits(3, 1) // its build is known all the same
	later.Build, later.BuildUTC = patchedLater, 1_407_600_001
	for _, text := range [][]byte{about("one", 1, 1), seal(t, later, key)} {
		if _, err := w.Receive(ctx, text); err != nil {
			t.Errorf("about another one: %v", err)
		}
	}
	if err := w.Tick(ctx); err != nil {
		t.Errorf("Tick: %v", err)
	}
	if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 || !strings.Contains(w.log.String(), "release=two") {
		t.Errorf("%d alarms; the log says\n%s", n, w.log)
	}
	w.spoil(t, source("two", 2))
	if receipt, err := w.Receive(ctx, about("two", 1, 2)); err != nil || receipt.Stored != intake.StoredNew {
		t.Errorf("once it can be read: %+v %v", receipt, err)
	}
	w.checkFigures(t)
}

// TestStoredUnderUnreadable: what stands under a release stays as it stands while that cannot be read.
func TestStoredUnderUnreadable(t *testing.T) {
	w := newWorld(t)
	for n, release := range []string{"one", "two"} { // the third spoke of both
		for _, who := range []int{n, 2} {
			r, key := waits(who, int64(n+1))
			r.Release = release
			if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.distort(t)
	w.spoil(t, []byte("schema: 9\n"))
	done, err := w.Rejudge(ctx, "one", "mei", nil)
	if err != nil || done.Judged != 2 || done.Changed != 1 || done.Kept != 1 {
		t.Errorf("one is judged again: %+v %v", done, err)
	}
	if _, err := w.Rejudge(ctx, "two", "mei", nil); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("two is judged again: %v", err)
	}
	w.clock.advance(2 * effect.SilentAfter)
	if err := w.Tick(ctx); err != nil {
		t.Errorf("Tick: %v", err)
	}
	w.checkFigures(t)
	silent := func(release string) (n int64) {
		if err := w.db.View(ctx, func(tx fleet.Tx) error {
			c, err := tx.Counts().Of(ctx, release, "armani", "stable")
			n = c.At(w.clock.now()).Silent
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if one, two := silent("one"), silent("two"); one != 1 || two != 2 {
		t.Errorf("silent are %d of one, %d of two", one, two)
	}
	w.spoil(t, source("two", 2))
	if done, err := w.Rejudge(ctx, "two", "mei", nil); err != nil || done.Changed != 0 || done.Kept != 0 || silent("two") != 2 {
		t.Errorf("once it can be read: %+v %v, %d silent", done, err, silent("two"))
	}
	w.checkFigures(t)
}
