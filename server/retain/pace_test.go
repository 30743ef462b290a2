// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"testing"
	"time"
)

// TestPace: a step takes what fits into the time that it has: quickly less, slowly more, never nothing.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		n    int
		took time.Duration
		want int
	}{
		{100, stepFor, 100},
		{100, stepFor / 10, 200}, // twice as many at most
		{100, 0, 200},
		{100, 2 * stepFor, 50},
		{100, 4 * stepFor, 50}, // one slow step is none yet
		{1, time.Hour, 1},
		{1, 0, 2},
		{900, stepFor / 2, 1000}, // the most
	} {
		p := pace{tt.n, 1000}
		if p.took(tt.took); p.n != tt.want {
			t.Errorf("after %d in %s: %d, wanted %d", tt.n, tt.took, p.n, tt.want)
		}
	}
}
