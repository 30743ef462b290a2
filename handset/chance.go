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

// chance draws what handsets must not do alike, so that those which failed together do not come back together.
type chance struct{ source io.Reader }

// promptTries is how often in a row a server may call back sooner than the own back-off would: it knows when it has room.
const promptTries = 3

// backOff doubles from five minutes up to a day, each time somewhere between half and the whole of it. A server that
// asked for a wait, one of steps, gets it, half of it more or less: from the fourth failure in a row on no less than the
// own one, so that none can have a handset try each minute for a day.
func (c chance) backOff(tries int, asked time.Duration) time.Duration {
	wait := longWait
	if shift := max(tries-1, 0); shift < 9 { // 5 min × 2⁹ is more than a day
		wait = min(firstWait<<shift, longWait)
	}
	wait = wait/2 + time.Duration(c.below(uint64(wait/2)))
	if asked <= 0 {
		return wait
	}
	asked = c.jitter(asked, 2)
	if tries > promptTries {
		return max(wait, asked)
	}
	return asked
}

// jitter is d, more or less by up to a part of it.
func (c chance) jitter(d time.Duration, part int64) time.Duration {
	spread := int64(d) / part
	return d - time.Duration(spread) + time.Duration(c.below(uint64(2*spread)))
}

// below is a number from 0 to n-1; 0 if there is no randomness to be had.
func (c chance) below(n uint64) uint64 {
	var b [8]byte
	if _, err := io.ReadFull(c.source, b[:]); err != nil || n == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(b[:]) % n
}
