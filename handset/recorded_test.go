// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/slots"
	"landed/manifests/otapkg"
)

const recordedV1 = "testdata/feed-v1"

// recordedAt is when the feed of version 1 was recorded; an hour later its timestamp is still good.
var recordedAt = time.Date(2026, 11, 25, 21, 36, 44, 0, time.UTC)

// TestRecordedFeed holds the promise that a feed and a handset's folder outlive the program that wrote them.
func TestRecordedFeed(t *testing.T) {
	for _, tc := range []struct {
		state   string // of a recorded handset; "" for a new one
		kind    fixtures.Kind
		part    int // bytes of the package that lie on the disk
		reports int // that it makes from here on
		ranges  string
	}{
		{"", fixtures.Unpatched, 0, 4, ""},
		{"handset-idle", fixtures.Unpatched, 0, 4, ""},
		{"handset-downloading", fixtures.Unpatched, 20_000, 2, "bytes=20000-"}, // that it downloads, it has said
		{"handset-observing", fixtures.Patched, 0, 0, "none"},                  // its release asks nothing that a program of today would answer anew
	} {
		t.Run("handset "+tc.state, func(t *testing.T) {
			r, ranges := newRecordedRig(t, tc.state, tc.kind, tc.part)
			seq := r.client.store.mem.Seq
			if refusal := r.step(); refusal != nil {
				t.Fatal(refusal)
			}
			st, err := r.client.Status()
			if err != nil || !strings.HasSuffix(st.Build.Fingerprint, "/JHCMIBH46.0:user/release-keys") || st.State != Observing {
				t.Errorf("%s: %s runs (%s), %v", st.State, st.Build.Fingerprint, st.Reason, err)
			}
			if made := int(r.client.store.mem.Seq - seq); made != tc.reports {
				t.Errorf("%d reports were made, wanted %d", made, tc.reports)
			}
			if *ranges != tc.ranges {
				t.Errorf("the package was asked for with Range %q, wanted %q", *ranges, tc.ranges)
			}
			r.now = r.now.Add(14 * time.Hour)
			r.open() // what it writes today it reads again
			if refusal := r.step(); refusal != nil {
				t.Error(refusal)
			}
		})
	}
}

// newRecordedRig is a handset before the recorded feed; the second result is the Range header of the last request
// for the package, "none" if there was no request.
func newRecordedRig(t *testing.T, state string, kind fixtures.Kind, part int) (*rig, *string) {
	t.Helper()
	r := &rig{t: t, now: recordedAt.Add(time.Hour), dir: t.TempDir(), entropy: rand.NewChaCha8([32]byte{1})}
	r.first = r.now
	r.elapsed = testStart.Sub(r.now)
	files, ranges := http.FileServer(http.Dir(recordedV1+"/feed")), "none"
	r.rt = direct{http.StripPrefix("/tuf", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, ".zip") {
			ranges = req.Header.Get("Range")
		}
		files.ServeHTTP(w, req)
	}))}
	var err error
	if r.slots, err = slots.Open(r.dir+"/slots", slots.Recovery, build(t, kind).SystemFiles()); err != nil {
		t.Fatal(err)
	}
	if state != "" {
		if err := os.CopyFS(r.dir+"/client", os.DirFS(filepath.Join(recordedV1, state))); err != nil {
			t.Fatal(err)
		}
	}
	if part > 0 {
		zip, _ := filepath.Glob(recordedV1 + "/feed/targets/builds/armani/*.zip")
		content := readFile(t, zip[0])
		if err := os.WriteFile(filepath.Join(r.dir, "client", downloadFile), content[:part], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.booted, _ = r.slots.Image()
	r.root = readFile(t, recordedV1+"/feed/metadata/1.root.json")
	if r.keys, err = otapkg.ParsePins(readFile(t, recordedV1+"/ota.cert.pem")); err != nil {
		t.Fatal(err)
	}
	r.open()
	r.client.Hurry()
	return r, &ranges
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
