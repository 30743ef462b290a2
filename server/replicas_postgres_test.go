// SPDX-License-Identifier: Apache-2.0

//go:build unix

package server_test

import (
	"errors"
	"path/filepath"
	"testing"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
)

// TestMain ends the database server of the tests.
func TestMain(m *testing.M) { pgtest.Main(m) }

// onPostgres moves what people decided and signed from the files of a data folder to a database of PostgreSQL.
func onPostgres(t *testing.T, rs *replicas, from, to string) {
	t.Helper()
	old, err := store.Open(t.Context(), from, rs.now)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	rs.path = to
	db, err := store.Open(t.Context(), rs.path, rs.now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := t.Context()
	if err := old.View(ctx, func(was fleet.Tx) error {
		return db.Update(ctx, func(tx fleet.Tx) error {
			packages, err1 := was.Packages().List(ctx)
			releases, err2 := was.Releases().List(ctx)
			rollouts, err3 := was.Rollouts().List(ctx)
			models, err4 := was.Models().List(ctx)
			channels, err5 := was.Channels().List(ctx)
			metadata, err6 := was.Metadata().LatestAll(ctx)
			roots, err7 := was.Metadata().All(ctx, "root")
			err := errors.Join(err1, err2, err3, err4, err5, err6, err7)
			for _, p := range packages {
				err = errors.Join(err, tx.Packages().Put(ctx, p))
			}
			for _, r := range releases {
				err = errors.Join(err, tx.Releases().Create(ctx, r))
			}
			for _, r := range rollouts {
				err = errors.Join(err, tx.Rollouts().Create(ctx, r))
			}
			for _, m := range models {
				err = errors.Join(err, tx.Models().Put(ctx, m))
			}
			for _, c := range channels {
				err = errors.Join(err, tx.Channels().Put(ctx, c))
			}
			for _, m := range metadata {
				if m.Role != "root" {
					roots = append(roots, m)
				}
			}
			for _, m := range roots {
				err = errors.Join(err, tx.Metadata().Put(ctx, m))
			}
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
}

// newReplicasOnPostgres is newReplicas on a database of PostgreSQL.
func newReplicasOnPostgres(t *testing.T, n int, address string) *replicas {
	t.Helper()
	dir := unpack(t, filepath.Join(oldFolder, "folder.tar.gz"))
	rs := &replicas{t: t, times: quick, root: dir, now: afterOld}
	onPostgres(t, rs, filepath.Join(dir, "landed.db"), address)
	rs.starts(n)
	return rs
}

// TestReplicasOnPostgres: the clock is that of the database server, and its transactions are not those of a file.
func TestReplicasOnPostgres(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *replicas){
		"publish": testReplicasPublish, "die": testReplicaDies, "stand still": testPausedServerWritesNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, newReplicasOnPostgres(t, 3, pgtest.Database(t))) })
	}
}

// TestPostgresKilled: the database server is killed while publications go on, and comes back. What was acknowledged is
// there, every server serves on meanwhile, and none serves anything old after it.
func TestPostgresKilled(t *testing.T) {
	on := pgtest.New(t, "")
	rs := newReplicasOnPostgres(t, 3, on.Database(t, "fleet"))
	p := rs.probe()
	id := rs.rolling("cancro")
	for n := range 2 {
		if err := rs.turn(rs.list()[n], id, true); err != nil {
			t.Fatal(err)
		}
		halting := make(chan error)
		go func() { // under way when the database ends
			_, err := rs.list()[2].Rooms().Rollouts.Resume(t.Context(), id, "bob", "go on")
			halting <- err
		}()
		on.Kill()
		underway := <-halting
		for _, r := range rs.list() {
			if v := rs.serves(r); v == 0 {
				t.Errorf("without the database %s serves %d", r.name, v)
			}
		}
		if err := on.Run(); err != nil {
			t.Fatal(err)
		}
		for _, r := range rs.list() {
			rs.live(r)
		}
		state := fleet.RolloutState("")
		rs.again("the rollout is read", func() error { // a connection of before is met as such once
			return rs.list()[0].line.View(t.Context(), func(tx fleet.Tx) error {
				r, err := tx.Rollouts().Get(t.Context(), id)
				state = r.State
				return err
			})
		})
		if state != fleet.RolloutRunning && underway == nil {
			t.Errorf("the rollout is %s; to resume it ended with %v", state, underway)
		}
		if state != fleet.RolloutHalted {
			if err := rs.turn(rs.list()[0], id, true); err != nil {
				t.Error(err)
			}
		}
		if err := rs.turn(rs.list()[1], id, false); err != nil {
			t.Error(err)
		}
	}
	p.stop(1000)
}
