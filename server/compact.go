// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	"landed/server/store"
)

// How reports become compact. A step is short, and afterwards rests, so that a report that comes in waits for milliseconds
// and most of the time is left to others; a tick is bounded, so that what else is due is not late. A day's ticks have
// room for some millions.
const (
	compactAfter = time.Hour       // a report that was sent twice comes again by then, and is found at less cost
	compactStep  = 128             // reports in one transaction
	compactFor   = 3 * time.Second // of a tick
	compactRest  = 3               // times as long as the step took
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
	for end := time.Now().Add(compactFor); c.room() == nil && ctx.Err() == nil && time.Now().Before(end); {
		began := time.Now()
		n, err := c.db.Compact(ctx, before, compactStep)
		if err != nil {
			return fmt.Errorf("compact reports: %w", err)
		}
		if n < compactStep {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(compactRest * time.Since(began)):
		}
	}
	return nil
}
