// SPDX-License-Identifier: Apache-2.0

package publish

import "context"

// turn is a lock for work that may take minutes, as storing a large package elsewhere does: who
// waits for it may give up. It is made with room for one.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) tryTake() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) give() { <-t }
