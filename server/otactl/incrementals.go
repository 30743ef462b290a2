// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"slices"

	"landed/server/otactl/client"
)

// withIncrementals adds to full packages the incrementals that lead to the same build of the same image and channel.
func withIncrementals(all, fulls []client.Package) []client.Package {
	found := slices.Clone(fulls)
	for _, p := range all {
		if len(p.PreBuilds) > 0 && slices.ContainsFunc(fulls, func(f client.Package) bool {
			return f.Model == p.Model && f.Variant == p.Variant && f.Channel == p.Channel && f.Build == p.Build
		}) {
			found = append(found, p)
		}
	}
	return found
}
