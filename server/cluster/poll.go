// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"time"

	"landed/server/fleet"
	"landed/server/repo"
)

// poller follows what other members do.
type poller struct {
	c          *Cluster
	unreleased time.Time // since when something is stored and not released
	told       string    // what keeps this server behind, as the log knows
}

func (p *poller) poll(ctx context.Context) {
	c, r := p.c, p.c.repo.Load()
	within, cancel := context.WithTimeout(ctx, c.cfg.Times.TTL)
	f, err := c.feed(within)
	cancel()
	if err != nil || r == nil {
		return // the next beat says so
	}
	c.changed(ctx, f)
	prepared, served := r.Replica().Position()
	if f.Stored < prepared {
		p.tell(ctx, c.restore(ctx))
		return
	}
	switch {
	case f.Stored == prepared && f.Released <= served && f.Stored == f.Released:
		p.told = ""
	case f.Stored > prepared || f.Released > served:
		p.tell(ctx, r.Replica().Follow(ctx))
		if now, _ := r.Replica().Position(); now != prepared {
			c.beatOnce(ctx) // whoever publishes waits for it
		}
	}
	p.finish(ctx, f)
}

// changed has what was decided taken up, if anything was.
func (c *Cluster) changed(ctx context.Context, f fleet.Feed) {
	if c.seen.Swap(f.Changes) != f.Changes && c.cfg.Changed != nil {
		c.cfg.Changed(ctx)
	}
}

// Fresh takes up what others decided until now: whoever asks this server after another one did something finds it done.
func (c *Cluster) Fresh(ctx context.Context) {
	if f, err := c.feed(ctx); err == nil {
		c.changed(ctx, f)
	}
}

// finish releases what somebody stored who did not live to release it.
func (p *poller) finish(ctx context.Context, f fleet.Feed) {
	if f.Stored <= f.Released {
		p.unreleased = time.Time{}
		return
	}
	if p.unreleased.IsZero() {
		p.unreleased = time.Now()
	}
	if time.Since(p.unreleased) < p.c.cfg.Times.Beat || p.c.Fault() != nil {
		return
	}
	if err := p.c.tryExclusive(ctx, func(fenced func(context.Context) context.Context) error {
		return p.c.Release(fenced(ctx), f.Stored)
	}); err != nil {
		p.tell(ctx, err)
	}
}

// tell writes what keeps this server from following, once.
func (p *poller) tell(ctx context.Context, err error) {
	words := ""
	if err != nil && ctx.Err() == nil {
		words = err.Error()
	}
	if words != "" && words != p.told {
		p.c.cfg.Log.ErrorContext(ctx, "this server cannot follow its cluster", "err", err)
	}
	if words != "" {
		p.told = words
	}
}

func (c *Cluster) feed(ctx context.Context) (f fleet.Feed, err error) {
	err = c.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		f, err = tx.Members().Feed(ctx)
		return err
	})
	return f, err
}

// restore takes up what this server has and the database lost.
func (c *Cluster) restore(ctx context.Context) error {
	c.cfg.Log.ErrorContext(ctx, "the database went back: it knows less than was published; what it lost is taken up")
	if c.cfg.Restore == nil {
		return nil
	}
	return c.cfg.Restore(ctx)
}

// Newest has this server serve the newest version that was released, before it answers whoever asks for that. The error
// says that it knows of a newer one than it can serve. A server that does not reach the database serves what it has.
func (c *Cluster) Newest(ctx context.Context) error {
	if c.sure() {
		return nil
	}
	return c.ask.wait(ctx)
}

// sure says if nobody can serve a newer version than this server: others wait for it, and it has told them of none that
// it does not serve.
func (c *Cluster) sure() bool {
	r := c.repo.Load()
	if r == nil {
		return false
	}
	c.mu.Lock()
	live := c.live()
	c.mu.Unlock()
	prepared, served := r.Replica().Position()
	return live && prepared == served
}

// lookUp is one look for all who wait for it.
func (c *Cluster) lookUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Times.Ask)
	defer cancel()
	r := c.repo.Load()
	f, err := c.feed(ctx)
	if err != nil || r == nil {
		return nil
	}
	if _, served := r.Replica().Position(); f.Released <= served {
		return nil
	}
	err = follow(c, r)
	if _, served := r.Replica().Position(); served >= f.Released || !known(err) {
		return nil
	}
	return err
}

// errBehind says that this server cannot serve yet what others do.
var errBehind = errors.New("what was released is still being written")

// follow brings this server up, and waits for that no longer than for a member.
func follow(c *Cluster, r *repo.Repo) error {
	done := make(chan error, 1)
	go func() { done <- r.Replica().Follow(context.Background()) }()
	select {
	case err := <-done:
		return err
	case <-time.After(c.cfg.Times.TTL):
		return errBehind
	}
}

// known says if err is about this server's own folder, and not about the database.
func known(err error) bool {
	e, ok := errors.AsType[*fleet.Error](err)
	return errors.Is(err, errBehind) || ok && e.Code == repo.NotPublished
}
