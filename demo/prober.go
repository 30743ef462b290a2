// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"
)

// prober asks for the status page ten times a second, and counts how often any total is lower than it was before.
type prober struct {
	stop  context.CancelFunc
	done  sync.WaitGroup
	asked int
	dips  int
	err   error // of the first question that got no answer
}

const probeEvery = 100 * time.Millisecond

// probe asks until end is called, first at once.
func probe(ctx context.Context, ask func(context.Context) (totals, error)) *prober {
	ctx, stop := context.WithCancel(ctx)
	p := &prober{stop: stop}
	p.done.Go(func() {
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		highest := totals{Models: map[string]int64{}}
		for {
			now, err := ask(context.WithoutCancel(ctx))
			if err != nil && p.err == nil {
				p.err = err
			}
			if err == nil {
				p.asked++
				p.dips += highest.raise(now)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return p
}

// end waits for the last answer.
func (p *prober) end() {
	p.stop()
	p.done.Wait()
}

// raise takes what is higher now, and counts what is lower.
func (t *totals) raise(now totals) (dips int) {
	if now.All < t.All {
		dips++
	}
	t.All = max(t.All, now.All)
	for device, before := range t.Models {
		if now.Models[device] < before {
			dips++
		}
	}
	for device, n := range now.Models {
		t.Models[device] = max(t.Models[device], n)
	}
	return dips
}
