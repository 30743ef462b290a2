// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

// chance is what the servers draw salts from: the same seed has the same handsets in the first stage of each rollout. Keys and
// tokens come from the system.
type chance struct {
	mu   sync.Mutex
	dice *rand.ChaCha8
}

func newChance(seed uint64) *chance {
	var s [32]byte
	binary.BigEndian.PutUint64(s[:], seed)
	return &chance{dice: rand.NewChaCha8(s)}
}

// Read implements io.Reader, for any number of servers.
func (c *chance) Read(into []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dice.Read(into)
}
