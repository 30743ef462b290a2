// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// crowd is one by a clock that a test moves.
func crowd() (*Crowd, *hand) {
	clock := &hand{now: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)}
	return NewCrowd(clock.read), clock
}

// after lets minutes pass, and gives the answers to each of them.
func (h *hand) after(c *Crowd, minutes int) (since time.Time) {
	for range minutes {
		h.pass(time.Minute)
		since = c.Since()
	}
	return since
}

// met waits until somebody found no place.
func met(t *testing.T, c *Crowd, before int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); c.Sums().Away == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody is known to have found no place")
		}
	}
}

// While all places are taken and one more waits, it is crowded after two minutes, for as long as that lasts.
func TestCrowdWaits(t *testing.T) {
	c, clock := crowd()
	start := clock.read()
	addr, _ := bounded(t, Bounds{Total: 3, Crowd: c})
	goes := visit(t, addr) // and says nothing
	for range 2 {
		visit(t, addr).ask("/hold")
	}
	met(t, c, 0)
	if since := clock.after(c, 1); !since.IsZero() {
		t.Errorf("after a minute it is crowded since %s", since)
	}
	if since := clock.after(c, 5); !since.Equal(start) {
		t.Errorf("crowded since %s, wanted %s", since, start)
	}
	if s := c.Sums(); s.Taken != 6*time.Minute {
		t.Errorf("all places were taken for %s, wanted six minutes", s.Taken)
	}
	goes.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // until it is noticed
		if c.mu.Lock(); c.full.IsZero() {
			c.mu.Unlock()
			break
		}
		c.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatal("no place is free after a connection ended")
		}
	}
	if since := clock.after(c, 1); !since.IsZero() {
		t.Errorf("a place was free for a minute, and it is crowded since %s", since)
	}
}

// Who is told to come later, in a reserved place, found none; control that is answered there did.
func TestCrowdComesLater(t *testing.T) {
	for path, want := range map[string]bool{"/": true, "/control": false} {
		c, clock := crowd()
		addr, _ := bounded(t, Bounds{Total: 12, Reserved: 4, Crowd: c})
		for range 8 {
			visit(t, addr).ask("/hold")
		}
		var since time.Time
		for range 3 {
			visit(t, addr).ask(path)
			since = clock.after(c, 1)
		}
		if is := !since.IsZero(); is != want {
			t.Errorf("%s: crowded %v, wanted %v; %+v", path, is, want, c.Sums())
		}
	}
}

// A network that has all that it may have says nothing of others, and places that are taken nothing if nobody wants one.
func TestCrowdIsNot(t *testing.T) {
	one := func(netip.Addr) bool { return false }
	for name, b := range map[string]Bounds{
		"one network":  {Total: 10, PerNetwork: 2, Exempt: one},
		"nobody comes": {Total: 12, Reserved: 10},
	} {
		c, clock := crowd()
		b.Crowd = c
		addr, _ := bounded(t, b)
		for range 2 {
			visit(t, addr).ask("/hold")
		}
		for range 3 {
			if b.PerNetwork > 0 {
				v := visit(t, addr)
				if resp, err := http.ReadResponse(v.from, nil); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
					t.Fatalf("the third of its network: %v, %v", resp, err)
				}
			}
			if since := clock.after(c, 1); !since.IsZero() {
				t.Errorf("%s: crowded since %s", name, since)
			}
		}
	}
}

// Stretches: a tenth of a minute is borne, and so is one crowded minute alone.
func TestCrowdStretches(t *testing.T) {
	for name, tt := range map[string]struct {
		taken []int // seconds of each minute
		want  int   // minutes that passed when it began; -1: it is not crowded
	}{
		"never":            {[]int{0, 0, 0}, -1},
		"a tenth":          {[]int{6, 6, 6}, -1},
		"more than that":   {[]int{0, 7, 7}, 1},
		"for a minute":     {[]int{0, 60, 0, 60}, -1},
		"for three of six": {[]int{0, 0, 0, 7, 60, 20}, 3},
		"it is over":       {[]int{60, 60, 60, 0}, -1},
	} {
		c, clock := crowd()
		start := clock.read()
		var since time.Time
		for _, seconds := range tt.taken {
			if seconds > 0 {
				c.fill(true)
				c.sent()
			}
			clock.pass(time.Duration(seconds) * time.Second)
			c.fill(false)
			clock.pass(time.Duration(60-seconds) * time.Second)
			since = c.Since()
		}
		got := -1
		if !since.IsZero() {
			got = int(since.Sub(start) / time.Minute)
		}
		if got != tt.want {
			t.Errorf("%s: crowded since minute %d, wanted %d", name, got, tt.want)
		}
	}
}
