// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Observer is an activation service that accepts everything and remembers which handset sent what kind of
// identifier, and when: what F-Secure's capture showed for one phone, for a whole fleet. The zero value is
// ready. It is safe for concurrent use.
type Observer struct {
	mu       sync.Mutex
	handsets map[string][]received
}

type received struct {
	at   time.Time
	what Identifier
}

// Count is how many identifiers of each kind were received; kinds that were not are absent.
type Count map[Identifier]int

// Total is the number of identifiers, of the kinds that the activation service takes.
func (c Count) Total() int {
	n := 0
	for kind, k := range c {
		if kind != AppList {
			n += k
		}
	}
	return n
}

// Send records; it never refuses.
func (o *Observer) Send(at time.Time, handset string, what ...Identifier) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handsets == nil {
		o.handsets = map[string][]received{}
	}
	for _, w := range what {
		o.handsets[handset] = append(o.handsets[handset], received{at, w})
	}
	return nil
}

// ReceivedSince counts what this handset sent at t or later.
func (o *Observer) ReceivedSince(handset string, t time.Time) Count {
	return o.count(handset, func(at time.Time) bool { return !at.Before(t) })
}

// ReceivedBetween counts what this handset sent from one time until before another.
func (o *Observer) ReceivedBetween(handset string, from, until time.Time) Count {
	return o.count(handset, func(at time.Time) bool { return !at.Before(from) && at.Before(until) })
}

// ReceivedBefore counts what this handset sent before t.
func (o *Observer) ReceivedBefore(handset string, t time.Time) Count {
	return o.count(handset, func(at time.Time) bool { return at.Before(t) })
}

// Received counts what this handset ever sent.
func (o *Observer) Received(handset string) Count {
	return o.count(handset, func(time.Time) bool { return true })
}

func (o *Observer) count(handset string, in func(time.Time) bool) Count {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := Count{}
	for _, r := range o.handsets[handset] {
		if in(r.at) {
			c[r.what]++
		}
	}
	return c
}

// Handsets lists who ever sent anything, sorted.
func (o *Observer) Handsets() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.handsets))
}
