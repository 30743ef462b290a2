// SPDX-License-Identifier: Apache-2.0

package uptime

import (
	"testing"
	"time"
)

var start = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

// hand is a clock that a test sets, and lets time pass on.
type hand struct {
	wall   time.Time
	passed time.Duration
}

func (h *hand) Read() (time.Time, time.Duration) { return h.wall, h.passed }

func (h *hand) pass(d time.Duration) {
	h.wall, h.passed = h.wall.Add(d), h.passed+d
}

// pace lets time pass in small steps, each looked at.
func (h *hand) pace(g *Guard, d time.Duration) {
	for ; d > 0; d -= 15 * time.Second {
		h.pass(min(d, 15*time.Second))
		g.Now()
	}
}

func TestGuard(t *testing.T) {
	const hour, day, year = time.Hour, 24 * time.Hour, 365 * 24 * time.Hour
	for name, tt := range map[string]struct {
		steps []any // a time.Duration passes; a set jumps
		off   time.Duration
		state State // By, Left and Distrusted
	}{
		"nothing":                {[]any{day}, 0, State{}},
		"kept right":             {[]any{hour, set(50 * time.Second), hour}, 50 * time.Second, State{}},
		"small steps":            {[]any{set(50 * time.Second), set(50 * time.Second)}, 0, State{By: 100 * time.Second, Distrusted: true, Left: Agreeing}},
		"small steps, far apart": {[]any{set(50 * time.Second), Agreeing, set(50 * time.Second), hour}, 100 * time.Second, State{}},
		"ahead":                  {[]any{hour, set(30 * day), time.Minute}, 0, State{By: 30 * day, Distrusted: true, Left: 9 * time.Minute}},
		"ahead for long":         {[]any{hour, set(30 * day), Agreeing}, 30 * day, State{}},
		"ahead for a second":     {[]any{hour, set(30 * day), time.Second, set(-30 * day), hour}, 0, State{}},
		"there and back":         {[]any{set(30 * day), 9 * time.Minute, set(-30 * day), time.Minute}, 0, State{Distrusted: true, Left: 9 * time.Minute}},
		"back":                   {[]any{hour, set(-year), day}, 0, State{By: -year, Distrusted: true}},
		"back and right again":   {[]any{hour, set(-year), day, set(year), Agreeing}, 0, State{}},
		"back by an hour":        {[]any{day, set(-hour), 11 * time.Minute}, -hour, State{}},
	} {
		h := &hand{wall: start}
		g := NewGuard(h)
		passed := time.Duration(0)
		for _, s := range tt.steps {
			switch s := s.(type) {
			case time.Duration:
				h.pace(g, s)
				passed += s
			case set:
				h.wall = h.wall.Add(time.Duration(s))
				g.Now()
			}
		}
		got := g.State()
		if want := start.Add(passed + tt.off); !got.Now.Equal(want) || !g.Now().Equal(want) {
			t.Errorf("%s: goes by %s, wanted %s", name, got.Now, want)
		}
		if got.Distrusted != tt.state.Distrusted || got.By != tt.state.By || got.Left != tt.state.Left {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

type set time.Duration

// TestAnchor: where the clock stands when the server starts, after the last time at which it ran.
func TestAnchor(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for away, distrusted := range map[time.Duration]bool{
		0: false, 3 * day: false, AwayLimit: false, -time.Minute: false, -2 * time.Minute: true, 8 * day: true, year: true, -year: true,
	} {
		h := &hand{wall: start.Add(away)}
		g := NewGuard(h)
		g.Anchor(start, false)
		want := start
		if !distrusted {
			want = h.wall
		}
		if s := g.State(); s.Distrusted != distrusted || !s.Now.Equal(want) {
			t.Errorf("%s after it ran: %+v", away, s)
		}
		g = NewGuard(h)
		if g.Anchor(start, true); !g.State().Distrusted || !g.Now().Equal(start) {
			t.Errorf("%s after it ran with a clock that was not believed: %+v", away, g.State())
		}
		if was := g.Accept(); !was.Distrusted || g.State().Distrusted || !g.Now().Equal(h.wall) {
			t.Errorf("accepted: %+v, then %+v", was, g.State())
		}
	}
}

// TestVirtualClocksLeap: whoever moves a virtual clock is believed.
func TestVirtualClocksLeap(t *testing.T) {
	now := start
	g := NewGuard(Virtual(func() time.Time { return now }))
	g.Anchor(start.AddDate(5, 0, 0), true)
	for _, at := range []time.Time{start.AddDate(1, 0, 0), start, start.AddDate(-40, 0, 0)} {
		now = at
		if s := g.State(); s.Distrusted || !s.Now.Equal(at) {
			t.Errorf("moved to %s: %+v", at, s)
		}
	}
	if wall, passed := Ahead(time.Hour).Read(); time.Until(wall) < 59*time.Minute || passed < 0 {
		t.Errorf("an hour ahead: %s, %s", wall, passed)
	}
}
