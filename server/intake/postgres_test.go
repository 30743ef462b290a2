// SPDX-License-Identifier: Apache-2.0

//go:build unix

package intake_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

func openAt(t *testing.T, address string) store.Database {
	t.Helper()
	db, err := store.Make(ctx, address, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// sent are the lives of some installations.
func sent(t *testing.T, installations, each int) (all [][]byte) {
	t.Helper()
	for seq := range each {
		for n := range installations {
			r, key := []maker{waits, downloads, silent, leaks}[(n+seq)%4](n, int64(seq+1))
			all = append(all, seal(t, r, key))
		}
	}
	return all
}

// TestTwoServersTakeReportsIn sends each report to two servers on one database at once: one of them takes it in, the other
// finds it, and each figure is right.
func TestTwoServersTakeReportsIn(t *testing.T) {
	address := storetest.Postgres(t)
	several := func(c *intake.Config) { c.Committers, c.Batch = 2, 16 }
	one := newWorldOn(t, openAt(t, address), several)
	two := &world{db: openAt(t, address), clock: one.clock}
	cfg := one.Config
	cfg.Store, cfg.Rules, cfg.Rollouts = two.db, nil, nil
	two.Intake = intake.New(cfg)
	t.Cleanup(func() { two.Intake.Close() })
	all := sent(t, 40, 4)
	var taken, found atomic.Int64
	var group sync.WaitGroup
	for _, w := range []*world{one, two} {
		for s := range 16 {
			group.Go(func() {
				for n := s; n < len(all); n += 16 {
					receipt, err := w.obeys(all[n])
					switch {
					case err != nil:
						t.Error(err)
					case receipt.Stored == intake.StoredReplayed:
						found.Add(1)
					default:
						taken.Add(1)
					}
				}
			})
		}
	}
	group.Wait()
	if n := int64(len(all)); taken.Load() != n || found.Load() != n {
		t.Errorf("%d were taken in and %d found, wanted %d and %d", taken.Load(), found.Load(), n, n)
	}
	one.checkFigures(t)
}

// TestDatabaseIsKilled kills PostgreSQL while reports come, and starts it again. Who was told to come later comes again: in
// the end each report is there once.
func TestDatabaseIsKilled(t *testing.T) {
	server := pgtest.New(t, "")
	w := newWorldOn(t, openAt(t, server.Database(t, "landed")), func(c *intake.Config) { c.Committers, c.Batch = 2, 16 })
	all := sent(t, 60, 3)
	var answered atomic.Int64
	var gone atomic.Bool // it does not come back
	var once sync.Once
	var group sync.WaitGroup
	for s := range 16 {
		group.Go(func() {
			for n := s; n < len(all); n += 16 {
				_, err := w.Receive(ctx, all[n])
				for ; fleet.Is(err, fleet.Busy) && !gone.Load(); _, err = w.Receive(ctx, all[n]) {
					time.Sleep(comesAgain) // or they keep the server from coming back
				}
				if err != nil {
					t.Error(err)
				}
				if answered.Add(1) == 60 {
					once.Do(func() {
						server.Kill()
						if err := server.Run(); err != nil {
							gone.Store(true)
							t.Error(err)
						}
					})
				}
			}
		})
	}
	group.Wait()
	stored := 0
	look := func() error {
		stored = 0
		return w.db.View(ctx, func(tx fleet.Tx) error {
			for n := range 60 {
				reports, err := tx.Reports().Of(ctx, refOf(n))
				if err != nil {
					return err
				}
				stored += len(reports)
			}
			return nil
		})
	}
	err := look()
	for over := time.Now().Add(time.Minute); fleet.Is(err, fleet.Busy) && time.Now().Before(over); err = look() {
		time.Sleep(comesAgain) // a connection of before is met as such once
	}
	if err != nil {
		t.Fatal(err)
	}
	if stored != len(all) {
		t.Errorf("%d reports are stored, wanted %d", stored, len(all))
	}
	w.checkFigures(t)
}

// TestRetentionOnPostgreSQL is TestRetention on the other engine.
func TestRetentionOnPostgreSQL(t *testing.T) {
	retention(t, openAt(t, storetest.Postgres(t)), func(s fleet.Store) fleet.Store { return s })
}
