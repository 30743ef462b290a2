// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of the server and of everybody else: it stands at start until there is a
// fleet whose time it can follow.
type clock struct {
	start time.Time
	fleet atomic.Pointer[func() time.Time]
}

// Now is the virtual time, UTC.
func (c *clock) Now() time.Time {
	if now := c.fleet.Load(); now != nil {
		return (*now)()
	}
	return c.start
}

func (c *clock) follow(now func() time.Time) { c.fleet.Store(&now) }
