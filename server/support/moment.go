// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"time"

	"landed/server/fleet"
)

// moment is when something was read of the store, and from what.
type moment struct {
	began   time.Time     // by the clock of the machine, which only goes on
	asOf    time.Time     // by the clock of the server
	version int64         // of the store, asked for before; known if versioned
	settled bool          // that had been the version for a while: what follows from a commit had followed
	fresh   time.Duration // for so long it may be given again although something changed
}

// earlierRead is a view that may be made from what was read before it was asked for; nil if it was read for this view.
type earlierRead interface{ read() *moment }

// moment is now, for who is about to read.
func (c *kept) moment(ctx context.Context) (m moment, err error) {
	m = moment{began: time.Now(), asOf: c.clock.now(), fresh: c.freshFor(c.models())}
	m.version, m.settled, err = c.seen(ctx)
	return m, err
}

// within says that what was read then is in that part of the time for which it may be given again, whatever changed.
func (c *kept) within(m moment, part float64) bool {
	enough := time.Duration(part * float64(m.fresh))
	return time.Since(m.began) < enough && c.clock.now().Sub(m.asOf).Abs() < enough
}

// unchanged says that nothing has changed since. Figures age by the hour.
func (c *kept) unchanged(ctx context.Context, m moment) bool {
	if !m.settled || fleet.Hour(c.clock.now()) != fleet.Hour(m.asOf) {
		return false
	}
	version, _, err := c.seen(ctx)
	return err == nil && version == m.version
}

// seen asks for the version of the store, and says if it has been that for a while.
func (c *kept) seen(ctx context.Context) (version int64, settled bool, err error) {
	if c.ask == nil {
		return 0, false, nil
	}
	if version, err = c.ask(ctx); err != nil {
		return 0, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version || c.since.IsZero() {
		c.version, c.since = version, time.Now()
	}
	return version, time.Since(c.since) >= c.fresh, nil
}
