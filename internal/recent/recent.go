// SPDX-License-Identifier: Apache-2.0

// Package recent keeps what was made last of some bytes, so that it is not made again.
//
// Parties: whoever makes something costly that hangs on bytes alone. It promises to keep the values that were asked for last, at
// least until others of the bound's cost were put beside them, and never more than twice the bound. It refuses to guess: a value is
// found by the SHA-256 of all the bytes. Values are shared by all who ask: they must not be changed.
package recent

import (
	"crypto/sha256"
	"sync"
)

// Cache holds values in two halves: when the newer is full it becomes the older, and what was not asked for since goes.
// It may be used from any number of goroutines.
type Cache[V any] struct {
	bound int

	mu           sync.Mutex
	newer, older map[[sha256.Size]byte]entry[V]
	cost         int // of newer
}

type entry[V any] struct {
	value V
	cost  int
}

// New makes a cache of two halves, each of which holds values up to a cost, 1 or more. What alone costs more is not kept.
func New[V any](bound int) *Cache[V] { return &Cache[V]{bound: bound} }

// Do is the value of text: the one that is kept, or what made returns now, which is kept at a cost if there is no error.
// Two who ask at the same moment may both make it.
func (c *Cache[V]) Do(text []byte, cost int, made func() (V, error)) (V, error) {
	key := sha256.Sum256(text)
	if v, ok := c.find(key); ok {
		return v, nil
	}
	v, err := made()
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keep(key, entry[V]{v, cost})
	}
	return v, err
}

func (c *Cache[V]) find(key [sha256.Size]byte) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.newer[key]; ok {
		return e.value, true
	}
	e, ok := c.older[key]
	if ok {
		c.keep(key, e)
	}
	return e.value, ok
}

// keep puts an entry into the newer half; the caller holds the lock.
func (c *Cache[V]) keep(key [sha256.Size]byte, e entry[V]) {
	if _, have := c.newer[key]; have || e.cost > c.bound {
		return
	}
	if c.newer == nil || c.cost+e.cost > c.bound {
		c.older, c.newer, c.cost = c.newer, map[[sha256.Size]byte]entry[V]{}, 0
	}
	c.newer[key] = e
	c.cost += e.cost
}
