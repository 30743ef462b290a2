// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/repo"
)

// polledReplicas are servers of which phones of fuxi with GrapheneOS's updater are given an update; id is its rollout.
func polledReplicas(t *testing.T, n int) (rs *replicas, id string) {
	t.Helper()
	rs = newReplicas(t, n)
	id = rs.rolling("fuxi")
	first := rs.list()[0]
	file := "schema: 2\nmodels: [{device: fuxi, product: Xiaomi 13, numbers: [\"2211133C\", \"2211133G\"], rom_names: [FUXI, FUXIGlobal], " +
		"variants: [fuxi, fuxi_global], android: \"13\", profile: {family: ab}, protocols: [grapheneos]}]"
	rs.again("the model", func() error {
		_, err := first.Rooms().Lineup.Add(t.Context(), []byte(file), "ann", "")
		return err
	})
	for _, r := range rs.list() {
		if err := r.Rooms().Lineup.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rs.again("to everybody", func() error {
		return first.line.Database.Update(t.Context(), func(tx fleet.Tx) error {
			r, err := tx.Rollouts().Get(t.Context(), id)
			r.Stage, r.State = len(r.Stages)-1, fleet.RolloutRunning
			return errors.Join(err, tx.Rollouts().Save(t.Context(), r))
		})
	})
	rs.soon("published", func() error { return rs.list()[1].Rooms().Rollouts.PublishOffers(t.Context()) })
	return rs, id
}

// TestReplicasGiveOthersTheSame: whichever server publishes, all of them give phones with other updaters the same bytes, and
// after a halt on one of them none gives anything.
func TestReplicasGiveOthersTheSame(t *testing.T) {
	rs, id := polledReplicas(t, 3)
	first := rs.list()[0]
	line := func(r *replica) (status int, text, onDisk string) {
		t.Helper()
		rs.serves(r)
		resp, err := http.Get(r.web.URL + "/fuxi-stable")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		have, _ := os.ReadFile(filepath.Join(r.dir, "feed", "legacy", "grapheneos", "fuxi-stable"))
		return resp.StatusCode, string(body), string(have)
	}
	_, want, _ := line(first)
	for _, r := range rs.list() {
		if status, text, _ := line(r); status != 200 || text != want || want == "" {
			t.Errorf("%s gives %d %q; wanted %q", r.name, status, text, want)
		}
		rs.soon("the folder of "+r.name+" has the same", func() error {
			if _, _, onDisk := line(r); onDisk != want {
				return fmt.Errorf("%q", onDisk)
			}
			return nil
		})
	}
	if err := rs.turn(rs.list()[2], id, true); err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.list() {
		const nothing = "none 1 fuxi stable\n"
		if status, text, _ := line(r); status != 200 || text != nothing {
			t.Errorf("halted, and %s gives %d %q", r.name, status, text)
		}
		rs.soon("the folder of "+r.name+" says that there is nothing", func() error {
			if _, _, onDisk := line(r); onDisk != nothing {
				return fmt.Errorf("%q", onDisk)
			}
			return nil
		})
	}
}

// TestReplicasServeWithoutTheirShelf: a package that is lost, and a folder that takes no files for other updaters, keep no
// server of a cluster from giving handsets what is published.
func TestReplicasServeWithoutTheirShelf(t *testing.T) {
	for name, spoil := range map[string]func(rs *replicas) error{
		"a lost package": func(rs *replicas) error {
			names, err := filepath.Glob(filepath.Join(rs.list()[0].dir, "feed", "targets", "builds", "fuxi", "*.zip"))
			for _, n := range names {
				sum, _, _ := strings.Cut(filepath.Base(n), ".")
				for _, dir := range []string{rs.root, rs.list()[0].dir, rs.list()[1].dir} {
					err = errors.Join(err, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
						if err == nil && !d.IsDir() && (strings.Contains(p, sum) || strings.Contains(p, "fuxi-ota_update")) {
							return os.Remove(p)
						}
						return err
					}))
				}
			}
			return err
		},
		"a folder that takes none": func(rs *replicas) error {
			dir := filepath.Join(rs.list()[1].dir, "feed", "legacy")
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("x"), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			rs, _ := polledReplicas(t, 2)
			other := rs.rolling("armani")
			if err := spoil(rs); err != nil {
				t.Fatal(err)
			}
			if err := rs.turn(rs.list()[0], other, true); err != nil {
				t.Error(err)
			}
			for _, r := range rs.list() {
				rs.serves(r)
			}
			rs.soon("it is told", func() error {
				if (repo.Shelf{Repo: rs.list()[1].Rooms().Repo}).Fault() == nil {
					return errors.New("nobody would hear of it")
				}
				return nil
			})
		})
	}
}
