// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/server/fleet"
	"landed/web"
)

// fresh is how long an answer may be given again although something changed since. Of a long line-up it is as many of these as there
// are manyModels in it, at most stale: a page costs what the line-up is long, and while figures move it is computed again and again, in
// every language that somebody watches it in.
const (
	fresh      = time.Second
	stale      = 5
	manyModels = 40
)

// ahead is in how much of that time nobody has an answer made anew. After it, whoever asks is given what stands, and has the next one
// made behind his back: readers who come again and again wait for none. Nobody is given an older answer for it.
const ahead = 0.9

// freshFor is how long an answer about so many models may be given again.
func (c *kept) freshFor(models int) time.Duration {
	return c.fresh * time.Duration(min(max(models/manyModels, 1), stale))
}

// queueing is how long a reader waits for others' pages to be computed.
const queueing = 5 * time.Second

// key names an answer. What else a page depends on (such as a cookie) belongs here as it does into the page.
type key struct {
	links  web.Links // that it has, with its language in them if the reader's address has one
	tag    string    // of its language
	page   string    // "" is JSON
	path   string    // without what links put before it
	before int       // of an installation's reports
	on     string    // the day that is asked for, as it was typed; "" is now
}

// longestDay is more than a day takes.
const longestDay = 16

func (p *responder) keyOf(page string, by readers, r *http.Request) key {
	k := key{links: p.links, tag: p.locale.Tag, page: page, path: p.links.Local(r.URL.Path)}
	if by == installationReaders && r.URL.RawQuery != "" { // of any other page it would be one more answer that says the same
		k.before = before(r.URL.Query())
	}
	return k
}

// readers are who asks for a page. What fewer ask for must not keep waiting what more do.
type readers int

const (
	frontReaders readers = iota // the status, which everybody polls: two answers
	allReaders                  // releases and models: some hundred
	// An installation: there is no end to them. Whoever has one on the telephone waits for it, so these wait for no others.
	installationReaders
	oneReader // a search, a comparison, a day, a report: there is no end to them either
	kindsOfReaders
)

// kept has the answers that stand, and computes those that do not: each once, for all who ask meanwhile, and few at a
// time.
//
// An answer stands for a while after it was computed (freshFor), and in the last part of that the next one is made (ahead). After that
// it stands in the same hour, while the version of the store is what it was; if something in it is about how much time is left, which is
// said in minutes, in the same minute. The version alone is not trusted in the first moment after it changed: what the server keeps in
// memory follows a commit.
type kept struct {
	ask   func(context.Context) (int64, error) // nil: there are no versions
	fresh time.Duration
	clock *clock
	// models is how many there are in the line-up.
	models func() int
	log    *slog.Logger                  // of faults that nobody waits for
	turns  [kindsOfReaders]chan struct{} // one place each

	mu      sync.Mutex
	shelves [kindsOfReaders]*shelf
	under   map[key]*computing
	version int64     // newest that was seen
	since   time.Time // when it was first seen
}

// computing is an answer on its way.
type computing struct {
	route   string // of who asked first
	done    chan struct{}
	waiting int // readers, under the lock of kept
	answer  *answer
	err     error
	fault   string // a panic, to be had again by all who wait; if nobody does, it is logged
}

func newKept(
	ask func(context.Context) (int64, error), fresh time.Duration, clock *clock, models func() int, log *slog.Logger,
) *kept {
	c := &kept{ask: ask, fresh: fresh, clock: clock, models: models, log: log, under: map[key]*computing{}, shelves: newShelves()}
	for by := range c.turns {
		c.turns[by] = make(chan struct{}, 1)
	}
	return c
}

