// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/settle"
	"landed/server/store/storetest"
)

var optIn = func() *effect.Program {
	p, err := effect.Compile(storetest.OptIn)
	if err != nil {
		panic(err)
	}
	return p
}()

// uploads is another effect, with findings of its own.
var uploads = func() *effect.Program {
	e, err := effect.ByName("app-list-upload-off")
	if err != nil {
		panic(err)
	}
	p, err := effect.Compile(e)
	if err != nil {
		panic(err)
	}
	return p
}()

var rules = map[string]effect.Standard{
	"one":     {Program: optIn, Builds: []effect.Build{{Fingerprint: patched, Model: "armani", Variant: "armani"}}},
	"two":     {Program: optIn, Builds: []effect.Build{{Fingerprint: patchedLater, Model: "armani", Variant: "armani"}}},
	"uploads": {Program: uploads, Builds: []effect.Build{{Fingerprint: patchedLater, Model: "armani", Variant: "armani"}}},
}

// arrival is a report of installation 1, as it comes out of the queue.
func arrival(what maker, seq int64, change ...func(*report.Report)) intake.Arrival {
	r, key := what(1, seq)
	for _, c := range change {
		c(&r)
	}
	return intake.Arrival{
		Envelope: fmt.Appendf(nil, "%s %d %s", r.ID, seq, r.Release), Report: r, Rule: rules[r.Release],
		Ref: report.ReferenceOf(key.Public().(ed25519.PublicKey)),
	}
}

func onTwo(r *report.Report) {
	r.Release = "two"
	if r.Build == patched {
		r.Build, r.BuildUTC = patchedLater, 1_407_600_001
	}
}

// sends is about a release of the other effect, before its patch.
func sends(r *report.Report) {
	r.Release, r.Answers = "uploads", probe.Answers{"uploads_build": probe.Int(1)}
}

// chosenID is of version 1, where a handset may write what it likes there.
func chosenID(r *report.Report) { r.Schema, r.ID = 1, strings.Repeat("c", 32) }

func otherID(r *report.Report) { r.ID = strings.Repeat("f", 32) }

func otherModel(r *report.Report) { r.Model = "dior" }

// settled plays batches as a store would, and gives the last outcome with the states after it.
func settled(batches ...[]intake.Arrival) (out intake.Outcome, states []fleet.Installation) {
	loaded := intake.Loaded{
		States: map[report.Reference][]fleet.Installation{}, Newest: map[report.Reference]intake.Arrival{},
		Stored: map[fleet.ReportID]fleet.StoredReport{}, Sequences: map[fleet.ReportSeq]bool{},
	}
	arrived := map[string]intake.Arrival{}
	for n, batch := range batches {
		out = settle.Settle(storetest.Now.Add(time.Duration(n)*time.Hour), batch, loaded)
		for _, a := range batch {
			arrived[a.Report.ID] = a
		}
		for _, r := range out.Reports {
			loaded.Stored[fleet.ReportID{Ref: r.Ref, Seq: r.Seq, ID: r.ID}] = r
			loaded.Stored[fleet.ReportID{Ref: r.Ref, ID: r.ID}] = r
			loaded.Sequences[fleet.ReportSeq{Ref: r.Ref, Seq: r.Seq}] = true
		}
		byRelease := map[string]fleet.Installation{}
		for _, i := range loaded.States[batch[0].Ref] {
			byRelease[i.Release] = i
		}
		for _, c := range out.Changes {
			byRelease[c.To.Release] = *c.To
		}
		states = nil
		for _, release := range []string{"one", "two", "uploads"} {
			if i, ok := byRelease[release]; ok && i.Current {
				states = append([]fleet.Installation{i}, states...)
				loaded.Newest[i.Ref] = arrived[i.Newest.ID]
			} else if ok {
				states = append(states, i)
			}
		}
		loaded.States[batch[0].Ref] = states
	}
	return out, states
}

