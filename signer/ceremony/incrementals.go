// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"slices"

	"landed/manifests/tufrepo"
)

// bindIncrementals finds for each package of the request that no manifest names the one of the build that it leads to:
// that of its model, variant and channel. What the package itself says is held against it like that of the full one.
func (r *review) bindIncrementals() {
	for _, p := range r.p.Request.Packages {
		if _, named := r.byPackage[p.Path]; named {
			continue
		}
		for _, m := range r.manifests {
			if m.Model == p.Model && m.Variant == p.Variant && m.Channel == p.Channel {
				r.byPackage[p.Path] = m
			}
		}
	}
}

// judgeIncrementals wants a package beside the one that its manifest names to be an incremental, and to lead to the
// very partitions of that one.
func (r *review) judgeIncrementals() {
	for _, p := range r.p.Request.Packages {
		own, read := r.own[p.Path]
		m, named := r.byPackage[p.Path]
		if !read || !named || m.Package.Path == p.Path {
			continue
		}
		if !own.Facts.Incremental || len(own.Facts.PreBuild) == 0 {
			r.problem(FactsDiffer, true, "%s is a full package, and its manifest names another one, %s; a build has one.", own.Name,
				m.Package.Path)
		}
		full, have := r.own[m.Package.Path]
		if !have {
			r.problem(PackageMissing, true, "%s is an incremental to the build of %s, of which no copy could be compared with it.",
				own.Name, m.Package.Path)
			continue
		}
		switch a, b := own.Facts.Target, full.Facts.Target; {
		case a != b && a != "" && b != "":
			r.problem(FactsDiffer, true, "%s leads to other partitions than the full package %s. One of them was not built "+
				"from this build.", own.Name, full.Name)
		case a == "" || b == "":
			r.problem(TargetsUnknown, false, "Whether %s leads to the same bytes as %s cannot be known from these packages; "+
				"make sure that both were built from the same target files.", own.Name, full.Name)
		}
		if i := slices.IndexFunc(r.p.Request.Packages, func(o tufrepo.RequestPackage) bool {
			return o.Path < p.Path && r.byPackage[o.Path].path == m.path && o.Path != m.Package.Path &&
				slices.ContainsFunc(own.Facts.PreBuild, func(b string) bool { return slices.Contains(r.own[o.Path].Facts.PreBuild, b) })
		}); i >= 0 {
			r.problem(FactsDiffer, true, "%s and %s start from one build; a phone can be told of one.", r.p.Request.Packages[i].Name,
				own.Name)
		}
	}
}
