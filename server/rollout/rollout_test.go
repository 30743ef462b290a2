// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/storetest"
)

var update = flag.Bool("update", false, "rewrite the wanted part of the golden timelines")

var start = time.Date(2014, 8, 10, 0, 0, 0, 0, time.UTC)

// running is a rollout to a counted fleet of 600.
func running() fleet.Rollout {
	return fleet.Rollout{
		ID: "r", Stages: fleet.DefaultStages(0), State: fleet.RolloutRunning, Since: start, Started: start, Known: 600,
	}
}

// counts reads "met=600 running=20 package=2 confirmed_off=15 lost=1 other.leak=1": figures of counted installations,
// and of others that do not count.
func counts(t *testing.T, text string) fleet.Counts {
	t.Helper()
	c := fleet.Counts{Figures: fleet.NewFigures(), Counted: fleet.NewFigures()}
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatalf("counts %q: %v", field, err)
		}
		name, others := strings.CutPrefix(name, "other.")
		if !others {
			put(t, &c.Counted, name, n)
		}
		put(t, &c.Figures, name, n)
	}
	return c
}

func put(t *testing.T, c *fleet.Figures, name string, n int64) {
	t.Helper()
	switch {
	case name == "leaked": // ever, while fewer leak now
		c.Leaked = n
	case storetest.IsClass(name):
		c.Verdicts[fleet.Class(name)] += n
		c.Kinds[storetest.KindOf(fleet.Class(name))] += n
		if name == string(storetest.Leak) {
			c.Leaked = max(c.Leaked, c.Verdicts[storetest.Leak])
		}
	case name == "met":
		c.Installations += n
	case name == "lost": // they installed long ago
		c.Installed[fleet.Hour(start)-1000] += n
		c.Progress[report.ProgressInstalled] += n
	case slices.Contains([]string{"known", "downloading", "installed", "running"}, name):
		c.Progress[report.Progress(name)] += n
	case slices.Contains(report.Causes, report.Cause(name)):
		c.Causes[report.Cause(name)] += n
		c.Progress[report.ProgressFailed] += n
	default:
		t.Fatalf("no figure is called %s", name)
	}
}

// ofWitness is a witness whose report of a kind came at a time.
func ofWitness(at time.Time, kind fleet.Kind) fleet.Witnesses {
	return fleet.Witnesses{All: []fleet.Witness{{
		Vouched: []fleet.Span{{From: start, Until: start.AddDate(1, 0, 0)}}, Kind: kind, Current: true, Last: at,
	}}}
}

