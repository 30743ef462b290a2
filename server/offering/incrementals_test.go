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
	offered := func(releases int) (paths []string) {
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
		d, unlisted := Document(in)
		if err := d.Validate(); err != nil || len(unlisted) > 0 {
			t.Errorf("%v, %v", err, unlisted)
		}
		for _, o := range d.Offers {
			if name := strings.TrimPrefix(o.Package.Path, "builds/armani/"); strings.HasPrefix(name, "from-") != (len(o.PreBuilds) > 0) {
				t.Errorf("%s starts from %q", name, o.PreBuilds)
			}
			paths = append(paths, strings.TrimSuffix(strings.TrimPrefix(o.Package.Path, "builds/armani/"), ".zip"))
		}
		return paths
	}
	for releases, want := range map[int]string{
		1: "[from-armani_1 from-armani_global_1 armani_1 armani_global_1]",
		3: "[from-armani_3 from-armani_global_3 armani_3 armani_global_3 armani_2 armani_global_2 armani_1 armani_global_1]",
		5: "[armani_5 armani_global_5 armani_4 armani_global_4 armani_3 armani_global_3 armani_2 armani_global_2]",
	} {
		if got := fmt.Sprint(offered(releases)); got != want {
			t.Errorf("%d releases: %s, wanted %s", releases, got, want)
		}
	}
}
