// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"sync"
	"time"
)

// Crowd knows when all places of a listener were taken for longer than a handset waits, while others wanted one. Who is turned away
// because its own network has enough is no part of it: one network must not be able to say that nobody could come. It holds times and
// counts, and of nobody an address. It may be used by many goroutines; a nil one counts nothing.
type Crowd struct {
	now func() time.Time

	mu    sync.Mutex
	taken time.Duration // so long all places were, before full
	full  time.Time     // since when they are; zero: some are free
	waits bool          // somebody may be waiting for one
	away  int64         // so often somebody waited, or was told to come later

	from, to time.Time      // of the spell that is going on, to: when a place was free; zero: none, or none was
	met      bool           // somebody found no place in it
	over     [][2]time.Time // the spells before it, of which nobody was told yet
}

// Crowding are sums since the start.
type Crowding struct {
	Taken time.Duration // all places were
	Away  int64         // so often somebody found none: waited until one was free, or was told to come later
}

const (
	// crowdWait is how long a handset waits for an answer. Who comes while all places are taken for less is late, and not away.
	crowdWait = 30 * time.Second
	// crowdGap is how long a place may be free for the next to be another spell. Places of connections that say nothing come free one by one.
	crowdGap = time.Second
	// crowdMost is how many spells are kept until somebody asks: half an hour of them.
	crowdMost = 60
)

// NewCrowd goes by a clock.
func NewCrowd(now func() time.Time) *Crowd { return &Crowd{now: now} }

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
		c.ends(now)
		if c.full, c.to = now, (time.Time{}); c.from.IsZero() {
			c.from, c.met = now, c.waits
		}
		return
	}
	c.taken += max(now.Sub(c.full), 0)
	c.full, c.to = time.Time{}, now
}

// ends ends the spell in which a place has been free for long enough.
func (c *Crowd) ends(now time.Time) {
	if c.from.IsZero() || c.to.IsZero() || now.Sub(c.to) < crowdGap && !now.Before(c.to) {
		return
	}
	if c.met && c.to.Sub(c.from) >= crowdWait && len(c.over) < crowdMost {
		c.over = append(c.over, [2]time.Time{c.from, c.to})
	}
	c.from, c.to, c.met = time.Time{}, time.Time{}, false
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
		c.met = true
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
	c.met = true
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

// Spells are when all places were taken for longer than a handset waits, and somebody found none: those that are over since they were
// last asked for, and the one that goes on, to now.
func (c *Crowd) Spells() (all [][2]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.ends(now)
	all, c.over = c.over, nil
	if c.long(now) {
		all = append(all, [2]time.Time{c.from, now})
	}
	return all
}

// Since is when the spell began that goes on now; zero if there is none.
func (c *Crowd) Since() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.ends(now); c.long(now) {
		return c.from
	}
	return time.Time{}
}

func (c *Crowd) long(now time.Time) bool {
	return !c.from.IsZero() && c.met && now.Sub(c.from) > crowdWait
}
