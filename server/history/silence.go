// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"context"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// How many installations are looked at in one transaction, and in how many of these at one Tick: others' work waits for it.
const (
	Page  = 20_000
	pages = 5
)

// walk is how far it is looked who is silent, for one copy.
type walk struct {
	at    time.Time
	after report.Reference
	over  bool
	found heard
}

// hear goes on with the walk, and says if it is over. One that took longer than an hour begins anew.
func (k *Keeper) hear(ctx context.Context, now time.Time) (over bool, err error) {
	if k.walk == nil || now.Sub(k.walk.at).Abs() > time.Hour {
		k.walk = &walk{at: now, found: heard{}}
	}
	for range pages {
		if k.walk.over {
			break
		}
		var some []fleet.HeardOf
		var last report.Reference
		if err := k.Store.View(ctx, func(tx fleet.Tx) (err error) {
			some, last, err = tx.Installations().Heard(ctx, k.walk.at, k.walk.after, cmp.Or(k.Page, Page))
			return err
		}); err != nil {
			return false, err
		}
		k.walk.found.count(some)
		k.walk.after, k.walk.over = last, last == ""
	}
	return k.walk.over, nil
}

// heard is who was silent for how long, by the cells of a copy: of each release on a model and channel, of each total of a model
// and channel, and of the fleet. Counted is in a total the counted fleet, as in its figures.
type heard map[fleet.Cell]*fleet.HeardOf

// count adds what was found of each release, model and channel.
func (of heard) count(found []fleet.HeardOf) {
	for _, h := range found {
		of.add(h.Cell, h)
		h.Counted = h.Members
		of.add(fleet.Cell{Model: h.Model, Channel: h.Channel}, h)
		of.add(fleet.Cell{}, h)
	}
}

func (of heard) add(cell fleet.Cell, h fleet.HeardOf) {
	sum := of[cell]
	if sum == nil {
		sum = &fleet.HeardOf{}
		of[cell] = sum
	}
	sum.Everybody, sum.Counted, sum.Quarantined =
		sum.Everybody.Add(h.Everybody), sum.Counted.Add(h.Counted), sum.Quarantined.Add(h.Quarantined)
}

// in puts into figures what is known of their cell.
func (of heard) in(c fleet.Counts) fleet.Counts {
	if h := of[c.Cell()]; h != nil {
		c.Figures.Heard, c.Counted.Heard, c.Quarantined.Heard = &h.Everybody, &h.Counted, &h.Quarantined
	}
	return c
}
