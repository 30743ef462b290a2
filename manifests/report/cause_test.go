// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
)

func TestCauseOf(t *testing.T) {
	for _, tt := range []struct {
		phase Phase
		codes []int
		want  Cause
	}{
		{PhaseMetadata, []int{9, 2511, 2407}, CauseNetwork},
		{PhaseMetadata, []int{1, 11, 26, 51, 62, 2404, 2503, 3004}, CauseServer},
		{PhaseMetadata, []int{14, 60}, CauseStorage},
		{PhaseDownload, []int{9, 57, 58, 2408}, CauseNetwork},
		{PhaseDownload, []int{10, 11, 2404, 2416, 2429, 2500, 2503}, CauseServer},
		{PhaseDownload, []int{1, 14, 60}, CauseStorage},
		{PhaseVerify, []int{10, 14}, CauseStorage},
		{PhaseVerify, []int{12, 18, 21, 25, 51, 62, 3004}, CausePackage},
		{PhaseInstall, []int{9}, CauseNetwork}, // an A/B handset that streams
		{PhaseInstall, []int{2503}, CauseServer},
		{PhaseInstall, []int{14, 47, 60}, CauseStorage},
		{PhaseInstall, []int{1, 5, 7, 10, 21, 25, 28, 3003, 3004, 9999}, CausePackage},
		{PhaseBoot, []int{14}, CauseStorage},
		{PhaseBoot, []int{0, 1, 19, 9999}, CauseBuild},
	} {
		for _, code := range tt.codes {
			if got := CauseOf(Failure{tt.phase, code}); got != tt.want {
				t.Errorf("%s, code %d: %s, wanted %s", tt.phase, code, got, tt.want)
			}
		}
	}
}

// TestEveryFailureHasOneCause: whatever a report may say.
func TestEveryFailureHasOneCause(t *testing.T) {
	met := map[Cause]bool{}
	for _, phase := range []Phase{PhaseMetadata, PhaseDownload, PhaseVerify, PhaseInstall, PhaseBoot, "tomorrow's"} {
		for code := range 10_000 {
			cause := CauseOf(Failure{phase, code})
			if !slices.Contains(Causes, cause) {
				t.Fatalf("%s, code %d: %q", phase, code, cause)
			}
			met[cause] = true
			if (phase == PhaseMetadata || phase == PhaseDownload) && cause.Blamed() {
				t.Fatalf("%s, code %d: nothing of the update was tried, and it is blamed", phase, code)
			}
		}
	}
	if len(met) != len(Causes) {
		t.Errorf("of all failures only %v are met", met)
	}
}