// of gives the answer to a request.
func (c *kept) of(
	r *http.Request, k key, by readers, compute func(*http.Request) (*answer, error),
) (*answer, error) {
	c.mu.Lock()
	a := c.shelves[by].find(k)
	c.mu.Unlock()
	young := a != nil && c.within(a.moment, 1)
	if young && c.within(a.moment, ahead) || a != nil && c.stands(r.Context(), a) {
		return a, nil
	}
	now := c.begin(r, k, by, !young, compute)
	if young {
		return a, nil
	}
	select {
	case <-now.done:
	case <-r.Context().Done():
		if c.leave(k, now) {
			return nil, r.Context().Err()
		}
		<-now.done // at once: this reader was counted, and has what there is
	}
	if now.fault != "" {
		panic(now.fault)
	}
	return now.answer, now.err
}

// begin has an answer computed, if it is not being computed already, for a reader who waits for it or does not.
func (c *kept) begin(
	r *http.Request, k key, by readers, waits bool, compute func(*http.Request) (*answer, error),
) *computing {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.under[k]
	if now == nil {
		now = &computing{done: make(chan struct{}), route: chi.RouteContext(r.Context()).RoutePattern()}
		c.under[k] = now
		// It is for all who wait: that one of them leaves ends it for nobody.
		go c.run(r.Clone(context.WithoutCancel(r.Context())), k, by, now, compute)
	}
	if waits {
		now.waiting++
	}
	return now
}

// leave is for a reader who waits no longer. It says if there was nothing to be had yet.
func (c *kept) leave(k key, now *computing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under[k] != now {
		return false
	}
	now.waiting--
	return true
}

// run computes an answer and keeps it. Its fault is of those who wait; behind everybody's back it would be of nobody until the answer
// that stands has run out, so it goes into the log.
func (c *kept) run(
	r *http.Request, k key, by readers, now *computing, compute func(*http.Request) (*answer, error),
) {
	defer func() {
		defer close(now.done)
		if p := recover(); p != nil {
			now.fault = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
		c.mu.Lock()
		delete(c.under, k)
		if now.fault == "" && now.err == nil {
			c.shelves[by].keep(k, now.answer)
		}
		alone := now.waiting == 0
		c.mu.Unlock()
		if now.fault != "" && alone { // no path: a reference may stand in it
			c.log.ErrorContext(r.Context(), "panic", "route", now.route, "fault", now.fault)
		}
	}()
	now.err = c.turn(r, by, func() error {
		asked := c.clock.asked.Load()
		read, err := c.moment(r.Context())
		if err != nil {
			return err
		}
		if now.answer, err = compute(r); err != nil {
			return err
		}
		a := now.answer
		a.moment, a.body.of = read, a
		if was, ok := a.view.(earlierRead); ok && was.read() != nil {
			a.moment = *was.read()
		}
		a.timed = c.clock.asked.Load() != asked // by this page, or by one beside it
		if _, ok := a.view.(listing); !ok || k.page == "" {
			a.view = nil // nobody asks for a part of it
		}
		return nil
	})
}

// turn does work when it is its turn: one at a time for each kind of readers.
func (c *kept) turn(r *http.Request, by readers, work func() error) error {
	enough := time.NewTimer(queueing)
	defer enough.Stop()
	select {
	case c.turns[by] <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	case <-enough.C:
		return fleet.Errorf(fleet.Busy, "pages_busy", "too many pages are asked for at this moment; try again in a minute")
	}
	defer func() { <-c.turns[by] }()
	return work()
}

// stands says that nothing changed in an answer.
func (c *kept) stands(ctx context.Context, a *answer) bool {
	now := c.clock.now()
	if a.day != nil { // copies do not change, and are thinned with age
		return fleet.Hour(now) == fleet.Hour(a.asOf)
	}
	sameMinute := now.Truncate(time.Minute).Equal(a.asOf.Truncate(time.Minute))
	return (!a.timed || sameMinute) && c.unchanged(ctx, a.moment)
}

// forget throws away what is kept.
func (c *kept) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shelves = newShelves()
}

// clock tells the time, and counts how often it was asked.
type clock struct {
	now   func() time.Time
	asked atomic.Int64
}

// Now is for sentences about how much time is left.
func (c *clock) Now() time.Time {
	c.asked.Add(1)
	return c.now()
}
