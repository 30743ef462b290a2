// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

var errKilled = errors.New("killed here")

// Attack 24: the publisher ends after each single write. What a client sees in the folder is
// whole at every moment, and the next start finishes the publication.
func TestKilledAfterEachWrite(t *testing.T) {
	steps := 0
	for n := 1; ; n++ {
		h := newHouse(t)
		h.trust("armani")
		c := h.staged("armani")
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, "1"), "ann"))(t)
		device := newClient(t, h.plain(), h.bundle("armani").Files["1.root.json"])
		ok(device.refresh(h.now))(t)

		done, last := 0, ""
		h.folder.step = func(what string) error {
			if done++; done >= n {
				last = what
				return errKilled
			}
			return nil
		}
		_, err := h.AddSignatures(h.ctx, c.ID, h.respond(c, "2"), "ann")
		if err == nil {
			steps = n - 1
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("step %d: %v", n, err)
		}
		if _, err := device.refresh(h.now); err != nil {
			t.Errorf("killed after %s: a client cannot refresh from what lies there: %v", last, err)
		}
		h.reopen()
		path := tufrepo.ManifestPath("armani", optIn, "armani_global")
		if _, err := device.refresh(h.now, path); err != nil {
			t.Errorf("killed after %s, started again: %v", last, err)
		}
		if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
			t.Errorf("killed after %s, started again: %v", last, faults)
		}
	}
	if steps < 8 {
		t.Errorf("only %d writes were seen; wanted packages, manifests, the role, snapshot and timestamp", steps)
	}
}

// A process may end after the last signature is stored and before anything is published.
func TestSignedButNotPublishedIsFinished(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	s := ok(h.load(h.ctx))(t)
	for _, n := range []string{"1", "2"} {
		ok(s.attach(&c, h.respond(c, n).Signatures))(t)
	}
	err := h.db.Update(h.ctx, func(tx fleet.Tx) error { return tx.Changes().Save(h.ctx, c, fleet.ChangeOpen) })
	if err != nil {
		t.Fatal(err)
	}
	h.reopen()
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	if p := ok(h.Progress(h.ctx, c.ID))(t); p.State != fleet.ChangePublished {
		t.Errorf("the change is %s", p.State)
	}
}

// A poller at full speed during many publications never gets a 404 for a file that is listed.
func TestListedFilesAreNeverMissing(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	started := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	url := h.plain()
	var polls atomic.Int64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := walk(url); err != nil {
				t.Error(err)
				return
			}
			polls.Add(1)
		}
	}()
	for i := 0; i < 8 || polls.Load() < 5 && !t.Failed(); i++ {
		if i%2 == 0 {
			ok(h.Halt(h.ctx, started[0].ID, "sue", "look"))(t)
		} else {
			ok(h.Resume(h.ctx, started[0].ID, "sue", "fine"))(t)
		}
	}
	close(stop)
	<-ended
}

// walk follows every list from the timestamp down and fetches each file.
func walk(url string) error {
	read := func(name string) (tufrepo.Info, error) {
		body, err := fetch(url + "/metadata/" + name)
		if err != nil {
			return tufrepo.Info{}, err
		}
		return tufrepo.Read(body)
	}
	timestamp, err := read("timestamp.json")
	if err != nil {
		return err
	}
	snapshot, err := read(tufrepo.MetadataFile(tufrepo.Snapshot, timestamp.Files[tufrepo.Snapshot].Version))
	if err != nil {
		return err
	}
	for role, f := range snapshot.Files {
		info, err := read(tufrepo.MetadataFile(role, f.Version))
		if err != nil {
			return err
		}
		for _, target := range info.Targets {
			if _, err := fetch(url + "/targets/" + tufrepo.StoredTarget(target.Path, target.SHA256)); err != nil {
				return err
			}
		}
	}
	return nil
}

func fetch(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// Attack 25: two publishers on one database and one folder. No version is used twice, both
// come through, and the folder ends at the newest.
func TestTwoPublishers(t *testing.T) {
	h := newHouse(t)
	h.released("armani", "cancro")
	started := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	second := ok(Open(h.ctx, h.config()))(t)
	defer second.Close()
	var wg sync.WaitGroup
	for i, p := range []*Publisher{h.Publisher, second} {
		wg.Go(func() {
			for range 4 {
				for _, turn := range []func() (fleet.Rollout, error){
					func() (fleet.Rollout, error) { return p.Halt(h.ctx, started[i].ID, "sue", "look") },
					func() (fleet.Rollout, error) { return p.Resume(h.ctx, started[i].ID, "sue", "fine") },
				} {
					if _, err := turn(); err != nil && !fleet.Is(err, fleet.Busy) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
	device := newClient(t, h.plain(), h.bundle().Files["1.root.json"])
	for _, body := range ok(device.refresh(h.now, "offers/armani/stable.json", "offers/cancro/stable.json"))(t) {
		if d := ok(offers.Parse(body))(t); d.Offers[0].State != offers.StateRunning {
			t.Errorf("%s ends %s", d.Model, d.Offers[0].State)
		}
	}
}

// TestCheckBesideARunningServer looks while another process publishes without a pause.
func TestCheckBesideARunningServer(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	started := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	cfg := h.config()
	cfg.ReadOnly = true
	look := ok(Open(h.ctx, cfg))(t)
	defer look.Close()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := h.Halt(h.ctx, started[0].ID, "sue", "look"); err != nil {
				t.Error(err)
			}
			if _, err := h.Resume(h.ctx, started[0].ID, "sue", "fine"); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		if faults := ok(look.Check(h.ctx, nil))(t); len(faults) > 0 {
			t.Error(faults)
		}
	}
	close(done)
	wg.Wait()
}

// After a restore the database is older than what handsets have seen.
func TestRestoredFromAnOlderDatabase(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	h.close()
	old := ok(os.ReadFile(filepath.Join(h.dir, "landed.db")))(t)
	h.reopen()
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	device := newClient(t, h.plain(), h.bundle("armani").Files["1.root.json"])
	ok(device.refresh(h.now, tufrepo.ManifestPath("armani", optIn, "armani_global")))(t)
	seen := ok(h.load(h.ctx))(t)

	h.close()
	for _, name := range []string{"landed.db-wal", "landed.db-shm"} {
		os.Remove(filepath.Join(h.dir, name))
	}
	if err := os.WriteFile(filepath.Join(h.dir, "landed.db"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(5 * time.Hour)
	h.reopen()
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	after := ok(h.load(h.ctx))(t)
	for role, info := range seen.info {
		if after.info[role].Version < info.Version {
			t.Errorf("%s went back from %d to %d", role, info.Version, after.info[role].Version)
		}
	}
	if after.info[tufrepo.Timestamp].Version <= seen.info[tufrepo.Timestamp].Version {
		t.Error("the timestamp did not grow")
	}
	if _, err := device.refresh(h.now, tufrepo.ManifestPath("armani", optIn, "armani_global")); err != nil {
		t.Errorf("a handset that saw the newer state stops: %v", err)
	}
}
