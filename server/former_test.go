// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/device/feed"
	"landed/server/fleet"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// noFiles is a store whose contents are no local files, as in a bucket.
type noFiles struct{ blob.Store }

// TestOlderMetadataLeadOn: a handset that has read the metadata of a moment ago, or a cache that has kept them, finds all
// that they name after the next publications and the next start, wherever packages lie.
func TestOlderMetadataLeadOn(t *testing.T) {
	for name, bucket := range map[string]bool{"packages in the data folder": false, "packages in a bucket": true} {
		t.Run(name, func(t *testing.T) {
			r := kit.New(t, func(c *rooms.Config) {
				if bucket {
					c.Blobs = noFiles{c.Blobs}
				}
			})
			r.Released("armani")
			rollout := kit.OK(r.Rollouts.Start(r.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
			before := r.State()
			var paths []string
			for _, role := range []string{tufrepo.Snapshot, tufrepo.OffersRole("armani"), "armani"} {
				paths = append(paths, "metadata/"+tufrepo.MetadataFile(role, before.Version(role)))
			}
			offers, _ := before.Target(tufrepo.OffersRole("armani"), tufrepo.OffersPath("armani", "stable"))
			paths = append(paths, "targets/"+tufrepo.StoredTarget(offers.Path, offers.SHA256))

			kit.OK(r.Rollouts.Halt(r.Ctx, rollout.ID, "bob", "a test"))(t)
			kit.OK(r.Rollouts.Resume(r.Ctx, rollout.ID, "bob", "a test"))(t)
			r.Reopen()
			now, _ := r.State().Target(tufrepo.OffersRole("armani"), offers.Path)
			paths = append(paths, "targets/"+tufrepo.StoredTarget(now.Path, now.SHA256))
			if before.Version(tufrepo.Snapshot)+2 != r.State().Version(tufrepo.Snapshot) {
				t.Fatalf("snapshot %d, then %d: nothing was published", before.Version(tufrepo.Snapshot), r.State().Version(tufrepo.Snapshot))
			}
			h := newFeedOf(t, r, bucket)
			for _, path := range paths {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", feed.Prefix+path, nil))
				if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
					t.Errorf("%s: %d %v", path, w.Code, w.Header())
				}
			}
			if faults := kit.OK(r.Repo.Check(r.Ctx, nil))(t); len(faults) > 0 {
				t.Errorf("the check finds %q", faults)
			}
		})
	}
}

func newFeedOf(t *testing.T, r *kit.Rooms, bucket bool) *feed.Handler {
	t.Helper()
	var elsewhere blob.Store
	if bucket {
		elsewhere = r.Blobs
	}
	h, err := feed.New(filepath.Join(r.Dir, "feed"), elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.Publish(nil, func(stored string) bool { _, ok := r.Repo.Length(stored); return ok })
	return h
}

// TestOffersComeBackIntoTheFolder: with packages in a bucket too, what was lost of the folder is written again, what
// lies there of a write that was cut off is swept, and a document that is not as it was signed is told as lost.
func TestOffersComeBackIntoTheFolder(t *testing.T) {
	r := kit.New(t, func(c *rooms.Config) { c.Blobs = noFiles{c.Blobs} })
	var log strings.Builder
	r.LogTo(&log, 0)
	r.Released("armani")
	kit.OK(r.Rollouts.Start(r.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	offers, _ := r.State().Target(tufrepo.OffersRole("armani"), tufrepo.OffersPath("armani", "stable"))
	file := filepath.Join(r.Dir, "feed", "targets", filepath.FromSlash(tufrepo.StoredTarget(offers.Path, offers.SHA256)))
	packages, _ := filepath.Glob(filepath.Join(r.Dir, "feed", "targets", "builds", "*", "*"))
	if len(packages) > 0 {
		t.Errorf("of the bucket %v was copied", packages)
	}
	want := kit.OK(os.ReadFile(file))(t)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if faults := kit.OK(r.Repo.Check(r.Ctx, nil))(t); len(faults) != 1 || !strings.Contains(faults[0], "offers/armani") {
		t.Errorf("the check finds %q", faults)
	}
	left := filepath.Join(filepath.Dir(file), ".new-left")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Reopen()
	if got := kit.OK(os.ReadFile(file))(t); string(got) != string(want) {
		t.Errorf("after a start it holds %s", got)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("half a file was left")
	}

	content := filepath.Join(r.Dir, "blobs", "blobs", offers.SHA256[:2], offers.SHA256)
	overwrite(t, content, func(b []byte) []byte { b[0] ^= 1; return b })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r.Reopen()
	if _, err := os.Stat(file); err == nil || !strings.Contains(log.String(), "published content is lost") {
		t.Errorf("damaged bytes were put into the feed, or nobody was told: %v\n%s", err, log.String())
	}
	r.Now = r.Now.Add(5 * time.Hour)
	if err := r.Renew(r.Ctx); err != nil && !fleet.Is(err, fleet.Pending) {
		t.Errorf("one lost document stops the timestamps: %v", err)
	}
}