// TestSettle plays each case in one batch and in a batch for each report: only the times may differ.
func TestSettle(t *testing.T) {
	again := arrival(waits, 1)
	for name, tt := range map[string]struct {
		reports []intake.Arrival
		results string // what became of each
		states  string // release, class, sequence; the current one first
		stored  int64
		more    func(current fleet.Installation) bool
	}{
		"the first": {[]intake.Arrival{arrival(waits, 1)}, "new", "one unpatched 1", 1,
			func(i fleet.Installation) bool { return i.Before == storetest.BeforeActive && i.Progress == "known" }},
		"in order": {[]intake.Arrival{arrival(waits, 1), arrival(silent, 2)}, "new new", "one confirmed_off 2", 2,
			func(i fleet.Installation) bool { return i.Before == storetest.BeforeActive && i.Kind == effect.Good }},
		"a replay": {[]intake.Arrival{again, again, arrival(silent, 2), again}, "new replayed new replayed", "one confirmed_off 2", 2, nil},
		"an id for other words": {[]intake.Arrival{arrival(waits, 1, chosenID), arrival(waits, 2, chosenID)},
			"new id_reused", "one unpatched 1", 1, nil},
		"late": {[]intake.Arrival{arrival(silent, 2), arrival(waits, 1)}, "new late", "one confirmed_off 2", 2,
			func(i fleet.Installation) bool { return i.Before == storetest.BeforeActive && !i.Cloned }},
		"late and again": {[]intake.Arrival{arrival(silent, 2), again, again}, "new late replayed", "one confirmed_off 2", 2, nil},
		"a twin of the newest": {[]intake.Arrival{arrival(silent, 2), arrival(silent, 2, otherID)}, "new new", "one contradictory 2", 2,
			func(i fleet.Installation) bool { return i.Cloned && !i.Leaked }},
		"a twin of a late one": {[]intake.Arrival{arrival(silent, 2), again, arrival(waits, 1, otherID)}, "new late late",
			"one contradictory 2", 3, func(i fleet.Installation) bool { return i.Cloned && i.Newest.Seq == 2 }},
		"a twin of an old one": {[]intake.Arrival{again, arrival(silent, 2), arrival(waits, 1, otherID)}, "new new late",
			"one contradictory 2", 3, nil},
		"a clone stays one": {[]intake.Arrival{again, arrival(waits, 1, otherID), arrival(silent, 2)}, "new new new",
			"one contradictory 2", 3, nil},
		"another model": {[]intake.Arrival{again, arrival(waits, 2, otherModel), arrival(silent, 3)}, "new model_changed new",
			"one confirmed_off 3", 2, nil},
		"a leak": {[]intake.Arrival{arrival(leaks, 1), arrival(leaks, 2)}, "new! new", "one leak 2", 2, nil},
		"a leak is not taken back": {[]intake.Arrival{arrival(leaks, 1), arrival(silent, 2), arrival(leaks, 3)}, "new! new new", "one leak 3", 3,
			func(i fleet.Installation) bool { return i.Leaked }},
		"on to another release": {[]intake.Arrival{arrival(leaks, 1), arrival(silent, 2, onTwo)}, "new! new",
			"two confirmed_off 2, one leak 1", 2, func(i fleet.Installation) bool { return !i.Leaked && i.Reports == 2 }},
		"a leak on each": {[]intake.Arrival{arrival(leaks, 1), arrival(leaks, 2, onTwo), arrival(leaks, 3, onTwo)}, "new! new! new",
			"two leak 3, one leak 1", 3, nil},
		"and back": {[]intake.Arrival{arrival(leaks, 1), arrival(silent, 2, onTwo), arrival(silent, 3)}, "new! new new",
			"one confirmed_off 3, two confirmed_off 2", 3, func(i fleet.Installation) bool { return i.Leaked && i.Reports == 3 }},
		"a clone moves on": {[]intake.Arrival{again, arrival(waits, 1, otherID), arrival(silent, 2, onTwo)}, "new new new",
			"two contradictory 2, one contradictory 1", 3, func(i fleet.Installation) bool { return i.Cloned }},
		"late for a release that was left": {[]intake.Arrival{arrival(waits, 2), arrival(waits, 3, onTwo), arrival(quiet, 1)}, "new new late",
			"two unpatched 3, one unpatched 2", 3, func(i fleet.Installation) bool { return i.Before == storetest.BeforeActive }},
	} {
		t.Run(name, func(t *testing.T) {
			var one [][]intake.Arrival
			for _, a := range tt.reports {
				one = append(one, []intake.Arrival{a})
			}
			results := ""
			for n := range one {
				out, _ := settled(one[:n+1]...)
				results += " " + said(out)
			}
			_, states := settled(one...)
			out, together := settled(tt.reports)
			for what, got := range map[string][2]string{"one by one": {results, drawn(states)}, "together": {" " + said(out), drawn(together)}} {
				if got[0] != " "+tt.results || got[1] != tt.states {
					t.Errorf("%s:%s; %s\nwanted %s; %s", what, got[0], got[1], tt.results, tt.states)
				}
			}
			for _, all := range [][]fleet.Installation{states, together} {
				if all[0].Reports != tt.stored || tt.more != nil && !tt.more(all[0]) {
					t.Errorf("the current one is %+v", all[0])
				}
			}
		})
	}
}

