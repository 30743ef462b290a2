// SPDX-License-Identifier: Apache-2.0

// Package cluster keeps several servers on one database together.
//
// Parties: package server starts it where a database is shared; package repo asks it before and after a publication, the
// feed's handler before it gives a timestamp away. Each server is a member while its row in the database is young. It
// promises that one at a time publishes, and runs the loop; that what is stored under a lease is stored by its holder; that
// a version of the feed is served by nobody before each live member has it, and that no member that can ask the database
// serves an older one after that. It compares no clocks of two machines: what has run out is said by the database, and
// each member counts its own time by what passed. It refuses to be a member while it lacks what is stored, so that nobody
// waits for it.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"landed/server/fleet"
	"landed/server/repo"
)

// The leases.
const (
	Loop    = "loop"    // advances rollouts, seals, admits, notes outages
	Scrub   = "scrub"   // reads every content
	publish = "publish" // taken for one publication
)

// Config is what a Cluster is given. Times may be 0 for those of [Default].
type Config struct {
	Store   fleet.Store
	Program string // version of the program, for people
	Log     *slog.Logger
	Times   Times
	// Changed is called when something was decided: anybody may have done it. It may be nil.
	Changed func(ctx context.Context)
	// Restore takes up what this server has and the database lost.
	Restore func(ctx context.Context) error
}

// Times are those by which members go.
type Times struct {
	TTL      time.Duration // how long a member is waited for that is not heard of
	Beat     time.Duration // how often it is heard of
	Poll     time.Duration // how often it looks for what others did
	Ask      time.Duration // how long a request for the newest timestamp waits for the database
	Patience time.Duration // how long a publication waits for others
}

// Default are the times of a running server. A dead member is found out after TTL, and what it held is taken up with the
// next Beat of another: in 4 s.
func Default() Times {
	return Times{TTL: 3 * time.Second, Beat: time.Second, Poll: 200 * time.Millisecond, Ask: 500 * time.Millisecond,
		Patience: 10 * time.Second}
}

// Cluster is this server's part in it.
type Cluster struct {
	*heart
	ask        asker
	publishing chan struct{} // holds a token while nobody of this process publishes
	end        context.CancelFunc
	done       sync.WaitGroup
}

// heart has this member heard of.
type heart struct {
	cfg    Config
	id     string
	repo   atomic.Pointer[repo.Repo]
	gained chan struct{} // holds a token when the loop came to this server
	killed atomic.Bool
	seen   atomic.Int64 // number of the newest line of the trail that was taken up

	beating sync.Mutex // one beat at a time
	mu      sync.Mutex
	is      standing
}

// standing is how this member stands, as of its last beat.
type standing struct {
	until    time.Time // live until then, by this process's own time
	heard    bool      // the last beat reached the database
	err      error     // why not, or why it is no live member
	behind   time.Time // since when it lacks something that is stored; zero if it does not
	leases   map[string]held
	unheard  map[string]int64 // by id, how often the others had been heard of when the database was reached again
	unsettle bool             // unheard is to be made anew
}

// held is a lease of this process.
type held struct {
	fleet.Lease
	until time.Time // by this process's own time, as since
	since time.Time // when it was taken
}

// New makes the part of a server that starts now. Start begins it.
func New(c Config) *Cluster {
	if c.Times == (Times{}) {
		c.Times = Default()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	k := &Cluster{heart: &heart{cfg: c, id: rand.Text(), gained: make(chan struct{}, 1)}, publishing: make(chan struct{}, 1)}
	k.publishing <- struct{}{}
	k.seen.Store(-1)
	k.ask.do = k.lookUp
	k.is = standing{leases: map[string]held{}, unsettle: true, err: errors.New("it has just started")}
	return k
}

// ID is that of this member.
func (c *Cluster) ID() string { return c.id }

// Attach implements repo.Cluster.
func (c *Cluster) Attach(r *repo.Repo) { c.repo.Store(r) }

// Join prepares the database for this member, before it opens the feed. Members that speak another protocol keep it from
// that.
func (c *Cluster) Join(ctx context.Context) error {
	return c.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		f, err := tx.Members().Feed(ctx)
		if err != nil {
			return err
		}
		all, err := tx.Members().List(ctx)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Live && m.Protocol != fleet.Protocol {
				return fleet.Errorf(fleet.Conflict, "other_protocol", "a server of the program %s runs on this database, with which "+
					"this one (%s) does not agree how to publish; end it first", m.Program, c.cfg.Program)
			}
		}
		return tx.Members().Release(ctx, f.Released) // from now on, what is stored waits for its release
	})
}

// startFor is how long a server that begins waits for a database with much to do.
const startFor = time.Minute

// Start begins to be heard of. The first beat may take longer than others wait for one: nobody waits for this server yet.
func (c *Cluster) Start(ctx context.Context) error {
	err := c.beat(ctx)
	for over := time.Now().Add(startFor); errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && time.Now().Before(over); {
		err = c.beat(ctx)
	}
	if err != nil {
		return fmt.Errorf("the other servers on the database could not be told of this one: %w", err)
	}
	ctx, c.end = context.WithCancel(context.Background())
	c.done.Go(func() { every(ctx, c.cfg.Times.Beat, c.beatOnce) })
	c.done.Go(func() { every(ctx, c.cfg.Times.Poll, (&poller{c: c}).poll) })
	return nil
}

func every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			do(ctx)
		}
	}
}

// Close gives back what this server holds; nobody waits for it any more.
func (c *Cluster) Close() error {
	c.stop()
	if c.killed.Load() {
		return nil
	}
	c.beating.Lock()
	defer c.beating.Unlock()
	c.mu.Lock()
	leases := c.is.leases
	c.is.until, c.is.leases = time.Time{}, map[string]held{}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Times.TTL)
	defer cancel()
	err := c.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		for _, l := range leases {
			if err := tx.Leases().GiveBack(ctx, l.Lease); err != nil {
				return err
			}
		}
		return tx.Members().Beat(ctx, c.member(), 0)
	})
	if err != nil {
		c.cfg.Log.Warn("what this server held in the cluster was not given back; it runs out", "err", err)
	}
	return nil
}

// Kill ends it as the end of the process would: nothing is given back.
func (c *Cluster) Kill() {
	c.killed.Store(true)
	c.stop()
}

func (c *Cluster) stop() {
	if c.end != nil {
		c.end()
	}
	c.done.Wait()
}

// Gained tells that the lease of the loop came to this server.
func (c *Cluster) Gained() <-chan struct{} { return c.gained }

// member is this server as it stands.
func (c *heart) member() fleet.Member {
	m := fleet.Member{ID: c.id, Program: c.cfg.Program, Protocol: fleet.Protocol}
	if r := c.repo.Load(); r != nil {
		m.Prepared, m.Served = r.Replica().Position()
	}
	m.Highest = max(m.Prepared, m.Served)
	return m
}

// Fault says why this server is no live member of the cluster; nil if it is.
func (c *heart) Fault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.live():
		return nil
	case c.is.err != nil:
		return c.is.err
	}
	return errors.New("it was not heard of for a while")
}

// live says if others wait for this member; the caller holds mu.
func (c *heart) live() bool { return time.Now().Before(c.is.until) }
