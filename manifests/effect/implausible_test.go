// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// TestImplausible: nobody has watched a build for longer than it has been published, unless he was sold with it. Whatever
// comes late, or is not known, is believed.
func TestImplausible(t *testing.T) {
	out := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	by := Standard{Builds: []Build{{"b", "armani", "armani"}}, Published: map[string]time.Time{"b": out, "old": {}}}
	said := func(hours int64, previous string) report.Report {
		return report.Report{
			Build:         "b",
			BuildUTC:      out.Add(-100 * time.Hour).Unix(),
			Model:         "armani",
			Variant:       "armani",
			Progress:      report.ProgressRunning,
			PreviousBuild: previous,
			Answers:       probe.Answers{observedHours: probe.Int(hours)},
		}
	}
	hours := func(n int) time.Time { return out.Add(time.Duration(n) * time.Hour) }
	unknown := said(168, report.BuildOther)
	unknown.Build = "old"
	word := said(0, report.BuildOther)
	word.Answers[observedHours] = probe.Word("many")
	for name, tt := range map[string]struct {
		said report.Report
		at   time.Time
		want bool
	}{
		"a week after ten minutes":          {said(168, report.BuildOther), out.Add(10 * time.Minute), true},
		"a day, a minute early":             {said(24, report.BuildOther), hours(24).Add(-11 * time.Minute), true},
		"a day, with another clock":         {said(24, report.BuildOther), hours(24).Add(-9 * time.Minute), false},
		"a day after a week":                {said(24, report.BuildOther), hours(168), false},
		"before it was published":           {said(1, report.BuildOther), hours(-1), true},
		"less than an hour, before":         {said(0, report.BuildOther), hours(-1), false},
		"sold with it":                      {said(96, ""), hours(1), false},
		"sold with it before it was made":   {said(168, ""), hours(1), true},
		"a build of which nothing is known": {unknown, hours(1), false},
		"no number":                         {word, hours(1), false},
	} {
		v := Judge(tt.at, Subject{Newest: tt.said, Last: tt.at}, by)
		if got := v.Class == Implausible; got != tt.want {
			t.Errorf("%s: %+v", name, v)
		}
		if tt.want && (v.Kind != Unjudged || len(v.Because) != 1 || v.Because[0].Code != CodeTooSoon) {
			t.Errorf("%s: %+v", name, v)
		}
	}
	sold := said(96, "")
	if v := Judge(hours(1), Subject{Newest: sold, Last: hours(1), Elsewhere: true}, by); v.Class != Implausible {
		t.Errorf("it ran another build before: %+v", v)
	}
	later := said(24, report.BuildOther)
	if v := Judge(hours(100), Subject{Newest: later, Last: hours(1)}, by); v.Class != Implausible {
		t.Errorf("what came too early is not believed by waiting: %+v", v)
	}
}
