// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"

	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// begin starts on an offer that both roles agree on.
func (c *Client) begin(o offers.Offer, b slots.Build) error {
	if c.mem.Offer == nil || c.mem.Offer.Package != o.Package {
		if err := c.download.remove(); err != nil {
			return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
		}
		c.mirrors.another()
	}
	anew := c.attempts.begin(o.Package.SHA256, o.Retry)
	c.mem.Offer, c.mem.Begun, c.mem.Leaving = &o, o.Rollout, b.Fingerprint
	c.reports.begun(anew)
	c.machine.enter(Downloading, c.clock.now())
	return nil
}

// fetch brings the package to the disk, with the hash that was signed for.
func (c *Client) fetch(ctx context.Context) error {
	if c.mem.Offer == nil {
		return refuse(ClassHandset, report.PhaseDownload, codeError, "nothing is being downloaded")
	}
	wrong, err := c.download.fetch(ctx, c.mem.Offer.Package, c.mirrors.usable(c.download.server.url))
	c.mirrors.gave(wrong)
	if err != nil {
		return err
	}
	c.machine.enter(Verifying, c.clock.now())
	return nil
}

// verify looks at the package itself: model, counter and build time against what runs, and then what is in it.
func (c *Client) verify() error {
	img, err := c.slots.Image()
	if err != nil {
		return err
	}
	if err := stillFits(*c.mem.Offer, img.Build, c.mem.Counter); err != nil {
		return err
	}
	if err := c.install.inspect(*c.mem.Offer, img.Build, c.clock.best()); err != nil {
		if r, ok := errors.AsType[*Refusal](err); ok && r.Class != ClassHandset {
			c.discard()
		}
		return err
	}
	c.machine.enter(Installing, c.clock.now())
	return nil
}

// apply installs the package.
func (c *Client) apply() error {
	if err := c.install.install(c.mem.Offer.Package); err != nil {
		return err
	}
	c.reports.progress(report.ProgressInstalled, nil)
	c.machine.enter(Rebooting, c.clock.now())
	return nil
}

// reboot starts the new system and begins to observe it.
func (c *Client) reboot() error {
	to := c.mem.Offer.Custom
	b, err := c.install.boot(c.mem.Offer.Package.SHA256)
	if err != nil {
		return err
	}
	c.attempts.succeeded()
	c.discard()
	c.machine.succeeded()
	c.mem.Counter, c.mem.Begun, c.mem.Reason = max(c.mem.Counter, to.Counter), "", ""
	c.reports.updated(to, b, c.mem.Leaving)
	c.machine.enter(Observing, c.clock.now().Add(c.chance.jitter(c.every, 10)))
	return nil
}
