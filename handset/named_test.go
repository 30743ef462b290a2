// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"strings"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/report"
)

// TestBuildOfAnEarlierRelease: a build that a release named is named to the next one as well, over restarts: so that
// what it shows is not judged by rules that were not made for it. A build that no release named stays unnamed.
func TestBuildOfAnEarlierRelease(t *testing.T) {
	for name, updated := range map[string]bool{"runs the first release": true, "never updated": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			want := report.BuildOther
			if updated {
				want = r.offer.Custom.Build.Fingerprint
			} else {
				r.offer.Share = 0
				r.offered()
			}
			if refusal := r.step(); refusal != nil || r.patched() != updated {
				t.Fatal(refusal)
			}
			custom := r.offer.Custom
			custom.Release, custom.Counter = "corrected", 2
			custom.Build.UTC++
			custom.Build.Fingerprint = strings.Replace(custom.Build.Fingerprint, "H46.0", "H48.0", 1)
			next := r.server.AddRelease(custom, askOf(t, optIn), "later", r.content)
			next.Share = 0
			r.server.Offers["armani"] = []offers.Offer{next}
			r.server.Publish()
			r.open()
			r.now = r.now.Add(14 * time.Hour)
			r.step()
			all := r.server.Reports()
			last := all[len(all)-1]
			if last.Release != "corrected" || last.Build != want || (last.BuildUTC != 0) != updated {
				t.Errorf("about %s it reports build %s of %d, wanted %s", last.Release, last.Build, last.BuildUTC, want)
			}
			if last.Progress != report.ProgressKnown {
				t.Errorf("progress %s", last.Progress)
			}
		})
	}
}
