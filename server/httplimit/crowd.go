// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"sync"
	"time"
)

// Crowd knows how long all places of a listener were taken while others wanted one. Who is turned away because its own
// network has enough is no part of it: one network must not be able to say that nobody could come. It holds times and
// counts, and of nobody an address. It may be used by many goroutines; a nil one counts nothing.
type Crowd struct {
	now func() time.Time

	mu    sync.Mutex
	taken time.Duration // so long all places were, before full
	full  time.Time     // since when they are; zero: some are free
	waits bool          // somebody may be waiting for one
	away  int64         // so often somebody waited, or was told to come later

	from   time.Time // of the stretch that is looked at
	before Crowding  // what was known then
	since  time.Time // of the first crowded stretch of those in a row until from; zero: the last one was not
}

// Crowding are sums since the start.
type Crowding struct {
	Taken time.Duration // all places were
	Away  int64         // so often somebody found none: waited until one was free, or was told to come later
}

const (
	// crowdStretch is how long a stretch is that is looked at, at least.
	crowdStretch = time.Minute
	// crowdShare is the part of a stretch, one in so many, that all places must be taken for more than. Who comes at any time
	// finds them taken as often as they are, so it is also the part of those who come.
	crowdShare = 10
)

// NewCrowd goes by a clock.
func NewCrowd(now func() time.Time) *Crowd { return &Crowd{now: now, from: now()} }

// fill notes whether all places are taken now.
func (c *Crowd) fill(full bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if full == !c.full.IsZero() {
		return
	}
	now := c.now()
	if full {
		c.full = now
		return
	}
	c.taken += max(now.Sub(c.full), 0)
	c.full = time.Time{}
}

// wait notes that who comes must wait, until it is over.
func (c *Crowd) wait(waits bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = waits
	if waits {
		c.away++
	}
}

// sent notes that somebody was told to come later.
func (c *Crowd) sent() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away++
}

// Sums are those since the start.
func (c *Crowd) Sums() Crowding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sums(c.now())
}

func (c *Crowd) sums(now time.Time) Crowding {
	s := Crowding{c.taken, c.away}
	if !c.full.IsZero() {
		s.Taken += max(now.Sub(c.full), 0)
	}
	return s
}

// Since says since when more than a tenth of those who came found no place, if that has gone on for two minutes at least;
// zero if not. It looks at stretches of a minute, or longer if nobody asked: one that was not crowded ends it.
func (c *Crowd) Since() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if d := now.Sub(c.from); d >= crowdStretch || d < 0 {
		s := c.sums(now)
		met := s.Away > c.before.Away || c.waits
		switch crowded := met && (s.Taken-c.before.Taken)*crowdShare > d && d > 0; {
		case !crowded:
			c.since = time.Time{}
		case c.since.IsZero():
			c.since = c.from
		}
		c.from, c.before = now, s
	}
	if c.from.Sub(c.since) < 2*crowdStretch || c.since.IsZero() {
		return time.Time{}
	}
	return c.since
}
