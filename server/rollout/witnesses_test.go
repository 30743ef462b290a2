// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/reasons"
)

func witness(kind fleet.Kind, age time.Duration) fleet.Witness {
	return fleet.Witness{Ref: "0123456789ABCDEFGHJKMNPQ", Vouched: []fleet.Span{{From: start, Until: start.AddDate(1, 0, 0)}}, Kind: kind,
		Current: true, Last: start.Add(50*time.Hour - age)}
}

// TestWitnesses: where somebody vouches for a handset of the model, it has to show the effect, and may stop the model.
func TestWitnesses(t *testing.T) {
	now := start.Add(50 * time.Hour) // the first stage has soaked
	good, bad, silent := witness(effect.Good, time.Hour), witness(effect.Bad, time.Hour), witness("", time.Hour)
	stale, left, leaked, overruled, notYet := good, good, good, bad, bad
	stale.Last = now.Add(-fleet.WitnessFresh - 1)
	left.Current = false
	leaked.Leaked = true
	overruled.Suspended = true
	notYet.Vouched = []fleet.Span{{From: now.Add(1), Until: now.AddDate(1, 0, 0)}}
	ended := []fleet.Span{{From: start.AddDate(-1, 0, 0), Until: now.Add(-time.Minute)}}
	over, overGood, overLeak, after := silent, good, leaked, bad
	over.Vouched, overGood.Vouched, overLeak.Vouched, after.Vouched = ended, ended, ended, ended
	overLeak.First, overLeak.Last = now.Add(-time.Hour), now
	after.Last = now
	overOverruled, before := overLeak, bad
	overOverruled.Suspended = true
	before.Vouched = []fleet.Span{{From: start.AddDate(-1, 0, 0), Until: start.Add(-time.Hour)}}
	overBad := bad
	overBad.Vouched = ended
	for _, c := range []struct {
		name  string
		all   []fleet.Witness
		state fleet.RolloutState
		stage int
		waits string // "" if there is nothing to wait for
	}{
		{"nobody vouches", nil, fleet.RolloutRunning, 1, ""},
		{"one is good", []fleet.Witness{good}, fleet.RolloutRunning, 1, ""},
		{"one is good, and one silent", []fleet.Witness{silent, good}, fleet.RolloutRunning, 1, ""},
		{"one is silent", []fleet.Witness{silent}, fleet.RolloutRunning, 0, "within the last 7 days, now none of 1 has"},
		{"its report is old", []fleet.Witness{stale}, fleet.RolloutRunning, 0, "within the last 7 days"},
		{"it has another release by now", []fleet.Witness{left}, fleet.RolloutRunning, 0, "within the last 7 days"},
		{"one is bad", []fleet.Witness{good, bad}, fleet.RolloutHalted, 0, "now 1 of 2 do"},
		{"one was bad", []fleet.Witness{leaked}, fleet.RolloutHalted, 0, "now 1 of 1 do"},
		{"the bad one is overruled", []fleet.Witness{overruled, good}, fleet.RolloutRunning, 1, ""},
		{"the only one is overruled", []fleet.Witness{overruled}, fleet.RolloutRunning, 0, "widen by hand"},
		{"nobody vouched for it yet", []fleet.Witness{notYet}, fleet.RolloutRunning, 1, ""},
		{"the voucher of a silent one ran out", []fleet.Witness{over}, fleet.RolloutRunning, 0, "the 1 voucher that there were ran out"},
		{"the voucher of a good one ran out", []fleet.Witness{overGood}, fleet.RolloutRunning, 0, "vouches for a handset of the model again"},
		{"one ran out, and one is good", []fleet.Witness{over, good}, fleet.RolloutRunning, 1, ""},
		{"it was bad, and its voucher ran out", []fleet.Witness{overBad}, fleet.RolloutHalted, 0, "now 1 of 1 do"},
		{"it leaked, and its voucher ran out", []fleet.Witness{overLeak, good}, fleet.RolloutHalted, 0, "now 1 of 1 do"},
		{"it was overruled, and its voucher ran out", []fleet.Witness{overOverruled}, fleet.RolloutRunning, 0, "or a person widens it"},
		{"it is bad since its voucher ran out", []fleet.Witness{after}, fleet.RolloutRunning, 0, "vouches for a handset of the model again"},
		{"its voucher ran out before the start", []fleet.Witness{before}, fleet.RolloutRunning, 1, ""},
	} {
		r := running()
		r.Stages[0].Gates = fleet.Gates{}
		known := Grounds{Witnesses: fleet.Witnesses{All: c.all, Started: r.Started}}
		next, events := Advance(now, r, known)
		if next.State != c.state || next.Stage != c.stage {
			t.Errorf("%s: it is %s in stage %d: %v", c.name, next.State, next.Stage, events)
		}
		if next.State == fleet.RolloutHalted && (next.Reason.Code != reasons.WitnessHalt || !events[0].Alarm) {
			t.Errorf("%s: halted for %v, %v", c.name, next.Reason, events)
		}
		waits := strings.Join(reasons.All(Waiting(now, r, known)), "; ")
		if (c.waits == "") != (waits == "") || !strings.Contains(waits, c.waits) {
			t.Errorf("%s: waits for %q, wanted %q", c.name, waits, c.waits)
		}
	}
}

// TestWitnessIsNotForgiven: to resume forgives figures, and no witness.
func TestWitnessIsNotForgiven(t *testing.T) {
	now := start.Add(50 * time.Hour)
	known := Grounds{Witnesses: fleet.Witnesses{All: []fleet.Witness{witness(effect.Bad, time.Hour)}}}
	r, _ := Advance(now, running(), known)
	r, err := Resume(r, now, "ann", "the lab mixed up its phones", fleet.Counts{})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ = Advance(now, r, known); r.State != fleet.RolloutHalted {
		t.Errorf("it is %s", r.State)
	}
	known.Witnesses.All[0].Suspended = true
	if r, err = Resume(r, now, "ann", "the lab mixed up its phones", fleet.Counts{}); err != nil {
		t.Fatal(err)
	}
	if r, _ = Advance(now, r, known); r.State != fleet.RolloutRunning {
		t.Errorf("overruled, it is %s", r.State)
	}
	if r, err = Widen(r, now, "ann", "by hand", fleet.Counts{}); err != nil || r.Stage != 1 {
		t.Errorf("widened: stage %d, %v", r.Stage, err)
	}
}
