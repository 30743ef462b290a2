// SPDX-License-Identifier: Apache-2.0

package support

import (
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
)

// fleetOfSeven is the picture of a Thursday: models in every standing.
func (h *fixture) fleetOfSeven() {
	h.t.Helper()
	h.publish("armani", "HM2013023", "lcsh92_wet_jb9", "dior", "pisces", "cancro", "fuxi")
	h.roll("armani", func(r *fleet.Rollout) { r.Stage, r.State = 3, fleet.RolloutFinished })
	h.roll("HM2013023", func(r *fleet.Rollout) { r.Stage = 2 })
	h.roll("lcsh92_wet_jb9", func(r *fleet.Rollout) { r.Stage = 1 })
	h.roll("dior", func(r *fleet.Rollout) { r.Stage = 2 })
	h.roll("pisces", func(r *fleet.Rollout) {
		r.State, r.By, r.Changed = fleet.RolloutHalted, "landed", now.Add(-7*time.Hour)
		r.Reason = fleet.Reason{Code: reasons.LeaksHalt, Values: map[string]string{"n": "3"}}
	})
	h.roll("cancro", func(r *fleet.Rollout) { r.Stage = 1 })
	h.roll("fuxi", nil)
	for _, c := range []struct {
		device string
		n      int
		class  fleet.Class
		before fleet.Before
	}{
		{"armani", 98_211, confirmedOff, beforeActive},
		{"armani", 20_140, confirmedOff, notSeen},
		{"armani", 4_033, consented, beforeActive},
		{"armani", 312, registered, beforeActive},
		{"armani", 6_750, notExercised, beforeQuiet},
		{"armani", 2, contradictory, notSeen},
		{"armani", 3_901, unpatched, beforeActive},
		{"armani", 8_417, unknown, beforeOff},
		{"HM2013023", 2_420, confirmedOff, beforeActive},
		{"HM2013023", 110, consented, beforeActive},
		{"HM2013023", 540, notExercised, beforeQuiet},
		{"HM2013023", 2_870, unpatched, beforeActive},
		{"HM2013023", 305, unknown, beforeQuiet},
		{"lcsh92_wet_jb9", 190, confirmedOff, beforeActive},
		{"lcsh92_wet_jb9", 12, consented, beforeActive},
		{"lcsh92_wet_jb9", 1_604, unpatched, beforeActive},
		{"dior", 1_240, confirmedOff, beforeActive},
		{"dior", 322, consented, beforeActive},
		{"dior", 40, registered, beforeActive},
		{"dior", 1_420, unpatched, beforeActive},
		{"pisces", 3, leak, beforeActive},
		{"pisces", 4, notExercised, beforeActive},
		{"pisces", 611, unpatched, beforeActive},
		{"pisces", 18, unknown, beforeActive},
		{"cancro", 210, confirmedOff, beforeOff},
		{"cancro", 35, consented, beforeActive},
		{"cancro", 402, carriedOver, beforeActive},
		{"cancro", 5_200, unpatched, beforeActive},
	} {
		h.count(c.device, c.n, c.class, c.before)
	}
	h.countAs("armani", 120, unpatched, beforeActive, report.ProgressDownloading)
	h.countAs("HM2013023", 31, unpatched, beforeActive, report.ProgressFailed)
}
