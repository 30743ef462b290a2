// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"
	"fmt"

	"landed/manifests/report"
)

// lastingTries is how often in a row something must have failed, by the back-off of [chance] for most of a day, before
// a fault of the network, the server or the own storage is more than a passing one.
const lastingTries = 9

// fail records what went wrong, backs off, and makes a report of it if it stands in the way of an update and this
// handset's own retries have not helped.
func (c *Client) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("stopped: %w", ctx.Err()) // our own end is nobody's failure; go on from the last write
	}
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		r = &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	was, tries := c.State(), c.machine.failed()
	c.machine.enter(Failed, c.clock.now().Add(c.chance.backOff(tries, askedWait(err))))
	c.log.Info("refused", "class", string(r.Class), "phase", string(r.Phase), "code", r.Code,
		"err", Printable(r.Err.Error()))
	if r.Class != ClassNetwork {
		c.feed.forget()
	}
	atFault := was != Checking && r.packageAtFault()
	gaveUp := atFault && c.attempts.failed()
	if gaveUp {
		c.mem.Reason = "The update failed three times on this handset and will not be tried again, unless its makers ask for it."
		c.discard()
	}
	switch {
	case was == Checking:
		if c.concerns(r) {
			c.reports.failed(report.Failure{Phase: r.Phase, Code: r.Code})
		}
	case gaveUp, !atFault && tries >= lastingTries:
		c.reports.failed(report.Failure{Phase: r.Phase, Code: r.Code})
	}
	return errors.Join(r, c.store.save())
}

// concerns says if what went wrong with a poll is a failure of this handset's update. A quarrel of the two roles about
// what is offered to it is; so is any other refusal of the feed if an offer was begun, for it stands in its way. A
// feed that is stale or out of reach says nothing of this handset, nor does its own disk, and nothing that a feed does
// says anything of an update that is running well.
func (c *Client) concerns(r *Refusal) bool {
	switch {
	case c.reports.subject().Progress == report.ProgressRunning, r.Class == ClassNetwork, r.Class == ClassSlow,
		r.Class == ClassFreeze, r.Class == ClassHandset:
		return false
	case disagreement(r):
		return true
	}
	return c.mem.Offer != nil
}
