// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rooms"
	kit "landed/server/servertest"
	"landed/server/store"
)

// twoServers are the libraries of two servers on one database and one blob store.
func twoServers(t *testing.T) (*kit.Rooms, [2]*library.Library) {
	t.Helper()
	h := kit.New(t, func(c *rooms.Config) { c.Shared = true })
	db := kit.OK(store.Open(h.Ctx, filepath.Join(h.Dir, "landed.db"), func() time.Time { return h.Now }))(t)
	c := h.Config()
	c.Store, c.Dir = db, filepath.Join(t.TempDir(), "feed")
	other := kit.OK(rooms.Open(h.Ctx, c))(t)
	t.Cleanup(func() { other.Close(); db.Close() })
	return h, [2]*library.Library{h.Library, other.Library}
}

// TestUploadWhileAnotherServerDeletes: bytes that are being deleted are not taken in again before that is done.
func TestUploadWhileAnotherServerDeletes(t *testing.T) {
	h, both := twoServers(t)
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	upload := func() error {
		_, err := both[1].Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body))
		return err
	}
	pkg := kit.OK(both[0].Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(t)
	tried := false
	both[0].AfterStep(func(done string) error {
		if done == "marked" {
			kit.CheckError(t, upload(), "content_deleting", "again in a minute")
			tried = true
		}
		return nil
	})
	kit.OK(both[0].Remove(h.Ctx, pkg.SHA256, "bob", ""))(t)
	if err := upload(); err != nil || !tried {
		t.Errorf("after it was deleted: %v", err)
	}
	if err := blob.Verify(h.Ctx, h.Blobs, blob.Ref(pkg.SHA256)); err != nil {
		t.Error(err)
	}
}

// TestTwoServersAndOneStore has two servers upload and remove the same bytes at the same moments: whatever becomes of
// each wish, what is a package in the end has its bytes.
func TestTwoServersAndOneStore(t *testing.T) {
	h, both := twoServers(t)
	for _, l := range both {
		l.AfterStep(func(string) error {
			time.Sleep(rand.N(20 * time.Millisecond)) // an upload fits in
			return nil
		})
	}
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	sha256 := ""
	taken, removed, there := 0, 0, 0
	var mu sync.Mutex
	for round := range 25 {
		var group sync.WaitGroup
		for _, l := range both {
			group.Go(func() {
				for n := range 3 {
					_, err := l.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body))
					if err != nil && !fleet.Is(err, fleet.Busy) {
						t.Errorf("round %d, upload %d: %v", round, n, err)
					}
					mu.Lock()
					if err == nil {
						taken++
					}
					mu.Unlock()
				}
			})
			group.Go(func() {
				for range 3 {
					mu.Lock()
					of := sha256
					mu.Unlock()
					if of == "" {
						return
					}
					_, err := l.Remove(h.Ctx, of, "bob", "")
					if err != nil && !fleet.Is(err, fleet.NotFound) && !fleet.Is(err, fleet.Busy) {
						t.Errorf("round %d: removal: %v", round, err)
					}
					mu.Lock()
					if err == nil {
						removed++
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		var all []fleet.Package
		h.View(func(tx fleet.Tx) (err error) { all, err = tx.Packages().List(h.Ctx); return err })
		for _, p := range all {
			there++
			sha256 = p.SHA256
			if err := blob.Verify(h.Ctx, h.Blobs, blob.Ref(p.SHA256)); err != nil {
				t.Fatalf("round %d: a package without its bytes: %v", round, err)
			}
		}
	}
	t.Logf("%d uploads were taken, %d removals done, and a package was there after %d rounds", taken, removed, there)
	if removed == 0 || there == 0 {
		t.Error("nothing was tried")
	}
}
