// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"time"
)

// event is something that happens at a virtual time: to a handset, or to everything (h is nil).
type event struct {
	at    time.Time
	order int64 // of two events at one time, the one that was planned first
	h     *handset
	what  func(h *handset) // nil: only a wake-up of the client
	do    func(ctx context.Context) error
}

// queue is a heap of events, earliest first.
type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)   { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}
