// SPDX-License-Identifier: Apache-2.0

package release

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
)

// listed is a build of a variant as a role lists it: the packages that lead to it, of one release.
type listed struct {
	manifests.Custom
	role  string
	paths []string // of its packages: one is full
}

// nextTargets are the targets of a role with what is added, less the oldest builds beyond
// KeepBuilds of a variant. A build is its packages and their manifest; what a release says beside goes with its last build.
func nextTargets(have, added []tufrepo.Target) (next []tufrepo.Target, pruned []string) {
	byPath := map[string]tufrepo.Target{}
	for _, t := range slices.Concat(have, added) {
		byPath[t.Path] = t
	}
	gone := map[string][2]string{}
	for _, builds := range listedBuilds(byPath) {
		for _, old := range builds[min(len(builds), KeepBuilds):] {
			for _, path := range old.paths {
				pruned = append(pruned, path)
				delete(byPath, path)
			}
			delete(byPath, tufrepo.ManifestPath(old.role, old.Release, old.Variant))
			gone[old.role+" "+old.Release] = [2]string{
				tufrepo.EffectPath(old.role, old.Release), tufrepo.NotesPath(old.role, old.Release),
			}
		}
	}
	for path := range byPath {
		if c, err := manifests.ParseCustom(byPath[path].Custom); err == nil {
			delete(gone, strings.Split(path, "/")[1]+" "+c.Release)
		}
	}
	for _, documents := range gone {
		delete(byPath, documents[0])
		delete(byPath, documents[1])
	}
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		next = append(next, byPath[path])
	}
	slices.Sort(pruned)
	return next, pruned
}

// listedBuilds are the builds of each variant, newest first.
func listedBuilds(byPath map[string]tufrepo.Target) map[string][]listed {
	builds := map[string][]listed{}
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		c, err := manifests.ParseCustom(byPath[path].Custom)
		if err != nil {
			continue
		}
		list := builds[c.Variant]
		i := slices.IndexFunc(list, func(l listed) bool { return l.Release == c.Release && l.Build == c.Build })
		if i < 0 {
			i, list = len(list), append(list, listed{Custom: c, role: strings.Split(path, "/")[1]})
		}
		list[i].paths = append(list[i].paths, path)
		builds[c.Variant] = list
	}
	for _, list := range builds {
		slices.SortFunc(list, func(a, b listed) int {
			return cmp.Or(cmp.Compare(b.Counter, a.Counter), cmp.Compare(b.Build.UTC, a.Build.UTC),
				strings.Compare(a.paths[0], b.paths[0]))
		})
	}
	return builds
}
