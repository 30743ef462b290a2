// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"time"

	"landed/server/fleet"
)

type fenceKey struct{}

// With is ctx under which a [Fenced] store writes nothing once l is another's.
func With(ctx context.Context, l fleet.Lease) context.Context {
	have, _ := ctx.Value(fenceKey{}).([]fleet.Lease)
	return context.WithValue(ctx, fenceKey{}, append(have[:len(have):len(have)], l))
}

// Holding is ctx for what only the holder of a lease may do; ok is false if this server is not.
func (c *heart) Holding(ctx context.Context, name string) (fenced context.Context, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.is.leases[name]
	if !ok || !time.Now().Before(l.until) {
		return ctx, false
	}
	return With(ctx, l.Lease), true
}

// While runs fn while this server holds a lease, again and again until ctx ends. The context of fn ends with the lease.
func (c *Cluster) While(ctx context.Context, name string, fn func(ctx context.Context)) {
	for ctx.Err() == nil {
		if fenced, ok := c.Holding(ctx, name); ok {
			mine, end := context.WithCancel(fenced)
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for ok && mine.Err() == nil {
					_ = sleep(mine, c.cfg.Times.Beat)
					_, ok = c.Holding(mine, name)
				}
				end()
			}()
			fn(mine)
			end()
			<-watched
		}
		_ = sleep(ctx, c.cfg.Times.Beat)
	}
}

// Fenced is s in which each transaction looks at the leases of its context first: a server that stood still for a while
// and goes on writes nothing that another one has taken up.
func Fenced(s fleet.Store) fleet.Store { return fenced{s} }

type fenced struct{ fleet.Store }

// Update implements fleet.Store.
func (f fenced) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.Store.Update(ctx, checked(ctx, fn))
}

// UpdateReports implements fleet.Store. Leases are of the other half: what it sees of them may be a moment old.
func (f fenced) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.Store.UpdateReports(ctx, checked(ctx, fn))
}

func checked(ctx context.Context, fn func(fleet.Tx) error) func(fleet.Tx) error {
	leases, _ := ctx.Value(fenceKey{}).([]fleet.Lease)
	if len(leases) == 0 {
		return fn
	}
	return func(tx fleet.Tx) error {
		for _, l := range leases {
			if err := tx.Leases().Check(ctx, l); err != nil {
				return err
			}
		}
		return fn(tx)
	}
}
