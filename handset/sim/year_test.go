// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"context"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/internal/race"
	"landed/manifests/effect"
	"landed/manifests/report"
)

// TestReportsOfAKey: what a server takes of one key is more than an honest handset ever sends: 64 reports at once, and one
// more for each day since the first (server/intake). Handsets wait three months for an update, install it, fail at
// it, lie in drawers and come back. None of them claims what it cannot have seen.
func TestReportsOfAKey(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	f, server := fleet(t, 15, map[string]fixtures.Kind{"armani": fixtures.Patched})
	day := 24 * time.Hour
	share := func(to int) func(context.Context) error {
		return func(context.Context) error {
			for _, all := range server.Offers {
				for n := range all {
					all[n].Share = to
				}
			}
			server.Publish()
			return nil
		}
	}
	type sender struct {
		first     time.Time
		n         int
		byDay     map[int64]int
		byRelease map[string]int
	}
	senders := map[string]*sender{}
	most, perDay, perRelease, seen, early := 0, 0, 0, 0, 0
	published := start.Add(48 * time.Hour)
	look := func(context.Context) error {
		all := server.Reports()
		for ; seen < len(all); seen++ {
			r := all[seen]
			s := senders[r.Key]
			if s == nil {
				s = &sender{first: f.Now(), byDay: map[int64]int{}, byRelease: map[string]int{}}
				senders[r.Key] = s
			}
			s.n++
			today := int64(f.Now().Sub(start) / day)
			s.byDay[today]++
			s.byRelease[r.Release]++
			most = max(most, s.n-int(f.Now().Sub(s.first)/day))
			perDay, perRelease = max(perDay, s.byDay[today]), max(perRelease, s.byRelease[r.Release])
			by := effect.Standard{Builds: []effect.Build{{Fingerprint: r.Build, Model: r.Model, Variant: r.Variant}},
				Published: map[string]time.Time{r.Build: published}}
			if r.Build != report.BuildOther {
				if v := effect.Judge(f.Now(), effect.Subject{Newest: r, Last: f.Now()}, by); v.Class == effect.Implausible {
					early++
				}
			}
		}
		return nil
	}
	f.Every(time.Hour, look)
	f.At(published, share(0)) // after fleet has put it there
	f.At(start.Add(90*day), share(10_000))
	if err := f.Run(t.Context(), start.Add(130*day)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d reports of %d installations; at most %d above one a day, %d a day, %d of a release", seen, len(senders), most, perDay,
		perRelease)
	if most > 64 || early > 0 || len(senders) < 15 || seen < 15*12 {
		t.Errorf("%d above one a day, %d claim what they cannot have seen; %d reports of %d installations", most, early, seen, len(senders))
	}
	if perDay <= 4 || perRelease <= 12 {
		t.Errorf("four a day and twelve of a release would do: docs/design/counted.md says that they do not")
	}
}
