// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"testing"
)

// TestChance: the same seed has the same draws, and another one others.
func TestChance(t *testing.T) {
	draw := func(seed uint64) []byte {
		salts := make([]byte, 64)
		if _, err := io.ReadFull(newChance(seed), salts); err != nil {
			t.Fatal(err)
		}
		return salts
	}
	if first := draw(1); !bytes.Equal(first, draw(1)) || bytes.Equal(first, draw(2)) {
		t.Error("the draws are not those of the seed")
	}
}
