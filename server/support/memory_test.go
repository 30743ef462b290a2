// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// TestBasis: a field that snapshot gains is either in what a model's words are made from, or of no consequence for them. Decide, and
// add it to this list. Pages with public numbers remember nothing.
func TestBasis(t *testing.T) {
	want := []string{"releases", "unreadable", "of", "cells", "totals", "models", "found", "retired", "quarantines", "outages",
		"unnamed", "witnesses", "first", "public", "silence"} // the last is of a day, which remembers nothing
	var have []string
	for f := range reflect.TypeFor[snapshot]().Fields() {
		have = append(have, f.Name)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("a snapshot has %v; basis was made for %v", have, want)
	}
}

// TestMemory: whatever happens, what is said of each model of the front page is what would be said of it without a memory; and of a
// model of which nothing moved, nothing is said again.
func TestMemory(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "cancro", "HM2013022")
	moment, jumped := now, false
	s, err := New(Config{View: h.store, Now: func() time.Time { return moment }, Fresh: 1, Distrusted: func() bool { return jumped },
		Catalogue: func() *manifests.Catalogue { return h.lineup }})
	if err != nil {
		t.Fatal(err)
	}
	p := s.bare["zh-Hans"].status
	before := map[string]int64{}
	check := func(what string, again ...string) {
		t.Helper()
		snap, err := p.evidence.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, device := range snap.models {
			got, want := p.models.today(p.says, snap, device), p.says.today(snap, device)
			if said := got.said; slices.Contains(again, device) == (said == before[device]) {
				t.Errorf("%s: %s has number %d, after %d", what, device, said, before[device])
			}
			before[device], got.said = got.said, 0
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: of %s\n%+v\nwanted\n%+v", what, device, got, want)
			}
		}
	}
	check("first", "armani", "cancro", "HM2013022")
	check("nothing")
	h.count("armani", 3, "confirmed_off", notSeen)
	check("reports", "armani")
	h.roll("cancro", nil)
	check("a rollout", "cancro")
	moment = moment.Add(time.Minute)
	check("a minute")
	jumped = true
	check("a jump of the clock", "cancro")
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageOff, From: now.Add(-time.Hour), To: now})
	})
	check("an outage", "cancro")
	moment = moment.Add(time.Hour)
	check("an hour", "cancro")
	h.roll("HM2013022", func(r *fleet.Rollout) { r.State = fleet.RolloutHalted })
	check("a halt", "HM2013022")
	if len(before) != 3 {
		t.Error(fmt.Sprint(before))
	}
}
