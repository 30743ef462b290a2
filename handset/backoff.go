// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/binary"
	"io"
	"time"
)

const (
	firstWait = 5 * time.Minute
	longWait  = 24 * time.Hour
)

// backOff doubles from five minutes up to a day, each time somewhere between half and the whole of it, so
// that handsets which failed together do not come back together.
func (c *Client) backOff(tries int) time.Duration {
	wait := longWait
	if shift := max(tries-1, 0); shift < 9 { // 5 min × 2⁹ is more than a day
		wait = min(firstWait<<shift, longWait)
	}
	return wait/2 + time.Duration(c.chance(uint64(wait/2)))
}

// jitter is d, more or less by up to a part of it.
func (c *Client) jitter(d time.Duration, part int64) time.Duration {
	spread := int64(d) / part
	return d - time.Duration(spread) + time.Duration(c.chance(uint64(2*spread)))
}

// chance is a number from 0 to n-1; 0 if there is no randomness to be had.
func (c *Client) chance(n uint64) uint64 {
	var b [8]byte
	if _, err := io.ReadFull(c.cfg.Rand, b[:]); err != nil || n == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(b[:]) % n
}
