// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/repo"
)

// rolling is a rollout of the old folder that runs.
func (rs *replicas) rolling(model string) (id string) {
	rs.t.Helper()
	r := rs.list()[0]
	if err := r.line.Database.View(rs.t.Context(), func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(rs.t.Context())
		for _, x := range all {
			if x.Model == model {
				id = x.ID
			}
		}
		return err
	}); err != nil || id == "" {
		rs.t.Fatalf("no rollout of %s: %v", model, err)
	}
	return id
}

// turn halts a rollout on a server, or resumes it, and wants that every server serves that.
func (rs *replicas) turn(r *replica, id string, halt bool) error {
	rs.t.Helper()
	before := rs.serves(r)
	// On a machine with much to do a lease runs out: to ask again is safe.
	for over := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if halt {
			_, err = r.Rooms().Rollouts.Halt(rs.t.Context(), id, "ann", "it burns")
		} else {
			_, err = r.Rooms().Rollouts.Resume(rs.t.Context(), id, "ann", "it does not")
		}
		if err == nil {
			break
		}
		if !passes(err) || time.Now().After(over) {
			return err
		}
	}
	for _, other := range rs.list() {
		if other.line.cut.Load() || other.line.paused.Load() != nil {
			continue
		}
		if v := rs.serves(other); v <= before {
			return fmt.Errorf("%s serves %d after a publication upon %d", other.name, v, before)
		}
	}
	return nil
}

// TestReplicasPublish: whichever server publishes, all of them serve it when it is done.
func TestReplicasPublish(t *testing.T) { testReplicasPublish(t, newReplicas(t, 3)) }

func testReplicasPublish(t *testing.T, rs *replicas) {
	p := rs.probe()
	id := rs.rolling("cancro")
	for n := range 8 {
		if err := rs.turn(rs.list()[n%3], id, n%2 == 0); err != nil {
			t.Errorf("publication %d: %v", n, err)
		}
	}
	p.stop(1000)
	rs.soon("each lease has one holder", func() error {
		holders := map[string]int{}
		for _, r := range rs.list() {
			for name, held := range r.Leases(t.Context()) {
				if held {
					holders[name]++
				}
			}
		}
		if holders["loop"] != 1 || holders["scrub"] != 1 {
			return fmt.Errorf("the metrics name %v", holders)
		}
		return nil
	})
	for _, r := range rs.list() {
		rs.soon(r.name+" is ready", func() error {
			if found := r.LookAgain(t.Context()); len(found) > 0 {
				return fmt.Errorf("not because of %v", found)
			}
			return nil
		})
		rs.tick(r)
	}
}

// TestReplicaDies: the death of any server, also of the one that has the leases, holds a publication up for as long as its
// lease runs, and no longer; its work is taken up.
func TestReplicaDies(t *testing.T) { testReplicaDies(t, newReplicas(t, 3)) }

func testReplicaDies(t *testing.T, rs *replicas) {
	p := rs.probe()
	id := rs.rolling("cancro")
	for n := range 2 {
		dead := rs.looping()
		rs.kill(dead)
		if err := rs.turn(rs.list()[0], id, n == 0); err != nil {
			t.Errorf("after %d died: %v", n+1, err)
		}
		if next := rs.looping(); next == dead {
			t.Error("the dead one has the loop")
		}
	}
	back := rs.start("again", rs.folder(3))
	if err := rs.turn(back, id, true); err != nil {
		t.Error(err)
	}
	p.stop(1000)
}

// TestReplicaCutOff: a server that does not reach the database serves what it has and says that it is not ready; nobody
// waits for it longer than its lease runs; and once it reaches the database again it serves nothing old.
func TestReplicaCutOff(t *testing.T) {
	rs := newReplicas(t, 3)
	p := rs.probe()
	id, away := rs.rolling("cancro"), rs.list()[2]
	for n := range 4 {
		old := rs.serves(away)
		away.line.setCut(true)
		if err := rs.turn(rs.list()[n%2], id, n%2 == 0); err != nil {
			t.Error(err)
		}
		// It may have been taking up what was stored before, but not what was published since.
		if v, others := rs.serves(away), rs.serves(rs.list()[n%2]); v < old || v >= others {
			t.Errorf("cut off, it serves %d; it had %d, and the others serve %d", v, old, others)
		}
		if found := away.LookAgain(t.Context()); !slices.Contains(found, "cluster") || !slices.Contains(found, "database") {
			t.Errorf("it is not ready because of %v", found)
		}
		if _, err := away.Rooms().Rollouts.Halt(t.Context(), id, "bob", "here, too"); err == nil {
			t.Error("it halted a rollout without the database")
		}
		away.line.setCut(false)
		if v, others := rs.serves(away), rs.serves(rs.list()[n%2]); v < others {
			t.Errorf("back, it serves %d; the others serve %d", v, others)
		}
		rs.live(away)
	}
	p.stop(1000)
}

