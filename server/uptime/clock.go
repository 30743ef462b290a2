// SPDX-License-Identifier: Apache-2.0

package uptime

import (
	"sync"
	"time"
)

// Clock is where the time comes from: what the wall shows, which may be set, and what passed, which only grows.
type Clock interface {
	// Read gives both at one moment: what the wall shows, and what passed since any fixed moment by a clock that nobody
	// can set.
	Read() (wall time.Time, passed time.Duration)
}

// Real is the clock of the machine. Passed stands still while the machine sleeps.
func Real() Clock { return Ahead(0) }

// Ahead is the clock of the machine, ahead by offset.
func Ahead(offset time.Duration) Clock { return ahead{time.Now(), offset} }

type ahead struct {
	start  time.Time
	offset time.Duration
}

// Read implements Clock.
func (a ahead) Read() (time.Time, time.Duration) {
	now := time.Now()
	return now.Add(a.offset), now.Sub(a.start)
}

// Virtual is a clock that leaps by the will of whoever moves it: wall and passing are one, and never disagree.
func Virtual(now func() time.Time) Clock { return virtual{now} }

type virtual struct{ now func() time.Time }

// Read implements Clock.
func (v virtual) Read() (time.Time, time.Duration) {
	now := v.now().Round(0)
	return now, now.Sub(time.Unix(0, 0))
}

const (
	// JumpLimit is how far wall and passing may go apart: less is how clocks are kept right.
	JumpLimit = time.Minute
	// Agreeing is how long they must agree after a jump for the wall to be believed again.
	Agreeing = 10 * time.Minute
	// BackLimit is how far back the wall is believed without a person's word. What was signed since would lie ahead.
	BackLimit = time.Hour
	// AwayLimit is how long a server may have been off for its clock to be believed at once when it starts.
	AwayLimit = 7 * 24 * time.Hour
)

// State is how the clock stands.
type State struct {
	Now        time.Time     // what the server goes by
	Wall       time.Time     // what the clock shows
	Distrusted bool          // it jumped, and is not believed yet
	At         time.Time     // of the last jump, by the time that the server went by
	By         time.Duration // Wall is ahead of Now by so much
	// Left is how long it must still agree with what passes to be believed; 0 if that takes a person.
	Left time.Duration
}

// reading is both sides of a clock at one moment.
type reading struct {
	wall   time.Time
	passed time.Duration
}

// gap is by how much the wall went ahead of what passed, from one reading to a later one.
func (r reading) gap(later reading) time.Duration {
	return later.wall.Sub(r.wall) - (later.passed - r.passed)
}

// Guard tells a time that no jump of the clock moves. While the clock is distrusted it goes on from the last time that
// was believed by what passed. It may be used by many goroutines.
type Guard struct {
	clock Clock

	mu   sync.Mutex
	base reading // believed
	jump *reading
	at   time.Time // of the jump, by the time that was believed
}

// NewGuard begins with what the clock shows.
func NewGuard(c Clock) *Guard {
	g := &Guard{clock: c}
	g.base = g.read()
	return g
}

func (g *Guard) read() reading {
	wall, passed := g.clock.Read()
	return reading{wall.Round(0), passed}
}

// Now is the time that the server goes by.
func (g *Guard) Now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.look(g.read())
}

// look takes note of a reading, and gives the time that is believed.
func (g *Guard) look(now reading) time.Time {
	believed := g.base.wall.Add(now.passed - g.base.passed)
	if g.jump != nil {
		if far(g.jump.gap(now)) { // and again
			g.jump, g.at = &now, believed
		} else if now.passed-g.jump.passed >= Agreeing && believed.Sub(now.wall) <= BackLimit {
			g.jump, g.base = nil, now
			return now.wall
		}
		return believed
	}
	if far(g.base.gap(now)) {
		g.jump, g.at = &now, believed
		return believed
	}
	// Small steps are followed. They are summed up for a while: many of them are a jump.
	if now.passed-g.base.passed >= Agreeing {
		g.base = now
	}
	return now.wall
}

func far(gap time.Duration) bool { return gap > JumpLimit || gap < -JumpLimit }

// Anchor holds the clock, when the server starts, against the last time at which it is known to have run: a clock that
// lies before that, or very far after, is distrusted, and so is one that was when the server ended. A virtual clock is
// where its mover wants it.
func (g *Guard) Anchor(last time.Time, wasDistrusted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, is := g.clock.(virtual); is {
		return
	}
	now := g.read()
	away := now.wall.Sub(last)
	if away >= -JumpLimit && away <= AwayLimit && !wasDistrusted {
		return
	}
	g.base, g.jump, g.at = reading{last, now.passed}, &now, last
}

// State is how the clock stands now.
func (g *Guard) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.read()
	s := State{Now: g.look(now), Wall: now.wall}
	s.By = now.wall.Sub(s.Now)
	if g.jump == nil {
		return s
	}
	s.Distrusted, s.At = true, g.at
	if -s.By <= BackLimit {
		s.Left = max(Agreeing-(now.passed-g.jump.passed), time.Second)
	}
	return s
}

// Accept has the clock believed as it stands, by a person's word. was is how it stood.
func (g *Guard) Accept() (was State) {
	was = g.State()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.jump, g.base = nil, g.read()
	return was
}
