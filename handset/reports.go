// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"maps"
	"time"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

const weekly = 7 * 24 * time.Hour

// progress notes a step of the update and reports it.
func (c *Client) progress(p report.Progress, f *report.Failure) {
	c.mem.Progress, c.mem.Failure = p, f
	c.queueReport(report.KindProgress)
}

// queueReport writes a report into the outbox. It is sent only after the state that holds it has been written, so
// its sequence number is never used again. Before the handset has met a release there is nothing to speak of.
func (c *Client) queueReport(kind report.Kind) {
	img, err := c.cfg.Slots.Image()
	if err != nil || c.mem.Release == "" {
		return
	}
	answers := c.answers()
	c.mem.Baseline, c.mem.Answer = c.cfg.Now(), stableAnswers(answers)
	if c.mem.Seq >= report.MaxSeq {
		c.endSequence()
		return
	}
	r := report.Report{
		Seq: c.mem.Seq + 1, Kind: kind, Release: c.mem.Release,
		Model: img.Build.Model, Variant: img.Build.Variant, Channel: c.cfg.Channel,
		Build: report.BuildOther, Progress: c.mem.Progress, Failure: c.mem.Failure, Attempt: c.mem.Attempt, Answers: answers,
	}
	if c.named(img.Build.Fingerprint) {
		r.Build, r.BuildUTC = img.Build.Fingerprint, img.Build.UTC
	}
	if c.mem.Previous != "" { // which it was is nobody's business; that there was one is evidence
		r.PreviousBuild = report.BuildOther
	}
	text, id, err := envelope.Seal(r, c.mem.key())
	if err != nil {
		c.cfg.Log.Error("a report cannot be made", "err", err)
		return
	}
	c.mem.Seq++
	c.dirty = true
	c.mem.Outbox = append(c.mem.Outbox, queuedReport{ID: id, Kind: kind, Envelope: text})
	c.mem.Outbox = fitting(c.mem.Outbox)
}

// named says if a release that the handset has met, this one or an earlier one, named the build in words signed
// offline. A build that no release named is nobody's business.
func (c *Client) named(fingerprint string) bool {
	return fingerprint != "" && (fingerprint == c.mem.Running || fingerprint == c.mem.Named)
}

// endSequence is the end of the sequence numbers. What was reported stands; what is in the outbox is still sent;
// nothing follows, since a number given twice would look like a copied key. A factory reset begins anew. It says so
// once.
func (c *Client) endSequence() {
	if !c.silent {
		c.cfg.Log.Error("this installation has made all the reports that it may make; a factory reset begins another",
			"reports", c.mem.Seq)
	}
	c.silent = true
}

// countAttempt notes that the installation of a package begins: for the first time, or again after one that failed.
func (c *Client) countAttempt(sha256 string) {
	again := c.mem.Tried == sha256
	if !again {
		c.mem.Tried, c.mem.Installs = sha256, 0
	}
	if !again || c.mem.Installs > c.mem.Counted {
		c.mem.Attempt = min(c.mem.Attempt+1, report.MaxAttempt)
	}
	c.mem.Counted = c.mem.Installs
}

// observe reports the effect when a milestone has come or the answer has changed, and a baseline each week
// that the handset still waits for the patch.
func (c *Client) observe() error {
	if c.mem.Release == "" {
		return nil
	}
	switch {
	case !c.observing():
		if !reached(c.cfg.Now(), c.mem.Baseline.Add(weekly)) {
			return nil
		}
		c.queueReport(report.KindBaseline)
	case c.passed() > c.mem.Shown:
		c.mem.Shown = c.passed()
		c.queueReport(report.KindEffect)
	case !maps.Equal(stableAnswers(c.answers()), c.mem.Answer):
		c.queueReport(report.KindEffect)
	default:
		return nil
	}
	return c.save()
}

// observing says if a build of the release runs.
func (c *Client) observing() bool {
	img, err := c.cfg.Slots.Image()
	return err == nil && c.mem.Running != "" && img.Build.Fingerprint == c.mem.Running
}

// passed is the last milestone that lies behind.
func (c *Client) passed() int {
	_, since := c.cfg.System.Answers(c.mem.Ask)
	last := 0
	for _, hours := range c.milestones() {
		if since >= time.Duration(hours)*time.Hour {
			last = hours
		}
	}
	return last
}

// observeWake is when observe wants to look again, by the handset's clock.
func (c *Client) observeWake() time.Time {
	if c.mem.Release == "" {
		return time.Time{}
	}
	if !c.observing() {
		return c.mem.Baseline.Add(weekly)
	}
	_, since := c.cfg.System.Answers(c.mem.Ask)
	for _, hours := range c.milestones() {
		if at := time.Duration(hours) * time.Hour; since < at {
			return c.cfg.Now().Add(at - since)
		}
	}
	return time.Time{}
}
