// SPDX-License-Identifier: Apache-2.0

// Package sim runs thousands of handsets in one process, by discrete events on virtual time.
//
// Parties: the fleet holds real clients (package handset) on real slots, whose systems come out of
// the packages that they downloaded; the virtual firmware behaves as the installed files say; the
// observer stands in for the maker's activation service; the server is whatever answers at Config.URL.
//
// It promises the same run for the same seed, weeks in seconds, and a ground truth that is read from
// the installed files, the handsets' userdata and the observer, never from a report or a verdict.
//
// What each handset really does, every time: the whole TUF workflow, the agreement of the roles, length
// and SHA-256 of its own download. What the fleet does once per package: otapkg's inspection and the
// unpacking, after the handset at hand has computed that SHA-256 over its own bytes.
package sim

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"landed/firmware-fixtures/virtual"
	"landed/handset/slots"
)

// Fleet is the handsets and their time. Run is not safe for concurrent use; Now, Truth and Counts are,
// between and during runs.
type Fleet struct {
	cfg      Config
	now      atomic.Int64 // Unix nanoseconds, start of the current quantum
	mu       sync.RWMutex // held for reading by workers, for writing by whoever reads the truth
	releases []Release
	queue    queue
	order    int64
	handsets []*handset
	observer *virtual.Observer
	cache    slots.Cache
	seen     inspections
	temp     string
}

// New sets up the fleet at Config.Start. It refuses a start before any of the builds was made.
func New(cfg Config) (*Fleet, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg, observer: &virtual.Observer{}, releases: slices.Clone(cfg.Releases)}
	f.now.Store(cfg.Start.UnixNano())
	if cfg.Dir == "" {
		dir, err := tempDir(cfg.size())
		if err != nil {
			return nil, err
		}
		f.cfg.Dir, f.temp = dir, dir
	}
	for _, m := range cfg.Models {
		for i := range m.Size {
			h, err := f.newHandset(m, i)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("sim: handset %d of %s: %w", i, m.Device, err), f.Close())
			}
			f.handsets = append(f.handsets, h)
			f.push(h.pending)
			h.pending = nil
		}
	}
	return f, nil
}

// Close lets go of idle connections, for which a server that ends would wait, and removes the folders that New made.
func (f *Fleet) Close() error {
	(&http.Client{Transport: f.cfg.Transport}).CloseIdleConnections()
	if f.temp == "" {
		return nil
	}
	return os.RemoveAll(f.temp)
}

// Now is the virtual time: what the server's clock shows.
func (f *Fleet) Now() time.Time { return time.Unix(0, f.now.Load()).UTC() }

// At runs do at a virtual time, alone: nothing else happens meanwhile. An error ends Run.
func (f *Fleet) At(at time.Time, do func(ctx context.Context) error) {
	f.push([]event{{at: at, do: do}})
}

// Every runs do at each interval from the next one on, alone; the server's Tick, for example.
func (f *Fleet) Every(interval time.Duration, do func(ctx context.Context) error) {
	var again func(ctx context.Context) error
	next := f.Now().Add(interval)
	again = func(ctx context.Context) error {
		next = next.Add(interval)
		f.At(next, again)
		return do(ctx)
	}
	f.At(next, again)
}

// Run lets time pass until the given moment. It may be called again to go on.
func (f *Fleet) Run(ctx context.Context, until time.Time) error {
	for len(f.queue) > 0 && !f.queue[0].at.After(until) {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := f.queue[0].at
		f.now.Store(max(f.now.Load(), start.UnixNano()))
		if f.cfg.Pace != nil {
			if err := f.cfg.Pace(ctx, start); err != nil {
				return err
			}
		}
		if f.queue[0].h == nil {
			e := heap.Pop(&f.queue).(event)
			if err := e.do(ctx); err != nil {
				return err
			}
			continue
		}
		f.quantum(ctx, start, until)
	}
	f.now.Store(max(f.now.Load(), until.UnixNano()))
	return ctx.Err()
}

// quantum runs what happens within one quantum, each handset's events in order, the handsets in parallel.
func (f *Fleet) quantum(ctx context.Context, start, until time.Time) {
	var busy []*handset
	for len(f.queue) > 0 && f.queue[0].h != nil && f.queue[0].at.Before(start.Add(f.cfg.Quantum)) &&
		!f.queue[0].at.After(until) {
		e := heap.Pop(&f.queue).(event)
		if len(e.h.batch) == 0 {
			busy = append(busy, e.h)
		}
		e.h.batch = append(e.h.batch, e)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	work := make(chan *handset)
	var done sync.WaitGroup
	for range min(f.cfg.Workers, len(busy)) {
		done.Go(func() {
			for h := range work {
				h.run(ctx)
			}
		})
	}
	for _, h := range busy {
		work <- h
	}
	close(work)
	done.Wait()
	for _, h := range busy { // in the order of the queue, so that equal times keep their order from run to run
		f.push(h.pending)
		h.pending = nil
	}
}

func (f *Fleet) push(events []event) {
	for _, e := range events {
		f.order++
		e.order = f.order
		heap.Push(&f.queue, e)
	}
}
