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

// backOff doubles from five minutes up to a day, each time somewhere between half and the whole of it. A server that
// asked for more gets it, up to a day, and up to a tenth more: it may ask all of them at once, and the moment at which
// one comes back must not be a mark that the server chose.
func (c chance) backOff(tries int, asked time.Duration) time.Duration {
	wait := longWait
	if shift := max(tries-1, 0); shift < 9 { // 5 min × 2⁹ is more than a day
		wait = min(firstWait<<shift, longWait)
	}
	wait = wait/2 + time.Duration(c.below(uint64(wait/2)))
	if asked <= wait {
		return wait
	}
	asked = min(asked, longWait)
	return max(wait, asked+time.Duration(c.below(uint64(asked/10))))
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
