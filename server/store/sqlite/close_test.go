// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"landed/server/fleet"
)

// TestCloseLeavesNoLog: the last connection of a file that is closed copies what is in its log and removes it. One that is left
// open, by a statement that is, would leave both to the next who opens the file.
func TestCloseLeavesNoLog(t *testing.T) {
	ctx, db := context.Background(), makeDB(t)
	for _, err := range []error{
		db.Update(ctx, func(tx fleet.Tx) error { _, err := tx.Counts().Totals(ctx); return err }),
		db.UpdateReports(ctx, func(tx fleet.Tx) error { _, err := tx.Rollouts().List(ctx); return err }),
		db.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{db.path, db.reports.path} {
		if _, err := os.Stat(path + "-wal"); err == nil {
			t.Errorf("the log of %s is there", filepath.Base(path))
		}
	}
}

// TestCloseMeanwhile closes a database whose halves are written by some who read the other beside it: all of them end, and
// the connections that they read by are not taken from under them.
func TestCloseMeanwhile(t *testing.T) {
	ctx := context.Background()
	for range 20 {
		db := makeDB(t)
		var group sync.WaitGroup
		begun := make(chan struct{}, 2)
		for _, write := range []func() error{
			func() error {
				return db.Update(ctx, func(tx fleet.Tx) error { _, err := tx.Counts().Totals(ctx); return err })
			},
			func() error {
				return db.UpdateReports(ctx, func(tx fleet.Tx) error { _, err := tx.Rollouts().List(ctx); return err })
			},
		} {
			group.Go(func() {
				for n := 0; write() == nil; n++ {
					if n == 0 {
						begun <- struct{}{}
					}
				}
			})
		}
		<-begun
		<-begun
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		for _, path := range []string{db.path, db.reports.path} {
			if _, err := os.Stat(path + "-wal"); err == nil {
				t.Fatalf("the log of %s is there", filepath.Base(path))
			}
		}
	}
}
