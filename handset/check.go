// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"
	"fmt"
	"os"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// maxInstalls is how often one package may be refused, fail to install or to come up before the handset gives up on it.
const maxInstalls = 3

// check polls once and decides.
func (c *Client) check(ctx context.Context) error {
	img, err := c.cfg.Slots.Image()
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseInstall, codeError, err}
	}
	// What polls has come up, even if that could not be written then.
	if err := c.cfg.Slots.MarkSuccessful(); err != nil {
		c.cfg.Log.Error("the running system could not be marked successful", "err", err)
	}
	f, err := c.poll(ctx, img.Build.Model)
	if err != nil {
		return err
	}
	if f == nil { // what both roles agreed on then, they agree on still
		if c.mem.Offer != nil {
			return c.begin(*c.mem.Offer, img.Build)
		}
		c.waitForPoll(img.Build)
		return nil
	}
	if f.retired() {
		c.mem.Reason, c.mem.Needs = "There are no updates for this model here (any more).", ""
		f.done()
		c.discard()
		c.waitForPoll(img.Build)
		return nil
	}
	doc, err := f.offers()
	if err != nil {
		return err
	}
	d, err := c.decide(f, doc, img.Build)
	if err != nil {
		return err
	}
	f.done()
	if d.Offer == nil || d.Offer.Package.SHA256 == c.mem.GaveUp {
		c.discard()
		c.waitForPoll(img.Build)
		return nil
	}
	return c.begin(*d.Offer, img.Build)
}

func (c *Client) describe(b slots.Build) offers.Handset {
	return offers.Handset{Model: b.Model, Variant: b.Variant, Build: b.Fingerprint, UTC: b.UTC,
		Counter: c.mem.Counter, Begun: c.mem.Begun, Secret: c.mem.Secret}
}

// noteRelease takes notice of the release that reports will speak of: the one that is offered, or runs, or waits. The
// offline role has said what is said of it here.
func (c *Client) noteRelease(met manifests.Custom, b slots.Build) {
	running := met.Build.Fingerprint == b.Fingerprint
	if running {
		c.mem.Counter, c.mem.Named = max(c.mem.Counter, met.Counter), b.Fingerprint
	}
	if c.mem.Release == met.Release && c.mem.Progress != "" && (c.mem.Running == b.Fingerprint) == running {
		return
	}
	if c.mem.Release != met.Release {
		c.mem.Attempt = 0
	}
	c.mem.Release, c.mem.Effect = met.Release, met.Effect
	c.mem.Progress, c.mem.Failure = report.ProgressKnown, nil
	c.mem.Running, c.mem.Shown = "", 0
	if running {
		c.mem.Progress, c.mem.Running = report.ProgressRunning, b.Fingerprint
	}
	c.queueReport(report.KindBaseline)
}

// waitForPoll waits for the next poll.
func (c *Client) waitForPoll(b slots.Build) {
	c.mem.Tries = 0
	if c.mem.Failure != nil && c.mem.Failure.Phase == report.PhaseMetadata {
		c.progress(report.ProgressKnown, nil) // the feed is in order again
	}
	state := Idle
	if c.mem.Running != "" && c.mem.Running == b.Fingerprint {
		state = Observing
	}
	c.enter(state, c.cfg.Now().Add(c.jitter(c.cfg.Poll, 10)))
}

// begin starts on an offer that both roles agree on.
func (c *Client) begin(o offers.Offer, b slots.Build) error {
	if c.mem.Offer == nil || c.mem.Offer.Package != o.Package {
		if err := os.Remove(c.path(downloadFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
		}
	}
	c.countAttempt(o.Package.SHA256)
	c.mem.Offer, c.mem.Begun, c.mem.GaveUp, c.mem.Leaving = &o, o.Rollout, "", b.Fingerprint
	c.progress(report.ProgressDownloading, nil)
	c.enter(Downloading, c.cfg.Now())
	return nil
}

// fail records what went wrong, backs off, and makes a report of it if it stands in the way of an update.
func (c *Client) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("stopped: %w", ctx.Err()) // our own end is nobody's failure; go on from the last write
	}
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		r = &Refusal{ClassHandset, report.PhaseInstall, codeError, err}
	}
	was := c.mem.State
	c.mem.Tries++
	c.enter(Failed, c.cfg.Now().Add(c.backOff(c.mem.Tries)))
	c.cfg.Log.Info("refused", "class", string(r.Class), "phase", string(r.Phase), "code", r.Code,
		"err", Printable(r.Err.Error()))
	if r.Class != ClassNetwork {
		c.mem.Validator, c.known = "", nil // look at everything again
	}
	if was != Checking && r.packageAtFault() {
		c.countInstall()
	}
	c.reportFailure(was, r)
	return errors.Join(r, c.save())
}

// countInstall counts a failure against the package that was tried, downloaded anew or not.
func (c *Client) countInstall() {
	c.mem.Installs++
	if c.mem.Installs >= maxInstalls && c.mem.Tried != "" {
		c.mem.GaveUp = c.mem.Tried
		c.mem.Reason = "The update failed three times on this handset and will not be tried again."
		c.discard()
	}
}

// reportFailure tells the server, once per kind of failure in a row.
func (c *Client) reportFailure(was State, r *Refusal) {
	if was == Checking && !c.concerns(r) {
		return
	}
	failure := &report.Failure{Phase: r.Phase, Code: r.Code}
	if was == Checking && c.mem.Failure != nil && *c.mem.Failure == *failure {
		return
	}
	c.progress(report.ProgressFailed, failure)
}

// concerns says if what went wrong with a poll is a failure of this handset's update. A quarrel of the two roles about
// what is offered to it is; so is any other refusal of the feed if an offer was begun, for it stands in its way. A
// feed that is stale or out of reach says nothing of this handset, and nothing that a feed does says anything of an
// update that is running well.
func (c *Client) concerns(r *Refusal) bool {
	switch {
	case c.mem.Progress == report.ProgressRunning, r.Class == ClassNetwork, r.Class == ClassFreeze:
		return false
	case disagreement(r):
		return true
	}
	return c.mem.Offer != nil
}

// discard removes the download and what was known of it.
func (c *Client) discard() {
	_ = os.Remove(c.path(downloadFile))
	c.mem.Offer = nil
}
