// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Newcomers bounds how many installations that were never heard of one source may bring. Where a report came from stands
// in its context, for an implementation alone: nothing of it is stored.
type Newcomers interface {
	Full(ctx context.Context) bool // the source has brought as many as it may for now
	Came(ctx context.Context)      // it brought one more
}

// queueTime is how long what waits may take to be stored: who comes then is better told at once to come later.
const queueTime = 2 * time.Second

// gauge measures how fast reports are stored, and says how many may wait. Only batches that are large enough say
// something of what the store can do; until one was, the whole queue may be used.
type gauge struct {
	least, most, committers int

	mu    sync.Mutex
	each  float64 // seconds of a committer for a report, smoothed; 0: not known
	limit atomic.Int64
}

// took takes note of a batch.
func (g *gauge) took(reports int, d time.Duration) {
	if reports < g.least/4 || reports == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	each := d.Seconds() / float64(reports)
	if g.each > 0 {
		each = g.each + (each-g.each)/8
	}
	g.each = each
	limit := float64(g.most)
	if each > 0 {
		limit = min(limit, queueTime.Seconds()/each*float64(max(g.committers, 1)))
	}
	g.limit.Store(int64(max(limit, float64(min(g.least, g.most)))))
}

// room says how many reports may wait.
func (g *gauge) room() int {
	if n := g.limit.Load(); n > 0 {
		return int(n)
	}
	return g.most
}

// Pressure counts reports of counted installations, and those of them that were sent away for want of room in the queue.
// Nobody else's are any part of it: strangers must not be able to say that the server was not there, nor that it was.
type Pressure struct{ all, away atomic.Int64 }

func (p *Pressure) count(who standing, away bool) {
	if who != isCounted {
		return
	}
	p.all.Add(1)
	if away {
		p.away.Add(1)
	}
}

// Since is how many came since the start, and how many of them were sent away because the server could not take them.
func (p *Pressure) Since() (all, away int64) {
	away = p.away.Load() // first, so that it is never more than all
	return p.all.Load(), away
}

// standing is what is known of the sender of a report.
type standing int

const (
	notAsked standing = iota
	isStranger
	isKnown
	isCounted
)

// standingOf looks it up.
func standingOf(ctx context.Context, db fleet.Viewer, ref report.Reference) (who standing, err error) {
	err = db.View(ctx, func(tx fleet.Tx) error {
		states, err := tx.Installations().Of(ctx, ref)
		who = standingBy(states[ref])
		return err
	})
	return who, err
}

// standingBy is that of an installation with these states, the current one first.
func standingBy(states []fleet.Installation) standing {
	switch {
	case len(states) == 0:
		return isStranger
	case states[0].Member():
		return isCounted
	}
	return isKnown
}

// sort sends installations that were never heard of away, when their source has brought enough of them or when the half
// of what may wait does: the other half is for those that are known, and for what they send again. It says who sent the
// report if it had to ask.
func (i *Intake) sort(ctx context.Context, ref report.Reference) (who standing, err error) {
	full := i.Newcomers != nil && i.Newcomers.Full(ctx)
	pressed := 2*len(i.queue) > i.gauge.room()
	if !full && !pressed {
		return notAsked, nil
	}
	switch who, err = standingOf(ctx, i.Store, ref); {
	case err != nil || who != isStranger:
		return who, err
	case full:
		return who, fleet.Errorf(fleet.Busy, CodeNewcomers, "many new installations reported from this network within the hour; "+
			"send the report again later")
	}
	return who, fleet.Errorf(fleet.Busy, "queue_full", "%d reports wait already, and those of known installations come first; "+
		"send this one again later", len(i.queue))
}

// CodeNewcomers refuses an installation that was never heard of: its network has brought enough of them for this hour.
const CodeNewcomers = "too_many_new"
