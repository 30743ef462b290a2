// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/intake"
)

func (w *world) reckonedAt(t *testing.T) (mark report.Reference) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		mark, err = tx.Walks().At(ctx, "reckoned")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return mark
}

func (w *world) updateReports(t *testing.T, fn func(fleet.Tx) error) {
	t.Helper()
	if err := w.db.UpdateReports(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func (w *world) mark(t *testing.T, as report.Reference) {
	t.Helper()
	w.updateReports(t, func(tx fleet.Tx) error {
		if as == "" {
			return tx.Walks().End(ctx, "reckoned")
		}
		return tx.Walks().Put(ctx, "reckoned", as)
	})
}

// decided is a world in which a quarantine was made, installations 0 to 9 were admitted, the quarantine was lifted, and
// another admission found nobody; marks are those that each left.
func decided(t *testing.T) (w *world, marks []report.Reference) {
	w = newWorld(t)
	marks = []report.Reference{""}
	did := func() {
		w.reckon(t)
		marks = append(marks, w.reckonedAt(t))
	}
	for n := range 10 {
		w.says(t, waits, n, 1)
	}
	w.clock.advance(15 * day)
	for n := range 10 {
		w.says(t, waits, n, 2)
	}
	q := fleet.Quarantine{ID: "00000001", From: w.clock.now(), To: w.clock.now().Add(time.Hour), At: w.clock.now(), By: "mei"}
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	w.says(t, silent, 10, 1)
	did()
	w.clock.advance(time.Hour)
	w.admitAll(t, "stable")
	did()
	w.clock.advance(time.Hour)
	q.Lifted = w.clock.now()
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	did()
	w.clock.advance(time.Hour)
	w.admitAll(t, "stable")
	did()
	if c := w.total(t); c.Counted.Installations != 10 {
		t.Fatalf("%d are counted", c.Counted.Installations)
	}
	return w, marks
}

// TestMarksOfWhoCounts: a mark is one that something that was decided left, or it is named; whatever it is, who counts is
// held against what was decided from there on.
func TestMarksOfWhoCounts(t *testing.T) {
	w, marks := decided(t)
	lifted, made := w.clock.now().Add(-time.Hour).UnixMilli(), w.clock.now().Add(-3*time.Hour).UnixMilli()
	_, digest, _ := strings.Cut(string(marks[2]), ".")
	for mark, known := range map[report.Reference]bool{
		marks[0]: true, marks[1]: true, marks[2]: true, marks[3]: true, marks[4]: true,
		report.Reference(fmt.Sprintf("2.%d", lifted)): true, report.Reference(fmt.Sprintf("1.%d", made)): true, "0.0": true,
		"99.99": false, "2.99": false, "3." + report.Reference(digest): false, "-1." + report.Reference(digest): false,
		"01." + report.Reference(digest): false, "2": false, "x": false, "2." + report.Reference(strings.Repeat("ab", 32)): false,
	} {
		w.mark(t, mark)
		done, faults := w.verify(t)
		if known != (len(faults) == 0) || len(faults) > 1 ||
			done.Unreckoned != (mark != marks[4] && string(mark) != fmt.Sprintf("2.%d", lifted)) {
			t.Errorf("mark %.20q: %+v, %q", mark, done, faults)
		}
	}
	for _, mark := range append(marks, "99.99") {
		for what, change := range map[string]func(*fleet.Installation){
			"admitted":    func(i *fleet.Installation) { i.Admitted = i.First.Add(time.Hour) },
			"counted":     func(i *fleet.Installation) { i.Counted = !i.Counted },
			"quarantined": func(i *fleet.Installation) { i.Quarantined = !i.Quarantined },
		} {
			w.mark(t, mark)
			for _, n := range []int{3, 10} {
				was := w.installation(t, n)
				next := was
				change(&next)
				w.updateReports(t, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, next) })
				stood := mark == marks[1] || mark == marks[2] || mark == "" || mark == "99.99"
				if _, faults := w.verify(t); !strings.Contains(fmt.Sprint(faults), "installation") &&
					!(what == "quarantined" && n == 10 && stood) { // as it stood then
					t.Errorf("mark %.20q: %s of %d is not named: %q", mark, what, n, faults)
				}
				w.updateReports(t, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, was) })
			}
		}
	}
}

// TestVerifyWithinAWalk: who was not reached yet stands as before; whoever stands as nothing decided would have it is named.
func TestVerifyWithinAWalk(t *testing.T) {
	w := newWorld(t)
	for n := range 600 {
		w.says(t, waits, n, 1)
	}
	w.clock.advance(15 * day)
	for n := range 600 {
		w.says(t, waits, n, 2)
	}
	w.clock.advance(time.Hour)
	w.admitAll(t, "stable")
	stop, cancel := context.WithCancel(ctx)
	if _, err := w.Reckon(stop, func(intake.Reckoned) { cancel() }); err == nil {
		t.Fatal("it was not interrupted")
	}
	if c := w.total(t); c.Counted.Installations != 500 {
		t.Fatalf("%d are counted", c.Counted.Installations)
	}
	w.follows(t)
	w.mark(t, "99.99") // another hand: everything is applied again
	w.reckon(t)
	if c := w.total(t); c.Counted.Installations != 600 {
		t.Errorf("%d are counted after a mark of another hand", c.Counted.Installations)
	}
	w.follows(t)
}
