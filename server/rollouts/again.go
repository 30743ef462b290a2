// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// again publishes what is stored and could not be published, until it is done: after 100 ms, then twice as long each
// time, and every 5 s in the end.
type again struct {
	publish func(context.Context) error // nil: only the alarm is left
	log     *slog.Logger
	alarm   time.Duration // after which a person should hear of it

	mu      sync.Mutex
	since   time.Time // of the first failure; zero while all is published
	last    error
	ringing *time.Timer // set off at the alarm
	alarmed bool
	working bool

	ctx  context.Context
	end  context.CancelFunc
	done sync.WaitGroup
}

const (
	firstWait  = 100 * time.Millisecond
	longWait   = 5 * time.Second
	alarmAfter = 5 * time.Second
)

func newAgain(log *slog.Logger, publish func(context.Context) error) *again {
	a := &again{publish: publish, log: log, alarm: alarmAfter}
	a.ctx, a.end = context.WithCancel(context.Background())
	return a
}

// heard is told how each publication went.
func (a *again) heard(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		if a.alarmed {
			a.log.Info("the offers are published again", "after", time.Since(a.since))
		}
		if a.ringing != nil {
			a.ringing.Stop()
		}
		a.since, a.last, a.ringing, a.alarmed = time.Time{}, nil, nil, false
		return
	}
	a.last = err
	if a.since.IsZero() {
		a.since = time.Now()
		a.ringing = time.AfterFunc(a.alarm, a.ring)
	}
	if !a.working && a.publish != nil && a.ctx.Err() == nil {
		a.working = true
		a.done.Go(a.work)
	}
}

// ring is the alarm.
func (a *again) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() || a.alarmed {
		return
	}
	a.alarmed = true
	a.log.Error("a change of the rollouts is stored and cannot be published: handsets are still told what was published "+
		"before. It is tried again all the time", "for", time.Since(a.since).Round(time.Millisecond), "err", a.last)
}

func (a *again) work() {
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		select {
		case <-a.ctx.Done():
		case <-time.After(wait):
			_ = a.publish(a.ctx) // which tells heard
		}
		a.mu.Lock()
		if a.last == nil || a.ctx.Err() != nil {
			a.working = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
	}
}

// pending is what could not be published, and since when; the zero time if all is published.
func (a *again) pending() (since time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.since, a.last
}

func (a *again) close() {
	a.end()
	a.done.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ringing != nil {
		a.ringing.Stop()
	}
}
