// SPDX-License-Identifier: Apache-2.0

package effect

import "slices"

// Promise is what a release says of one model, as far as others are judged by it too.
type Promise struct {
	Release string
	Counter int64
	Program *Program // nil for a release that claims no effect
	Builds  []Build  // of the model
}

// Keeps says if a handset that runs a build of p still has what an older release promised: then its reports are judged
// by that promise too.
func (p Promise) Keeps(older Promise) bool {
	return p.Counter >= older.Counter && p.Program != nil && older.Program != nil &&
		p.Program.Effect.Name == older.Program.Effect.Name
}

// StandardOf is what an installation is judged by against own, given every promise for its model: the builds of own, and
// those of later releases that keep its effect, because a handset that went further still shows it; and which builds are
// of earlier releases. It does not depend on the order of all; own may be among them or not.
func StandardOf(own Promise, all []Promise) Standard {
	by := Standard{Program: own.Program, Builds: slices.Clone(own.Builds)}
	for _, p := range all {
		switch {
		case p.Release == own.Release:
		case p.Keeps(own):
			by.Builds = append(by.Builds, p.Builds...)
		case p.Counter < own.Counter:
			for _, b := range p.Builds {
				by.Older = append(by.Older, b.Fingerprint)
			}
		}
	}
	// The same bytes may have gone out under an earlier release, on another channel.
	by.Older = slices.DeleteFunc(by.Older, func(older string) bool {
		return slices.ContainsFunc(by.Builds, func(b Build) bool { return b.Fingerprint == older })
	})
	return by
}
