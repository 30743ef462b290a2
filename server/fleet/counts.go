// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"landed/manifests/effect"
	"landed/manifests/report"
)

// Counts are the maintained figures of one release on one model and channel, or, with no release, of the whole
// fleet there: each installation once, as it stands on the release of its newest report. They change in the
// transaction that stores the report which changed them.
type Counts struct {
	Release       string // "" for the total of a model and channel
	Model         string
	Channel       string
	Installations int64
	Silent        int64 // whose newest report speaks of this release, and came too long ago: another release is not silence
	Leaked        int64 // that ever leaked: it never falls, so nobody can talk a leak away
	Verdicts      map[Class]int64
	Kinds         map[Kind]int64
	Progress      map[report.Progress]int64
	Before        map[Before]int64
}

// Began counts installations that have begun to install this release, or run it.
func (c Counts) Began() int64 {
	return c.Progress[report.ProgressDownloading] + c.Progress[report.ProgressInstalled] + c.Running() + c.Failed()
}

// Running counts installations that run a build of this release.
func (c Counts) Running() int64 { return c.Progress[report.ProgressRunning] }

// Failed counts installations whose last attempt failed.
func (c Counts) Failed() int64 { return c.Progress[report.ProgressFailed] }

// Proven counts installations that are fine and have shown it.
func (c Counts) Proven() int64 { return c.Kinds[effect.Good] }

// Judged counts installations whose evidence says something, good or bad: all but those of whom nothing can be said.
func (c Counts) Judged() int64 {
	return c.Kinds[effect.Good] + c.Kinds[effect.Open] + c.Kinds[effect.Bad]
}
