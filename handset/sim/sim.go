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
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/handset/slots"
)

// Config is what a fleet is made of. Fields without a default are required.
type Config struct {
	Seed   uint64
	Start  time.Time // virtual time at which the handsets are switched on
	Models []Model
	URL    string // of the server
	Root   []byte // root.json that the handsets were sold with
	Keys   []crypto.PublicKey

	// Releases is what the fleet knows of releases, in order to say what is really so; see Ship.
	Releases []Release

	Transport http.RoundTripper // default: a transport of its own; see Handler for in-process servers
	Channel   string            // default stable
	Dir       string            // of the handsets' folders; default: a temporary one, removed by Close
	Poll      time.Duration     // default 12 h
	Quantum   time.Duration     // events within it run in parallel; default one minute
	Workers   int               // default one per processor
	Log       *slog.Logger      // default: none
	// Pace is called before each quantum; in live mode it waits until now has come.
	Pace func(ctx context.Context, now time.Time) error
}

// Model is one part of the fleet: Size handsets of a model.
type Model struct {
	Device string
	Size   int
	Sold   fixtures.Build // what they were sold with: an unpatched build
	// Fresh is what the newest ones were sold with: the build of the release. None if Fingerprint is empty.
	Fresh fixtures.Build
}

// ModelOf is a part of the fleet on the stand-in builds of a model.
func ModelOf(device string, size int) (Model, error) {
	sold, err := fixtures.BuildOf(device, fixtures.Unpatched)
	fresh, err2 := fixtures.BuildOf(device, fixtures.Patched)
	return Model{Device: device, Size: size, Sold: sold, Fresh: fresh}, errors.Join(err, err2)
}

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

func (cfg *Config) complete() error {
	var faults []error
	if cfg.URL == "" || len(cfg.Root) == 0 || cfg.Start.IsZero() || len(cfg.Models) == 0 {
		faults = append(faults, errors.New("sim: Config wants URL, Root, Start and Models"))
	}
	for _, m := range cfg.Models {
		for _, b := range []fixtures.Build{m.Sold, m.Fresh} {
			if b.UTC > cfg.Start.Unix() {
				faults = append(faults, fmt.Errorf("sim: the fleet starts at %s, but %s was built at %s; start later",
					cfg.Start.Format(time.DateOnly), b.Fingerprint, time.Unix(b.UTC, 0).UTC().Format(time.DateOnly)))
			}
		}
	}
	if cfg.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		cfg.Transport = t
	}
	if cfg.Channel == "" {
		cfg.Channel = "stable"
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 12 * time.Hour
	}
	if cfg.Quantum <= 0 {
		cfg.Quantum = time.Minute
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return errors.Join(faults...)
}

func (cfg *Config) size() (n int) {
	for _, m := range cfg.Models {
		n += m.Size
	}
	return n
}

// tempDir makes a folder, in memory if there is such a place and the fleet is small enough for it: each
// handset keeps some 20 KB of metadata, and opening files is half of what a fleet costs.
func tempDir(size int) (string, error) {
	if size <= 1000 {
		if dir, err := os.MkdirTemp("/dev/shm", "fleet-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "fleet-")
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
