// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"landed/server"
	"landed/server/fleet"
)

// TestTickCuts: the loop of a server makes the cut that was ruled, waits until it is sealed, and ends it; fsck agrees with it.
// The reports of this folder are of version 1, of which none is dropped.
func TestTickCuts(t *testing.T) {
	dir, at := proven(t)
	at = at.AddDate(0, 0, 100)
	s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, release := t.Context(), ""
	if err := s.Database().Update(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(ctx)
		for _, r := range all {
			r.State, release = fleet.RolloutHalted, r.Release
			err = errors.Join(err, tx.Rollouts().Save(ctx, r))
		}
		return errors.Join(err, tx.Retentions().Put(ctx, fleet.Retention{Release: release, Keep: 90 * 24 * time.Hour, At: at, By: "mei",
			Reason: "the disk"}))
	}); err != nil {
		t.Fatal(err)
	}
	var cuts []fleet.Cut
	for range 100 { // how much a tick gets done depends on the machine
		at = at.Add(40 * time.Minute)
		if err := s.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Database().View(ctx, func(tx fleet.Tx) (err error) {
			cuts, err = tx.Cuts().List(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(cuts) > 0 && !cuts[0].Done.IsZero() {
			break
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(cuts) != 1 || cuts[0].Done.IsZero() || cuts[0].Release != release || cuts[0].States != 0 {
		t.Fatalf("%+v", cuts)
	}
	if found := check(t, dir, at); found.Count > 0 {
		t.Error(strings.Join(found.Faults, "\n"))
	}
}
