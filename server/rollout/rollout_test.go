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
	"landed/server/store/storetest"
)

var update = flag.Bool("update", false, "rewrite the wanted part of the golden timelines")

var start = time.Date(2014, 8, 10, 0, 0, 0, 0, time.UTC)

func running() fleet.Rollout {
	return fleet.Rollout{ID: "r", Stages: fleet.DefaultStages(), State: fleet.RolloutRunning, Since: start, Started: start}
}

// counts reads "began=30 running=20 failed=2 confirmed_off=15 leak=1".
func counts(t *testing.T, text string) fleet.Counts {
	t.Helper()
	c := fleet.Counts{Verdicts: map[fleet.Class]int64{}, Kinds: map[fleet.Kind]int64{}, Progress: map[report.Progress]int64{}}
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatalf("counts %q: %v", field, err)
		}
		switch {
		case name == "leaked": // ever, while fewer leak now
			c.Leaked = n
		case storetest.IsClass(name):
			c.Verdicts[fleet.Class(name)] = n
			c.Kinds[storetest.KindOf(fleet.Class(name))] += n
			if name == string(storetest.Leak) {
				c.Leaked = max(c.Leaked, n)
			}
		case slices.Contains([]string{"known", "downloading", "installed", "running", "failed"}, name):
			c.Progress[report.Progress(name)] = n
		default:
			t.Fatalf("no figure is called %s", name)
		}
	}
	return c
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
	r := running()
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
		case "resume":
			figures, reason, _ := strings.Cut(tail, ":")
			reason = strings.TrimSpace(reason)
			r, err = Resume(r, now, "ann", reason, counts(t, figures))
		default:
			r, events = Advance(now, r, counts(t, rest))
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
			c := fleet.Counts{
				Verdicts: map[fleet.Class]int64{storetest.ConfirmedOff: int64(data[1]), storetest.Leak: int64(data[2]), storetest.CarriedOver: int64(data[3])},
				Kinds:    map[fleet.Kind]int64{effect.Good: int64(data[1]), effect.Bad: int64(data[2]), effect.Open: int64(data[3])},
				Progress: map[report.Progress]int64{report.ProgressRunning: int64(data[1]), report.ProgressFailed: int64(data[4])},
			}
			c.Leaked = c.Verdicts[storetest.Leak]
			next, events := Advance(now, r, c)
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
			r, data = next, data[5:]
		}
	})
}

func TestWaitingSaysWhatIsMissing(t *testing.T) {
	got := Waiting(start.Add(47*time.Hour), running(), counts(t, "running=3 confirmed_off=1 carried_over=2"))
	want := []string{"another 60 minutes have passed", "at least 5 installations could be judged, now 3",
		"at least 50 % of those are proven, now 33.33 %"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Waiting(start.Add(48*time.Hour), running(), counts(t, "running=9 confirmed_off=9")); got != nil {
		t.Errorf("waits for %v", got)
	}
}

func TestDefaultStagesAreValid(t *testing.T) {
	if err := fleet.ValidateStages(fleet.DefaultStages()); err != nil {
		t.Error(err)
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
	c := fleet.Counts{Kinds: map[fleet.Kind]int64{effect.Good: 90}, Progress: map[report.Progress]int64{report.ProgressRunning: 100}}
	b.ReportAllocs()
	for b.Loop() {
		Advance(start, r, c)
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
	if next, _ := Advance(start, r, counts(t, "running=18 failed=2 confirmed_off=18")); next.State == fleet.RolloutHalted {
		t.Error("a tenth failed, and it was halted")
	}
	if next, _ := Advance(start, r, counts(t, "running=17 failed=3 confirmed_off=17")); next.State != fleet.RolloutHalted {
		t.Errorf("more than a tenth failed, and it is %s", next.State)
	}
}

// TestGatesOpenOnTheEdge: a gate asks for at least so many, and exactly so many are enough.
func TestGatesOpenOnTheEdge(t *testing.T) {
	stages := []fleet.Stage{{Share: 100, Soak: 24 * time.Hour, Gates: fleet.Gates{MinReports: 10, MinProven: 5_000}}, {Share: 10_000}}
	tests := map[string]struct {
		after time.Duration
		text  string
		want  string // what it waits for, "" for nothing
	}{
		"all just enough": {24 * time.Hour, "running=10 confirmed_off=5 carried_over=5", ""},
		"a minute early":  {24*time.Hour - time.Minute, "running=10 confirmed_off=5 carried_over=5", "another minute has passed"},
		"one too few":     {24 * time.Hour, "running=9 confirmed_off=9", "at least 10 installations could be judged, now 9"},
		"one not proven":  {24 * time.Hour, "running=10 confirmed_off=4 carried_over=6", "at least 50 % of those are proven, now 40 %"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := running()
			r.Stages = stages
			c := counts(t, tt.text)
			if got := strings.Join(Waiting(start.Add(tt.after), r, c), ", and "); got != tt.want {
				t.Errorf("waits until %q, wanted %q", got, tt.want)
			}
			next, _ := Advance(start.Add(tt.after), r, c)
			if widened := next.Stage == 1; widened != (tt.want == "") {
				t.Errorf("widened is %v", widened)
			}
		})
	}
}

// TestBeyondTheLastStage: a rollout whose stage is not in its list stays as it is, and ends nothing.
func TestBeyondTheLastStage(t *testing.T) {
	r := running()
	r.Stage = len(r.Stages)
	c := counts(t, "running=500 leak=50 failed=400")
	if waits := Waiting(start.AddDate(1, 0, 0), r, c); waits != nil {
		t.Errorf("waits until %v", waits)
	}
	if next, events := Advance(start.AddDate(1, 0, 0), r, c); len(events) > 0 || next.Stage != r.Stage || next.State != r.State {
		t.Errorf("became %s at stage %d with %v", next.State, next.Stage, events)
	}
}

func TestSpan(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want string
	}{
		{time.Second, "minute has"},
		{time.Minute, "minute has"},
		{time.Minute + time.Second, "2 minutes have"},
		{90 * time.Minute, "90 minutes have"},
		{90*time.Minute + time.Second, "2 hours have"},
		{48 * time.Hour, "48 hours have"},
		{48*time.Hour + time.Second, "3 days have"},
		{72 * time.Hour, "3 days have"},
	}
	for _, tt := range tests {
		if got := waitText(tt.d); got != tt.want {
			t.Errorf("waitText(%s) = %q, wanted %q", tt.d, got, tt.want)
		}
	}
}
