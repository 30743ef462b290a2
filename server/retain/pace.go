// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"context"
	"sync"
	"time"
)

// How fast it goes. A step holds up reports for some 50 ms at most, whatever the machine. While reports come in, each step is
// followed by a rest, and the rest of the tick is not kept waiting; while none waits, there is more time and no rest.
const (
	stepFor  = 50 * time.Millisecond
	tickFor  = 2 * time.Second
	idleFor  = 5 * time.Second
	tickRest = 3 // times as long as the step took
)

// pace is how many installations a kind of step takes. It is of one Room, whose Ticks come one after the other.
type pace struct{ n, most int }

// took has the next step take as many as fit into stepFor, by what the last one took; twice as many at most.
func (p *pace) took(d time.Duration) {
	p.n = min(max(int(float64(p.n)*float64(stepFor)/float64(max(d, time.Millisecond))), p.n/2, 1), 2*p.n, p.most)
}

// measured does a step, and sets the pace by it.
func (p *pace) measured(do func(n int) error) error {
	began := time.Now()
	defer func() { p.took(time.Since(began)) }()
	return do(p.n)
}

type paces struct {
	ticking      sync.Mutex
	settle, drop pace
}

func startingPace() paces {
	return paces{settle: pace{settleStep, 2000}, drop: pace{dropStep, 500}}
}

// idle says if no report waits.
func (r *Room) idle() bool { return r.Idle != nil && r.Idle() }

// rest lets others work after a step, and says if there is time for another one. A tick that was idle throughout has more.
func (r *Room) rest(ctx context.Context, tick, step time.Time) bool {
	if r.idle() {
		return ctx.Err() == nil && time.Since(tick) < idleFor
	}
	select {
	case <-ctx.Done():
	case <-time.After(tickRest * time.Since(step)):
	}
	return ctx.Err() == nil && time.Since(tick) < tickFor
}
