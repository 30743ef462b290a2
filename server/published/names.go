// SPDX-License-Identifier: Apache-2.0

package published

import (
	"cmp"
	"context"
	"slices"

	"landed/manifests/release"
	"landed/server/fleet"
)

// PhoneNames are what phones with the updaters of others ask for, by image variant, as the newest of releases says that has a
// full package for the variant. Only models that are wanted are looked at. What a release says that cannot be read is nothing,
// and phones ask for their model.
func PhoneNames(
	ctx context.Context, tx fleet.Tx, releases []fleet.Release, wanted func(model string) bool,
) (names []fleet.PhoneName, err error) {
	newest := slices.SortedStableFunc(slices.Values(releases), func(a, b fleet.Release) int {
		return cmp.Compare(b.Counter, a.Counter)
	})
	seen := map[[2]string]bool{} // model and variant
	for _, r := range newest {
		refs := slices.DeleteFunc(slices.Clone(r.Packages), func(ref fleet.PackageRef) bool {
			return ref.Model != "" && !wanted(ref.Model)
		})
		packages, _, err := gather(ctx, tx, refs) // one that is missing is offered to nobody
		if err != nil {
			return nil, err
		}
		var declared *release.Release
		for _, p := range packages {
			key := [2]string{p.Model, p.Variant}
			if len(p.PreBuilds) > 0 || seen[key] || !wanted(p.Model) {
				continue
			}
			seen[key] = true
			if declared == nil {
				parsed, _ := release.ParsePublished(r.Source)
				declared = &parsed
			}
			names = append(names, fleet.PhoneName{Model: p.Model, Variant: p.Variant, Release: r.Name,
				Name: declared.Clients[p.Model].Device(p.Model, p.Variant)})
		}
	}
	return names, nil
}
