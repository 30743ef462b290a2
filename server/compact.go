// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	"landed/server/store"
)

// How reports become compact. A step is short, so that a report that comes in waits for milliseconds; a tick is bounded,
// so that what else is due is not late. A day's ticks have room for some millions.
const (
	compactAfter = time.Hour // a report that was sent twice comes again by then, and is found at less cost
	compactStep  = 128       // reports in one transaction
	compactSteps = 24        // transactions in one tick
)

// compactor has reports that are sealed take less room. On a disk without room it waits: it needs some before it gives
// more back.
type compactor struct {
	db   store.Database
	now  func() time.Time
	room func() error
}

// Tick does a bounded part of what is due.
func (c compactor) Tick(ctx context.Context) error {
	before := c.now().Add(-compactAfter)
	for range compactSteps {
		if c.room() != nil || ctx.Err() != nil {
			return nil
		}
		n, err := c.db.Compact(ctx, before, compactStep)
		if err != nil {
			return fmt.Errorf("compact reports: %w", err)
		}
		if n < compactStep {
			return nil
		}
	}
	return nil
}
