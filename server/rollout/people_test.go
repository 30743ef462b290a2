// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
)

// TestPeopleHaveTheLastWord plays arbitrary fleets. Whatever the engine decides by itself, or waits for, there is a row
// of commands after which the rollout goes on to its end although no figure changes.
func TestPeopleHaveTheLastWord(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	met := map[fleet.RolloutState]int{}
	for range 600 {
		r, now, c := running(), start, fleet.Counts{}
		r.Known = random.Int64N(20_000)
		if r.Stages = fleet.DefaultStages(r.Known); random.IntN(2) == 0 {
			r.Stages[0].Gates.HaltLeaks = random.Int64N(4)
		}
		for range 20 {
			now = now.Add(time.Duration(random.IntN(40)) * time.Hour)
			c = some(random, c)
			next, _ := Advance(now, r, Grounds{Counts: c})
			met[next.State]++
			if r = next; r.State == fleet.RolloutRunning {
				continue
			}
			if goesOn(t, now, r, c); t.Failed() {
				return
			}
			if r.State != fleet.RolloutFinished { // and she stays with it
				r, _ = Resume(r, now, "ann", "known", c)
			}
		}
		if goesOn(t, now, r, c); t.Failed() {
			return
		}
	}
	for _, state := range []fleet.RolloutState{fleet.RolloutRunning, fleet.RolloutHeld, fleet.RolloutHalted} {
		if met[state] < 50 {
			t.Errorf("%s was met %d times; wanted enough to say something", state, met[state])
		}
	}
}

// some adds to figures.
func some(random *rand.Rand, c fleet.Counts) fleet.Counts {
	few := func() int64 { return random.Int64N(1 + random.Int64N(1+random.Int64N(60))) }
	good, bad, build, network := c.Proven()+few(), c.Kinds[effect.Bad]+few()/9, c.Causes[report.CauseBuild]+few()/9,
		c.Causes[report.CauseNetwork]+few()
	return fleet.Counts{Figures: fleet.Figures{
		Leaked: c.Leaked + bad - c.Kinds[effect.Bad],
		Kinds:  map[fleet.Kind]int64{effect.Good: good, effect.Bad: bad},
		Progress: map[report.Progress]int64{report.ProgressRunning: good + bad,
			report.ProgressFailed: build + network},
		Causes: map[report.Cause]int64{report.CauseBuild: build, report.CauseNetwork: network},
	}}
}

// goesOn resumes what stopped, and widens to the end.
func goesOn(t *testing.T, now time.Time, r fleet.Rollout, c fleet.Counts) {
	t.Helper()
	down := now.Sub(r.Since) // no time counts, and the clock is not even believed
	for n := range 2*len(r.Stages) + 2 {
		now = now.Add(time.Minute)
		before := r
		var err error
		switch r.State {
		case fleet.RolloutFinished:
			return
		case fleet.RolloutHeld, fleet.RolloutHalted:
			if r, err = Resume(r, now, "ann", "it was looked at", c); err != nil {
				t.Fatal(err)
			}
			if next, events := Advance(now, r, Grounds{Counts: c, Down: down, Distrusted: n%2 == 0}); next.State != fleet.RolloutRunning && next.State != fleet.RolloutFinished {
				t.Fatalf("resumed, and by the same figures %s: %v\n%+v\n%+v", next.State, events, before, c)
			}
		default:
			if r, err = Widen(r, now, "ann", "it was looked at", c); err != nil {
				t.Fatal(err)
			}
			if next, events := Advance(now, r, Grounds{Counts: c, Down: down, Distrusted: n%2 == 0}); next.State == fleet.RolloutHalted {
				t.Fatalf("widened, and halted by the same figures: %v\n%+v", events, c)
			}
		}
	}
	t.Fatalf("it never ends: %+v", r)
}

func TestSetStages(t *testing.T) {
	r := running()
	r.Stage = 1
	all := fleet.DefaultStages(0)
	longer := slices.Insert(slices.Clone(all), 2, fleet.Stage{Share: 2_000})
	other := slices.Clone(all)
	other[1].Soak++
	for name, tt := range map[string]struct {
		stages []fleet.Stage
		reason string
		code   string // "" if it is done
	}{
		"one more":            {longer, "more care", ""},
		"one less":            {[]fleet.Stage{all[0], all[1], all[3]}, "no care", ""},
		"the same":            {all, "nothing", ""},
		"one that is reached": {other, "longer", "stages_reached"},
		"too few":             {all[3:], "now", "stages_reached"},
		"no end":              {all[:3], "never", "stages"},
		"no reason":           {longer, " ", "reason_missing"},
	} {
		next, err := SetStages(r, start.Add(time.Hour), "ann", tt.reason, tt.stages)
		if code := codeOf(err); code != tt.code {
			t.Errorf("%s: %v, wanted %q", name, err, tt.code)
		} else if err == nil && (!slices.Equal(next.Stages, tt.stages) || next.By != "ann" || next.Stage != 1) {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

func codeOf(err error) string {
	if e, ok := err.(*fleet.Error); ok {
		return e.Code
	}
	return ""
}

// TestAfterLeak: whatever it was stopped for, leaks that nobody forgave are not forgiven by one person.
func TestAfterLeak(t *testing.T) {
	for name, tt := range map[string]struct {
		held, reason string
		forgiven     int
		leaked       int64
		want         bool
	}{
		"held for leaks":          {held: reasons.LeaksFound, want: true},
		"halted for leaks":        {reason: reasons.LeaksHalt, leaked: 5, want: true},
		"halted by a witness":     {reason: reasons.WitnessHalt, want: true},
		"failures":                {held: reasons.FailuresFound},
		"halted by hand":          {reason: fleet.SaidCode},
		"by hand, after a leak":   {reason: fleet.SaidCode, leaked: 1, want: true},
		"by hand, one more":       {held: fleet.SaidCode, forgiven: 5, leaked: 6, want: true},
		"by hand, none more":      {held: fleet.SaidCode, forgiven: 5, leaked: 5},
		"resumed before, by hand": {held: fleet.SaidCode, reason: fleet.SaidCode, forgiven: 5, leaked: 3},
	} {
		r := fleet.Rollout{Held: fleet.Reason{Code: tt.held}, Reason: fleet.Reason{Code: tt.reason}, Forgiven: tt.forgiven}
		if got := AfterLeak(start, r, Grounds{Counts: fleet.Counts{Figures: fleet.Figures{Leaked: tt.leaked}}}); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRetriesHaveAnEnd(t *testing.T) {
	r := running()
	r.Retries = offers.MaxRetry - 1
	r, err := Retry(r, start, "the mirror is mended")
	if err != nil || r.Retries != offers.MaxRetry {
		t.Fatalf("%d, %v", r.Retries, err)
	}
	if _, err = Retry(r, start, "again"); codeOf(err) != "retries_spent" {
		t.Errorf("got %v", err)
	}
}

// TestCautions: what people wrote is taken, and they are told.
func TestCautions(t *testing.T) {
	stages := []fleet.Stage{{Share: 100}, {Share: 5_000}, {Share: 10_000}}
	for known, want := range map[int64]int{0: 0, 600: 0, 10_000: 1, 200_000: 2} {
		if got := Cautions(stages, known); len(got) != want {
			t.Errorf("of %d: %q", known, got)
		}
	}
}
