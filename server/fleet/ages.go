// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"maps"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// LostAfter is how long an installation that said it installed may say nothing more. A handset boots the new build
// within minutes, and says so within the hour; three days allow for one that lies switched off over a weekend.
const LostAfter = 72 * time.Hour

// Ages are what time alone does to figures: how many installations there are by when their newest report came. What
// follows from them is computed when it is read, and never stored, so that a clock which was wrong has no effect once it
// is right.
type Ages struct {
	Waiting   map[int64]int64 // that wait for the release (Installation.Waits), by the UTC day, as effect.Day counts
	Installed map[int64]int64 // current ones with progress installed, by the hour since 1 January 1970
}

// Hour is the number of the hour of t, 0 for the first of 1970.
func Hour(t time.Time) int64 {
	hour := t.Unix() / 3600
	if t.Unix()%3600 < 0 {
		hour--
	}
	return hour
}

// lostHour says if all whose newest report came in an hour have been silent for longer than LostAfter.
func lostHour(now time.Time, hour int64) bool { return Hour(now)-hour > int64(LostAfter/time.Hour) }

// At are the figures as they stand at a time: who waits and has been silent for too long is Silent, and Unknown in place
// of Unpatched; who installed and said nothing more is Lost. Figures may be taken to another time again.
func (c Figures) At(now time.Time) Figures {
	silent, lost := int64(0), int64(0)
	for day, n := range c.Waiting {
		if effect.SilentDay(now, day) {
			silent += n
		}
	}
	for hour, n := range c.Installed {
		if lostHour(now, hour) {
			lost += n
		}
	}
	if moved := silent - c.Silent; moved != 0 {
		c.Verdicts = maps.Clone(c.Verdicts)
		c.Verdicts[effect.Unknown] += moved
		c.Verdicts[effect.Unpatched] -= moved
	}
	c.Silent, c.Lost = silent, lost
	return c
}

// At are all figures of c as they stand at a time.
func (c Counts) At(now time.Time) Counts {
	c.Figures, c.Counted, c.Quarantined = c.Figures.At(now), c.Counted.At(now), c.Quarantined.At(now)
	return c
}

// At is an installation as it stands at a time: silence is no part of what is stored.
func (i Installation) At(now time.Time) Installation {
	if i.Waits() && effect.Silent(now, i.Last) {
		i.Verdict, i.Kind, i.Because = effect.Unknown, effect.Unjudged, []Reason{{Code: effect.CodeSilent}}
	}
	return i
}

// Waits says that its newest report speaks of Release, from a build without it: silence is told of these alone. Who runs
// the release has proven what there is to prove.
func (i Installation) Waits() bool { return i.Current && i.Verdict == effect.Unpatched }

// Lost says that it said it installed, and nothing more for too long.
func (i Installation) Lost(now time.Time) bool {
	return i.Current && i.Progress == report.ProgressInstalled && lostHour(now, Hour(i.Last))
}
