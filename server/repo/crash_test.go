// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

var errKilled = errors.New("killed here")

// Attack 24: the publisher ends after each single write. What a client sees in the folder is
// whole at every moment, and the next start finishes the publication.
func TestKilledAfterEachWrite(t *testing.T) {
	steps := 0
	for n := 1; ; n++ {
		h := kit.New(t)
		h.Begin("armani")
		c := h.Staged("armani")
		kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann"))(t)
		device := h.Client()
		kit.OK(device.Refresh(h.Now))(t)

		done, last := 0, ""
		h.Repo.AfterWrite(func(what string) error {
			if done++; done >= n {
				last = what
				return errKilled
			}
			return nil
		})
		_, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "2"), "ann")
		if err == nil {
			steps = n - 1
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("step %d: %v", n, err)
		}
		if _, err := device.Refresh(h.Now); err != nil {
			t.Errorf("killed after %s: a client cannot refresh from what lies there: %v", last, err)
		}
		h.Reopen()
		path := tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")
		if _, err := device.Refresh(h.Now, path); err != nil {
			t.Errorf("killed after %s, started again: %v", last, err)
		}
		if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
			t.Errorf("killed after %s, started again: %v", last, faults)
		}
	}
	if steps < 8 {
		t.Errorf("only %d writes were seen; wanted packages, manifests, the role, snapshot and timestamp", steps)
	}
}

// A poller at full speed during many publications never gets a 404 for a file that is listed.
func TestListedFilesAreNeverMissing(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	url := h.FeedURL()
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
			kit.OK(h.Rollouts.Halt(h.Ctx, started[0].ID, "sue", "look"))(t)
		} else {
			kit.OK(h.Rollouts.Resume(h.Ctx, started[0].ID, "sue", "fine"))(t)
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
			for _, name := range []string{tufrepo.StoredTarget(target.Path, target.SHA256),
				tufrepo.PrefixedTarget(target.Path, target.SHA256)} {
				if _, err := fetch(url + "/targets/" + name); err != nil {
					return err
				}
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
	h := kit.New(t)
	h.Released("armani", "cancro")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	second := kit.OK(rooms.Open(h.Ctx, h.Config()))(t)
	defer second.Close()
	var wg sync.WaitGroup
	for i, p := range []*rooms.Rooms{h.Rooms, second} {
		p.Repo.Patience(2 * time.Minute) // with the other, on a busy machine
		wg.Go(func() {
			for range 4 {
				for _, change := range []func() (fleet.Rollout, error){
					func() (fleet.Rollout, error) { return p.Rollouts.Halt(h.Ctx, started[i].ID, "sue", "look") },
					func() (fleet.Rollout, error) { return p.Rollouts.Resume(h.Ctx, started[i].ID, "sue", "fine") },
				} {
					_, err := change()
					for deadline := time.Now().Add(2 * time.Minute); fleet.Is(err, fleet.Busy) && time.Now().Before(deadline); _, err = change() {
						time.Sleep(time.Millisecond)
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
	device := h.Client()
	for _, body := range kit.OK(device.Refresh(h.Now, "offers/armani/stable.json", "offers/cancro/stable.json"))(t) {
		if d := kit.OK(offers.Parse(body))(t); d.Offers[0].State != offers.StateRunning {
			t.Errorf("%s ends %s", d.Model, d.Offers[0].State)
		}
	}
}

// TestCheckBesideARunningServer looks while another process publishes without a pause.
func TestCheckBesideARunningServer(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	cfg := h.Config()
	cfg.ReadOnly = true
	look := kit.OK(rooms.Open(h.Ctx, cfg))(t)
	defer look.Close()
	for _, r := range []*rooms.Rooms{h.Rooms, look} { // with each other, on a busy machine
		r.Repo.Patience(2 * time.Minute)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := h.Rollouts.Halt(h.Ctx, started[0].ID, "sue", "look"); err != nil {
				t.Error(err)
			}
			if _, err := h.Rollouts.Resume(h.Ctx, started[0].ID, "sue", "fine"); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	defer close(done)
	for range 20 {
		if faults := kit.OK(look.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
			t.Error(faults)
		}
	}
}
