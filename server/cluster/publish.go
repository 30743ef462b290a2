// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/server/repo"
)

var _ repo.Cluster = (*Cluster)(nil)

// pause is between two looks at what others have done.
const pause = 50 * time.Millisecond

// errBusy says that somebody else holds a lease.
var errBusy = fleet.Errorf(fleet.Busy, "busy_elsewhere", "another server of the cluster is at it, or has just begun; try again")

// Exclusive implements repo.Cluster. It waits for whoever publishes, and after a time without the database until every
// member was heard of: one may know of a version that the database lost.
func (c *Cluster) Exclusive(ctx context.Context, fn func(fenced func(context.Context) context.Context) error) error {
	over := time.Now().Add(c.cfg.Times.Patience)
	select {
	case <-c.publishing:
	case <-time.After(c.cfg.Times.Patience):
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { c.publishing <- struct{}{} }()
	for {
		err := c.holding(ctx, publish, fn)
		if !errors.Is(err, errBusy) || time.Now().After(over) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// tryExclusive is Exclusive that waits for nobody: it does nothing while somebody publishes.
func (c *Cluster) tryExclusive(ctx context.Context, fn func(fenced func(context.Context) context.Context) error) error {
	select {
	case <-c.publishing:
	default:
		return nil
	}
	defer func() { c.publishing <- struct{}{} }()
	if err := c.holding(ctx, publish, fn); !errors.Is(err, errBusy) {
		return err
	}
	return nil
}

// Alone runs fn while no other server does the same under this name; it waits for one that does. Under the context of fn
// nothing is stored once another took the lease. Within one process, callers keep themselves apart.
func (c *Cluster) Alone(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	for over := time.Now().Add(c.cfg.Times.Patience); ; {
		err := c.holding(ctx, name, func(fenced func(context.Context) context.Context) error { return fn(fenced(ctx)) })
		if !errors.Is(err, errBusy) || time.Now().After(over) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// holding runs fn with a lease, if nobody has it.
func (c *Cluster) holding(ctx context.Context, name string, fn func(fenced func(context.Context) context.Context) error) error {
	if !c.wasHeard() {
		if err := c.beat(ctx); err != nil {
			return err
		}
	}
	var l fleet.Lease
	taken, began := false, time.Now()
	err := c.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		members, err := tx.Members().List(ctx)
		if err != nil || !c.settled(members) {
			return err
		}
		l, taken, err = tx.Leases().Take(ctx, name, c.id, c.cfg.Times.TTL)
		return err
	})
	if err != nil {
		return err
	}
	if !taken {
		return errBusy
	}
	c.mu.Lock()
	c.is.leases[name] = held{l, began.Add(c.mine()), began} // so that the beats keep it
	c.mu.Unlock()
	defer c.giveBack(l)
	return fn(func(ctx context.Context) context.Context { return With(ctx, l) })
}

func (c *heart) wasHeard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.is.heard
}

func (c *Cluster) giveBack(l fleet.Lease) {
	if c.killed.Load() {
		return
	}
	c.mu.Lock()
	delete(c.is.leases, l.Name)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Times.TTL)
	defer cancel()
	err := c.cfg.Store.Update(ctx, func(tx fleet.Tx) error { return tx.Leases().GiveBack(ctx, l) })
	if err != nil {
		c.cfg.Log.Warn("a lease was not given back; it runs out", "lease", l.Name, "err", err)
	}
}

// Floor implements repo.Cluster.
func (c *Cluster) Floor(ctx context.Context, stored int64) (floor int64, err error) {
	err = c.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		members, err := tx.Members().List(ctx)
		for _, m := range members {
			if m.Live && m.Highest > stored {
				return fleet.Errorf(fleet.Busy, repo.DatabaseBehind, "nothing was published: the database knows timestamp %d, and a "+
					"server of the cluster has %d; it takes up what was lost. Try again", stored, m.Highest)
			}
			floor = max(floor, m.Highest)
		}
		return err
	})
	own, _ := c.repo.Load().Replica().Position()
	if err == nil && own > stored {
		err = fleet.Errorf(fleet.Busy, repo.DatabaseBehind, "nothing was published: the database knows timestamp %d, and this "+
			"server has %d; it takes up what was lost. Try again", stored, own)
	}
	return floor, err
}

// Release implements repo.Cluster. Who waits in vain leaves the version stored: the next publication releases it, or
// whichever member sees it first.
func (c *Cluster) Release(ctx context.Context, version int64) error {
	if own, _ := c.repo.Load().Replica().Position(); own < version {
		c.resign()
	}
	if err := c.beat(ctx); err != nil && !lost(err) {
		return err
	}
	for over := time.Now().Add(c.cfg.Times.Patience); ; {
		waits, nobody, err := c.release(ctx, version)
		if lost(err) { // whoever took the work up releases it
			waits, err = []string{"another publishes"}, nil
		}
		if err != nil || !nobody && len(waits) == 0 {
			return err
		}
		if nobody || time.Now().After(over) {
			return notReleased(waits)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func lost(err error) bool {
	e, is := errors.AsType[*fleet.Error](err)
	return is && e.Code == fleet.LeaseLost
}

// resign has nobody wait for this member, which does not have what is stored. First it stops taking itself for live.
func (c *heart) resign() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.is.until, c.is.behind = time.Time{}, time.Now().Add(-2*c.grace())
}

// release has version served if each live member has it. waits are those that have not; nobody says that none has.
func (c *Cluster) release(ctx context.Context, version int64) (waits []string, nobody bool, err error) {
	done := false // somebody else did
	look := func(tx fleet.Tx) error {
		all, err := tx.Members().List(ctx)
		f, fault := tx.Members().Feed(ctx)
		if waits, nobody = nil, true; f.Released >= version && errors.Join(err, fault) == nil {
			nobody, done = false, true
			return nil
		}
		for _, m := range all {
			switch {
			case !m.Live:
			case m.Prepared < version:
				waits = append(waits, m.ID)
			default:
				nobody = false
			}
		}
		nobody = nobody && len(waits) == 0
		return errors.Join(err, fault)
	}
	if err = c.cfg.Store.View(ctx, look); err != nil || done || nobody || len(waits) > 0 {
		return waits, nobody, err
	}
	err = c.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := look(tx); err != nil || nobody || len(waits) > 0 {
			return err
		}
		return tx.Members().Release(ctx, version)
	})
	return waits, nobody, err
}

func notReleased(waits []string) error {
	why := "no server of the cluster has written it"
	if len(waits) > 0 {
		why = "servers of the cluster have not written it yet (" + strings.Join(waits, ", ") + ")"
	}
	return &fleet.Error{Kind: fleet.Pending, Code: repo.NotPublished, Msg: "the publication is stored, and handsets do not see " +
		"it yet: " + why + "; it is tried again, and to send it again is safe"}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
