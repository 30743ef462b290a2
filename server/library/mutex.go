// SPDX-License-Identifier: Apache-2.0

package library

import "context"

// mutex is a lock for work that may take minutes, as storing a large package elsewhere does: who
// waits for it may give up. It is made with room for one, or for as many as may work at once.
type mutex chan struct{}

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m mutex) tryLock() bool {
	select {
	case m <- struct{}{}:
		return true
	default:
		return false
	}
}

func (m mutex) unlock() { <-m }
