// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/internal/race"
	"landed/manifests/evidence"
)

// told runs a story to its end with the smallest fleet and reads its one JSON object.
func told(t *testing.T, story string, more ...string) (r result) {
	t.Helper()
	var out, complaints bytes.Buffer
	args := append([]string{"-once", "-handsets", "70", "-json", "-story", story}, more...)
	if code := run(args, &out, &complaints); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, &complaints, &out)
	}
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if dec.More() {
		t.Error("more than one JSON value was printed")
	}
	if !r.Agrees || r.Handsets != 70 {
		t.Errorf("got %+v", r)
	}
	return r
}

// TestOnce tells the first story, and goes on with the second release. What races there are can be met in TestPlain.
func TestOnce(t *testing.T) {
	if race.Detector {
		t.Skip("it takes ten minutes: told without the race detector")
	}
	story := "second-release"
	if testing.Short() {
		story = "first"
	}
	r := told(t, story)
	checkFirst(t, r)
	if story != "first" {
		checkSecond(t, r)
	}
}

func checkFirst(t *testing.T, r result) {
	t.Helper()
	checkObservers(t, r)
	if r.Observer.Before == 0 || r.Observer.AfterPatched == 0 || len(r.Models) != len(fixtures.Models()) {
		t.Errorf("got %+v", r)
	}
	for _, m := range r.Models {
		want := slices.Sorted(slices.Values(sim.Classes(sim.OptIn)))
		if got := slices.Sorted(maps.Keys(m.Verdicts)); !slices.Equal(got, want) {
			t.Errorf("%s lists the classes %v", m.Model, got)
		}
		if sum(m.Verdicts) != m.Installations || !maps.Equal(m.Verdicts, m.Truth) {
			t.Errorf("%s: %d installations, verdicts %v, truth %v", m.Model, m.Installations, m.Verdicts, m.Truth)
		}
		if stopped := m.RolloutState == "held" || m.RolloutState == "halted"; stopped != (m.Model == badModel) {
			t.Errorf("%s is %s", m.Model, m.RolloutState)
		}
		if leaks := m.Verdicts["leak"] > 0; leaks != (m.Model == badModel) {
			t.Errorf("%s: %d leak", m.Model, m.Verdicts["leak"])
		}
	}
}

// checkObservers: all three kinds were really tested. Retention failed first on one model, and the page said so while it
// did; the leak of the bad build is refuted; of the model that nobody tested nothing is said.
func checkObservers(t *testing.T, r result) {
	t.Helper()
	if r.Observers == nil || r.Observers.Statements != 42 || r.Observers.Counted != 42 || len(r.Observers.Models) != len(r.Models) {
		t.Fatalf("observers: %+v", r.Observers)
	}
	for _, m := range r.Observers.Models {
		for _, k := range m.Kinds {
			want := observedKind{k.Kind, evidence.Confirms, "", evidence.Confirmed, "2 of 3 observers confirm, 1 not yet", evidence.Confirmed}
			switch {
			case m.Model == untested:
				want = observedKind{k.Kind, "", "", evidence.Open, "0 of 3 observers confirm, 3 not yet", evidence.Open}
			case m.Model == badModel && k.Kind == evidence.Traffic:
				want = observedKind{k.Kind, evidence.Refutes, "", evidence.Refuted, "0 of 3 observers confirm, 2 refute, 1 not yet", evidence.Refuted}
			case m.Model == r.Models[0].Model && k.Kind == evidence.Retention:
				want.First, want.Shown = evidence.Refutes, evidence.Refuted
			}
			if k != want {
				t.Errorf("%s: %+v, wanted %+v", m.Model, k, want)
			}
		}
	}
}

// TestObserversAgree: a page that confirms what the service refutes, or that never said what failed first, does not agree.
func TestObserversAgree(t *testing.T) {
	good := observedKind{evidence.Retention, evidence.Refutes, evidence.Refuted, evidence.Confirmed, "2 of 3", evidence.Confirmed}
	for change, k := range map[string]func(*observedKind){
		"the service holds a number":      func(k *observedKind) { k.Truth = evidence.Refuted },
		"the page never said that it did": func(k *observedKind) { k.Shown = evidence.Open },
		"the page has no words":           func(k *observedKind) { k.Say = "" },
	} {
		bad := good
		if k(&bad); bad.agrees() || !good.agrees() {
			t.Errorf("%s: it agrees", change)
		}
	}
}

// checkSecond: no total moves, what was shown of the first release stays, and the model that was halted is repaired.
func checkSecond(t *testing.T, r result) {
	t.Helper()
	if *r.Dips != 0 || r.Probes < 10 || r.TotalsBefore.All < 70 || !reflect.DeepEqual(r.TotalsBefore, r.TotalsAfter) {
		t.Errorf("totals before %+v, after %+v; %d dips in %d probes", r.TotalsBefore, r.TotalsAfter, *r.Dips, r.Probes)
	}
	if k := r.Known; k == nil || k.Explained != k.Truth || k.Truth < 1 || k.Unexplained != k.Beside {
		t.Errorf("what is known of the bad build: %+v", k)
	}
	byName := map[string]map[string]modelResult{}
	for _, release := range r.Releases {
		byName[release.Release] = map[string]modelResult{}
		for _, m := range release.Models {
			byName[release.Release][m.Model] = m
		}
	}
	bad, good := byName[r.Release][badModel], byName["miui-cloud-messaging-opt-in-corrected"][badModel]
	if bad.RolloutState != "halted" || bad.Verdicts["leak"] == 0 || good.Verdicts["leak"] != 0 ||
		good.Verdicts["confirmed_off"] == 0 {
		t.Errorf("under the stopped release %+v, under the corrected one %+v", bad, good)
	}
	lists := byName["miui-app-list-upload-off"]
	if len(lists) != 2 || lists["armani"].Verdicts["not_sent"] == 0 || lists["dior"].Verdicts["not_sent"] == 0 {
		t.Errorf("the next fix: %+v", lists)
	}
}