// said is what became of each report; "!" marks a leak that is news.
func said(out intake.Outcome) string {
	var words []string
	for _, r := range out.Results {
		word := string(r.Receipt.Stored)
		if r.Refused != nil {
			word = code(r.Refused)
		}
		if r.Leaks {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func drawn(states []fleet.Installation) string {
	var words []string
	for _, i := range states {
		words = append(words, fmt.Sprint(i.Release, " ", i.Verdict, " ", i.Seq))
	}
	return strings.Join(words, ", ")
}

// TestFoundBefore: what was found before the update stays with the release that was asked about it, whatever comes when.
func TestFoundBefore(t *testing.T) {
	back := arrival(quiet, 3)
	for name, tt := range map[string]struct {
		reports []intake.Arrival
		wanted  string // the current one first
	}{
		"on to the same effect": {[]intake.Arrival{arrival(waits, 1), arrival(silent, 2, onTwo)},
			"two activates_itself, one activates_itself"},
		"on to another effect": {[]intake.Arrival{arrival(waits, 1), arrival(waits, 2, sends)}, "uploads sends, one activates_itself"},
		"and back":             {[]intake.Arrival{arrival(waits, 1), arrival(waits, 2, sends), back}, "one activates_itself, uploads sends"},
		"back with more": {[]intake.Arrival{arrival(quiet, 1), arrival(waits, 2, sends), arrival(waits, 3)},
			"one activates_itself, uploads sends"},
		"late for what was left": {[]intake.Arrival{arrival(quiet, 2), arrival(waits, 3, sends), arrival(waits, 1)},
			"uploads sends, one activates_itself"},
		"late for what was left, of the same effect": {[]intake.Arrival{arrival(quiet, 2), arrival(silent, 3, onTwo), arrival(waits, 1)},
			"two quiet, one activates_itself"},
		"late for what was never current": {[]intake.Arrival{arrival(waits, 2, sends), arrival(waits, 1)}, "uploads sends"},
	} {
		var one [][]intake.Arrival
		for _, a := range tt.reports {
			one = append(one, []intake.Arrival{a})
		}
		for _, batches := range [][][]intake.Arrival{one, {tt.reports}} {
			_, states := settled(batches...)
			var words []string
			for _, i := range states {
				words = append(words, fmt.Sprint(i.Release, " ", i.Before))
			}
			if got := strings.Join(words, ", "); got != tt.wanted {
				t.Errorf("%s, in %d batches: %s; wanted %s", name, len(batches), got, tt.wanted)
			}
		}
	}
}

// TestMovesOnThroughTheStore: the figures of both releases and the total, after each step.
func TestMovesOnThroughTheStore(t *testing.T) {
	w := newWorld(t)
	for n, step := range []struct {
		what     maker
		change   func(*report.Report)
		one, two int64
	}{
		{waits, func(*report.Report) {}, 1, 0},
		{silent, onTwo, 1, 1},
		{silent, func(*report.Report) {}, 1, 1},
		{silent, onTwo, 1, 1},
	} {
		r, key := step.what(1, int64(n+1))
		step.change(&r)
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
		one, two, total := w.counts(t, "one").Installations, w.counts(t, "two").Installations, w.counts(t, "").Installations
		if one != step.one || two != step.two || total != 1 {
			t.Errorf("step %d: %d and %d, %d in total", n+1, one, two, total)
		}
		w.checkFigures(t)
	}
	for seq, change := range []func(*report.Report){func(*report.Report) {}, onTwo} {
		r, key := waits(2, int64(seq+1))
		change(&r)
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.advance(40 * 24 * time.Hour)
	if err := w.Tick(ctx); err != nil {
		t.Fatal(err)
	}
	one, two := w.counts(t, "one").Verdicts, w.counts(t, "two").Verdicts
	if one[storetest.Unpatched] != 1 || one[storetest.Unknown] != 0 || two[storetest.Unknown] != 1 {
		t.Errorf("what is left behind is not aged: %v; where it went it is: %v", one, two)
	}
	w.checkFigures(t)
}
