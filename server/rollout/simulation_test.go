// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// TestLooksInflatePasses: a release of which 94 % are proven passes a bar of 95 % by chance, the more often the more looks
// there are. One look at each installation more, from 30 to 2,000, is the worst case.
func TestLooksInflatePasses(t *testing.T) {
	const runs = 4_000
	random := rand.New(rand.NewPCG(6, 94))
	bounds := []float64{1.645, 1.96, 2.576}
	passed := make([]int, len(bounds))
	for range runs {
		good, open := 0, 0
		for n := 1; n <= 2_000 && open < len(bounds); n++ {
			if random.Float64() < 0.94 {
				good++
			}
			for ; n >= 30 && open < len(bounds) && lowerAt(bounds[open], good, n) >= 0.95; open++ {
				passed[open]++
			}
		}
	}
	got := ""
	for i, bound := range bounds {
		share := float64(passed[i]) / runs
		got += fmt.Sprintf(" %.1f %% at z = %g", 100*share, bound)
		if most := []float64{0.12, 0.05, 0.006}[i]; share > most || i < 2 && share < most/3 {
			t.Errorf("at z = %g %.2f %% pass, wanted at most %g", bound, 100*share, 100*most)
		}
	}
	t.Log("94 % proven against a bar of 95 %: passed" + got)
}

// lowerAt is the lower Wilson bound at some z.
func lowerAt(z float64, good, n int) float64 {
	lower, _ := wilsonAt(z, int64(good), int64(n))
	return lower
}

// fleetOf plays a rollout by its usual stages with a counted fleet. Of those who run it a share is proven; the rest is not.
// Of the fleet, attackers are owned by somebody who forges what they say.
type fleetOf struct {
	known, attackers int64
	proven           float64
	forge            effect.Kind // what attackers say: Good, Bad, or Unjudged for a failure of the build
	resumes          int         // how often people resume it; if they do, they also widen what has not moved for a week
	gates            fleet.Gates
}

// played is how far it came in 60 days of looks, and how often it was stopped.
type played struct {
	stages       int // opened
	holds, halts int
	widened      int // by people
}

func (f fleetOf) play(random *rand.Rand) (p played) {
	r := running()
	r.Known, r.Stages = f.known, fleet.DefaultStages(f.known)
	for i := range r.Stages {
		r.Stages[i].Gates = f.gates
	}
	var honest, good, bad, broken int64 // those in the stage so far
	reached, stage := 0, -1
	for day := 1; day <= 60 && r.State != fleet.RolloutFinished; day++ {
		now := start.Add(time.Duration(day) * 24 * time.Hour)
		if stage != r.Stage { // its share is offered, and all of it reports by the time of the next look
			odds := float64(r.Share()-reached) / float64(10_000-reached)
			more := draw(random, f.known-f.attackers-honest, odds)
			forged := draw(random, f.attackers-bad-broken, odds)
			honest, stage, reached = honest+more, r.Stage, r.Share()
			good += draw(random, more, f.proven)
			switch f.forge {
			case effect.Good:
				honest, good = honest+forged, good+forged
				f.attackers -= forged
			case effect.Bad:
				bad += forged
			default:
				broken += forged
			}
		}
		of := fleet.NewFigures()
		of.Kinds = map[fleet.Kind]int64{effect.Good: good, effect.Open: honest - good, effect.Bad: bad}
		of.Progress = map[report.Progress]int64{report.ProgressRunning: honest + bad}
		of.Causes, of.Leaked = map[report.Cause]int64{report.CauseBuild: broken}, bad
		c := fleet.Counts{Figures: of, Counted: of}
		next, _ := Advance(now, r, Grounds{Counts: c, Witnesses: ofWitness(now, effect.Good)})
		if r = next; r.State == fleet.RolloutHeld || r.State == fleet.RolloutHalted {
			if r.State == fleet.RolloutHeld {
				p.holds++
			} else {
				p.halts++
			}
			if p.holds+p.halts > f.resumes {
				break
			}
			r, _ = Resume(r, now, "ann", "it was looked at", c)
		}
		if f.resumes > 0 && r.State == fleet.RolloutRunning && now.Sub(r.Since) > 9*24*time.Hour {
			r, _ = Widen(r, now, "ann", "all that could be judged are fine, but for what the lab knows", c)
			p.widened++
		}
		p.stages = max(p.stages, r.Stage)
	}
	if r.State == fleet.RolloutFinished {
		p.stages = len(r.Stages)
	}
	return p
}

// draw is how many of n are in, each with the same odds.
func draw(random *rand.Rand, n int64, odds float64) (in int64) {
	for range n {
		if random.Float64() < odds {
			in++
		}
	}
	return in
}

// TestPatientAttacker owns one percent of the counted fleet, which is what the budget of admission lets in within four
// weeks. It opens no stage that would not open without it, halts nothing, and what it holds goes on for good after a few
// resumes; small stages, in which one bad one is more than chance, a person has to widen.
func TestPatientAttacker(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	usual := fleet.DefaultStages(0)[0].Gates
	strict := fleet.Gates{MinReports: 400, MinProven: 9_500, MaxFailures: 1_000}
	const runs = 60
	for _, known := range []int64{600, 9_000, 60_000} {
		one := known / 100
		for _, tt := range []struct {
			name  string
			f     fleetOf
			check func(p played, alone played) string
		}{
			{"proof for a build that misses a bar of 95 % by 2 points", fleetOf{known: known, attackers: one, proven: 0.93,
				forge: effect.Good, gates: strict}, func(p, alone played) string {
				if p.stages == len(fleet.DefaultStages(known)) && alone.stages < p.stages {
					return "it went to the end"
				}
				return ""
			}},
			{"leaks against a good one", fleetOf{known: known, attackers: one, proven: 0.97, forge: effect.Bad, resumes: 20, gates: usual},
				func(p, _ played) string {
					if p.halts > 0 || p.holds > 9 || p.stages < len(fleet.DefaultStages(known)) {
						return "it was stopped for good, or too often"
					}
					return ""
				}},
			{"failures against a good one", fleetOf{known: known, attackers: one, proven: 0.97, forge: effect.Unjudged, gates: usual},
				func(p, _ played) string {
					if p.halts+p.holds > 0 {
						return "it was stopped"
					}
					return ""
				}},
		} {
			if known > 9_000 && tt.f.forge == effect.Unjudged {
				continue // as with 9,000
			}
			bad, holds, widened, ended := 0, 0, 0, 0
			for range runs {
				p, without := tt.f.play(random), tt.f
				without.known, without.attackers = known-one, 0
				if why := tt.check(p, without.play(random)); why != "" {
					if bad++; bad > runs/20 {
						t.Fatalf("%d counted, %s: %s: %+v", known, tt.name, why, p)
					}
				}
				holds, widened = holds+p.holds, widened+p.widened
				if p.stages == len(fleet.DefaultStages(known)) {
					ended++
				}
			}
			t.Logf("%d counted, of which 1 %% forge %s: in %d runs %d ended, %d holds, %d widened by people, %d not as "+
				"wanted", known, tt.name, runs, ended, holds, widened, bad)
		}
	}
}
