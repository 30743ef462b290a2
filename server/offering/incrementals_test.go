// SPDX-License-Identifier: Apache-2.0

package offering

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"landed/manifests/tufrepo"
)

// Incrementals stand before the full packages of their release, and go first where there is no room.
func TestDocumentWithIncrementals(t *testing.T) {
	offered := func(releases int) (paths, gone []string) {
		in, listed := line(t, releases, "armani", "armani_global")
		for _, r := range in.Rollouts {
			for _, full := range slices.Clone(in.Packages[r.Release]) {
				small := full
				small.Name = "from-" + full.Name
				small.PreBuilds = []string{"old"}
				in.Packages[r.Release] = append(in.Packages[r.Release], small)
				target := listed[tufrepo.PackagePath("armani", full.Name)]
				target.Path = tufrepo.PackagePath("armani", small.Name)
				listed[target.Path] = target
			}
		}
		d, unlisted, cut := Document(in)
		if err := d.Validate(); err != nil || len(unlisted) > 0 {
			t.Errorf("%v, %v", err, unlisted)
		}
		packages := 0
		for _, r := range in.Rollouts {
			packages += len(in.Packages[r.Release])
		}
		if len(d.Offers)+len(cut) != packages {
			t.Errorf("%d packages are %d offers, and %d were cut", packages, len(d.Offers), len(cut))
		}
		for _, c := range cut {
			gone = append(gone, c.Rollout.ID+"/"+strings.TrimSuffix(c.Package.Name, ".zip"))
		}
		for _, o := range d.Offers {
			if name := strings.TrimPrefix(o.Package.Path, "builds/armani/"); strings.HasPrefix(name, "from-") != (len(o.PreBuilds) > 0) {
				t.Errorf("%s starts from %q", name, o.PreBuilds)
			}
			paths = append(paths, strings.TrimSuffix(strings.TrimPrefix(o.Package.Path, "builds/armani/"), ".zip"))
		}
		return paths, gone
	}
	for _, tt := range []struct {
		releases  int
		want, cut string
	}{
		{1, "[from-armani_1 from-armani_global_1 armani_1 armani_global_1]", "[]"},
		{3, "[from-armani_3 from-armani_global_3 armani_3 armani_global_3 armani_2 armani_global_2 armani_1 armani_global_1]",
			"[r1/from-armani_global_1 r1/from-armani_1 r2/from-armani_global_2 r2/from-armani_2]"},
		{5, "[armani_5 armani_global_5 armani_4 armani_global_4 armani_3 armani_global_3 armani_2 armani_global_2]",
			"[r1/from-armani_global_1 r1/from-armani_1 r2/from-armani_global_2 r2/from-armani_2 r3/from-armani_global_3 " +
				"r3/from-armani_3 r4/from-armani_global_4 r4/from-armani_4 r5/from-armani_global_5 r5/from-armani_5 " +
				"r1/armani_global_1 r1/armani_1]"},
	} {
		if paths, cut := offered(tt.releases); fmt.Sprint(paths) != tt.want || fmt.Sprint(cut) != tt.cut {
			t.Errorf("%d releases: %s, cut %s; wanted %s, cut %s", tt.releases, paths, cut, tt.want, tt.cut)
		}
	}
}
