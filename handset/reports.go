// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/hex"
	"io"
	"reflect"
	"time"

	"landed/manifests/report"
)

const weekly = 7 * 24 * time.Hour

// milestones are the hours after the first boot of a new build at which its effect is reported.
var milestones = []int{1, 24, 168}

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
	id := make([]byte, 16)
	if _, err := io.ReadFull(c.cfg.Rand, id); err != nil {
		c.cfg.Log.Error("no randomness for a report id", "err", err)
		return
	}
	evidence, _ := c.cfg.System.Evidence()
	r := report.Report{
		Schema: report.Schema, ID: hex.EncodeToString(id), Seq: c.mem.Seq + 1, Kind: kind, Release: c.mem.Release,
		Model: img.Build.Model, Variant: img.Build.Variant, Channel: c.cfg.Channel,
		Build: report.BuildOther, Progress: c.mem.Progress, Failure: c.mem.Failure, Evidence: evidence,
	}
	if c.mem.Running != "" && c.mem.Running == img.Build.Fingerprint { // the signed documents name this build
		r.Build, r.BuildUTC = img.Build.Fingerprint, img.Build.UTC
	}
	if c.mem.Previous != "" { // which it was is nobody's business; that there was one is evidence
		r.PreviousBuild = report.BuildOther
	}
	envelope, err := report.Seal(r, c.mem.key())
	if err != nil {
		c.cfg.Log.Error("a report cannot be made", "err", err)
		return
	}
	c.mem.Seq++
	c.dirty = true
	c.mem.Outbox = append(c.mem.Outbox, queuedReport{ID: r.ID, Kind: kind, Envelope: envelope})
	c.mem.Outbox = fitting(c.mem.Outbox)
	c.mem.Baseline, c.mem.Answer = c.cfg.Now(), answer(evidence)
}

// answer is what a report says, without what changes by itself as time goes by: the figures of counters that
// are not zero, and the hours.
func answer(e report.Evidence) *report.Evidence {
	e.ObservedHours = 0
	e.AttemptsSetup, e.AttemptsBuild, e.LookupsOff = min(e.AttemptsSetup, 1), min(e.AttemptsBuild, 1), min(e.LookupsOff, 1)
	return &e
}

// observe reports the effect when a milestone has come or the answer has changed, and a baseline each week
// that the handset still waits for the patch.
func (c *Client) observe() error {
	if c.mem.Release == "" {
		return nil
	}
	evidence, since := c.cfg.System.Evidence()
	switch {
	case !c.observing():
		if !reached(c.cfg.Now(), c.mem.Baseline.Add(weekly)) {
			return nil
		}
		c.queueReport(report.KindBaseline)
	case c.passed(since) > c.mem.Shown:
		c.mem.Shown = c.passed(since)
		c.queueReport(report.KindEffect)
	case !reflect.DeepEqual(answer(evidence), c.mem.Answer):
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
func (c *Client) passed(since time.Duration) int {
	last := 0
	for _, hours := range milestones {
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
	_, since := c.cfg.System.Evidence()
	for _, hours := range milestones {
		if at := time.Duration(hours) * time.Hour; since < at {
			return c.cfg.Now().Add(at - since)
		}
	}
	return time.Time{}
}
