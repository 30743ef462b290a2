// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/reasons"
)

// TestCheckStop: a resume ends what its person saw. More reports of the same kind are no other stop.
func TestCheckStop(t *testing.T) {
	held := func(code, n string) fleet.Rollout {
		r := running()
		r.State, r.Held = fleet.RolloutHeld, reason(code, "n", n, "share", 100)
		return r
	}
	halted := func(by, why string, at time.Time) fleet.Rollout {
		r, err := Halt(running(), at, by, why)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	later := start.Add(time.Hour)
	for name, tt := range map[string]struct {
		saw, is fleet.Rollout
		code    string
	}{
		"the same":                    {held(reasons.LeaksFound, "1"), held(reasons.LeaksFound, "1"), ""},
		"more of the same":            {held(reasons.LeaksFound, "1"), held(reasons.LeaksFound, "2"), ""},
		"another kind":                {held(reasons.LeaksFound, "1"), held(reasons.FailuresFound, "1"), "stopped_otherwise"},
		"nothing, and it is held":     {running(), held(reasons.LeaksFound, "1"), ""},
		"nothing, and it is halted":   {running(), halted("bo", "it burns", start), "stopped_otherwise"},
		"a hold, and it is halted":    {held(reasons.LeaksFound, "1"), halted("bo", "it burns", start), "stopped_otherwise"},
		"that halt":                   {halted("bo", "it burns", start), halted("bo", "it burns", start), ""},
		"a halt of somebody else":     {halted("bo", "it burns", start), halted("ann", "it burns", start), "stopped_otherwise"},
		"a halt of an hour later":     {halted("bo", "it burns", start), halted("bo", "it burns", later), "stopped_otherwise"},
		"a halt, and it runs already": {halted("bo", "it burns", start), running(), ""},
	} {
		if err := CheckStop(tt.is, Stop(tt.saw)); codeOf(err) != tt.code {
			t.Errorf("%s: %v, wanted %q", name, err, tt.code)
		}
	}
}

// TestCheckStage: whoever says it twice goes one stage.
func TestCheckStage(t *testing.T) {
	r := running()
	last := len(r.Stages)
	for _, tt := range []struct {
		stage, to int
		finished  bool
		there     bool
		code      string
	}{
		{0, 2, false, false, ""}, {1, 2, false, true, ""}, {0, 3, false, false, "stage_other"}, {0, 1, false, false, "stage_other"},
		{0, 0, false, false, "stage_other"}, {2, 2, false, false, "stage_other"}, {last - 1, last + 1, false, false, ""},
		{last - 1, last + 1, true, true, ""}, {last - 1, last, true, false, "stage_other"},
	} {
		if r.Stage, r.State = tt.stage, fleet.RolloutRunning; tt.finished {
			r.State = fleet.RolloutFinished
		}
		if there, err := CheckStage(r, tt.to); there != tt.there || codeOf(err) != tt.code {
			t.Errorf("%+v: %t, %v", tt, there, err)
		}
	}
}
