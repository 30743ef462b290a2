// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"slices"
	"time"
)

// Outage is a time in which reports could not come: no gate of a rollout may take it for time that passed in silence.
type Outage struct {
	Cause    OutageCause
	From, To time.Time // To is zero while it lasts
}

// OutageCause is why reports could not come.
type OutageCause string

// The causes.
const (
	OutageOff         OutageCause = "off"         // the server did not run
	OutageDisk        OutageCause = "disk"        // too little was free for reports
	OutageOverload    OutageCause = "overload"    // more than a tenth of the counted ones that reported were sent away
	OutageConnections OutageCause = "connections" // all places for connections were taken
	OutageClock       OutageCause = "clock"       // the clock jumped: how long it really was, nobody can say
)

// OutageGap is how far two outages of one cause may lie apart and are one: between them hardly anybody could report.
const OutageGap = 5 * time.Minute

// MaxOutages is how many are kept. Beyond that the two oldest become one, with what lies between them.
const MaxOutages = 1_000

// Outages keeps when reports could not come, and when the server was known to run.
type Outages interface {
	// Beat notes that the server ran at this time, by a clock that it trusts. It may go back.
	Beat(ctx context.Context, at time.Time) error
	Beaten(ctx context.Context) (time.Time, error) // the last Beat; zero before the first
	// Add adds o, or lets the newest one of its cause grow to o.To if no more than [OutageGap] lies between them or it
	// has not ended. One without end lasts until another Add of its cause ends it.
	Add(ctx context.Context, o Outage) error
	Since(ctx context.Context, from time.Time) ([]Outage, error) // those that ended after from or last, by From
	Forget(ctx context.Context, before time.Time) error          // those that ended before
}

// Down is how much of the time from from to to lies in any of the outages.
func Down(outages []Outage, from, to time.Time) (sum time.Duration) {
	all := slices.Clone(outages)
	slices.SortFunc(all, func(a, b Outage) int { return a.From.Compare(b.From) })
	end := from // what lies before is counted
	for _, o := range all {
		begins, ends := o.From, o.To
		if ends.IsZero() || ends.After(to) {
			ends = to
		}
		if begins.Before(end) {
			begins = end
		}
		if ends.After(begins) {
			sum += ends.Sub(begins)
			end = ends
		}
	}
	return sum
}

// Distrusted says if the clock jumped and nobody has accepted it yet.
func Distrusted(outages []Outage) bool {
	return slices.ContainsFunc(outages, func(o Outage) bool { return o.Cause == OutageClock && o.To.IsZero() })
}
