// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"slices"
	"testing"
)

func TestStandardOf(t *testing.T) {
	optIn, runs := shipped(t, "cloud-messaging-opt-in"), shipped(t, "build-runs")
	promise := func(release string, counter int64, p *Program, builds ...string) Promise {
		made := Promise{Release: release, Counter: counter, Program: p}
		for _, b := range builds {
			made.Builds = append(made.Builds, Build{b, "armani", "armani"})
		}
		return made
	}
	all := []Promise{
		promise("first", 1, optIn, "a1"), promise("plain", 2, nil, "a2"), promise("runs", 3, runs, "a3"),
		promise("second", 4, optIn, "a4"), promise("again", 5, optIn, "a1"),
	}
	for _, tt := range []struct {
		own           int
		builds, older []string
	}{
		{0, []string{"a1", "a4", "a1"}, nil},
		{1, []string{"a2"}, []string{"a1"}},
		{2, []string{"a3"}, []string{"a1", "a2"}},
		{3, []string{"a4", "a1"}, []string{"a2", "a3"}}, // a1 went out again under a later release
		{4, []string{"a1"}, []string{"a2", "a3", "a4"}},
	} {
		for _, given := range [][]Promise{all, append(slices.Clone(all[tt.own+1:]), all[:tt.own]...)} {
			by := StandardOf(all[tt.own], given)
			var builds []string
			for _, b := range by.Builds {
				builds = append(builds, b.Fingerprint)
			}
			if !slices.Equal(builds, tt.builds) || !slices.Equal(slices.Sorted(slices.Values(by.Older)), tt.older) ||
				by.Program != all[tt.own].Program {
				t.Errorf("%s: builds %v, older %v; wanted %v, %v", all[tt.own].Release, builds, by.Older, tt.builds, tt.older)
			}
		}
	}
}
