// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"net/http"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// incremental puts an incremental of the patched build beside the full package: signed for by the same manifest, and
// said by the offers to start from named.
func (r *rig) incremental(t *testing.T, from string, named ...string) manifests.Package {
	t.Helper()
	b := build(t, fixtures.Patched)
	b.From = []string{from}
	offer := r.offer
	offer.Package = r.server.Add(r.offer.Custom, "incremental-"+b.Incremental, packageOf(t, b)).Package
	offer.PreBuilds = named
	r.server.Offers["armani"] = []offers.Offer{offer, r.offer}
	r.server.Publish()
	return offer.Package
}

// A handset on the build that an incremental starts from takes that one, and any other handset the full package.
func TestIncrementalOrFull(t *testing.T) {
	source := build(t, fixtures.Unpatched).Fingerprint
	for _, c := range []struct {
		name, from      string
		wantIncremental bool
	}{
		{"on the source build", source, true},
		{"on another build", strings.Replace(source, "JHC", "JHD", 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			small := r.incremental(t, c.from, c.from)
			fetched := map[string]bool{}
			r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
				for name, p := range map[string]manifests.Package{"incremental": small, "full": r.offer.Package} {
					fetched[name] = fetched[name] || strings.Contains(req.URL.Path, p.SHA256)
				}
				return false
			}
			for range 6 {
				if refusal := r.step(); refusal != nil {
					t.Fatal(refusal)
				}
			}
			if !r.patched() || fetched["incremental"] != c.wantIncremental || fetched["full"] == c.wantIncremental {
				t.Errorf("patched %v, fetched %v", r.patched(), fetched)
			}
		})
	}
}

// Where an incremental starts is said by the online role alone; the handset believes the package.
func TestIncrementalOfAnotherBuildIsRefused(t *testing.T) {
	r := newRig(t)
	source := build(t, fixtures.Unpatched).Fingerprint
	r.incremental(t, strings.Replace(source, "JHC", "JHD", 1), source)
	var refusal *Refusal
	for i := 0; i < 6 && refusal == nil; i++ {
		refusal = r.step()
	}
	if refusal == nil || refusal.Phase != report.PhaseVerify || !strings.Contains(refusal.Error(), "incremental from another build") || r.patched() {
		t.Errorf("got %v", refusal)
	}
}
