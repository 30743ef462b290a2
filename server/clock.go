// SPDX-License-Identifier: Apache-2.0

package server

import (
	"sync"
	"time"
)

// clockWatch finds that the clock was set while the process ran: what the wall shows and what passed go apart then.
type clockWatch struct {
	mu     sync.Mutex
	last   time.Time
	jumped time.Time // when, by the clock after it
	by     time.Duration
	at     time.Time // the same, of a clock that cannot be set
}

const (
	jumpLimit = time.Minute      // less is how clocks are kept right
	jumpStays = 10 * time.Minute // so long a jump is told
)

// look takes note of now, and tells of the last jump while it is young; 0 if there is none.
func (c *clockWatch) look(now time.Time) (by time.Duration, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() {
		// A time of the clock carries what passed, too; one that a test made does not, and never jumps.
		if gap := jump(now.Round(0).Sub(c.last.Round(0)), now.Sub(c.last)); gap != 0 {
			c.by, c.jumped, c.at = gap, now, time.Now()
		}
	}
	c.last = now
	if c.by != 0 && time.Since(c.at) >= jumpStays {
		c.by = 0
	}
	return c.by, c.jumped
}

// jump is by how much the wall went ahead of what passed; 0 for what is no jump.
func jump(wall, passed time.Duration) time.Duration {
	if gap := wall - passed; gap > jumpLimit || gap < -jumpLimit {
		return gap
	}
	return 0
}
