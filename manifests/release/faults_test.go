// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/effect/probe"
)

func TestFaults(t *testing.T) {
	const day = 24 * 3600
	had := manifests.Custom{Schema: 2, Model: "armani", Variant: "armani_global", Channel: "stable", Release: "first", Counter: 4,
		Effect: OptInEffect, Build: manifests.Build{Fingerprint: "f/1", Incremental: "JHC1", UTC: 1407542400 + 10*day}}
	ask := probe.Ask{PromptDay: "2014-08-09"}
	cases := map[string]struct {
		change func(next, had *manifests.Custom)
		want   []string // code and a word of it; "!" in front: it refuses
	}{
		"the next release":         {func(*manifests.Custom, *manifests.Custom) {}, nil},
		"a lower counter":          {func(n, _ *manifests.Custom) { n.Counter = 3 }, []string{"!COUNTER-LOW above 4"}},
		"the same counter":         {func(n, _ *manifests.Custom) { n.Counter = 4 }, []string{"!COUNTER-LOW so has first"}},
		"the same release again":   {func(n, h *manifests.Custom) { *n = *h }, nil},
		"the same build again":     {func(n, h *manifests.Custom) { n.Build = h.Build }, nil},
		"an older build":           {func(n, _ *manifests.Custom) { n.Build.UTC -= 5 * day }, []string{"!COUNTER-LOW wants a newer build"}},
		"another of the same time": {func(n, h *manifests.Custom) { n.Build.UTC = h.Build.UTC }, []string{"!COUNTER-LOW wants a newer build"}},
		"older than that of lab":   {func(n, h *manifests.Custom) { n.Build.UTC -= 5 * day; h.Channel = "lab" }, nil},
		"lower than that of lab":   {func(n, h *manifests.Custom) { n.Counter = 3; h.Channel = "lab" }, []string{"!COUNTER-LOW above 4"}},
		"of another variant":       {func(n, h *manifests.Custom) { n.Counter, n.Build.UTC = 1, n.Build.UTC-5*day; h.Variant = "armani" }, nil},
		"built before it could ask": {func(n, h *manifests.Custom) {
			n.Build.UTC = 1407542399
			h.Build.UTC = 1
		}, []string{"!DOWN-UNPATCH prompt_day"}},
		"without the effect": {func(n, _ *manifests.Custom) { n.Effect = "" }, []string{"DOWN-UNPATCH promises nothing"}},
		"with another effect": {func(n, _ *manifests.Custom) { n.Effect = "app-list-upload-off" },
			[]string{"DOWN-UNPATCH app-list-upload-off alone"}},
		"all at once": {func(n, _ *manifests.Custom) { n.Counter, n.Build.UTC, n.Effect = 1, 1407542399, "" },
			[]string{"!COUNTER-LOW above 4", "!COUNTER-LOW wants a newer build", "!DOWN-UNPATCH prompt_day", "DOWN-UNPATCH promises nothing"}},
	}
	for name, c := range cases {
		next, before := had, had
		next.Release, next.Counter, next.Build = "second", 5, manifests.Build{Fingerprint: "f/2", Incremental: "JHC2", UTC: had.Build.UTC + day}
		c.change(&next, &before)
		older := before
		older.Counter, older.Release, older.Build.UTC = 1, "nought", 1
		got := Faults(next, ask, []manifests.Custom{older, before})
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v, wanted %v", name, got, c.want)
			continue
		}
		for i, f := range got {
			code, word, _ := strings.Cut(strings.TrimPrefix(c.want[i], "!"), " ")
			if f.Code != code || !strings.Contains(f.Words, word) || f.Refuse != strings.HasPrefix(c.want[i], "!") {
				t.Errorf("%s: got %+v, wanted %s", name, f, c.want[i])
			}
		}
	}
	if got := Faults(had, ask, nil); len(got) != 0 {
		t.Errorf("over nothing: %v", got)
	}
}
