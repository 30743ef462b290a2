// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"sync"
)

// asker has many wait for one look, which began after each of them came.
type asker struct {
	do      func() error
	mu      sync.Mutex
	running bool
	next    *look // which those who come now wait for; nil if nobody does
}

type look struct {
	done chan struct{}
	err  error
}

// wait is nil if ctx ends first: the client has gone.
func (a *asker) wait(ctx context.Context) error {
	a.mu.Lock()
	if a.next == nil {
		a.next = &look{done: make(chan struct{})}
	}
	mine := a.next
	if !a.running {
		a.running = true
		go a.run()
	}
	a.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return nil
	}
}

// run looks for as long as somebody waits.
func (a *asker) run() {
	for {
		a.mu.Lock()
		l := a.next
		a.next = nil
		if l == nil {
			a.running = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		l.err = a.do()
		close(l.done)
	}
}
