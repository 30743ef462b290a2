// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"maps"
	"time"

	"landed/manifests/report"
)

const weekly = 7 * 24 * time.Hour

// observing says if a build of the release runs.
func (r *reporter) observing() bool {
	img, err := r.running.Image()
	return err == nil && r.mem.Running != "" && img.Build.Fingerprint == r.mem.Running
}

// observe reports the effect when a milestone has come or the answer has changed, and a baseline each week
// that the handset still waits for the patch; and whatever else is due. It says if there was anything to report.
func (r *reporter) observe() bool {
	if r.mem.Release == "" {
		return false
	}
	if r.answerEpoch() || r.repeatAhead() {
		return true
	}
	if !r.observing() {
		due := r.clock.reached(r.mem.Baseline.Add(weekly))
		if due {
			r.make(report.KindBaseline)
		}
		return due
	}
	switch last, _ := r.asked.observed(); {
	case last > r.mem.Shown:
		r.mem.Shown = last
	case maps.Equal(stableAnswers(r.asked.answers()), r.mem.Answer):
		return false
	}
	r.make(report.KindEffect)
	return true
}

// wake is when observe wants to look again, by the handset's clock; zero if never.
func (r *reporter) wake() time.Time {
	if r.mem.Release == "" {
		return time.Time{}
	}
	first := time.Time{}
	for _, at := range []time.Time{r.subjectWake(), r.aheadWake(), r.epochs.EpochDue} {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func (r *reporter) subjectWake() time.Time {
	if !r.observing() {
		return r.mem.Baseline.Add(weekly)
	}
	if _, next := r.asked.observed(); next > 0 {
		return r.clock.now().Add(next)
	}
	return time.Time{}
}
