// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"net/http"
	"strings"
	"testing"

	"landed/manifests/effect/probe"
)

// manifestFetches counts how often a file of the offline role is asked for that is no package.
func (r *rig) manifestFetches() *int {
	n := new(int)
	r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasPrefix(req.URL.Path, "/tuf/targets/builds/") && strings.HasSuffix(req.URL.Path, ".json") {
			*n++
		}
		return false
	}
	return n
}

// TestManifestIsReadByANewerProgram: the folder is one that an older program left, which did not understand the
// manifest and asked nothing since. The newer one asks, at its first poll, though the feed is as it was.
func TestManifestIsReadByANewerProgram(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	r.client.mem.Ask = probe.Ask{} // but AskOf is the hash of it, and Validator that of the timestamp
	if err := r.client.save(); err != nil || r.client.mem.AskOf == "" || r.client.mem.Validator == "" {
		t.Fatalf("%v, the manifest %q, the timestamp %q", err, r.client.mem.AskOf, r.client.mem.Validator)
	}
	r.open()
	fetched := r.manifestFetches()
	r.client.Hurry()
	r.step()
	if answers := r.client.answers(); *fetched != 1 || answers["state"].String() != "off" {
		t.Errorf("fetched %d times, answers %v", *fetched, answers)
	}
}