// TestPlain: nothing but that it runs is claimed of a model that no program knew.
func TestPlain(t *testing.T) {
	dir := t.TempDir()
	r := told(t, "plain", "-save", dir)
	if v := r.Verified; v == nil || v.Pages != 3 || v.Numbers < 20 || v.Reports < 300 || v.Effects != 1 {
		t.Errorf("what somebody outside counted again: %+v", v)
	}
	if !testing.Short() && !race.Detector {
		flips(t, dir, 2)
	}
	if len(r.Models) != 1 || slices.Contains(fixtures.Models(), r.Models[0].Model) || r.Models[0].Verdicts["runs"] < 60 ||
		len(r.Models[0].Verdicts) != len(sim.Classes(sim.BuildRuns)) {
		t.Errorf("got %+v", r.Models)
	}
}

// TestOutage: what the network and the server do stops no rollout, and keeps nobody from the update. .ci/run tells it
// without the race detector.
func TestOutage(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("told by .ci/run")
	}
	r := told(t, "outage")
	if o := r.Outage; o == nil || o.Cut < 10 || o.Refused < 70 || o.Halts+o.Holds+o.NotInstalled > 0 {
		t.Errorf("got %+v", o)
	}
}

// TestSiege: who invents installations, at once or patiently, opens no stage, halts nothing and moves no headline; a
// handset that a lab watches halts its model. .ci/run tells it without the race detector.
func TestSiege(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("told by .ci/run")
	}
	r := told(t, "siege")
	s := r.Siege
	if s == nil || s.Patient != 70 || s.Impatient != 70 || s.Claims == 0 || s.Counted < 50 || !s.Finished || s.Halts > 0 ||
		s.ByForgeries > 0 || len(s.Opened) < 2 || s.Stops != s.Ended || s.Quarantined < 100 || s.WitnessHalt <= 0 {
		t.Errorf("got %+v", s)
	}
}

// TestProberCountsDips: a total that is lower than it ever was is a dip: of a model, of a model that is gone, of all.
func TestProberCountsDips(t *testing.T) {
	of := func(a, b int64) totals { return totals{a + b, map[string]int64{"a": a, "b": b}} }
	highest := totals{Models: map[string]int64{}}
	for i, step := range []struct {
		now  totals
		want int
	}{
		{of(2, 3), 0}, {of(2, 4), 0}, {of(3, 3), 1}, {of(3, 4), 0}, {of(0, 4), 2}, {totals{7, map[string]int64{"a": 7}}, 1},
	} {
		if got := highest.raise(step.now); got != step.want {
			t.Errorf("step %d: %d dips, wanted %d", i, got, step.want)
		}
	}
}

// TestShipmentIsHeldAgainstItsBuilds: a build that does something else than the release says is not shipped.
func TestShipmentIsHeldAgainstItsBuilds(t *testing.T) {
	build := func(migration string) func(string) (fixtures.Build, error) {
		return func(device string) (fixtures.Build, error) {
			b, err := fixtures.LaterBuildOf(device, fixtures.Patched, 1)
			b.Config.Migration = migration
			return b, err
		}
	}
	if _, err := newShipment(correctedSource, []string{badModel}, build("switch_off")); err != nil {
		t.Error(err)
	}
	if _, err := newShipment(correctedSource, []string{badModel}, build("leave")); err == nil {
		t.Error("an image that leaves the service on is shipped as one that switches it off")
	}
}

func TestArgumentsAreRefusedInWords(t *testing.T) {
	for _, args := range [][]string{{"-handsets", "3"}, {"now"}, {"-no-such-flag"}, {"-story", "third"}} {
		var out, complaints bytes.Buffer
		if code := run(args, &out, &complaints); code != 2 || out.Len() > 0 || complaints.Len() == 0 {
			t.Errorf("%v: exit %d, %q, %q", args, code, &out, &complaints)
		}
	}
}

// TestABadAddressEndsIt wants the reason, not a hang.
func TestABadAddressEndsIt(t *testing.T) {
	var out, complaints bytes.Buffer
	code := run([]string{"-once", "-addr", "256.0.0.1:1"}, &out, &complaints)
	if code != 1 || !strings.Contains(complaints.String(), "-addr") {
		t.Errorf("exit %d, %q", code, &complaints)
	}
}

// TestMonth: what the pages remember is what was so on each day, and a build that breaks with time is an alarm. It is told short.
func TestMonth(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("told without the race detector")
	}
	stories["fortnight"] = func() (plan, error) {
		p, err := month()
		p.days = 14
		return p, err
	}
	defer delete(stories, "fortnight")
	s := told(t, "fortnight").Series
	if s == nil || len(s.Models) != 3 || len(s.Alarms) == 0 {
		t.Fatalf("got %+v", s)
	}
	for _, m := range s.Models {
		if m.Points < 30 || m.Wrong != 0 || len(m.Daily) < 14 {
			t.Errorf("%s: %d points, %d of them wrong, %d days", m.Model, m.Points, m.Wrong, len(m.Daily))
		}
	}
}
