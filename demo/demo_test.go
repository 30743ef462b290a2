// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
)

// TestOnce runs the demo to its end with the smallest fleet and reads its one JSON object.
func TestOnce(t *testing.T) {
	var out, complaints bytes.Buffer
	if code := run([]string{"-once", "-handsets", "70", "-json"}, &out, &complaints); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, &complaints, &out)
	}
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	var r result
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if dec.More() {
		t.Error("more than one JSON value was printed")
	}
	if !r.Agrees || r.Handsets != 70 || r.Observer.Before == 0 || r.Observer.AfterPatched == 0 || len(r.Models) != len(fixtures.Models()) {
		t.Errorf("got %+v", r)
	}
	for _, m := range r.Models {
		if got := slices.Sorted(maps.Keys(m.Verdicts)); !slices.Equal(got, slices.Sorted(slices.Values(sim.Classes(sim.OptIn)))) {
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

func TestArgumentsAreRefusedInWords(t *testing.T) {
	for _, args := range [][]string{{"-handsets", "3"}, {"now"}, {"-no-such-flag"}} {
		var out, complaints bytes.Buffer
		if code := run(args, &out, &complaints); code != 2 || out.Len() > 0 || complaints.Len() == 0 {
			t.Errorf("%v: exit %d, %q, %q", args, code, &out, &complaints)
		}
	}
}

// TestABadAddressEndsIt wants the reason, not a hang.
func TestABadAddressEndsIt(t *testing.T) {
	var out, complaints bytes.Buffer
	if code := run([]string{"-once", "-addr", "256.0.0.1:1"}, &out, &complaints); code != 1 || !strings.Contains(complaints.String(), "-addr") {
		t.Errorf("exit %d, %q", code, &complaints)
	}
}
