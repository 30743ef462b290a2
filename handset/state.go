// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// State is what the client is doing. Each is entered by a durable write, so that a restart goes on
// where it stopped.
type State string

// The states.
const (
	Idle        State = "idle"        // waits for the next poll
	Checking    State = "checking"    // asks the feed
	Downloading State = "downloading" // an offer both roles agree on; its bytes are coming
	Verifying   State = "verifying"   // the bytes are complete and have the right hash
	Installing  State = "installing"  // otapkg has passed them
	Rebooting   State = "rebooting"   // written; the new system has not come up yet
	Observing   State = "observing"   // runs a build of the release; waits for the next poll
	Failed      State = "failed"      // backs off, then checks again
)

// next is the state machine: from each state, where it may go.
var next = map[State][]State{
	Idle:        {Checking},
	Checking:    {Idle, Observing, Downloading, Failed},
	Downloading: {Verifying, Failed},
	Verifying:   {Installing, Failed},
	Installing:  {Rebooting, Failed},
	Rebooting:   {Observing, Failed},
	Observing:   {Checking},
	Failed:      {Checking},
}

// enter changes the state; it panics on a step that next does not know, which is a broken program.
func (c *Client) enter(s State, wake time.Time) {
	if !slices.Contains(next[c.mem.State], s) {
		panic(fmt.Sprintf("handset: no step leads from %s to %s", c.mem.State, s))
	}
	c.cfg.Log.Debug("state", "from", string(c.mem.State), "to", string(s), "wake", wake)
	c.mem.State, c.mem.Wake = s, wake
}

// move takes one step of the machine. Whatever goes wrong on the way leads to Failed.
func (c *Client) move(ctx context.Context) error {
	var err error
	switch c.mem.State {
	case Idle, Observing, Failed:
		c.enter(Checking, c.cfg.Now())
		return nil // not worth a write: a restart finds the poll due
	case Checking:
		err = c.check(ctx)
	case Downloading:
		err = c.download(ctx)
	case Verifying:
		err = c.verify()
	case Installing:
		err = c.install()
	case Rebooting:
		err = c.reboot()
	}
	if err != nil {
		return c.fail(ctx, err)
	}
	return c.save()
}

// longest is the longest that any wake may lie ahead; a later one was set by a clock that has jumped since.
const longest = 8 * 24 * time.Hour

// reached says if at has come. A time too far ahead counts as come, so that a clock which was
// set back cannot silence a handset.
func reached(now, at time.Time) bool { return !now.Before(at) || at.Sub(now) > longest }

func (c *Client) due() bool { return reached(c.cfg.Now(), c.mem.Wake) }

// wake is the earliest time at which anything is due.
func (c *Client) wake() time.Time {
	now := c.cfg.Now()
	at := c.mem.Wake
	for _, t := range []time.Time{c.outboxWake(), c.observeWake()} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	if reached(now, at) {
		return now
	}
	return at
}
