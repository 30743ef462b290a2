// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/hex"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// reporter makes the reports: when one is due, and what it says.
type reporter struct {
	mem      *subject
	secret   []byte // of the installation
	channel  string
	running  firmware
	clock    *clock
	attempts *attempts
	asked    *questions
	outbox   *outbox

	epochs     *epochs
	ahead      *ahead
	askedAhead *questions // of the release ahead
}

// subject is what reports are about now.
func (r *reporter) subject() subject { return *r.mem }

// progress notes a step of the update and reports it.
func (r *reporter) progress(p report.Progress, f *report.Failure) {
	r.mem.Progress, r.mem.Failure = p, f
	r.make(report.KindProgress)
}

// failed reports a failure; one that is as it was before, once.
func (r *reporter) failed(f report.Failure) {
	if r.mem.Failure != nil && *r.mem.Failure == f {
		return
	}
	r.progress(report.ProgressFailed, &f)
}

// begun reports that an attempt begins. One that goes on after a passing fault is no other one: it was said that it is
// under way, or that it has long been tried in vain, and both still hold.
func (r *reporter) begun(anew bool) {
	tried := r.mem.Failure != nil && r.mem.Failure.Phase != report.PhaseMetadata
	r.mem.Drawn = r.mem.Release
	if anew || !tried && r.mem.Progress != report.ProgressDownloading {
		r.progress(report.ProgressDownloading, nil)
	}
}

// feedIsWell takes a failure back that was the feed's.
func (r *reporter) feedIsWell() {
	if r.mem.Failure != nil && r.mem.Failure.Phase == report.PhaseMetadata {
		r.progress(report.ProgressKnown, nil)
	}
}

// make writes a report into the outbox. Before the handset has met a release there is nothing to speak of.
func (r *reporter) make(kind report.Kind) {
	if r.mem.Release == "" {
		return
	}
	answers := r.asked.answers()
	if r.send(report.Report{Kind: kind, Release: r.mem.Release, Progress: r.mem.Progress, Failure: r.mem.Failure,
		Attempt: r.attempts.Attempt, Answers: answers}) {
		r.mem.Baseline, r.mem.Answer = r.clock.now(), stableAnswers(answers)
	}
}

// send completes a report by what runs and what was drawn, and puts it into the outbox, if it is known what runs.
func (r *reporter) send(said report.Report) bool {
	img, err := r.running.Image()
	if err != nil {
		return false
	}
	said.Model, said.Variant, said.Channel, said.Build = img.Build.Model, img.Build.Variant, r.channel, report.BuildOther
	said.DrawCommit, said.Draw = r.draw(said.Release)
	if r.mem.named(img.Build.Fingerprint) {
		said.Build, said.BuildUTC = img.Build.Fingerprint, img.Build.UTC
	}
	if r.mem.Previous != "" { // which it was is nobody's business; that there was one is evidence
		said.PreviousBuild = report.BuildOther
	}
	r.outbox.add(said)
	return true
}

// draw is what reports about a release say of the draw, where they have a place for it: the commitment, and what opens
// it once the handset has begun to install it: a failure, too, says that it was in the stage. In each of those reports, so
// that none that is lost takes it along; not earlier, so that nobody who knows it can choose the salt of a rollout that this handset still
// waits for.
func (r *reporter) draw(release string) (commit, opened string) {
	s := offers.DrawSecret(r.secret, release)
	if r.mem.Drawn == release {
		opened = hex.EncodeToString(s)
	}
	return offers.Commitment(s), opened
}

// meet takes notice of the release that reports will speak of: the one that is offered, or runs, or waits. The
// offline role has said what is said of it here.
func (r *reporter) meet(met manifests.Custom, b slots.Build) {
	running := met.Build.Fingerprint == b.Fingerprint
	if running {
		r.mem.Named = b.Fingerprint
	}
	if r.mem.Release == met.Release && r.mem.Progress != "" && (r.mem.Running == b.Fingerprint) == running {
		return
	}
	if r.mem.Release != met.Release {
		r.attempts.another()
	}
	if r.ahead.Release == met.Release {
		r.nothingAhead()
	}
	r.mem.Release, r.mem.Effect = met.Release, met.Effect
	r.mem.Progress, r.mem.Failure = report.ProgressKnown, nil
	r.mem.Running, r.mem.Shown = "", 0
	if running {
		r.mem.Progress, r.mem.Running = report.ProgressRunning, b.Fingerprint
	}
	r.make(report.KindBaseline)
}

// updated says that the build of a release runs since now, and which ran before.
func (r *reporter) updated(to manifests.Custom, b slots.Build, from string) {
	r.mem.Previous, r.mem.Running, r.mem.Named, r.mem.Shown = from, b.Fingerprint, b.Fingerprint, 0
	r.mem.Release, r.mem.Effect, r.mem.Drawn = to.Release, to.Effect, to.Release
	if r.ahead.Release == to.Release {
		r.nothingAhead()
	}
	r.progress(report.ProgressRunning, nil)
}
