// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"net/http"
	"net/netip"
	"slices"
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

// While all places are taken and one more waits, it is crowded after half a minute, for as long as that lasts.
func TestCrowdWaits(t *testing.T) {
	c, clock := crowd()
	start := clock.read()
	addr, _ := bounded(t, Bounds{Total: 3, Crowd: c})
	goes := visit(t, addr) // and says nothing
	for range 2 {
		visit(t, addr).ask("/hold")
	}
	met(t, c, 0)
	clock.pass(crowdWait)
	if since := c.Since(); !since.IsZero() {
		t.Errorf("a handset still waits, and it is crowded since %s", since)
	}
	clock.pass(crowdWait)
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

// What is told is when nobody came in, to the second: who takes all places for a few seconds of each minute keeps nobody away.
func TestCrowdSpells(t *testing.T) {
	for name, tt := range map[string]struct {
		taken []int // seconds for which all places are, and then for which one is free, and so on
		alone bool  // nobody else comes
		want  []int // when spells began and ended, in seconds
	}{
		"never":                     {[]int{0, 60}, false, nil},
		"seven seconds of a minute": {[]int{7, 53, 7, 53, 7, 53}, false, nil},
		"half of each minute":       {[]int{31, 29, 31, 29}, false, []int{0, 31, 60, 91}},
		"for as long as one waits":  {[]int{30, 30}, false, []int{0, 30}},
		"one place after the other": {[]int{9, 0, 9, 0, 9, 0, 9, 0, 9, 60}, false, []int{0, 45}},
		"it goes on":                {[]int{100}, false, []int{0, 100}},
		"nobody else comes":         {[]int{100, 10}, true, nil},
	} {
		c, clock := crowd()
		start := clock.read()
		for n, seconds := range tt.taken {
			if c.fill(n%2 == 0); n%2 == 0 && !tt.alone && seconds > 0 {
				c.sent()
			}
			clock.pass(time.Duration(seconds) * time.Second)
		}
		var got []int
		for _, spell := range c.Spells() {
			for _, at := range spell {
				got = append(got, int(at.Sub(start)/time.Second))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, wanted %v", name, got, tt.want)
		}
		if again := c.Spells(); len(again) > 0 && name != "it goes on" {
			t.Errorf("%s: told twice: %v", name, again)
		}
	}
}
