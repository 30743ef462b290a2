// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"maps"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// Counts are the maintained figures of one release on one model and channel, or, with no release, of the whole
// fleet there: each installation once, as it stands on the release of its newest report. They change in the
// transaction that stores the report which changed them.
type Counts struct {
	Release string // "" for the total of a model and channel
	Model   string
	Channel string
	Figures // of everybody who is not quarantined
	// Counted are the figures of those that count: of the release, or, in a total, of its counted fleet.
	Counted     Figures
	Quarantined Figures // of those that are out of both
}

// Figures say of some installations how many are what.
type Figures struct {
	Installations int64
	Silent        int64 // that wait for this release, and have said nothing for too long; see At
	Lost          int64 // that said they installed it, and nothing more for LostAfter; see At
	Leaked        int64 // that ever leaked: it never falls, so nobody can talk a leak away
	OutOfDraw     int64 // whose newest report was of a stage that it had not drawn
	Verdicts      map[Class]int64
	Kinds         map[Kind]int64
	Progress      map[report.Progress]int64
	Before        map[Before]int64
	Causes        map[report.Cause]int64 // of those that failed
	// Heard is in copies (History) and in what was counted again, of those whose newest report speaks of the release; nil: nobody looked.
	Heard *Heard
	Ages
}

// NewFigures are zeros.
func NewFigures() Figures {
	return Figures{
		Verdicts: map[Class]int64{}, Kinds: map[Kind]int64{}, Progress: map[report.Progress]int64{}, Before: map[Before]int64{},
		Causes: map[report.Cause]int64{}, Ages: Ages{Waiting: map[int64]int64{}, Installed: map[int64]int64{}},
	}
}

// Began counts installations that have begun to install this release, or run it.
func (c Figures) Began() int64 {
	return c.Progress[report.ProgressDownloading] + c.Progress[report.ProgressInstalled] + c.Running() + c.Failed()
}

// Running counts installations that run a build of this release.
func (c Figures) Running() int64 { return c.Progress[report.ProgressRunning] }

// Failed counts installations that gave up, or have tried in vain for a long time, whatever the cause.
func (c Figures) Failed() int64 { return c.Progress[report.ProgressFailed] }

// Blamed counts installations whose failure speaks against the update: of the package or of the build. Gates and halts
// count these alone.
func (c Figures) Blamed() (n int64) {
	for cause, of := range c.Causes {
		if cause.Blamed() {
			n += of
		}
	}
	return n
}

// Ended counts installations whose attempt has come to an end that says something of the update: it runs, or its
// failure is to be blamed on it.
func (c Figures) Ended() int64 { return c.Running() + c.Blamed() }

// LostOrEnded counts those of whom an end is known, or due: they run it, their failure is to be blamed on it, or they are
// lost. Who said less than LostAfter ago that it installed is in neither part of the share. Who runs it counts from the
// first report on, so that the share of lost ones is too small rather than too large while a stage fills.
func (c Figures) LostOrEnded() int64 { return c.Ended() + c.Lost }

// Proven counts installations that are fine and have shown it.
func (c Figures) Proven() int64 { return c.Kinds[effect.Good] }

// Judged counts installations whose evidence says something, good or bad: all but those of whom nothing can be said.
func (c Figures) Judged() int64 {
	return c.Kinds[effect.Good] + c.Kinds[effect.Open] + c.Kinds[effect.Bad]
}

// Add adds the figures of d to those of c, whose maps are its own.
func (c *Counts) Add(d Counts) {
	c.Figures.add(d.Figures)
	c.Counted.add(d.Counted)
	c.Quarantined.add(d.Quarantined)
}

func (c *Figures) add(d Figures) {
	c.Installations += d.Installations
	c.Silent += d.Silent
	c.Lost += d.Lost
	c.Leaked += d.Leaked
	c.OutOfDraw += d.OutOfDraw
	c.Hear(d.Heard)
	addTo(c.Verdicts, d.Verdicts)
	addTo(c.Kinds, d.Kinds)
	addTo(c.Progress, d.Progress)
	addTo(c.Before, d.Before)
	addTo(c.Causes, d.Causes)
	addTo(c.Waiting, d.Waiting)
	addTo(c.Installed, d.Installed)
}

// Hear adds how others were heard of; nil if nobody looked.
func (c *Figures) Hear(more *Heard) {
	if more == nil {
		return
	}
	sum := *more // what c has may be that of others, too
	if c.Heard != nil {
		sum = sum.Add(*c.Heard)
	}
	c.Heard = &sum
}

// Equal says that c and d are the same figures.
func (c Counts) Equal(d Counts) bool {
	return c.Release == d.Release && c.Model == d.Model && c.Channel == d.Channel && c.Figures.Equal(d.Figures) &&
		c.Counted.Equal(d.Counted) && c.Quarantined.Equal(d.Quarantined)
}

// Equal says that c and d are the same: a figure that is missing is not one that is 0.
func (c Figures) Equal(d Figures) bool {
	return c.Installations == d.Installations && c.Silent == d.Silent && c.Lost == d.Lost && c.Leaked == d.Leaked &&
		c.OutOfDraw == d.OutOfDraw && maps.Equal(c.Verdicts, d.Verdicts) && maps.Equal(c.Kinds, d.Kinds) &&
		maps.Equal(c.Progress, d.Progress) && maps.Equal(c.Before, d.Before) && maps.Equal(c.Causes, d.Causes) &&
		maps.Equal(c.Waiting, d.Waiting) && maps.Equal(c.Installed, d.Installed) &&
		(c.Heard == d.Heard || c.Heard != nil && d.Heard != nil && *c.Heard == *d.Heard)
}

func addTo[K comparable](sum, cells map[K]int64) {
	for k, n := range cells {
		sum[k] += n
	}
}
