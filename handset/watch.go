// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"time"

	"landed/manifests/tufrepo"
)

// timestampLife is the longest that a timestamp may be valid: one that expires at E was signed after E minus
// this. Timestamps carry no date of signing (TUF 4.6), so this is what they prove about the time.
var timestampLife = tufrepo.MaxLife(tufrepo.Timestamp)

// watch bounds the time from below by what was proven: the build time of the running system and the
// newest trusted timestamp, and then the steady time that has passed. The handset's clock moves it
// nowhere: one that was a year ahead for a day must not leave a mark.
type watch struct {
	Floor time.Time
	last  time.Duration // steady time of the last reading
}

// read is the clock, or the floor if that is later.
func (w *watch) read(clock time.Time, elapsed time.Duration) time.Time {
	if passed := elapsed - w.last; passed > 0 && !w.Floor.IsZero() {
		w.Floor = w.Floor.Add(passed)
	}
	w.last = elapsed
	if clock.Before(w.Floor) {
		return w.Floor.UTC()
	}
	return clock.UTC()
}

// raise takes notice that the time is later than t.
func (w *watch) raise(t time.Time) {
	if t.After(w.Floor) {
		w.Floor = t
	}
}
