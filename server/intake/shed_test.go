// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store/storetest"
)

func TestGauge(t *testing.T) {
	type batch struct {
		reports int
		took    time.Duration
	}
	for name, tt := range map[string]struct {
		batches []batch
		want    int
	}{
		"nothing is known":       {nil, 4096},
		"small batches say none": {[]batch{{1, time.Second}, {63, time.Hour}}, 4096},
		"faster than the queue":  {[]batch{{256, time.Millisecond}}, 4096},
		"two seconds of 500/s":   {[]batch{{250, time.Second / 2}}, 1000},
		"slower than one batch":  {[]batch{{256, time.Minute}}, 256},
		"no time at all":         {[]batch{{256, 0}}, 4096},
	} {
		g := gauge{least: 256, most: 4096}
		for _, b := range tt.batches {
			g.took(b.reports, b.took)
		}
		if got := g.room(); got != tt.want {
			t.Errorf("%s: %d, wanted %d", name, got, tt.want)
		}
	}
	g := gauge{least: 256, most: 4096}
	g.took(200, time.Second) // 200/s
	for range 100 {
		g.took(200, time.Second/5) // 1,000/s from now on
	}
	if got := g.room(); got < 1900 || got > 2000 {
		t.Errorf("after it became faster: %d, wanted some 2000", got)
	}
}

// TestKnownInstallationsComeFirst: when half of what may wait does, those that were never heard of are sent away.
func TestKnownInstallationsComeFirst(t *testing.T) {
	ctx, db := context.Background(), storetest.OpenDB(t)
	r, key := storetest.Report(1, 1)
	stored := storetest.Stored(t, r, key, storetest.Now)
	if err := db.UpdateReports(ctx, func(tx fleet.Tx) error {
		if _, err := tx.Reports().Append(ctx, stored); err != nil {
			return err
		}
		return tx.Installations().Put(ctx, fleet.Installation{
			Ref: stored.Ref, Current: true, Model: r.Model, Channel: r.Channel, Release: r.Release, Newest: r, Seq: 1,
		})
	}); err != nil {
		t.Fatal(err)
	}
	other, otherKey := storetest.Report(2, 1)
	strange := storetest.Stored(t, other, otherKey, storetest.Now).Ref
	i := &Intake{Config: Config{Store: db}, queue: make(chan *waiting, 4), gauge: gauge{least: 4, most: 4}}
	for waits, want := range []string{"", "", "", "queue_full", "queue_full"} {
		if _, err := i.sort(ctx, stored.Ref); err != nil {
			t.Errorf("%d wait: one that is known: %v", waits, err)
		}
		_, err := i.sort(ctx, strange)
		if e, ok := errors.AsType[*fleet.Error](err); ok != (want != "") || ok && e.Code != want {
			t.Errorf("%d wait: one that is not: %v, wanted %q", waits, err, want)
		}
		if waits < cap(i.queue) {
			i.queue <- nil
		}
	}
	if err := i.enqueue(&waiting{}); !fleet.Is(err, fleet.Busy) {
		t.Errorf("one more than may wait: %v", err)
	}
}
