// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/server/fleet"
)

var errKilled = errors.New("this server has ended")

// forgetAfter is how long a member is kept that is not heard of any more: longer than anybody asks for it.
const forgetAfter = fleet.MayReturn + time.Hour

func (c *heart) beatOnce(ctx context.Context) {
	was := c.wasHeard()
	err := c.beat(ctx)
	switch {
	case err != nil && was && ctx.Err() == nil:
		c.cfg.Log.ErrorContext(ctx, "this server is not heard of in its cluster; it serves what it has", "err", err)
	case err == nil && !was:
		c.cfg.Log.InfoContext(ctx, "this server is heard of in its cluster again", "member", c.id)
	}
}

// found is what a beat learned.
type found struct {
	live     bool
	leases   map[string]held
	members  []fleet.Member
	feed     fleet.Feed
	prepared int64
}

// beat has this member heard of: it is live if it has what is stored, and takes the leases that nobody has.
func (c *heart) beat(ctx context.Context) error {
	c.beating.Lock()
	defer c.beating.Unlock()
	if c.killed.Load() {
		return errKilled
	}
	began := time.Now()
	me := c.member()
	c.mu.Lock()
	was := c.is
	was.leases = maps.Clone(c.is.leases)
	c.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, c.cfg.Times.TTL)
	defer cancel()
	var f found
	err := c.cfg.Store.Update(within, func(tx fleet.Tx) (err error) {
		f, err = c.write(ctx, tx, me, was, began)
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.is.heard, c.is.err, c.is.unsettle = false, fmt.Errorf("the database was not reached: %w", err), true
		return err
	}
	c.heard(f, began)
	return nil
}

// grace is how long a live member may lack what is stored before it gives up being one.
func (c *heart) grace() time.Duration { return c.cfg.Times.TTL / 2 }

// write is the transaction of a beat.
func (c *heart) write(ctx context.Context, tx fleet.Tx, me fleet.Member, was standing, began time.Time) (f found, err error) {
	f = found{leases: map[string]held{}, prepared: me.Prepared}
	if f.feed, err = tx.Members().Feed(ctx); err != nil {
		return f, err
	}
	if f.members, err = tx.Members().List(ctx); err != nil {
		return f, err
	}
	ttl := c.cfg.Times.TTL
	if f.live = c.mayLive(f, me, was, began); !f.live {
		ttl = 0
		c.mu.Lock()
		c.is.until = time.Time{} // before others are told
		c.mu.Unlock()
	}
	if err = tx.Members().Beat(ctx, me, ttl); err != nil {
		return f, err
	}
	for name, l := range was.leases {
		if lost(tx.Leases().Check(ctx, l.Lease)) { // or given back meanwhile
			continue
		}
		if name == publish && began.Sub(l.since) > 2*c.cfg.Times.Patience { // its disk hangs: others are to publish
			continue
		}
		if err = c.take(ctx, tx, name, &f, began); err != nil {
			return f, err
		}
	}
	for _, name := range []string{Loop, Scrub} {
		if err = c.take(ctx, tx, name, &f, began); err != nil {
			return f, err
		}
	}
	return f, tx.Members().Forget(ctx, forgetAfter, f.feed.Released)
}

// mayLive says if others should wait for this member. Who lacks something that is stored may be waited for a moment, if he
// was all the time until now; who has more than is stored takes that up, and is waited for longer.
func (c *heart) mayLive(f found, me fleet.Member, was standing, began time.Time) bool {
	var since time.Duration
	if !was.behind.IsZero() {
		since = began.Sub(was.behind)
	}
	switch {
	case me.Prepared == f.feed.Stored:
		return true
	case me.Prepared > f.feed.Stored:
		return since <= c.cfg.Times.Patience
	}
	return since <= c.grace() && slices.ContainsFunc(f.members, func(m fleet.Member) bool { return m.ID == me.ID && m.Live })
}

func (c *heart) take(ctx context.Context, tx fleet.Tx, name string, f *found, began time.Time) error {
	if _, have := f.leases[name]; have {
		return nil
	}
	l, ok, err := tx.Leases().Take(ctx, name, c.id, c.cfg.Times.TTL)
	if ok && err == nil {
		f.leases[name] = held{l, began.Add(c.mine()), began}
	}
	return err
}

// mine is how long this process itself takes for granted what the database gave it for a TTL: clocks differ by much less.
func (c *heart) mine() time.Duration { return c.cfg.Times.TTL * 9 / 10 }

// heard takes up what a beat learned; the caller holds mu.
func (c *heart) heard(f found, began time.Time) {
	if c.is.unsettle {
		c.is.unsettle, c.is.unheard = false, map[string]int64{}
		for _, m := range f.members {
			if m.Live && m.ID != c.id {
				c.is.unheard[m.ID] = m.Beats
			}
		}
	}
	for _, name := range []string{Loop, Scrub} {
		_, had := c.is.leases[name]
		_, has := f.leases[name]
		if has != had && name == Loop && has {
			select {
			case c.gained <- struct{}{}:
			default:
			}
		}
		if has != had {
			c.cfg.Log.Info("a lease of the cluster changed hands", "lease", name, "mine", has, "member", c.id)
		}
	}
	c.is.heard, c.is.err, c.is.until = true, nil, time.Time{}
	if f.live {
		c.is.until = began.Add(c.mine())
	}
	for name, l := range f.leases {
		if had, is := c.is.leases[name]; is && had.Token == l.Token {
			l.since = had.since
		}
		if _, had := c.is.leases[name]; had || name == Loop || name == Scrub { // one that was given back meanwhile is not taken up again
			c.is.leases[name] = l
		}
	}
	for name := range c.is.leases {
		if _, has := f.leases[name]; !has {
			delete(c.is.leases, name)
		}
	}
	switch {
	case f.prepared == f.feed.Stored:
		c.is.behind = time.Time{}
	case c.is.behind.IsZero():
		c.is.behind = began
	}
	if !f.live {
		c.is.err = fmt.Errorf("its feed is that of timestamp %d, and %d is stored", f.prepared, f.feed.Stored)
	}
}

// settled says if every member that lived when the database was reached again was heard of since, or is dead: what the
// database may have lost, they have said by now.
func (c *heart) settled(members []fleet.Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.is.heard || c.is.unsettle {
		return false
	}
	for _, m := range members {
		if beats, waits := c.is.unheard[m.ID]; waits && m.Live && m.Beats == beats {
			return false
		}
	}
	return true
}