// TestTimelines plays testdata/*.txtar: each line of "events" is a time since the start
// and the figures, or a person's halt or resume; "want" is what the rollout did.
func TestTimelines(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no timeline was found")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(ar.Files[0].Data))
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	var out bytes.Buffer
	r, witnesses := running(), fleet.Witnesses{}
	var outages []fleet.Outage
	grounds := func(now time.Time, text string) Grounds {
		return Grounds{Counts: counts(t, text), Witnesses: witnesses, Down: fleet.Down(outages, r.Since, now),
			Distrusted: fleet.Distrusted(outages)}
	}
	for line := range strings.Lines(script) {
		at, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		now := start.Add(d)
		var events []Event
		switch verb, tail, _ := strings.Cut(rest, " "); verb {
		case "halt":
			r, err = Halt(r, now, "ann", tail)
		case "pause":
			r, err = Pause(r, now, "ann", tail)
		case "retry":
			r, err = Retry(r, now, tail)
		case "witness": // proves the effect
			witnesses = ofWitness(now, effect.Good)
		case "off": // for so long, up to now
			lasted, _ := time.ParseDuration(tail)
			outages = append(outages, fleet.Outage{Cause: fleet.OutageOff, From: now.Add(-lasted), To: now})
			continue
		case "jumped":
			outages = append(outages, fleet.Outage{Cause: fleet.OutageClock, From: now})
			continue
		case "accepted":
			outages[len(outages)-1].To = now
			continue
		case "waits":
			fmt.Fprintf(&out, "%s waits until %s\n", at, strings.Join(reasons.All(Waiting(now, r, grounds(now, tail))), ", and "))
			continue
		case "known":
			r.Known, _ = strconv.ParseInt(tail, 10, 64)
			r.Stages = fleet.DefaultStages(r.Known)
		case "resume", "widen":
			figures, reason, _ := strings.Cut(tail, ":")
			how := map[string]func(fleet.Rollout, time.Time, string, string, fleet.Counts) (fleet.Rollout, error){
				"resume": Resume, "widen": Widen}[verb]
			r, err = how(r, now, "ann", strings.TrimSpace(reason), counts(t, figures))
		default:
			r, events = Advance(now, r, grounds(now, rest))
		}
		fmt.Fprintf(&out, "%s %s stage %d share %d", at, r.State, r.Stage+1, r.Share())
		for _, e := range events {
			fmt.Fprintf(&out, " | %s: %s", e.Action, e.Reason)
			if e.Alarm {
				fmt.Fprint(&out, " (alarm)")
			}
		}
		if err != nil {
			fmt.Fprintf(&out, " | refused: %v", err)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

// FuzzAdvance plays arbitrary figures: a share never shrinks, a leak never goes unnoticed,
// a halt stays, and every move is one that the state machine allows and has a reason.
func FuzzAdvance(f *testing.F) {
	f.Add([]byte{1, 0, 0, 50, 3, 1, 9, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, now := running(), start
		for len(data) >= 5 {
			now = now.Add(time.Duration(data[0]) * time.Hour)
			of := fleet.Figures{
				Verdicts: map[fleet.Class]int64{storetest.ConfirmedOff: int64(data[1]), storetest.Leak: int64(data[2]), storetest.CarriedOver: int64(data[3])},
				Kinds:    map[fleet.Kind]int64{effect.Good: int64(data[1]), effect.Bad: int64(data[2]), effect.Open: int64(data[3])},
				Progress: map[report.Progress]int64{report.ProgressRunning: int64(data[1]), report.ProgressFailed: int64(data[4])},
				Causes:   map[report.Cause]int64{report.CauseBuild: int64(data[4])},
			}
			of.Leaked = of.Verdicts[storetest.Leak]
			c := fleet.Counts{Figures: of}
			if data[0]%3 > 0 {
				c.Counted = of
			}
			next, events := Advance(now, r, Grounds{Counts: c})
			if next.Share() < r.Share() {
				t.Fatalf("the share shrank from %d to %d", r.Share(), next.Share())
			}
			if next.State != r.State && !slices.Contains(fleet.RolloutNext[r.State], next.State) {
				t.Fatalf("%s may not become %s", r.State, next.State)
			}
			if (next.State != r.State || next.Stage != r.Stage) && len(events) == 0 {
				t.Fatal("a move without a reason")
			}
			if c.Verdicts[storetest.Leak] > 0 && next.State != fleet.RolloutHeld && next.State != fleet.RolloutHalted {
				t.Fatalf("a leak, and the rollout is %s", next.State)
			}
			if next.Stage != r.Stage && c.Counted.Installations == 0 && c.Counted.Judged() == 0 && Needed(r.Known, r.Share()) > 0 {
				t.Fatal("a stage opened, and nobody counts")
			}
			r, data = next, data[5:]
		}
	})
}

func TestWaitingSaysWhatIsMissing(t *testing.T) {
	r := running()
	r.Known, r.Stage = 85, 1
	got := worded(Waiting(start.Add(47*time.Hour), r, Grounds{Counts: counts(t, "running=3 build=1 confirmed_off=1")}))
	want := []string{"another 60 minutes have passed", "at least 2 counted installations could be judged, now 1",
		"it is beyond chance that at most 10 % fail, now 1 of 4 did"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	good := counts(t, "running=9 confirmed_off=9")
	if got := Waiting(start.Add(48*time.Hour), r, Grounds{Counts: good}); got != nil {
		t.Errorf("waits for %v", got)
	}
	r.Looked = start.Add(49 * time.Hour)
	got = worded(Waiting(start.Add(50*time.Hour), r, Grounds{Counts: good}))
	if diff := cmp.Diff([]string{"another 22 hours have passed, when the gates are looked at again"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestLooks: gates are looked at when the stage has soaked, and then once a day, or as often as it soaks.
func TestLooks(t *testing.T) {
	for soak, want := range map[time.Duration][]time.Duration{
		48 * time.Hour: {48 * time.Hour, 72 * time.Hour, 96 * time.Hour},
		6 * time.Hour:  {6 * time.Hour, 12 * time.Hour, 18 * time.Hour, 24 * time.Hour},
	} {
		r := running()
		r.Known, r.Stages = 600, []fleet.Stage{{Share: 10_000, Soak: soak, Gates: fleet.Gates{MinReports: 5}}}
		var got []time.Duration
		for at := time.Duration(0); len(got) < len(want) && at < 100*time.Hour; at += 10 * time.Minute {
			next, events := Advance(start.Add(at), r, Grounds{Counts: counts(t, "running=1")})
			if r = next; len(events) > 0 {
				got = append(got, at)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("soak %s: %s", soak, diff)
		}
	}
}

func worded(waits []fleet.Reason) []string { return reasons.All(waits) }

func TestDefaultStagesAreValid(t *testing.T) {
	for _, known := range []int64{0, 8, 600, 9_999, 10_001, 20_000, 100_000, 1_000_000, 8_000_000, 1_000_000_000} {
		stages := fleet.DefaultStages(known)
		if err := fleet.ValidateStages(stages); err != nil {
			t.Errorf("of %d: %v", known, err)
		}
		if cautions := Cautions(stages, known); known <= 10_000_000 && len(cautions) > 0 {
			t.Errorf("of %d: %v", known, cautions)
		}
		for i := range stages { // half of those that are offered the build need to be judged, and no more
			r := fleet.Rollout{Stages: stages, Stage: i, Known: known}
			if offered := known * int64(stages[i].Share) / 10_000; known <= 10_000_000 && tenth(r)*10 > offered*5+10 {
				t.Errorf("of %d, stage %d: %d of %d would have to be judged", known, i+1, tenth(r), offered)
			}
		}
	}
	for name, stages := range map[string][]fleet.Stage{
		"none":       nil,
		"not all":    {{Share: 100}},
		"shrinking":  {{Share: 5000}, {Share: 100}, {Share: 10000}},
		"too much":   {{Share: 10001}},
		"soak":       {{Share: 10000, Soak: -1}},
		"gate":       {{Share: 10000, Gates: fleet.Gates{MinProven: 10001}}},
		"zero share": {{Share: 0}, {Share: 10000}},
	} {
		if fleet.ValidateStages(stages) == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func BenchmarkAdvance(b *testing.B) {
	r := running()
	of := fleet.Figures{Kinds: map[fleet.Kind]int64{effect.Good: 90}, Progress: map[report.Progress]int64{report.ProgressRunning: 100}}
	c := fleet.Counts{Figures: of, Counted: of}
	b.ReportAllocs()
	for b.Loop() {
		Advance(start, r, Grounds{Counts: c})
	}
}

func TestReasonsCanBeReadOut(t *testing.T) {
	for reason, ok := range map[string]bool{
		"":                            false,
		" \t":                         false,
		"customers cannot make calls": true,
		strings.Repeat("客", 300):      true,
		strings.Repeat("x", 301):      false,
		"one line\nand another":       false,
	} {
		_, halted := Halt(running(), start, "ann", reason)
		stopped := running()
		stopped.State = fleet.RolloutHalted
		_, resumed := Resume(stopped, start, "ann", reason, fleet.Counts{})
		if (halted == nil) != ok || (resumed == nil) != ok {
			t.Errorf("%.20q: halt %v, resume %v", reason, halted, resumed)
		}
	}
}

// TestGatesThatSayNothing wants the same defaults for people who leave a gate out.
func TestGatesThatSayNothing(t *testing.T) {
	r := running()
	r.Stages = []fleet.Stage{{Share: 10_000}}
	for text, want := range map[string]fleet.RolloutState{
		"running=18 build=2":                   fleet.RolloutRunning, // finished, but for the failures
		"running=17 package=5 build=2":         fleet.RolloutHalted,
		"running=17 network=40 storage=9":      fleet.RolloutFinished,
		"running=1 build=2":                    fleet.RolloutHeld,
		"running=90 leak=4 confirmed_off=86":   fleet.RolloutHeld,
		"running=90 leak=5 confirmed_off=85":   fleet.RolloutHalted,
		"running=100 confirmed_off=1":          fleet.RolloutFinished, // no gate asks for proof
		"running=3 carried_over=3 unpatched=9": fleet.RolloutFinished,
	} {
		if next, _ := Advance(start, r, Grounds{Counts: counts(t, text)}); next.State != want {
			t.Errorf("%s: %s, wanted %s", text, next.State, want)
		}
	}
}

// TestOldFiles: what stages asked for before there were intervals is the most that they ask for now, and a number of
// leaks that people wrote stands as it is.
func TestOldFiles(t *testing.T) {
	gates := fleet.Gates{MinReports: 5, MinProven: 5_000, MaxFailures: 1_000, HaltLeaks: 3}
	r := running()
	r.Stages = []fleet.Stage{{Share: 1_000, Soak: time.Hour, Gates: gates}, {Share: 10_000, Gates: gates}}
	for _, tt := range []struct {
		known int64
		text  string
		want  string
	}{
		{600, "running=5 confirmed_off=5", ""}, // 24 would follow from the fleet
		{600, "running=4 confirmed_off=4", "at least 5 counted installations could be judged, now 4"},
		{85, "running=2 confirmed_off=2", ""},
		{8, "", "a witness handset has shown the effect, or a person widens it (otactl rollout widen): of 8 counted installations too " +
			"few are in the stage to be counted on"},
		{600, "running=5 confirmed_off=4 carried_over=1", "it is beyond chance that at least 50 % of the counted installations that could be judged are proven, now 4 of 5 are"},
		{600, "running=20 confirmed_off=17 carried_over=3", ""},
		{20_000, "running=1999 confirmed_off=1999", "at least 2000 counted installations could be judged, now 1999, since no stage goes to more than ten times that"},
	} {
		r.Known = tt.known
		if got := strings.Join(worded(Waiting(start.Add(time.Hour), r, Grounds{Counts: counts(t, tt.text)})), ", and "); got != tt.want {
			t.Errorf("of %d, %s: waits until %q, wanted %q", tt.known, tt.text, got, tt.want)
		}
	}
	if next, _ := Advance(start, r, Grounds{Counts: counts(t, "running=900 leak=3 confirmed_off=897")}); next.State != fleet.RolloutHalted {
		t.Errorf("three leaks, as people wrote: %s", next.State)
	}
}

// TestBeyondTheLastStage: a rollout whose stage is not in its list stays as it is, and ends nothing.
func TestBeyondTheLastStage(t *testing.T) {
	r := running()
	r.Stage = len(r.Stages)
	c := counts(t, "running=500 leak=50 build=400")
	if waits := Waiting(start.AddDate(1, 0, 0), r, Grounds{Counts: c}); waits != nil {
		t.Errorf("waits until %v", waits)
	}
	if next, events := Advance(start.AddDate(1, 0, 0), r, Grounds{Counts: c}); len(events) > 0 || next.Stage != r.Stage || next.State != r.State {
		t.Errorf("became %s at stage %d with %v", next.State, next.Stage, events)
	}
}

// TestUnnamed: while nobody has said what a restored database lost no gate opens, whatever the figures; halts go on.
func TestUnnamed(t *testing.T) {
	r := running()
	now := r.Since.Add(1000 * time.Hour)
	all := []fleet.Witness{{Ref: "w", Kind: effect.Good, Current: true, First: now, Last: now,
		Vouched: []fleet.Span{{From: r.Since, Until: now.Add(time.Hour)}}}}
	known := Grounds{Counts: counts(t, "met=600 running=400 confirmed_off=400"), Witnesses: fleet.Witnesses{All: all}}
	if next, events := Advance(now, r, known); next.Stage == r.Stage || len(events) == 0 {
		t.Fatalf("named: stage %d, %v; wanted the next one", next.Stage, events)
	}
	known.Unnamed = true
	if next, events := Advance(now, r, known); next.Stage != r.Stage || len(events) > 0 {
		t.Errorf("unnamed: stage %d, %v", next.Stage, events)
	}
	if waits := reasons.All(Waiting(now, r, known)); len(waits) != 1 || !strings.Contains(waits[0], "otactl restore name") {
		t.Errorf("waits until %q", waits)
	}
	all[0].Kind, all[0].Leaked = effect.Bad, true
	if next, _ := Advance(now, r, known); next.State != fleet.RolloutHalted {
		t.Errorf("a witness leaks: %s", next.State)
	}
}
