// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"time"

	"landed/handset/slots"
)

// firmware tells which system runs; *slots.Device does.
type firmware interface {
	Image() (slots.Image, error)
}

// clock is what this handset knows of the time: its own clock, right or wrong, and what is proven besides.
type clock struct {
	wall    func() time.Time
	steady  func() time.Duration
	proven  *trustedTime
	running firmware
}

func newClock(cfg Config, proven *trustedTime) *clock {
	proven.last = cfg.Elapsed()
	return &clock{wall: cfg.Now, steady: cfg.Elapsed, proven: proven, running: cfg.Slots}
}

// now is the handset's own clock: what it waits by.
func (k *clock) now() time.Time { return k.wall() }

// best is the best knowledge of the time, and what documents are held against. What runs was built before now.
func (k *clock) best() time.Time {
	if img, err := k.running.Image(); err == nil {
		k.proven.raise(time.Unix(img.Build.UTC, 0))
	}
	return k.proven.read(k.wall(), k.steady())
}

// checkLifetime refuses metadata of an online role that pretend to last too long.
func (k *clock) checkLifetime(role string, expires time.Time) error {
	return k.proven.checkLifetime(role, expires, k.wall())
}

// fit takes notice of a verified timestamp by these keys, if it fits the clock.
func (k *clock) fit(expires time.Time, keys string) { k.proven.fit(expires, k.wall(), keys) }

// forgetOtherKeys forgets what other online keys have proven. It says if anything was forgotten.
func (k *clock) forgetOtherKeys(keys string) bool { return k.proven.forgetOtherKeys(keys) }

// longest is the longest that any wake may lie ahead; a later one was set by a clock that has jumped since.
const longest = 8 * 24 * time.Hour

// reached says if at has come. A time too far ahead counts as come, so that a clock which was
// set back cannot silence a handset.
func (k *clock) reached(at time.Time) bool {
	now := k.wall()
	return !now.Before(at) || at.Sub(now) > longest
}
