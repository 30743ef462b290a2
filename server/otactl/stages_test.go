// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/server/otactl/client"
)

func TestParseStages(t *testing.T) {
	got, err := parseStages([]byte(`
stages:
  - share: 0.25 %
    soak: 90m
    gates: {min_reports: 5, min_proven: 50%, max_failures: 12.5%, halt_leaks: 2}
  - {share: 100%, soak: 168h}
`))
	want := []client.Stage{
		{Share: 25, Soak: "1h30m0s", Gates: client.Gates{MinReports: 5, MinProven: 5000, MaxFailures: 1250, HaltLeaks: 2}},
		{Share: 10_000, Soak: "168h0m0s"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("parseStages: %v\n%s", err, diff)
	}
}

// The example that --help shows must be one that is taken.
func TestStagesHelpIsAnExample(t *testing.T) {
	_, example, _ := strings.Cut(stagesHelp, "\n")
	if got, err := parseStages([]byte(example)); err != nil || len(got) != 2 || got[0].Share != 100 {
		t.Errorf("the example of the help: %v, %v", got, err)
	}
}

func TestParseStagesRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":             {"", "no stages"},
		"a bare number":       {"stages: [{share: 10, soak: 1h}]", "such as 12.5%"},
		"too many decimals":   {"stages: [{share: 0.001%, soak: 1h}]", "two decimals"},
		"more than all":       {"stages: [{share: 101%, soak: 1h}]", "0% to 100%"},
		"less than nothing":   {"stages: [{share: -1%, soak: 1h}]", "0% to 100%"},
		"no number":           {"stages: [{share: NaN%, soak: 1h}]", "0% to 100%"},
		"a share of no words": {"stages: [{share: [1%], soak: 1h}]", "wanted a share"},
		"no share":            {"stages: [{soak: 1h}]", "stage 1 has no share"},
		"no soak":             {"stages: [{share: 100%}]", "such as 48h"},
		"soak backwards":      {"stages: [{share: 100%, soak: -1h}]", "such as 48h"},
		"negative counts":     {"stages: [{share: 100%, soak: 1h, gates: {min_reports: -1}}]", "from 0"},
		"unknown field":       {"stages: [{share: 100%, soak: 1h, audience: all}]", "audience"},
		"two documents":       {"stages: [{share: 100%, soak: 1h}]\n---\nstages: []", "more than one"},
		"not YAML":            {"\t:", "yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseStages([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("got %v, %v; wanted an error with %q", got, err, tt.want)
			}
		})
	}
}

// Whatever is taken is within the ranges of the wire.
func FuzzParseStages(f *testing.F) {
	f.Add([]byte(stagesHelp))
	f.Add([]byte("stages: [{share: 100%, soak: 1h, gates: {min_proven: 5%}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseStages(text)
		if err != nil && got != nil {
			t.Fatalf("stages and an error: %v, %v", got, err)
		}
		for _, s := range got {
			for _, share := range []int{s.Share, s.Gates.MinProven, s.Gates.MaxFailures} {
				if share < 0 || share > 10_000 {
					t.Fatalf("share %d out of range in %+v", share, s)
				}
			}
		}
	})
}
