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

// TestPeopleHaveTheLastWord plays arbitrary fleets, counted ones and others, with leaks, failures and losses, witnesses whose
// vouchers run out, outages, and a clock that is not believed. Whatever the
// engine decides by itself, or waits for, there is a row of commands after which the rollout goes on to its end although no
// figure changes.
func TestPeopleHaveTheLastWord(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	met, why := map[fleet.RolloutState]int{}, map[string]int{}
	for range 900 {
		r, now, c := running(), start, fleet.Counts{Figures: fleet.NewFigures(), Counted: fleet.NewFigures()}
		r.Known = random.Int64N(20_000) * random.Int64N(2)
		if r.Stages = fleet.DefaultStages(r.Known); random.IntN(2) == 0 {
			r.Stages[0].Gates.HaltLeaks = random.Int64N(4)
		}
		w := fleet.Witnesses{Started: r.Started}
		for range 20 {
			now = now.Add(time.Duration(random.IntN(40)) * time.Hour)
			c = some(random, now, c)
			w = watched(random, now, w)
			known := Grounds{Counts: c, Witnesses: w, Distrusted: random.IntN(20) == 0}
			if random.IntN(4) == 0 {
				known.Down = time.Duration(random.Int64N(int64(now.Sub(r.Since)) + 1))
			}
			next, _ := Advance(now, r, known)
			met[next.State]++
			why[next.Held.Code]++
			why[next.Reason.Code]++
			if r = next; r.State == fleet.RolloutRunning {
				for _, w := range Waiting(now, r, known) {
					why[w.Code]++
				}
				continue
			}
			if goesOn(t, now, r, c, w); t.Failed() {
				return
			}
			if r.State != fleet.RolloutFinished { // and she stays with it
				r, _ = Resume(r, now, "ann", "known", c)
				w = overruled(now, w)
			}
		}
		if goesOn(t, now, r, c, w); t.Failed() {
			return
		}
	}
	for _, state := range []fleet.RolloutState{fleet.RolloutRunning, fleet.RolloutHeld, fleet.RolloutHalted} {
		if met[state] < 50 {
			t.Errorf("%s was met %d times; wanted enough to say something", state, met[state])
		}
	}
	for _, code := range []string{
		reasons.LeaksFound, reasons.LeaksUnconfirmed, reasons.LeaksHalt, reasons.FailuresFound, reasons.FailuresHalt,
		reasons.LostFound, reasons.WaitsSoak, reasons.WaitsLook, reasons.WaitsJudged, reasons.WaitsProven, reasons.WaitsFailures,
		reasons.WaitsLost, reasons.WaitsSmall, reasons.WaitsNobody, reasons.WaitsNothingBad,
		reasons.WitnessHalt, reasons.WaitsWitness, reasons.WaitsWitnessAll, reasons.WaitsWitnessExpired, reasons.WaitsClock, reasons.WaitsDown,
	} {
		if why[code] < 5 {
			t.Errorf("%s was met %d times; wanted enough to say something", code, why[code])
		}
	}
}

// watched are witnesses some time later: another may be vouched for, and each may report.
func watched(random *rand.Rand, now time.Time, w fleet.Witnesses) fleet.Witnesses {
	w.All = slices.Clone(w.All)
	if random.IntN(30) == 0 && len(w.All) < 3 {
		until := now.Add(time.Duration(1+random.IntN(900)) * time.Hour)
		w.All = append(w.All, fleet.Witness{Ref: report.Reference(rune('A' + len(w.All))), Vouched: []fleet.Span{{From: now, Until: until}}})
	}
	for i := range w.All {
		switch one := &w.All[i]; random.IntN(12) {
		case 0, 1, 2:
			one.Kind, one.Current, one.Last = effect.Good, true, now
		case 3:
			one.Kind, one.Leaked, one.Current, one.Last = effect.Bad, true, true, now
		}
		if w.All[i].First.IsZero() {
			w.All[i].First = w.All[i].Last
		}
	}
	return w
}

// overruled are witnesses once somebody resumed.
func overruled(now time.Time, w fleet.Witnesses) fleet.Witnesses {
	bad := w.BadAt(now)
	w.All = slices.Clone(w.All)
	for i := range w.All {
		w.All[i].Suspended = w.All[i].Suspended || slices.Contains(bad, w.All[i].Ref)
	}
	return w
}

// some adds to figures: of counted installations, and of others.
func some(random *rand.Rand, now time.Time, c fleet.Counts) fleet.Counts {
	counted := more(random, now, c.Counted)
	all := more(random, now, counted)
	all.Leaked = max(all.Leaked, c.Leaked)
	return fleet.Counts{Figures: all, Counted: counted}
}

func more(random *rand.Rand, now time.Time, c fleet.Figures) fleet.Figures {
	few := func() int64 { return random.Int64N(1 + random.Int64N(1+random.Int64N(60))) }
	f := fleet.NewFigures()
	bad := few() / 9 * random.Int64N(2) * random.Int64N(2)
	build := few() / 9 * random.Int64N(2)
	f.Leaked = c.Leaked + bad
	f.Kinds[effect.Good], f.Kinds[effect.Bad] = c.Proven()+few(), c.Kinds[effect.Bad]+bad
	f.Kinds[effect.Open] = c.Kinds[effect.Open] + few()/3
	f.Causes[report.CauseBuild] = c.Causes[report.CauseBuild] + build
	f.Causes[report.CauseNetwork] = c.Causes[report.CauseNetwork] + few()
	f.Progress[report.ProgressRunning] = f.Judged()
	f.Progress[report.ProgressFailed] = f.Causes[report.CauseBuild] + f.Causes[report.CauseNetwork]
	for hour, n := range c.Installed { // some of them come back
		f.Installed[hour] = n - random.Int64N(n+1)/2
	}
	f.Installed[fleet.Hour(now)] += few() / 5
	return f
}

// goesOn resumes what stopped, and widens to the end. Who is lost meanwhile, as time goes on, may hold it a few times more.
func goesOn(t *testing.T, now time.Time, r fleet.Rollout, c fleet.Counts, w fleet.Witnesses) {
	t.Helper()
	down := now.Sub(r.Since) // no time counts, and the clock is not even believed
	for n := range 2*len(r.Stages) + 12 {
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
			w = overruled(now, w)
			if next, events := Advance(now, r, Grounds{Counts: c, Down: down, Distrusted: n%2 == 0, Witnesses: w}); next.State != fleet.RolloutRunning &&
				next.State != fleet.RolloutFinished {
				t.Fatalf("resumed, and by the same figures %s: %v\n%+v\n%+v", next.State, events, before, c)
			}
		default:
			if r, err = Widen(r, now, "ann", "it was looked at", c); err != nil {
				t.Fatal(err)
			}
			next, events := Advance(now, r, Grounds{Counts: c, Down: down, Distrusted: n%2 == 0, Witnesses: w})
			if next.State == fleet.RolloutHalted && len(w.BadAt(now)) == 0 {
				t.Fatalf("widened, and halted by the same figures: %v\n%+v", events, c)
			}
			r = next
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