// TestPausedServerWritesNothing: a server that stood still while another took its work up finds its leases lost.
func TestPausedServerWritesNothing(t *testing.T) { testPausedServerWritesNothing(t, newReplicas(t, 3)) }

func testPausedServerWritesNothing(t *testing.T, rs *replicas) {
	p := rs.probe()
	id := rs.rolling("cancro")
	lost := func(err error) bool {
		e, is := errors.AsType[*fleet.Error](err)
		return is && e.Code == fleet.LeaseLost
	}

	slow, ticked, on := rs.stopped()
	others := slices.DeleteFunc(rs.list(), func(r *replica) bool { return r == slow })
	rs.soon("another has the loop", func() error {
		if others[0].Looping() || others[1].Looping() {
			return nil
		}
		return errors.New("none")
	})
	on()
	if err := <-ticked; !lost(err) {
		t.Errorf("the tick of the one that stood still: %v", err)
	}

	publisher, asked := others[0], 0
	var err error
	rs.soon("it publishes", func() error {
		err = publisher.Rooms().Repo.Publish(t.Context(), func(repo.State) (repo.Edit, error) {
			asked++
			on := publisher.line.pause()
			defer on()
			if err := rs.turn(others[1], id, true); err != nil { // once the lease of the other has run out
				t.Error(err)
			}
			return repo.Edit{Fresh: true}, nil
		})
		if asked == 0 { // another has the lease
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	if !lost(err) || asked != 1 {
		t.Errorf("the publication of the one that stood still, begun %d times: %v", asked, err)
	}
	rs.live(publisher)
	if err := rs.turn(publisher, id, false); err != nil {
		t.Error(err)
	}
	p.stop(1000)
}

// stopped has the server of the loop stand still in the middle of a tick, which it does because it has the lease; on lets it go
// on, and then ticked says how the tick went.
func (rs *replicas) stopped() (slow *replica, ticked chan error, on func()) {
	rs.t.Helper()
	rs.soon("a tick is begun under the lease", func() error {
		slow = rs.looping()
		on, ticked = slow.line.pause(), make(chan error, 1)
		waiting := make(chan struct{}, 1)
		go func() { ticked <- slow.Tick(context.WithValue(rs.t.Context(), waits{}, waiting)) }()
		select {
		case <-waiting:
			if slow.Looping() { // and so it was when the tick began
				return nil
			}
			on()
			return fmt.Errorf("it had run out: %v", <-ticked)
		case err := <-ticked:
			on()
			return fmt.Errorf("it asked for nothing: %v", err)
		}
	})
	return slow, ticked, on
}

// TestPublisherDies: what was stored by a server that ended before it was released is released by another.
func TestPublisherDies(t *testing.T) {
	rs := newReplicas(t, 3)
	p := rs.probe()
	dead := rs.list()[1]
	before := rs.serves(dead)
	var err error
	rs.soon("it is stored", func() error {
		err = dead.Rooms().Repo.Publish(t.Context(), func(repo.State) (repo.Edit, error) {
			return repo.Edit{Fresh: true, Record: func(fleet.Tx) error {
				dead.line.setCut(true) // this transaction is its last
				return nil
			}}, nil
		})
		if !dead.line.cut.Load() { // it has no lease, or lost it before
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	if !fleet.Is(err, fleet.Pending) {
		t.Errorf("it says %v", err)
	}
	rs.kill(dead)
	rs.soon("it is released", func() error {
		for _, r := range rs.list() {
			if v, err := r.version(); v != before+1 {
				return fmt.Errorf("%s serves %d, %v", r.name, v, err)
			}
		}
		return nil
	})
	p.stop(100)
}

// TestFolderOfAReplicaIsBroken: a server that cannot write its folder holds nobody up, and gives nothing old away.
func TestFolderOfAReplicaIsBroken(t *testing.T) {
	rs := newReplicas(t, 2)
	p := rs.probe()
	id, broken := rs.rolling("cancro"), rs.list()[1]
	folder := filepath.Join(broken.dir, "feed")
	if err := errors.Join(os.RemoveAll(folder), os.WriteFile(folder, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	rs.again("the halt", func() error {
		_, err := rs.list()[0].Rooms().Rollouts.Halt(t.Context(), id, "ann", "it burns")
		return err
	})
	if v, err := broken.version(); err == nil {
		t.Errorf("the one whose folder is broken serves %d", v)
	}
	if found := broken.LookAgain(t.Context()); !slices.Contains(found, "cluster") {
		t.Errorf("it is not ready because of %v", found)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	rs.soon("it is back", func() error { _, err := broken.version(); return err })
	rs.live(broken)
	p.stop(100)
}

// TestDatabaseWentBack: the servers go on with a copy of their database that is older than what they serve. Nothing that was
// published is lost, and no version is used again.
func TestDatabaseWentBack(t *testing.T) {
	rs := newReplicas(t, 3)
	p := rs.probe()
	id := rs.rolling("cancro")
	older := filepath.Join(t.TempDir(), "older.db")
	if err := rs.list()[0].line.Copy(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	served := map[int64]string{} // what was served of each version
	note := func() {
		t.Helper()
		for _, r := range rs.list() {
			rs.serves(r)
			text := get(t, r.web.URL+"/tuf/metadata/timestamp.json")
			v, err := versionOf(text)
			if err != nil {
				t.Fatal(err)
			}
			if was, known := served[v]; known && was != string(text) {
				t.Errorf("the version %d was used twice", v)
			}
			served[v] = string(text)
		}
	}
	note()
	for n := range 3 {
		if err := rs.turn(rs.list()[n], id, n%2 == 0); err != nil {
			t.Fatal(err)
		}
		note()
	}
	highest := p.highest.Load()
	rs.failover(older)
	rs.soon("what was lost is taken up", func() error {
		for _, r := range rs.list() {
			if v, err := r.version(); v <= highest {
				return fmt.Errorf("%s serves %d, %v", r.name, v, err)
			}
		}
		return nil
	})
	note()
	var state fleet.RolloutState
	if err := rs.list()[1].line.View(t.Context(), func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(t.Context(), id)
		state = r.State
		return err
	}); err != nil || state != fleet.RolloutHalted {
		t.Errorf("the halted rollout is %s, %v", state, err)
	}
	for _, r := range rs.list() {
		rs.live(r)
	}
	if err := rs.turn(rs.list()[2], id, false); err != nil {
		t.Error(err)
	}
	note()
	p.stop(1000)
}

// TestReplicasThroughEverything: publications go on while servers die, stand still, are cut off and come back.
func TestReplicasThroughEverything(t *testing.T) {
	rs := newReplicas(t, 3)
	p := rs.probe()
	id, halted := rs.rolling("cancro"), false
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(uint64(seed), 1))
	for n := range 12 {
		all := rs.list()
		victim := all[chance.IntN(len(all))]
		back := func() {}
		what := chance.IntN(3)
		switch what {
		case 0:
			rs.kill(victim)
		case 1:
			victim.line.setCut(true)
			back = func() { victim.line.setCut(false) }
		case 2:
			back = victim.line.pause()
		}
		publishers := slices.DeleteFunc(rs.list(), func(r *replica) bool { return r == victim })
		if err := rs.turn(publishers[chance.IntN(len(publishers))], id, !halted); err != nil {
			t.Errorf("round %d: %v", n, err)
		} else {
			halted = !halted
		}
		back()
		if what == 0 {
			rs.start(fmt.Sprint("r", n+10), victim.dir)
		}
		if chance.IntN(2) == 0 {
			rs.live(rs.list()[len(rs.list())-1])
		}
	}
	p.stop(3000)
}
