// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"

	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// move takes one step of the machine. Whatever goes wrong on the way leads to Failed.
func (c *Client) move(ctx context.Context) error {
	var err error
	switch c.State() {
	case Idle, Observing, Failed:
		c.machine.enter(Checking, c.clock.now())
		return nil // not worth a write: a restart finds the poll due
	case Checking:
		err = c.check(ctx)
	case Downloading:
		err = c.fetch(ctx)
	case Verifying:
		err = c.verify()
	case Installing:
		err = c.apply()
	case Rebooting:
		err = c.reboot()
	}
	if err != nil {
		return c.fail(ctx, err)
	}
	return c.store.save()
}

// check polls once and decides.
func (c *Client) check(ctx context.Context) error {
	img, err := c.slots.Image()
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	// What polls has come up, even if that could not be written then.
	if err := c.slots.MarkSuccessful(); err != nil {
		c.log.Error("the running system could not be marked successful", "err", err)
	}
	p, err := c.feed.poll(ctx, img.Build.Model, c.mem.Offer != nil)
	if err != nil {
		return err
	}
	if p == nil { // what both roles agreed on then, they agree on still
		return c.goOn(c.mem.Offer, img.Build)
	}
	if p.retired() {
		c.mem.Reason, c.mem.Needs = "There are no updates for this model here (any more).", ""
		c.feed.done(p)
		c.discard()
		return c.goOn(nil, img.Build)
	}
	doc, err := p.offers()
	if err != nil {
		return err
	}
	c.reports.epoch(doc.Epoch)
	d, err := c.decide(p, doc, img.Build)
	if err != nil {
		return err
	}
	ahead := c.lookAhead(p, doc, img.Build)
	if ahead != nil && d.Offer == nil {
		return ahead
	}
	c.feed.done(p)
	if ahead != nil { // an update does not wait for a baseline; the next poll looks again
		c.log.Info("what is signed beside the update was not read", "err", Printable(ahead.Error()))
		c.feed.forget()
	}
	if d.Offer == nil || c.attempts.given(d.Offer.Package.SHA256, d.Offer.Retry) {
		c.discard()
		return c.goOn(nil, img.Build)
	}
	c.mirrors.offered(doc.Mirrors)
	return c.goOn(d.Offer, img.Build)
}

// goOn begins an update that both roles agree on, or waits for the next poll.
func (c *Client) goOn(o *offers.Offer, b slots.Build) error {
	if o != nil {
		return c.begin(*o, b)
	}
	c.machine.succeeded()
	c.reports.feedIsWell()
	state := Idle
	if c.reports.observing() {
		state = Observing
	}
	c.machine.enter(state, c.clock.now().Add(c.chance.jitter(c.every, 10)))
	return nil
}

// discard removes the download and what was known of it.
func (c *Client) discard() {
	_ = c.download.remove()
	c.mem.Offer, *c.mirrors = nil, mirrors{}
}
