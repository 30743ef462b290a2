// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"testing"
	"time"
)

// TestSilentCountsDays: whatever the hour, the sixteenth day after the newest report is the first of silence.
func TestSilentCountsDays(t *testing.T) {
	last := time.Date(2014, 8, 1, 23, 59, 59, 0, time.UTC)
	for now, want := range map[time.Time]bool{
		last:                                    false,
		last.Add(-time.Hour):                    false, // a clock that went back
		last.AddDate(0, 0, 15):                  false,
		last.Add(15*24*time.Hour + time.Second): true,
		last.AddDate(0, 0, 16):                  true,
	} {
		if Silent(now, last) != want || SilentDay(now, Day(last)) != want {
			t.Errorf("at %s: %t", now, !want)
		}
	}
	for at, want := range map[time.Time]int64{
		time.Unix(0, 0): 0, time.Unix(86399, 0): 0, time.Unix(86400, 0): 1, time.Unix(-1, 0): -1, time.Unix(-86400, 0): -1,
	} {
		if Day(at) != want {
			t.Errorf("%s is day %d, wanted %d", at.UTC(), Day(at), want)
		}
	}
}
