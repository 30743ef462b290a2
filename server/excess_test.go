// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"strings"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
)

// TestExcessIsTold: more that report to run it than the share explains are one line and a figure, and hold nothing.
func TestExcessIsTold(t *testing.T) {
	h, _ := onHand(t) // 1 % of armani
	met := func(from, to int, progress report.Progress) {
		t.Helper()
		if err := h.db.UpdateReports(t.Context(), func(tx fleet.Tx) error {
			for n := from; n < to; n++ {
				i := fleet.Installation{Ref: report.Reference(fmt.Sprintf("%064x", n)), Current: true, Model: "armani", Channel: "stable",
					Release: "one", Progress: progress, Seq: 1}
				if err := tx.Counts().Move(t.Context(), nil, &i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	told := func() (n int) {
		t.Helper()
		if err := h.excess.tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Count(h.log.String(), "than the share of its rollout explains")
	}
	met(0, 580, report.ProgressKnown)
	met(580, 600, report.ProgressRunning)
	if n := told(); n != 0 || h.excess.n.Load() != 0 {
		t.Errorf("20 of 600 at 1 %%: told %d times, the figure is %d", n, h.excess.n.Load())
	}
	met(600, 610, report.ProgressRunning)
	was := h.rollout()
	for range 3 {
		if n := told(); n != 1 || h.excess.n.Load() != 1 {
			t.Errorf("30 of 610 at 1 %%: told %d times, the figure is %d", n, h.excess.n.Load())
		}
	}
	h.untouched(was, "too many run it")
	if !strings.Contains(h.log.String(), "running=30 explained=21") {
		t.Errorf("the log:\n%s", h.log)
	}
}
