// SPDX-License-Identifier: Apache-2.0

// Package intake takes reports in, and runs the loop that advances rollouts.
//
// Parties: handsets send signed reports through a door that calls Receive; the loop calls
// Tick; the offers port publishes what the rollouts now want.
//
// It promises that a report is answered after it is on disk, with its verdict and the
// figures changed in the same transaction; that a report sent twice is counted once; that
// one which comes late is kept as history and moves nothing back; that one bad report
// spoils no other; and that a leak is acted on when it is stored, not at the next tick.
// It refuses reports that it cannot open, of models, variants, channels and releases that it does
// not know, and never repeats a refused string: whatever a handset tried to put into a
// field must not travel on into an answer or a log.
package intake

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/rollouts"
	"landed/server/span"
)

// Config is what an Intake needs. Queue and Batch may be 0 for the defaults.
type Config struct {
	Store     fleet.Store
	Now       func() time.Time
	Log       *slog.Logger
	Rules     *Rules                      // shared with whoever publishes releases, who calls Invalidate
	Catalogue func() *manifests.Catalogue // of now; retired models too
	Channels  func() []string             // of now; nil: those of a new data folder
	// Offers brings the published offers in line with the stored rollouts. It does nothing,
	// cheaply, if they are. It is called after a rollout changed and with every Tick, so
	// that a crash between the two heals itself.
	Offers   func(context.Context) error
	Rollouts *rollouts.Ledger // advances rollouts; nil: one on Store, Now and Log
	// RefuseV1 takes no more reports of version 1 in; those that are stored are read as ever.
	RefuseV1 bool
	// Room, if set, refuses reports while the disk has no room for them.
	Room func() error
	// Share bounds what is stored of installations that are of no counted fleet. Zero: nothing does.
	Share Share
	// Newcomers bounds installations that were never heard of; nil: nothing does.
	Newcomers Newcomers
	// Reports that may wait, at most; fewer, if they would take longer than two seconds to be stored. More are answered with
	// fleet.Busy.
	Queue int
	Batch int        // reports in one transaction, at most
	Spans span.Spans // measure each transaction; zero: nobody does
	// Committers is how many transactions are at work at once; 0 is one. Only some stores gain by more.
	Committers int
}

const (
	defaultQueue = 4096
	defaultBatch = 256 // while one batch commits, the senders of the others have their signatures verified
)

// Intake receives reports and advances rollouts.
type Intake struct {
	Config
	queue     chan *waiting
	gauge     gauge
	Pressure  Pressure
	Tally     Tally
	oldest    []atomic.Pointer[time.Time] // of each committer: when the first of the batch that it stores was opened; nil: none is
	closing   sync.RWMutex                // held for reading while a report is being queued
	closed    bool
	done      chan struct{}  // closed when the committers have ended
	evicted   atomic.Int64   // provisional reports that were let go of
	waking    sync.WaitGroup // advances that outlive their caller
	reckoning sync.Mutex     // one walk over all installations at a time
	advancing sync.Mutex     // one look at rollouts at a time, until what it found is published: many leaks, one halt
}

// New starts an Intake. Close ends it.
func New(c Config) *Intake {
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Channels == nil {
		c.Channels = func() []string { return manifests.Channels }
	}
	if c.Rules == nil {
		c.Rules = NewRules(c.Store, c.Log)
	}
	if c.Rollouts == nil {
		c.Rollouts = &rollouts.Ledger{Store: c.Store, Now: c.Now, Log: c.Log}
	}
	i := &Intake{Config: c, queue: make(chan *waiting, c.Queue), done: make(chan struct{})}
	i.gauge.least, i.gauge.most, i.gauge.committers = c.Batch, c.Queue, max(c.Committers, 1)
	var committing sync.WaitGroup
	i.oldest = make([]atomic.Pointer[time.Time], i.gauge.committers)
	for n := range i.oldest {
		committing.Go(func() { i.commit(&i.oldest[n]) })
	}
	go func() {
		committing.Wait()
		close(i.done)
	}()
	return i
}

// Close refuses new reports, commits those that wait, and returns when they are answered.
func (i *Intake) Close() error {
	i.closing.Lock()
	if !i.closed {
		i.closed = true
		close(i.queue)
	}
	i.closing.Unlock()
	<-i.done
	i.waking.Wait()
	return nil
}
