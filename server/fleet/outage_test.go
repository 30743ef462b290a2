// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"testing"
	"time"

	"landed/server/fleet"
)

func TestDown(t *testing.T) {
	at := func(hours int) time.Time { return time.Date(2014, 8, 20, hours, 0, 0, 0, time.UTC) }
	span := func(from, to int) fleet.Outage { return fleet.Outage{From: at(from), To: at(to)} }
	lasts := fleet.Outage{Cause: fleet.OutageClock, From: at(9)}
	for name, tt := range map[string]struct {
		outages []fleet.Outage
		want    int
	}{
		"none":                  {nil, 0},
		"one":                   {[]fleet.Outage{span(3, 5)}, 2},
		"before and after":      {[]fleet.Outage{span(-3, 1), span(11, 15)}, 2},
		"all of it":             {[]fleet.Outage{span(-3, 40)}, 12},
		"none of it":            {[]fleet.Outage{span(-3, 0), span(12, 40)}, 0},
		"one that lasts":        {[]fleet.Outage{lasts}, 3},
		"over one another":      {[]fleet.Outage{span(6, 8), span(2, 7), span(3, 4)}, 6},
		"the same from another": {[]fleet.Outage{span(2, 7), span(2, 7)}, 5},
	} {
		if got := fleet.Down(tt.outages, at(0), at(12)); got != time.Duration(tt.want)*time.Hour {
			t.Errorf("%s: %s, wanted %d hours", name, got, tt.want)
		}
	}
	if fleet.Distrusted([]fleet.Outage{span(1, 2)}) || !fleet.Distrusted([]fleet.Outage{span(1, 2), lasts}) {
		t.Error("a clock is distrusted while such an outage lasts, and by none else")
	}
}
