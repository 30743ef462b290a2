// SPDX-License-Identifier: Apache-2.0

// Package handset is the reference client: it polls the signed feed, decides for itself,
// downloads, verifies and installs what the offline keys approved, and reports what became of it.
//
// Parties: the feed (any server or cache of static files, trusted for nothing), the keys in the
// root that the firmware was sold with, the slots that hold the systems, and the running firmware,
// which alone can answer what a release asks.
//
// It promises to install nothing that the model's offline role did not sign and that the online
// offers did not repeat member by member; to hold no more of a package in memory than a buffer; to
// go on after being killed between any two writes; to send a report once it was made until the
// server has it, under one id and in order; to take a wrong clock for what it is; to read feeds of
// later programs, as far as they let it; to send back nothing that a server without keys chose; to take a package from
// a mirror that the offers name, and from its own server if that fails; and to go on, anew if need be, whatever became
// of its state file and of its copies of the feed.
//
// It refuses other models, older builds, lower release counters, expired or rolled-back metadata
// (an older timestamp that is valid still counts as unchanged), redirects, bytes beyond the stated length, servers slower
// than a minimum rate, and packages that otapkg refuses.
//
// A Client never sleeps. Step does what is due and says when it wants to be called again.
package handset

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// Client is one handset's update client: the state machine, and what it decides by. What it does in each state is the
// work of the others: feed, downloader, installer; reporter and outbox tell of it, and store keeps it all. It is not
// safe for concurrent use.
type Client struct {
	mem      *plan
	own      *installation
	slots    *slots.Device
	channel  string
	every    time.Duration // between two polls
	log      *slog.Logger
	clock    *clock
	chance   chance
	store    *store
	machine  *machine
	feed     *feed
	download *downloader
	mirrors  *mirrors
	install  *installer
	attempts *attempts
	asked    *questions
	reports  *reporter
	outbox   *outbox
}

// plan is what the state file holds of what the client has decided.
type plan struct {
	Needs   string        `json:"needs,omitempty"` // what a newer program would have to know to read what is offered
	Offer   *offers.Offer `json:"offer,omitempty"` // what is being installed
	Begun   string        `json:"begun,omitempty"` // rollout it has begun to install
	Counter int64         `json:"counter"`         // highest release counter it ever ran
	Leaving string        `json:"leaving,omitempty"`
	Reason  string        `json:"reason,omitempty"` // of the last decision, in words
}

// Step does everything that is due and returns when it wants to be called again, by the handset's
// own clock. It may be called earlier, and should be when the running system has changed its answer:
// a user switched something, a SIM was put in. The error tells what went wrong now; it has been
// recorded, reported where it belongs to an update, and will be tried again.
func (c *Client) Step(ctx context.Context) (wake time.Time, err error) {
	var faults []error
	for range maxMoves {
		if c.reports.observe() {
			faults = append(faults, c.store.save())
		}
		faults = append(faults, c.outbox.deliver(ctx))
		if ctx.Err() != nil || !c.clock.reached(c.machine.wake()) {
			break
		}
		faults = append(faults, c.move(ctx))
	}
	return c.wake(), errors.Join(faults...)
}

// maxMoves bounds one Step: a whole update from poll to first boot takes seven.
const maxMoves = 16

// wake is the earliest time at which anything is due.
func (c *Client) wake() time.Time {
	at := c.machine.wake()
	for _, t := range []time.Time{c.outbox.wake(), c.reports.wake()} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	if c.clock.reached(at) {
		return c.clock.now()
	}
	return at
}

// Hurry makes the next Step poll, and send what waits to be sent, whatever the time: as when the user asks for
// updates. It shortens no download and skips no check.
func (c *Client) Hurry() {
	c.machine.hurry(c.clock.now())
	c.outbox.hurry()
}

// Time is the client's best knowledge of the time: its clock, or a lower bound that it can prove if
// the clock lies before that. Whatever the firmware dates (a consent, say) it dates by this.
func (c *Client) Time() time.Time { return c.clock.best() }

// State is where the client stands.
func (c *Client) State() State { return c.machine.state() }

// Release is the release that reports speak of, "" before the handset has met one.
func (c *Client) Release() string { return c.reports.subject().Release }

// Ahead is a release that baselines are sent about beside those reports; "" if there is none.
func (c *Client) Ahead() string { return c.reports.ahead.Release }

// Reference is the support reference of this installation.
func (c *Client) Reference() report.Reference { return c.own.reference() }
