// SPDX-License-Identifier: Apache-2.0

package history

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"landed/server/fleet"
)

var start = time.Date(2014, 8, 10, 0, 0, 0, 0, time.UTC) // a Sunday

func at(times ...time.Duration) (all []fleet.Moment) {
	for _, t := range times {
		all = append(all, fleet.Moment{At: start.Add(t), Version: 1})
	}
	return all
}

func TestThin(t *testing.T) {
	for _, tt := range []struct {
		name          string
		now           time.Duration
		moments, gone []fleet.Moment
	}{
		{"nothing", 0, nil, nil},
		{"the newest stays", 9000 * day, at(0), nil},
		{"two of one hour", time.Hour, at(0, time.Minute, time.Hour), at(0)},
		{"hours of two weeks stay", Hourly, at(0, time.Hour, 2*time.Hour), nil},
		{"then one of a day does", Hourly + time.Hour + 1, at(0, time.Hour, 2*time.Hour, 25*time.Hour), at(0, time.Hour)},
		{"days stay", Daily, at(0, day, 2*day), nil},
		{"then one of a week does: Sunday is its last day", Daily + 9*day, at(0, day, 2*day, 8*day), at(day)},
		{"one that is old, and one of the same day that is not", Hourly + 1, at(0, time.Hour), at(0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Thin(start.Add(tt.now), tt.moments); !slices.Equal(got, tt.gone) {
				t.Errorf("these go: %v, wanted %v", got, tt.gone)
			}
		})
	}
}

// TestThinEverySoOften: whenever and however often copies are thinned, the same stay in the end, and they are bounded.
func TestThinEverySoOften(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var all, kept []fleet.Moment
	end := 3 * Daily
	for now := time.Duration(0); now < end; now += time.Hour {
		if chance.IntN(20) == 0 {
			continue // the server was away
		}
		m := at(now)
		all, kept = append(all, m...), append(kept, m...)
		if chance.IntN(500) == 0 {
			kept = without(kept, Thin(start.Add(now), kept))
		}
	}
	once := without(all, Thin(start.Add(end), all))
	kept = without(kept, Thin(start.Add(end), kept))
	if !slices.Equal(once, kept) {
		t.Errorf("%d moments stay if they are thinned once, and %d others if they are so now and then", len(once), len(kept))
	}
	if most := 14*24 + 1 + 400 + 1 + int((end-Daily)/(7*day)) + 2; len(once) > most {
		t.Errorf("%d moments stay, wanted %d at most", len(once), most)
	}
}

func without(all, gone []fleet.Moment) []fleet.Moment {
	return slices.DeleteFunc(slices.Clone(all), func(m fleet.Moment) bool { return slices.Contains(gone, m) })
}

func TestPick(t *testing.T) {
	var all []fleet.Moment
	for n := range 30 * 24 {
		all = append(all, at(time.Duration(n)*time.Hour)...)
	}
	for _, most := range []int{1000, 200, 60, 31, 5} {
		some := Pick(all, most)
		if len(some) > most || len(some) < most/4 || some[0] != all[0] || some[len(some)-1] != all[len(all)-1] {
			t.Errorf("of %d moments at most %d were wanted, the first and the last among them: got %d", len(all), most, len(some))
		}
	}
	if got := Pick(nil, 10); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
